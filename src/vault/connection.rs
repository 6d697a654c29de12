//! A connection as its owner sees it.

use serde::{Deserialize, Serialize};

use crate::{
    connect::{ConnectionId, VehicleId},
    time::UnixMillis,
    vault::{Cause, GrantRecord, Health},
};

/// A connection's status, as its owner sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Usable.
    Active,
    /// The latest refresh failed; still usable, or soon again.
    Degraded,
    /// Smartcar wants the owner to log in again at the car's maker; the tokens are kept. Nothing sets it yet.
    ReauthenticationRequired,
    /// The grant is over: the owner must connect again.
    ReconnectionRequired,
}

/// A vehicle as a connection lists it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListedVehicle {
    /// Smartcar's id.
    pub id: VehicleId,
}

/// A connection as its owner sees it: never a token. Times are milliseconds since the Unix epoch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Connection {
    /// Its id.
    pub id: ConnectionId,
    /// Its status.
    pub status: Status,
    /// Why the status is not `active`.
    pub cause: Option<Cause>,
    /// Since when the status is what it is.
    pub since: UnixMillis,
    /// Its vehicles.
    pub vehicles: Vec<ListedVehicle>,
    /// When the owner connected.
    pub connected_at: UnixMillis,
    /// When the access token expires; it is refreshed when needed.
    pub access_expires_at: Option<UnixMillis>,
    /// When the refresh token expires; it is renewed long before.
    pub refresh_expires_at: UnixMillis,
}

impl Connection {
    /// What the owner sees of a record; `None` if there is nothing (left) to see.
    #[must_use]
    pub fn of(id: &ConnectionId, record: &GrantRecord, now: UnixMillis) -> Option<Self> {
        let listed = |vehicles: &[VehicleId]| vehicles.iter().map(|id| ListedVehicle { id: id.clone() }).collect();
        match record {
            GrantRecord::Live(grant) => {
                let (status, cause, since) = match grant.health {
                    _ if now >= grant.tokens.refresh_expires_at => (
                        Status::ReconnectionRequired,
                        Some(Cause::RefreshTokenExpired),
                        grant.tokens.refresh_expires_at,
                    ),
                    Health::Well { since } => (Status::Active, None, since),
                    Health::Unwell { cause, since, .. } => (Status::Degraded, Some(cause), since),
                };
                Some(Self {
                    id: id.clone(),
                    status,
                    cause,
                    since,
                    vehicles: listed(grant.vehicles.ids()),
                    connected_at: grant.connected_at,
                    access_expires_at: Some(grant.tokens.access_expires_at),
                    refresh_expires_at: grant.tokens.refresh_expires_at,
                })
            }
            GrantRecord::Ended {
                cause,
                since,
                vehicles,
                connected_at,
                refresh_expires_at,
                ..
            } => Some(Self {
                id: id.clone(),
                status: Status::ReconnectionRequired,
                cause: Some(*cause),
                since: *since,
                vehicles: listed(vehicles),
                connected_at: *connected_at,
                access_expires_at: None,
                refresh_expires_at: *refresh_expires_at,
            }),
            GrantRecord::Closing { .. } | GrantRecord::Tombstone { .. } => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        time::Millis,
        token::{AccessToken, Failure, RefreshToken},
        vault::{Grant, Published, Tokens, Vehicles},
    };

    const NOW: UnixMillis = UnixMillis::new(1_790_000_000_000);

    fn id() -> ConnectionId {
        ConnectionId::from_random([1; 16])
    }

    fn grant(health: Health) -> Grant {
        Grant {
            generation: 3,
            tokens: Tokens {
                access_token: AccessToken::new("hunter2".into()),
                access_expires_at: NOW.after(Millis::from_hours(2)),
                refresh_token: RefreshToken::new("hunter3".into()),
                refresh_expires_at: NOW.after(Millis::from_days(60)),
                refresh_issued_at: NOW,
            },
            vehicles: Vehicles::Listed(vec![VehicleId::parse("v1").unwrap()]),
            connected_at: NOW,
            intent: None,
            health,
            published: Published::Current { since: NOW },
        }
    }

    fn ended(cause: Cause) -> GrantRecord {
        GrantRecord::Ended {
            cause,
            since: NOW,
            generation: 3,
            vehicles: vec![VehicleId::parse("v1").unwrap()],
            connected_at: NOW,
            refresh_expires_at: NOW.after(Millis::from_days(60)),
            published: Published::Current { since: NOW },
        }
    }

    fn seen(record: &GrantRecord, now: UnixMillis) -> (Status, Option<Cause>, UnixMillis) {
        let connection = Connection::of(&id(), record, now).unwrap();
        assert_eq!(connection.vehicles.len(), 1);
        (connection.status, connection.cause, connection.since)
    }

    #[test]
    fn each_record_has_its_status_cause_and_time() {
        let well = GrantRecord::Live(grant(Health::Well { since: NOW }));
        let later = NOW.after(Millis::from_days(3));
        let failed_at = NOW.after(Millis::from_hours(2));
        let unwell = GrantRecord::Live(grant(Health::Unwell {
            cause: Cause::TimedOut,
            since: failed_at,
            failures: 4,
            retry_at: later,
        }));
        let over = NOW.after(Millis::from_days(60));
        let expired = (Status::ReconnectionRequired, Some(Cause::RefreshTokenExpired), over);
        assert_eq!(seen(&well, later), (Status::Active, None, NOW));
        assert_eq!(
            seen(&unwell, later),
            (Status::Degraded, Some(Cause::TimedOut), failed_at)
        );
        assert_eq!(seen(&well, over), expired, "before the alarm has noticed");
        assert_eq!(seen(&unwell, over), expired);
        let refused = Cause::RefreshTokenRefused;
        assert_eq!(
            seen(&ended(refused), later),
            (Status::ReconnectionRequired, Some(refused), NOW)
        );
        let expired = Cause::RefreshTokenExpired;
        assert_eq!(
            seen(&ended(expired), later),
            (Status::ReconnectionRequired, Some(expired), NOW)
        );
    }

    #[test]
    fn a_connection_that_is_closed_is_not_there() {
        let closing = |grant: Option<Grant>| GrantRecord::Closing {
            grant: grant.map(Box::new),
            generation: 3,
            since: NOW,
            failures: 0,
            retry_at: NOW,
        };
        let tombstone = GrantRecord::Tombstone {
            since: NOW,
            generation: 3,
            sweep_at: None,
        };
        for record in [
            closing(None),
            closing(Some(grant(Health::Well { since: NOW }))),
            tombstone,
        ] {
            assert_eq!(Connection::of(&id(), &record, NOW), None);
            assert!(record.vehicles().is_empty());
            assert_eq!(record.generation(), 3);
        }
    }

    #[test]
    fn neither_the_owner_nor_a_log_sees_a_token() {
        let record = GrantRecord::Live(grant(Health::Well { since: NOW }));
        let connection = Connection::of(&id(), &record, NOW).unwrap();
        let json = serde_json::to_string(&connection).unwrap();
        assert_eq!(
            json,
            "{\"id\":\"AQEBAQEBAQEBAQEBAQEBAQ\",\"status\":\"active\",\"cause\":null,\"since\":1790000000000,\
             \"vehicles\":[{\"id\":\"v1\"}],\"connectedAt\":1790000000000,\"accessExpiresAt\":1790007200000,\
             \"refreshExpiresAt\":1795184000000}"
        );
        assert!(!format!("{record:?}").contains("hunter"));
    }

    #[test]
    fn what_is_stored_reads_back_and_holds_the_tokens_in_one_place_each() {
        let record = GrantRecord::Live(grant(Health::Well { since: NOW }));
        let json = serde_json::to_string(&record).unwrap();
        assert_eq!(json.matches("hunter").count(), 2);
        let read: GrantRecord = serde_json::from_str(&json).unwrap();
        assert_eq!(serde_json::to_string(&read).unwrap(), json);
    }

    #[test]
    fn a_cause_has_the_same_name_in_storage_and_in_answers() {
        for failure in [
            Failure::Refused,
            Failure::ClientRejected,
            Failure::RateLimited { retry_after: None },
            Failure::Unexplained,
            Failure::ServerError,
            Failure::TimedOut,
            Failure::ConnectionLost,
            Failure::Unreadable,
            Failure::Redirected,
        ] {
            let cause = Cause::from(failure);
            assert_eq!(serde_json::to_value(cause).unwrap(), cause.code());
        }
    }
}
