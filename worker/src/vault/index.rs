//! The index: which connection covers which vehicle. It lets a reader find a token by vehicle without the vault.

use std::rc::Rc;

use serde::{Deserialize, Serialize};
use smartcar_connect::{
    principal::Principal,
    seal::{KvName, Place},
    time::{Millis, UnixMillis},
    vault::{KvOutcome, VehicleIndex, connection},
};

use super::{Fault, Inner, store::Batch};
use crate::{clock, kv, settings};

/// How long after a failed write the next one is tried, at least: KV takes one per second and key.
const RETRY_AFTER: Millis = Millis::from_secs(2);

/// And at most. In between it is as long as the index has been owed.
const RETRY_AT_LATEST: Millis = Millis::from_mins(5);

/// How long a write may take before the alarm does it.
const LOST_AFTER: Millis = Millis::from_secs(15);

/// When an index is written once more after a change: the first write may be lost, or overtaken by one of a process that
/// died.
const SETTLED_AFTER: Millis = Millis::from_mins(2);

/// How much longer than its owner is remembered an index stays in KV, and how often it is written although nothing has
/// changed: a visit lengthens the owner's life, not the index's.
const EXTRA_LIFE: Millis = Millis::from_days(30);

/// How far the index in KV is. Its contents follow from the grants.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(super) struct IndexRecord {
    /// Counts the changes.
    pub(super) generation: u64,
    /// When KV is written next; `None` if there is nothing to keep there.
    pub(super) publish_at: Option<UnixMillis>,
    /// Whether KV has accepted this generation: nothing is written before `publish_at` then.
    #[serde(default)]
    pub(super) accepted: bool,
}

impl IndexRecord {
    /// Whether KV has to be written now.
    fn is_due(&self, now: UnixMillis) -> bool {
        self.publish_at.is_some_and(|at| !self.accepted || now >= at)
    }

    /// The time of the change: a generation is one.
    fn changed_at(&self) -> UnixMillis {
        UnixMillis::new(self.generation)
    }
}

impl Inner {
    /// Notes, in the batch that changes a grant's vehicles, that the index has to be written. The caller has its turn.
    pub(super) async fn owe_index(&self, batch: &mut Batch, principal: &Principal) -> Result<(), Fault> {
        let now = clock::now();
        let latest = self
            .index_record(principal)
            .await?
            .map_or(0, |record| record.generation);
        let index = IndexRecord {
            // Never the same twice, though the clock stands still between I/O.
            generation: latest.saturating_add(1).max(now.as_millis()),
            publish_at: Some(now.after(LOST_AFTER)),
            accepted: false,
        };
        self.put_index(batch, principal, &index)
    }

    /// Writes the index to KV, if that is owed.
    pub(super) async fn write_index(self: &Rc<Self>, principal: &Principal) -> Result<(), Fault> {
        let record = self.index_record(principal).await?;
        if !record.is_some_and(|record| record.is_due(clock::now())) {
            return Ok(());
        }
        self.supersede(principal).await?;
        let store = settings::tokens(&self.env).map_err(Fault::Misconfigured)?;
        let names = KvName::index(&self.config()?.key_ring, principal);
        self.seal_anew(principal).await?;
        let _turn = self.kv_turn.lock().await;
        let Some(record) = self.index_record(principal).await? else {
            return Ok(());
        };
        if !record.is_due(clock::now()) {
            return Ok(());
        }
        let grants = self.grants(principal).await?;
        let now = clock::now();
        // An index without vehicles is written too, as long as a connection is shown: the sweep of a rotation finds the vault
        // by it.
        let is_kept = grants.iter().any(|(id, grant)| connection(id, grant, now).is_some());
        let outcome = if is_kept {
            let sealed = self.seal(&Place::index(principal), record.generation, &VehicleIndex::of(&grants))?;
            let until = now.after(self.config()?.retention).after(EXTRA_LIFE);
            kv::put(&store, &names, &sealed, &self.vault_id(), until, now).await
        } else {
            kv::delete(&store, &names).await
        };
        let _turn = self.turn.lock().await;
        // Changed meanwhile: that change is owed still.
        if self
            .index_record(principal)
            .await?
            .is_none_or(|latest| latest.generation != record.generation)
        {
            return Ok(());
        }
        let now = clock::now();
        let owed_for = now.since(record.changed_at());
        let publish_at = match outcome {
            KvOutcome::Done if owed_for < SETTLED_AFTER => Some(record.changed_at().after(SETTLED_AFTER)),
            KvOutcome::Done => is_kept.then(|| now.after(EXTRA_LIFE)),
            KvOutcome::Failed => Some(now.after(owed_for.clamp(RETRY_AFTER, RETRY_AT_LATEST))),
        };
        let written = IndexRecord {
            publish_at,
            accepted: outcome == KvOutcome::Done,
            ..record
        };
        let mut batch = Batch::default();
        self.put_index(&mut batch, principal, &written)?;
        self.commit(batch).await
    }
}
