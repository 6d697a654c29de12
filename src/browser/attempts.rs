//! The attempts of this tab, in `sessionStorage`: one entry each, under the fingerprint of its state.

use js_sys::Object;
use wasm_bindgen::prelude::*;
use web_sys::{Storage, Window};

use super::{
    error::{Error, Result},
    json::{self, get, set, text},
    page,
};
use crate::{
    connect::{Attempt, RedirectUri, StateError, StateFingerprint},
    http_api::ErrorCode,
    time::UnixMillis,
};

/// Where attempts are that can still be finished.
const PENDING: &str = "smartcar-connect:pending:";

/// Finished ones leave their fingerprint until they would have expired, so that a second use is called what it is.
const USED: &str = "smartcar-connect:used:";

/// An attempt that was started in this tab.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) attempt: Attempt,
    /// The address of the Worker that was told of it.
    pub(super) edge: String,
}

impl Entry {
    fn to_json(&self) -> String {
        let object = Object::new();
        let attempt = &self.attempt;
        set(&object, "fingerprint", &attempt.fingerprint().as_str().into());
        set(&object, "redirectUri", &attempt.redirect_uri().as_str().into());
        set(&object, "startedAt", &page::to_js(attempt.started_at()));
        set(&object, "edge", &self.edge.as_str().into());
        json::stringify(&object)
    }

    fn from_json(json: &str) -> Option<Self> {
        let object = json::parse(json)?;
        let fingerprint = StateFingerprint::parse(&text(&object, "fingerprint")?).ok()?;
        let redirect_uri = RedirectUri::parse(&text(&object, "redirectUri")?).ok()?;
        let started_at = page::time(&get(&object, "startedAt"))?;
        let edge = text(&object, "edge")?;
        Some(Self {
            attempt: Attempt::new(fingerprint, redirect_uri, started_at),
            edge,
        })
    }
}

/// The tab's `sessionStorage`.
#[derive(Debug)]
pub(super) struct AttemptStore(Storage);

impl AttemptStore {
    pub(super) fn open(window: &Window) -> Result<Self> {
        match window.session_storage() {
            Ok(Some(storage)) => Ok(Self(storage)),
            Ok(None) => Err(unavailable(&JsValue::UNDEFINED)),
            Err(thrown) => Err(unavailable(&thrown)),
        }
    }

    /// Keeps an attempt until it is taken or expires.
    pub(super) fn put(&self, entry: &Entry) -> Result<()> {
        self.0
            .set_item(&key(PENDING, entry.attempt.fingerprint()), &entry.to_json())
            .map_err(|thrown| unavailable(&thrown))
    }

    /// Keeps an attempt that was taken, as if it had not been.
    pub(super) fn put_back(&self, entry: &Entry) {
        // What fails here costs a further attempt, and the error that made it necessary says more.
        if self.put(entry).is_ok() {
            drop(self.0.remove_item(&key(USED, entry.attempt.fingerprint())));
        }
    }

    /// Forgets an attempt that did not come about.
    pub(super) fn remove(&self, entry: &Entry) {
        // It expires anyway.
        drop(self.0.remove_item(&key(PENDING, entry.attempt.fingerprint())));
    }

    /// Removes the attempt of a state and returns it: nobody gets it a second time. Whether it is still good is for the
    /// caller to check.
    pub(super) fn take(&self, fingerprint: &StateFingerprint) -> Result<Entry> {
        let (pending, used) = (key(PENDING, fingerprint), key(USED, fingerprint));
        let json = self.0.get_item(&pending).map_err(|thrown| unavailable(&thrown))?;
        self.0.remove_item(&pending).map_err(|thrown| unavailable(&thrown))?;
        let Some(entry) = json.as_deref().and_then(Entry::from_json) else {
            let used = self.0.get_item(&used).map_err(|thrown| unavailable(&thrown))?;
            return Err(if used.is_some() {
                StateError::Used
            } else {
                StateError::Unknown
            }
            .into());
        };
        // If there is no room for it, a second use is refused as unknown.
        drop(
            self.0
                .set_item(&used, &entry.attempt.expires_at().as_millis().to_string()),
        );
        Ok(entry)
    }

    /// Removes what has expired or cannot be read.
    pub(super) fn sweep(&self, now: UnixMillis) {
        let length = self.0.length().unwrap_or_default();
        let keys: Vec<String> = (0..length)
            .filter_map(|index| self.0.key(index).ok().flatten())
            .collect();
        for key in keys {
            let value = || self.0.get_item(&key).ok().flatten();
            let live = if key.starts_with(PENDING) {
                value()
                    .as_deref()
                    .and_then(Entry::from_json)
                    .is_some_and(|entry| !entry.attempt.is_expired(now))
            } else if key.starts_with(USED) {
                value()
                    .and_then(|value| value.parse().ok())
                    .is_some_and(|end| now < UnixMillis::new(end))
            } else {
                true
            };
            if !live {
                drop(self.0.remove_item(&key));
            }
        }
    }
}

fn key(prefix: &str, fingerprint: &StateFingerprint) -> String {
    [prefix, fingerprint.as_str()].concat()
}

fn unavailable(thrown: &JsValue) -> Error {
    let message = "`sessionStorage` is blocked or full, and without it no callback can be told from a forged one; allow this \
                   site to store data, and in a frame open the page on its own";
    Error::new(ErrorCode::BrowserStorageUnavailable, message).with("cause", thrown)
}
