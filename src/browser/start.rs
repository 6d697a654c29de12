//! `start`: a fresh state, the Worker told of it, and the way to Connect.

use js_sys::Object;
use wasm_bindgen::prelude::*;
use web_sys::Window;

use super::{
    answers,
    edge::Edge,
    error::Result,
    options::Options,
    page,
    pending::{Entry, PendingStore},
    shape::{self, set, text},
    wishes::{self, Wishes},
};
use crate::connect::{ApplicationId, ExternalId, ExternalIdParam, Origin, PendingConnection, RedirectUri, State};

const PATH: &str = "/connect/start";

/// How the owner gets to Connect. A popup will be a third way.
#[derive(Clone, Copy, Debug)]
enum Departure {
    /// The page itself goes there.
    Navigate,
    /// The app does it.
    ByTheApp,
}

/// A connection of which this tab knows, and the Worker not yet.
#[derive(Debug)]
pub(super) struct Start {
    window: Window,
    edge: Edge,
    store: PendingStore,
    entry: Entry,
    state: State,
    application_id: Option<ApplicationId>,
    wishes: Wishes,
    departure: Departure,
}

impl Start {
    pub(super) fn begin(options: JsValue) -> Result<Self> {
        let window = page::window("start")?;
        let own = ["edge", "redirectUri", "applicationId", "navigate"];
        let options = Options::read(options, "start", &[&own, &wishes::NAMES[..]].concat())?;
        let redirect_uri = match options.parsed("redirectUri", RedirectUri::parse)? {
            Some(uri) => uri,
            None => RedirectUri::parse(&page::own_address(&window)?)?,
        };
        let edge = Edge::new(window.clone(), options.string("edge")?.as_deref())?;
        let application_id = options.parsed("applicationId", ApplicationId::parse)?;
        let wishes = Wishes::read(&options)?;
        let departure = match options.boolean("navigate")? {
            Some(false) => Departure::ByTheApp,
            _ => Departure::Navigate,
        };
        let store = PendingStore::open(&window)?;
        let now = page::now();
        store.sweep(now);
        let state = State::from_random(page::random()?);
        let pending = PendingConnection::new(state.fingerprint(), redirect_uri, now);
        let entry = Entry {
            pending,
            edge: edge.base().to_owned(),
        };
        // Before the Worker is called: without storage nothing must be left pending there.
        store.put(&entry)?;
        Ok(Self {
            window,
            edge,
            store,
            entry,
            state,
            application_id,
            wishes,
            departure,
        })
    }

    pub(super) async fn run(self) -> Result<JsValue> {
        let pending = &self.entry.pending;
        let body = [
            ("stateFingerprint", pending.fingerprint().as_str()),
            ("redirectUri", pending.redirect_uri().as_str()),
        ];
        let started = self
            .edge
            .post(PATH, &body, |json| shape::copy(json, answers::STARTED))
            .await;
        let result = started.and_then(|started| self.depart(&started));
        if result.is_err() {
            self.store.remove(&self.entry);
        }
        result
    }

    fn depart(&self, started: &JsValue) -> Result<JsValue> {
        let told = |name| text(started, name).unwrap_or_default();
        let not_the_workers = |_| self.edge.unexpected(PATH);
        let application_id = match &self.application_id {
            Some(id) => id.clone(),
            None => ApplicationId::parse(&told("applicationId")).map_err(not_the_workers)?,
        };
        let connect = Origin::parse("connectOrigin", &told("connectOrigin")).map_err(not_the_workers)?;
        let external_id = ExternalId::parse(&told("externalId")).map_err(not_the_workers)?;
        let pending = &self.entry.pending;
        let url = self.wishes.url(application_id, &self.state);
        let url = url
            .redirect_uri(pending.redirect_uri().clone())
            .external_id(ExternalIdParam::Set(external_id));
        let href = url.to_href(&connect)?;
        if let Departure::Navigate = self.departure {
            page::navigate(&self.window, &href)?;
        }
        let result = Object::new();
        set(&result, "url", &href.into());
        set(&result, "expiresAt", &page::number(pending.expires_at()));
        Ok(result.into())
    }
}
