//! The end of a connection: tokens that nobody accepts any more, and disconnecting.

use super::{
    Answer, Effect, KvOutcome, Next, Step, Upstream,
    publish::{kv_backoff, owed, written},
    refresh,
};
use crate::{
    time::{Millis, UnixMillis},
    token::TokenOutcome,
    vault::grant::{Cause, Grant, GrantRecord},
};

/// How long a disconnection waits for its own process before the alarm takes it over.
const CLOSING_LOST_AFTER: Millis = Millis::from_secs(30);

/// When a tombstone's place in KV is deleted once more: no write from before can arrive later.
const SWEEP_AFTER: Millis = Millis::from_mins(2);

/// How long a tombstone stays.
pub(super) const TOMBSTONE_LIFE: Millis = Millis::from_days(1);

/// The tokens are forgotten: nobody accepts them any more.
pub(super) fn end(grant: &Grant, cause: Cause, now: UnixMillis) -> Step {
    let ended = GrantRecord::Ended {
        cause,
        since: if cause == Cause::RefreshTokenExpired {
            grant.tokens.refresh_expires_at
        } else {
            now
        },
        generation: grant.generation,
        vehicles: grant.vehicles.ids().to_vec(),
        connected_at: grant.connected_at,
        refresh_expires_at: grant.tokens.refresh_expires_at,
        published: owed(now),
    };
    Step::put(ended, vec![Effect::Answer(Answer::Ended(cause)), Effect::Unpublish])
}

pub(super) fn disconnect_wanted(record: Option<&GrantRecord>, now: UnixMillis, upstream: Upstream) -> Step {
    match record {
        Some(GrantRecord::Live(grant)) => {
            let tell = upstream == Upstream::Tell && !grant.vehicles.ids().is_empty();
            tell_or_unpublish(tell.then(|| grant.clone()), grant.generation, now, now)
        }
        Some(GrantRecord::Ended { generation, .. }) => tell_or_unpublish(None, *generation, now, now),
        Some(GrantRecord::Closing { .. } | GrantRecord::Tombstone { .. }) | None => Step::keep(Vec::new()),
    }
}

/// Closes the connection, or goes on closing it. Smartcar is told with an access token: if it has expired, a new one is
/// asked for first, as long as there is anything to ask with.
fn tell_or_unpublish(grant: Option<Grant>, generation: u64, since: UnixMillis, now: UnixMillis) -> Step {
    let mut grant = grant.filter(|grant| now < grant.tokens.access_expires_at.max(grant.tokens.refresh_expires_at));
    let effect = match &mut grant {
        Some(grant) if now < grant.tokens.access_expires_at => Effect::TellSmartcar {
            access_token: grant.tokens.access_token.clone(),
            vehicles: grant.vehicles.ids().to_vec(),
        },
        Some(grant) => refresh::present(grant, now),
        None => Effect::Unpublish,
    };
    let closing = GrantRecord::Closing {
        grant: grant.map(Box::new),
        generation,
        since,
        failures: 0,
        retry_at: now.after(CLOSING_LOST_AFTER),
    };
    Step::put(closing, vec![effect])
}

/// The refresh token of a connection that is being closed was answered. Nobody gets a token of it, but Smartcar can be
/// told now; if there is no new token, it is not told.
pub(super) fn closing_call_ended(
    grant: &Grant,
    since: UnixMillis,
    now: UnixMillis,
    generation: u64,
    outcome: TokenOutcome,
) -> Step {
    let unknown = Effect::Answer(Answer::Unknown);
    let was_needed = now >= grant.tokens.access_expires_at;
    if grant.generation != generation || !was_needed {
        return Step::keep(vec![unknown]);
    }
    let renewed = match outcome {
        TokenOutcome::Issued(tokens) => Some(refresh::renew(grant, tokens, now)),
        TokenOutcome::Failed(_) => None,
    };
    let generation = renewed.as_ref().map_or(generation, |grant| grant.generation);
    let mut step = tell_or_unpublish(renewed, generation, since, now);
    step.effects.insert(0, unknown);
    step
}

pub(super) fn smartcar_told(record: Option<&GrantRecord>, now: UnixMillis) -> Step {
    match record {
        Some(GrantRecord::Closing {
            grant: Some(_),
            generation,
            since,
            ..
        }) => tell_or_unpublish(None, *generation, *since, now),
        _ => Step::keep(Vec::new()),
    }
}

pub(super) fn closing_woken(closing: &GrantRecord, now: UnixMillis) -> Step {
    let GrantRecord::Closing {
        grant,
        generation,
        since,
        failures,
        retry_at,
    } = closing
    else {
        return Step::keep(Vec::new());
    };
    if now < *retry_at {
        return Step::keep(Vec::new());
    }
    let mut step = tell_or_unpublish(grant.as_deref().cloned(), *generation, *since, now);
    if let Next::Put(GrantRecord::Closing { failures: kept, .. }) = &mut step.next {
        *kept = *failures;
    }
    step
}

pub(super) fn tombstone_woken(
    since: UnixMillis,
    generation: u64,
    sweep_at: Option<UnixMillis>,
    now: UnixMillis,
) -> Step {
    match sweep_at {
        Some(sweep_at) if now >= sweep_at => Step::put(
            GrantRecord::Tombstone {
                since,
                generation,
                sweep_at: Some(now.after(SWEEP_AFTER)),
            },
            vec![Effect::Unpublish],
        ),
        None if now >= since.after(TOMBSTONE_LIFE) => Step {
            next: Next::Remove,
            effects: Vec::new(),
        },
        _ => Step::keep(Vec::new()),
    }
}

pub(super) fn unpublish_ended(record: Option<&GrantRecord>, now: UnixMillis, outcome: KvOutcome) -> Step {
    let Some(record) = record else {
        return Step::keep(Vec::new());
    };
    let mut next = record.clone();
    match (&mut next, outcome) {
        (
            GrantRecord::Closing {
                grant: None,
                generation,
                ..
            },
            KvOutcome::Done,
        ) => {
            next = GrantRecord::Tombstone {
                since: now,
                generation: *generation,
                sweep_at: Some(now.after(SWEEP_AFTER)),
            };
        }
        (
            GrantRecord::Closing {
                grant: None,
                failures,
                retry_at,
                ..
            },
            KvOutcome::Failed,
        ) => {
            *failures = failures.saturating_add(1);
            *retry_at = now.after(kv_backoff(*failures));
        }
        // A second deletion from before the tombstone is not yet the sweep.
        (GrantRecord::Tombstone { since, sweep_at, .. }, outcome) if now >= since.after(SWEEP_AFTER) => {
            *sweep_at = match outcome {
                KvOutcome::Done => None,
                KvOutcome::Failed => Some(now.after(SWEEP_AFTER)),
            };
        }
        (GrantRecord::Ended { published, .. }, outcome) => *published = written(*published, now, outcome),
        _ => return Step::keep(Vec::new()),
    }
    Step::put(next, Vec::new())
}
