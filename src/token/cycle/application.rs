//! Smartcar's v3: one token for the whole application, by the client credentials grant (RFC 6749 section 4.4). It lives for an
//! hour and nothing is used up when another is asked for: whatever goes wrong, it is asked for again, and never over.

use serde::{Deserialize, Serialize};

use crate::{
    http_api::Cause,
    secret::serde_exposed,
    time::{Millis, UnixMillis},
    token::{
        cycle::{
            backoff::{LONGEST_BACKOFF, RETRY_AT_ONCE_WITHIN, exponential_backoff},
            owner::RefreshState,
            verdict::{Decision, Policy, TokenCycle, Unavailable, Verdict},
        },
        error::{TokenError, TokenResult, TokenSet},
        lifetime::is_fresh,
        secrets::AccessToken,
    },
};

/// For how long after its issue another token is no remedy for one that Smartcar refuses, and that came in place of one that it
/// refused.
const REJECTED_TOKEN_COOLDOWN: Millis = Millis::from_mins(1);

/// The newest token of the application.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct IssuedApplicationToken {
    /// For calls to the API, for every owner's cars.
    #[serde(with = "serde_exposed")]
    pub access_token: AccessToken,
    /// When it expires.
    pub expires_at: UnixMillis,
    /// When it was issued.
    pub issued_at: UnixMillis,
    /// Whether it was asked for because Smartcar refused the one before.
    pub replaces_refused: bool,
}

/// A request that is under way, unless its process has died.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApplicationAttempt {
    /// When it was sent.
    pub sent_at: UnixMillis,
    /// Requests in a row without a pause, 1 or 2.
    pub tries: u32,
    /// Whether it is sent because Smartcar refused the newest token.
    pub replaces_refused: bool,
}

/// What is kept to have the application's access token.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ApplicationTokens {
    /// Counts the tokens; 0 while there was none.
    pub generation: u64,
    /// The newest token, if there was one.
    pub newest: Option<IssuedApplicationToken>,
    /// The request that is under way.
    pub attempt: Option<ApplicationAttempt>,
    /// How the latest request went.
    pub refresh: RefreshState,
}

impl ApplicationTokens {
    /// Before the first token.
    #[must_use]
    pub const fn none(now: UnixMillis) -> Self {
        Self {
            generation: 0,
            newest: None,
            attempt: None,
            refresh: RefreshState::Ok { since: now },
        }
    }

    /// The newest access token and when it expires, if there was one. Only after [`Decision::Use`] or [`Decision::Renewed`] is
    /// it known to be good.
    #[must_use]
    pub fn access_token(&self) -> Option<(&AccessToken, UnixMillis)> {
        let newest = self.newest.as_ref()?;
        Some((&newest.access_token, newest.expires_at))
    }

    fn begun(&self, tries: u32, replaces_refused: bool, now: UnixMillis) -> Self {
        Self {
            attempt: Some(ApplicationAttempt {
                sent_at: now,
                tries,
                replaces_refused,
            }),
            ..self.clone()
        }
    }

    fn renewed(&self, tokens: TokenSet, now: UnixMillis) -> Self {
        Self {
            generation: self.generation.saturating_add(1),
            // There is no refresh token, and nothing would be done with one (RFC 6749 section 4.4.3).
            newest: Some(IssuedApplicationToken {
                access_token: tokens.access_token,
                expires_at: tokens.access_expires_at,
                issued_at: now,
                replaces_refused: self.attempt.is_some_and(|attempt| attempt.replaces_refused),
            }),
            attempt: None,
            refresh: match self.refresh {
                RefreshState::Ok { since } => RefreshState::Ok { since },
                RefreshState::Failing { .. } => RefreshState::Ok { since: now },
            },
        }
    }

    fn failed(&self, error: TokenError, now: UnixMillis) -> Verdict<Self> {
        let first_and_quick = self
            .attempt
            .filter(|attempt| attempt.tries == 1 && now.since(attempt.sent_at) < RETRY_AT_ONCE_WITHIN);
        if let Some(first) = first_and_quick
            && error.is_ambiguous()
            && error.retry_after().is_none()
        {
            return Verdict::put(self.begun(2, first.replaces_refused, now), Decision::Request);
        }
        let (since, failures) = match self.refresh {
            RefreshState::Ok { .. } => (now, 1),
            RefreshState::Failing { since, failures, .. } => (since, failures.saturating_add(1)),
        };
        let cause = cause_of(error);
        let retry_after = backoff(error, failures);
        let failing = Self {
            attempt: None,
            refresh: RefreshState::Failing {
                cause,
                since,
                failures,
                retry_at: now.after(retry_after),
            },
            ..self.clone()
        };
        let decision = failing.use_or_wait(now, Unavailable { cause, retry_after });
        Verdict::put(failing, decision)
    }

    /// The token as long as it lives: a request for another that fails takes nothing away from it.
    fn use_or_wait(&self, now: UnixMillis, unavailable: Unavailable) -> Decision {
        match &self.newest {
            Some(newest) if now < newest.expires_at => Decision::Use,
            _ => Decision::Wait(unavailable),
        }
    }
}

impl TokenCycle for ApplicationTokens {
    fn want(&self, rejected: Option<u64>, now: UnixMillis, _policy: &Policy) -> Verdict<Self> {
        let was_rejected = rejected == Some(self.generation);
        let fresh = self.newest.as_ref().filter(|newest| is_fresh(newest.expires_at, now));
        match fresh {
            Some(_) if !was_rejected => return Verdict::keep(Decision::Use),
            // Not one that only a clock that was ahead can have dated.
            Some(newest) if newest.replaces_refused && newest.issued_at <= now => {
                let rests_until = newest.issued_at.after(REJECTED_TOKEN_COOLDOWN);
                if now < rests_until {
                    let retry_after = rests_until.since(now);
                    return Verdict::keep(Decision::Rejected { retry_after });
                }
            }
            _ => {}
        }
        match self.refresh {
            RefreshState::Failing { cause, retry_at, .. } if now < retry_at => {
                let retry_after = retry_at.since(now);
                let unavailable = Unavailable { cause, retry_after };
                Verdict::keep(if was_rejected {
                    Decision::Wait(unavailable)
                } else {
                    self.use_or_wait(now, unavailable)
                })
            }
            _ => Verdict::put(self.begun(1, was_rejected, now), Decision::Request),
        }
    }

    fn ended(&self, generation: u64, outcome: TokenResult, now: UnixMillis, _policy: &Policy) -> Verdict<Self> {
        if generation != self.generation {
            let unavailable = Unavailable {
                cause: Cause::ConnectionLost,
                retry_after: Millis::from_secs(1),
            };
            return Verdict::keep(self.use_or_wait(now, unavailable));
        }
        match outcome {
            Ok(tokens) => Verdict::put(self.renewed(tokens, now), Decision::Renewed),
            Err(error) => self.failed(error, now),
        }
    }

    fn clamped(&self, now: UnixMillis) -> Option<Self> {
        let mut clamped = self.clone();
        let mut changed = false;
        if let RefreshState::Failing { retry_at, .. } = &mut clamped.refresh
            && *retry_at > now.after(LONGEST_BACKOFF)
        {
            (*retry_at, changed) = (now, true);
        }
        if let Some(newest) = &mut clamped.newest
            && newest.issued_at > now
        {
            (newest.issued_at, changed) = (now, true);
        }
        changed.then_some(clamped)
    }

    fn generation(&self) -> u64 {
        self.generation
    }
}

/// There is no grant of an owner's that could be invalid: whatever is refused is the application.
fn cause_of(error: TokenError) -> Cause {
    match error {
        TokenError::InvalidGrant => Cause::RefusedWithoutReason,
        other => other.into(),
    }
}

/// How long to wait before the next request: doubling from a second, from longer where the next will probably be refused as
/// well, or what Smartcar asked for.
fn backoff(error: TokenError, failures: u32) -> Millis {
    let shortest = Millis::from_secs(1);
    match error {
        TokenError::RateLimited {
            retry_after: Some(span),
        } => span.max(shortest),
        TokenError::RateLimited { retry_after: None } => exponential_backoff(Millis::from_secs(5), failures),
        TokenError::InvalidClient
        | TokenError::InvalidGrant
        | TokenError::RefusedWithoutReason
        | TokenError::Redirected => exponential_backoff(Millis::from_secs(30), failures).min(LONGEST_REFUSED),
        TokenError::ServerError {
            retry_after: Some(span),
        } => span.max(exponential_backoff(shortest, failures)),
        TokenError::ServerError { retry_after: None }
        | TokenError::TimedOut
        | TokenError::ConnectionLost
        | TokenError::UnreadableResponse => exponential_backoff(shortest, failures),
    }
    .min(LONGEST_BACKOFF)
}

/// The longest wait after a refusal: whoever mends the secret waits no longer than this, and nothing was used up meanwhile.
const LONGEST_REFUSED: Millis = Millis::from_mins(5);

#[cfg(test)]
mod tests {
    use super::*;

    const START: UnixMillis = UnixMillis::new(1_790_000_000_000);
    const HOUR: Millis = Millis::from_hours(1);

    fn policy() -> Policy {
        Policy::default()
    }

    fn tokens(name: &str, now: UnixMillis) -> TokenSet {
        TokenSet {
            access_token: AccessToken::new(name.to_owned()),
            access_expires_at: now.after(HOUR),
            refresh_token: None,
        }
    }

    /// The machine with a token that came at the start.
    fn issued() -> ApplicationTokens {
        let none = ApplicationTokens::none(START);
        let asked = next(none.want(None, START, &policy()), Decision::Request);
        next(
            asked.ended(0, Ok(tokens("one", START)), START, &policy()),
            Decision::Renewed,
        )
    }

    #[track_caller]
    fn next(verdict: Verdict<ApplicationTokens>, expected: Decision) -> ApplicationTokens {
        assert_eq!(verdict.decision, expected);
        verdict.next.expect("something to store")
    }

    fn failing(error: TokenError, tries: u32, now: UnixMillis) -> Verdict<ApplicationTokens> {
        issued().begun(tries, false, now).ended(1, Err(error), now, &policy())
    }

    fn every_error() -> [TokenError; 11] {
        let retry_after = Some(Millis::from_secs(90));
        [
            TokenError::InvalidGrant,
            TokenError::InvalidClient,
            TokenError::RateLimited { retry_after: None },
            TokenError::RateLimited { retry_after },
            TokenError::RefusedWithoutReason,
            TokenError::ServerError { retry_after: None },
            TokenError::ServerError { retry_after },
            TokenError::TimedOut,
            TokenError::ConnectionLost,
            TokenError::UnreadableResponse,
            TokenError::Redirected,
        ]
    }

    #[test]
    fn the_first_token_is_asked_for_and_used_until_it_is_nearly_over() {
        let none = ApplicationTokens::none(START);
        assert_eq!((none.generation(), none.access_token().is_some()), (0, false));
        let machine = issued();
        assert_eq!(machine.generation(), 1);
        let (token, expires_at) = machine.access_token().unwrap();
        assert_eq!((token.expose(), expires_at), ("one", START.after(HOUR)));
        for (minutes, decision) in [(0, Decision::Use), (50, Decision::Use), (60, Decision::Request)] {
            let verdict = machine.want(None, START.after(Millis::from_mins(minutes)), &policy());
            assert_eq!(verdict.decision, decision, "{minutes}");
            assert_eq!(verdict.next.is_some(), decision == Decision::Request, "{minutes}");
        }
    }

    #[test]
    fn nothing_ends_it_and_a_token_that_lives_is_used_meanwhile() {
        let soon = START.after(Millis::from_mins(59));
        let late = START.after(Millis::from_mins(61));
        for error in every_error() {
            let verdict = failing(error, 2, soon);
            assert_eq!(verdict.decision, Decision::Use, "{error:?}");
            let verdict = failing(error, 2, late);
            assert!(matches!(verdict.decision, Decision::Wait(_)), "{error:?}");
            let kept = verdict.next.unwrap();
            assert_eq!((kept.generation, kept.attempt), (1, None), "{error:?}");
            assert!(kept.newest.is_some(), "{error:?}");
        }
    }

    #[test]
    fn the_fault_table() {
        let late = START.after(Millis::from_mins(61));
        let minutes = |minutes: u64| minutes * 60;
        for (error, cause, waits) in [
            (
                TokenError::InvalidGrant,
                Cause::RefusedWithoutReason,
                [30, 60, minutes(5)],
            ),
            (TokenError::InvalidClient, Cause::InvalidClient, [30, 60, minutes(5)]),
            (
                TokenError::RefusedWithoutReason,
                Cause::RefusedWithoutReason,
                [30, 60, minutes(5)],
            ),
            (TokenError::Redirected, Cause::Redirected, [30, 60, minutes(5)]),
            (
                TokenError::RateLimited { retry_after: None },
                Cause::RateLimited,
                [5, 10, minutes(60)],
            ),
            (
                TokenError::RateLimited {
                    retry_after: Some(Millis::from_secs(90)),
                },
                Cause::RateLimited,
                [90, 90, 90],
            ),
            (
                TokenError::ServerError { retry_after: None },
                Cause::ServerError,
                [1, 2, minutes(60)],
            ),
            (
                TokenError::ServerError {
                    retry_after: Some(Millis::from_secs(90)),
                },
                Cause::ServerError,
                [90, 90, minutes(60)],
            ),
            (TokenError::TimedOut, Cause::TimedOut, [1, 2, minutes(60)]),
            (TokenError::ConnectionLost, Cause::ConnectionLost, [1, 2, minutes(60)]),
            (
                TokenError::UnreadableResponse,
                Cause::UnreadableResponse,
                [1, 2, minutes(60)],
            ),
        ] {
            let mut machine = issued().begun(2, false, late);
            for (failures, wait) in [(1, Some(waits[0])), (2, Some(waits[1])), (20, Some(waits[2]))] {
                while !matches!(machine.refresh, RefreshState::Failing { failures: so_far, .. } if so_far == failures) {
                    let verdict = machine.begun(2, false, late).ended(1, Err(error), late, &policy());
                    machine = verdict.next.unwrap();
                }
                let RefreshState::Failing {
                    cause: noted,
                    retry_at,
                    since,
                    ..
                } = machine.refresh
                else {
                    panic!("{error:?}");
                };
                assert_eq!((noted, since), (cause, late), "{error:?}");
                assert_eq!(
                    Some(retry_at.since(late)),
                    wait.map(Millis::from_secs),
                    "{error:?} {failures}"
                );
            }
        }
    }

    #[test]
    fn who_fails_quickly_and_may_fare_better_is_repeated_once_at_once() {
        let now = START.after(HOUR);
        for error in every_error() {
            let quick = failing(error, 1, now);
            let repeats = error.is_ambiguous() && error.retry_after().is_none();
            assert_eq!(quick.decision == Decision::Request, repeats, "{error:?}");
            assert_ne!(failing(error, 2, now).decision, Decision::Request, "{error:?}");
        }
        let slow = issued().begun(1, false, now);
        let later = now.after(RETRY_AT_ONCE_WITHIN);
        let verdict = slow.ended(1, Err(TokenError::ConnectionLost), later, &policy());
        assert!(matches!(verdict.decision, Decision::Wait(_)));
    }

    #[test]
    fn nobody_asks_before_the_wait_is_over() {
        let late = START.after(HOUR);
        let machine = failing(TokenError::InvalidClient, 1, late).next.unwrap();
        let soon = late.after(Millis::from_secs(29));
        let Decision::Wait(unavailable) = machine.want(None, soon, &policy()).decision else {
            panic!("waits");
        };
        assert_eq!(unavailable.cause, Cause::InvalidClient);
        assert_eq!(unavailable.retry_after, Millis::from_secs(1));
        let verdict = machine.want(None, late.after(Millis::from_secs(30)), &policy());
        assert_eq!(verdict.decision, Decision::Request);
        // What comes of it is told from when things began to fail, until they are well.
        let asked = verdict.next.unwrap();
        let well = asked.ended(1, Ok(tokens("two", soon)), soon, &policy()).next.unwrap();
        assert_eq!(well.refresh, RefreshState::Ok { since: soon });
        assert_eq!(well.generation, 2);
    }

    #[test]
    fn a_refused_token_is_replaced_but_not_again_and_again() {
        let machine = issued();
        let at = |secs: u64| START.after(Millis::from_secs(secs));
        // Whoever was refused an older one takes the newest.
        assert_eq!(machine.want(Some(0), at(10), &policy()).decision, Decision::Use);
        let asked = next(machine.want(Some(1), at(10), &policy()), Decision::Request);
        let second = next(
            asked.ended(1, Ok(tokens("two", at(10))), at(10), &policy()),
            Decision::Renewed,
        );
        let retry_after = Millis::from_secs(50);
        let verdict = second.want(Some(2), at(20), &policy());
        assert_eq!(verdict.decision, Decision::Rejected { retry_after });
        assert_eq!(second.want(None, at(20), &policy()).decision, Decision::Use);
        assert_eq!(second.want(Some(2), at(70), &policy()).decision, Decision::Request);
        // Also if the first request for it failed at once.
        let failed = asked.ended(1, Err(TokenError::ConnectionLost), at(10), &policy());
        let repeated = next(failed, Decision::Request);
        let second = next(
            repeated.ended(1, Ok(tokens("two", at(10))), at(10), &policy()),
            Decision::Renewed,
        );
        let verdict = second.want(Some(2), at(20), &policy());
        assert_eq!(verdict.decision, Decision::Rejected { retry_after });
        // While requests fail, a token that was refused is not offered again.
        let machine = issued()
            .begun(2, true, at(60))
            .ended(1, Err(TokenError::TimedOut), at(60), &policy())
            .next
            .unwrap();
        let refused = machine.want(Some(1), at(60), &policy());
        assert!(matches!(refused.decision, Decision::Wait(_)));
        assert_eq!(machine.want(None, at(60), &policy()).decision, Decision::Use);
    }

    #[test]
    fn a_late_answer_to_an_older_request_changes_nothing() {
        let machine = issued();
        for outcome in [Ok(tokens("old", START)), Err(TokenError::InvalidClient)] {
            let verdict = machine.ended(0, outcome, START, &policy());
            assert!(verdict.next.is_none());
            assert_eq!(verdict.decision, Decision::Use);
        }
    }

    #[test]
    fn a_clock_that_was_ahead_stops_nothing() {
        let behind = UnixMillis::new(START.as_millis() - 10_000_000_000);
        let mut machine = failing(TokenError::TimedOut, 2, START).next.unwrap();
        let clamped = machine.clamped(behind).unwrap();
        assert_eq!(clamped.newest.as_ref().unwrap().issued_at, behind);
        let RefreshState::Failing { retry_at, .. } = clamped.refresh else {
            panic!("{clamped:?}");
        };
        assert_eq!(retry_at, behind);
        machine.refresh = RefreshState::Ok { since: START };
        assert!(machine.clamped(START).is_none());
        // Nor before it is clamped: a refusal of a token that is dated ahead is believed.
        machine.newest.as_mut().unwrap().replaces_refused = true;
        assert_eq!(machine.want(Some(1), behind, &policy()).decision, Decision::Request);
    }

    #[test]
    fn what_is_kept_prints_no_token_and_can_be_read_again() {
        let machine = issued();
        assert!(!format!("{machine:?}").contains("one\""));
        let kept = serde_json::to_string(&machine).unwrap();
        let read: ApplicationTokens = serde_json::from_str(&kept).unwrap();
        assert_eq!(read.access_token().unwrap().0.expose(), "one");
    }
}
