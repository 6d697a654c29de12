//! Sealing anew, with the active key, what a retired one sealed.

use std::rc::Rc;

use smartcar_connect::{edge::VaultReply, principal::Principal, seal::SealedRecord};

use super::{Fault, Inner, store::Batch};

impl Inner {
    /// Seals this vault with the active key and writes all of KV anew: storage does not tell which key sealed a copy there.
    pub(super) async fn reseal(self: &Rc<Self>) -> Result<VaultReply, Fault> {
        let Some(profile) = self.profile().await? else {
            return Ok(VaultReply::Done);
        };
        let principal = &profile.principal;
        let left = self.seal_anew(principal).await?;
        let turn = self.turn.lock().await;
        if self.profile().await?.is_none() {
            // Deleted while this waited for its turn: nobody would look after an index.
            return Ok(VaultReply::Done);
        }
        let mut batch = Batch::default();
        self.owe_index(&mut batch, principal).await?;
        self.commit(batch).await?;
        drop(turn);
        for (id, _) in self.grants(principal).await? {
            self.write_kv(principal, &id).await?;
        }
        self.write_index(principal).await?;
        Ok(VaultReply::Resealed { left })
    }

    /// Seals every record in storage with the active key, and says how many do not open: those are left as they are, since
    /// their key may come back. Nothing is written to KV before this is done: by what the sweep finds there, it judges the
    /// whole vault.
    pub(super) async fn seal_anew(&self, principal: &Principal) -> Result<usize, Fault> {
        let _turn = self.turn.lock().await;
        if self.count_retired().await? == 0 {
            return Ok(0);
        }
        let mut batch = Batch::default();
        for (id, grant) in self.grants(principal).await? {
            self.put_grant(&mut batch, principal, &id, &grant)?;
        }
        for pending in self.pendings(principal).await? {
            self.put_pending(&mut batch, principal, &pending)?;
        }
        self.owe_index(&mut batch, principal).await?;
        // Read last: a visit or a deletion notes itself there without waiting for its turn.
        if let Some(profile) = self.profile().await? {
            self.put_profile(&mut batch, &profile)?;
        }
        self.commit(batch).await?;
        self.count_retired().await
    }

    async fn count_retired(&self) -> Result<usize, Fault> {
        let active = self.config()?.key_ring.active_id();
        let is_active = |text: &str| SealedRecord::from_text(text).is_ok_and(|record| record.key_id() == active);
        let records = self.list("").await?;
        Ok(records.iter().filter(|(_, text)| !is_active(text)).count())
    }
}
