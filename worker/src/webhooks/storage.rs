//! The inbox's storage: events sealed, receipts by names that tell nothing. Writing needs a [`Transaction`], which holds the lock.

use std::rc::Rc;

use futures_util::{
    future::try_join_all,
    lock::{Mutex, MutexGuard},
};
use smartcar_connect::{
    edge::Config,
    seal::{OpenError, RecordBinding, SealedRecord},
    time::{Millis, UnixMillis},
    webhook::{
        Errand, ErrorNote, HAND_ON, InboxEvent, Known, KnownError, RECEIPTS, ReceivedEvent, TELL, event_name, event_of,
        event_put_off, outdated, receipt_ends_at,
    },
};
use worker::{
    ListOptions, State,
    js_sys::{Array, Object, Reflect},
    wasm_bindgen::{JsCast as _, JsValue},
};
use zeroize::Zeroizing;

use crate::{clock, random};

/// The most keys that one call to the platform's storage takes:
/// <https://developers.cloudflare.com/durable-objects/api/storage-api/>.
const MAX_KEYS_PER_CALL: usize = 128;

/// How many calls delete what is of no use any more in one run of the alarm.
const MOST_PAGES: usize = 50;

/// When an event is tried again that does not open: only an operator can mend that.
const SEALED_TRIED_AFTER: Millis = Millis::from_hours(6);

/// What is noted of an event that has come.
const RECEIVED: &str = "1";

/// A failure of the platform or of stored data.
#[derive(Clone, Copy, Debug)]
pub(super) enum InboxError {
    /// Storage failed, or the platform replaced this object.
    Storage,
    /// A record does not open.
    Sealed(OpenError),
    /// A record opens and is not what it should be.
    Corrupt,
    /// The platform gave no randomness.
    NoRandomness,
}

impl InboxError {
    pub(super) fn log(self) {
        match self {
            Self::Storage => worker::console_error!("the inbox's storage failed"),
            Self::Sealed(error) => worker::console_error!("a webhook's record does not open: {error}"),
            Self::Corrupt => worker::console_error!("a webhook's record opens but has an unknown form"),
            Self::NoRandomness => worker::console_error!("the platform gave no randomness"),
        }
    }
}

impl From<worker::Error> for InboxError {
    fn from(_: worker::Error) -> Self {
        Self::Storage
    }
}

impl From<OpenError> for InboxError {
    fn from(error: OpenError) -> Self {
        Self::Sealed(error)
    }
}

impl From<serde_json::Error> for InboxError {
    fn from(_: serde_json::Error) -> Self {
        Self::Corrupt
    }
}

impl From<random::NoRandomness> for InboxError {
    fn from(_: random::NoRandomness) -> Self {
        Self::NoRandomness
    }
}

/// Sets the alarm whatever storage says.
pub(super) async fn ring_after(state: &State, pause: Millis) -> worker::Result<()> {
    let pause = i64::try_from(pause.as_millis()).unwrap_or(i64::MAX);
    state.storage().set_alarm(pause).await
}

pub(super) struct Storage {
    state: Rc<State>,
    config: Rc<Config>,
    /// Held by the transaction.
    transaction_lock: Mutex<()>,
}

impl Storage {
    pub(super) fn new(state: Rc<State>, config: Rc<Config>) -> Self {
        Self {
            state,
            config,
            transaction_lock: Mutex::new(()),
        }
    }

    pub(super) fn state(&self) -> &State {
        &self.state
    }

    /// Begins to write. Transactions that began before have ended, and later ones wait for this to end.
    pub(super) async fn begin(&self) -> Transaction<'_> {
        Transaction {
            storage: self,
            _lock: self.transaction_lock.lock().await,
            puts: Vec::new(),
            deletes: Vec::new(),
            rings_at: None,
        }
    }

    /// Where the event of this key opens.
    fn binding(&self, key: &str) -> RecordBinding {
        RecordBinding::webhook(&self.state.id().to_string(), key)
    }

    fn open(&self, key: &str, text: &str) -> Result<InboxEvent, InboxError> {
        let json = SealedRecord::from_text(text)?.open(&self.config.key_ring, &self.binding(key))?;
        Ok(serde_json::from_slice(&json)?)
    }

    async fn list(&self, options: ListOptions<'_>) -> Result<Vec<(String, String)>, InboxError> {
        let map = self.state.storage().list_with_options(options).await?;
        let entries = Array::from(&map);
        let records = entries.iter().filter_map(|entry| {
            let pair = entry.dyn_into::<Array>().ok()?;
            Some((pair.get(0).as_string()?, pair.get(1).as_string()?))
        });
        Ok(records.collect())
    }

    /// The first name of a kind.
    async fn first(&self, prefix: &str) -> Result<Option<String>, InboxError> {
        let found = self.list(ListOptions::new().prefix(prefix).limit(1)).await?;
        Ok(found.into_iter().next().map(|(name, _)| name))
    }

    /// Sets the alarm for what is due next, or for a while after now at the earliest.
    pub(super) async fn rearm(&self, pause: Millis) -> Result<(), InboxError> {
        let _lock = self.transaction_lock.lock().await;
        let now = clock::now();
        let events = try_join_all([TELL, HAND_ON].map(|prefix| self.first(prefix))).await?;
        let receipt = self.first(RECEIPTS).await?;
        let due = events.iter().flatten().filter_map(|name| Some(event_of(name)?.0));
        let forgotten = receipt.as_deref().and_then(receipt_ends_at);
        match due.chain(forgotten).min() {
            Some(at) => Ok(ring_after(&self.state, at.since(now).max(pause)).await?),
            None => Ok(self.state.storage().delete_alarm().await?),
        }
    }
}

/// Changes that become durable, and the right to make them.
pub(super) struct Transaction<'a> {
    storage: &'a Storage,
    _lock: MutexGuard<'a, ()>,
    puts: Vec<(String, String)>,
    deletes: Vec<String>,
    rings_at: Option<UnixMillis>,
}

impl Transaction<'_> {
    /// What is known of an event.
    pub(super) async fn known(&self, event: &ReceivedEvent, now: UnixMillis) -> Result<Known, InboxError> {
        let storage = self.storage.state.storage();
        let receipts = event.receipts(now);
        let found = try_join_all(receipts.iter().map(|name| storage.get::<String>(name))).await?;
        let is_received = found.iter().any(Option::is_some);
        let mut errors = Vec::new();
        for (names, note) in event.error_notes(now) {
            let found = try_join_all(names.iter().map(|name| storage.get::<String>(name))).await?;
            let found = found.into_iter().flatten();
            let before: Vec<ErrorNote> = found.filter_map(|text| serde_json::from_str(&text).ok()).collect();
            let [name, _] = names;
            errors.push(KnownError { name, note, before });
        }
        Ok(Known { is_received, errors })
    }

    /// Notes that an event has come.
    pub(super) fn note_receipt(&mut self, event: &ReceivedEvent, now: UnixMillis) {
        let name = event.receipts(now).into_iter().next();
        self.puts.extend(name.map(|name| (name, RECEIVED.to_owned())));
    }

    /// Notes the errors of an event.
    pub(super) fn note_errors(&mut self, known: &Known) -> Result<(), InboxError> {
        for error in &known.errors {
            if let Some(note) = error.to_note() {
                self.puts.push((error.name.clone(), serde_json::to_string(&note)?));
            }
        }
        Ok(())
    }

    /// Keeps an event that is due at `at`. Returns its name.
    pub(super) fn put(&mut self, at: UnixMillis, event: &InboxEvent) -> Result<String, InboxError> {
        let key = event.event.key();
        let name = event_name(event.errand, at, &key);
        self.put_as(&name, &key, event)?;
        self.rings_at = self.rings_at.into_iter().chain([at]).min();
        Ok(name)
    }

    /// Keeps an event under the name that it has.
    pub(super) fn put_again(&mut self, name: &str, event: &InboxEvent) -> Result<(), InboxError> {
        self.put_as(name, &event.event.key(), event)
    }

    fn put_as(&mut self, name: &str, key: &str, event: &InboxEvent) -> Result<(), InboxError> {
        let json = Zeroizing::new(serde_json::to_vec(event)?);
        let (ring, binding) = (&self.storage.config.key_ring, self.storage.binding(key));
        let sealed = SealedRecord::seal(ring, &binding, 0, random::bytes()?, &json)?;
        self.puts.push((name.to_owned(), sealed.to_text()));
        Ok(())
    }

    pub(super) fn delete(&mut self, name: String) {
        self.deletes.push(name);
    }

    /// The names of the events of a kind of errand that are due, the one that waits longest first.
    pub(super) async fn due(&self, errand: Errand, now: UnixMillis, most: usize) -> Result<Vec<String>, InboxError> {
        let end = event_name(errand, now.after(Millis::new(1)), "");
        let options = ListOptions::new().start(errand.prefix()).end(&end).limit(most);
        let due = self.storage.list(options).await?;
        Ok(due.into_iter().map(|(name, _)| name).collect())
    }

    /// The event of this name; `None` if it does not open: it is put off then.
    pub(super) async fn event(&mut self, name: &str, now: UnixMillis) -> Result<Option<InboxEvent>, InboxError> {
        let text = self.storage.state.storage().get::<String>(name).await?;
        let (Some(text), Some((_, key))) = (text, event_of(name)) else {
            return Ok(None);
        };
        match self.storage.open(key, &text) {
            Ok(event) => Ok(Some(event)),
            Err(error) => {
                error.log();
                let later = event_put_off(name, now.after(SEALED_TRIED_AFTER));
                self.puts.extend(later.map(|later| (later, text)));
                self.deletes.push(name.to_owned());
                Ok(None)
            }
        }
    }

    /// Deletes receipts and notes that are of no use any more.
    pub(super) async fn forget(&self, now: UnixMillis) -> Result<(), InboxError> {
        for (start, end) in outdated(now) {
            for _ in 0..MOST_PAGES {
                let options = ListOptions::new().start(start).end(&end).limit(MAX_KEYS_PER_CALL);
                let names: Vec<String> = self
                    .storage
                    .list(options)
                    .await?
                    .into_iter()
                    .map(|(name, _)| name)
                    .collect();
                if names.is_empty() {
                    break;
                }
                for chunk in names.chunks(MAX_KEYS_PER_CALL) {
                    self.storage.state.storage().delete_multiple(chunk.to_vec()).await?;
                }
            }
        }
        Ok(())
    }

    /// Makes the changes durable: first what is new, and the alarm with it, then what it replaces. Who dies in between has an event
    /// twice, and never none.
    pub(super) async fn commit(self) -> Result<(), InboxError> {
        let platform = self.storage.state.storage();
        let rings_at = match self.rings_at {
            Some(at) => {
                let set = platform.get_alarm().await?.and_then(|at| u64::try_from(at).ok());
                Some(set.map_or(at, |set| at.min(UnixMillis::new(set))))
            }
            None => None,
        };
        let mut puts = Vec::new();
        for chunk in self.puts.chunks(MAX_KEYS_PER_CALL) {
            let values = Object::new();
            for (key, text) in chunk {
                Reflect::set(&values, &JsValue::from_str(key), &JsValue::from_str(text))
                    .map_err(|_| InboxError::Storage)?;
            }
            puts.push(platform.put_multiple_raw(values));
        }
        let arm = async {
            match rings_at {
                Some(at) => ring_after(&self.storage.state, at.since(clock::now())).await,
                None => Ok(()),
            }
        };
        futures_util::future::try_join(try_join_all(puts), arm).await?;
        for chunk in self.deletes.chunks(MAX_KEYS_PER_CALL) {
            platform.delete_multiple(chunk.to_vec()).await?;
        }
        Ok(())
    }
}
