//! The control address: how tests look into the simulator and set it.

use std::collections::BTreeMap;

use axum::{
    Json, Router,
    extract::{FromRef, FromRequest, Path, State},
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::{delete, get, post},
};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    config::ConfigPatch,
    endpoint::Endpoint,
    fault::Fault,
    store::{Grant, RefreshState},
    v3,
    webhooks::{self, LogIn},
    world::{Shared, World},
};

/// The routes below `/_control`.
pub(crate) fn routes<S>() -> Router<S>
where
    S: Clone + Send + Sync + 'static,
    Shared: FromRef<S>,
{
    Router::new()
        .route("/healthz", get(async || Json(json!({ "status": "ok" }))))
        .route("/reset", post(reset))
        .route("/requests", get(requests))
        .route("/counts", get(counts))
        .route("/secrets", get(secrets))
        .route("/tokens", get(tokens))
        .route("/connections", get(connections))
        .route("/application-tokens", delete(revoke_application_tokens))
        .route("/clock", get(clock).post(advance_clock))
        .route("/config", get(config).post(change_config))
        .route("/fault", post(set_fault))
        .route("/faults", get(faults).merge(delete(clear_faults)))
        .route("/grants", post(mint_grant))
        .route("/vehicles/{id}", post(set_vehicle).delete(disconnect_vehicle))
        .fallback(async || Refused::not_found("there is no such control address"))
}

/// A control request that could not be carried out.
struct Refused(StatusCode, String);

impl Refused {
    fn bad_request(message: impl Into<String>) -> Self {
        Self(StatusCode::BAD_REQUEST, message.into())
    }

    fn not_found(message: impl Into<String>) -> Self {
        Self(StatusCode::NOT_FOUND, message.into())
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        (self.0, Json(json!({ "error": self.1 }))).into_response()
    }
}

/// A JSON body, whatever its content type; an empty one is `{}`.
struct Body<T>(T);

impl<T: for<'de> Deserialize<'de>, S: Send + Sync> FromRequest<S> for Body<T> {
    type Rejection = Refused;

    async fn from_request(request: axum::extract::Request, state: &S) -> Result<Self, Refused> {
        let mut text = String::from_request(request, state)
            .await
            .map_err(|error| Refused::bad_request(error.to_string()))?;
        if text.trim().is_empty() {
            text = "{}".to_owned();
        }
        serde_json::from_str(&text)
            .map(Body)
            .map_err(|error| Refused::bad_request(error.to_string()))
    }
}

async fn reset(State(shared): State<Shared>) -> Json<Value> {
    shared.lock().reset();
    Json(json!({ "status": "ok" }))
}

async fn requests(State(shared): State<Shared>) -> Json<Value> {
    Json(json!({ "requests": shared.lock().records }))
}

async fn counts(State(shared): State<Shared>) -> Json<Value> {
    let world = shared.lock();
    let mut counts: BTreeMap<&str, u64> = Endpoint::ALL.iter().map(|endpoint| (endpoint.name(), 0)).collect();
    for record in &world.records {
        if let Some(count) = counts.get_mut(record.endpoint().name()) {
            *count = count.saturating_add(1);
        }
    }
    let tally = world.store.tally;
    counts.extend([
        ("exchangeCommitted", tally.exchanged),
        ("exchangeRefused", tally.exchange_refused),
        ("refreshCommitted", tally.refreshed),
        ("refreshInGrace", tally.refreshed_in_grace),
        ("refreshRefused", tally.refresh_refused),
        ("applicationTokenCommitted", tally.application_tokens),
        ("applicationTokenRefused", tally.application_tokens_refused),
    ]);
    Json(json!(counts))
}

async fn secrets(State(shared): State<Shared>) -> Json<Value> {
    Json(json!({ "secrets": shared.lock().store.secrets() }))
}

async fn clock(State(shared): State<Shared>) -> Json<Value> {
    Json(clock_body(&shared.lock()))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Advance {
    advance_ms: i64,
}

async fn advance_clock(State(shared): State<Shared>, Body(advance): Body<Advance>) -> Json<Value> {
    let mut world = shared.lock();
    world.clock.advance(advance.advance_ms);
    Json(clock_body(&world))
}

fn clock_body(world: &World) -> Value {
    json!({ "now": world.clock.now(), "offsetMs": world.clock.offset_ms() })
}

async fn config(State(shared): State<Shared>) -> Json<Value> {
    Json(json!(shared.lock().config))
}

async fn change_config(State(shared): State<Shared>, Body(patch): Body<ConfigPatch>) -> Result<Json<Value>, Refused> {
    let mut world = shared.lock();
    world.config.apply(patch).map_err(Refused::bad_request)?;
    world.note_configured_secrets();
    Ok(Json(json!(world.config)))
}

async fn set_fault(State(shared): State<Shared>, Body(fault): Body<Fault>) -> Result<Json<Value>, Refused> {
    fault.check().map_err(Refused::bad_request)?;
    let mut world = shared.lock();
    world.faults.push(fault);
    Ok(Json(json!({ "faults": world.faults.pending() })))
}

async fn faults(State(shared): State<Shared>) -> Json<Value> {
    Json(json!({ "faults": shared.lock().faults.pending() }))
}

async fn clear_faults(State(shared): State<Shared>) -> Json<Value> {
    shared.lock().faults.clear();
    Json(json!({ "faults": [] }))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct MintGrant {
    #[serde(default = "default_user")]
    user: String,
    /// Ids; all vehicles when absent.
    vehicles: Option<Vec<String>>,
    scopes: Option<Vec<String>>,
    /// The first registered one when absent.
    redirect_uri: Option<String>,
    external_id: Option<String>,
    #[serde(default)]
    mode: v3::Mode,
}

fn default_user() -> String {
    "owner@example.com".to_owned()
}

async fn mint_grant(State(shared): State<Shared>, Body(mint): Body<MintGrant>) -> Result<Json<Value>, Refused> {
    let mut world = shared.lock();
    let now = world.clock.now();
    let World { config, store, .. } = &mut *world;
    let redirect_uri = mint
        .redirect_uri
        .or_else(|| config.redirect_uris.first().cloned())
        .ok_or_else(|| Refused::bad_request("no redirect URI is registered; set `redirectUris`"))?;
    if !config.redirect_uris.contains(&redirect_uri) {
        return Err(Refused::bad_request("`redirectUri` is not registered"));
    }
    let vehicles = mint
        .vehicles
        .unwrap_or_else(|| config.vehicles.iter().map(|vehicle| vehicle.id.clone()).collect());
    if let Some(unknown) = vehicles.iter().find(|id| config.vehicle(id).is_none()) {
        return Err(Refused::bad_request(format!(
            "`vehicles` names {unknown}, which is not configured"
        )));
    }
    let user_id = store.user_id(&mint.user.trim().to_lowercase());
    let grant = Grant {
        user_id: user_id.clone(),
        vehicles,
        scopes: mint.scopes.unwrap_or_else(|| config.default_scopes.clone()),
        outlives_its_vehicles: false,
    };
    if config.consent_replaces {
        store.replace_grants(&user_id);
    }
    let consent = v3::Consent {
        user_id: &user_id,
        vehicles: &grant.vehicles,
        permissions: &grant.scopes,
        mode: mint.mode,
        external_id: &mint.external_id.map_or(v3::ExternalId::Keep, v3::ExternalId::Set),
    };
    store.v3.connect(&consent, now);
    let code = store.issue_code(grant, &redirect_uri, now, config);
    Ok(Json(
        json!({ "code": code, "redirectUri": redirect_uri, "userId": user_id }),
    ))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct VehicleState {
    /// Whether requests about the vehicle fail until the owner has re-authenticated.
    needs_reauthentication: Option<bool>,
    /// Whether version 3 has no signals of it.
    no_signals: Option<bool>,
    /// For how long version 3 answers 429 about it.
    throttled_ms: Option<u64>,
}

async fn set_vehicle(
    State(shared): State<Shared>,
    Path(id): Path<String>,
    Body(state): Body<VehicleState>,
) -> Result<Json<Value>, Refused> {
    let mut world = shared.lock();
    if world.config.vehicle(&id).is_none() {
        return Err(Refused::not_found("there is no vehicle with this id"));
    }
    let now = world.clock.now();
    let store = &mut world.store;
    match state.needs_reauthentication {
        Some(true) => {
            store.v3.lose_signals(&id, now);
            store.unauthenticated.insert(id.clone());
        }
        Some(false) => {
            store.v3.restore_signals(&id, now);
            store.unauthenticated.remove(&id);
        }
        None => {}
    }
    let log_in = state.needs_reauthentication.map(|is_needed| match is_needed {
        true => LogIn::Failed,
        false => LogIn::Resolved,
    });
    if let Some(no_signals) = state.no_signals {
        store.v3.empty_signals(&id, no_signals);
    }
    if let Some(ms) = state.throttled_ms {
        store.v3.throttle(&id, now.saturating_add(ms));
    }
    let is_needed = store.unauthenticated.contains(&id);
    let events = log_in.map_or_else(Vec::new, |what| {
        webhooks::log_in(&world.store, &world.config, &id, what, now)
    });
    let webhooks = webhooks::send(&world.config, events);
    Ok(Json(
        json!({ "needsReauthentication": is_needed, "webhooks": webhooks }),
    ))
}

/// Every owner of a vehicle ends the access to it at Smartcar. No webhook tells of that.
async fn disconnect_vehicle(State(shared): State<Shared>, Path(id): Path<String>) -> Result<Json<Value>, Refused> {
    let mut world = shared.lock();
    if world.config.vehicle(&id).is_none() {
        return Err(Refused::not_found("there is no vehicle with this id"));
    }
    let owners = world.store.owners(&id);
    for user_id in &owners {
        world.store.disconnect(user_id, &id);
    }
    Ok(Json(json!({ "owners": owners.len() })))
}

/// What version 3 has of what owners allowed.
async fn connections(State(shared): State<Shared>) -> Json<Value> {
    Json(json!({ "connections": shared.lock().store.v3.connections }))
}

/// Makes every application token that was issued so far invalid.
async fn revoke_application_tokens(State(shared): State<Shared>) -> Json<Value> {
    shared.lock().store.v3.tokens.clear();
    Json(json!({ "status": "ok" }))
}

async fn tokens(State(shared): State<Shared>) -> Json<Value> {
    let world = shared.lock();
    let now = world.clock.now();
    let store = &world.store;
    let refresh_tokens: Vec<Value> = store
        .refresh_tokens
        .iter()
        .map(|(token, details)| {
            let state = details.state(now, world.config.grace_ms, store.is_live(details.grant));
            let (status, cause) = match state {
                RefreshState::Current => ("current", None),
                RefreshState::Grace => ("grace", None),
                RefreshState::Rotated => ("dead", Some("rotated")),
                RefreshState::Expired => ("dead", Some("expired")),
                RefreshState::Revoked => ("dead", Some("revoked")),
            };
            json!({
                "token": token, "grant": details.grant, "status": status, "cause": cause, "uses": details.uses,
                "issuedAt": details.issued_at, "expiresAt": details.expires_at,
                "firstUsedAt": details.first_used_at,
            })
        })
        .collect();
    let access_tokens: Vec<Value> = store
        .access_tokens
        .iter()
        .map(|(token, details)| {
            let status = match (store.is_live(details.grant), now < details.expires_at) {
                (false, _) => "revoked",
                (true, true) => "live",
                (true, false) => "expired",
            };
            json!({ "token": token, "grant": details.grant, "status": status, "expiresAt": details.expires_at })
        })
        .collect();
    let codes: Vec<Value> = store
        .codes
        .iter()
        .map(|(code, details)| {
            let status = match (details.used_at, now < details.expires_at) {
                (Some(_), _) => "used",
                (None, true) => "fresh",
                (None, false) => "expired",
            };
            json!({ "code": code, "grant": details.grant, "status": status, "expiresAt": details.expires_at })
        })
        .collect();
    let grants: Vec<Value> = store
        .grants
        .iter()
        .enumerate()
        .map(|(index, grant)| {
            json!({
                "grant": index, "userId": grant.user_id, "vehicles": grant.vehicles, "scopes": grant.scopes,
                "live": store.is_live(index),
            })
        })
        .collect();
    let application_tokens: Vec<Value> = store
        .v3
        .tokens
        .iter()
        .map(|(token, expires_at)| {
            let status = if now < *expires_at { "live" } else { "expired" };
            json!({ "token": token, "status": status, "expiresAt": expires_at })
        })
        .collect();
    Json(json!({
        "now": now, "applicationTokens": application_tokens,
        "grants": grants, "codes": codes, "accessTokens": access_tokens, "refreshTokens": refresh_tokens,
    }))
}
