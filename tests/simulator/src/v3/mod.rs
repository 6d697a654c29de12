//! Smartcar's API version 3: one token for the application, and owners by their user ids.

mod commands;
mod connections;
mod errors;
mod limits;
mod settings;
mod signals;
mod state;
mod token;

use axum::http::{HeaderValue, Method, StatusCode, header};
use serde_json::{Value, json};

pub(crate) use self::{
    commands::{accepted, failed},
    errors::ApiError,
    settings::Settings,
    state::{Connection, Consent, ExternalId, Mode, State},
    token::answer as token,
};
use self::{errors::Refusal, signals::Units};
use crate::{
    api::{self, Context},
    clock,
    config::{Config, Vehicle},
    http::{self, Answer, Request},
    ids,
};

/// Who asks: the application, or one owner where the tokens of owners are accepted.
#[derive(Debug)]
struct Caller {
    /// The only owner that there is to see: the token's, or the one in `sc-user-id`.
    user: Option<String>,
}

/// Answers a request below `/v3/`.
pub(crate) fn answer(mut context: Context<'_>, request: &Request) -> Answer {
    respond(&mut context, request).unwrap_or_else(Refusal::into_answer)
}

fn respond(context: &mut Context<'_>, request: &Request) -> Result<Answer, Refusal> {
    let caller = authenticate(context, request)?;
    limits::application(&mut context.store.v3, &context.config.v3, context.now)?;
    let path = request.path.trim_start_matches("/v3/");
    let segments: Vec<&str> = path.split('/').collect();
    match (request.method.as_str(), segments.as_slice()) {
        ("GET", ["connections"]) => connections::list(context, &caller, request),
        ("GET", ["connections", id]) => connections::read(context, &caller, id, request),
        ("DELETE", ["connections", id]) => connections::remove(context, &caller, id),
        ("DELETE", ["users", id]) => connections::remove_user(context, &caller, id),
        ("GET", ["vehicles", id]) => {
            let vehicle = vehicle(context.config, id)?;
            let any = context.store.v3.connections.iter().find(|one| one.vehicle_id == *id);
            let mode = any.ok_or_else(|| vehicle_not_found(id))?.mode;
            limits::vehicle(&mut context.store.v3, &context.config.v3, context.now, id)?;
            Ok(ok(&json!({ "data": vehicle_resource(vehicle, mode) })))
        }
        ("GET", ["vehicles", id, "signals"]) => {
            let (vehicle, connection) = connected(context, &caller, id)?;
            let body = signals::list(context, vehicle, &connection, request)?;
            Ok(fetched(context, &body, request))
        }
        ("GET", ["vehicles", id, "signals", code]) => {
            let (vehicle, connection) = connected(context, &caller, id)?;
            let body = signals::read(context, vehicle, &connection, code, request)?;
            Ok(fetched(context, &body, request))
        }
        (method, ["vehicles", id, rest @ ..]) => {
            let permission = commands::permission(method, rest).ok_or(errors::INVALID_PATH)?;
            let (vehicle, connection) = connected(context, &caller, id)?;
            if !connection.permissions.iter().any(|name| name == permission) {
                return Err(errors::ACCESS_DENIED.into());
            }
            if context.store.unauthenticated.contains(*id) {
                let url = reauthenticate_url(context.config, request, id);
                return Err(Refusal::with_url(errors::AUTHENTICATION_FAILED, url.as_deref()));
            }
            commands::carry_out(context, vehicle, rest, request)
        }
        _ => Err(errors::INVALID_PATH.into()),
    }
}

/// The documented error `name`, with the address for re-authentication when the path names a vehicle.
pub(crate) fn api_error(config: &Config, name: &str, request: &Request) -> Answer {
    let url = request
        .path
        .strip_prefix("/v3/vehicles/")
        .and_then(|rest| rest.split('/').next())
        .and_then(|id| reauthenticate_url(config, request, id));
    ApiError::find(name)
        .unwrap_or(errors::BAD_REQUEST)
        .answer(None, url.as_deref())
}

/// The caller behind the bearer token; even an unknown path needs one.
fn authenticate(context: &Context<'_>, request: &Request) -> Result<Caller, Refusal> {
    let token = request
        .header(header::AUTHORIZATION)
        .and_then(|value| value.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
        .map(|(_, token)| token.trim())
        .ok_or(errors::UNAUTHORIZED)?;
    let store = &context.store;
    let named = request
        .headers
        .get("sc-user-id")
        .and_then(|value| value.to_str().ok())
        .filter(|id| !id.is_empty());
    if store.v3.tokens.get(token).is_some_and(|expires| context.now < *expires) {
        return Ok(Caller {
            user: named.map(str::to_owned),
        });
    }
    let owner = store
        .authenticate(token, context.now)
        .filter(|_| context.config.v3.accepts_user_tokens)
        .and_then(|grant| store.grants.get(grant))
        .map(|grant| grant.user_id.clone())
        .ok_or(errors::UNAUTHORIZED)?;
    if named.is_some_and(|named| named != owner) {
        return Err(errors::ACCESS_DENIED.into());
    }
    Ok(Caller { user: Some(owner) })
}

/// A vehicle of the owner whom the request has to name, and their connection to it.
fn connected<'a>(context: &mut Context<'a>, caller: &Caller, id: &str) -> Result<(&'a Vehicle, Connection), Refusal> {
    let user = caller
        .user
        .as_ref()
        .ok_or_else(|| Refusal::with_detail(errors::MISSING_PARAMETER, "missing userId"))?;
    let connections = &context.store.v3.connections;
    let connection = connections
        .iter()
        .find(|one| one.user_id == *user && one.vehicle_id == id)
        .cloned()
        .ok_or_else(|| vehicle_not_found(id))?;
    let config = context.config;
    let ready_at = connection
        .created_at
        .saturating_add(config.v3.provisioning_s.saturating_mul(1_000));
    if context.now < ready_at {
        return Err(vehicle_not_found(id));
    }
    limits::vehicle(&mut context.store.v3, &config.v3, context.now, id)?;
    Ok((vehicle(config, id)?, connection))
}

fn vehicle<'a>(config: &'a Config, id: &str) -> Result<&'a Vehicle, Refusal> {
    config.vehicle(id).ok_or_else(|| vehicle_not_found(id))
}

fn vehicle_not_found(id: &str) -> Refusal {
    Refusal::with_detail(errors::VEHICLE_NOT_FOUND, &format!("Vehicle with ID {id} not found"))
}

/// Where an owner re-authenticates, if errors say so.
fn reauthenticate_url(config: &Config, request: &Request, vehicle_id: &str) -> Option<String> {
    config
        .v3
        .resolution_url
        .then(|| api::reauthenticate_url(config, request, vehicle_id))
}

fn vehicle_resource(vehicle: &Vehicle, mode: Mode) -> Value {
    json!({
        "id": vehicle.id,
        "type": "vehicle",
        "attributes": vehicle_attributes(vehicle, mode),
        "links": { "self": format!("/vehicles/{}", vehicle.id) },
    })
}

fn vehicle_attributes(vehicle: &Vehicle, mode: Mode) -> Value {
    json!({
        "make": vehicle.make, "model": vehicle.model, "year": vehicle.year, "powertrainType": "BEV",
        "mode": mode.name(),
    })
}

fn ok(body: &Value) -> Answer {
    let mut answer = http::json(StatusCode::OK, body);
    if let Ok(id) = HeaderValue::from_str(&ids::uuid()) {
        answer.headers_mut().insert("sc-request-id", id);
    }
    answer
}

/// An answer with what a car told, and how old it is.
fn fetched(context: &Context<'_>, body: &Value, request: &Request) -> Answer {
    let mut answer = ok(body);
    let headers = answer.headers_mut();
    if request.method == Method::GET {
        headers.insert("sc-unit-system", HeaderValue::from_static(Units::of(request).name()));
    }
    if let Ok(now) = HeaderValue::from_str(&clock::rfc3339(context.now)) {
        headers.insert("sc-data-age", now.clone());
        headers.insert("sc-fetched-at", now);
    }
    answer
}
