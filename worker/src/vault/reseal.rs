//! Sealing anew, with the active key, what a retired one sealed.

use std::rc::Rc;

use smartcar_connect::{edge::VaultReply, vault::SealedRecord};

use super::{Fault, Inner, store::Batch};

impl Inner {
    /// Seals every record of this vault with the active key and writes all of KV anew: storage does not tell which key sealed
    /// a copy there. What does not open is left as it is: its key may come back.
    pub(super) async fn reseal(self: &Rc<Self>) -> Result<VaultReply, Fault> {
        let turn = self.turn.lock().await;
        let Some(profile) = self.profile().await? else {
            return Ok(VaultReply::Done);
        };
        let principal = &profile.principal;
        let mut batch = Batch::default();
        let grants = self.grants(principal).await?;
        for (id, grant) in &grants {
            self.put_grant(&mut batch, principal, id, grant)?;
        }
        for pending in self.pendings(principal).await? {
            self.put_pending(&mut batch, principal, &pending)?;
        }
        self.owe_index(&mut batch, principal).await?;
        // Read last: a visit or a deletion notes itself there without waiting for its turn.
        if let Some(latest) = self.profile().await? {
            self.put_profile(&mut batch, &latest)?;
        }
        self.commit(batch).await?;
        drop(turn);
        for (id, _) in grants {
            self.write_kv(principal, &id).await?;
        }
        self.write_index(principal).await?;
        let active = self.config()?.key_ring.active_id();
        let is_sealed_anew = |text: &str| SealedRecord::from_text(text).is_ok_and(|record| record.key_id() == active);
        let records = self.list("").await?;
        let left = records.iter().filter(|(_, text)| !is_sealed_anew(text)).count();
        Ok(VaultReply::Resealed { left })
    }
}
