//! `GET /vehicles`: the caller's vehicles, as Smartcar describes them.

use std::{cell::RefCell, collections::HashMap};

use futures_util::{StreamExt as _, stream};
use smartcar_connect::{
    api::{ApiError, ApiRequest, VehicleAttributes},
    connect::{ConnectionId, VehicleId},
    edge::{Caller, ConnectionSelector, DescribedVehicle, Operation, Problem, RateKey, RateLimit, VaultReply},
    http_api::{ProblemCode, VehicleList},
    time::Millis,
    vault::{Description, ShownVehicle, ShownVehicles},
};

use crate::{
    clock,
    connection_tokens::ConnectionTokens,
    context::RequestContext,
    http::{HttpResponse, header},
    rate_limit,
    smartcar::{self, TOO_MANY_REQUESTS},
    token_source::NoReply,
    vault_client, vehicle_news,
};

/// How many vehicles Smartcar is asked about for one answer: a Worker may make 50 requests on the free plan, and each vehicle
/// takes up to three.
const MOST_ASKED: usize = 15;

/// How many requests to Smartcar are under way at once: a Worker may have six connections open.
const AT_ONCE: usize = 4;

pub(crate) async fn list(context: &RequestContext<'_>) -> Result<HttpResponse, Problem> {
    let Some(caller) = context.known_caller()? else {
        return Ok(HttpResponse::json(&VehicleList {
            vehicles: Vec::new(),
            vehicles_pending: false,
        }));
    };
    rate_limit::admit(context.env, RateLimit::Api, &RateKey::caller(&caller.principal)).await?;
    let mut shown = ask_vault(context, &caller, Operation::Vehicles).await?;
    let questions = &Questions::default();
    let caller = &caller;
    let to_ask: Vec<&ShownVehicle> = shown
        .vehicles
        .iter()
        .filter(|shown| shown.is_worth_asking_about(context.now))
        .take(MOST_ASKED)
        .collect();
    let asked: Vec<(VehicleId, Asked)> = stream::iter(to_ask)
        .map(|shown| async move {
            let asked = questions
                .ask(context, caller, &shown.vehicle.id, &shown.connection_id)
                .await;
            (shown.vehicle.id.clone(), asked)
        })
        .buffered(AT_ONCE)
        .collect()
        .await;
    let mut hindrances = HashMap::new();
    let mut described = Vec::new();
    for (vehicle_id, asked) in asked {
        match asked {
            Asked::Hindered(name, wait) => drop(hindrances.insert(vehicle_id, (name, wait))),
            Asked::Described(description) => {
                let of = |shown: &&mut ShownVehicle| shown.vehicle.id == vehicle_id;
                if let Some(shown) = shown.vehicles.iter_mut().find(of) {
                    shown.vehicle = shown.vehicle.described(&description, context.now);
                    described.push(DescribedVehicle {
                        connection_id: shown.connection_id.clone(),
                        vehicle_id,
                        description,
                    });
                }
            }
        }
    }
    if !(described.is_empty() && hindrances.is_empty()) {
        // The vault's last word, which all that was found out is in. What it could not keep is asked for again the next time.
        if let Ok(latest) = ask_vault(context, caller, Operation::Described(described)).await {
            shown = latest;
        }
    }
    vehicle_news::hear(&shown);
    let answer = |shown: &ShownVehicle| shown.answer(hindrances.get(&shown.vehicle.id), clock::now());
    Ok(HttpResponse::json(&VehicleList {
        vehicles: shown.vehicles.iter().map(answer).collect(),
        vehicles_pending: shown.pending,
    }))
}

async fn ask_vault(
    context: &RequestContext<'_>,
    caller: &Caller,
    operation: Operation,
) -> Result<ShownVehicles, Problem> {
    match vault_client::ask(context.env, caller, operation).await? {
        VaultReply::Vehicles(shown) => Ok(shown),
        _ => Err(vault_client::unavailable()),
    }
}

/// What came of asking what a vehicle is.
enum Asked {
    /// Smartcar was asked.
    Described(Description),
    /// It could not be asked: the stable name of the reason, and how long that lasts.
    Hindered(String, Option<Millis>),
}

/// The questions of one answer.
#[derive(Default)]
struct Questions {
    /// Set when Smartcar has had enough of them.
    limit: RefCell<Option<Description>>,
}

impl Questions {
    /// Asks Smartcar what a vehicle is, unless it has just said that these are too many questions.
    async fn ask(
        &self,
        context: &RequestContext<'_>,
        caller: &Caller,
        vehicle: &VehicleId,
        connection_id: &ConnectionId,
    ) -> Asked {
        let limit = self.limit.borrow().clone();
        if let Some(limit) = limit {
            return Asked::Described(limit);
        }
        let tokens = ConnectionTokens {
            context,
            caller,
            select: ConnectionSelector::Connection(connection_id.clone()),
        };
        let origins = &context.config.origins;
        let request = ApiRequest::vehicle(&origins.api, vehicle);
        let replied = match smartcar::call(&tokens, &request).await {
            // The list of connections tells what a car is; where it does not, the car is asked about.
            Err(problem) if problem.code == ProblemCode::OtherApiVersion => {
                let request = ApiRequest::vehicle_v3(&origins.vehicle, vehicle);
                let reply = smartcar::as_application(context.env, &request).await;
                reply.map(|reply| reply.ok_or(NoReply::ConnectionLost))
            }
            other => other,
        };
        let description = match replied {
            Err(problem) => return Asked::Hindered(problem.code.as_str().to_owned(), problem.retry_after),
            Ok(Err(_)) => Description::no_answer(),
            Ok(Ok(reply)) if reply.status == 200 => match VehicleAttributes::read_wrapped(&reply.body) {
                Some(attributes) => Description::Told(attributes),
                None => Description::unavailable("unreadable_response"),
            },
            Ok(Ok(reply)) => {
                let header = |name: &str| header(&reply.headers, name);
                let error = ApiError::read(reply.status, header, &reply.body, clock::now());
                if error.rejects_token() {
                    return Asked::Hindered(error.name(), error.retry_after);
                }
                let connect = &context.config.origins.connect;
                let refused = Description::refused(&error, vehicle, connect);
                if reply.status == TOO_MANY_REQUESTS {
                    self.limit.replace(Some(refused.clone()));
                }
                refused
            }
        };
        Asked::Described(description)
    }
}
