//! Disconnecting.

use std::{cell::Cell, rc::Rc};

use futures_util::{FutureExt as _, StreamExt as _, stream};
use smartcar_connect::{
    api::ApiRequest,
    connect::{ConnectionId, VehicleId},
    edge::{Caller, Problem, VaultReply},
    principal::Principal,
    seal::KvName,
    token::{self, AccessToken},
    vault::{CALL_DEADLINE, Effect, Event, Grant, GrantRecord, KvOutcome, Profile, Upstream, Vehicles, to_be_told},
};

use super::{
    Fault, Inner,
    store::{self, Batch},
};
use crate::{
    clock, kv, settings,
    telemetry::{self, Happened},
    upstream,
};

/// How many connections are closed at once.
const CLOSED_AT_ONCE: usize = 3;

/// How many vehicles of each Smartcar is told of at once: a Durable Object may have six connections open, and a call that
/// waits for one loses its time.
const TOLD_AT_ONCE: usize = 2;

impl Inner {
    pub(super) async fn disconnect(self: &Rc<Self>, caller: &Caller, id: &ConnectionId) -> Result<VaultReply, Fault> {
        let found = match self.seen(caller).await? {
            Some(profile) => self.close(&profile.principal, id).await?,
            None => false,
        };
        Ok(if found {
            VaultReply::Done
        } else {
            VaultReply::Problem(Problem::connection_not_found())
        })
    }

    /// Closes a connection; `false` if there is none. From the first write on nobody gets a token of it any more.
    async fn close(self: &Rc<Self>, principal: &Principal, id: &ConnectionId) -> Result<bool, Fault> {
        let record = self.grant(principal, id).await?;
        let was_live = matches!(record, Some(GrantRecord::Live(_)));
        match record {
            Some(GrantRecord::Live(grant)) => {
                // Goes on in the background: a record is never left half-way, and what Smartcar sends late still counts.
                let ready = Rc::clone(self).get_ready(principal.clone(), id.clone(), grant).shared();
                self.in_background(ready.clone());
                let _ = clock::within(CALL_DEADLINE, ready).await;
            }
            Some(GrantRecord::Ended { .. }) => {}
            Some(GrantRecord::Closing { .. } | GrantRecord::Tombstone { .. }) | None => return Ok(false),
        }
        let started = clock::now();
        let upstream = Upstream::Tell;
        let effects = self.happen(principal, id, Event::DisconnectWanted { upstream }).await?;
        if was_live && matches!(effects.as_slice(), [Effect::Unpublish]) {
            // There is no access token to tell Smartcar with, or its list of vehicles did not come.
            telemetry::record(&self.env, Happened::Disconnect, "not_told", started, None);
        }
        self.finish_closing(principal, id, effects).await?;
        Ok(true)
    }

    /// Gets what Smartcar is told with: an access token, and the lists of the vehicles that this connection covers and the
    /// others do. Where that fails the grant is deleted all the same.
    async fn get_ready(self: Rc<Self>, principal: Principal, id: ConnectionId, grant: Grant) {
        if !token::is_fresh(grant.tokens.access_expires_at, clock::now()) {
            let _ = self.fresh_token(&principal, &id, None).await;
        }
        if let Err(fault) = self.list_all(&principal).await {
            fault.log();
        }
    }

    async fn list_all(self: &Rc<Self>, principal: &Principal) -> Result<(), Fault> {
        for (id, record) in self.grants(principal).await? {
            if let GrantRecord::Live(grant) = record
                && matches!(grant.vehicles, Vehicles::Unlisted { .. })
            {
                self.list_vehicles(principal, &id).await?;
            }
        }
        Ok(())
    }

    /// Like carrying the effects out, but with KV written before the answer.
    async fn finish_closing(
        self: &Rc<Self>,
        principal: &Principal,
        id: &ConnectionId,
        effects: Vec<Effect>,
    ) -> Result<(), Fault> {
        for effect in effects {
            if let Effect::TellSmartcar { access_token, vehicles } = effect {
                self.tell_smartcar(principal, id, &access_token, &vehicles).await?;
                self.happen(principal, id, Event::SmartcarTold).await?;
            }
        }
        self.write_kv(principal, id).await
    }

    /// Tells Smartcar that the vehicles of a connection are disconnected, but for those that another one covers.
    pub(super) async fn tell_smartcar(
        &self,
        principal: &Principal,
        id: &ConnectionId,
        access_token: &AccessToken,
        vehicles: &[VehicleId],
    ) -> Result<(), Fault> {
        if self.profile().await?.is_some_and(|profile| profile.closing) {
            return self.tell_of(access_token, vehicles).await;
        }
        let told = to_be_told(&self.grants(principal).await?, id, vehicles);
        if told.is_empty() {
            telemetry::record(&self.env, Happened::Disconnect, "kept", clock::now(), None);
            return Ok(());
        }
        self.tell_of(access_token, &told).await
    }

    /// Tells Smartcar that the vehicles are disconnected. What it answers changes nothing here, but is logged.
    pub(super) async fn tell_of(&self, access_token: &AccessToken, vehicles: &[VehicleId]) -> Result<(), Fault> {
        let api = &self.config()?.origins.api;
        let started = clock::now();
        let told = Cell::new(true);
        stream::iter(vehicles)
            .for_each_concurrent(TOLD_AT_ONCE, async |vehicle| {
                let reply = upstream::api(&ApiRequest::disconnect(api, vehicle), access_token.expose()).await;
                // 404: Smartcar knows of no such connection any more.
                if !reply.is_ok_and(|reply| matches!(reply.status, 200..=299 | 404)) {
                    told.set(false);
                }
            })
            .await;
        let outcome = if told.get() { "told" } else { "not_told" };
        telemetry::record(&self.env, Happened::Disconnect, outcome, started, None);
        Ok(())
    }

    pub(super) async fn disconnect_all(self: &Rc<Self>, caller: &Caller) -> Result<VaultReply, Fault> {
        if let Some(profile) = self.seen(caller).await? {
            self.delete_principal(profile).await?;
        }
        Ok(VaultReply::Done)
    }

    /// Closes a connection that is to be deleted, or goes on with what was begun.
    async fn close_or_go_on(
        self: &Rc<Self>,
        principal: &Principal,
        id: &ConnectionId,
        grant: &GrantRecord,
    ) -> Result<(), Fault> {
        match grant {
            GrantRecord::Live(_) | GrantRecord::Ended { .. } => self.close(principal, id).await.map(|_| ()),
            GrantRecord::Closing { .. } => {
                let effects = self.happen(principal, id, Event::Woken).await?;
                self.finish_closing(principal, id, effects).await
            }
            GrantRecord::Tombstone { .. } => match self.happen(principal, id, Event::Woken).await?.is_empty() {
                true => Ok(()),
                false => self.write_kv(principal, id).await,
            },
        }
    }

    /// Disconnects everything of the principal. The vault is deleted when that has been over for some minutes: until then
    /// tombstones look after what may still arrive in KV. If this is interrupted or KV fails, the alarm goes on with it.
    pub(super) async fn delete_principal(self: &Rc<Self>, profile: Profile) -> Result<(), Fault> {
        let principal = profile.principal.clone();
        self.begin_deletion(profile).await?;
        let closed: Vec<Result<(), Fault>> = stream::iter(self.grants(&principal).await?)
            .map(|(id, grant)| {
                let principal = &principal;
                async move { self.close_or_go_on(principal, &id, &grant).await }
            })
            .buffer_unordered(CLOSED_AT_ONCE)
            .collect()
            .await;
        // Not before all are through: none is stopped half-way because of another.
        closed.into_iter().collect::<Result<(), Fault>>()?;
        let unpublished = self.unpublish_rest(&principal).await?;
        let _turn = self.turn.lock().await;
        if !self.profile().await?.is_some_and(|profile| profile.closing) {
            // The owner came back meanwhile.
            return Ok(());
        }
        let swept = self
            .grants(&principal)
            .await?
            .iter()
            .all(|(_, grant)| matches!(grant, GrantRecord::Tombstone { sweep_at: None, .. }));
        if swept && unpublished == KvOutcome::Done {
            self.delete_everything().await
        } else {
            // The alarm goes on with it.
            Ok(())
        }
    }

    /// Deletes in KV what no grant looks after: the index, and the copies of grants that do not open here.
    async fn unpublish_rest(&self, principal: &Principal) -> Result<KvOutcome, Fault> {
        let store = settings::tokens(&self.env).map_err(Fault::Misconfigured)?;
        let ring = &self.config()?.key_ring;
        let opened = self.grants(principal).await?;
        let mut names = KvName::index(ring, principal);
        for id in self.connection_ids().await? {
            if opened.iter().all(|(other, _)| *other != id) {
                names.extend(KvName::grant(ring, principal, &id));
            }
        }
        Ok(kv::delete(&store, &names).await)
    }

    /// Marks every connection as closed, and goes on with that in the background: the owner is back before a deletion that
    /// was begun came to its end.
    pub(super) async fn close_everything(self: &Rc<Self>, principal: &Principal) -> Result<(), Fault> {
        for (id, _) in self.grants(principal).await? {
            let upstream = Upstream::Tell;
            let effects = self
                .happen(principal, &id, Event::DisconnectWanted { upstream })
                .await?;
            let (inner, principal) = (Rc::clone(self), principal.clone());
            self.in_background(async move {
                if let Err(fault) = inner.finish_closing(&principal, &id, effects).await {
                    fault.log();
                }
            });
        }
        Ok(())
    }

    /// From here on nothing can be connected that was started before.
    async fn begin_deletion(&self, profile: Profile) -> Result<(), Fault> {
        let _turn = self.turn.lock().await;
        let mut batch = Batch::default();
        for (key, _) in self.list(store::PENDING).await? {
            batch.delete(key);
        }
        self.put_profile(
            &mut batch,
            &Profile {
                closing: true,
                ..profile
            },
        )?;
        self.commit(batch).await
    }
}
