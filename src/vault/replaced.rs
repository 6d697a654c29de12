//! What a new connection has changed of those that its owner had before.

use crate::{
    connect::{ConnectionId, VehicleId},
    http_api::{ListedVehicle, Replaced},
    vault::record::Record,
};

/// What a connection had before another one was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Former {
    id: ConnectionId,
    vehicles: Vec<VehicleId>,
    /// Whether the access to them was over already.
    is_lost: bool,
}

impl Former {
    /// What the connections have that their owner sees.
    #[must_use]
    pub fn all(records: &[(ConnectionId, Record)]) -> Vec<Self> {
        records.iter().map(|(id, record)| Self::of(id, record)).collect()
    }

    fn of(id: &ConnectionId, record: &Record) -> Self {
        let is_lost = match record {
            Record::Live(live) => live.lost_since().is_some(),
            _ => true,
        };
        Self {
            id: id.clone(),
            vehicles: record.vehicles().iter().map(|vehicle| vehicle.id.clone()).collect(),
            is_lost,
        }
    }
}

/// What the connection `made` has changed of the `former` ones, by what is stored now. One that has lost nothing is not named.
#[must_use]
pub fn replaced(former: &[Former], records: &[(ConnectionId, Record)], made: &ConnectionId) -> Vec<Replaced> {
    let now = Former::all(records);
    let has_now = |id: &ConnectionId| now.iter().find(|known| known.id == *id);
    let new: &[VehicleId] = has_now(made).map_or(&[], |made| &made.vehicles);
    let of = |former: &Former| {
        let left = has_now(&former.id).filter(|left| former.is_lost || !left.is_lost);
        let is_left = |vehicle: &&VehicleId| left.is_some_and(|left| left.vehicles.contains(vehicle));
        let gone = former.vehicles.iter().filter(|vehicle| !is_left(vehicle));
        let (taken_over, lost): (Vec<_>, Vec<_>) = gone
            .map(|id| ListedVehicle { id: id.clone() })
            .partition(|vehicle| new.contains(&vehicle.id));
        Replaced {
            id: former.id.clone(),
            taken_over,
            lost,
        }
    };
    let all = former.iter().map(of);
    all.filter(|one| !one.taken_over.is_empty() || !one.lost.is_empty())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        api::VehicleMode,
        connect::UserId,
        time::UnixMillis,
        vault::{known_vehicle::KnownVehicle, record::Live},
    };

    const NOW: UnixMillis = UnixMillis::new(1_790_000_000_000);

    fn id(byte: u8) -> ConnectionId {
        ConnectionId::from_random([byte; 16])
    }

    fn live(byte: u8, vehicles: &[&str]) -> (ConnectionId, Record) {
        let vehicles = vehicles
            .iter()
            .map(|id| KnownVehicle::new(VehicleId::parse(id).unwrap()));
        let user = UserId::parse("u1").unwrap();
        let live = Live::confirmed(VehicleMode::Live, user, vehicles.collect(), NOW);
        (id(byte), Record::Live(live))
    }

    fn lost(byte: u8, vehicles: &[&str]) -> (ConnectionId, Record) {
        let (id, record) = live(byte, vehicles);
        let Record::Live(live) = record else { panic!() };
        let empty_since = Some(NOW);
        (id, Record::Live(Live { empty_since, ..live }))
    }

    /// Each as its connection, what was taken over and what was lost.
    fn told(
        before: &[(ConnectionId, Record)],
        after: &[(ConnectionId, Record)],
        made: u8,
    ) -> Vec<(u8, String, String)> {
        let names = |vehicles: &[ListedVehicle]| {
            let ids: Vec<&str> = vehicles.iter().map(|vehicle| vehicle.id.as_str()).collect();
            ids.join(" ")
        };
        let byte = |of: &ConnectionId| (0..9).find(|byte| id(*byte) == *of).unwrap();
        let all = replaced(&Former::all(before), after, &id(made));
        all.iter()
            .map(|one| (byte(&one.id), names(&one.taken_over), names(&one.lost)))
            .collect()
    }

    #[test]
    fn a_car_is_taken_over_or_lost_or_where_it_was() {
        let before = [live(1, &["v1", "v2", "v3"]), live(2, &["v4"])];
        let after = [live(1, &["v3"]), live(2, &["v4"]), live(3, &["v1", "v5"])];
        assert_eq!(told(&before, &after, 3), [(1, "v1".to_owned(), "v2".to_owned())]);
        assert_eq!(told(&before, &before, 3), []);
        assert_eq!(told(&[], &after, 3), []);
    }

    #[test]
    fn a_connection_that_is_gone_or_lists_nothing_has_lost_what_the_new_one_does_not_have() {
        let before = [live(1, &["v1", "v2"])];
        let lost_both = [(1, "v1".to_owned(), "v2".to_owned())];
        assert_eq!(told(&before, &[live(2, &["v1"])], 2), lost_both);
        assert_eq!(told(&before, &[lost(1, &["v2"]), live(2, &["v1"])], 2), lost_both);
        // It was so before.
        let before = [lost(1, &["v1", "v2"])];
        assert_eq!(told(&before, &[lost(1, &["v1", "v2"]), live(2, &["v3"])], 2), []);
        assert_eq!(
            told(&before, &[lost(1, &["v2"]), live(2, &["v1"])], 2),
            [(1, "v1".to_owned(), String::new())]
        );
    }

    #[test]
    fn a_connection_that_is_made_again_has_lost_what_it_lists_no_more() {
        let (before, after) = ([live(1, &["v1", "v2"])], [live(1, &["v2", "v3"])]);
        assert_eq!(told(&before, &after, 1), [(1, String::new(), "v1".to_owned())]);
    }
}
