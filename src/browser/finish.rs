//! `finish`: from the callback in the address bar to the Worker's outcome.

use wasm_bindgen::prelude::*;
use web_sys::Window;

use super::{
    answers,
    edge::Edge,
    error::Result,
    options::{Options, url_argument},
    page,
    pending::{Entry, PendingStore},
    query,
};
use crate::connect::{StateError, UncheckedCallback};

/// A callback whose state has been checked, on its way to the Worker.
#[derive(Debug)]
pub(super) struct Finish {
    callback: String,
    edge: Edge,
    entry: Entry,
    store: PendingStore,
}

impl Finish {
    /// Everything up to the call of the Worker, in one go: no other script of the page runs in between, and none finds the
    /// code in the address afterwards.
    pub(super) fn begin(url: &JsValue, options: JsValue) -> Result<Self> {
        let window = page::window("finish")?;
        let url = match url_argument(url)? {
            Some(url) => url,
            None => page::href(&window)?,
        };
        let search = query::of(&url);
        page::strip(&window, search)?;
        let callback = query::split(search).callback;
        let options = Options::read(options, "finish", &["edge"])?;
        let edge = match options.string("edge")? {
            Some(edge) => Some(Edge::new(window.clone(), Some(&edge))?),
            None => None,
        };
        let (entry, store) = take(&window, &callback)?;
        let edge = match edge {
            Some(edge) => edge,
            None => Edge::new(window, Some(&entry.edge))?,
        };
        Ok(Self {
            callback,
            edge,
            entry,
            store,
        })
    }

    /// Tells the Worker, whatever Connect's answer was: it too has a pending connection to close.
    ///
    /// If it may not have heard, or asks to be told again, the connection is kept for a further attempt: the Worker exchanges
    /// a code once, however often it is told.
    pub(super) async fn run(self) -> Result<JsValue> {
        let outcome = self.send().await;
        if let Err(error) = &outcome
            && error.may_be_repeated()
        {
            self.store.put_back(&self.entry);
        }
        outcome
    }

    async fn send(&self) -> Result<JsValue> {
        self.edge
            .post("/connect/finish", &[("callback", &self.callback)], answers::outcome)
            .await
    }
}

/// Takes the connection of this callback out of the store, and then checks that the callback may be believed.
fn take(window: &Window, callback: &str) -> Result<(Entry, PendingStore)> {
    let unchecked = UncheckedCallback::parse(&["?", callback].concat())?;
    let state = unchecked.state().ok_or(StateError::Missing)?;
    let store = PendingStore::open(window)?;
    let now = page::now();
    let taken = store.take(&state.fingerprint());
    store.sweep(now);
    let entry = taken?;
    unchecked.verify(&entry.pending, now)?;
    Ok((entry, store))
}
