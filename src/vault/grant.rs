//! A grant and what is known of its health.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::ConnectionId;
use crate::{
    connect::VehicleId,
    secret::Secret,
    time::UnixMillis,
    token::{AccessToken, Failure, RefreshToken},
};

/// The newest pair of tokens of a grant.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Tokens {
    /// For calls to the API.
    #[serde(serialize_with = "expose", deserialize_with = "take")]
    pub access_token: AccessToken,
    /// When the access token expires.
    pub access_expires_at: UnixMillis,
    /// For the next pair.
    #[serde(serialize_with = "expose", deserialize_with = "take")]
    pub refresh_token: RefreshToken,
    /// When the refresh token expires: 60 days after its issue.
    pub refresh_expires_at: UnixMillis,
    /// When this refresh token was issued, or honoured without being replaced.
    pub refresh_issued_at: UnixMillis,
}

/// Only a sealed record holds tokens: this is on no type but [`Tokens`].
fn expose<S: Serializer, T: Secret>(secret: &T, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(secret.as_exposed())
}

fn take<'de, D: Deserializer<'de>, T: Secret>(deserializer: D) -> Result<T, D::Error> {
    String::deserialize(deserializer).map(T::from_string)
}

/// What went wrong with a grant, or with its latest refresh.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// Smartcar no longer accepts the refresh token.
    RefreshTokenRefused,
    /// The refresh token's 60 days are over.
    RefreshTokenExpired,
    /// The token endpoint did not accept the application.
    ClientRejected,
    /// The token endpoint asked to wait.
    RateLimited,
    /// The token endpoint refused without saying whose fault it is.
    RefusedWithoutReason,
    /// The token endpoint answered 5xx.
    ServerError,
    /// No answer came in time.
    TimedOut,
    /// The connection broke.
    ConnectionLost,
    /// The answer could not be read.
    UnreadableResponse,
    /// The token endpoint redirected.
    Redirected,
}

impl Cause {
    /// The stable name.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::RefreshTokenRefused => "refresh_token_refused",
            Self::RefreshTokenExpired => "refresh_token_expired",
            Self::ClientRejected => "client_rejected",
            Self::RateLimited => "rate_limited",
            Self::RefusedWithoutReason => "refused_without_reason",
            Self::ServerError => "server_error",
            Self::TimedOut => "timed_out",
            Self::ConnectionLost => "connection_lost",
            Self::UnreadableResponse => "unreadable_response",
            Self::Redirected => "redirected",
        }
    }
}

impl From<Failure> for Cause {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Refused => Self::RefreshTokenRefused,
            Failure::ClientRejected => Self::ClientRejected,
            Failure::RateLimited { .. } => Self::RateLimited,
            Failure::Unexplained => Self::RefusedWithoutReason,
            Failure::ServerError => Self::ServerError,
            Failure::TimedOut => Self::TimedOut,
            Failure::ConnectionLost => Self::ConnectionLost,
            Failure::Unreadable => Self::UnreadableResponse,
            Failure::Redirected => Self::Redirected,
        }
    }
}

/// How the latest refresh went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Health {
    /// Well, since then.
    Well {
        /// Since when.
        since: UnixMillis,
    },
    /// It failed; the grant is kept and the refresh repeated.
    Unwell {
        /// Of the latest failure.
        cause: Cause,
        /// When the first of the failures in a row happened.
        since: UnixMillis,
        /// How many failed in a row.
        failures: u32,
        /// Not to be tried again before.
        retry_at: UnixMillis,
    },
}

/// That the refresh token was presented and no pair came of it yet. Written before the call: after a crash it says that
/// the token may be used up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Intent {
    /// When the latest call was made that may have used the token up: its grace ends no later than that much after this.
    pub latest: UnixMillis,
    /// While a call is under way: when an earlier one was made that may have used the token up as well.
    pub in_doubt: Option<UnixMillis>,
    /// How many calls were made in a row, each within the grace of the one before.
    pub calls: u32,
}

/// How far the copy in KV is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Published {
    /// KV was given what is stored.
    Current {
        /// When.
        since: UnixMillis,
    },
    /// KV has yet to be written.
    Owed {
        /// Since when.
        since: UnixMillis,
        /// How many writes failed.
        failures: u32,
        /// Not to be tried again before.
        retry_at: UnixMillis,
        /// Whether the record changed after a write of it may have begun: then the next one to end is not the last.
        changed: bool,
    },
}

/// Which vehicles a grant covers, as far as is known.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Vehicles {
    /// These.
    Listed(Vec<VehicleId>),
    /// Smartcar has not said so yet.
    Unlisted {
        /// How often it was asked in vain.
        failures: u32,
        /// Not to be asked again before.
        retry_at: UnixMillis,
    },
}

impl Vehicles {
    /// The vehicles that are known.
    #[must_use]
    pub fn ids(&self) -> &[VehicleId] {
        match self {
            Self::Listed(ids) => ids,
            Self::Unlisted { .. } => &[],
        }
    }
}

/// A grant that Smartcar honours, as far as is known.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Grant {
    /// Counts the pairs of tokens: a pair of a lower generation is never written over one of a higher.
    pub generation: u64,
    /// The newest pair.
    pub tokens: Tokens,
    /// The vehicles it covers.
    pub vehicles: Vehicles,
    /// When the owner connected.
    pub connected_at: UnixMillis,
    /// Whether a refresh is under way.
    pub intent: Option<Intent>,
    /// How the latest refresh went.
    pub health: Health,
    /// How far KV is.
    pub published: Published,
}

/// What is stored of a connection.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GrantRecord {
    /// A grant with tokens.
    Live(Grant),
    /// The owner has to connect again. The tokens are gone; what is left tells the owner which car it was.
    Ended {
        /// Why.
        cause: Cause,
        /// Since when.
        since: UnixMillis,
        /// The generation that ended.
        generation: u64,
        /// The vehicles it covered.
        vehicles: Vec<VehicleId>,
        /// When the owner had connected.
        connected_at: UnixMillis,
        /// When the refresh token expired or would have.
        refresh_expires_at: UnixMillis,
        /// Whether its record in KV has been deleted, or when to try again.
        published: Published,
    },
    /// Being disconnected: invisible to everyone already.
    Closing {
        /// The grant, until Smartcar has been told; `None` once it has, or need not or can't be.
        grant: Option<Box<Grant>>,
        /// The generation that is closed.
        generation: u64,
        /// When the disconnection was asked for.
        since: UnixMillis,
        /// Deletions in KV that failed.
        failures: u32,
        /// Not to be tried again before.
        retry_at: UnixMillis,
    },
    /// Disconnected. Kept for a while so that nothing late brings it back.
    Tombstone {
        /// Since when.
        since: UnixMillis,
        /// The generation that was closed.
        generation: u64,
        /// When the copy in KV is to be deleted once more, after every earlier write must have arrived; `None` once it
        /// was.
        sweep_at: Option<UnixMillis>,
    },
}

impl GrantRecord {
    /// The version of its content, which its sealed form is bound to.
    #[must_use]
    pub fn generation(&self) -> u64 {
        match self {
            Self::Live(grant) => grant.generation,
            Self::Ended { generation, .. } | Self::Closing { generation, .. } | Self::Tombstone { generation, .. } => {
                *generation
            }
        }
    }

    /// When the owner connected; of a closed connection, when it was closed.
    #[must_use]
    pub const fn connected_at(&self) -> UnixMillis {
        match self {
            Self::Live(grant) => grant.connected_at,
            Self::Ended { connected_at, .. } => *connected_at,
            Self::Closing { since, .. } | Self::Tombstone { since, .. } => *since,
        }
    }

    /// The vehicles of a connection that is there.
    #[must_use]
    pub fn vehicles(&self) -> &[VehicleId] {
        match self {
            Self::Live(grant) => grant.vehicles.ids(),
            Self::Ended { vehicles, .. } => vehicles,
            Self::Closing { .. } | Self::Tombstone { .. } => &[],
        }
    }
}

/// A connection's status, as its owner sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Usable.
    Active,
    /// The latest refresh failed; still usable, or soon again.
    Degraded,
    /// The owner must connect again.
    Reauthenticate,
    /// The refresh token's life is over: the owner must connect again.
    Expired,
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
                        Status::Expired,
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
                status: match cause {
                    Cause::RefreshTokenExpired => Status::Expired,
                    _ => Status::Reauthenticate,
                },
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
    use crate::time::Millis;

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
        let expired = (Status::Expired, Some(Cause::RefreshTokenExpired), over);
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
            (Status::Reauthenticate, Some(refused), NOW)
        );
        let expired = Cause::RefreshTokenExpired;
        assert_eq!(seen(&ended(expired), later), (Status::Expired, Some(expired), NOW));
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
