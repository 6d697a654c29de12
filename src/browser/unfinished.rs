//! The finish that is under way in this tab, in `sessionStorage`, which outlives a reload: the page that comes then has lost the
//! callback, and asks the Worker what became of the attempt.

use js_sys::Object;
use web_sys::{Storage, Window};

use super::{
    json::{self, get, set, text},
    page,
};
use crate::{
    connect::{ATTEMPT_LIFETIME, StateFingerprint},
    time::UnixMillis,
};

const UNFINISHED: &str = "smartcar-connect:finishing";

/// An attempt whose callback was on its way to the Worker.
#[derive(Clone, Debug)]
pub(super) struct Unfinished {
    pub(super) fingerprint: StateFingerprint,
    /// The address of the Worker.
    pub(super) edge: String,
    since: UnixMillis,
}

impl Unfinished {
    pub(super) const fn new(fingerprint: StateFingerprint, edge: String, now: UnixMillis) -> Self {
        Self {
            fingerprint,
            edge,
            since: now,
        }
    }

    /// The one that this tab was at, unless that is so long ago that nobody waits for it any more.
    pub(super) fn find(window: &Window, now: UnixMillis) -> Option<Self> {
        let object = json::parse(&storage(window)?.get_item(UNFINISHED).ok()??)?;
        let found = Self {
            fingerprint: StateFingerprint::parse(&text(&object, "fingerprint")?).ok()?,
            edge: text(&object, "edge")?,
            since: page::time(&get(&object, "since"))?,
        };
        found.is_awaited(now).then_some(found)
    }

    /// Whether anybody still waits for it.
    pub(super) fn is_awaited(&self, now: UnixMillis) -> bool {
        now < self.since.after(ATTEMPT_LIFETIME) && self.since < now.after(ATTEMPT_LIFETIME)
    }

    /// Notes it. Where nothing can be stored, a reload learns nothing of it.
    pub(super) fn note(&self, window: &Window) {
        let object = Object::new();
        set(&object, "fingerprint", &self.fingerprint.as_str().into());
        set(&object, "edge", &self.edge.as_str().into());
        set(&object, "since", &page::to_js(self.since));
        if let Some(storage) = storage(window) {
            drop(storage.set_item(UNFINISHED, &json::stringify(&object)));
        }
    }

    /// The page knows what came of it.
    pub(super) fn clear(&self, window: &Window) {
        let is_own = Self::find(window, self.since).is_some_and(|found| found.fingerprint == self.fingerprint);
        if let Some(storage) = storage(window).filter(|_| is_own) {
            drop(storage.remove_item(UNFINISHED));
        }
    }
}

fn storage(window: &Window) -> Option<Storage> {
    window.session_storage().ok().flatten()
}
