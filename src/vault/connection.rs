//! A connection as its owner sees it.

use crate::{
    connect::ConnectionId,
    http_api::{Cause, Connection, ConnectionStatus, ListedVehicle},
    time::UnixMillis,
    token::cycle::RefreshState,
    vault::{
        known_vehicle::KnownVehicle,
        mark::{Mark, MarkCause},
        record::{Live, Record},
    },
};

/// Whether a connection can be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Standing {
    /// Its status.
    pub(super) status: ConnectionStatus,
    /// Why the status is not active.
    pub(super) cause: Option<Cause>,
    /// When the status became what it is.
    pub(super) since: UnixMillis,
}

impl Standing {
    /// That of a connection that its owner sees.
    pub(super) fn of(record: &Record, now: UnixMillis) -> Option<Self> {
        let (status, cause, since) = match record {
            Record::Live(live) => of_live(live, now),
            Record::Ended(ended) => (ConnectionStatus::ReconnectionRequired, Some(ended.cause), ended.since),
            Record::Leaving(_) | Record::Closing(_) | Record::Tombstone(_) => return None,
        };
        Some(Self { status, cause, since })
    }
}

/// The mark whose mending comes first, and its vehicle.
pub(super) fn first_mark(live: &Live) -> Option<(&KnownVehicle, &Mark)> {
    let marked = live.vehicles().iter();
    let marked = marked.filter_map(|vehicle| Some((vehicle, vehicle.marks.first()?)));
    marked.min_by_key(|(_, mark)| (mark.complaint.cause != MarkCause::LogInFailed, mark.since))
}

/// Since when its owner is wanted.
fn wanted_since(live: &Live) -> Option<UnixMillis> {
    live.vehicles().iter().filter_map(|vehicle| vehicle.marks.since()).min()
}

fn of_live(live: &Live, now: UnixMillis) -> (ConnectionStatus, Option<Cause>, UnixMillis) {
    let tokens = live.owner_tokens();
    if let Some(over) = tokens.map(|tokens| tokens.pair.refresh_expires_at)
        && now >= over
    {
        let cause = Cause::RefreshTokenExpired;
        return (ConnectionStatus::ReconnectionRequired, Some(cause), over);
    }
    if let Some(since) = live.lost_since() {
        return (ConnectionStatus::ReconnectionRequired, Some(Cause::NoVehicles), since);
    }
    if let Some(since) = live.cannot_move_since() {
        let cause = Cause::CannotMigrate;
        return (ConnectionStatus::ReauthenticationRequired, Some(cause), since);
    }
    if let (Some((_, mark)), Some(since)) = (first_mark(live), wanted_since(live)) {
        let cause = mark.complaint.cause.cause();
        return (ConnectionStatus::ReauthenticationRequired, Some(cause), since);
    }
    match tokens.map(|tokens| tokens.refresh) {
        Some(RefreshState::Failing { cause, since, .. }) => (ConnectionStatus::Degraded, Some(cause), since),
        Some(RefreshState::Ok { since }) => (ConnectionStatus::Active, None, since),
        None => (ConnectionStatus::Active, None, live.connected_at),
    }
}

/// What the owner sees of a record; `None` if there is nothing (left) to see. `kept_until` is when everything of the owner is
/// given up, without another visit.
#[must_use]
pub fn connection(id: &ConnectionId, record: &Record, kept_until: UnixMillis, now: UnixMillis) -> Option<Connection> {
    let Standing { status, cause, since } = Standing::of(record, now)?;
    let tokens = record.live().and_then(Live::owner_tokens);
    let ids = record.vehicles().iter().map(|vehicle| vehicle.id.clone());
    Some(Connection {
        id: id.clone(),
        status,
        cause,
        since,
        vehicles: ids.map(|id| ListedVehicle { id }).collect(),
        vehicles_pending: record.live().is_some_and(Live::is_unlisted),
        api_version: record.live().map(|live| live.asked_by().version),
        connected_at: record.connected_at(),
        access_expires_at: tokens.map(|tokens| tokens.pair.access_expires_at),
        refresh_expires_at: match record {
            Record::Ended(ended) => ended.refresh_expires_at,
            _ => tokens.map(|tokens| tokens.pair.refresh_expires_at),
        },
        kept_until,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        api::{ApiVersion, VehicleMode},
        connect::{UserId, VehicleId},
        time::Millis,
        token::{
            AccessToken, RefreshToken,
            cycle::{OwnerTokens, TokenPair},
        },
        vault::{
            known_vehicle::Description,
            mark::Complaint,
            publication::KvCopy,
            record::{Access, Closing, Ended, Learned, Tombstone},
        },
    };

    const NOW: UnixMillis = UnixMillis::new(1_790_000_000_000);
    const KEPT_UNTIL: UnixMillis = UnixMillis::new(1_800_000_000_000);

    fn id() -> ConnectionId {
        ConnectionId::from_random([1; 16])
    }

    fn live(refresh: RefreshState) -> Live {
        Live {
            access: Access::Owner(OwnerTokens {
                generation: 3,
                pair: TokenPair {
                    access_token: AccessToken::new("hunter2".into()),
                    access_expires_at: NOW.after(Millis::from_hours(2)),
                    refresh_token: RefreshToken::new("hunter3".into()),
                    refresh_expires_at: NOW.after(Millis::from_days(60)),
                    refresh_issued_at: NOW,
                },
                attempt: None,
                refresh,
            }),
            user_id: Learned::Known(UserId::parse("u1").unwrap()),
            vehicles: Learned::Known(vec![KnownVehicle::new(VehicleId::parse("v1").unwrap())]),
            listed_at: NOW,
            empty_since: None,
            connected_at: NOW,
            external_id: None,
            not_moved: None,
            kv: SYNCED,
        }
    }

    const SYNCED: KvCopy = KvCopy::Synced {
        since: NOW,
        renew_at: None,
    };

    fn ended(cause: Cause) -> Record {
        Record::Ended(Ended {
            cause,
            since: NOW,
            generation: 3,
            user_id: None,
            vehicles: vec![KnownVehicle::new(VehicleId::parse("v1").unwrap())],
            connected_at: NOW,
            refresh_expires_at: Some(NOW.after(Millis::from_days(60))),
            external_id: None,
            kept: None,
            kv: SYNCED,
        })
    }

    #[test]
    fn an_owner_whom_smartcar_wants_to_log_in_again_is_told_so() {
        let car = |id: &str| KnownVehicle::new(VehicleId::parse(id).unwrap());
        let description = |is_wanted: bool| Description::Refused {
            name: "n".to_owned(),
            retry_after: None,
            complaint: is_wanted.then(|| Complaint::reported(MarkCause::LogInFailed)),
            is_missing: false,
        };
        let earlier = NOW.after(Millis::from_mins(1));
        let record = |vehicles| {
            Record::Live(Live {
                vehicles: Learned::Known(vehicles),
                ..live(RefreshState::Ok { since: NOW })
            })
        };
        let other = car("v1").described(&description(false), NOW);
        let shown = connection(&id(), &record(vec![other.clone()]), KEPT_UNTIL, NOW).unwrap();
        assert_eq!((shown.status, shown.cause), (ConnectionStatus::Active, None));
        let waiting = car("v2").described(&description(true), earlier);
        let shown = connection(&id(), &record(vec![other, waiting]), KEPT_UNTIL, earlier).unwrap();
        assert_eq!(
            (shown.status, shown.cause, shown.since),
            (
                ConnectionStatus::ReauthenticationRequired,
                Some(Cause::AuthenticationFailed),
                earlier
            )
        );
    }

    #[test]
    fn vehicles_that_are_not_known_yet_are_announced() {
        let unlisted = Live {
            vehicles: Learned::asking(NOW),
            ..live(RefreshState::Ok { since: NOW })
        };
        for (record, pending) in [
            (Record::Live(unlisted), true),
            (Record::Live(live(RefreshState::Ok { since: NOW })), false),
            (ended(Cause::InvalidGrant), false),
        ] {
            let shown = connection(&id(), &record, KEPT_UNTIL, NOW).unwrap();
            assert_eq!((shown.vehicles_pending, shown.vehicles.is_empty()), (pending, pending));
        }
    }

    #[test]
    fn it_says_by_which_version_its_cars_are_asked_as_long_as_they_are() {
        let owned = live(RefreshState::Ok { since: NOW });
        let moved = Live {
            access: Access::Application {
                mode: VehicleMode::Live,
                moved: None,
            },
            ..owned.clone()
        };
        for (record, version) in [
            (Record::Live(owned), Some(ApiVersion::V2)),
            (Record::Live(moved), Some(ApiVersion::V3)),
            (ended(Cause::InvalidGrant), None),
        ] {
            let shown = connection(&id(), &record, KEPT_UNTIL, NOW).unwrap();
            assert_eq!(shown.api_version, version, "{record:?}");
        }
    }

    #[test]
    fn what_has_ended_still_says_when_its_refresh_token_would_have() {
        let in_sixty_days = Some(NOW.after(Millis::from_days(60)));
        for record in [
            ended(Cause::InvalidGrant),
            Record::Live(live(RefreshState::Ok { since: NOW })),
        ] {
            let shown = connection(&id(), &record, KEPT_UNTIL, NOW).unwrap();
            assert_eq!(shown.refresh_expires_at, in_sixty_days, "{record:?}");
        }
    }

    fn seen(record: &Record, now: UnixMillis) -> (ConnectionStatus, Option<Cause>, UnixMillis) {
        let shown = connection(&id(), record, KEPT_UNTIL, now).unwrap();
        assert_eq!(shown.vehicles.len(), 1);
        (shown.status, shown.cause, shown.since)
    }

    #[test]
    fn each_record_has_its_status_cause_and_time() {
        let well = Record::Live(live(RefreshState::Ok { since: NOW }));
        let later = NOW.after(Millis::from_days(3));
        let failed_at = NOW.after(Millis::from_hours(2));
        let unwell = Record::Live(live(RefreshState::Failing {
            cause: Cause::TimedOut,
            since: failed_at,
            failures: 4,
            retry_at: later,
        }));
        let over = NOW.after(Millis::from_days(60));
        let expired = (
            ConnectionStatus::ReconnectionRequired,
            Some(Cause::RefreshTokenExpired),
            over,
        );
        assert_eq!(seen(&well, later), (ConnectionStatus::Active, None, NOW));
        assert_eq!(
            seen(&unwell, later),
            (ConnectionStatus::Degraded, Some(Cause::TimedOut), failed_at)
        );
        assert_eq!(seen(&well, over), expired, "before the alarm has noticed");
        assert_eq!(seen(&unwell, over), expired);
        let refused = Cause::InvalidGrant;
        assert_eq!(
            seen(&ended(refused), later),
            (ConnectionStatus::ReconnectionRequired, Some(refused), NOW)
        );
        let expired = Cause::RefreshTokenExpired;
        assert_eq!(
            seen(&ended(expired), later),
            (ConnectionStatus::ReconnectionRequired, Some(expired), NOW)
        );
    }

    #[test]
    fn the_owner_must_act_where_the_status_says_so() {
        let waiting = KnownVehicle::new(VehicleId::parse("v1").unwrap()).described(
            &Description::Refused {
                name: "n".to_owned(),
                retry_after: None,
                complaint: Some(Complaint::reported(MarkCause::MakerPermissionMissing)),
                is_missing: false,
            },
            NOW,
        );
        let well = RefreshState::Ok { since: NOW };
        let failing = RefreshState::Failing {
            cause: Cause::TimedOut,
            since: NOW,
            failures: 4,
            retry_at: NOW,
        };
        for (record, must_act) in [
            (Record::Live(live(well)), false),
            (Record::Live(live(failing)), false),
            (ended(Cause::InvalidGrant), true),
            (
                Record::Live(Live {
                    vehicles: Learned::Known(vec![waiting]),
                    ..live(failing)
                }),
                true,
            ),
        ] {
            let shown = connection(&id(), &record, KEPT_UNTIL, NOW).unwrap();
            assert_eq!(record.owner_must_act(), must_act, "{record:?}");
            assert_eq!(shown.status.owner_must_act(), must_act, "{record:?}");
        }
    }

    #[test]
    fn a_connection_that_is_closed_is_not_there() {
        let closing = |live: Option<Live>| {
            Record::Closing(Closing {
                live: live.map(Box::new),
                generation: 3,
                since: NOW,
                kv: SYNCED,
            })
        };
        let tombstone = Record::Tombstone(Tombstone {
            since: NOW,
            generation: 3,
            kv: SYNCED,
        });
        for record in [
            closing(None),
            closing(Some(live(RefreshState::Ok { since: NOW }))),
            tombstone,
        ] {
            assert_eq!(connection(&id(), &record, KEPT_UNTIL, NOW), None);
            assert!(record.vehicles().is_empty() && !record.owner_must_act());
            assert_eq!(record.generation(), 3);
        }
    }

    #[test]
    fn neither_the_owner_nor_a_log_sees_a_token() {
        let record = Record::Live(live(RefreshState::Ok { since: NOW }));
        let shown = connection(&id(), &record, KEPT_UNTIL, NOW).unwrap();
        let json = serde_json::to_string(&shown).unwrap();
        assert_eq!(
            json,
            "{\"id\":\"AQEBAQEBAQEBAQEBAQEBAQ\",\"status\":\"active\",\"cause\":null,\"since\":1790000000000,\
             \"vehicles\":[{\"id\":\"v1\"}],\"vehiclesPending\":false,\"apiVersion\":\"v2\",\"connectedAt\":1790000000000,\
             \"accessExpiresAt\":1790007200000,\"refreshExpiresAt\":1795184000000,\"keptUntil\":1800000000000}"
        );
        assert!(!format!("{record:?}").contains("hunter"));
    }

    #[test]
    fn what_is_stored_reads_back_and_holds_the_tokens_in_one_place_each() {
        let record = Record::Live(live(RefreshState::Ok { since: NOW }));
        let json = serde_json::to_string(&record).unwrap();
        assert_eq!(json.matches("hunter").count(), 2);
        let read: Record = serde_json::from_str(&json).unwrap();
        assert_eq!(serde_json::to_string(&read).unwrap(), json);
    }
}
