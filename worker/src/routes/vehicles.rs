//! `GET /vehicles`: the caller's vehicles, as Smartcar describes them.

use futures_util::{StreamExt as _, stream};
use serde::Serialize;
use smartcar_connect::{
    api::{ApiError, ApiRequest, VehicleAttributes},
    connect::{ConnectionId, VehicleId},
    edge::{Caller, IssuedToken, Operation, Problem, Select, VaultReply},
};

use crate::{
    context::RequestContext,
    http::{Answer, header},
    upstream, vault_client,
};

/// How many vehicles are described in one answer: a Worker may make 50 requests on the free plan, and each vehicle takes
/// up to three.
const MOST_DESCRIBED: usize = 15;

/// How many requests to Smartcar are under way at once: a Worker may have six connections open.
const AT_ONCE: usize = 4;

#[derive(Serialize)]
struct Listed {
    vehicles: Vec<Described>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Described {
    id: VehicleId,
    connection_id: ConnectionId,
    #[serde(skip_serializing_if = "Option::is_none")]
    make: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    model: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    year: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<String>,
}

pub(crate) async fn list(context: &RequestContext<'_>) -> Result<Answer, Problem> {
    let Ok(caller) = context.caller() else {
        return Ok(Answer::json_text(r#"{"vehicles":[]}"#.to_owned()));
    };
    let VaultReply::Vehicles(covered) = vault_client::ask(context.env, &caller, Operation::Vehicles).await? else {
        return Err(vault_client::unavailable());
    };
    let vehicles = stream::iter(covered.iter().enumerate())
        .map(|(position, (id, connection_id))| describe(context, &caller, position, id.clone(), connection_id.clone()))
        .buffered(AT_ONCE)
        .collect()
        .await;
    Ok(Answer::json(&Listed { vehicles }))
}

async fn describe(
    context: &RequestContext<'_>,
    caller: &Caller,
    position: usize,
    id: VehicleId,
    connection_id: ConnectionId,
) -> Described {
    let described = if position < MOST_DESCRIBED {
        attributes(context, caller, &id, connection_id.clone()).await
    } else {
        Err("not_described".to_owned())
    };
    let (attributes, problem) = match described {
        Ok(attributes) => (attributes, None),
        Err(problem) => (VehicleAttributes::default(), Some(problem)),
    };
    Described {
        id,
        connection_id,
        make: attributes.make,
        model: attributes.model,
        year: attributes.year,
        problem,
    }
}

async fn attributes(
    context: &RequestContext<'_>,
    caller: &Caller,
    vehicle: &VehicleId,
    connection: ConnectionId,
) -> Result<VehicleAttributes, String> {
    let name = |problem: Problem| problem.code.as_str().to_owned();
    let token = vault_client::token(context.env, &context.config, caller, Select::Connection(connection))
        .await
        .map_err(name)?;
    match ask(context, vehicle, &token).await {
        Err(error) if error.rejects_token() => {
            let newer = vault_client::token_after(context.env, caller, &token)
                .await
                .map_err(name)?;
            ask(context, vehicle, &newer).await.map_err(|error| error.name())
        }
        other => other.map_err(|error| error.name()),
    }
}

async fn ask(
    context: &RequestContext<'_>,
    vehicle: &VehicleId,
    token: &IssuedToken,
) -> Result<VehicleAttributes, ApiError> {
    let request = ApiRequest::vehicle(&context.config.origins.api, vehicle);
    let unread = |status| ApiError::read(status, |_| None, b"{\"type\":\"unreadable_response\"}");
    match upstream::api(&request, token.access_token.expose()).await {
        Ok(reply) if reply.status == 200 => VehicleAttributes::read(&reply.body).ok_or_else(|| unread(200)),
        Ok(reply) => Err(ApiError::read(
            reply.status,
            |name| header(&reply.headers, name),
            &reply.body,
        )),
        Err(_) => Err(ApiError::read(503, |_| None, b"{\"type\":\"upstream_unavailable\"}")),
    }
}
