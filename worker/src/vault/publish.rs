//! What goes out: copies to Workers KV, connections to the vault of the user who has claimed them, and to Smartcar that a vehicle
//! is disconnected.

use std::{cell::Cell, rc::Rc};

use futures_util::{StreamExt as _, stream};
use smartcar_connect::{
    api::Disconnected,
    connect::{ConnectionId, ExternalId, VehicleId},
    edge::{Caller, Config, Operation, VaultReply},
    principal::Principal,
    seal::{KvName, RecordBinding, SealedRecord},
    time::UnixMillis,
    token::cycle::CALL_DEADLINE,
    vault::{
        Handover, HandoverOutcome, IndexRecord, IndexWrite, KvCopy, KvOutcome, Live, Lookup, Profile, ReadableToken,
        Record, join_value,
        life::{Event, RevokedBy},
    },
};
use worker::Env;

use super::{error::VaultError, storage::Storage};
use crate::{
    clock, kv,
    kv_namespace::KvNamespace,
    smartcar,
    telemetry::{self, LogEvent},
    vault_client,
};

/// How many vehicles of a connection Smartcar is told of at once: a Durable Object may have six connections open, and a call
/// that waits for one loses its time.
const REVOKED_AT_ONCE: usize = 2;

pub(super) struct Publisher {
    pub(super) env: Env,
    pub(super) config: Rc<Config>,
    pub(super) kv: KvNamespace,
}

impl Publisher {
    /// Writes the copy of a connection, or deletes it where the connection is no longer live. The caller has its turn.
    pub(super) async fn record(
        &self,
        storage: &Storage,
        principal: &Principal,
        id: &ConnectionId,
        record: &Record,
    ) -> Result<Event, VaultError> {
        let names = KvName::grant(&self.config.key_ring, principal, id);
        let Record::Live(live) = record else {
            let outcome = kv::delete(&self.kv, &names).await;
            return Ok(Event::KvDeleteCompleted { outcome });
        };
        let generation = live.generation();
        let whole = storage.seal(&RecordBinding::grant(principal, id), generation, record)?;
        let value = join_value(&readable(storage, principal, id, live)?, &whole.to_text());
        let until = live.owner_tokens().map_or_else(
            || IndexRecord::expires_at(clock::now(), self.config.retention),
            |tokens| tokens.pair.refresh_expires_at,
        );
        let outcome = self.put(storage, &names, &value, &whole, until).await;
        if let KvCopy::Dirty { since, .. } = live.kv {
            telemetry::record(&self.env, LogEvent::Publish, outcome.code(), since, None);
        }
        Ok(Event::KvPutCompleted { generation, outcome })
    }

    /// Writes the index and the look-ups, or deletes them where nothing is left to look up. The caller has its turn.
    pub(super) async fn index(&self, storage: &Storage, principal: &Principal) -> Result<(), VaultError> {
        let Some(index) = storage.index_record(principal).await? else {
            return Ok(());
        };
        if !index.is_due(clock::now()) {
            return Ok(());
        }
        let profile = storage.profile().await?;
        let external_id = profile.as_ref().and_then(Profile::looked_up_by);
        let write = index.write(external_id, &storage.records(principal).await?);
        let outcome = self.write_index(storage, principal, &index, &write).await?;
        let mut transaction = storage.begin().await;
        let latest = storage.index_record(principal).await?;
        match index.after_write(latest.as_ref(), &write, outcome, clock::now()) {
            Some(written) => {
                transaction.put_index(principal, &written)?;
                transaction.commit().await
            }
            // Changed meanwhile: that change is still to be written.
            None => Ok(()),
        }
    }

    async fn write_index(
        &self,
        storage: &Storage,
        principal: &Principal,
        record: &IndexRecord,
        write: &IndexWrite,
    ) -> Result<KvOutcome, VaultError> {
        let ring = &self.config.key_ring;
        let vault_id = storage.vault_id();
        let mut former: Vec<KvName> = Vec::new();
        for external_id in &write.former_external_ids {
            former.extend(KvName::external_id_lookup(ring, external_id));
        }
        for user_id in &write.former_user_ids {
            former.extend(KvName::user_lookup(ring, user_id, &vault_id));
        }
        if write.formerly_must_act {
            former.extend(KvName::must_act(ring, &vault_id));
        }
        let names = KvName::index(ring, principal);
        let Some(index) = &write.index else {
            former.extend(names);
            return Ok(kv::delete(&self.kv, &former).await);
        };
        let until = IndexRecord::expires_at(clock::now(), self.config.retention);
        let sealed = storage.seal(&RecordBinding::index(principal), record.generation, index)?;
        let mut outcomes = vec![self.put(storage, &names, &sealed.to_text(), &sealed, until).await];
        let lookup = Lookup { vault: vault_id };
        for id in &write.external_ids {
            let sealed = storage.seal(&RecordBinding::external_id_lookup(id), record.generation, &lookup)?;
            let names = KvName::external_id_lookup(ring, id);
            outcomes.push(self.put(storage, &names, &sealed.to_text(), &sealed, until).await);
        }
        for id in &write.user_ids {
            let binding = RecordBinding::user_lookup(id, &lookup.vault);
            let sealed = storage.seal(&binding, record.generation, &lookup)?;
            let names = KvName::user_lookup(ring, id, &lookup.vault);
            outcomes.push(self.put(storage, &names, &sealed.to_text(), &sealed, until).await);
        }
        if write.must_act {
            let binding = RecordBinding::must_act(&lookup.vault);
            let sealed = storage.seal(&binding, record.generation, &lookup)?;
            let names = KvName::must_act(ring, &lookup.vault);
            outcomes.push(self.put(storage, &names, &sealed.to_text(), &sealed, until).await);
        }
        outcomes.push(kv::delete(&self.kv, &former).await);
        Ok(if outcomes.contains(&KvOutcome::Failed) {
            KvOutcome::Failed
        } else {
            KvOutcome::Done
        })
    }

    async fn put(
        &self,
        storage: &Storage,
        names: &[KvName],
        value: &str,
        sealed: &SealedRecord,
        until: UnixMillis,
    ) -> KvOutcome {
        kv::put(
            &self.kv,
            names,
            value,
            sealed.key_id(),
            &storage.vault_id(),
            until,
            clock::now(),
        )
        .await
    }

    /// Deletes in KV what no connection looks after: the index, the look-ups, and the copies of connections that do not open
    /// here.
    pub(super) async fn delete_rest(&self, storage: &Storage, profile: &Profile) -> Result<KvOutcome, VaultError> {
        let (ring, principal) = (&self.config.key_ring, &profile.principal);
        let opened = storage.records(principal).await?;
        let mut names = KvName::index(ring, principal);
        let index = storage.index_record(principal).await?;
        for external_id in index.iter().flat_map(|index| &index.external_ids) {
            names.extend(KvName::external_id_lookup(ring, external_id));
        }
        for user_id in index.iter().flat_map(|index| &index.user_ids) {
            names.extend(KvName::user_lookup(ring, user_id, &storage.vault_id()));
        }
        if index.is_some_and(|index| index.must_act) {
            names.extend(KvName::must_act(ring, &storage.vault_id()));
        }
        for id in storage.connection_ids().await? {
            if opened.iter().all(|(other, _)| *other != id) {
                names.extend(KvName::grant(ring, principal, &id));
            }
        }
        Ok(kv::delete(&self.kv, &names).await)
    }

    /// Gives a connection to the claimant's vault.
    pub(super) async fn hand_over(&self, handover: Box<Handover>) -> HandoverOutcome {
        let started = clock::now();
        let claimant = Caller::named(handover.to.principal.clone());
        let asked = vault_client::ask(&self.env, &claimant, Operation::Receive(handover));
        let outcome = match clock::within(CALL_DEADLINE, asked).await {
            Some(Ok(VaultReply::HandedOver(outcome))) => outcome,
            _ => HandoverOutcome::Unknown,
        };
        telemetry::record(&self.env, LogEvent::Claim, outcome.code(), started, None);
        outcome
    }

    /// Tells Smartcar that the vehicles are disconnected, of an owner whom it knows by `own`. What it answers changes nothing here,
    /// but is logged.
    pub(super) async fn revoke(&self, by: &RevokedBy, own: &ExternalId, vehicles: &[VehicleId]) {
        let origins = &self.config.origins;
        let started = clock::now();
        let all_told = Cell::new(true);
        stream::iter(vehicles)
            .for_each_concurrent(REVOKED_AT_ONCE, async |vehicle| {
                let told = match by {
                    RevokedBy::Owner(access_token) => smartcar::disconnect(access_token, &origins.api, vehicle).await,
                    RevokedBy::Application {
                        user_id,
                        mode,
                        external_id,
                        made_with,
                    } => {
                        let external_ids: Vec<_> = external_id.iter().chain([own]).cloned().collect();
                        let disconnected = Disconnected {
                            user_id,
                            vehicle_id: vehicle,
                            mode: *mode,
                            external_ids: &external_ids,
                            made_with: *made_with,
                        };
                        smartcar::disconnect_user(&self.env, &origins.vehicle, &disconnected).await
                    }
                };
                if !told {
                    all_told.set(false);
                }
            })
            .await;
        let outcome = if all_told.get() { "told" } else { "not_told" };
        telemetry::record(&self.env, LogEvent::Disconnect, outcome, started, None);
    }
}

/// The part of a copy that is for readers, sealed; empty if there is none.
fn readable(storage: &Storage, principal: &Principal, id: &ConnectionId, live: &Live) -> Result<String, VaultError> {
    let Some(token) = ReadableToken::of(live) else {
        return Ok(String::new());
    };
    let binding = RecordBinding::access_token(principal, id);
    Ok(storage.seal(&binding, live.generation(), &token)?.to_text())
}
