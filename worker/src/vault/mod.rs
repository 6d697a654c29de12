//! The Durable Object `Vault`: one for each principal, and the only writer of the principal's records.
//!
//! It decides nothing. Each operation loads a record, lets `smartcar_connect::vault` decide, stores the result and then
//! carries out the effects. Whatever has to outlive the process is in storage, and the alarm takes up what a process that
//! died has left.

mod alarm;
mod close;
mod connect;
mod fault;
mod flight;
mod index;
mod publish;
mod reseal;
mod store;

use std::{cell::RefCell, collections::HashMap, rc::Rc};

use futures_util::lock::Mutex;
use smartcar_connect::{
    connect::ConnectionId,
    edge::{Caller, Config, IssuedToken, Operation, Problem, ProblemCode, Select, VaultReply, VaultRequest},
    principal::Principal,
    time::{Millis, UnixMillis},
    vault::{Answer, Connection, Effect, Event, GrantRecord, Next, Profile, VehicleIndex, step},
};
use wasm_bindgen::{JsValue, prelude::wasm_bindgen};
use worker::{DurableObject, Env, Request, Response, State, durable_object};
use zeroize::Zeroizing;

use self::{fault::Fault, flight::Flight, store::Batch};
use crate::{
    clock,
    settings::{self, Settings},
};

/// The Durable Object.
#[durable_object(alarm)]
pub struct Vault {
    inner: Rc<Inner>,
}

impl std::fmt::Debug for Vault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Vault")
    }
}

impl DurableObject for Vault {
    fn new(state: State, env: Env) -> Self {
        let settings = settings::read(&env);
        Self {
            inner: Rc::new(Inner::new(state, env, settings)),
        }
    }

    /// Its methods are called instead: see `ask`.
    async fn fetch(&self, _request: Request) -> worker::Result<Response> {
        Response::error("a vault is asked, not fetched", 405)
    }

    /// Fails only if no alarm can be set: the platform, which rings again then, gives that up after six failures.
    async fn alarm(&self) -> worker::Result<Response> {
        Rc::clone(&self.inner).ring().await?;
        Response::empty()
    }
}

#[wasm_bindgen(wasm_bindgen_futures = ::worker::wasm_bindgen_futures, js_sys = ::worker::js_sys)]
impl Vault {
    /// Answers a `VaultRequest` with a `VaultReply`, both as JSON.
    ///
    /// A method and not `fetch`: a call costs much less than a request and a response, whose bodies are streams.
    pub async fn ask(&self, request: String) -> Result<String, JsValue> {
        let request = Zeroizing::new(request);
        let reply = match serde_json::from_str::<VaultRequest>(&request) {
            Ok(request) => Rc::clone(&self.inner).answer(request).await,
            Err(_) => VaultReply::Problem(Problem::new(ProblemCode::InvalidBody, "not a vault request")),
        };
        serde_json::to_string(&reply).map_err(|error| JsValue::from_str(&error.to_string()))
    }
}

/// What lives as long as the process. All of it can be had again from storage.
struct Inner {
    state: State,
    env: Env,
    settings: Settings,
    /// The profile as it was last read or written; this object is its only writer.
    known_profile: RefCell<Option<Profile>>,
    /// When each record wants the alarm, by its key in storage; `None` until storage was read.
    wakes: RefCell<Option<HashMap<String, UnixMillis>>>,
    /// What is under way for each connection. Whoever wants a token meanwhile waits for its answer.
    flights: RefCell<HashMap<ConnectionId, Flight>>,
    /// The finishes that are under way, by the digest of their callback.
    finishes: RefCell<HashMap<String, connect::Finishing>>,
    /// Held from the reading of a record to the writing of its successor.
    turn: Mutex<()>,
    /// Held while KV is written: two writes of one key never overtake each other.
    kv_turn: Mutex<()>,
}

impl Inner {
    fn new(state: State, env: Env, settings: Settings) -> Self {
        Self {
            state,
            env,
            settings,
            known_profile: RefCell::default(),
            wakes: RefCell::default(),
            flights: RefCell::default(),
            finishes: RefCell::default(),
            turn: Mutex::new(()),
            kv_turn: Mutex::new(()),
        }
    }

    fn config(&self) -> Result<&Rc<Config>, Fault> {
        self.settings
            .as_ref()
            .map_err(|error| Fault::Misconfigured(error.clone()))
    }

    /// The id of this Durable Object. The profile is bound to it.
    fn vault_id(&self) -> String {
        self.state.id().to_string()
    }

    /// Drives a future to its end, whether or not anybody waits for it.
    fn in_background(&self, future: impl Future<Output = ()> + 'static) {
        self.state.wait_until(future);
    }

    async fn answer(self: Rc<Self>, request: VaultRequest) -> VaultReply {
        match self.try_answer(request).await {
            Ok(reply) => reply,
            Err(fault) => {
                fault.log();
                VaultReply::Problem(fault.into())
            }
        }
    }

    async fn try_answer(self: &Rc<Self>, request: VaultRequest) -> Result<VaultReply, Fault> {
        let Some(caller) = request.caller else {
            return match request.operation {
                Operation::Reseal => self.reseal().await,
                _ => Err(Fault::WrongPrincipal),
            };
        };
        match request.operation {
            Operation::Start {
                fingerprint,
                redirect_uri,
            } => self.start(caller, fingerprint, redirect_uri).await,
            Operation::Finish(callback) => self.finish(&caller, callback).await,
            Operation::Connections(only) => self.show(&caller, only.as_ref()).await,
            Operation::Vehicles => {
                let index = match self.seen(&caller).await? {
                    Some(profile) => VehicleIndex::of(&self.grants(&profile.principal).await?),
                    None => VehicleIndex::default(),
                };
                Ok(VaultReply::Vehicles(index))
            }
            Operation::Token { select, rejected } => self.token(&caller, select, rejected).await,
            Operation::Disconnect(id) => self.disconnect(&caller, &id).await,
            Operation::DisconnectAll => self.disconnect_all(&caller).await,
            Operation::Reseal => self.reseal().await,
        }
    }

    /// Notes that the owner is here. `None` if the vault is empty.
    async fn seen(&self, caller: &Caller) -> Result<Option<Profile>, Fault> {
        let Some(profile) = self.profile().await? else {
            return Ok(None);
        };
        if profile.principal != caller.principal {
            return Err(Fault::WrongPrincipal);
        }
        // A call by service key knows nothing of the session.
        let session_ends_at = caller.session_ends_at.or(profile.session_ends_at);
        match profile.seen(clock::now(), session_ends_at) {
            Some(seen) => {
                let mut batch = Batch::default();
                self.put_profile(&mut batch, &seen)?;
                self.commit(batch).await?;
                Ok(Some(seen))
            }
            None => Ok(Some(profile)),
        }
    }

    async fn show(&self, caller: &Caller, only: Option<&ConnectionId>) -> Result<VaultReply, Fault> {
        #[derive(serde::Serialize)]
        struct Listed {
            connections: Vec<Connection>,
        }
        let connections = match self.seen(caller).await? {
            Some(profile) => self.connections(&profile.principal).await?,
            None => Vec::new(),
        };
        Ok(match only {
            None => VaultReply::Body(serde_json::to_string(&Listed { connections })?),
            Some(id) => match connections.iter().find(|connection| connection.id == *id) {
                Some(connection) => VaultReply::Body(serde_json::to_string(connection)?),
                None => VaultReply::Problem(Problem::connection_not_found()),
            },
        })
    }

    async fn connections(&self, principal: &Principal) -> Result<Vec<Connection>, Fault> {
        let now = clock::now();
        let grants = self.grants(principal).await?;
        let connections = grants
            .iter()
            .filter_map(|(id, record)| Connection::of(id, record, now))
            .collect();
        Ok(connections)
    }

    async fn token(
        self: &Rc<Self>,
        caller: &Caller,
        select: Select,
        rejected: Option<u64>,
    ) -> Result<VaultReply, Fault> {
        let Some(profile) = self.seen(caller).await? else {
            return Ok(VaultReply::Problem(Problem::connection_not_found()));
        };
        let id = match select {
            Select::Connection(id) => id,
            Select::Vehicle(vehicle) => {
                let grants = self.grants(&profile.principal).await?;
                match VehicleIndex::of(&grants).connection_of(&vehicle) {
                    Some(id) => id.clone(),
                    None => return Ok(VaultReply::Problem(Problem::connection_not_found())),
                }
            }
        };
        Ok(match self.fresh_token(&profile.principal, &id, rejected).await? {
            Answer::Token { generation, .. } if rejected == Some(generation) => {
                let detail = "Smartcar refuses the access token and gave no newer one; try again later";
                let problem = Problem::new(ProblemCode::UpstreamUnavailable, detail);
                VaultReply::Problem(problem.with_retry_after(Millis::from_secs(5)))
            }
            Answer::Token {
                access_token,
                expires_at,
                generation,
            } => VaultReply::Token(IssuedToken {
                connection_id: id,
                access_token,
                expires_at,
                generation,
            }),
            Answer::Unavailable(unwell) => {
                let detail = [
                    "Smartcar gave no new token (",
                    unwell.cause.code(),
                    "); try again later",
                ]
                .concat();
                let problem = Problem::new(ProblemCode::UpstreamUnavailable, detail);
                VaultReply::Problem(problem.with_retry_after(unwell.retry_after))
            }
            Answer::Rejected { retry_after } => {
                let detail = "Smartcar refuses an access token that it issued moments ago; try again later";
                let problem = Problem::new(ProblemCode::UpstreamUnavailable, detail);
                VaultReply::Problem(problem.with_retry_after(retry_after))
            }
            Answer::Ended(cause) => {
                let detail = ["the owner has to connect the car again (", cause.code(), ")"].concat();
                VaultReply::Problem(Problem::new(ProblemCode::ReauthenticationRequired, detail))
            }
            Answer::Unknown => VaultReply::Problem(Problem::connection_not_found()),
        })
    }

    /// Lets `event` happen to a connection: what it comes to is stored, and what is to be done then is returned.
    async fn happen(&self, principal: &Principal, id: &ConnectionId, event: Event) -> Result<Vec<Effect>, Fault> {
        let policy = self.config()?.policy;
        let _turn = self.turn.lock().await;
        let record = self.grant(principal, id).await?;
        let decided = step(id, record.as_ref(), clock::now(), event, &policy);
        let mut batch = Batch::default();
        match &decided.next {
            Next::Keep => return Ok(decided.effects),
            Next::Put(next) => {
                self.put_grant(&mut batch, principal, id, next)?;
                let shown = |record: &GrantRecord| Connection::of(id, record, clock::now()).map(|shown| shown.vehicles);
                if record.is_none_or(|record| shown(&record) != shown(next)) {
                    self.owe_index(&mut batch, principal).await?;
                }
            }
            Next::Remove => batch.delete(store::grant_key(id)),
        }
        self.commit(batch).await?;
        Ok(decided.effects)
    }
}
