//! Asking a principal's vault.

use smartcar_connect::{
    connect::VehicleId,
    edge::{
        Caller, Config, ConnectionAccess, ConnectionSelector, IssuedToken, Operation, Problem, VaultReply, VaultRequest,
    },
    http_api::ProblemCode,
    time::Millis,
    token,
};
use wasm_bindgen::{JsValue, prelude::wasm_bindgen};
use worker::{Env, Stub};
use zeroize::Zeroizing;

use crate::{clock, confirmed_sessions, kv, settings};

/// How long a vault is waited for. A deletion of many connections may take longer while Smartcar hangs, and goes on; and
/// nothing ever comes if the vault's module had to be started again.
const LONGEST_ANSWER: Millis = Millis::from_mins(1);

#[wasm_bindgen(wasm_bindgen_futures = ::worker::wasm_bindgen_futures, js_sys = ::worker::js_sys)]
extern "C" {
    /// A stub of our own Durable Object.
    type VaultStub;

    /// Calls the `ask` of `vault::Vault`.
    #[wasm_bindgen(method, catch)]
    async fn ask(this: &VaultStub, request: &str) -> Result<JsValue, JsValue>;
}

/// Asks the vault of `caller`.
pub(crate) async fn ask(env: &Env, caller: &Caller, operation: Operation) -> Result<VaultReply, Problem> {
    let request = VaultRequest {
        caller: Some(caller.clone()),
        operation,
    };
    let vault = caller.principal.vault_name();
    let mut reply = try_ask(env, &vault, &request).await;
    if matches!(reply, Err(NoReply::Lost)) && request.operation.is_read() {
        // The vault was reset, by a deployment for one. A stub of the former one is of no use.
        reply = try_ask(env, &vault, &request).await;
    }
    match reply {
        Ok(VaultReply::Problem(problem)) => {
            if problem.code == ProblemCode::SessionMissing {
                confirmed_sessions::forget(caller);
            }
            Err(problem)
        }
        Ok(reply) => {
            if matches!(request.operation, Operation::EndSession { .. } | Operation::Claim(_)) {
                confirmed_sessions::forget(caller);
            } else {
                confirmed_sessions::note(caller, clock::now());
            }
            Ok(reply)
        }
        Err(_) => Err(unavailable()),
    }
}

/// Why a vault gave no reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoReply {
    /// The call failed.
    Lost,
    /// It took too long.
    TimedOut,
    /// What names the vault is the id of none.
    NoVault,
}

impl From<worker::Error> for NoReply {
    fn from(_: worker::Error) -> Self {
        Self::Lost
    }
}

impl From<serde_json::Error> for NoReply {
    fn from(_: serde_json::Error) -> Self {
        Self::Lost
    }
}

pub(crate) fn unavailable() -> Problem {
    Problem::new(ProblemCode::StorageUnavailable, "the vault did not answer; try again")
        .with_retry_after(Millis::from_secs(1))
}

async fn try_ask(env: &Env, vault: &str, request: &VaultRequest) -> Result<VaultReply, NoReply> {
    send(env.durable_object(settings::VAULT)?.get_by_name(vault)?, request).await
}

/// Asks the vault whose Durable Object has this id.
pub(crate) async fn ask_by_id(env: &Env, vault_id: &str, request: &VaultRequest) -> Result<VaultReply, NoReply> {
    let vault = || {
        let namespace = env.durable_object(settings::VAULT)?;
        let id = namespace.id_from_string(vault_id).map_err(|_| NoReply::NoVault)?;
        Ok::<_, NoReply>(id.get_stub()?)
    };
    let reply = send(vault()?, request).await;
    if matches!(reply, Err(NoReply::Lost)) && request.operation.is_read() {
        // As in `ask`.
        return send(vault()?, request).await;
    }
    reply
}

async fn send(stub: Stub, request: &VaultRequest) -> Result<VaultReply, NoReply> {
    let request = Zeroizing::new(serde_json::to_string(request)?);
    let stub = stub.into_rpc::<VaultStub>();
    let Some(reply) = clock::within(LONGEST_ANSWER, stub.ask(&request)).await else {
        return Err(NoReply::TimedOut);
    };
    let reply = reply.map_err(|_| NoReply::Lost)?;
    let reply = Zeroizing::new(reply.as_string().unwrap_or_default());
    Ok(serde_json::from_str(&reply)?)
}

/// An access token for one call: from KV alone if that is fresh enough and no session is shown or the vault has lately called it
/// open; from the vault otherwise.
pub(crate) async fn token(
    env: &Env,
    config: &Config,
    caller: &Caller,
    select: ConnectionSelector,
) -> Result<IssuedToken, Problem> {
    let is_open = confirmed_sessions::is_open(caller, clock::now());
    let kept = if is_open {
        from_kv(env, config, caller, &select).await
    } else {
        None
    };
    match kept {
        Some(token) => Ok(token),
        None => from_vault(env, caller, select, None).await,
    }
}

/// A token that is newer than the one that Smartcar rejected.
pub(crate) async fn token_after(env: &Env, caller: &Caller, rejected: &IssuedToken) -> Result<IssuedToken, Problem> {
    let select = ConnectionSelector::Connection(rejected.connection_id.clone());
    from_vault(env, caller, select, Some(rejected.generation)).await
}

/// By which v3 connection of the caller's this vehicle may be asked. The vault alone knows: the token is not the connection's, so that
/// nothing of it would lapse by itself once the owner has disconnected.
pub(crate) async fn access(env: &Env, caller: &Caller, vehicle: &VehicleId) -> Result<ConnectionAccess, Problem> {
    match ask(env, caller, Operation::Access(vehicle.clone())).await? {
        VaultReply::Access(access) => Ok(access),
        _ => Err(unavailable()),
    }
}

async fn from_vault(
    env: &Env,
    caller: &Caller,
    select: ConnectionSelector,
    rejected: Option<u64>,
) -> Result<IssuedToken, Problem> {
    let operation = Operation::Token { select, rejected };
    match ask(env, caller, operation).await? {
        VaultReply::Token(token) => Ok(token),
        _ => Err(unavailable()),
    }
}

async fn from_kv(env: &Env, config: &Config, caller: &Caller, select: &ConnectionSelector) -> Option<IssuedToken> {
    let store = settings::tokens(env).ok()?;
    let (ring, principal) = (&config.key_ring, &caller.principal);
    let (connection_id, is_marked) = match select {
        ConnectionSelector::Connection(id) => (id.clone(), false),
        ConnectionSelector::Vehicle(vehicle) => {
            let index = kv::index(&store, ring, principal).await?;
            (index.connection_of(vehicle)?.clone(), index.is_marked(vehicle))
        }
    };
    let (token, generation) = kv::token(&store, ring, principal, &connection_id).await?;
    token::is_fresh(token.expires_at, clock::now()).then(|| IssuedToken {
        connection_id,
        access_token: token.access_token,
        expires_at: token.expires_at,
        generation,
        is_marked,
    })
}
