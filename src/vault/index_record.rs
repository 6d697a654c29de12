//! How far the index of a principal in Workers KV is, and the look-ups beside it: when both are written, and what is left of
//! them.

use serde::{Deserialize, Serialize};

use super::{KvCopy, KvOutcome, Profile, Record, VehicleIndex, publication::Upkeep};
use crate::{
    connect::{ConnectionId, UserId},
    time::{Millis, UnixMillis},
};

/// How much longer than its owner is remembered an index stays in KV, and how often it is written although nothing has
/// changed: a visit lengthens the owner's life, not the index's.
const EXTRA_LIFE: Millis = Millis::from_days(30);

/// How far the index and the look-ups in KV are. Their contents follow from the connections.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IndexRecord {
    /// Counts the changes, by their time in milliseconds since the epoch where that is later.
    pub generation: u64,
    /// How far the copy in KV is.
    pub kv: KvCopy,
    /// The Smartcar users whose look-ups may be in KV.
    pub user_ids: Vec<UserId>,
}

/// What KV is given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IndexWrite {
    /// The index, or `None` if it and the look-up by external id are deleted. An index without vehicles is written too, as
    /// long as a connection is shown: the sweep of a rotation finds the vault by it.
    pub index: Option<VehicleIndex>,
    /// The users whose look-ups are written.
    pub user_ids: Vec<UserId>,
    /// The users whose look-ups are deleted.
    pub former_user_ids: Vec<UserId>,
}

impl IndexRecord {
    /// The record after something changed that stands in the index or is looked up by. `user_id` is one that is new.
    #[must_use]
    pub fn outdated(before: Option<&Self>, user_id: Option<&UserId>, now: UnixMillis) -> Self {
        let latest = before.map_or(0, |record| record.generation);
        let mut user_ids = before.map_or_else(Vec::new, |record| record.user_ids.clone());
        if let Some(user_id) = user_id.filter(|id| !user_ids.contains(id)) {
            user_ids.push(user_id.clone());
        }
        Self {
            // Never the same twice, though the clock stands still between I/O.
            generation: latest.saturating_add(1).max(now.as_millis()),
            kv: KvCopy::dirty(now),
            user_ids,
        }
    }

    /// Whether KV has to be written now.
    #[must_use]
    pub fn is_due(&self, now: UnixMillis) -> bool {
        match self.kv.clamped(now).unwrap_or(self.kv) {
            KvCopy::Dirty { .. } => true,
            kept @ (KvCopy::Settling { .. } | KvCopy::Synced { .. }) => kept.alarm().is_some_and(|at| now >= at),
        }
    }

    /// What KV is given, by the records that are kept.
    #[must_use]
    pub fn write(&self, records: &[(ConnectionId, Record)]) -> IndexWrite {
        let mut user_ids: Vec<UserId> = Vec::new();
        for user_id in records.iter().filter_map(|(_, record)| record.user_id()) {
            if !user_ids.contains(user_id) {
                user_ids.push(user_id.clone());
            }
        }
        let former = self.user_ids.iter().filter(|id| !user_ids.contains(id));
        IndexWrite {
            index: records
                .iter()
                .any(|(_, record)| record.is_shown())
                .then(|| VehicleIndex::of(records)),
            former_user_ids: former.cloned().collect(),
            user_ids,
        }
    }

    /// The record after that write, of which this record said that it was due, ended; `None` if `latest`, which is stored
    /// now, has changed meanwhile: then the change is still to be written.
    #[must_use]
    pub fn after_write(
        &self,
        latest: Option<&Self>,
        write: &IndexWrite,
        outcome: KvOutcome,
        now: UnixMillis,
    ) -> Option<Self> {
        if latest.is_none_or(|latest| latest.generation != self.generation) {
            return None;
        }
        let upkeep = match write.index {
            Some(_) => Upkeep::Renewed(EXTRA_LIFE),
            None => Upkeep::WrittenTwice,
        };
        let kv = self
            .kv
            .clamped(now)
            .unwrap_or(self.kv)
            .after_write(outcome, now, upkeep);
        Some(Self {
            generation: self.generation,
            // A look-up that is over is deleted twice, as the index is.
            user_ids: if kv.is_synced() {
                write.user_ids.clone()
            } else {
                self.user_ids.clone()
            },
            kv,
        })
    }

    /// Until when the copy in KV is of use, for an owner who is remembered for `retention` after a visit.
    #[must_use]
    pub fn expires_at(now: UnixMillis, retention: Millis) -> UnixMillis {
        now.after(retention).after(EXTRA_LIFE)
    }
}

/// Whether the vault keeps nothing that is worth keeping: nothing was ever connected, or nothing is any more.
#[must_use]
pub fn is_vault_empty(has_attempts: bool, has_records: bool, index: Option<&IndexRecord>) -> bool {
    let is_index_left = index.is_some_and(|index| index.kv.alarm().is_some());
    !has_attempts && !has_records && !is_index_left
}

/// Whether a vault whose owner is to be forgotten can be deleted: nothing can arrive in KV any more, and what no connection
/// looks after was deleted there with this outcome.
#[must_use]
pub fn is_forgotten(profile: Option<&Profile>, records: &[(ConnectionId, Record)], rest: KvOutcome) -> bool {
    let is_swept = |record: &Record| matches!(record, Record::Tombstone(tombstone) if tombstone.kv.is_synced());
    // The owner may have come back meanwhile.
    profile.is_some_and(|profile| profile.closing)
        && rest == KvOutcome::Done
        && records.iter().all(|(_, record)| is_swept(record))
}
