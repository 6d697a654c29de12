//! The pending connections of this tab, in `sessionStorage`: one entry each, under the fingerprint of its state.

use js_sys::JSON;
use serde::{Deserialize, Serialize};
use wasm_bindgen::prelude::*;
use web_sys::{Storage, Window};

use super::{
    code::ErrorCode,
    edge::to_js,
    error::{Error, Result},
};
use crate::{
    connect::{PendingConnection, StateError, StateFingerprint},
    time::UnixMillis,
};

const PENDING: &str = "smartcar-connect:pending:";

/// Finished ones leave their fingerprint until they would have expired, so that a second use is called what it is.
const USED: &str = "smartcar-connect:used:";

/// A connection that was started in this tab.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Entry {
    pub(super) pending: PendingConnection,
    /// The address of the Worker that was told of it.
    pub(super) edge: String,
}

/// The tab's `sessionStorage`.
#[derive(Debug)]
pub(super) struct PendingStore(Storage);

impl PendingStore {
    pub(super) fn open(window: &Window) -> Result<Self> {
        match window.session_storage() {
            Ok(Some(storage)) => Ok(Self(storage)),
            Ok(None) => Err(unavailable(JsValue::UNDEFINED)),
            Err(thrown) => Err(unavailable(thrown)),
        }
    }

    /// Keeps a connection until it is taken or expires.
    pub(super) fn put(&self, entry: &Entry) -> Result<()> {
        let text = to_js(entry)
            .ok()
            .and_then(|entry| JSON::stringify(&entry).ok())
            .map(String::from);
        self.0
            .set_item(&key(PENDING, entry), &text.unwrap_or_default())
            .map_err(unavailable)
    }

    /// Keeps a connection that was taken, as if it had not been.
    pub(super) fn put_back(&self, entry: &Entry) {
        // What fails here costs a further attempt, and the error that made it necessary says more.
        if self.put(entry).is_ok() {
            drop(self.0.remove_item(&key(USED, entry)));
        }
    }

    /// Forgets a connection that did not come about.
    pub(super) fn remove(&self, entry: &Entry) {
        // It expires anyway.
        drop(self.0.remove_item(&key(PENDING, entry)));
    }

    /// Removes the connection of a state and returns it: nobody gets it a second time. Whether it is still good is for the
    /// caller to check.
    pub(super) fn take(&self, fingerprint: &StateFingerprint) -> Result<Entry> {
        let name = [PENDING, fingerprint.as_str()].concat();
        let text = self.0.get_item(&name).map_err(unavailable)?;
        self.0.remove_item(&name).map_err(unavailable)?;
        let Some(entry) = text.as_deref().and_then(parse::<Entry>) else {
            let used = self
                .0
                .get_item(&[USED, fingerprint.as_str()].concat())
                .map_err(unavailable)?;
            return Err(if used.is_some() {
                StateError::Used
            } else {
                StateError::Unknown
            }
            .into());
        };
        // A full storage must not stop the owner; a second use is refused then as unknown.
        drop(
            self.0
                .set_item(&key(USED, &entry), &entry.pending.expires_at().as_millis().to_string()),
        );
        Ok(entry)
    }

    /// Removes what has expired or cannot be read.
    pub(super) fn sweep(&self, now: UnixMillis) {
        let length = self.0.length().unwrap_or_default();
        let keys: Vec<String> = (0..length)
            .filter_map(|index| self.0.key(index).ok().flatten())
            .collect();
        for name in keys {
            let value = || self.0.get_item(&name).ok().flatten();
            let live = if name.starts_with(PENDING) {
                value()
                    .as_deref()
                    .and_then(parse::<Entry>)
                    .is_some_and(|entry| !entry.pending.is_expired(now))
            } else if name.starts_with(USED) {
                value()
                    .and_then(|value| value.parse().ok())
                    .is_some_and(|end| now < UnixMillis::new(end))
            } else {
                true
            };
            if !live {
                drop(self.0.remove_item(&name));
            }
        }
    }
}

fn key(prefix: &str, entry: &Entry) -> String {
    [prefix, entry.pending.fingerprint().as_str()].concat()
}

fn parse<T: for<'de> Deserialize<'de>>(text: &str) -> Option<T> {
    serde_wasm_bindgen::from_value(JSON::parse(text).ok()?).ok()
}

fn unavailable(thrown: JsValue) -> Error {
    let message = "`sessionStorage` is blocked or full, and without it no callback can be told from a forged one; allow this \
                   site to store data, and in a frame open the page on its own";
    Error::new(ErrorCode::StorageUnavailable, message.to_owned()).with_cause(thrown)
}
