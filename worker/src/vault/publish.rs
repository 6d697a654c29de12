//! Bringing KV up to what storage says.

use std::rc::Rc;

use smartcar_connect::vault::{ConnectionId, Event, GrantRecord, KvName, KvOutcome, Place, Principal};

use super::{Fault, Inner};
use crate::{clock, kv, settings};

impl Inner {
    /// Brings the connection's record in KV, and the index, up to date. If this process dies, the alarm does it.
    pub(super) fn write_kv_in_background(self: &Rc<Self>, principal: &Principal, id: &ConnectionId) {
        let (inner, principal, id) = (Rc::clone(self), principal.clone(), id.clone());
        self.in_background(async move {
            if let Err(fault) = inner.write_kv(&principal, &id).await {
                fault.log();
            }
        });
    }

    /// Writes or deletes, whatever storage says *now*: a write that was decided on earlier may be out of date.
    pub(super) async fn write_kv(&self, principal: &Principal, id: &ConnectionId) -> Result<(), Fault> {
        let store = settings::tokens(&self.env).map_err(Fault::Misconfigured)?;
        let names = KvName::grant(&self.config()?.key_ring, principal, id);
        let _turn = self.kv_turn.lock().await;
        let event = match self.grant(principal, id).await? {
            Some(record @ GrantRecord::Live(_)) => {
                let GrantRecord::Live(grant) = &record else {
                    return Ok(());
                };
                let sealed = self.seal(&Place::grant(principal, id), grant.generation, &record)?;
                let outcome = match names.split_first() {
                    Some((name, former)) => {
                        let until = grant.tokens.refresh_expires_at;
                        match kv::put(&store, name, &sealed, &self.vault_id(), until, clock::now()).await {
                            KvOutcome::Done => kv::delete(&store, former).await,
                            KvOutcome::Failed => KvOutcome::Failed,
                        }
                    }
                    None => KvOutcome::Failed,
                };
                Event::PublishEnded {
                    generation: grant.generation,
                    outcome,
                }
            }
            Some(_) => Event::UnpublishEnded {
                outcome: kv::delete(&store, &names).await,
            },
            None => return Ok(()),
        };
        self.happen(principal, id, event).await?;
        drop(_turn);
        self.write_index(principal).await
    }
}
