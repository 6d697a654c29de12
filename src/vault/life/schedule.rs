//! When a connection has to be looked after although nobody asks for it.

use std::borrow::Cow;

use super::{Effect, Policy, Step, close, publish, refresh};
use crate::{
    connect::ConnectionId,
    time::{Millis, UnixMillis},
    token,
    vault::{
        Cause,
        grant::{Grant, GrantRecord, Health, Published, Vehicles},
    },
};

/// A call of which nothing has been heard for so long died with its process.
pub(super) const CALL_LOST_AFTER: Millis = Millis::from_secs(15);

/// The longest wait between two attempts.
pub(super) const LONGEST_BACKOFF: Millis = Millis::from_hours(1);

/// When [`Event::Woken`](super::Event::Woken) is due for the connection `id`.
///
/// Whatever [`step`](super::step) does at that time moves it: an effect that is started has until a later time to end.
#[must_use]
pub fn wake_at(id: &ConnectionId, record: &GrantRecord) -> Option<UnixMillis> {
    match record {
        GrantRecord::Live(grant) => {
            let due = refresh_due_at(id, grant);
            let refresh = match grant.intent {
                None => due.min(grant.tokens.refresh_expires_at),
                // What was presented in time may be answered later.
                Some(_) => due,
            };
            let publish = match grant.published {
                Published::Owed { retry_at, .. } => refresh.min(retry_at),
                Published::Current { .. } => refresh,
            };
            Some(match grant.vehicles {
                Vehicles::Unlisted { retry_at, .. } => publish.min(retry_at),
                Vehicles::Listed(_) => publish,
            })
        }
        GrantRecord::Ended {
            published: Published::Owed { retry_at, .. },
            ..
        }
        | GrantRecord::Closing { retry_at, .. } => Some(*retry_at),
        GrantRecord::Ended {
            published: Published::Current { .. },
            ..
        } => None,
        GrantRecord::Tombstone { since, sweep_at, .. } => {
            Some(sweep_at.unwrap_or_else(|| since.after(close::TOMBSTONE_LIFE)))
        }
    }
}

/// The record without the times that only a clock that was ahead can have written: a wait that would be longer than the
/// longest is over, and what is still to happen, a call or a refresh, happens now.
///
/// The clock was ahead for a moment; without this nobody would try anything again until that time has come.
pub(super) fn believed(record: &GrantRecord, now: UnixMillis) -> Cow<'_, GrantRecord> {
    let longest = now.after(LONGEST_BACKOFF);
    let mut believed = Cow::Borrowed(record);
    let owed = |published: &Published| matches!(published, Published::Owed { retry_at, .. } if *retry_at > longest);
    match record {
        GrantRecord::Live(grant) => {
            let mut grant = grant.clone();
            let mut changed = false;
            if let Health::Unwell { retry_at, .. } = &mut grant.health
                && *retry_at > longest
            {
                (*retry_at, changed) = (now, true);
            }
            if let Vehicles::Unlisted { retry_at, .. } = &mut grant.vehicles
                && *retry_at > longest
            {
                (*retry_at, changed) = (now, true);
            }
            if let Some(intent) = &mut grant.intent
                && intent.latest > now
            {
                (intent.latest, changed) = (now, true);
            }
            if grant.tokens.refresh_issued_at > now {
                (grant.tokens.refresh_issued_at, changed) = (now, true);
            }
            if owed(&grant.published) {
                (grant.published, changed) = (due(grant.published, now), true);
            }
            if changed {
                believed = Cow::Owned(GrantRecord::Live(grant));
            }
        }
        GrantRecord::Ended { published, .. } if owed(published) => {
            if let GrantRecord::Ended { published, .. } = believed.to_mut() {
                *published = due(*published, now);
            }
        }
        GrantRecord::Closing { retry_at, .. } if *retry_at > longest => {
            if let GrantRecord::Closing { retry_at, .. } = believed.to_mut() {
                *retry_at = now;
            }
        }
        GrantRecord::Tombstone {
            sweep_at: Some(sweep_at),
            ..
        } if *sweep_at > longest => {
            if let GrantRecord::Tombstone { sweep_at, .. } = believed.to_mut() {
                *sweep_at = Some(now);
            }
        }
        _ => {}
    }
    believed
}

/// The same, owed now.
fn due(published: Published, now: UnixMillis) -> Published {
    match published {
        Published::Owed {
            since,
            failures,
            changed,
            ..
        } => Published::Owed {
            since: since.min(now),
            failures,
            retry_at: now,
            changed,
        },
        current @ Published::Current { .. } => current,
    }
}

pub(super) fn woken(id: &ConnectionId, record: Option<&GrantRecord>, now: UnixMillis, policy: &Policy) -> Step {
    match record {
        Some(GrantRecord::Live(grant)) => live_woken(id, grant, now, policy),
        Some(ended @ GrantRecord::Ended { .. }) => {
            let mut ended = ended.clone();
            if let GrantRecord::Ended { published, .. } = &mut ended
                && publish::start_if_due(published, now)
            {
                Step::put(ended, vec![Effect::Unpublish])
            } else {
                Step::keep(Vec::new())
            }
        }
        Some(closing @ GrantRecord::Closing { .. }) => close::closing_woken(closing, now),
        Some(GrantRecord::Tombstone {
            since,
            generation,
            sweep_at,
        }) => close::tombstone_woken(*since, *generation, *sweep_at, now),
        None => Step::keep(Vec::new()),
    }
}

fn live_woken(id: &ConnectionId, grant: &Grant, now: UnixMillis, policy: &Policy) -> Step {
    if refresh::is_over(grant, now, policy) {
        return close::end(grant, Cause::RefreshTokenExpired, now);
    }
    let mut grant = grant.clone();
    let mut effects = Vec::new();
    if now >= refresh_due_at(id, &grant) {
        effects.push(refresh::present(&mut grant, now, policy));
    }
    if publish::start_if_due(&mut grant.published, now) {
        effects.push(Effect::Publish);
    }
    if let Vehicles::Unlisted { retry_at, .. } = &mut grant.vehicles
        && now >= *retry_at
    {
        *retry_at = now.after(CALL_LOST_AFTER);
        effects.push(Effect::ListVehicles);
    }
    if effects.is_empty() {
        Step::keep(effects)
    } else {
        Step::put(GrantRecord::Live(grant), effects)
    }
}

/// When the refresh token has to be presented although nobody asks for it.
fn refresh_due_at(id: &ConnectionId, grant: &Grant) -> UnixMillis {
    let lost_at = grant.intent.map(|intent| intent.latest.after(CALL_LOST_AFTER));
    match (grant.health, grant.intent) {
        // A call that began after the wait was over is still under way: its end sets a new time.
        (Health::Unwell { retry_at, .. }, Some(intent)) if intent.latest >= retry_at => lost_at.unwrap_or(retry_at),
        (Health::Unwell { retry_at, .. }, _) => retry_at,
        (Health::Well { .. }, _) => {
            lost_at.unwrap_or_else(|| grant.tokens.refresh_issued_at.after(idle_refresh_after(id)))
        }
    }
}

/// Half-way through the refresh token's life, and up to two days later by the connection's id, so that the grants of a
/// busy day are not all refreshed in one hour.
pub(super) fn idle_refresh_after(id: &ConnectionId) -> Millis {
    const SPREAD_HOURS: u64 = 48;
    let seed = id
        .as_str()
        .bytes()
        .fold(0_u64, |seed, byte| seed.wrapping_mul(31).wrapping_add(u64::from(byte)));
    let jitter = Millis::from_hours(seed.checked_rem(SPREAD_HOURS).unwrap_or_default());
    Millis::new(token::IDLE_REFRESH_AFTER.as_millis().saturating_add(jitter.as_millis()))
}

/// `first` for the first failure, twice as much for each further one.
pub(super) fn doubled(first: Millis, failures: u32) -> Millis {
    let times = 1_u64.checked_shl(failures.saturating_sub(1)).unwrap_or(u64::MAX);
    Millis::new(first.as_millis().saturating_mul(times))
}
