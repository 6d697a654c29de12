//! What Smartcar reports of a vehicle by itself.

use serde::{Deserialize, Serialize};

use crate::{
    connect::{UserId, VehicleId},
    time::UnixMillis,
    vault::{known_vehicle::LogIn, record::Record},
};

/// What a webhook says, as far as a vault has to hear of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VehicleReport {
    /// The Smartcar user whose vehicle it is, if that is said.
    pub user_id: Option<UserId>,
    /// The vehicle, if it is about one.
    pub vehicle_id: Option<VehicleId>,
    /// When Smartcar said so.
    pub at: UnixMillis,
    /// What it says of the owner's log-in at the car's maker, if anything.
    pub log_in: Option<LogIn>,
}

impl VehicleReport {
    /// Whether it is about this connection: of the same Smartcar user, as far as both are known, and of a vehicle that the
    /// connection covers. A user has further vehicles, which were not connected here.
    #[must_use]
    pub fn is_about(&self, record: &Record) -> bool {
        let is_same = |user: &UserId| self.user_id.as_ref().is_none_or(|reported| reported == user);
        let covers = |id: &VehicleId| record.vehicles().iter().any(|vehicle| vehicle.id == *id);
        record.is_shown() && record.user_id().is_none_or(is_same) && self.vehicle_id.as_ref().is_none_or(covers)
    }
}
