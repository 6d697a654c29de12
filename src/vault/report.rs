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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        api::VehicleMode,
        time::UnixMillis,
        vault::{KnownVehicle, KvCopy, Live, MarkCause, Tombstone},
    };

    const NOW: UnixMillis = UnixMillis::new(1_790_000_000_000);

    fn car(id: &str) -> VehicleId {
        VehicleId::parse(id).unwrap()
    }

    fn report(user_id: Option<&str>, vehicle_id: Option<&str>) -> VehicleReport {
        VehicleReport {
            user_id: user_id.map(|id| UserId::parse(id).unwrap()),
            vehicle_id: vehicle_id.map(car),
            reports: vec![
                Report::Mended {
                    cause: MarkCause::LogInFailed,
                    at: NOW,
                },
                Report::Mended {
                    cause: MarkCause::PermissionMissing,
                    at: NOW,
                },
            ],
        }
    }

    #[test]
    fn it_is_about_the_connection_of_its_user_that_covers_its_vehicle() {
        let user = UserId::parse("u1").unwrap();
        let live = Live::confirmed(VehicleMode::Live, user, vec![KnownVehicle::new(car("v1"))], NOW);
        let record = Record::Live(live);
        for (user, vehicle, is_about) in [
            (Some("u1"), Some("v1"), true),
            (None, Some("v1"), true),
            (Some("u1"), None, true),
            (Some("u2"), Some("v1"), false),
            (Some("u2"), None, false),
            (Some("u1"), Some("v2"), false),
        ] {
            assert_eq!(
                report(user, vehicle).is_about(&record),
                is_about,
                "{user:?} {vehicle:?}"
            );
        }
        let gone = Record::Tombstone(Tombstone {
            since: NOW,
            generation: 1,
            kv: KvCopy::dirty(NOW),
        });
        assert!(!report(None, None).is_about(&gone));
    }

    #[test]
    fn all_that_it_says_happens_to_its_vehicle_and_nothing_without_one() {
        let events = report(None, Some("v1")).events();
        assert_eq!(events.len(), 2);
        let is_of_the_car =
            |event: &Event| matches!(event, Event::Reported { vehicle_id, .. } if *vehicle_id == car("v1"));
        assert!(events.iter().all(is_of_the_car));
        assert!(report(Some("u1"), None).events().is_empty());
    }
}
