//! `start`: a fresh state, the Worker told of it, and the way to Connect.

use serde::Serialize;
use wasm_bindgen::prelude::*;
use web_sys::Window;

use super::{
    answers::{self, Started},
    edge::{Edge, to_js},
    error::{Error, Result},
    options::Options,
    page,
    pending::{Entry, PendingStore},
    wishes::{self, Wishes},
};
use crate::connect::{ApplicationId, ExternalId, ExternalIdParam, Origin, PendingConnection, RedirectUri, State};

/// How the owner gets to Connect. A popup will be a third way.
#[derive(Clone, Copy, Debug)]
enum Departure {
    /// The page itself goes there.
    Navigate,
    /// The app does it.
    ByTheApp,
}

/// A connection about to be started, all of its options checked.
#[derive(Debug)]
pub(super) struct Start {
    window: Window,
    edge: Edge,
    store: PendingStore,
    redirect_uri: RedirectUri,
    application_id: Option<ApplicationId>,
    wishes: Wishes,
    departure: Departure,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Body<'a> {
    state_fingerprint: &'a str,
    redirect_uri: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct StartResult<'a> {
    url: &'a str,
    expires_at: u64,
}

impl Start {
    pub(super) fn begin(options: JsValue) -> Result<Self> {
        let window = page::window("start")?;
        let known = [
            &["edge", "redirectUri", "applicationId", "navigate"],
            &wishes::NAMES[..],
        ]
        .concat();
        let options = Options::read(options, "start", &known)?;
        let redirect_uri = match options.string("redirectUri")? {
            Some(uri) => RedirectUri::parse(&uri)?,
            None => RedirectUri::parse(&page::own_address(&window)?)?,
        };
        Ok(Self {
            edge: Edge::new(window.clone(), options.string("edge")?.as_deref())?,
            store: PendingStore::open(&window)?,
            redirect_uri,
            application_id: options
                .string("applicationId")?
                .map(|id| ApplicationId::parse(&id))
                .transpose()?,
            wishes: Wishes::read(&options)?,
            departure: match options.boolean("navigate")? {
                Some(false) => Departure::ByTheApp,
                _ => Departure::Navigate,
            },
            window,
        })
    }

    pub(super) async fn run(self) -> Result<JsValue> {
        let state = State::from_random(page::random()?);
        let now = page::now();
        self.store.sweep(now);
        let pending = PendingConnection::new(state.fingerprint(), self.redirect_uri.clone(), now);
        let entry = Entry {
            pending,
            edge: self.edge.base().to_owned(),
        };
        // Before the Worker is called: without storage nothing must be left pending there.
        self.store.put(&entry)?;
        let body = Body {
            state_fingerprint: entry.pending.fingerprint().as_str(),
            redirect_uri: self.redirect_uri.as_str(),
        };
        let url = match self
            .edge
            .post("/connect/start", &body, answers::from_js::<Started>)
            .await
        {
            Ok(started) => connect_url(&started, self.application_id, self.wishes, self.redirect_uri, &state),
            Err(error) => Err(error),
        };
        let url = match url {
            Ok(url) => url,
            Err(error) => {
                self.store.remove(&entry);
                return Err(error);
            }
        };
        if let Departure::Navigate = self.departure {
            page::navigate(&self.window, &url)?;
        }
        let expires_at = entry.pending.expires_at().as_millis();
        Ok(to_js(&StartResult { url: &url, expires_at }).unwrap_or(JsValue::UNDEFINED))
    }
}

fn connect_url(
    started: &Started,
    application_id: Option<ApplicationId>,
    wishes: Wishes,
    redirect_uri: RedirectUri,
    state: &State,
) -> Result<String> {
    let application_id = match application_id {
        Some(id) => id,
        None => ApplicationId::parse(&started.application_id)?,
    };
    let connect = Origin::parse("connectOrigin", &started.connect_origin)?;
    let external_id = ExternalIdParam::Set(ExternalId::parse(&started.external_id)?);
    let url = wishes
        .into_url(application_id, state)
        .redirect_uri(redirect_uri)
        .external_id(external_id);
    url.to_url(&connect).map(String::from).map_err(Error::from)
}
