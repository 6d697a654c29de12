//! The index of a principal: which connection covers which vehicle.

use serde::{Deserialize, Serialize};

use crate::{
    connect::{ConnectionId, VehicleId},
    vault::{GrantRecord, Vehicles},
};

/// Enough to find a token by vehicle without the Durable Object.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct VehicleIndex {
    vehicles: Vec<KnownVehicle>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct KnownVehicle {
    id: VehicleId,
    connection_id: ConnectionId,
}

impl VehicleIndex {
    /// The index of grants that are given with the oldest first: a vehicle that several cover belongs to the newest.
    #[must_use]
    pub fn of(grants: &[(ConnectionId, GrantRecord)]) -> Self {
        let mut index = Self::default();
        for (connection_id, record) in grants.iter().rev() {
            let GrantRecord::Live(grant) = record else { continue };
            for id in grant.vehicles.ids() {
                if index.connection_of(id).is_none() {
                    index.vehicles.push(KnownVehicle {
                        id: id.clone(),
                        connection_id: connection_id.clone(),
                    });
                }
            }
        }
        index
    }

    /// The connection that covers a vehicle.
    #[must_use]
    pub fn connection_of(&self, vehicle: &VehicleId) -> Option<&ConnectionId> {
        self.vehicles
            .iter()
            .find(|known| known.id == *vehicle)
            .map(|known| &known.connection_id)
    }

    /// The vehicles, each with the connection that covers it.
    pub fn iter(&self) -> impl Iterator<Item = (&VehicleId, &ConnectionId)> {
        self.vehicles.iter().map(|known| (&known.id, &known.connection_id))
    }
}

/// The vehicles that each grant has to give up, because a newer live one covers them. The grants are given with the oldest
/// first, the connections answered with the newest first.
#[must_use]
pub fn superseded(grants: &[(ConnectionId, GrantRecord)]) -> Vec<(ConnectionId, Vec<VehicleId>)> {
    let mut covered: Vec<&VehicleId> = Vec::new();
    let mut giving_up = Vec::new();
    for (id, record) in grants.iter().rev() {
        let given_up: Vec<VehicleId> = record
            .vehicles()
            .iter()
            .filter(|vehicle| covered.contains(vehicle))
            .cloned()
            .collect();
        if !given_up.is_empty() {
            giving_up.push((id.clone(), given_up));
        }
        if let GrantRecord::Live(grant) = record {
            covered.extend(grant.vehicles.ids());
        }
    }
    giving_up
}

/// Which of the `vehicles` of a connection that is closed Smartcar is told of. It ends every grant that covers a vehicle, so
/// none that another live connection covers is named; nor any as long as it is not known what another one covers.
#[must_use]
pub fn to_be_told(
    grants: &[(ConnectionId, GrantRecord)],
    closed: &ConnectionId,
    vehicles: &[VehicleId],
) -> Vec<VehicleId> {
    let others = grants.iter().filter(|(id, _)| id != closed);
    let mut covered: Vec<&VehicleId> = Vec::new();
    for (_, record) in others {
        let GrantRecord::Live(grant) = record else { continue };
        match &grant.vehicles {
            Vehicles::Listed(ids) => covered.extend(ids),
            Vehicles::Unlisted { .. } => return Vec::new(),
        }
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
        vault::{Cause, Published, granted},
    };

    fn id(byte: u8) -> ConnectionId {
        ConnectionId::from_random([byte; 16])
    }

    fn vehicle(id: &str) -> VehicleId {
        VehicleId::parse(id).unwrap()
    }

    fn live(vehicles: &[&str]) -> GrantRecord {
        let tokens = TokenSet {
            access_token: AccessToken::new("a".into()),
            access_expires_at: UnixMillis::new(1),
            refresh_token: None,
        };
        let mut record = granted(tokens, RefreshToken::new("r".into()), UnixMillis::EPOCH);
        if let GrantRecord::Live(grant) = &mut record {
            grant.vehicles = Vehicles::Listed(vehicles.iter().map(|id| vehicle(id)).collect());
        }
        record
    }

    fn ended(vehicles: &[&str]) -> GrantRecord {
        GrantRecord::Ended {
            cause: Cause::RefreshTokenRefused,
            since: UnixMillis::EPOCH,
            generation: 1,
            vehicles: vehicles.iter().map(|id| vehicle(id)).collect(),
            connected_at: UnixMillis::EPOCH,
            refresh_expires_at: UnixMillis::EPOCH,
            published: Published::Current {
                since: UnixMillis::EPOCH,
            },
        }
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
        assert_eq!(index.iter().count(), 3, "each vehicle once");
    }

    #[test]
    fn a_connection_without_tokens_covers_nothing() {
        let index = VehicleIndex::of(&[(id(1), live(&["car-1"])), (id(2), ended(&["car-1", "car-2"]))]);
        assert_eq!(index.connection_of(&vehicle("car-1")), Some(&id(1)));
        assert_eq!(index.connection_of(&vehicle("car-2")), None);
        assert_eq!(VehicleIndex::of(&[]), VehicleIndex::default());
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
        assert_eq!(superseded(&grants), expected);
        assert_eq!(superseded(&grants[2..]), [], "what has ended takes nothing");
    }

    #[test]
    fn smartcar_is_told_of_no_car_that_another_live_connection_covers() {
        let told = |grants: &[(ConnectionId, GrantRecord)]| to_be_told(grants, &id(1), &[vehicle("a"), vehicle("b")]);
        let closing = (id(1), live(&["a", "b"]));
        assert_eq!(told(&[]), [vehicle("a"), vehicle("b")]);
        assert_eq!(
            told(&[closing.clone(), (id(2), ended(&["a", "b"]))]),
            [vehicle("a"), vehicle("b")]
        );
        assert_eq!(told(&[closing.clone(), (id(2), live(&["a", "c"]))]), [vehicle("b")]);
        let mut unknown = live(&[]);
        if let GrantRecord::Live(grant) = &mut unknown {
            grant.vehicles = Vehicles::Unlisted {
                failures: 0,
                retry_at: UnixMillis::EPOCH,
            };
        }
        assert_eq!(told(&[closing, (id(2), unknown)]), [], "it may cover either");
    }
}
