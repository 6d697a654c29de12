//! What a callback comes to.

use crate::{
    api::{ApiVersion, VehicleMode},
    connect::{
        AuthorizationCode, Callback, ConnectionId, Difference, Mode, RedirectUri, StateError, UnverifiedCallback,
        UserId, VehicleId,
    },
    http_api::{FinishResponse, Replaced, reconnect::ReconnectFlow, start::Asked},
    time::UnixMillis,
    vault::finish::pending::{CallbackDigest, Consumed, ExchangeResult, PendingRecord},
};

/// What a finish has to do next.
#[derive(Debug)]
pub enum Step {
    /// Nothing: the state is no good.
    Refuse(StateError),
    /// Nothing: the callback came to another address than the redirect URI.
    OtherRedirectUri(Difference),
    /// Nothing: the callback is not the answer to what was started.
    Unexpected,
    /// Answer with what came of the same callback before.
    Replay {
        /// What the owner was asked for.
        asked: Asked,
        /// What the exchange came to the first time.
        outcome: ExchangeResult,
        /// What the new connection has changed of those that were made before.
        replaced: Vec<Replaced>,
        /// The callback, which is told along with the outcome.
        callback: Callback,
    },
    /// If the connection still covers the vehicle, store the record, then answer.
    ComeBack {
        /// The record with its outcome; durable before the answer.
        next: PendingRecord,
        /// The connection whose owner came back.
        connection_id: ConnectionId,
        /// The vehicle at whose maker the owner was.
        vehicle_id: VehicleId,
        /// The callback, which is told along with the outcome.
        callback: Callback,
    },
    /// Store the record, then answer.
    Conclude {
        /// The record with its outcome; durable before the answer.
        next: PendingRecord,
        /// What the page is told.
        outcome: ExchangeResult,
        /// The callback, which is told along with the outcome.
        callback: Callback,
    },
    /// Store the record, then exchange the code. No other callback can use the state from here on. The same one gets here
    /// again only if the process died before it knew what came of the exchange.
    Exchange {
        /// The record, marked as used; durable before the code is sent.
        next: PendingRecord,
        /// The code to exchange.
        code: AuthorizationCode,
        /// The redirect URI to exchange it with.
        redirect_uri: RedirectUri,
        /// What the callback said.
        callback: Callback,
    },
    /// Store the record, then ask Smartcar's list of connections whether this user has connected cars with the owner's external
    /// id (v3): the callback's word for it is the browser's. No other callback can use the state from here on. Nothing is used up
    /// by asking: while there is no clear answer, the same callback gets here again.
    Confirm {
        /// The record, marked as used; durable before Smartcar is asked.
        next: PendingRecord,
        /// The user whom the callback names.
        user_id: UserId,
        /// Which kind of cars the owner was shown.
        mode: VehicleMode,
        /// What the callback said.
        callback: Callback,
    },
}

/// Decides about a callback, given what is stored under its state's fingerprint. `given` is the callback as it was sent.
#[must_use]
pub fn step(
    record: Option<&PendingRecord>,
    callback: UnverifiedCallback,
    given: &str,
    digest: &CallbackDigest,
    now: UnixMillis,
) -> Step {
    let Some(record) = record else {
        return Step::Refuse(StateError::Unknown);
    };
    let callback = match callback.verify(&record.pending, now) {
        Ok(callback) => callback,
        Err(error) => return Step::Refuse(error),
    };
    if let Some(difference) = record.pending.redirect_uri().callback_difference(given) {
        return Step::OtherRedirectUri(difference);
    }
    match &record.used {
        Some(used) if used.digest != *digest => return Step::Refuse(StateError::Used),
        Some(Consumed {
            outcome: Some(outcome),
            replaced,
            ..
        }) => {
            return Step::Replay {
                asked: record.asked.clone(),
                outcome: outcome.clone(),
                replaced: replaced.clone(),
                callback,
            };
        }
        Some(Consumed { outcome: None, .. }) | None => {}
    }
    let told = serde_json::to_value(FinishResponse::new(&callback, None, &record.asked, &[])).unwrap_or_default();
    let used = |outcome| PendingRecord {
        pending: record.pending.clone(),
        asked: record.asked.clone(),
        version: record.version,
        reconnecting: record.reconnecting.clone(),
        used: Some(Consumed {
            digest: digest.clone(),
            outcome,
            told: told.clone(),
            replaced: Vec::new(),
        }),
    };
    let conclude = |outcome: ExchangeResult, callback| Step::Conclude {
        next: used(Some(outcome.clone())),
        outcome,
        callback,
    };
    // What comes back of a re-authentication is the vehicle that it was about, and of anything else never a vehicle.
    let awaited = record.reconnecting.as_ref();
    let awaited = awaited.filter(|awaited| awaited.flow == ReconnectFlow::Reauthenticate);
    match (&callback, record.version) {
        (Callback::Reauthenticated { vehicle_id, .. }, _) => match awaited {
            Some(awaited) if awaited.vehicle_id.as_ref() == Some(vehicle_id) => Step::ComeBack {
                next: used(Some(ExchangeResult::CameBack(awaited.connection_id.clone()))),
                connection_id: awaited.connection_id.clone(),
                vehicle_id: vehicle_id.clone(),
                callback,
            },
            _ => Step::Unexpected,
        },
        (Callback::Granted { .. }, _) if awaited.is_some() => Step::Unexpected,
        (
            Callback::Granted {
                user_id: Some(user_id), ..
            },
            ApiVersion::V3,
        ) => Step::Confirm {
            next: used(None),
            user_id: user_id.clone(),
            mode: shown(&record.asked),
            callback,
        },
        (Callback::Granted { user_id: None, .. } | Callback::Incomplete, ApiVersion::V3) => {
            conclude(ExchangeResult::UserIdMissing, callback)
        }
        (Callback::Granted { code: Some(code), .. }, ApiVersion::V2) => Step::Exchange {
            next: used(None),
            code: code.clone(),
            redirect_uri: record.pending.redirect_uri().clone(),
            callback,
        },
        (Callback::Granted { code: None, .. } | Callback::Incomplete, ApiVersion::V2) => {
            conclude(ExchangeResult::CodeMissing, callback)
        }
        (Callback::Failed { .. }, _) => conclude(ExchangeResult::NoNewGrant, callback),
    }
}

/// Which kind of cars the owner was shown in Connect.
fn shown(asked: &Asked) -> VehicleMode {
    match asked.mode {
        Some(Mode::Simulated | Mode::Test) => VehicleMode::Simulated,
        _ => VehicleMode::Live,
    }
}
