//! What Smartcar reports of a vehicle by itself.

use serde::{Deserialize, Serialize};

use crate::{
    connect::{UserId, VehicleId},
    vault::{life::Event, mark::Report, record::Record},
};

/// What a webhook says, as far as a vault has to hear of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VehicleReport {
    /// The Smartcar user whose vehicle it is, if that is said.
    pub user_id: Option<UserId>,
    /// The vehicle, if it is about one.
    pub vehicle_id: Option<VehicleId>,
    /// What it says of the vehicle's owner.
    pub reports: Vec<Report>,
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

    /// What happens to a connection that it is about.
    #[must_use]
    pub fn events(&self) -> Vec<Event> {
        let Some(vehicle_id) = &self.vehicle_id else {
            return Vec::new();
        };
        let of = |report: &Report| Event::Reported {
            vehicle_id: vehicle_id.clone(),
            report: report.clone(),
        };
        self.reports.iter().map(of).collect()
    }
}
