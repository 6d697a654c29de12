//! The vault's storage: every value is a sealed record, and the alarm is set in the same write as what it is for.

use std::collections::HashMap;

use futures_util::future::try_join3;
use smartcar_connect::{
    connect::ConnectionId,
    principal::Principal,
    seal::{Place, SealedRecord},
    time::{Millis, UnixMillis},
    vault::{GrantRecord, PendingRecord, Profile, wake_at},
};
use worker::{
    ListOptions, Storage,
    js_sys::{Array, Object, Reflect},
    wasm_bindgen::{JsCast as _, JsValue},
};
use zeroize::Zeroizing;

use super::{Fault, Inner, index::IndexRecord};
use crate::{clock, random};

pub(super) const PROFILE: &str = "profile";
pub(super) const INDEX: &str = "index";
pub(super) const PENDING: &str = "pending/";
pub(super) const GRANT: &str = "grant/";

/// How long deleting everything may take before the alarm goes on with it, and how often the alarm tries.
const DELETION_LOST_AFTER: Millis = Millis::from_mins(1);

/// When a record that does not open is tried again: only an operator can mend that.
pub(super) const SEALED_TRIED_AFTER: Millis = Millis::from_hours(6);

pub(super) fn grant_key(id: &ConnectionId) -> String {
    [GRANT, id.as_str()].concat()
}

pub(super) fn pending_key(fingerprint: &str) -> String {
    [PENDING, fingerprint].concat()
}

/// Changes that become durable together or not at all.
#[derive(Default)]
pub(super) struct Batch {
    puts: Vec<(String, String)>,
    deletes: Vec<String>,
    wakes: Vec<(String, Option<UnixMillis>)>,
    profile: Option<Profile>,
}

impl Batch {
    pub(super) fn put(&mut self, key: String, record: &SealedRecord, wake: Option<UnixMillis>) {
        self.puts.push((key.clone(), record.to_text()));
        self.wakes.push((key, wake));
    }

    pub(super) fn delete(&mut self, key: String) {
        self.deletes.push(key.clone());
        self.wakes.push((key, None));
    }
}

impl Inner {
    fn storage(&self) -> Storage {
        self.state.storage()
    }

    pub(super) fn seal(
        &self,
        place: &Place,
        generation: u64,
        value: &impl serde::Serialize,
    ) -> Result<SealedRecord, Fault> {
        let json = Zeroizing::new(serde_json::to_vec(value)?);
        Ok(SealedRecord::seal(
            &self.config()?.key_ring,
            place,
            generation,
            random::bytes()?,
            &json,
        )?)
    }

    pub(super) fn open<T: serde::de::DeserializeOwned>(&self, place: &Place, text: &str) -> Result<T, Fault> {
        let json = SealedRecord::from_text(text)?.open(&self.config()?.key_ring, place)?;
        Ok(serde_json::from_slice(&json)?)
    }

    async fn read<T: serde::de::DeserializeOwned>(&self, key: &str, place: &Place) -> Result<Option<T>, Fault> {
        match self.storage().get::<String>(key).await? {
            Some(text) => self.open(place, &text).map(Some),
            None => Ok(None),
        }
    }

    /// Every key that starts with `prefix`, with its sealed record.
    pub(super) async fn list(&self, prefix: &str) -> Result<Vec<(String, String)>, Fault> {
        let map = self
            .storage()
            .list_with_options(ListOptions::new().prefix(prefix))
            .await?;
        let entries = Array::from(&map);
        let records = entries.iter().filter_map(|entry| {
            let pair = entry.dyn_into::<Array>().ok()?;
            Some((pair.get(0).as_string()?, pair.get(1).as_string()?))
        });
        Ok(records.collect())
    }

    pub(super) async fn profile(&self) -> Result<Option<Profile>, Fault> {
        let known = self.known_profile.borrow().clone();
        if known.is_some() {
            return Ok(known);
        }
        let read: Option<Profile> = self.read(PROFILE, &Place::profile(&self.vault_id())).await?;
        // Whoever wrote it meanwhile knows better.
        Ok(read.map(|profile| self.known_profile.borrow_mut().get_or_insert(profile).clone()))
    }

    pub(super) async fn grant(&self, principal: &Principal, id: &ConnectionId) -> Result<Option<GrantRecord>, Fault> {
        self.read(&grant_key(id), &Place::grant(principal, id)).await
    }

    pub(super) async fn pending(
        &self,
        principal: &Principal,
        fingerprint: &str,
    ) -> Result<Option<PendingRecord>, Fault> {
        self.read(&pending_key(fingerprint), &Place::pending(principal, fingerprint))
            .await
    }

    /// How far the index in KV is. One that does not open is as good as none: its contents follow from the grants.
    pub(super) async fn index_record(&self, principal: &Principal) -> Result<Option<IndexRecord>, Fault> {
        match self.read(INDEX, &Place::publication(principal)).await {
            Err(fault @ Fault::Sealed(_)) => {
                fault.log();
                Ok(None)
            }
            other => other,
        }
    }

    /// Every grant, the oldest first. One that does not open is left out and logged: it must not take the others with it.
    pub(super) async fn grants(&self, principal: &Principal) -> Result<Vec<(ConnectionId, GrantRecord)>, Fault> {
        let mut grants: Vec<(ConnectionId, GrantRecord)> = Vec::new();
        for (key, text) in self.list(GRANT).await? {
            let Some(id) = key.strip_prefix(GRANT).and_then(|id| ConnectionId::parse(id).ok()) else {
                continue;
            };
            match self.open::<GrantRecord>(&Place::grant(principal, &id), &text) {
                Ok(record) => {
                    let at = grants.partition_point(|(_, other)| other.connected_at() <= record.connected_at());
                    grants.insert(at, (id, record));
                }
                Err(fault) => fault.log(),
            }
        }
        Ok(grants)
    }

    /// The id of every grant, whether or not it opens.
    pub(super) async fn connection_ids(&self) -> Result<Vec<ConnectionId>, Fault> {
        let records = self.list(GRANT).await?;
        let ids = records
            .iter()
            .filter_map(|(key, _)| ConnectionId::parse(key.strip_prefix(GRANT)?).ok());
        Ok(ids.collect())
    }

    /// Every pending connection that opens.
    pub(super) async fn pendings(&self, principal: &Principal) -> Result<Vec<PendingRecord>, Fault> {
        let records = self.list(PENDING).await?;
        let opened = records.iter().filter_map(|(key, text)| {
            let fingerprint = key.strip_prefix(PENDING)?;
            self.open::<PendingRecord>(&Place::pending(principal, fingerprint), text)
                .ok()
        });
        Ok(opened.collect())
    }

    pub(super) fn put_profile(&self, batch: &mut Batch, profile: &Profile) -> Result<(), Fault> {
        let record = self.seal(&Place::profile(&self.vault_id()), 0, profile)?;
        batch.put(PROFILE.to_owned(), &record, Some(self.profile_wake(profile)?));
        batch.profile = Some(profile.clone());
        Ok(())
    }

    fn profile_wake(&self, profile: &Profile) -> Result<UnixMillis, Fault> {
        Ok(if profile.closing {
            clock::now().after(DELETION_LOST_AFTER)
        } else {
            profile.deleted_at(self.config()?.retention)
        })
    }

    pub(super) fn put_grant(
        &self,
        batch: &mut Batch,
        principal: &Principal,
        id: &ConnectionId,
        grant: &GrantRecord,
    ) -> Result<(), Fault> {
        let record = self.seal(&Place::grant(principal, id), grant.generation(), grant)?;
        batch.put(grant_key(id), &record, wake_at(id, grant));
        Ok(())
    }

    pub(super) fn put_pending(
        &self,
        batch: &mut Batch,
        principal: &Principal,
        pending: &PendingRecord,
    ) -> Result<(), Fault> {
        let fingerprint = pending.pending.fingerprint().as_str();
        let record = self.seal(&Place::pending(principal, fingerprint), 0, pending)?;
        batch.put(
            pending_key(fingerprint),
            &record,
            Some(pending.kept_until(clock::now())),
        );
        Ok(())
    }

    pub(super) fn put_index(&self, batch: &mut Batch, principal: &Principal, index: &IndexRecord) -> Result<(), Fault> {
        let record = self.seal(&Place::publication(principal), index.generation, index)?;
        batch.put(INDEX.to_owned(), &record, index.publish_at);
        Ok(())
    }

    /// Makes a batch durable, and the alarm with it: the platform joins writes that are begun without waiting in between.
    pub(super) async fn commit(&self, batch: Batch) -> Result<(), Fault> {
        self.load_wakes().await?;
        // Noted before anything is awaited: another commit must count with it.
        let next = {
            let mut noted = self.wakes.borrow_mut();
            let wakes = noted.get_or_insert_default();
            for (key, wake) in batch.wakes {
                match wake {
                    Some(at) => wakes.insert(key, at),
                    None => wakes.remove(&key),
                };
            }
            wakes.values().min().copied()
        };
        let values = Object::new();
        for (key, text) in &batch.puts {
            Reflect::set(&values, &JsValue::from_str(key), &JsValue::from_str(text)).map_err(|_| Fault::Storage)?;
        }
        let storage = self.storage();
        let put = async {
            if batch.puts.is_empty() {
                Ok(())
            } else {
                storage.put_multiple_raw(values).await
            }
        };
        let delete = async {
            if batch.deletes.is_empty() {
                Ok(0)
            } else {
                storage.delete_multiple(batch.deletes.clone()).await
            }
        };
        match try_join3(put, delete, self.arm(next)).await {
            Ok(_) => {
                if let Some(profile) = batch.profile {
                    *self.known_profile.borrow_mut() = Some(profile);
                }
                Ok(())
            }
            Err(error) => {
                // What is stored now is not known: it is read again.
                *self.wakes.borrow_mut() = None;
                *self.known_profile.borrow_mut() = None;
                Err(error.into())
            }
        }
    }

    /// Sets the alarm for `at`, or for now if that is past.
    async fn arm(&self, at: Option<UnixMillis>) -> worker::Result<()> {
        match at {
            Some(at) => {
                let wait = at.since(clock::now()).as_millis();
                self.storage().set_alarm(i64::try_from(wait).unwrap_or(i64::MAX)).await
            }
            None => self.storage().delete_alarm().await,
        }
    }

    /// When each record wants the alarm.
    pub(super) async fn wakes(&self) -> Result<HashMap<String, UnixMillis>, Fault> {
        self.load_wakes().await?;
        Ok(self.wakes.borrow().clone().unwrap_or_default())
    }

    /// Reads from storage when each record wants the alarm, once in a process's life.
    async fn load_wakes(&self) -> Result<(), Fault> {
        if self.wakes.borrow().is_some() {
            return Ok(());
        }
        let mut wakes = HashMap::new();
        if let Some(profile) = self.profile().await? {
            wakes.insert(PROFILE.to_owned(), self.profile_wake(&profile)?);
            let principal = &profile.principal;
            let now = clock::now();
            for id in self.connection_ids().await? {
                wakes.extend(self.wake_of(principal, &id).await?.map(|at| (grant_key(&id), at)));
            }
            for pending in self.pendings(principal).await? {
                wakes.insert(
                    pending_key(pending.pending.fingerprint().as_str()),
                    pending.kept_until(now),
                );
            }
            if let Some(at) = self.index_record(principal).await?.and_then(|index| index.publish_at) {
                wakes.insert(INDEX.to_owned(), at);
            }
        }
        // Whoever was faster knows at least as much.
        self.wakes.borrow_mut().get_or_insert(wakes);
        Ok(())
    }

    async fn wake_of(&self, principal: &Principal, id: &ConnectionId) -> Result<Option<UnixMillis>, Fault> {
        match self.grant(principal, id).await {
            Ok(grant) => Ok(grant.and_then(|grant| wake_at(id, &grant))),
            // Its key may come back: it must not be forgotten meanwhile.
            Err(Fault::Sealed(_) | Fault::Corrupt) => Ok(Some(clock::now().after(SEALED_TRIED_AFTER))),
            Err(fault) => Err(fault),
        }
    }

    /// Notes when a grant wants the alarm, after the alarm has looked after it.
    pub(super) async fn note_wake(&self, principal: &Principal, id: &ConnectionId) -> Result<(), Fault> {
        // What another commit notes meanwhile must not be overwritten.
        let _turn = self.turn.lock().await;
        let wake = self.wake_of(principal, id).await?;
        if let Some(wakes) = self.wakes.borrow_mut().as_mut() {
            match wake {
                Some(at) => wakes.insert(grant_key(id), at),
                None => wakes.remove(&grant_key(id)),
            };
        }
        Ok(())
    }

    /// Sets the alarm for whatever is due next, but not within `pause`. Called at the end of every alarm, which has used it
    /// up.
    pub(super) async fn rearm(&self, pause: Millis) -> Result<(), Fault> {
        let earliest = clock::now().after(pause);
        let next = self.wakes().await?.values().min().map(|at| earliest.max(*at));
        Ok(self.arm(next).await?)
    }

    /// Sets the alarm whatever storage says: it may be storage that failed.
    pub(super) async fn rearm_after(&self, pause: Millis) -> Result<(), Fault> {
        Ok(self.arm(Some(clock::now().after(pause))).await?)
    }

    /// Deletes everything, the alarm included.
    pub(super) async fn delete_everything(&self) -> Result<(), Fault> {
        *self.known_profile.borrow_mut() = None;
        let storage = self.storage();
        let alarm = async { storage.delete_alarm().await };
        let nothing = async { Ok::<(), worker::Error>(()) };
        try_join3(storage.delete_all(), alarm, nothing).await?;
        *self.wakes.borrow_mut() = Some(HashMap::new());
        Ok(())
    }
}
