//! Registering an attempt to connect: a fresh state, kept here by its fingerprint, and the Worker told of it.

use wasm_bindgen::JsValue;
use web_sys::Window;

use super::{
    attempts::{AttemptStore, Entry},
    client::{Answer, Client},
    error::{Error, Result},
    json, page,
    way_back::WayBack,
};
use crate::{
    connect::{
        ApplicationId, Attempt, ConnectOptions, ConnectionId, ExternalId, Mode, Origin, RedirectUri, Scope, State,
    },
    http_api::{ErrorCode, ProblemCode, StartRequest, path, start::SessionOrigin},
};

/// An attempt of which this browser knows, and the Worker not yet.
#[derive(Debug)]
pub(super) struct Unregistered {
    client: Client,
    store: AttemptStore,
    attempt: Attempt,
    state: State,
    /// The connection that it mends, if it does.
    reconnecting: Option<ConnectionId>,
    scope: Option<String>,
    mode: Option<Mode>,
}

/// An attempt of which the Worker knows too, and what it said of it.
#[derive(Debug)]
pub(super) struct Registered {
    pub(super) attempt: Attempt,
    pub(super) state: State,
    pub(super) application_id: ApplicationId,
    pub(super) connect: Origin,
    pub(super) external_id: ExternalId,
    /// What mends the connection that the attempt is for.
    pub(super) way_back: Option<WayBack>,
    session: SessionOrigin,
}

impl Unregistered {
    /// Mints a state and keeps the attempt: before the Worker is called, since without storage nothing must be left pending
    /// there.
    pub(super) fn begin(
        window: &Window,
        client: Client,
        redirect_uri: RedirectUri,
        reconnecting: Option<ConnectionId>,
        options: &ConnectOptions,
    ) -> Result<Self> {
        let store = AttemptStore::open(window)?;
        let now = page::now();
        let state = State::from_random(page::random()?);
        let attempt = Attempt::new(state.fingerprint(), redirect_uri, now);
        let entry = Entry {
            started_at: now,
            edge: client.base().to_owned(),
            mends: reconnecting.as_ref().map(|id| id.as_str().to_owned()),
            is_over: false,
        };
        store.put(attempt.fingerprint(), &entry)?;
        let scopes: Vec<&str> = options.scopes.iter().map(Scope::as_str).collect();
        Ok(Self {
            client,
            store,
            attempt,
            state,
            reconnecting,
            scope: (!scopes.is_empty()).then(|| scopes.join(" ")),
            mode: options.mode,
        })
    }

    /// Forgets it, before anybody was told.
    pub(super) fn forget(&self) {
        self.store.remove(self.attempt.fingerprint());
    }

    /// Tells the Worker, sees to it that the browser will be recognised when it comes back, and then does `next`; if any of it
    /// fails, the attempt is forgotten.
    pub(super) async fn register<T>(self, next: impl FnOnce(&Registered) -> Result<T>) -> Result<T> {
        let registered = self.recognised().await;
        // A page at Connect that does not redirect back is waited for by nobody.
        let is_awaited = registered
            .as_ref()
            .is_ok_and(|registered| registered.way_back.as_ref().is_none_or(WayBack::is_awaited));
        let result = registered.and_then(|registered| next(&registered));
        if result.is_err() || !is_awaited {
            self.store.remove(self.attempt.fingerprint());
        }
        result
    }

    /// What the Worker said, once it knows this browser again.
    async fn recognised(&self) -> Result<Registered> {
        let registered = self.tell().await?;
        if registered.session == SessionOrigin::Resumed {
            return Ok(registered);
        }
        match self.look().await {
            Ok(_) => Ok(registered),
            // Another tab has opened a session meanwhile, whose cookie has taken the place of ours.
            Err(error) if error.is(ErrorCode::Worker(ProblemCode::StateUnknown)) => self.tell().await,
            Err(error) if error.is(ErrorCode::Worker(ProblemCode::SessionMissing)) => Err(self.cookie_blocked()),
            Err(error) => Err(error),
        }
    }

    async fn tell(&self) -> Result<Registered> {
        let request = StartRequest {
            state_fingerprint: self.attempt.fingerprint().as_str().to_owned(),
            redirect_uri: self.attempt.redirect_uri().as_str().to_owned(),
            scope: self.scope.clone(),
            mode: self.mode.map(|mode| mode.as_str().to_owned()),
        };
        let (path, answer) = match &self.reconnecting {
            None => (path::CONNECT_START.to_owned(), Answer::Start),
            Some(id) => (path::reconnect(id), Answer::Reconnect),
        };
        let answer = self.client.post(&path, &request.fields(), answer).await?;
        self.read(&answer, &path)
    }

    async fn look(&self) -> Result<JsValue> {
        let path = path::attempt(self.attempt.fingerprint());
        self.client.get(&path, Answer::Attempt).await
    }

    fn read(&self, answer: &JsValue, path: &str) -> Result<Registered> {
        let field = |name| json::text(answer, name).unwrap_or_default();
        let unexpected = |_| self.client.unexpected(path);
        let (way_back, session) = if self.reconnecting.is_some() {
            let way_back = WayBack::read(answer).ok_or_else(|| self.client.unexpected(path))?;
            (Some(way_back), SessionOrigin::Resumed)
        } else {
            let session = SessionOrigin::from_name(&field("session"));
            (None, session.unwrap_or(SessionOrigin::Started))
        };
        Ok(Registered {
            attempt: self.attempt.clone(),
            state: self.state.clone(),
            application_id: ApplicationId::parse(&field("applicationId")).map_err(unexpected)?,
            connect: Origin::parse(&field("connectOrigin")).map_err(unexpected)?,
            external_id: ExternalId::parse(&field("externalId")).map_err(unexpected)?,
            way_back,
            session,
        })
    }

    fn cookie_blocked(&self) -> Error {
        let message = [
            "the browser did not keep the session cookie of `",
            self.client.base(),
            "`, so that nobody would be recognised on the way back from Connect; serve the page and the Worker from one site \
             (`localhost` and `127.0.0.1` are two), over `https` or on loopback, not in a frame of another site, and allow \
             cookies",
        ]
        .concat();
        Error::new(ErrorCode::CookieBlocked, &message)
    }
}
