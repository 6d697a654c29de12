//! What the Worker answers. Each answer is read into these types and only then handed on, so that JavaScript gets what
//! `types.d.ts` promises and nothing else.

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use wasm_bindgen::JsValue;

use super::edge::to_js;

/// `POST /connect/start`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Started {
    pub(super) external_id: String,
    pub(super) application_id: String,
    pub(super) connect_origin: String,
}

/// `GET /connections`.
#[derive(Deserialize)]
struct Connections {
    connections: Vec<Connection>,
}

/// `GET /vehicles`.
#[derive(Deserialize)]
struct Vehicles {
    vehicles: Vec<Vehicle>,
}

/// One grant and its vehicles. Times in milliseconds since the epoch.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Connection {
    id: String,
    status: Status,
    cause: Option<String>,
    since: u64,
    vehicles: Vec<VehicleRef>,
    connected_at: u64,
    access_expires_at: u64,
    refresh_expires_at: u64,
}

#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Status {
    Active,
    Degraded,
    Reauthenticate,
    Expired,
}

#[derive(Serialize, Deserialize)]
struct VehicleRef {
    id: String,
}

/// One vehicle, with what Smartcar told of it.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Vehicle {
    id: String,
    connection_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    make: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    model: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    year: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<String>,
}

#[derive(Deserialize)]
struct Tag {
    kind: String,
}

#[derive(Serialize, Deserialize)]
struct Connected {
    kind: String,
    connection: Connection,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Reauthenticated {
    kind: String,
    vehicle_id: String,
    connection: Option<Connection>,
}

/// One struct for every failure: serde's tagged enums cost twice the code.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Failure {
    kind: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    vehicle: Option<IncompatibleVehicle>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status_code: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error_message: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct UnknownFailure {
    kind: String,
    error: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct IncompatibleVehicle {
    #[serde(skip_serializing_if = "Option::is_none")]
    vin: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    make: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    model: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    year: Option<String>,
}

/// The answer to `GET /connections`; `None` if it is none.
pub(super) fn connections(json: &JsValue) -> Option<JsValue> {
    to_js(&from_js::<Connections>(json)?.connections).ok()
}

/// The answer to `GET /vehicles`; `None` if it is none.
pub(super) fn vehicles(json: &JsValue) -> Option<JsValue> {
    to_js(&from_js::<Vehicles>(json)?.vehicles).ok()
}

/// The answer to `POST /connect/finish`; `None` if it is none.
pub(super) fn outcome(json: &JsValue) -> Option<JsValue> {
    let tag: Tag = from_js(json)?;
    match tag.kind.as_str() {
        "connected" => again::<Connected>(json),
        "reauthenticated" => again::<Reauthenticated>(json),
        "unknown_error" => again::<UnknownFailure>(json),
        "access_denied"
        | "vehicle_incompatible"
        | "invalid_subscription"
        | "no_vehicles"
        | "configuration_error"
        | "server_error"
        | "oem_cancelled_login"
        | "user_manually_returned_to_application"
        | "user_cancelled" => again::<Failure>(json),
        _ => None,
    }
}

pub(super) fn from_js<T: DeserializeOwned>(json: &JsValue) -> Option<T> {
    serde_wasm_bindgen::from_value(json.clone()).ok()
}

fn again<T: Serialize + DeserializeOwned>(json: &JsValue) -> Option<JsValue> {
    to_js(&from_js::<T>(json)?).ok()
}
