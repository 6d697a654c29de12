//! Sealing anew, with the active key, what a retired one sealed.

use std::{collections::HashSet, rc::Rc};

use smartcar_connect::{edge::VaultReply, vault::SealedRecord};

use super::{
    Fault, Inner,
    store::{self, Batch},
};

impl Inner {
    /// Seals every record of this vault with the active key and brings KV up to date. What does not open is left as it is:
    /// its key may come back.
    pub(super) async fn reseal(self: &Rc<Self>) -> Result<VaultReply, Fault> {
        let Some(profile) = self.profile().await? else {
            return Ok(VaultReply::Resealed { records: 0 });
        };
        let principal = &profile.principal;
        let active = self.config()?.key_ring.active_id().clone();
        let turn = self.turn.lock().await;
        let is_retired = |text: &str| SealedRecord::from_text(text).is_ok_and(|record| *record.key_id() != active);
        let retired: HashSet<String> = self
            .list("")
            .await?
            .into_iter()
            .filter(|(_, text)| is_retired(text))
            .map(|(key, _)| key)
            .collect();
        let is = |key: &str| retired.contains(key);
        let mut batch = Batch::default();
        let mut again = Vec::new();
        let mut records = 0_u32;
        for (id, grant) in self.grants(principal).await? {
            if is(&store::grant_key(&id)) {
                self.put_grant(&mut batch, principal, &id, &grant)?;
                again.push(id);
                records = records.saturating_add(1);
            }
        }
        for pending in self.pendings(principal).await? {
            if is(&store::pending_key(pending.pending.fingerprint().as_str())) {
                self.put_pending(&mut batch, principal, &pending)?;
                records = records.saturating_add(1);
            }
        }
        if is(store::INDEX) {
            self.owe_index(&mut batch, principal)?;
            records = records.saturating_add(1);
        }
        if is(store::PROFILE) {
            self.put_profile(&mut batch, &profile)?;
            records = records.saturating_add(1);
        }
        self.commit(batch).await?;
        drop(turn);
        for id in again {
            self.write_kv(principal, &id).await?;
        }
        self.write_index(principal).await?;
        Ok(VaultReply::Resealed { records })
    }
}
