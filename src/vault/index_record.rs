//! How far the index of a principal in Workers KV is, and the look-ups beside it: when both are written, and what is left of
//! them.

use serde::{Deserialize, Serialize};

use super::{KvCopy, KvOutcome, Profile, Record, VehicleIndex, publication::Upkeep};
use crate::{
    connect::{ConnectionId, ExternalId, UserId},
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
    /// The external ids whose look-ups may be in KV: the owner's, and those from before a deletion that the owner came back to.
    pub external_ids: Vec<ExternalId>,
    /// The Smartcar users whose look-ups may be in KV.
    pub user_ids: Vec<UserId>,
}

/// What KV is given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IndexWrite {
    /// The index, or `None` if it is deleted. An index without vehicles is written too, as
    /// long as a connection is shown: the sweep of a rotation finds the vault by it.
    pub index: Option<VehicleIndex>,
    /// The external ids whose look-ups are written.
    pub external_ids: Vec<ExternalId>,
    /// The external ids whose look-ups are deleted.
    pub former_external_ids: Vec<ExternalId>,
    /// The users whose look-ups are written.
    pub user_ids: Vec<UserId>,
    /// The users whose look-ups are deleted.
    pub former_user_ids: Vec<UserId>,
}

impl IndexRecord {
    /// The record after something changed that stands in the index or is looked up by. `external_id` is the owner's, `user_id`
    /// one that may be new.
    #[must_use]
    pub fn outdated(
        before: Option<&Self>,
        external_id: Option<&ExternalId>,
        user_id: Option<&UserId>,
        now: UnixMillis,
    ) -> Self {
        let latest = before.map_or(0, |record| record.generation);
        let mut external_ids = before.map_or_else(Vec::new, |record| record.external_ids.clone());
        add(&mut external_ids, external_id);
        let mut user_ids = before.map_or_else(Vec::new, |record| record.user_ids.clone());
        add(&mut user_ids, user_id);
        Self {
            // Never the same twice, though the clock stands still between I/O.
            generation: latest.saturating_add(1).max(now.as_millis()),
            kv: KvCopy::dirty(now),
            external_ids,
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

    /// What KV is given, by the owner's external id and the records that are kept.
    #[must_use]
    pub fn write(&self, external_id: Option<&ExternalId>, records: &[(ConnectionId, Record)]) -> IndexWrite {
        let mut user_ids: Vec<UserId> = Vec::new();
        for (_, record) in records {
            add(&mut user_ids, record.user_id());
        }
        let is_shown = records.iter().any(|(_, record)| record.is_shown());
        let mut external_ids: Vec<ExternalId> = Vec::new();
        add(&mut external_ids, external_id.filter(|_| is_shown));
        IndexWrite {
            index: is_shown.then(|| VehicleIndex::of(records)),
            former_external_ids: without(&self.external_ids, &external_ids),
            external_ids,
            former_user_ids: without(&self.user_ids, &user_ids),
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
        // A look-up that is over is deleted twice, as the index is.
        let (external_ids, user_ids) = if kv.is_synced() {
            (&write.external_ids, &write.user_ids)
        } else {
            (&self.external_ids, &self.user_ids)
        };
        Some(Self {
            generation: self.generation,
            kv,
            external_ids: external_ids.clone(),
            user_ids: user_ids.clone(),
        })
    }

    /// Until when the copy in KV is of use, for an owner who is remembered for `retention` after a visit.
    #[must_use]
    pub fn expires_at(now: UnixMillis, retention: Millis) -> UnixMillis {
        now.after(retention).after(EXTRA_LIFE)
    }
}

/// Adds what is not there yet.
fn add<T: Clone + PartialEq>(to: &mut Vec<T>, new: Option<&T>) {
    if let Some(new) = new.filter(|new| !to.contains(new)) {
        to.push(new.clone());
    }
}

/// What is in `all` and not in `kept`.
fn without<T: Clone + PartialEq>(all: &[T], kept: &[T]) -> Vec<T> {
    all.iter().filter(|one| !kept.contains(one)).cloned().collect()
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
