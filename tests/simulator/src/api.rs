//! The vehicle API 2.0.

use axum::http::{HeaderValue, Method, StatusCode, header};
use serde_json::{Value, json};

use crate::{
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

/// A path below `/v2.0/vehicles/{id}` that only reads, the permission it needs and what it answers.
type Signal = (&'static str, &'static str, fn(&Vehicle) -> Value);

const SIGNALS: &[Signal] = &[
    (
        "",
        "read_vehicle_info",
        |vehicle| json!({ "id": vehicle.id, "make": vehicle.make, "model": vehicle.model, "year": vehicle.year }),
    ),
    (
        "odometer",
        "read_odometer",
        |vehicle| json!({ "distance": vehicle.odometer_km }),
    ),
    ("vin", "read_vin", |vehicle| json!({ "vin": vehicle.vin })),
    (
        "battery",
        "read_battery",
        |_| json!({ "percentRemaining": 0.64, "range": 271.5 }),
    ),
    (
        "location",
        "read_location",
        |_| json!({ "latitude": 52.5163, "longitude": 13.3777 }),
    ),
];

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
        ("GET", ["vehicles", id, rest @ ..]) => {
            let rest = rest.join("/");
            let (_, permission, body) = SIGNALS
                .iter()
                .find(|(path, ..)| *path == rest)
                .ok_or(errors::RESOURCE_NOT_FOUND)?;
            let vehicle = vehicle(context, &grant, id)?;
            if !grant.scopes.iter().any(|scope| scope == permission) {
                return Err(errors::PERMISSION.into());
            }
            if context.store.unauthenticated.contains(*id) {
                let url = reauthenticate_url(context.config, request, id);
                return Err(Refusal(Box::new(
                    errors::AUTHENTICATION_FAILED.answer(None, Some(&url)),
                )));
            }
            let mut answer = ok(&body(vehicle), request);
            if let Ok(now) = HeaderValue::from_str(&clock::rfc3339(context.now)) {
                answer.headers_mut().insert("sc-data-age", now.clone());
                answer.headers_mut().insert("sc-fetched-at", now);
            }
            Ok(answer)
        }
        _ => Err(errors::RESOURCE_NOT_FOUND.into()),
    }
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
        let unit_system = match request.headers.get("sc-unit-system").map(HeaderValue::as_bytes) {
            Some(b"imperial") => "imperial",
            _ => "metric",
        };
        headers.insert("sc-unit-system", HeaderValue::from_static(unit_system));
    }
    answer
}
