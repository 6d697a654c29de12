//! A pending connection in the vault, and what a finish does to it.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::ConnectionId;
use crate::{
    connect::{AuthorizationCode, Callback, PendingConnection, RedirectUri, StateError, UncheckedCallback},
    time::UnixMillis,
    token::Failure,
};

/// What is stored of a pending connection until it expires.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PendingRecord {
    /// The pending connection.
    pub pending: PendingConnection,
    /// The callback that used its state, if one has.
    pub used: Option<Used>,
}

/// The one callback that a state was used by.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Used {
    /// Which callback it was.
    digest: CallbackDigest,
    /// What came of it; `None` while the code is being exchanged, and for ever if the process died meanwhile.
    outcome: Option<FinishOutcome>,
}

/// Tells one callback from another: SHA-256 of its query.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CallbackDigest(String);

impl CallbackDigest {
    /// The digest of a callback's query string.
    #[must_use]
    pub fn of(query: &str) -> Self {
        Self(URL_SAFE_NO_PAD.encode(Sha256::digest(query.as_bytes())))
    }

    /// The digest as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What came of a finish. The callback itself tells the rest, and whoever repeats a finish brings it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FinishOutcome {
    /// A grant is kept under this id.
    Connected(ConnectionId),
    /// The callback was about no new grant.
    AsCalledBack,
    /// The code brought no tokens. It is never presented again: a code is used once (RFC 6749 section 4.1.2).
    ExchangeFailed(Failure),
    /// The callback brought no authorization code although it was granted.
    CodeMissing,
}

/// What a finish has to do next.
#[derive(Debug)]
pub enum FinishStep {
    /// Nothing: the state is no good.
    Refuse(StateError),
    /// Answer with what came of the same callback before.
    Replay {
        /// What came of it.
        outcome: FinishOutcome,
        /// What it said.
        callback: Callback,
    },
    /// Store the record, then answer.
    Conclude {
        /// What is stored.
        next: PendingRecord,
        /// What came of it.
        outcome: FinishOutcome,
        /// What it said.
        callback: Callback,
    },
    /// Store the record, then exchange the code. No other callback can use the state from here on. The same one gets here
    /// again only if the process died before it knew what came of the exchange.
    Exchange {
        /// What is stored.
        next: PendingRecord,
        /// The code to exchange.
        code: AuthorizationCode,
        /// The redirect URI to exchange it with.
        redirect_uri: RedirectUri,
    },
}

/// Finishing a pending connection.
#[derive(Debug)]
pub struct Finish;

impl Finish {
    /// Decides about a callback, given what is stored under its state's fingerprint.
    #[must_use]
    pub fn step(
        record: Option<&PendingRecord>,
        callback: UncheckedCallback,
        digest: &CallbackDigest,
        now: UnixMillis,
    ) -> FinishStep {
        let Some(record) = record else {
            return FinishStep::Refuse(StateError::Unknown);
        };
        let callback = match callback.verify(&record.pending, now) {
            Ok(callback) => callback,
            Err(error) => return FinishStep::Refuse(error),
        };
        match &record.used {
            Some(used) if used.digest != *digest => return FinishStep::Refuse(StateError::Used),
            Some(Used {
                outcome: Some(outcome), ..
            }) => {
                return FinishStep::Replay {
                    outcome: outcome.clone(),
                    callback,
                };
            }
            Some(Used { outcome: None, .. }) | None => {}
        }
        let used = |outcome| PendingRecord {
            pending: record.pending.clone(),
            used: Some(Used {
                digest: digest.clone(),
                outcome,
            }),
        };
        match &callback {
            Callback::Granted { code: Some(code), .. } => FinishStep::Exchange {
                next: used(None),
                code: code.clone(),
                redirect_uri: record.pending.redirect_uri().clone(),
            },
            Callback::Granted { code: None, .. } => {
                let outcome = FinishOutcome::CodeMissing;
                FinishStep::Conclude {
                    next: used(Some(outcome.clone())),
                    outcome,
                    callback,
                }
            }
            _ => {
                let outcome = FinishOutcome::AsCalledBack;
                FinishStep::Conclude {
                    next: used(Some(outcome.clone())),
                    outcome,
                    callback,
                }
            }
        }
    }

    /// What is stored once the exchange has ended with `outcome`.
    #[must_use]
    pub fn concluded(exchanging: &PendingRecord, outcome: FinishOutcome) -> PendingRecord {
        let used = exchanging.used.clone().map(|used| Used {
            outcome: Some(outcome),
            ..used
        });
        PendingRecord {
            pending: exchanging.pending.clone(),
            used,
        }
    }
}
