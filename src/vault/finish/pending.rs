//! What is stored of a pending connection, and of the callback that has used it.

use base64ct::{Base64UrlUnpadded, Encoding as _};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::{
    api::ApiVersion,
    connect::{ATTEMPT_LIFETIME, Attempt, ConnectionId, normal_form, query_of},
    http_api::{Replaced, start::Asked},
    time::{Millis, UnixMillis},
    token::TokenError,
    vault::reconnect::Reconnecting,
};

/// An exchange of which nothing has been heard for so long died with its process.
const EXCHANGE_LOST_AFTER: Millis = Millis::from_secs(15);

/// What is stored of a pending connection until it expires.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PendingRecord {
    /// The pending connection.
    pub pending: Attempt,
    /// What the owner is asked for.
    #[serde(default, skip_serializing_if = "Asked::is_empty")]
    pub asked: Asked,
    /// Which of Smartcar's APIs the connection is made for.
    #[serde(default = "version_2", skip_serializing_if = "is_version_2")]
    pub version: ApiVersion,
    /// Which connection it mends, if it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reconnecting: Option<Reconnecting>,
    /// The callback that used its state, if one has.
    pub used: Option<Consumed>,
}

const fn version_2() -> ApiVersion {
    ApiVersion::V2
}

fn is_version_2(version: &ApiVersion) -> bool {
    *version == ApiVersion::V2
}

impl PendingRecord {
    /// When the record can be forgotten: after ten minutes, but not in the middle of an exchange.
    #[must_use]
    pub fn kept_until(&self, now: UnixMillis) -> UnixMillis {
        // No attempt was started later than now, whatever the clock said.
        let expires_at = self.pending.expires_at().min(now.after(ATTEMPT_LIFETIME));
        if self.is_being_exchanged() {
            expires_at.max(now.after(EXCHANGE_LOST_AFTER))
        } else {
            expires_at
        }
    }

    /// Whether a code is being exchanged, unless the process that did it died.
    #[must_use]
    pub fn is_being_exchanged(&self) -> bool {
        matches!(self.used, Some(Consumed { outcome: None, .. }))
    }
}

/// The one callback that a state was used by.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Consumed {
    /// Which callback it was.
    pub(super) digest: CallbackDigest,
    /// What came of it; `None` while the code is being exchanged, and forever if the process died meanwhile.
    pub(super) outcome: Option<ExchangeResult>,
    /// What the callback said, as the page is told it: without the code, and without a connection.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub(super) told: Value,
    /// What the new connection has changed of those that were made before.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) replaced: Vec<Replaced>,
}

/// Tells one callback from another: SHA-256 of its [normal form](normal_form).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CallbackDigest(String);

impl CallbackDigest {
    /// The digest of a callback, given as its URL, a path with a query, or the query.
    #[must_use]
    pub fn of(callback: &str) -> Self {
        let normal_form = normal_form(query_of(callback));
        Self(Base64UrlUnpadded::encode_string(&Sha256::digest(
            normal_form.as_bytes(),
        )))
    }

    /// The digest as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What came of a callback. The callback itself tells the rest, and a repeated finish brings it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ExchangeResult {
    /// A grant is kept under this id.
    Connected(ConnectionId),
    /// There was a grant, and no vehicle in it: nothing is kept.
    NoVehicles,
    /// The callback was about no new grant.
    NoNewGrant,
    /// The owner of this connection came back from the car's maker. Its tokens are kept.
    CameBack(ConnectionId),
    /// The code brought no tokens. It is never presented again: a code is used once (RFC 6749 section 4.1.2).
    ExchangeFailed(TokenError),
    /// The callback brought no authorization code: it was granted without one, or says nothing.
    CodeMissing,
    /// The callback brought no user id (v3): without it, whoever knows a state could take the cars of another who consented.
    UserIdMissing,
}

/// What is stored once the exchange has ended with `outcome`.
#[must_use]
pub fn concluded(exchanging: &PendingRecord, outcome: ExchangeResult) -> PendingRecord {
    concluded_with(exchanging, outcome, Vec::new())
}

/// As [`concluded`], and it is known what the new connection has `replaced`.
#[must_use]
pub fn concluded_with(exchanging: &PendingRecord, outcome: ExchangeResult, replaced: Vec<Replaced>) -> PendingRecord {
    let used = exchanging.used.clone().map(|used| Consumed {
        outcome: Some(outcome),
        replaced,
        ..used
    });
    PendingRecord {
        pending: exchanging.pending.clone(),
        asked: exchanging.asked.clone(),
        version: exchanging.version,
        reconnecting: exchanging.reconnecting.clone(),
        used,
    }
}
