//! What a caller is shown of a vault.

use smartcar_connect::{
    connect::{Callback, ConnectionId, VehicleId},
    edge::{ConnectionAccess, ConnectionSelector, Problem, VaultReply, finish_reply},
    http_api::{Connection, ConnectionList, ConnectionStatus, Replaced, principal::PrincipalConnections, start::Asked},
    principal::Principal,
    vault::{Profile, connection, covering, finish::ExchangeResult, shown_vehicles},
};

use super::{
    error::{Refusal, VaultError},
    storage::Storage,
};
use crate::clock;

/// The connections that their owner sees, the oldest first.
pub(super) async fn connections(storage: &Storage, principal: &Principal) -> Result<Vec<Connection>, VaultError> {
    let now = clock::now();
    let kept_until = storage.kept_until().await?;
    let records = storage.records(principal).await?;
    let shown = records
        .iter()
        .filter_map(|(id, record)| connection(id, record, kept_until, now));
    Ok(shown.collect())
}

/// The answer to a finish.
pub(super) async fn respond(
    storage: &Storage,
    principal: &Principal,
    result: &ExchangeResult,
    callback: &Callback,
    asked: &Asked,
    replaced: &[Replaced],
) -> Result<String, Refusal> {
    let connections = connections(storage, principal).await?;
    Ok(finish_reply(result, callback, &connections, asked, replaced)?)
}

/// All connections, or one. `None` stands for the principal of an empty vault.
pub(super) async fn show(
    storage: &Storage,
    principal: Option<&Principal>,
    only: Option<&ConnectionId>,
) -> Result<VaultReply, Refusal> {
    let connections = match principal {
        Some(principal) => connections(storage, principal).await?,
        None => Vec::new(),
    };
    let body = match only {
        None => serde_json::to_string(&ConnectionList { connections })?,
        Some(id) => {
            let found = connections.iter().find(|connection| connection.id == *id);
            serde_json::to_string(found.ok_or_else(Problem::connection_not_found)?)?
        }
    };
    Ok(VaultReply::Body(body))
}

/// The connections with one of these statuses, and whose they are. What is kept says so; Smartcar is not asked, and the owner was
/// not here.
pub(super) async fn must_act(storage: &Storage, statuses: &[ConnectionStatus]) -> Result<VaultReply, VaultError> {
    let profile = match storage.profile().await {
        Ok(profile) => profile,
        Err(error @ VaultError::Sealed(_)) => {
            // One that no key opens must not take the others of the page with it.
            error.log();
            None
        }
        Err(error) => return Err(error),
    };
    let Some(Profile { principal, .. }) = profile else {
        return Ok(VaultReply::Done);
    };
    let mut connections = connections(storage, &principal).await?;
    connections.retain(|connection| statuses.contains(&connection.status));
    if connections.is_empty() {
        return Ok(VaultReply::Done);
    }
    Ok(VaultReply::MustAct(PrincipalConnections {
        principal: principal.as_str().to_owned(),
        user: principal.user_id().map(str::to_owned),
        connections,
    }))
}

/// The vehicles of the connections that their owner sees.
pub(super) async fn vehicles(storage: &Storage, principal: Option<&Principal>) -> Result<VaultReply, VaultError> {
    let records = match principal {
        Some(principal) => storage.records(principal).await?,
        None => Vec::new(),
    };
    Ok(VaultReply::Vehicles(shown_vehicles(&records, clock::now())))
}

/// The connection that is meant.
pub(super) async fn select(
    storage: &Storage,
    principal: &Principal,
    select: ConnectionSelector,
) -> Result<ConnectionId, Refusal> {
    match select {
        ConnectionSelector::Connection(id) => Ok(id),
        ConnectionSelector::Vehicle(vehicle) => {
            let records = storage.records(principal).await?;
            let (id, _) = covering(&records, &vehicle).ok_or_else(Problem::connection_not_found)?;
            Ok(id.clone())
        }
    }
}

/// How a vehicle of a v3 connection is asked.
pub(super) async fn access(
    storage: &Storage,
    principal: &Principal,
    vehicle: &VehicleId,
) -> Result<ConnectionAccess, Refusal> {
    let records = storage.records(principal).await?;
    let (id, record) = covering(&records, vehicle).ok_or_else(Problem::connection_not_found)?;
    Ok(ConnectionAccess::of_record(id, record, vehicle)?)
}
