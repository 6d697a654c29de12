//! The vehicles of a connection of Smartcar's v3, as its list of connections has them.

use smartcar_connect::{
    api::{ConnectionFilter, ListedConnection, Ownership, VehicleMode},
    edge::Config,
    vault::{AskedBy, Live, Profile, covered_vehicles, life::Event},
};
use worker::Env;

use crate::smartcar;

/// Lists the vehicles of a connection anew: those that its user has connected with the owner's external id. Of one that was moved
/// from v2, where Smartcar need not have been told that id, all of that user's: it covers none but those that it was moved with.
pub(super) async fn list(
    env: &Env,
    config: &Config,
    profile: &Profile,
    live: &Live,
    mode: VehicleMode,
) -> Option<Vec<ListedConnection>> {
    let user_id = live.user_id.known()?;
    let external_id = live.external_id.as_ref().unwrap_or(&profile.external_id);
    let is_known = |one: &ListedConnection| live.vehicles().iter().any(|vehicle| vehicle.id == one.vehicle_id);
    let filter = ConnectionFilter {
        user_id: Some(user_id),
        external_id: live.moved().is_none().then(|| external_id.as_str()),
        vehicle_id: None,
        mode,
    };
    let listed = smartcar::connections(env, &config.origins.vehicle, &filter)
        .await
        .ok()?;
    if live.moved().is_some() {
        return Some(Ownership::of_user(listed, user_id));
    }
    Some(match Ownership::judge(listed, user_id, external_id) {
        Ownership::Confirmed(connected) => connected,
        // Of a user that was confirmed once: what the list does not name is not added, and nothing is lost either.
        Ownership::Unproven(connected) => connected.into_iter().filter(is_known).collect(),
        Ownership::NoSuchConnection => Vec::new(),
    })
}

/// What Smartcar's list says of a connection's vehicles, as events in this order.
pub(super) fn events(asked_by: AskedBy, listed: Option<Vec<ListedConnection>>) -> [Event; 2] {
    let known = listed.as_deref().map(covered_vehicles).unwrap_or_default();
    let described = known
        .iter()
        .filter_map(|vehicle| Some((vehicle.id.clone(), vehicle.description()?)));
    [
        Event::VehiclesListed {
            asked_by,
            vehicles: listed.map(|_| known.iter().map(|vehicle| vehicle.id.clone()).collect()),
        },
        Event::VehiclesDescribed {
            vehicles: described.collect(),
        },
    ]
}
