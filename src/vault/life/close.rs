//! The end of a connection: tokens that nobody accepts any more, and disconnecting.

use super::{
    Answer, Effect, KvOutcome, Next, Step, Upstream,
    publish::{kv_backoff, owed, owed_again, written},
};
use crate::{
    connect::VehicleId,
    time::{Millis, UnixMillis},
    vault::grant::{Cause, Grant, GrantRecord, Published, Vehicles},
};

/// How long a disconnection waits for its own process before the alarm takes it over.
const CLOSING_LOST_AFTER: Millis = Millis::from_secs(30);

/// When the place in KV of a connection that is over is deleted once more: no write from before can arrive later.
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
        // Owed twice: see `unpublish_ended`.
        published: owed_again(owed(now), now),
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

/// The newer grant takes its vehicles over. Smartcar is not told: that would end the newer grant too.
///
/// A grant whose vehicles are not known yet is left alone: it may cover others.
pub(super) fn superseded(record: Option<&GrantRecord>, now: UnixMillis, taken: &[VehicleId]) -> Step {
    let Some(record) = record else {
        return Step::keep(Vec::new());
    };
    let covered = record.vehicles();
    let left: Vec<VehicleId> = covered
        .iter()
        .filter(|vehicle| !taken.contains(vehicle))
        .cloned()
        .collect();
    if left.len() == covered.len() {
        return Step::keep(Vec::new());
    }
    match record {
        GrantRecord::Live(_) | GrantRecord::Ended { .. } if left.is_empty() => {
            disconnect_wanted(Some(record), now, Upstream::Leave)
        }
        GrantRecord::Live(grant) => {
            let grant = Grant {
                vehicles: Vehicles::Listed(left),
                published: owed_again(grant.published, now),
                ..grant.clone()
            };
            Step::put(GrantRecord::Live(grant), vec![Effect::Publish])
        }
        GrantRecord::Ended { .. } => {
            let mut ended = record.clone();
            if let GrantRecord::Ended { vehicles, .. } = &mut ended {
                *vehicles = left;
            }
            Step::put(ended, Vec::new())
        }
        GrantRecord::Closing { .. } | GrantRecord::Tombstone { .. } => Step::keep(Vec::new()),
    }
}

/// Closes the connection, or goes on closing it. Smartcar is told with the access token, which is of no use once it has
/// expired.
fn tell_or_unpublish(grant: Option<Grant>, generation: u64, since: UnixMillis, now: UnixMillis) -> Step {
    let grant = grant.filter(|grant| now < grant.tokens.access_expires_at);
    let effect = match &grant {
        Some(grant) => Effect::TellSmartcar {
            access_token: grant.tokens.access_token.clone(),
            vehicles: grant.vehicles.ids().to_vec(),
        },
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
        (
            GrantRecord::Ended {
                published:
                    Published::Owed {
                        since,
                        retry_at,
                        changed: first @ true,
                        ..
                    },
                ..
            },
            KvOutcome::Done,
        ) => {
            *first = false;
            *since = now;
            *retry_at = now.after(SWEEP_AFTER);
        }
        // Deleted twice, like a tombstone's: the first deletion may be lost, or overtaken by a write from before.
        (
            GrantRecord::Ended {
                published: Published::Owed { since, retry_at, .. },
                ..
            },
            KvOutcome::Done,
        ) if now < since.after(SWEEP_AFTER) => {
            *retry_at = since.after(SWEEP_AFTER);
        }
        (GrantRecord::Ended { published, .. }, outcome) => *published = written(*published, now, outcome),
        _ => return Step::keep(Vec::new()),
    }
    Step::put(next, Vec::new())
}
