//! A connection that was disconnected.

use crate::{
    time::{Millis, UnixMillis},
    vault::{
        life::{
            event::Event,
            step::{Effect, Step, TokenReply},
        },
        publication::{KvCopy, Upkeep},
        record::{Record, Tombstone},
    },
};

/// How long a tombstone stays.
const TOMBSTONE_LIFE: Millis = Millis::from_days(1);

/// The connection's copy in KV was deleted, for the first time.
pub(super) fn bury(generation: u64, kv: KvCopy, now: UnixMillis) -> Step {
    let tombstone = Tombstone {
        since: now,
        generation,
        kv,
    };
    Step::put(Record::Tombstone(tombstone), Vec::new())
}

/// When the alarm is needed.
pub(super) fn alarm(tombstone: &Tombstone) -> UnixMillis {
    tombstone
        .kv
        .alarm()
        .unwrap_or_else(|| tombstone.since.after(TOMBSTONE_LIFE))
}

pub(super) fn step(tombstone: Tombstone, now: UnixMillis, event: &Event) -> Step {
    match event {
        Event::AlarmFired => match tombstone.kv.begun(now) {
            Some(kv) => Step::put(Record::Tombstone(Tombstone { kv, ..tombstone }), vec![Effect::DeleteKv]),
            None if tombstone.kv.is_synced() && now >= tombstone.since.after(TOMBSTONE_LIFE) => Step::remove(),
            None => Step::keep(Vec::new()),
        },
        Event::KvDeleteCompleted { outcome } => {
            let kv = tombstone.kv.after_write(*outcome, now, Upkeep::WrittenTwice);
            if kv == tombstone.kv {
                return Step::keep(Vec::new());
            }
            Step::put(Record::Tombstone(Tombstone { kv, ..tombstone }), Vec::new())
        }
        event if event.asks_for_token() => Step::reply(TokenReply::Unknown),
        _ => Step::keep(Vec::new()),
    }
}
