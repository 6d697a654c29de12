//! What became of an attempt, for whoever has no callback to show.

use serde_json::Value;

use crate::{
    connect::StateError,
    http_api::Replaced,
    time::UnixMillis,
    vault::finish::pending::{Consumed, ExchangeResult, PendingRecord},
};

/// What became of an attempt.
#[derive(Debug)]
pub enum Progress<'a> {
    /// No callback has come.
    Pending,
    /// The code is being exchanged, unless the process that did it died.
    Exchanging,
    /// It is finished.
    Finished {
        /// What the exchange came to.
        result: &'a ExchangeResult,
        /// What the callback said, as the page is told it, without a connection.
        told: &'a Value,
        /// What the new connection has changed of those that were made before.
        replaced: &'a [Replaced],
    },
}

/// What became of the attempt that is stored as `record`.
///
/// # Errors
/// [`StateError::Unknown`] if there is none, [`StateError::Expired`] if it can no longer be finished and was not.
pub fn progress(record: Option<&PendingRecord>, now: UnixMillis) -> Result<Progress<'_>, StateError> {
    let record = record.ok_or(StateError::Unknown)?;
    match &record.used {
        None if record.pending.is_expired(now) => Err(StateError::Expired),
        None => Ok(Progress::Pending),
        Some(Consumed { outcome: None, .. }) => Ok(Progress::Exchanging),
        Some(Consumed {
            outcome: Some(result),
            told,
            replaced,
            ..
        }) => Ok(Progress::Finished { result, told, replaced }),
    }
}
