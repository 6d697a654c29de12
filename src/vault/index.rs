//! What follows from all connections of a principal: which connection covers which vehicle, which gives one up, and of which
//! vehicles Smartcar is told.

use serde::{Deserialize, Serialize};

use crate::{
    connect::{ConnectionId, VehicleId},
    vault::record::Record,
};

/// Enough to find a token by vehicle without the Durable Object.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct VehicleIndex {
    vehicles: Vec<IndexedVehicle>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct IndexedVehicle {
    id: VehicleId,
    connection_id: ConnectionId,
    /// Whether its owner is wanted back.
    #[serde(default, skip_serializing_if = "core::ops::Not::not")]
    is_marked: bool,
}

impl VehicleIndex {
    /// The index of records that are given with the oldest first: every vehicle that a live connection covers, once. One that
    /// several cover belongs to the newest.
    #[must_use]
    pub fn of(records: &[(ConnectionId, Record)]) -> Self {
        let mut index = Self::default();
        for (connection_id, record) in records.iter().rev() {
            for vehicle in record.live().into_iter().flat_map(|live| live.vehicles()) {
                if index.connection_of(&vehicle.id).is_none() {
                    index.vehicles.push(IndexedVehicle {
                        id: vehicle.id.clone(),
                        connection_id: connection_id.clone(),
                        is_marked: vehicle.is_marked(),
                    });
                }
            }
        }
        index
    }

    /// The connection that covers a vehicle.
    #[must_use]
    pub fn connection_of(&self, vehicle: &VehicleId) -> Option<&ConnectionId> {
        Some(&self.find(vehicle)?.connection_id)
    }

    /// Whether the owner of a vehicle is wanted back: the next success may be news.
    #[must_use]
    pub fn is_marked(&self, vehicle: &VehicleId) -> bool {
        self.find(vehicle).is_some_and(|found| found.is_marked)
    }

    fn find(&self, vehicle: &VehicleId) -> Option<&IndexedVehicle> {
        self.vehicles.iter().find(|known| known.id == *vehicle)
    }
}

/// By which connection a vehicle is asked: the newest live one that covers it, or the newest if all have ended, which says what the
/// owner has to do. The records are given with the oldest first.
#[must_use]
pub fn covering<'a>(records: &'a [(ConnectionId, Record)], vehicle: &VehicleId) -> Option<&'a (ConnectionId, Record)> {
    let covers = |record: &Record| record.vehicles().iter().any(|known| known.id == *vehicle);
    let newest_first = || records.iter().rev().filter(|(_, record)| covers(record));
    newest_first()
        .find(|(_, record)| record.live().is_some())
        .or_else(|| newest_first().next())
}

/// The vehicles that each connection has to give up, because a newer live one covers them. The records are given with the
/// oldest first, the connections returned with the newest first.
#[must_use]
pub fn superseded_vehicles(records: &[(ConnectionId, Record)]) -> Vec<(ConnectionId, Vec<VehicleId>)> {
    let mut covered: Vec<&VehicleId> = Vec::new();
    let mut giving_up = Vec::new();
    for (id, record) in records.iter().rev() {
        let mut given_up: Vec<VehicleId> = record.vehicles().iter().map(|vehicle| vehicle.id.clone()).collect();
        given_up.retain(|vehicle| covered.contains(&vehicle));
        if !given_up.is_empty() {
            giving_up.push((id.clone(), given_up));
        }
        if let Some(live) = record.live() {
            covered.extend(live.vehicles().iter().map(|vehicle| &vehicle.id));
        }
    }
    giving_up
}

/// Which of the `vehicles` of a connection that is closed Smartcar is told of. It ends every grant that covers a vehicle, so
/// none that another live connection covers is named; nor any as long as it is not known what another one covers.
#[must_use]
pub fn vehicles_to_revoke(
    records: &[(ConnectionId, Record)],
    closed: &ConnectionId,
    vehicles: &[VehicleId],
) -> Vec<VehicleId> {
    let others = records.iter().filter(|(id, _)| id != closed);
    let mut covered: Vec<&VehicleId> = Vec::new();
    for live in others.filter_map(|(_, record)| record.live()) {
        if live.is_unlisted() {
            return Vec::new();
        }
        covered.extend(live.vehicles().iter().map(|vehicle| &vehicle.id));
    }
    vehicles
        .iter()
        .filter(|vehicle| !covered.contains(vehicle))
        .cloned()
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        time::UnixMillis,
        token::{AccessToken, RefreshToken, TokenSet},
        vault::{
            known_vehicle::KnownVehicle,
            mark::{Complaint, MarkCause, Marks},
            record::{Ended, Learned, Live},
        },
    };

    fn id(byte: u8) -> ConnectionId {
        ConnectionId::from_random([byte; 16])
    }

    fn vehicle(id: &str) -> VehicleId {
        VehicleId::parse(id).unwrap()
    }

    fn known(vehicles: &[&str]) -> Vec<KnownVehicle> {
        vehicles.iter().map(|id| KnownVehicle::new(vehicle(id))).collect()
    }

    fn live_with(vehicles: Learned<Vec<KnownVehicle>>) -> Record {
        let tokens = TokenSet {
            access_token: AccessToken::new("a".into()),
            access_expires_at: UnixMillis::new(1),
            refresh_token: None,
        };
        let live = Live::granted(tokens, RefreshToken::new("r".into()), UnixMillis::EPOCH);
        Record::Live(Live { vehicles, ..live })
    }

    fn live(vehicles: &[&str]) -> Record {
        live_with(Learned::Known(known(vehicles)))
    }

    fn ended(vehicles: &[&str]) -> Record {
        Record::Ended(Ended {
            vehicles: known(vehicles),
            refresh_expires_at: Some(UnixMillis::EPOCH),
            ..Ended::refused_since(UnixMillis::EPOCH)
        })
    }

    #[test]
    fn a_vehicle_belongs_to_the_newest_connection_that_covers_it() {
        let grants = [
            (id(1), live(&["car-1", "car-2"])),
            (id(2), live(&["car-2"])),
            (id(3), live(&["car-3"])),
        ];
        let index = VehicleIndex::of(&grants);
        let found = ["car-1", "car-2", "car-3", "car-4"].map(|car| index.connection_of(&vehicle(car)).cloned());
        assert_eq!(found, [Some(id(1)), Some(id(2)), Some(id(3)), None]);
        assert_eq!(index.vehicles.len(), 3, "each vehicle once");
    }

    #[test]
    fn the_index_says_which_vehicles_are_marked_and_reads_one_that_does_not_say() {
        let marks = Marks::default().with(&Complaint::reported(MarkCause::LogInFailed), UnixMillis::EPOCH);
        let mut vehicles = known(&["car-1", "car-2"]);
        vehicles[1].marks = marks;
        let index = VehicleIndex::of(&[(id(1), live_with(Learned::Known(vehicles)))]);
        let marked = ["car-1", "car-2", "car-3"].map(|car| index.is_marked(&vehicle(car)));
        assert_eq!(marked, [false, true, false]);
        let json = serde_json::to_string(&index).unwrap();
        assert_eq!(json.matches("is_marked").count(), 1);
        assert_eq!(serde_json::from_str::<VehicleIndex>(&json).unwrap(), index);
        let of_before = json.replace(r#","is_marked":true"#, "");
        assert!(
            !serde_json::from_str::<VehicleIndex>(&of_before)
                .unwrap()
                .is_marked(&vehicle("car-2"))
        );
    }

    #[test]
    fn a_connection_without_tokens_covers_nothing() {
        let index = VehicleIndex::of(&[(id(1), live(&["car-1"])), (id(2), ended(&["car-1", "car-2"]))]);
        assert_eq!(index.connection_of(&vehicle("car-1")), Some(&id(1)));
        assert_eq!(index.connection_of(&vehicle("car-2")), None);
        assert_eq!(VehicleIndex::of(&[]), VehicleIndex::default());
    }

    #[test]
    fn a_vehicle_is_asked_by_the_newest_live_connection_or_by_the_newest_that_has_ended() {
        let grants = [
            (id(1), live(&["a", "b"])),
            (id(2), ended(&["a", "c"])),
            (id(3), live(&["b"])),
            (id(4), ended(&["c"])),
        ];
        let found = ["a", "b", "c", "d"].map(|car| covering(&grants, &vehicle(car)).map(|(id, _)| id.clone()));
        assert_eq!(found, [Some(id(1)), Some(id(3)), Some(id(4)), None]);
    }

    #[test]
    fn a_grant_gives_up_what_a_newer_live_one_covers() {
        let grants = [
            (id(1), live(&["a", "b", "c"])),
            (id(2), ended(&["a"])),
            (id(3), live(&["b", "d"])),
            (id(4), live(&["a"])),
            (id(5), ended(&["c", "d"])),
        ];
        let expected = [(id(2), vec![vehicle("a")]), (id(1), vec![vehicle("a"), vehicle("b")])];
        assert_eq!(superseded_vehicles(&grants), expected);
        assert_eq!(superseded_vehicles(&grants[2..]), [], "what has ended takes nothing");
    }

    #[test]
    fn smartcar_is_told_of_no_car_that_another_live_connection_covers() {
        let told =
            |grants: &[(ConnectionId, Record)]| vehicles_to_revoke(grants, &id(1), &[vehicle("a"), vehicle("b")]);
        let closing = (id(1), live(&["a", "b"]));
        assert_eq!(told(&[]), [vehicle("a"), vehicle("b")]);
        assert_eq!(
            told(&[closing.clone(), (id(2), ended(&["a", "b"]))]),
            [vehicle("a"), vehicle("b")]
        );
        assert_eq!(told(&[closing.clone(), (id(2), live(&["a", "c"]))]), [vehicle("b")]);
        let unknown = live_with(Learned::asking(UnixMillis::EPOCH));
        assert_eq!(told(&[closing, (id(2), unknown)]), [], "it may cover either");
    }
}
