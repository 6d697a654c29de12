//! Access tokens: when the stored one is answered, when the refresh token is presented, and what its answer means.

use super::{
    Answer, CALL_DEADLINE, Effect, Policy, Step, Unwell, close, publish,
    schedule::{CALL_LOST_AFTER, LONGEST_BACKOFF, doubled},
};
use crate::{
    time::{Millis, UnixMillis},
    token::{self, RefreshToken, TokenError, TokenResult, TokenSet},
    vault::grant::{Cause, Grant, GrantRecord, Health, Intent, Tokens, Vehicles},
};

/// A call that failed faster than this is repeated at once, so that those who wait for it do not fail.
const QUICK_FAILURE: Millis = Millis::from_secs(4);

/// For how long every attempt that may have used the token up is followed by another within the grace.
const INSISTENT_FOR: Millis = Millis::from_mins(15);

/// For how long after a refresh another one is no remedy for an access token that Smartcar refuses.
const REJECTION_RESTS_FOR: Millis = Millis::from_mins(5);

/// A grant whose tokens just arrived in answer to an authorization code.
#[must_use]
pub fn granted(tokens: TokenSet, refresh_token: RefreshToken, now: UnixMillis) -> GrantRecord {
    GrantRecord::Live(Grant {
        generation: 1,
        tokens: Tokens {
            access_token: tokens.access_token,
            access_expires_at: tokens.access_expires_at,
            refresh_token,
            refresh_expires_at: now.after(token::REFRESH_LIFETIME),
            refresh_issued_at: now,
        },
        vehicles: Vehicles::Unlisted {
            failures: 0,
            retry_at: now.after(CALL_LOST_AFTER),
        },
        connected_at: now,
        intent: None,
        health: Health::Well { since: now },
        published: publish::owed(now),
    })
}

pub(super) fn token_wanted(
    record: Option<&GrantRecord>,
    now: UnixMillis,
    rejected: Option<u64>,
    policy: &Policy,
) -> Step {
    let grant = match record {
        Some(GrantRecord::Live(grant)) => grant,
        Some(GrantRecord::Ended { cause, .. }) => return Step::answer(Answer::Ended(*cause)),
        Some(GrantRecord::Closing { .. } | GrantRecord::Tombstone { .. }) | None => {
            return Step::answer(Answer::Unknown);
        }
    };
    if is_over(grant, now, policy) {
        return close::end(grant, Cause::RefreshTokenExpired, now);
    }
    let was_rejected = rejected == Some(grant.generation);
    let is_fresh = token::is_fresh(grant.tokens.access_expires_at, now);
    if is_fresh && !was_rejected {
        let answer = Effect::Answer(token_of(grant));
        return match publish::unseen(grant, now) {
            Some(owing) => Step::put(GrantRecord::Live(owing), vec![answer, Effect::Publish]),
            None => Step::keep(vec![answer]),
        };
    }
    match grant.health {
        Health::Unwell { cause, retry_at, .. } if now < retry_at => {
            let unwell = Unwell {
                cause,
                retry_after: retry_at.since(now),
            };
            Step::answer(if was_rejected {
                Answer::Unavailable(unwell)
            } else {
                token_or(grant, now, unwell)
            })
        }
        _ => match rejection_rests_until(grant).filter(|until| is_fresh && now < *until) {
            Some(until) => Step::answer(Answer::Rejected {
                retry_after: until.since(now),
            }),
            None => call(grant, now, policy),
        },
    }
}

/// Until when a refusal of the access token is no reason for a refresh. The first pair came with the code: no refresh has
/// been tried yet.
fn rejection_rests_until(grant: &Grant) -> Option<UnixMillis> {
    (grant.generation > 1).then(|| grant.tokens.refresh_issued_at.after(REJECTION_RESTS_FOR))
}

/// Whether the refresh token is of no use any more. One that was presented in time may yet bring a new pair: its answer
/// may be on the way, or it can be had again within the grace.
pub(super) fn is_over(grant: &Grant, now: UnixMillis, policy: &Policy) -> bool {
    let expires_at = grant.tokens.refresh_expires_at;
    let over_at = match grant.intent {
        Some(_) => expires_at.after(policy.grace.max(CALL_LOST_AFTER)),
        None => expires_at,
    };
    now >= over_at
}

fn call(grant: &Grant, now: UnixMillis, policy: &Policy) -> Step {
    let mut grant = grant.clone();
    let effect = present(&mut grant, now, policy);
    Step::put(GrantRecord::Live(grant), vec![effect])
}

/// Presents the refresh token. The intent is in the record before the call goes out: whoever finds it later knows that
/// the token may be used up, and presents the same one again.
pub(super) fn present(grant: &mut Grant, now: UnixMillis, policy: &Policy) -> Effect {
    let earlier = grant.intent.filter(|intent| is_in_doubt(intent.latest, now, policy));
    grant.intent = Some(Intent {
        latest: now,
        in_doubt: earlier.map(|intent| intent.latest),
        calls: earlier.map_or(0, |intent| intent.calls).saturating_add(1),
    });
    Effect::Call {
        generation: grant.generation,
        refresh_token: grant.tokens.refresh_token.clone(),
    }
}

pub(super) fn call_ended(
    record: Option<&GrantRecord>,
    now: UnixMillis,
    generation: u64,
    outcome: TokenResult,
    policy: &Policy,
) -> Step {
    match record {
        Some(GrantRecord::Live(grant)) if grant.generation == generation => match outcome {
            Ok(tokens) => {
                let grant = renew(grant, tokens, now);
                let answer = token_of(&grant);
                Step::put(GrantRecord::Live(grant), vec![Effect::Answer(answer), Effect::Publish])
            }
            Err(TokenError::InvalidGrant) => close::end(grant, Cause::RefreshTokenRefused, now),
            Err(failure) => failed(grant, failure, now, policy),
        },
        // What is stored is newer than the answer: a refusal of an older token says nothing about it.
        Some(GrantRecord::Live(grant)) => {
            let unwell = Unwell {
                cause: Cause::ConnectionLost,
                retry_after: Millis::from_secs(1),
            };
            Step::answer(token_or(grant, now, unwell))
        }
        Some(GrantRecord::Ended { cause, .. }) => Step::answer(Answer::Ended(*cause)),
        Some(GrantRecord::Closing { .. } | GrantRecord::Tombstone { .. }) | None => Step::answer(Answer::Unknown),
    }
}

/// The grant with its next pair.
fn renew(grant: &Grant, tokens: TokenSet, now: UnixMillis) -> Grant {
    Grant {
        generation: grant.generation.saturating_add(1),
        tokens: Tokens {
            access_token: tokens.access_token,
            access_expires_at: tokens.access_expires_at,
            // One that is not replaced stays (RFC 6749 section 6), and was honoured just now.
            refresh_token: tokens
                .refresh_token
                .unwrap_or_else(|| grant.tokens.refresh_token.clone()),
            refresh_expires_at: now.after(token::REFRESH_LIFETIME),
            refresh_issued_at: now,
        },
        vehicles: grant.vehicles.clone(),
        connected_at: grant.connected_at,
        intent: None,
        health: match grant.health {
            Health::Well { since } => Health::Well { since },
            Health::Unwell { .. } => Health::Well { since: now },
        },
        published: publish::owed(now),
    }
}

/// Whether a token that was used up by a call at `called_at` may still bring a new pair. Later it does not matter any
/// more whether it was. Smartcar counts the grace from when the call arrived, which can be as late as its deadline.
fn is_in_doubt(called_at: UnixMillis, now: UnixMillis, policy: &Policy) -> bool {
    policy.grace > Millis::ZERO && now < called_at.after(policy.grace).after(CALL_DEADLINE)
}

fn failed(grant: &Grant, failure: TokenError, now: UnixMillis, policy: &Policy) -> Step {
    let started = grant.intent.unwrap_or(Intent {
        latest: now,
        in_doubt: None,
        calls: 1,
    });
    let mut grant = grant.clone();
    if failure.is_ambiguous() && started.calls == 1 && now.since(started.latest) < QUICK_FAILURE {
        let effect = present(&mut grant, now, policy);
        // Also without a grace there is one repetition only.
        grant.intent = grant.intent.map(|intent| Intent { calls: 2, ..intent });
        return Step::put(GrantRecord::Live(grant), vec![effect]);
    }
    let (since, failures) = match grant.health {
        Health::Well { .. } => (now, 1),
        Health::Unwell { since, failures, .. } => (since, failures.saturating_add(1)),
    };
    grant.intent = if failure.is_ambiguous() {
        Some(started)
    } else {
        // This call used nothing up; one before it may have.
        started
            .in_doubt
            .filter(|called_at| is_in_doubt(*called_at, now, policy))
            .map(|latest| Intent {
                latest,
                in_doubt: None,
                ..started
            })
    };
    if is_over(&grant, now, policy) {
        return close::end(&grant, Cause::RefreshTokenExpired, now);
    }
    let retry_after = backoff(failure, failures, now.since(since), grant.intent, now, policy);
    let cause = Cause::from(failure);
    grant.health = Health::Unwell {
        cause,
        since,
        failures,
        retry_at: now.after(retry_after),
    };
    let answer = token_or(&grant, now, Unwell { cause, retry_after });
    Step::put(GrantRecord::Live(grant), vec![Effect::Answer(answer)])
}

/// How long to wait before the next attempt: doubling from a second, or what Smartcar asked for.
///
/// While the token may be used up and is still in its grace, it is at most a quarter of the grace: the new pair can be had
/// then and never after. That also goes for the second attempt in a row however long nothing has worked, but for further
/// ones only at first: Smartcar may be struggling.
fn backoff(
    failure: TokenError,
    failures: u32,
    failing_for: Millis,
    intent: Option<Intent>,
    now: UnixMillis,
    policy: &Policy,
) -> Millis {
    let shortest = Millis::from_secs(1);
    let wait = match failure {
        TokenError::RateLimited {
            retry_after: Some(span),
        } => span.max(shortest),
        TokenError::RateLimited { retry_after: None } => doubled(Millis::from_secs(5), failures),
        TokenError::InvalidClient | TokenError::RefusedWithoutReason | TokenError::Redirected => {
            doubled(Millis::from_secs(30), failures)
        }
        _ => doubled(shortest, failures),
    }
    .min(LONGEST_BACKOFF);
    match intent {
        Some(intent)
            if is_in_doubt(intent.latest, now, policy) && (intent.calls <= 2 || failing_for < INSISTENT_FOR) =>
        {
            wait.min(Millis::new(policy.grace.as_millis() / 4)).max(shortest)
        }
        _ => wait,
    }
}

fn token_of(grant: &Grant) -> Answer {
    Answer::Token {
        access_token: grant.tokens.access_token.clone(),
        expires_at: grant.tokens.access_expires_at,
        generation: grant.generation,
    }
}

/// The access token as long as it lives: a failed refresh takes nothing away from it.
fn token_or(grant: &Grant, now: UnixMillis, unwell: Unwell) -> Answer {
    if grant.tokens.access_expires_at > now {
        token_of(grant)
    } else {
        Answer::Unavailable(unwell)
    }
}
