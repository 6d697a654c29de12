//! The vehicles of an owner: `GET /vehicles`.

use serde::{Deserialize, Serialize};

use super::connection::ConnectionStatus;
use super::schema::{Field, Kind, Schema, field};
use crate::connect::{ConnectionId, VehicleId};

/// A vehicle, as far as Smartcar describes it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Vehicle {
    /// Smartcar's id.
    pub id: VehicleId,
    /// The connection that it belongs to.
    pub connection_id: ConnectionId,
    /// The status of that connection.
    pub status: ConnectionStatus,
    /// Its make, as Smartcar spells it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub make: Option<String>,
    /// Its model.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// Its model year.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub year: Option<u16>,
    /// Why make, model and year are not known, as a stable name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
    /// After how many seconds Smartcar is asked again, if that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<u64>,
}

/// The table of [`Vehicle`].
pub const VEHICLE: Schema = &[
    field("id", Kind::Text),
    field("connectionId", Kind::Text),
    field("status", Kind::OneOf(ConnectionStatus::NAMES)).optional(),
    field("make", Kind::Text).optional(),
    field("model", Kind::Text).optional(),
    field("year", Kind::Number).optional(),
    field("problem", Kind::Text).optional(),
    field("retryAfter", Kind::Number).optional(),
];

/// The answer to `GET /vehicles`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct VehicleList {
    /// The vehicles of the caller.
    pub vehicles: Vec<Vehicle>,
    /// Whether Smartcar is still being asked for the vehicles of a connection: then there may be more. Left out if it is not.
    #[serde(default, skip_serializing_if = "core::ops::Not::not")]
    pub vehicles_pending: bool,
}

const LIST: Field = field("vehicles", Kind::Array(VEHICLE));

/// The name of the field of [`VehicleList`].
pub const VEHICLES: &str = LIST.name;

/// The table of [`VehicleList`].
pub const VEHICLE_LIST: Schema = &[LIST, field("vehiclesPending", Kind::Flag).optional()];
