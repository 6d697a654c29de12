//! Registering an attempt to connect: a fresh state, kept here by its fingerprint, and the Worker told of it.

use wasm_bindgen::JsValue;
use web_sys::Window;

use super::{
    attempts::{AttemptStore, Entry},
    client::Client,
    error::Result,
    json, page,
};
use crate::{
    connect::{ApplicationId, Attempt, ExternalId, Origin, RedirectUri, State},
    http_api::{StartRequest, path, schema, start::START_RESPONSE},
};

/// An attempt of which this tab knows, and the Worker not yet.
#[derive(Debug)]
pub(super) struct Unregistered {
    client: Client,
    store: AttemptStore,
    entry: Entry,
    state: State,
}

/// An attempt of which the Worker knows too, and what it said of it.
#[derive(Debug)]
pub(super) struct Registered {
    pub(super) attempt: Attempt,
    pub(super) state: State,
    pub(super) application_id: ApplicationId,
    pub(super) connect: Origin,
    pub(super) external_id: ExternalId,
}

impl Unregistered {
    /// Mints a state and keeps the attempt: before the Worker is called, since without storage nothing must be left pending
    /// there.
    pub(super) fn begin(window: &Window, client: Client, redirect_uri: RedirectUri) -> Result<Self> {
        let store = AttemptStore::open(window)?;
        let now = page::now();
        store.sweep(now);
        let state = State::from_random(page::random()?);
        let entry = Entry {
            attempt: Attempt::new(state.fingerprint(), redirect_uri, now),
            edge: client.base().to_owned(),
        };
        store.put(&entry)?;
        Ok(Self {
            client,
            store,
            entry,
            state,
        })
    }

    /// Tells the Worker, and then does `next`; if either fails, the attempt is forgotten.
    pub(super) async fn register<T>(self, next: impl FnOnce(&Registered) -> Result<T>) -> Result<T> {
        let answer = self.send().await;
        let result = answer
            .and_then(|answer| self.read(&answer))
            .and_then(|registered| next(&registered));
        if result.is_err() {
            self.store.remove(&self.entry);
        }
        result
    }

    async fn send(&self) -> Result<JsValue> {
        let attempt = &self.entry.attempt;
        let request = StartRequest {
            state_fingerprint: attempt.fingerprint().as_str().to_owned(),
            redirect_uri: attempt.redirect_uri().as_str().to_owned(),
        };
        self.client
            .post(path::CONNECT_START, &request.fields(), |json| {
                schema::validate(json, START_RESPONSE)
            })
            .await
    }

    fn read(&self, answer: &JsValue) -> Result<Registered> {
        let field = |name| json::text(answer, name).unwrap_or_default();
        let unexpected = |_| self.client.unexpected(path::CONNECT_START);
        Ok(Registered {
            attempt: self.entry.attempt.clone(),
            state: self.state.clone(),
            application_id: ApplicationId::parse(&field("applicationId")).map_err(unexpected)?,
            connect: Origin::parse(&field("connectOrigin")).map_err(unexpected)?,
            external_id: ExternalId::parse(&field("externalId")).map_err(unexpected)?,
        })
    }
}
