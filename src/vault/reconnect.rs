//! Which flow mends a connection.

use serde::{Deserialize, Serialize};

use crate::{
    connect::{ConnectionId, Origin, ReauthenticateUrl, VehicleId},
    http_api::{ConnectionStatus, reconnect::ReconnectFlow},
    time::UnixMillis,
    vault::{
        connection::{Standing, first_mark},
        known_vehicle::KnownVehicle,
        mark::MarkCause,
        record::{Live, Record},
    },
};

/// The make whose owners grant permissions in their account there.
const GRANTS_AT_THE_MAKER: &str = "TESLA";

/// The way back for an owner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WayBack {
    /// Which flow.
    pub flow: ReconnectFlow,
    /// The vehicle that it is about, if it is about one.
    pub vehicle_id: Option<VehicleId>,
    /// Where Smartcar itself sends the owner: on the origin of Connect.
    pub resolution_url: Option<String>,
    /// The permissions that are missing in the account at the maker.
    pub permissions: Vec<String>,
}

impl WayBack {
    const fn by(flow: ReconnectFlow) -> Self {
        Self {
            flow,
            vehicle_id: None,
            resolution_url: None,
            permissions: Vec::new(),
        }
    }
}

/// What an attempt is for that mends a connection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reconnecting {
    /// The connection.
    pub connection_id: ConnectionId,
    /// The flow.
    pub flow: ReconnectFlow,
    /// The vehicle whose owner is to log in again: no callback about another one counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vehicle_id: Option<VehicleId>,
}

/// Why there is no way back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoWayBack {
    /// There is no such connection, or it is being closed.
    NotFound,
    /// Its owner has nothing to mend.
    NothingToMend,
}

/// Which way leads back to the connection that is stored as `record`. Connect runs on `connect`.
///
/// A log-in goes before permissions: without one that works, none can be granted.
///
/// # Errors
/// Why there is none.
pub fn way_back(record: Option<&Record>, connect: &Origin, now: UnixMillis) -> Result<WayBack, NoWayBack> {
    let record = record.ok_or(NoWayBack::NotFound)?;
    let standing = Standing::of(record, now).ok_or(NoWayBack::NotFound)?;
    if standing.status == ConnectionStatus::ReconnectionRequired {
        return Ok(WayBack::by(ReconnectFlow::NewConnection));
    }
    // Another consent mends whatever else there is.
    if record.live().is_some_and(|live| live.cannot_move_since().is_some()) {
        return Ok(WayBack::by(ReconnectFlow::NewConnection));
    }
    let (vehicle, mark) = record.live().and_then(first_mark).ok_or(NoWayBack::NothingToMend)?;
    let complaint = &mark.complaint;
    Ok(match complaint.cause {
        MarkCause::LogInFailed => WayBack {
            vehicle_id: Some(vehicle.id.clone()),
            // The setting may be another one than when it was kept.
            resolution_url: complaint
                .resolution_url
                .clone()
                .filter(|url| ReauthenticateUrl::is_resolution(connect, url, &vehicle.id)),
            ..WayBack::by(ReconnectFlow::Reauthenticate)
        },
        MarkCause::PermissionMissing => WayBack::by(ReconnectFlow::MorePermissions),
        MarkCause::MakerPermissionMissing => at_the_maker(vehicle),
    })
}

/// Where the account at the maker lacks permissions: of which makes Connect can have them granted there, and which they are, is
/// known of one make and of passed-on requests alone.
fn at_the_maker(vehicle: &KnownVehicle) -> WayBack {
    let make = vehicle.attributes.as_ref().and_then(|known| known.make.as_deref());
    let marks = vehicle.marks.wanted.iter().map(|mark| &mark.complaint);
    let marks = marks.filter(|complaint| complaint.cause == MarkCause::MakerPermissionMissing);
    let permissions: Vec<String> = marks.filter_map(|complaint| complaint.permission.clone()).collect();
    if make.is_some_and(|make| make.eq_ignore_ascii_case(GRANTS_AT_THE_MAKER)) && !permissions.is_empty() {
        WayBack {
            permissions,
            ..WayBack::by(ReconnectFlow::TeslaPermissions)
        }
    } else {
        WayBack::by(ReconnectFlow::MorePermissions)
    }
}

/// Whether the owner of a vehicle can come back to the connection that is stored as `record`: its tokens are there, and it covers
/// the vehicle.
#[must_use]
pub fn can_come_back(record: Option<&Record>, vehicle: &VehicleId, now: UnixMillis) -> bool {
    let Some(record) = record else { return false };
    let is_over =
        Standing::of(record, now).is_none_or(|standing| standing.status == ConnectionStatus::ReconnectionRequired);
    let covers = |live: &Live| live.vehicles().iter().any(|known| known.id == *vehicle);
    !is_over && record.live().is_some_and(covers)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        api::VehicleAttributes,
        http_api::Cause,
        time::Millis,
        token::{AccessToken, RefreshToken, TokenSet},
        vault::{Closing, Ended, KvCopy, Learned, Tombstone, mark::Complaint},
    };

    const NOW: UnixMillis = UnixMillis::new(1_790_000_000_000);
    const URL: &str = "https://connect.smartcar.com/oauth/reauthenticate?response_type=vehicle_id&vehicle_id=v1";

    fn complaint(cause: MarkCause, permission: Option<&str>, url: Option<&str>) -> Complaint {
        Complaint {
            cause,
            permission: permission.map(str::to_owned),
            resolution_url: url.map(str::to_owned),
        }
    }

    fn car(id: &str, make: Option<&str>, complaints: &[Complaint]) -> KnownVehicle {
        let mut car = KnownVehicle::new(VehicleId::parse(id).unwrap());
        car.attributes = make.map(|make| VehicleAttributes {
            make: Some(make.to_owned()),
            ..VehicleAttributes::default()
        });
        for complaint in complaints {
            car.marks = car.marks.with(complaint, NOW);
        }
        car
    }

    fn live(vehicles: Vec<KnownVehicle>) -> Record {
        let tokens = TokenSet {
            access_token: AccessToken::new("a".into()),
            access_expires_at: NOW.after(Millis::from_hours(2)),
            refresh_token: None,
        };
        Record::Live(Live {
            vehicles: Learned::Known(vehicles),
            ..Live::granted(tokens, RefreshToken::new("r".into()), NOW)
        })
    }

    fn ended() -> Record {
        Record::Ended(Ended {
            cause: Cause::InvalidGrant,
            since: NOW,
            generation: 1,
            user_id: None,
            vehicles: vec![car("v1", None, &[])],
            connected_at: NOW,
            refresh_expires_at: None,
            external_id: None,
            kept: None,
            kv: KvCopy::dirty(NOW),
        })
    }

    fn over() -> Vec<Option<Record>> {
        vec![
            None,
            Some(Record::Closing(Closing {
                live: None,
                generation: 1,
                since: NOW,
                kv: KvCopy::dirty(NOW),
            })),
            Some(Record::Tombstone(Tombstone {
                since: NOW,
                generation: 1,
                kv: KvCopy::dirty(NOW),
            })),
        ]
    }

    fn way(vehicles: Vec<KnownVehicle>) -> Result<WayBack, NoWayBack> {
        way_back(Some(&live(vehicles)), &Origin::connect(), NOW)
    }

    #[test]
    fn a_log_in_that_failed_is_mended_where_smartcar_says_so() {
        let failed = complaint(MarkCause::LogInFailed, Some("read_odometer"), Some(URL));
        let way_there = way(vec![
            car("v2", None, &[]),
            car("v1", None, std::slice::from_ref(&failed)),
        ])
        .unwrap();
        assert_eq!(way_there.flow, ReconnectFlow::Reauthenticate);
        assert_eq!(way_there.vehicle_id, Some(VehicleId::parse("v1").unwrap()));
        assert_eq!(way_there.resolution_url.as_deref(), Some(URL));
        let elsewhere = Origin::parse("https://connect.example").unwrap();
        let moved = way_back(Some(&live(vec![car("v1", None, &[failed])])), &elsewhere, NOW).unwrap();
        assert_eq!(moved.resolution_url, None, "Connect has another origin by now");
        let none = complaint(MarkCause::LogInFailed, None, None);
        assert_eq!(way(vec![car("v1", None, &[none])]).unwrap().resolution_url, None);
    }

    #[test]
    fn permissions_are_granted_where_they_are_missing() {
        let here = complaint(MarkCause::PermissionMissing, Some("read_vin"), None);
        let maker = complaint(MarkCause::MakerPermissionMissing, Some("read_location"), None);
        let also = complaint(MarkCause::MakerPermissionMissing, Some("control_charge"), None);
        let nameless = complaint(MarkCause::MakerPermissionMissing, None, None);
        let flow = |make, complaints: &[Complaint]| way(vec![car("v1", make, complaints)]).unwrap().flow;
        assert_eq!(
            flow(Some("TESLA"), std::slice::from_ref(&here)),
            ReconnectFlow::MorePermissions
        );
        assert_eq!(
            flow(Some("BMW"), std::slice::from_ref(&maker)),
            ReconnectFlow::MorePermissions
        );
        assert_eq!(flow(None, std::slice::from_ref(&maker)), ReconnectFlow::MorePermissions);
        assert_eq!(flow(Some("TESLA"), &[nameless]), ReconnectFlow::MorePermissions);
        let tesla = way(vec![car("v1", Some("tesla"), &[maker, also, here])]).unwrap();
        assert_eq!(tesla.flow, ReconnectFlow::TeslaPermissions);
        assert_eq!(tesla.permissions, ["read_location", "control_charge"]);
        assert_eq!(tesla.vehicle_id, None);
    }

    #[test]
    fn a_log_in_goes_before_permissions_whatever_the_car() {
        let here = complaint(MarkCause::PermissionMissing, Some("read_vin"), None);
        let failed = complaint(MarkCause::LogInFailed, None, None);
        let way = way(vec![car("v1", None, &[here]), car("v2", None, &[failed])]).unwrap();
        assert_eq!(way.vehicle_id, Some(VehicleId::parse("v2").unwrap()));
    }

    #[test]
    fn where_the_grant_is_over_the_owner_connects_again() {
        let failed = complaint(MarkCause::LogInFailed, None, Some(URL));
        let in_sixty_days = NOW.after(Millis::from_days(60));
        let expired = live(vec![car("v1", None, &[failed])]);
        for (record, now) in [(ended(), NOW), (expired, in_sixty_days)] {
            let way = way_back(Some(&record), &Origin::connect(), now).unwrap();
            assert_eq!(way, WayBack::by(ReconnectFlow::NewConnection));
            assert!(!can_come_back(Some(&record), &VehicleId::parse("v1").unwrap(), now));
        }
    }

    #[test]
    fn what_is_well_or_gone_has_no_way_back() {
        assert_eq!(way(vec![car("v1", None, &[])]), Err(NoWayBack::NothingToMend));
        assert_eq!(way(Vec::new()), Err(NoWayBack::NothingToMend));
        for record in over() {
            let way = way_back(record.as_ref(), &Origin::connect(), NOW);
            assert_eq!(way, Err(NoWayBack::NotFound));
        }
    }

    #[test]
    fn an_owner_comes_back_to_a_car_that_the_connection_still_covers() {
        let record = live(vec![car("v1", None, &[])]);
        let vehicle = |id: &str| VehicleId::parse(id).unwrap();
        assert!(
            can_come_back(Some(&record), &vehicle("v1"), NOW),
            "also if it is well by now"
        );
        assert!(!can_come_back(Some(&record), &vehicle("v2"), NOW));
        for record in over() {
            assert!(!can_come_back(record.as_ref(), &vehicle("v1"), NOW));
        }
    }
}
