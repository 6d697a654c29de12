//! When a connection has to be looked after although nobody asks for it.

use crate::{
    connect::ConnectionId,
    time::{Millis, UnixMillis},
    token::{
        self,
        cycle::{LONGEST_BACKOFF, TokenCycle as _},
    },
    vault::{
        life::tombstone,
        record::{Access, Claimed, Closing, Ended, Leaving, Live, Moved, Record, Tombstone},
    },
};

/// When [`Event::AlarmFired`](super::Event::AlarmFired) is due for the connection `id`; `None` if never.
///
/// Whatever [`step`](super::step) does at that time moves it: an effect that is started has until a later time to end.
#[must_use]
pub fn next_alarm(id: &ConnectionId, record: &Record) -> Option<UnixMillis> {
    match record {
        Record::Live(live) => {
            let tokens = live.owner_tokens().map(|tokens| tokens.alarm(idle_refresh_after(id)));
            let all = [tokens, live.kv.alarm(), live.vehicles.alarm(), live.user_id.alarm()];
            all.into_iter().flatten().min()
        }
        Record::Ended(ended) => ended.kv.alarm(),
        Record::Leaving(leaving) => Some(leaving.retry_at),
        Record::Closing(closing) => closing.kv.alarm(),
        Record::Tombstone(tombstone) => Some(tombstone::alarm(tombstone)),
    }
}

/// As [`next_alarm`], by a clock of which the record may have been written ahead: a time that only a clock that was ahead can
/// have written counts as come.
#[must_use]
pub fn next_alarm_by(id: &ConnectionId, record: &Record, now: UnixMillis) -> Option<UnixMillis> {
    let clamped = clamp_future_times(record, now);
    next_alarm(id, clamped.as_ref().unwrap_or(record))
}

/// The record without the times that only a clock that was ahead can have written, or `None` if it has none: a wait that
/// would be longer than the longest is over, and what is still to happen, a request or a refresh, happens now.
///
/// The clock was ahead for a moment; without this nobody would try anything again until that time has come.
pub(super) fn clamp_future_times(record: &Record, now: UnixMillis) -> Option<Record> {
    match record {
        Record::Live(live) => clamp_live(live, now).map(Record::Live),
        Record::Ended(ended) => clamp_ended(ended, now).map(Record::Ended),
        Record::Leaving(leaving) => clamp_leaving(leaving, now).map(Record::Leaving),
        Record::Closing(closing) => closing
            .kv
            .clamped(now)
            .map(|kv| Record::Closing(Closing { kv, ..closing.clone() })),
        Record::Tombstone(tombstone) => {
            let (kv, since) = (tombstone.kv.clamped(now), tombstone.since.min(now));
            (kv.is_some() || since != tombstone.since).then(|| {
                let kv = kv.unwrap_or(tombstone.kv);
                Record::Tombstone(Tombstone {
                    kv,
                    since,
                    ..*tombstone
                })
            })
        }
    }
}

fn clamp_ended(ended: &Ended, now: UnixMillis) -> Option<Ended> {
    let kv = ended.kv.clamped(now);
    let kept = ended.kept.as_ref().and_then(|kept| kept.clamped(now)).map(Box::new);
    (kv.is_some() || kept.is_some()).then(|| Ended {
        kv: kv.unwrap_or(ended.kv),
        kept: kept.or_else(|| ended.kept.clone()),
        ..ended.clone()
    })
}

fn clamp_leaving(leaving: &Leaving, now: UnixMillis) -> Option<Leaving> {
    let claimed = match &leaving.claimed {
        Claimed::Live(live) => clamp_live(live, now).map(|live| Claimed::Live(Box::new(live))),
        Claimed::Ended(ended) => clamp_ended(ended, now).map(|ended| Claimed::Ended(Box::new(ended))),
    };
    let is_ahead = leaving.retry_at > now.after(LONGEST_BACKOFF);
    (claimed.is_some() || is_ahead).then(|| Leaving {
        claimed: claimed.unwrap_or_else(|| leaving.claimed.clone()),
        retry_at: if is_ahead { now } else { leaving.retry_at },
        ..leaving.clone()
    })
}

fn clamp_live(live: &Live, now: UnixMillis) -> Option<Live> {
    let access = clamp_access(&live.access, now);
    let kv = live.kv.clamped(now);
    let vehicles = live.vehicles.clamped(now);
    let user_id = live.user_id.clamped(now);
    if access.is_none() && kv.is_none() && vehicles.is_none() && user_id.is_none() {
        return None;
    }
    let live = live.clone();
    Some(Live {
        access: access.unwrap_or(live.access),
        kv: kv.unwrap_or(live.kv),
        vehicles: vehicles.unwrap_or(live.vehicles),
        user_id: user_id.unwrap_or(live.user_id),
        ..live
    })
}

fn clamp_access(access: &Access, now: UnixMillis) -> Option<Access> {
    match access {
        Access::Owner(tokens) => tokens.clamped(now).map(Access::Owner),
        Access::Application {
            mode,
            moved: Some(moved),
        } => {
            let kept = moved.kept.as_ref()?.clamped(now)?;
            let moved = Moved {
                kept: Some(Box::new(kept)),
                ..moved.clone()
            };
            Some(Access::Application {
                mode: *mode,
                moved: Some(moved),
            })
        }
        Access::Application { moved: None, .. } => None,
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
