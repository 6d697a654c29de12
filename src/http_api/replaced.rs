//! What a new connection has changed of those that were made before: a part of the answer to a finish.

use serde::{Deserialize, Serialize};

use super::{
    connection::{LISTED_VEHICLE, ListedVehicle},
    schema::{Kind, Schema, field},
};
use crate::connect::ConnectionId;

/// What a new connection has changed of one that was made before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Replaced {
    /// The former connection. It may be gone by now, and is the new one if that goes on with it.
    pub id: ConnectionId,
    /// Vehicles that the new connection has in its place.
    pub taken_over: Vec<ListedVehicle>,
    /// Vehicles that neither of them has any more: Smartcar has ended the access.
    pub lost: Vec<ListedVehicle>,
}

/// The table of [`Replaced`].
pub const REPLACED: Schema = &[
    field("id", Kind::Text),
    field("takenOver", Kind::Array(LISTED_VEHICLE)),
    field("lost", Kind::Array(LISTED_VEHICLE)),
];
