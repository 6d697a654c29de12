//! `GET /vehicles`: the caller's vehicles, as Smartcar describes them.

use std::cell::Cell;

use futures_util::{StreamExt as _, stream};
use smartcar_connect::{
    api::{ApiError, ApiRequest, VehicleAttributes},
    connect::{ConnectionId, VehicleId},
    edge::{Caller, ConnectionSelector, IssuedToken, LearnedVehicle, Operation, Problem, VaultReply},
    http_api::{Vehicle, VehicleList},
    vault::{CoveredVehicle, KnownVehicle},
};

use crate::{
    context::RequestContext,
    http::{Answer, header},
    smartcar::{self, TokenSource},
    vault_client,
};

/// How many vehicles Smartcar is asked about for one answer: a Worker may make 50 requests on the free plan, and each vehicle
/// takes up to three.
const MOST_ASKED: usize = 15;

/// How many requests to Smartcar are under way at once: a Worker may have six connections open.
const AT_ONCE: usize = 4;

pub(crate) async fn list(context: &RequestContext<'_>) -> Result<Answer, Problem> {
    let Ok(caller) = context.caller() else {
        return Ok(Answer::json(&VehicleList { vehicles: Vec::new() }));
    };
    let VaultReply::Vehicles(covered) = vault_client::ask(context.env, &caller, Operation::Vehicles).await? else {
        return Err(vault_client::unavailable());
    };
    let asked = Cell::new(0_usize);
    let described: Vec<(Vehicle, Option<VehicleAttributes>)> = stream::iter(covered)
        .map(|covered| describe(context, &caller, covered, &asked))
        .buffered(AT_ONCE)
        .collect()
        .await;
    let learned: Vec<LearnedVehicle> = described
        .iter()
        .filter_map(|(vehicle, learned)| {
            Some(LearnedVehicle {
                connection_id: vehicle.connection_id.clone(),
                vehicle_id: vehicle.id.clone(),
                attributes: learned.clone()?,
            })
        })
        .collect();
    if !learned.is_empty() {
        // What the vault could not keep is asked for again the next time.
        let _ = vault_client::ask(context.env, &caller, Operation::KeepAttributes(learned)).await;
    }
    let vehicles = described.into_iter().map(|(vehicle, _)| vehicle).collect();
    Ok(Answer::json(&VehicleList { vehicles }))
}

/// What there is to say of a vehicle, and what was learned of it just now.
async fn describe(
    context: &RequestContext<'_>,
    caller: &Caller,
    covered: CoveredVehicle,
    asked: &Cell<usize>,
) -> (Vehicle, Option<VehicleAttributes>) {
    let KnownVehicle { id, attributes } = covered.vehicle;
    let connection_id = covered.connection_id;
    let (learned, problem) = match &attributes {
        Some(_) => (None, None),
        None if asked.get() >= MOST_ASKED => (None, Some("not_described".to_owned())),
        None => {
            asked.set(asked.get().saturating_add(1));
            match ask(context, caller, &id, &connection_id).await {
                Ok(learned) => (Some(learned), None),
                Err(problem) => (None, Some(problem)),
            }
        }
    };
    let known = attributes.or_else(|| learned.clone()).unwrap_or_default();
    let described = Vehicle {
        id,
        connection_id,
        make: known.make,
        model: known.model,
        year: known.year,
        problem,
    };
    (described, learned)
}

/// What Smartcar says of a vehicle, or the name of what went wrong.
async fn ask(
    context: &RequestContext<'_>,
    caller: &Caller,
    vehicle: &VehicleId,
    connection_id: &ConnectionId,
) -> Result<VehicleAttributes, String> {
    let tokens = ConnectionTokens {
        context,
        caller,
        connection_id,
    };
    let request = ApiRequest::vehicle(&context.config.origins.api, vehicle);
    let reply = smartcar::call(&tokens, &request)
        .await
        .map_err(|problem| problem.code.as_str().to_owned())?;
    match reply {
        Ok(reply) if reply.status == 200 => {
            VehicleAttributes::read(&reply.body).ok_or_else(|| "unreadable_response".to_owned())
        }
        Ok(reply) => {
            let header = |name: &str| header(&reply.headers, name);
            Err(ApiError::read(reply.status, header, &reply.body).name())
        }
        Err(_) => Err("upstream_unavailable".to_owned()),
    }
}

/// The tokens of a connection of the caller's: from KV where that is fresh enough, from the vault otherwise.
struct ConnectionTokens<'a> {
    context: &'a RequestContext<'a>,
    caller: &'a Caller,
    connection_id: &'a ConnectionId,
}

impl TokenSource for ConnectionTokens<'_> {
    type Error = Problem;

    async fn current(&self) -> Result<IssuedToken, Problem> {
        let select = ConnectionSelector::Connection(self.connection_id.clone());
        vault_client::token(self.context.env, &self.context.config, self.caller, select).await
    }

    async fn newer(&self, refused: &IssuedToken) -> Result<IssuedToken, Problem> {
        vault_client::token_after(self.context.env, self.caller, refused).await
    }
}
