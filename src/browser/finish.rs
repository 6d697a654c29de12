//! `finish`: from the callback in the address bar to the Worker's outcome.

use wasm_bindgen::prelude::*;
use web_sys::Window;

use super::{
    attempts::{AttemptStore, Entry},
    client::Client,
    error::Result,
    options::{Options, url_argument},
    page,
};
use crate::{
    connect::{StateError, UnverifiedCallback, query_of, split},
    http_api::{
        FinishRequest,
        finish::{FAILURES, FINISHED},
        path, schema,
    },
};

/// A callback whose state was verified, on its way to the Worker.
#[derive(Debug)]
pub(super) struct Finish {
    callback: String,
    client: Client,
    entry: Entry,
    store: AttemptStore,
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
        let search = query_of(&url);
        page::remove_callback(&window, search)?;
        let callback = split(search).callback;
        let options = Options::read(options, "finish", &["edge"])?;
        let client = match options.string("edge")? {
            Some(edge) => Some(Client::new(window.clone(), Some(&edge))?),
            None => None,
        };
        let (entry, store) = take(&window, &callback)?;
        let client = match client {
            Some(client) => client,
            None => Client::new(window, Some(&entry.edge))?,
        };
        Ok(Self {
            callback,
            client,
            entry,
            store,
        })
    }

    /// Sends it to the Worker, whatever Connect's answer was: the Worker too keeps the attempt, and closes it.
    ///
    /// If it may not have arrived, or the Worker asks for it again, the attempt is kept for a further call: the Worker
    /// exchanges a code once, however often it is sent.
    pub(super) async fn run(self) -> Result<JsValue> {
        let outcome = self.send().await;
        if let Err(error) = &outcome
            && error.is_retryable()
        {
            self.store.put_back(&self.entry);
        }
        outcome
    }

    async fn send(&self) -> Result<JsValue> {
        let request = FinishRequest {
            callback: self.callback.clone(),
        };
        self.client
            .post(path::CONNECT_FINISH, &request.fields(), |json| {
                schema::validate_variant(json, &[FINISHED, FAILURES])
            })
            .await
    }
}

/// Takes the attempt of this callback out of the store, and then verifies the callback's state.
fn take(window: &Window, callback: &str) -> Result<(Entry, AttemptStore)> {
    let unverified = UnverifiedCallback::from_query(callback)?;
    let state = unverified.state().ok_or(StateError::Missing)?;
    let store = AttemptStore::open(window)?;
    let now = page::now();
    let taken = store.take(&state.fingerprint());
    store.sweep(now);
    let entry = taken?;
    unverified.verify(&entry.attempt, now)?;
    Ok((entry, store))
}
