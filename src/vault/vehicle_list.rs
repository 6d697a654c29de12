//! The vehicles of an owner, as the owner sees them.

use serde::{Deserialize, Serialize};

use crate::{
    connect::ConnectionId,
    http_api::{ConnectionStatus, Vehicle},
    time::{Millis, UnixMillis},
    vault::{
        connection::Standing,
        known_vehicle::KnownVehicle,
        record::{Live, Record},
    },
};

/// The `problem` of a vehicle that Smartcar was not asked about, because others came first.
const NOT_DESCRIBED: &str = "not_described";

/// A vehicle that its owner sees.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShownVehicle {
    /// The vehicle, and what is known of it.
    pub vehicle: KnownVehicle,
    /// The connection that it belongs to.
    pub connection_id: ConnectionId,
    /// The status of that connection.
    pub status: ConnectionStatus,
}

/// The vehicles that their owner sees.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShownVehicles {
    /// Each of them once.
    pub vehicles: Vec<ShownVehicle>,
    /// Whether Smartcar is still being asked for those of a connection.
    pub pending: bool,
}

/// Every vehicle of the connections that their owner sees, once. The records are given with the oldest first: a vehicle that
/// several cover belongs to the newest one that is live, or to the newest one if none is.
#[must_use]
pub fn shown_vehicles(records: &[(ConnectionId, Record)], now: UnixMillis) -> ShownVehicles {
    let newest_first = || records.iter().rev();
    let live = newest_first().filter(|(_, record)| record.live().is_some());
    let ended = newest_first().filter(|(_, record)| record.live().is_none());
    let mut shown = ShownVehicles {
        vehicles: Vec::new(),
        pending: false,
    };
    for (id, record) in live.chain(ended) {
        let Some(Standing { status, .. }) = Standing::of(record, now) else {
            continue;
        };
        shown.pending |= record.live().is_some_and(Live::is_unlisted);
        for vehicle in record.vehicles() {
            if shown.vehicles.iter().all(|known| known.vehicle.id != vehicle.id) {
                shown.vehicles.push(ShownVehicle {
                    vehicle: vehicle.clone(),
                    connection_id: id.clone(),
                    status,
                });
            }
        }
    }
    shown
}

impl ShownVehicle {
    /// Whether Smartcar is to be asked what it is.
    #[must_use]
    pub fn is_worth_asking_about(&self, now: UnixMillis) -> bool {
        self.status != ConnectionStatus::ReconnectionRequired && self.vehicle.is_worth_asking_about(now)
    }

    /// What is answered of it. `hindrance` is what stood in the way of asking Smartcar: a stable name, and how long that lasts.
    #[must_use]
    pub fn answer(&self, hindrance: Option<&(String, Option<Millis>)>, now: UnixMillis) -> Vehicle {
        let known = self.vehicle.attributes.clone();
        let (problem, wait) = match (&known, &self.vehicle.problem, hindrance) {
            (Some(_), _, _) => (None, None),
            (None, _, Some((name, wait))) => (Some(name.clone()), *wait),
            (None, Some(problem), None) => (Some(problem.name.clone()), self.vehicle.wait(now)),
            (None, None, None) => (Some(NOT_DESCRIBED.to_owned()), None),
        };
        let known = known.unwrap_or_default();
        Vehicle {
            id: self.vehicle.id.clone(),
            connection_id: self.connection_id.clone(),
            status: self.status,
            make: known.make,
            model: known.model,
            year: known.year,
            problem,
            retry_after: wait.map(|wait| wait.as_millis().div_ceil(1_000).max(1)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        api::VehicleAttributes,
        connect::VehicleId,
        http_api::Cause,
        token::{AccessToken, RefreshToken, TokenSet},
        vault::{
            known_vehicle::Description,
            publication::KvCopy,
            record::{Ended, Learned},
        },
    };

    const NOW: UnixMillis = UnixMillis::new(1_790_000_000_000);

    fn id(byte: u8) -> ConnectionId {
        ConnectionId::from_random([byte; 16])
    }

    fn cars(ids: &[&str]) -> Vec<KnownVehicle> {
        let ids = ids.iter().map(|id| VehicleId::parse(id).unwrap());
        ids.map(KnownVehicle::new).collect()
    }

    fn live(vehicles: Option<Vec<KnownVehicle>>) -> Record {
        let tokens = TokenSet {
            access_token: AccessToken::new("a".into()),
            access_expires_at: NOW,
            refresh_token: None,
        };
        let live = Live::granted(tokens, RefreshToken::new("r".into()), NOW);
        Record::Live(Live {
            vehicles: vehicles.map_or(live.vehicles.clone(), Learned::Known),
            ..live
        })
    }

    fn ended(ids: &[&str]) -> Record {
        Record::Ended(Ended {
            cause: Cause::InvalidGrant,
            since: NOW,
            generation: 1,
            user_id: None,
            vehicles: cars(ids),
            connected_at: NOW,
            refresh_expires_at: None,
            external_id: None,
            kept: None,
            kv: KvCopy::dirty(NOW),
        })
    }

    fn seen(records: &[(ConnectionId, Record)]) -> Vec<(String, ConnectionId, &'static str)> {
        let shown = shown_vehicles(records, NOW).vehicles.into_iter();
        shown
            .map(|shown| {
                let id = shown.vehicle.id.as_str().to_owned();
                (id, shown.connection_id, shown.status.as_str())
            })
            .collect()
    }

    #[test]
    fn each_vehicle_has_the_status_of_the_connection_that_it_belongs_to() {
        let records = [
            (id(1), live(Some(cars(&["a", "b"])))),
            (id(2), live(Some(cars(&["b"])))),
            (id(3), ended(&["a", "c"])),
        ];
        assert_eq!(
            seen(&records),
            [
                ("b".to_owned(), id(2), "active"),
                ("a".to_owned(), id(1), "active"),
                ("c".to_owned(), id(3), "reconnection_required"),
            ]
        );
    }

    #[test]
    fn vehicles_that_smartcar_is_still_asked_for_are_announced() {
        assert!(!shown_vehicles(&[(id(1), live(Some(Vec::new())))], NOW).pending);
        let pending = shown_vehicles(&[(id(1), live(None)), (id(2), ended(&[]))], NOW);
        assert!(pending.pending && pending.vehicles.is_empty());
    }

    #[test]
    fn a_vehicle_says_what_it_is_or_why_that_is_not_known() {
        let shown = |vehicle: KnownVehicle| ShownVehicle {
            vehicle,
            connection_id: id(1),
            status: ConnectionStatus::Active,
        };
        let new = shown(cars(&["a"]).remove(0));
        let answer = new.answer(None, NOW);
        assert_eq!(
            (answer.problem.as_deref(), answer.retry_after),
            (Some("not_described"), None)
        );
        let hindrance = ("upstream_unavailable".to_owned(), Some(Millis::new(1)));
        let answer = new.answer(Some(&hindrance), NOW);
        assert_eq!(
            (answer.problem.as_deref(), answer.retry_after),
            (Some("upstream_unavailable"), Some(1))
        );
        let limited = Description::Refused {
            name: "rate_limit".to_owned(),
            retry_after: Some(Millis::from_secs(90)),
            complaint: None,
            is_missing: false,
        };
        let limited = shown(new.vehicle.described(&limited, NOW));
        let answer = limited.answer(None, NOW.after(Millis::from_secs(30)));
        assert_eq!(
            (answer.problem.as_deref(), answer.retry_after),
            (Some("rate_limit"), Some(60))
        );
        let told = VehicleAttributes {
            year: Some(2019),
            ..VehicleAttributes::default()
        };
        let told = shown(limited.vehicle.described(&Description::Told(told), NOW));
        let answer = told.answer(Some(&hindrance), NOW);
        assert_eq!(
            (answer.year, answer.problem, answer.retry_after),
            (Some(2019), None, None)
        );
    }

    #[test]
    fn smartcar_is_not_asked_about_what_it_no_longer_tells() {
        let records = [(id(1), live(Some(cars(&["a"])))), (id(2), ended(&["b"]))];
        let worth: Vec<bool> = shown_vehicles(&records, NOW)
            .vehicles
            .iter()
            .map(|shown| shown.is_worth_asking_about(NOW))
            .collect();
        assert_eq!(worth, [true, false]);
    }
}
