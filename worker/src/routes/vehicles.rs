//! `GET /vehicles`: the caller's vehicles, as Smartcar describes them.

use futures_util::{StreamExt as _, stream};
use serde_json::{Value, json};
use smartcar_connect::{
    api::{ApiError, ApiRequest, VehicleAttributes},
    connect::VehicleId,
    edge::{Caller, Problem, Select, TokenAnswer},
    time::UnixMillis,
    vault::{Connection, ConnectionId},
};
use worker::Request;

use super::connections;
use crate::{
    caller,
    dispatch::Work,
    http::{Answer, header},
    upstream, vault_client,
};

/// How many vehicles are described in one answer: a Worker may make 50 requests on the free plan, and each vehicle takes
/// up to three.
const MOST_DESCRIBED: usize = 15;

/// How many requests to Smartcar are under way at once: a Worker may have six connections open.
const AT_ONCE: usize = 4;

pub(crate) async fn list(request: &Request, work: &Work<'_>, now: UnixMillis) -> Result<Answer, Problem> {
    let connections = connections::all(request, work, now).await?;
    let Some(session) = caller::session(request, &work.config, now) else {
        return Ok(Answer::json(&json!({ "vehicles": [] })));
    };
    let caller = caller::of_session(&session, &work.config);
    let covered = connections.iter().flat_map(|connection: &Connection| {
        connection
            .vehicles
            .iter()
            .map(|vehicle| (vehicle.id.clone(), connection.id.clone()))
    });
    let described: Vec<Value> = stream::iter(covered.enumerate())
        .map(|(position, (vehicle, connection))| describe(work, &caller, position, vehicle, connection))
        .buffered(AT_ONCE)
        .collect()
        .await;
    Ok(Answer::json(&json!({ "vehicles": described })))
}

async fn describe(
    work: &Work<'_>,
    caller: &Caller,
    position: usize,
    vehicle: VehicleId,
    connection: ConnectionId,
) -> Value {
    let described = if position < MOST_DESCRIBED {
        attributes(work, caller, &vehicle, connection.clone()).await
    } else {
        Err("not_described".to_owned())
    };
    let mut entry = json!({ "id": vehicle.as_str(), "connectionId": connection.as_str() });
    if let Some(fields) = entry.as_object_mut() {
        match described {
            Ok(attributes) => {
                let known = [
                    ("make", attributes.make.map(Value::from)),
                    ("model", attributes.model.map(Value::from)),
                    ("year", attributes.year.map(Value::from)),
                ];
                fields.extend(
                    known
                        .into_iter()
                        .filter_map(|(name, value)| Some((name.to_owned(), value?))),
                );
            }
            Err(problem) => {
                fields.insert("problem".to_owned(), problem.into());
            }
        }
    }
    entry
}

async fn attributes(
    work: &Work<'_>,
    caller: &Caller,
    vehicle: &VehicleId,
    connection: ConnectionId,
) -> Result<VehicleAttributes, String> {
    let name = |problem: Problem| problem.code.as_str().to_owned();
    let token = vault_client::token(work.env, &work.config, caller, Select::Connection(connection))
        .await
        .map_err(name)?;
    match ask(work, vehicle, &token).await {
        Err(error) if error.rejects_token() => {
            let newer = vault_client::token_after(work.env, caller, &token)
                .await
                .map_err(name)?;
            ask(work, vehicle, &newer).await.map_err(|error| error.name())
        }
        other => other.map_err(|error| error.name()),
    }
}

async fn ask(work: &Work<'_>, vehicle: &VehicleId, token: &TokenAnswer) -> Result<VehicleAttributes, ApiError> {
    let request = ApiRequest::vehicle(&work.config.origins.api, vehicle);
    let unread = |status| ApiError::read(status, |_| None, b"{\"type\":\"unreadable_response\"}");
    match upstream::api(&request, &token.access_token).await {
        Ok(reply) if reply.status == 200 => VehicleAttributes::read(&reply.body).ok_or_else(|| unread(200)),
        Ok(reply) => Err(ApiError::read(
            reply.status,
            |name| header(&reply.headers, name),
            &reply.body,
        )),
        Err(_) => Err(ApiError::read(503, |_| None, b"{\"type\":\"upstream_unavailable\"}")),
    }
}
