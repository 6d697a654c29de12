//! The vehicle API 2.0.

use axum::http::{HeaderValue, Method, StatusCode, header};
use serde_json::{Map, Value, json};

use crate::{
    car::{self, CommandRefusal},
    clock::{self, Millis},
    config::{Config, Vehicle},
    errors::{self, ApiError},
    http::{self, Answer, Request},
    ids,
    store::{Grant, Store},
};

/// What an API request is answered from.
pub(crate) struct Context<'a> {
    pub(crate) store: &'a mut Store,
    pub(crate) config: &'a Config,
    pub(crate) now: Millis,
}

/// Answers an API request.
pub(crate) fn answer(mut context: Context<'_>, request: &Request) -> Answer {
    respond(&mut context, request).unwrap_or_else(|refusal| *refusal.0)
}

/// An error answer; boxed because it is large.
struct Refusal(Box<Answer>);

impl From<ApiError> for Refusal {
    fn from(error: ApiError) -> Self {
        Self(Box::new(error.answer(None, None)))
    }
}

fn respond(context: &mut Context<'_>, request: &Request) -> Result<Answer, Refusal> {
    let grant = authenticate(context, request)?;
    let segments: Vec<&str> = request
        .path
        .trim_start_matches("/v2.0/")
        .trim_end_matches('/')
        .split('/')
        .collect();
    match (request.method.as_str(), segments.as_slice()) {
        ("GET", ["user"]) => Ok(ok(&json!({ "id": grant.user_id }), request)),
        ("GET", ["vehicles"]) => page(&grant.vehicles, "vehicles", request),
        ("GET", ["vehicles", id, "permissions"]) => {
            vehicle(context, &grant, id)?;
            page(&grant.scopes, "permissions", request)
        }
        ("DELETE", ["vehicles", id, "application"]) => {
            vehicle(context, &grant, id)?;
            context.store.disconnect(&grant.user_id, id);
            Ok(ok(&json!({ "status": "success" }), request))
        }
        ("POST", ["vehicles", id, "batch"]) => batch(context, &grant, id, request),
        ("GET", ["vehicles", id, rest @ ..]) => {
            let body = read(context, &grant, id, &rest.join("/"), request)?;
            let mut answer = ok(&body, request);
            if let Ok(now) = HeaderValue::from_str(&clock::rfc3339(context.now)) {
                answer.headers_mut().insert("sc-data-age", now.clone());
                answer.headers_mut().insert("sc-fetched-at", now);
            }
            Ok(answer)
        }
        (method, ["vehicles", id, rest @ ..]) => command(context, &grant, id, (method, &rest.join("/")), request),
        _ => Err(errors::RESOURCE_NOT_FOUND.into()),
    }
}

/// The body of a signal, with the permission and the owner's log-in at the maker checked.
fn read(context: &mut Context<'_>, grant: &Grant, id: &str, path: &str, request: &Request) -> Result<Value, Refusal> {
    let vehicle = vehicle(context, grant, id)?.clone();
    check_make(path, &vehicle)?;
    let signal = car::signal_at(path, &vehicle.make).ok_or(errors::RESOURCE_NOT_FOUND)?;
    check_access(context, grant, id, signal.permission, request)?;
    let state = context.store.cars.get(id).copied().unwrap_or_default();
    let mut body = (signal.body)(&vehicle, &state);
    if let Some(url) = body.get_mut("url") {
        // An owner who has the link may set the capacity: the token in it is a secret.
        let token = ids::uuid();
        context.store.note_secret(&token);
        let link = format!("{}/battery-capacity", request.origin());
        *url = http::with_query(&link, &[("vehicle_id", id.to_owned()), ("token", token)]).into();
    }
    Ok(body)
}

/// As Smartcar has it: a make in capitals is a permission that nobody has.
fn check_make(path: &str, vehicle: &Vehicle) -> Result<(), Refusal> {
    let first = path.split('/').next().unwrap_or_default();
    if first.eq_ignore_ascii_case(&vehicle.make) && first != first.to_ascii_lowercase() {
        return Err(errors::PERMISSION.into());
    }
    Ok(())
}

fn check_access(
    context: &Context<'_>,
    grant: &Grant,
    id: &str,
    permission: &str,
    request: &Request,
) -> Result<(), Refusal> {
    if !grant.scopes.iter().any(|scope| scope == permission) {
        return Err(errors::PERMISSION.into());
    }
    if context.store.unauthenticated.contains(id) {
        let url = reauthenticate_url(context.config, request, id);
        let answer = errors::AUTHENTICATION_FAILED.answer(None, Some(&url));
        return Err(Refusal(Box::new(answer)));
    }
    Ok(())
}

/// Several reads in one request. Each has an answer of its own, and one that fails takes no other away.
fn batch(context: &mut Context<'_>, grant: &Grant, id: &str, request: &Request) -> Result<Answer, Refusal> {
    vehicle(context, grant, id)?;
    let body = json_body(request)?;
    let requests = body.get("requests").and_then(Value::as_array);
    let requests = requests.filter(|_| body.len() == 1).ok_or(errors::VALIDATION)?;
    let mut responses = Vec::new();
    for one in requests {
        let path = one.get("path").and_then(Value::as_str).ok_or(errors::VALIDATION)?;
        let below = path.strip_prefix('/').ok_or(errors::VALIDATION)?;
        let (code, body) = match read(context, grant, id, below, request) {
            Ok(body) => (200, body),
            Err(refusal) => {
                let body = serde_json::from_slice(refusal.0.body()).unwrap_or_default();
                (refusal.0.status().as_u16(), body)
            }
        };
        let headers = json!({ "sc-unit-system": unit_system(request), "sc-data-age": clock::rfc3339(context.now) });
        responses.push(json!({ "path": path, "code": code, "headers": headers, "body": body }));
    }
    Ok(ok(&json!({ "responses": responses }), request))
}

fn command(
    context: &mut Context<'_>,
    grant: &Grant,
    id: &str,
    (method, path): (&str, &str),
    request: &Request,
) -> Result<Answer, Refusal> {
    let vehicle = vehicle(context, grant, id)?.clone();
    check_make(path, &vehicle)?;
    let permission = car::command_permission(method, path, &vehicle.make).ok_or(errors::RESOURCE_NOT_FOUND)?;
    check_access(context, grant, id, permission, request)?;
    let body = match method {
        "DELETE" => None,
        _ => Some(json_body(request)?),
    };
    let state = context.store.cars.entry(id.to_owned()).or_default();
    car::command(state, method, path, body.as_ref()).map_err(|refusal| match refusal {
        CommandRefusal::Unknown => errors::RESOURCE_NOT_FOUND,
        CommandRefusal::Invalid => errors::VALIDATION,
    })?;
    let message = "Successfully sent request to vehicle";
    Ok(ok(&json!({ "status": "success", "message": message }), request))
}

fn json_body(request: &Request) -> Result<Map<String, Value>, Refusal> {
    let is_json = request.header(header::CONTENT_TYPE) == Some("application/json");
    let body = serde_json::from_slice(&request.body).ok().filter(|_| is_json);
    body.ok_or_else(|| errors::VALIDATION.into())
}

/// Where Connect repairs a vehicle's login: as documented without `redirect_uri` and `state`.
pub(crate) fn reauthenticate_url(config: &Config, request: &Request, vehicle_id: &str) -> String {
    http::with_query(
        &format!("{}/oauth/reauthenticate", request.origin()),
        &[
            ("response_type", "vehicle_id".to_owned()),
            ("client_id", config.client_id.clone()),
            ("vehicle_id", vehicle_id.to_owned()),
        ],
    )
}

/// The grant of the bearer token; even an unknown path needs one.
fn authenticate(context: &Context<'_>, request: &Request) -> Result<Grant, Refusal> {
    let token = request
        .header(header::AUTHORIZATION)
        .and_then(|value| value.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
        .map(|(_, token)| token.trim())
        .ok_or(errors::AUTHENTICATION)?;
    let index = context
        .store
        .authenticate(token, context.now)
        .ok_or(errors::AUTHENTICATION)?;
    let grant = context.store.grants.get(index).ok_or(errors::AUTHENTICATION)?;
    Ok(grant.clone())
}

fn vehicle<'a>(context: &Context<'a>, grant: &Grant, id: &str) -> Result<&'a Vehicle, Refusal> {
    let config = context.config;
    grant
        .vehicles
        .iter()
        .find(|known| *known == id)
        .and_then(|id| config.vehicle(id))
        .ok_or_else(|| errors::RESOURCE_NOT_FOUND.into())
}

const MAX_LIMIT: usize = 50;
const DEFAULT_LIMIT: usize = 10;

fn page(items: &[String], name: &str, request: &Request) -> Result<Answer, Refusal> {
    let limit = number(request, "limit", DEFAULT_LIMIT, 1..=MAX_LIMIT)?;
    let offset = number(request, "offset", 0, 0..=usize::MAX)?;
    let slice: Vec<&String> = items.iter().skip(offset).take(limit).collect();
    Ok(ok(
        &json!({ name: slice, "paging": { "count": items.len(), "offset": offset } }),
        request,
    ))
}

fn number(
    request: &Request,
    name: &str,
    default: usize,
    range: std::ops::RangeInclusive<usize>,
) -> Result<usize, Refusal> {
    let params = request.params();
    let Some(text) = params.get(name) else {
        return Ok(default);
    };
    text.parse().ok().filter(|value| range.contains(value)).ok_or_else(|| {
        let message = format!("\"{name}\" must be a number from {} to {}", range.start(), range.end());
        Refusal(Box::new(
            errors::VALIDATION.answer(Some(json!([{ "field": [name], "message": message }])), None),
        ))
    })
}

fn ok(body: &Value, request: &Request) -> Answer {
    let mut answer = http::json(StatusCode::OK, body);
    let headers = answer.headers_mut();
    if let Ok(id) = HeaderValue::from_str(&ids::uuid()) {
        headers.insert("sc-request-id", id);
    }
    if request.method == Method::GET {
        headers.insert("sc-unit-system", HeaderValue::from_static(unit_system(request)));
    }
    answer
}

fn unit_system(request: &Request) -> &'static str {
    match request.headers.get("sc-unit-system").map(HeaderValue::as_bytes) {
        Some(b"imperial") => "imperial",
        _ => "metric",
    }
}
