//! What the Worker answers. Each answer is read into these types and only then handed on, so that JavaScript gets what
//! `types.d.ts` promises and nothing else.

use serde::{Deserialize, Serialize};

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
pub(super) struct Connections {
    pub(super) connections: Vec<Connection>,
}

/// `GET /vehicles`.
#[derive(Deserialize)]
pub(super) struct Vehicles {
    pub(super) vehicles: Vec<Vehicle>,
}

/// One grant and its vehicles. Times in milliseconds since the epoch.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Connection {
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
pub(super) struct Vehicle {
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

/// `POST /connect/finish`. One struct for every kind: serde's tagged enums cost twice the code.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Outcome {
    kind: Kind,
    #[serde(skip_serializing_if = "Option::is_none")]
    vehicle_id: Option<String>,
    connection: Option<Connection>,
}
