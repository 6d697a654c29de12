//! Smartcar's v2: a pair of tokens for each owner. Each use of the refresh token brings a new pair, and the old one dies
//! when its grace is over.

use serde::{Deserialize, Serialize};

use crate::{
    http_api::Cause,
    secret::serde_exposed,
    time::{Millis, UnixMillis},
    token::{
        cycle::{
            backoff::{LONGEST_BACKOFF, RETRY_AT_ONCE_WITHIN, exponential_backoff},
            verdict::{CALL_DEADLINE, CALL_LOST_AFTER, Decision, Policy, TokenCycle, Unavailable, Verdict},
        },
        error::{TokenError, TokenResult, TokenSet},
        lifetime::{REFRESH_LIFETIME, is_fresh},
        secrets::{AccessToken, RefreshToken},
    },
};

/// For how long every attempt that may have used the token up is followed by another within the grace.
const GRACE_RETRY_WINDOW: Millis = Millis::from_mins(15);

/// For how long after a refresh another one is no remedy for an access token that Smartcar refuses.
const REJECTED_TOKEN_COOLDOWN: Millis = Millis::from_mins(5);

/// The newest pair of tokens.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct TokenPair {
    /// For calls to the API.
    #[serde(with = "serde_exposed")]
    pub access_token: AccessToken,
    /// When the access token expires.
    pub access_expires_at: UnixMillis,
    /// For the next pair.
    #[serde(with = "serde_exposed")]
    pub refresh_token: RefreshToken,
    /// When the refresh token expires: 60 days after its issue.
    pub refresh_expires_at: UnixMillis,
    /// When this refresh token was issued, or honoured without being replaced.
    pub refresh_issued_at: UnixMillis,
}

/// How the latest refresh went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RefreshState {
    /// It brought tokens.
    Ok {
        /// When the owner connected, or the first success after a run of failures.
        since: UnixMillis,
    },
    /// It failed. The tokens are kept and the refresh is repeated.
    Failing {
        /// What went wrong the last time.
        cause: Cause,
        /// Start of the current run of failures.
        since: UnixMillis,
        /// Failures in a row, 1 or more.
        failures: u32,
        /// The refresh is not tried before this.
        retry_at: UnixMillis,
    },
}

/// That the refresh token was presented and no pair came of it yet. Written before the request is sent: after a crash it
/// says that the token may be used up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct RefreshAttempt {
    /// When the latest request was sent that may have used the token up: its grace ends no later than that much after
    /// this and [`CALL_DEADLINE`].
    pub last_sent_at: UnixMillis,
    /// While a request is under way: when an earlier one was sent that may have used the token up as well.
    pub unresolved_since: Option<UnixMillis>,
    /// Requests in a row, each within the grace of the one before; 1 or more.
    pub attempts: u32,
}

/// What is kept to have the access tokens of one owner.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct OwnerTokens {
    /// Counts the pairs from 1: a pair of a lower generation is never written over one of a higher.
    pub generation: u64,
    /// The newest pair.
    pub pair: TokenPair,
    /// The refresh that is under way or may have used the refresh token up, if there is one.
    pub attempt: Option<RefreshAttempt>,
    /// How the latest refresh went.
    pub refresh: RefreshState,
}

impl OwnerTokens {
    /// The tokens that arrived at `now` in answer to an authorization code.
    #[must_use]
    pub fn granted(tokens: TokenSet, refresh_token: RefreshToken, now: UnixMillis) -> Self {
        Self {
            generation: 1,
            pair: TokenPair {
                access_token: tokens.access_token,
                access_expires_at: tokens.access_expires_at,
                refresh_token,
                refresh_expires_at: now.after(REFRESH_LIFETIME),
                refresh_issued_at: now,
            },
            attempt: None,
            refresh: RefreshState::Ok { since: now },
        }
    }

    /// Whether the access token has not expired at `now`.
    #[must_use]
    pub fn has_live_access_token(&self, now: UnixMillis) -> bool {
        now < self.pair.access_expires_at
    }

    /// Until when a request may be under way that was sent and has not ended: after that its process has died. `None` if there
    /// is none.
    #[must_use]
    pub fn request_under_way_until(&self, now: UnixMillis) -> Option<UnixMillis> {
        let sent_at = self.attempt?.last_sent_at;
        let has_ended = matches!(self.refresh, RefreshState::Failing { retry_at, .. } if sent_at < retry_at);
        let lost_at = sent_at.after(CALL_LOST_AFTER);
        (!has_ended && now < lost_at).then_some(lost_at)
    }

    /// Whether no request is under way, and none was sent that may have used the refresh token up and can yet be repeated.
    #[must_use]
    pub fn is_at_rest(&self, now: UnixMillis, policy: &Policy) -> bool {
        let is_doubtful = |attempt: RefreshAttempt| is_in_doubt(attempt.last_sent_at, now, policy);
        self.request_under_way_until(now).is_none() && !self.attempt.is_some_and(is_doubtful)
    }

    /// The newest access token and when it expires. Only after [`Decision::Use`] or [`Decision::Renewed`] is it known to be
    /// good.
    #[must_use]
    pub const fn access_token(&self) -> (&AccessToken, UnixMillis) {
        (&self.pair.access_token, self.pair.access_expires_at)
    }

    /// The time given by [`alarm`](Self::alarm) may have come.
    #[must_use]
    pub fn woken(&self, idle_for: Millis, now: UnixMillis, policy: &Policy) -> Verdict<Self> {
        if self.has_expired(now, policy) {
            self.expired()
        } else if now >= self.refresh_due_at(idle_for) {
            Verdict::put(self.begin_refresh(now, policy), Decision::Request)
        } else {
            Verdict::keep(Decision::Rest)
        }
    }

    /// When the machine has to be woken although nobody wants a token. A token that nobody has asked for is renewed `idle_for`
    /// after its issue.
    #[must_use]
    pub fn alarm(&self, idle_for: Millis) -> UnixMillis {
        let due = self.refresh_due_at(idle_for);
        match self.attempt {
            None => due.min(self.pair.refresh_expires_at),
            // What was presented in time may be answered later.
            Some(_) => due,
        }
    }

    /// Whether the refresh token is of no use any more. One that was presented in time may yet bring a new pair: its answer
    /// may be on the way, or it can be had again within the grace.
    fn has_expired(&self, now: UnixMillis, policy: &Policy) -> bool {
        let expires_at = self.pair.refresh_expires_at;
        let over_at = match self.attempt {
            Some(_) => expires_at.after(policy.grace.max(CALL_LOST_AFTER)),
            None => expires_at,
        };
        now >= over_at
    }

    /// The refresh token's life is over.
    const fn expired(&self) -> Verdict<Self> {
        Verdict::keep(Decision::Over {
            cause: Cause::RefreshTokenExpired,
            since: self.pair.refresh_expires_at,
        })
    }

    /// Until when a refusal of the access token is no reason for a refresh. The first pair came with the code: no refresh
    /// has been tried yet.
    fn rejections_rest_until(&self) -> Option<UnixMillis> {
        (self.generation > 1).then(|| self.pair.refresh_issued_at.after(REJECTED_TOKEN_COOLDOWN))
    }

    /// Notes that the refresh token is presented: whoever finds that later knows that the token may be used up, and
    /// presents the same one again.
    fn begin_refresh(&self, now: UnixMillis, policy: &Policy) -> Self {
        let earlier = self
            .attempt
            .filter(|attempt| is_in_doubt(attempt.last_sent_at, now, policy));
        Self {
            attempt: Some(RefreshAttempt {
                last_sent_at: now,
                unresolved_since: earlier.map(|attempt| attempt.last_sent_at),
                attempts: earlier.map_or(0, |attempt| attempt.attempts).saturating_add(1),
            }),
            ..self.clone()
        }
    }

    /// The next pair.
    fn renewed(&self, tokens: TokenSet, now: UnixMillis) -> Self {
        Self {
            generation: self.generation.saturating_add(1),
            pair: TokenPair {
                access_token: tokens.access_token,
                access_expires_at: tokens.access_expires_at,
                // One that is not replaced stays (RFC 6749 section 6), and was honoured just now.
                refresh_token: tokens.refresh_token.unwrap_or_else(|| self.pair.refresh_token.clone()),
                refresh_expires_at: now.after(REFRESH_LIFETIME),
                refresh_issued_at: now,
            },
            attempt: None,
            refresh: match self.refresh {
                RefreshState::Ok { since } => RefreshState::Ok { since },
                RefreshState::Failing { .. } => RefreshState::Ok { since: now },
            },
        }
    }

    fn failed(&self, error: TokenError, now: UnixMillis, policy: &Policy) -> Verdict<Self> {
        let started = self.attempt.unwrap_or(RefreshAttempt {
            last_sent_at: now,
            unresolved_since: None,
            attempts: 1,
        });
        let is_quick = now.since(started.last_sent_at) < RETRY_AT_ONCE_WITHIN;
        if error.is_ambiguous() && error.retry_after().is_none() && started.attempts == 1 && is_quick {
            let repeated = self.begin_refresh(now, policy);
            // Also without a grace there is one repetition only.
            let attempt = repeated
                .attempt
                .map(|attempt| RefreshAttempt { attempts: 2, ..attempt });
            return Verdict::put(Self { attempt, ..repeated }, Decision::Request);
        }
        let (since, failures) = match self.refresh {
            RefreshState::Ok { .. } => (now, 1),
            RefreshState::Failing { since, failures, .. } => (since, failures.saturating_add(1)),
        };
        let attempt = if error.is_ambiguous() {
            Some(started)
        } else {
            // This request used nothing up; one before it may have.
            started
                .unresolved_since
                .filter(|sent_at| is_in_doubt(*sent_at, now, policy))
                .map(|last_sent_at| RefreshAttempt {
                    last_sent_at,
                    unresolved_since: None,
                    ..started
                })
        };
        let failing = Self {
            attempt,
            ..self.clone()
        };
        if failing.has_expired(now, policy) {
            return failing.expired();
        }
        let retry_after = backoff(error, failures, now.since(since), attempt, now, policy);
        let cause = Cause::from(error);
        let failing = Self {
            refresh: RefreshState::Failing {
                cause,
                since,
                failures,
                retry_at: now.after(retry_after),
            },
            ..failing
        };
        let decision = failing.use_or_wait(now, Unavailable { cause, retry_after });
        Verdict::put(failing, decision)
    }

    /// The access token as long as it lives: a failed refresh takes nothing away from it.
    fn use_or_wait(&self, now: UnixMillis, unavailable: Unavailable) -> Decision {
        if self.has_live_access_token(now) {
            Decision::Use
        } else {
            Decision::Wait(unavailable)
        }
    }

    /// When the refresh token has to be presented although nobody asks for it.
    fn refresh_due_at(&self, idle_for: Millis) -> UnixMillis {
        let lost_at = self.attempt.map(|attempt| attempt.last_sent_at.after(CALL_LOST_AFTER));
        match (self.refresh, self.attempt) {
            // A request that was sent after the wait was over is still under way: its end sets a new time.
            (RefreshState::Failing { retry_at, .. }, Some(attempt)) if attempt.last_sent_at >= retry_at => {
                lost_at.unwrap_or(retry_at)
            }
            (RefreshState::Failing { retry_at, .. }, _) => retry_at,
            (RefreshState::Ok { .. }, _) => lost_at.unwrap_or_else(|| self.pair.refresh_issued_at.after(idle_for)),
        }
    }
}

impl TokenCycle for OwnerTokens {
    fn want(&self, rejected: Option<u64>, now: UnixMillis, policy: &Policy) -> Verdict<Self> {
        if self.has_expired(now, policy) {
            return self.expired();
        }
        let was_rejected = rejected == Some(self.generation);
        let is_fresh = is_fresh(self.pair.access_expires_at, now);
        if is_fresh && !was_rejected {
            return Verdict::keep(Decision::Use);
        }
        match self.refresh {
            RefreshState::Failing { cause, retry_at, .. } if now < retry_at => {
                let unavailable = Unavailable {
                    cause,
                    retry_after: retry_at.since(now),
                };
                Verdict::keep(if was_rejected {
                    Decision::Wait(unavailable)
                } else {
                    self.use_or_wait(now, unavailable)
                })
            }
            _ => match self.rejections_rest_until().filter(|until| is_fresh && now < *until) {
                Some(until) => Verdict::keep(Decision::Rejected {
                    retry_after: until.since(now),
                }),
                None => Verdict::put(self.begin_refresh(now, policy), Decision::Request),
            },
        }
    }

    fn ended(&self, generation: u64, outcome: TokenResult, now: UnixMillis, policy: &Policy) -> Verdict<Self> {
        if generation != self.generation {
            // What is kept is newer than the answer: a refusal of an older token says nothing about it.
            let unavailable = Unavailable {
                cause: Cause::ConnectionLost,
                retry_after: Millis::from_secs(1),
            };
            return Verdict::keep(self.use_or_wait(now, unavailable));
        }
        match outcome {
            Ok(tokens) => Verdict::put(self.renewed(tokens, now), Decision::Renewed),
            Err(TokenError::InvalidGrant) => Verdict::keep(Decision::Over {
                cause: Cause::InvalidGrant,
                since: now,
            }),
            Err(error) => self.failed(error, now, policy),
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
        if let Some(attempt) = &mut clamped.attempt
            && attempt.last_sent_at > now
        {
            (attempt.last_sent_at, changed) = (now, true);
        }
        if clamped.pair.refresh_issued_at > now {
            (clamped.pair.refresh_issued_at, changed) = (now, true);
        }
        changed.then_some(clamped)
    }

    fn generation(&self) -> u64 {
        self.generation
    }
}

/// Whether a token that was used up by a request at `sent_at` may still bring a new pair. Later it does not matter any more
/// whether it was. Smartcar counts the grace from when the request arrived, which can be as late as its deadline.
fn is_in_doubt(sent_at: UnixMillis, now: UnixMillis, policy: &Policy) -> bool {
    policy.grace > Millis::ZERO && now < sent_at.after(policy.grace).after(CALL_DEADLINE)
}

/// How long to wait before the next attempt: doubling from a second, or what Smartcar asked for.
///
/// While the token may be used up and is still in its grace, it is at most a quarter of the grace, or what Smartcar asked for if
/// the next attempt comes in time even so: the new pair can be had then and never after. That also goes for the second attempt in a row however long nothing has worked, but for further
/// ones only at first: Smartcar may be struggling.
fn backoff(
    error: TokenError,
    failures: u32,
    failing_for: Millis,
    attempt: Option<RefreshAttempt>,
    now: UnixMillis,
    policy: &Policy,
) -> Millis {
    let shortest = Millis::from_secs(1);
    let wait = match error {
        TokenError::RateLimited {
            retry_after: Some(span),
        } => span.max(shortest),
        TokenError::RateLimited { retry_after: None } => exponential_backoff(Millis::from_secs(5), failures),
        TokenError::InvalidClient | TokenError::RefusedWithoutReason | TokenError::Redirected => {
            exponential_backoff(Millis::from_secs(30), failures)
        }
        TokenError::ServerError {
            retry_after: Some(span),
        } => span.max(exponential_backoff(shortest, failures)),
        _ => exponential_backoff(shortest, failures),
    }
    .min(LONGEST_BACKOFF);
    match attempt {
        Some(attempt)
            if is_in_doubt(attempt.last_sent_at, now, policy)
                && (attempt.attempts <= 2 || failing_for < GRACE_RETRY_WINDOW) =>
        {
            let grace_ends_at = attempt.last_sent_at.after(policy.grace);
            let named = match error {
                TokenError::ServerError { retry_after } => retry_after,
                _ => None,
            };
            let in_time = named.filter(|span| now.after(*span).after(CALL_DEADLINE) <= grace_ends_at);
            let longest = Millis::new(policy.grace.as_millis() / 4).max(in_time.unwrap_or(Millis::ZERO));
            wait.min(longest).max(shortest)
        }
        _ => wait,
    }
}
