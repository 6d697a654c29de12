//! Bringing KV up to what storage says.

use std::rc::Rc;

use smartcar_connect::{
    connect::ConnectionId,
    principal::Principal,
    seal::{KvName, Place},
    vault::{Event, GrantRecord, Published},
};

use super::{Fault, Inner};
use crate::{
    clock, kv, settings,
    telemetry::{self, Happened},
};

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
    pub(super) async fn write_kv(self: &Rc<Self>, principal: &Principal, id: &ConnectionId) -> Result<(), Fault> {
        let store = settings::tokens(&self.env).map_err(Fault::Misconfigured)?;
        let names = KvName::grant(&self.config()?.key_ring, principal, id);
        self.seal_anew(principal).await?;
        let turn = self.kv_turn.lock().await;
        let event = match self.grant(principal, id).await? {
            Some(record @ GrantRecord::Live(_)) => {
                let GrantRecord::Live(grant) = &record else {
                    return Ok(());
                };
                let generation = grant.generation;
                let sealed = self.seal(&Place::grant(principal, id), generation, &record)?;
                let until = grant.tokens.refresh_expires_at;
                let outcome = kv::put(&store, &names, &sealed, &self.vault_id(), until, clock::now()).await;
                if let Published::Owed { since, .. } = grant.published {
                    telemetry::record(&self.env, Happened::Publish, outcome.code(), since, None);
                }
                Event::PublishEnded { generation, outcome }
            }
            Some(_) => Event::UnpublishEnded {
                outcome: kv::delete(&store, &names).await,
            },
            None => return Ok(()),
        };
        self.happen(principal, id, event).await?;
        drop(turn);
        self.write_index(principal).await
    }
}
