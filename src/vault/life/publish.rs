//! The copy in KV.

use super::{
    Effect, KvOutcome, Step,
    schedule::{LONGEST_BACKOFF, doubled},
};
use crate::{
    connect::VehicleId,
    time::{Millis, UnixMillis},
    vault::grant::{Grant, GrantRecord, Published, Vehicles},
};

/// How long a publication waits for its own process before the alarm takes it over.
const PUBLICATION_LOST_AFTER: Millis = Millis::from_secs(15);

/// Once KV was written so long ago, every location has the value: who still asks the vault shows that the write was
/// lost, or overtaken by one of a process that is gone.
const VISIBLE_AFTER: Millis = Millis::from_mins(2);

/// KV is written by whoever made the change; the alarm does it if that process dies.
pub(super) fn owed(now: UnixMillis) -> Published {
    Published::Owed {
        since: now,
        failures: 0,
        retry_at: now.after(PUBLICATION_LOST_AFTER),
        changed: false,
    }
}

/// Another change of the same generation. A write that is under way may miss it: its end must not count as the last.
pub(super) fn owed_again(before: Published, now: UnixMillis) -> Published {
    match before {
        Published::Current { .. } => owed(now),
        Published::Owed { since, failures, .. } => Published::Owed {
            since,
            failures,
            retry_at: now.after(PUBLICATION_LOST_AFTER),
            changed: true,
        },
    }
}

/// Whether a write that is owed is due. If so it gets until later to end: the alarm does not ring for it meanwhile.
pub(super) fn start_if_due(published: &mut Published, now: UnixMillis) -> bool {
    match published {
        Published::Owed { retry_at, .. } if now >= *retry_at => {
            *retry_at = now.after(PUBLICATION_LOST_AFTER);
            true
        }
        _ => false,
    }
}

/// The grant with KV owed again, if it must have been visible there long ago.
pub(super) fn unseen(grant: &Grant, now: UnixMillis) -> Option<Grant> {
    match grant.published {
        Published::Current { since } if now.since(since) >= VISIBLE_AFTER => Some(Grant {
            published: owed(now),
            ..grant.clone()
        }),
        _ => None,
    }
}

pub(super) fn publish_ended(
    record: Option<&GrantRecord>,
    now: UnixMillis,
    generation: u64,
    outcome: KvOutcome,
) -> Step {
    match record {
        Some(GrantRecord::Live(grant)) if grant.generation == generation => {
            let mut grant = grant.clone();
            grant.published = written(grant.published, now, outcome);
            Step::put(GrantRecord::Live(grant), Vec::new())
        }
        _ => Step::keep(Vec::new()),
    }
}

/// What is owed to KV after a write or deletion there.
pub(super) fn written(before: Published, now: UnixMillis, outcome: KvOutcome) -> Published {
    match (before, outcome) {
        (
            Published::Owed {
                since,
                failures,
                retry_at,
                changed: true,
            },
            KvOutcome::Done,
        ) => Published::Owed {
            since,
            failures,
            retry_at,
            changed: false,
        },
        (_, KvOutcome::Done) => Published::Current { since: now },
        (current @ Published::Current { .. }, KvOutcome::Failed) => current,
        (
            Published::Owed {
                since,
                failures,
                changed,
                ..
            },
            KvOutcome::Failed,
        ) => {
            let failures = failures.saturating_add(1);
            Published::Owed {
                since,
                failures,
                retry_at: now.after(kv_backoff(failures)),
                changed,
            }
        }
    }
}

/// KV takes one write per second and key: the first wait is a little longer than that.
pub(super) fn kv_backoff(failures: u32) -> Millis {
    doubled(Millis::new(1_100), failures).min(Millis::from_mins(5))
}

pub(super) fn vehicles_listed(record: Option<&GrantRecord>, now: UnixMillis, vehicles: Option<Vec<VehicleId>>) -> Step {
    let Some(GrantRecord::Live(grant)) = record else {
        return Step::keep(Vec::new());
    };
    let mut grant = grant.clone();
    match (vehicles, &grant.vehicles) {
        (Some(vehicles), _) => {
            grant.vehicles = Vehicles::Listed(vehicles);
            grant.published = owed_again(grant.published, now);
            Step::put(GrantRecord::Live(grant), vec![Effect::Publish])
        }
        (None, Vehicles::Listed(_)) => Step::keep(Vec::new()),
        (None, Vehicles::Unlisted { failures, .. }) => {
            let failures = failures.saturating_add(1);
            let retry_at = now.after(doubled(Millis::from_secs(5), failures).min(LONGEST_BACKOFF));
            grant.vehicles = Vehicles::Unlisted { failures, retry_at };
            Step::put(GrantRecord::Live(grant), Vec::new())
        }
    }
}
