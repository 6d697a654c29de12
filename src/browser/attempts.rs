//! The attempts of this browser, in `localStorage`, where all of its tabs find them: one entry each, under the fingerprint of
//! its state and without the state. `pkg-template/attempts.js` reads them to tell which attempt was not finished.
//!
//! An entry says which Worker was told of the attempt. It vouches for nothing: whether a callback counts is the Worker's to
//! decide, by its session and its clock.

use js_sys::Object;
use wasm_bindgen::prelude::*;
use web_sys::{Storage, Window};

use super::{
    error::{Error, Result},
    json::{self, get, set, text},
    page,
};
use crate::{
    connect::StateFingerprint,
    http_api::ErrorCode,
    time::{Millis, UnixMillis},
};

const ATTEMPT: &str = "smartcar-connect:attempt:";

/// How long an entry is kept, by this device's clock, which may be put right by hours meanwhile.
const KEPT: Millis = Millis::from_days(1);

/// How many entries are kept; the oldest makes room. As many attempts as the Worker keeps of one owner.
const MOST: usize = 16;

/// An attempt that was started in this browser.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) started_at: UnixMillis,
    /// The address of the Worker that was told of it.
    pub(super) edge: String,
    /// The connection that it mends, if it does.
    pub(super) mends: Option<String>,
    /// Whether the page knows what came of it.
    pub(super) is_over: bool,
}

impl Entry {
    fn to_json(&self) -> String {
        let object = Object::new();
        set(&object, "startedAt", &page::to_js(self.started_at));
        set(&object, "edge", &self.edge.as_str().into());
        if let Some(id) = &self.mends {
            set(&object, "mends", &id.as_str().into());
        }
        if self.is_over {
            set(&object, "over", &true.into());
        }
        json::stringify(&object)
    }

    fn from_json(json: &str) -> Option<Self> {
        let object = json::parse(json)?;
        Some(Self {
            started_at: page::time(&get(&object, "startedAt"))?,
            edge: text(&object, "edge")?,
            mends: text(&object, "mends"),
            is_over: get(&object, "over").is_truthy(),
        })
    }

    fn is_kept(&self, now: UnixMillis) -> bool {
        now < self.started_at.after(KEPT) && self.started_at < now.after(KEPT)
    }
}

/// The origin's `localStorage`.
#[derive(Debug)]
pub(super) struct AttemptStore(Storage);

impl AttemptStore {
    pub(super) fn open(window: &Window) -> Result<Self> {
        match window.local_storage() {
            Ok(Some(storage)) => Ok(Self(storage)),
            Ok(None) => Err(unavailable(&JsValue::UNDEFINED)),
            Err(thrown) => Err(unavailable(&thrown)),
        }
    }

    /// Keeps an attempt, and forgets those that are out of date.
    pub(super) fn put(&self, fingerprint: &StateFingerprint, entry: &Entry) -> Result<()> {
        self.sweep(entry.started_at);
        self.0
            .set_item(&key(fingerprint), &entry.to_json())
            .map_err(|thrown| unavailable(&thrown))
    }

    /// Notes that the page knows what came of an attempt, for this tab and the others.
    pub(super) fn end(&self, fingerprint: &StateFingerprint) {
        if let Some(entry) = self.find(fingerprint) {
            let entry = Entry { is_over: true, ..entry };
            // Where nothing can be stored it stays unfinished, and is out of date in a day.
            drop(self.0.set_item(&key(fingerprint), &entry.to_json()));
        }
    }

    /// Forgets an attempt that did not come about.
    pub(super) fn remove(&self, fingerprint: &StateFingerprint) {
        // It goes anyway, in a day.
        drop(self.0.remove_item(&key(fingerprint)));
    }

    /// The attempt of a state, if this browser keeps it.
    pub(super) fn find(&self, fingerprint: &StateFingerprint) -> Option<Entry> {
        self.entry(&key(fingerprint))
    }

    fn entry(&self, key: &str) -> Option<Entry> {
        Entry::from_json(&self.0.get_item(key).ok()??)
    }

    /// Removes what is out of date or cannot be read, and the oldest where there are too many for one more.
    fn sweep(&self, now: UnixMillis) {
        let length = self.0.length().unwrap_or_default();
        let keys = (0..length).filter_map(|index| self.0.key(index).ok().flatten());
        let keys: Vec<String> = keys.filter(|key| key.starts_with(ATTEMPT)).collect();
        let mut kept = Vec::new();
        for key in keys {
            match self.entry(&key).filter(|entry| entry.is_kept(now)) {
                Some(entry) => {
                    let entry = (entry.started_at, key);
                    // Not `sort`, for its size: there are a few.
                    kept.insert(kept.partition_point(|other| *other < entry), entry);
                }
                None => drop(self.0.remove_item(&key)),
            }
        }
        let surplus = kept.len().saturating_add(1).saturating_sub(MOST);
        for (_, key) in kept.into_iter().take(surplus) {
            drop(self.0.remove_item(&key));
        }
    }
}

fn key(fingerprint: &StateFingerprint) -> String {
    [ATTEMPT, fingerprint.as_str()].concat()
}

fn unavailable(thrown: &JsValue) -> Error {
    let message = "`localStorage` is blocked or full, and where a site may store nothing, no session reaches the Worker either; \
                   allow this site to store data, and in a frame open the page on its own";
    Error::new(ErrorCode::BrowserStorageUnavailable, message).with("cause", thrown)
}
