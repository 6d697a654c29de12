//! The index of a principal: which connection covers which vehicle.

use serde::{Deserialize, Serialize};

use super::{ConnectionId, GrantRecord};
use crate::connect::VehicleId;

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
