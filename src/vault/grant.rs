//! A grant and what is known of its health.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::{
    connect::VehicleId,
    secret::Secret,
    time::UnixMillis,
    token::{AccessToken, Failure, RefreshToken},
};

pub use crate::http_api::Cause;

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
