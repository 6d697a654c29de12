//! The vault's storage: every value is a sealed record, and the alarm is set in the same write as what it is for.
//!
//! Reading needs nothing. Writing needs a [`Transaction`], which holds the lock of the storage from the reading of a record
//! to the writing of its successor: there is no other way to write.

use std::{cell::Cell, cell::RefCell, collections::HashMap, rc::Rc};

use futures_util::{
    future::try_join_all,
    lock::{Mutex, MutexGuard},
};
use serde::{Serialize, de::DeserializeOwned};
use smartcar_connect::{
    connect::ConnectionId,
    edge::Config,
    principal::Principal,
    seal::{RecordBinding, SealedRecord},
    time::{Millis, UnixMillis},
    vault::{
        IndexRecord, Profile, Record, Sessions,
        finish::PendingRecord,
        life::{next_alarm, next_alarm_by},
    },
};
use worker::{
    ListOptions, State,
    js_sys::{Array, Object, Reflect},
    wasm_bindgen::{JsCast as _, JsValue},
};
use zeroize::Zeroizing;

use super::error::VaultError;
use crate::{clock, random};

pub(super) const PROFILE: &str = "profile";
pub(super) const INDEX: &str = "index";
pub(super) const SESSIONS: &str = "sessions";
const PENDING: &str = "pending/";
const GRANT: &str = "grant/";

/// When a record that does not open is tried again: only an operator can mend that.
pub(super) const SEALED_TRIED_AFTER: Millis = Millis::from_hours(6);

/// By how much a clock is put right that was kept right before.
const CLOCK_STEP: Millis = Millis::from_mins(5);

/// The most keys that one call to the platform's storage takes:
/// <https://developers.cloudflare.com/durable-objects/api/storage-api/>.
const MAX_KEYS_PER_CALL: usize = 128;

/// When each record needs the alarm, by its key in storage.
pub(super) type Alarms = HashMap<String, UnixMillis>;

fn record_key(id: &ConnectionId) -> String {
    [GRANT, id.as_str()].concat()
}

fn pending_key(fingerprint: &str) -> String {
    [PENDING, fingerprint].concat()
}

/// The connection whose record has this key, if it is one's.
pub(super) fn connection_of(key: &str) -> Option<ConnectionId> {
    ConnectionId::parse(key.strip_prefix(GRANT)?).ok()
}

/// Whether this is the key of an attempt.
pub(super) fn is_pending(key: &str) -> bool {
    key.starts_with(PENDING)
}

pub(super) struct Storage {
    state: Rc<State>,
    config: Rc<Config>,
    /// Held by the transaction.
    transaction_lock: Mutex<()>,
    /// Held while KV is written: two writes of one key never overtake each other.
    kv_lock: Mutex<()>,
    /// The profile as it was last read or written; this object is its only writer.
    profile: RefCell<Option<Profile>>,
    /// The sessions as they were last read or written, likewise.
    sessions: RefCell<Option<Sessions>>,
    /// `None` until storage was read.
    alarms: RefCell<Option<Alarms>>,
    /// The time when the alarm was last looked at; `None` if it was not in this process's life.
    alarm_checked_at: Cell<Option<UnixMillis>>,
    /// Whether everything is known to be sealed with the active key. All that is written is, so it stays.
    all_active: Cell<bool>,
}

impl Storage {
    pub(super) fn new(state: Rc<State>, config: Rc<Config>) -> Self {
        Self {
            state,
            config,
            transaction_lock: Mutex::new(()),
            kv_lock: Mutex::new(()),
            profile: RefCell::default(),
            sessions: RefCell::default(),
            alarms: RefCell::default(),
            alarm_checked_at: Cell::new(None),
            all_active: Cell::new(false),
        }
    }

    /// Begins to write. Transactions that began before have ended, and later ones wait for this to end.
    pub(super) async fn begin(&self) -> Transaction<'_> {
        Transaction {
            storage: self,
            _lock: self.transaction_lock.lock().await,
            puts: Vec::new(),
            deletes: Vec::new(),
            alarms: Vec::new(),
            profile: None,
            sessions: None,
        }
    }

    /// Waits for one's turn to write KV.
    pub(super) async fn kv_turn(&self) -> MutexGuard<'_, ()> {
        self.kv_lock.lock().await
    }

    /// The id of this Durable Object. The profile is bound to it.
    pub(super) fn vault_id(&self) -> String {
        self.state.id().to_string()
    }

    pub(super) fn seal(
        &self,
        binding: &RecordBinding,
        generation: u64,
        value: &impl Serialize,
    ) -> Result<SealedRecord, VaultError> {
        let json = Zeroizing::new(serde_json::to_vec(value)?);
        let ring = &self.config.key_ring;
        Ok(SealedRecord::seal(ring, binding, generation, random::bytes()?, &json)?)
    }

    fn open<T: DeserializeOwned>(&self, binding: &RecordBinding, text: &str) -> Result<T, VaultError> {
        let json = SealedRecord::from_text(text)?.open(&self.config.key_ring, binding)?;
        Ok(serde_json::from_slice(&json)?)
    }

    async fn read<T: DeserializeOwned>(&self, key: &str, binding: &RecordBinding) -> Result<Option<T>, VaultError> {
        match self.state.storage().get::<String>(key).await? {
            Some(text) => self.open(binding, &text).map(Some),
            None => Ok(None),
        }
    }

    /// Every key that starts with `prefix`, with its sealed record.
    async fn list(&self, prefix: &str) -> Result<Vec<(String, String)>, VaultError> {
        let options = ListOptions::new().prefix(prefix);
        let map = self.state.storage().list_with_options(options).await?;
        let entries = Array::from(&map);
        let records = entries.iter().filter_map(|entry| {
            let pair = entry.dyn_into::<Array>().ok()?;
            Some((pair.get(0).as_string()?, pair.get(1).as_string()?))
        });
        Ok(records.collect())
    }

    pub(super) async fn profile(&self) -> Result<Option<Profile>, VaultError> {
        let known = self.profile.borrow().clone();
        if known.is_some() {
            return Ok(known);
        }
        let read: Option<Profile> = self.read(PROFILE, &RecordBinding::profile(&self.vault_id())).await?;
        // What was written meanwhile is newer.
        Ok(read.map(|profile| self.profile.borrow_mut().get_or_insert(profile).clone()))
    }

    /// The sessions of the principal. A record that does not open is as good as none: a user signs in again.
    pub(super) async fn sessions(&self, principal: &Principal) -> Result<Sessions, VaultError> {
        let known = self.sessions.borrow().clone();
        if let Some(known) = known {
            return Ok(known);
        }
        let read = match self.read(SESSIONS, &RecordBinding::sessions(principal)).await {
            Err(error @ VaultError::Sealed(_)) => {
                error.log();
                None
            }
            other => other?,
        };
        // What was written meanwhile is newer.
        let mut sessions = self.sessions.borrow_mut();
        Ok(sessions.get_or_insert_with(|| read.unwrap_or_default()).clone())
    }

    /// When everything of the owner is given up, without another visit.
    pub(super) async fn kept_until(&self) -> Result<UnixMillis, VaultError> {
        let profile = self.profile().await?;
        Ok(profile.map_or_else(clock::now, |profile| profile.deleted_at(self.config.retention)))
    }

    pub(super) async fn record(&self, principal: &Principal, id: &ConnectionId) -> Result<Option<Record>, VaultError> {
        self.read(&record_key(id), &RecordBinding::grant(principal, id)).await
    }

    pub(super) async fn pending(
        &self,
        principal: &Principal,
        fingerprint: &str,
    ) -> Result<Option<PendingRecord>, VaultError> {
        let binding = RecordBinding::pending(principal, fingerprint);
        self.read(&pending_key(fingerprint), &binding).await
    }

    /// How far the index in KV is. One that does not open is as good as none: its contents follow from the connections.
    pub(super) async fn index_record(&self, principal: &Principal) -> Result<Option<IndexRecord>, VaultError> {
        match self.read(INDEX, &RecordBinding::publication(principal)).await {
            Err(error @ VaultError::Sealed(_)) => {
                error.log();
                Ok(None)
            }
            other => other,
        }
    }

    /// Every connection, the oldest first. One that does not open is left out and logged: it must not take the others with
    /// it.
    pub(super) async fn records(&self, principal: &Principal) -> Result<Vec<(ConnectionId, Record)>, VaultError> {
        let mut records: Vec<(ConnectionId, Record)> = Vec::new();
        for (key, text) in self.list(GRANT).await? {
            let Some(id) = connection_of(&key) else { continue };
            match self.open::<Record>(&RecordBinding::grant(principal, &id), &text) {
                Ok(record) => {
                    let at = records.partition_point(|(_, other)| other.connected_at() <= record.connected_at());
                    records.insert(at, (id, record));
                }
                Err(error) => error.log(),
            }
        }
        Ok(records)
    }

    /// The id of every connection, whether or not its record opens.
    pub(super) async fn connection_ids(&self) -> Result<Vec<ConnectionId>, VaultError> {
        let records = self.list(GRANT).await?;
        Ok(records.iter().filter_map(|(key, _)| connection_of(key)).collect())
    }

    /// Whether there is any attempt, or any connection.
    pub(super) async fn has_attempts_and_records(&self) -> Result<(bool, bool), VaultError> {
        let keys = self.list("").await?;
        let has = |is: fn(&str) -> bool| keys.iter().any(|(key, _)| is(key));
        Ok((has(is_pending), has(|key| key.starts_with(GRANT))))
    }

    /// Every attempt that opens.
    pub(super) async fn pendings(&self, principal: &Principal) -> Result<Vec<PendingRecord>, VaultError> {
        let records = self.list(PENDING).await?;
        let opened = records.iter().filter_map(|(key, text)| {
            let fingerprint = key.strip_prefix(PENDING)?;
            self.open::<PendingRecord>(&RecordBinding::pending(principal, fingerprint), text)
                .ok()
        });
        Ok(opened.collect())
    }

    /// How many records a retired key sealed.
    pub(super) async fn count_retired(&self) -> Result<usize, VaultError> {
        if self.all_active.get() {
            return Ok(0);
        }
        let active = self.config.key_ring.active_id();
        let is_active = |text: &str| SealedRecord::from_text(text).is_ok_and(|record| record.key_id() == active);
        let records = self.list("").await?;
        let retired = records.iter().filter(|(_, text)| !is_active(text)).count();
        self.all_active.set(retired == 0);
        Ok(retired)
    }

    /// Sets the alarm for `at`, or for now if that is past.
    async fn arm(&self, at: Option<UnixMillis>) -> worker::Result<()> {
        let storage = self.state.storage();
        match at {
            Some(at) => {
                let wait = at.since(clock::now()).as_millis();
                storage.set_alarm(i64::try_from(wait).unwrap_or(i64::MAX)).await
            }
            None => storage.delete_alarm().await,
        }
    }

    /// When each record needs the alarm.
    pub(super) async fn alarms(&self) -> Result<Alarms, VaultError> {
        self.load_alarms().await?;
        Ok(self.alarms.borrow().clone().unwrap_or_default())
    }

    /// Reads from storage when each record needs the alarm, once in a process's life.
    async fn load_alarms(&self) -> Result<(), VaultError> {
        if self.alarms.borrow().is_some() {
            return Ok(());
        }
        let mut alarms = Alarms::new();
        if let Some(profile) = self.profile().await? {
            let now = clock::now();
            alarms.insert(PROFILE.to_owned(), profile.alarm(self.config.retention, now));
            let principal = &profile.principal;
            for id in self.connection_ids().await? {
                alarms.extend(self.alarm_of(principal, &id).await?.map(|at| (record_key(&id), at)));
            }
            for pending in self.pendings(principal).await? {
                let key = pending_key(pending.pending.fingerprint().as_str());
                alarms.insert(key, pending.kept_until(now));
            }
            if let Some(at) = self.sessions(principal).await?.kept_until() {
                alarms.insert(SESSIONS.to_owned(), at);
            }
            if let Some(at) = self.index_record(principal).await?.and_then(|index| index.alarm(now)) {
                alarms.insert(INDEX.to_owned(), at);
            }
        }
        // What another request has read or written meanwhile is at least as new.
        self.alarms.borrow_mut().get_or_insert(alarms);
        Ok(())
    }

    async fn alarm_of(&self, principal: &Principal, id: &ConnectionId) -> Result<Option<UnixMillis>, VaultError> {
        match self.record(principal, id).await {
            Ok(record) => Ok(record.and_then(|record| next_alarm_by(id, &record, clock::now()))),
            // Its key may come back: it must not be forgotten meanwhile.
            Err(VaultError::Sealed(_) | VaultError::Corrupt) => Ok(Some(clock::now().after(SEALED_TRIED_AFTER))),
            Err(error) => Err(error),
        }
    }

    /// Sets the alarm for whatever is due next, but not within `pause`. Called at the end of every alarm, which has used it
    /// up.
    pub(super) async fn rearm(&self, pause: Millis) -> Result<(), VaultError> {
        let earliest = clock::now().after(pause);
        let next = self.alarms().await?.values().min().map(|at| earliest.max(*at));
        Ok(self.arm(next).await?)
    }

    /// Pulls the alarm back to where it belongs, if a clock that was ahead has set it to a time that is far away: once in a
    /// process's life, and when the clock was set back meanwhile.
    pub(super) async fn check_alarm(&self) -> Result<(), VaultError> {
        let now = clock::now();
        let checked_at = self.alarm_checked_at.replace(Some(now));
        let was_set_back = checked_at.is_some_and(|checked_at| checked_at.since(now) > CLOCK_STEP);
        if checked_at.is_some() && !was_set_back {
            return Ok(());
        }
        let _transaction = self.begin().await;
        if was_set_back {
            *self.alarms.borrow_mut() = None;
        }
        let Some(due) = self.alarms().await?.values().min().copied() else {
            return Ok(());
        };
        let set = self.state.storage().get_alarm().await?;
        let set = set.map(|at| UnixMillis::new(u64::try_from(at).unwrap_or_default()));
        if set.is_none_or(|set| set.since(due) > CLOCK_STEP) {
            self.arm(Some(due)).await?;
        }
        Ok(())
    }

    /// Sets the alarm whatever storage says: it may be storage that failed.
    pub(super) async fn rearm_after(&self, pause: Millis) -> Result<(), VaultError> {
        Ok(self.arm(Some(clock::now().after(pause))).await?)
    }
}

/// Changes that become durable together or not at all, and the right to make them.
pub(super) struct Transaction<'a> {
    storage: &'a Storage,
    _lock: MutexGuard<'a, ()>,
    puts: Vec<(String, String)>,
    deletes: Vec<String>,
    alarms: Vec<(String, Option<UnixMillis>)>,
    profile: Option<Profile>,
    sessions: Option<Sessions>,
}

impl Transaction<'_> {
    fn put(&mut self, key: String, record: &SealedRecord, alarm: Option<UnixMillis>) {
        self.puts.push((key.clone(), record.to_text()));
        self.alarms.push((key, alarm));
    }

    fn delete(&mut self, key: String) {
        self.deletes.push(key.clone());
        self.alarms.push((key, None));
    }

    pub(super) fn put_profile(&mut self, profile: &Profile) -> Result<(), VaultError> {
        let storage = self.storage;
        let record = storage.seal(&RecordBinding::profile(&storage.vault_id()), 0, profile)?;
        let alarm = profile.alarm(storage.config.retention, clock::now());
        self.put(PROFILE.to_owned(), &record, Some(alarm));
        self.profile = Some(profile.clone());
        Ok(())
    }

    /// Keeps the sessions, or forgets them if there is nothing to know of them.
    pub(super) fn put_sessions(&mut self, principal: &Principal, sessions: &Sessions) -> Result<(), VaultError> {
        if *sessions == Sessions::default() {
            self.delete(SESSIONS.to_owned());
        } else {
            let record = self.storage.seal(&RecordBinding::sessions(principal), 0, sessions)?;
            self.put(SESSIONS.to_owned(), &record, sessions.kept_until());
        }
        self.sessions = Some(sessions.clone());
        Ok(())
    }

    pub(super) fn put_record(
        &mut self,
        principal: &Principal,
        id: &ConnectionId,
        record: &Record,
    ) -> Result<(), VaultError> {
        let binding = RecordBinding::grant(principal, id);
        let sealed = self.storage.seal(&binding, record.generation(), record)?;
        self.put(record_key(id), &sealed, next_alarm(id, record));
        Ok(())
    }

    pub(super) fn delete_record(&mut self, id: &ConnectionId) {
        self.delete(record_key(id));
    }

    pub(super) fn put_pending(&mut self, principal: &Principal, pending: &PendingRecord) -> Result<(), VaultError> {
        let fingerprint = pending.pending.fingerprint().as_str();
        let binding = RecordBinding::pending(principal, fingerprint);
        let sealed = self.storage.seal(&binding, 0, pending)?;
        let until = pending.kept_until(clock::now());
        self.put(pending_key(fingerprint), &sealed, Some(until));
        Ok(())
    }

    pub(super) fn delete_pending(&mut self, fingerprint: &str) {
        self.delete(pending_key(fingerprint));
    }

    /// Deletes whatever has this key.
    pub(super) fn delete_key(&mut self, key: &str) {
        self.delete(key.to_owned());
    }

    /// Deletes every attempt.
    pub(super) async fn delete_pendings(&mut self) -> Result<(), VaultError> {
        for (key, _) in self.storage.list(PENDING).await? {
            self.delete(key);
        }
        Ok(())
    }

    pub(super) fn put_index(&mut self, principal: &Principal, index: &IndexRecord) -> Result<(), VaultError> {
        let binding = RecordBinding::publication(principal);
        let sealed = self.storage.seal(&binding, index.generation, index)?;
        self.put(INDEX.to_owned(), &sealed, index.kv.alarm());
        Ok(())
    }

    /// Notes that the index in KV, or what leads to the vault, is out of date. `changed` is the record of a connection that is
    /// new.
    pub(super) async fn mark_index_dirty(
        &mut self,
        principal: &Principal,
        changed: Option<&Record>,
    ) -> Result<(), VaultError> {
        let before = self.storage.index_record(principal).await?;
        let profile = self.profile.clone().or(self.storage.profile().await?);
        let external_id = profile.as_ref().and_then(Profile::looked_up_by);
        let index = IndexRecord::outdated(before.as_ref(), external_id, changed, clock::now());
        self.put_index(principal, &index)
    }

    /// Leaves the look-ups by external id to the vault of a claimant.
    pub(super) async fn give_up_external_ids(&mut self, principal: &Principal) -> Result<(), VaultError> {
        let before = self.storage.index_record(principal).await?;
        let index = IndexRecord::without_external_ids(before.as_ref(), clock::now());
        self.put_index(principal, &index)
    }

    /// Seals every record with the active key, but for those that do not open: their key may come back.
    pub(super) async fn reseal(&mut self, principal: &Principal) -> Result<(), VaultError> {
        let storage = self.storage;
        for (id, record) in storage.records(principal).await? {
            self.put_record(principal, &id, &record)?;
        }
        for pending in storage.pendings(principal).await? {
            self.put_pending(principal, &pending)?;
        }
        if let Some(profile) = storage.profile().await? {
            self.put_profile(&profile)?;
        }
        self.put_sessions(principal, &storage.sessions(principal).await?)?;
        self.mark_index_dirty(principal, None).await
    }

    /// Makes the changes durable, and the alarm with them: the platform joins writes that are begun without waiting in
    /// between.
    pub(super) async fn commit(self) -> Result<(), VaultError> {
        let storage = self.storage;
        storage.load_alarms().await?;
        // Noted before anything is awaited: the alarm's own changes must count with it.
        let next = {
            let mut noted = storage.alarms.borrow_mut();
            let alarms = noted.get_or_insert_default();
            for (key, alarm) in self.alarms {
                match alarm {
                    Some(at) => alarms.insert(key, at),
                    None => alarms.remove(&key),
                };
            }
            alarms.values().min().copied()
        };
        let platform = storage.state.storage();
        let mut puts = Vec::new();
        for chunk in self.puts.chunks(MAX_KEYS_PER_CALL) {
            let values = Object::new();
            for (key, text) in chunk {
                Reflect::set(&values, &JsValue::from_str(key), &JsValue::from_str(text))
                    .map_err(|_| VaultError::Storage)?;
            }
            puts.push(platform.put_multiple_raw(values));
        }
        let deletes = self
            .deletes
            .chunks(MAX_KEYS_PER_CALL)
            .map(|chunk| platform.delete_multiple(chunk.to_vec()));
        let written = futures_util::future::try_join3(try_join_all(puts), try_join_all(deletes), storage.arm(next));
        match written.await {
            Ok(_) => {
                if let Some(profile) = self.profile {
                    *storage.profile.borrow_mut() = Some(profile);
                }
                if let Some(sessions) = self.sessions {
                    *storage.sessions.borrow_mut() = Some(sessions);
                }
                Ok(())
            }
            Err(error) => {
                // What is stored now is not known: it is read again.
                *storage.alarms.borrow_mut() = None;
                *storage.profile.borrow_mut() = None;
                *storage.sessions.borrow_mut() = None;
                Err(error.into())
            }
        }
    }

    /// Notes when a connection needs the alarm, after the alarm has looked after it: what does not open must not ring again
    /// at once, and what opens again is looked after as it says.
    pub(super) async fn note_alarm(self, principal: &Principal, id: &ConnectionId) -> Result<(), VaultError> {
        let alarm = self.storage.alarm_of(principal, id).await?;
        if let Some(alarms) = self.storage.alarms.borrow_mut().as_mut() {
            match alarm {
                Some(at) => alarms.insert(record_key(id), at),
                None => alarms.remove(&record_key(id)),
            };
        }
        Ok(())
    }

    /// Deletes everything, the alarm included.
    pub(super) async fn delete_everything(self) -> Result<(), VaultError> {
        let storage = self.storage;
        *storage.profile.borrow_mut() = None;
        *storage.sessions.borrow_mut() = None;
        let platform = storage.state.storage();
        futures_util::future::try_join(platform.delete_all(), platform.delete_alarm()).await?;
        *storage.alarms.borrow_mut() = Some(Alarms::new());
        Ok(())
    }
}
