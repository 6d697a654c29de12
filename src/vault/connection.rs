//! A connection as its owner sees it.

use crate::{
    connect::{ConnectionId, VehicleId},
    http_api::{Cause, Connection, ConnectionStatus, ListedVehicle},
    time::UnixMillis,
    vault::{GrantRecord, Health},
};

/// What the owner sees of a record; `None` if there is nothing (left) to see.
#[must_use]
pub fn connection(id: &ConnectionId, record: &GrantRecord, now: UnixMillis) -> Option<Connection> {
    let listed = |vehicles: &[VehicleId]| vehicles.iter().map(|id| ListedVehicle { id: id.clone() }).collect();
    match record {
        GrantRecord::Live(grant) => {
            let (status, cause, since) = match grant.health {
                _ if now >= grant.tokens.refresh_expires_at => (
                    ConnectionStatus::ReconnectionRequired,
                    Some(Cause::RefreshTokenExpired),
                    grant.tokens.refresh_expires_at,
                ),
                Health::Well { since } => (ConnectionStatus::Active, None, since),
                Health::Unwell { cause, since, .. } => (ConnectionStatus::Degraded, Some(cause), since),
            };
            Some(Connection {
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
        } => Some(Connection {
            id: id.clone(),
            status: ConnectionStatus::ReconnectionRequired,
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

    fn seen(record: &GrantRecord, now: UnixMillis) -> (ConnectionStatus, Option<Cause>, UnixMillis) {
        let shown = connection(&id(), record, now).unwrap();
        assert_eq!(shown.vehicles.len(), 1);
        (shown.status, shown.cause, shown.since)
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
        let refused = Cause::RefreshTokenRefused;
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
            assert_eq!(connection(&id(), &record, NOW), None);
            assert!(record.vehicles().is_empty());
            assert_eq!(record.generation(), 3);
        }
    }

    #[test]
    fn neither_the_owner_nor_a_log_sees_a_token() {
        let record = GrantRecord::Live(grant(Health::Well { since: NOW }));
        let shown = connection(&id(), &record, NOW).unwrap();
        let json = serde_json::to_string(&shown).unwrap();
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
            assert_eq!(serde_json::to_value(cause).unwrap(), cause.as_str());
        }
    }
}
