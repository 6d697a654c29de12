//! What became of an attempt: `GET /connect/attempts/{fingerprint}`.

use super::{
    finish::{FAILURES, FINISHED},
    schema::{Kind, Schema, field},
};
use crate::string_enum::string_enum;

string_enum! {
    /// How far an attempt is.
    AttemptStatus {
        /// The Worker has heard of no callback. If the page has sent one, it did not arrive, or has yet to.
        Pending = "pending",
        /// The code is being exchanged.
        Exchanging = "exchanging",
        /// It is finished: there is an outcome.
        Finished = "finished",
    }
}

/// What is answered. An attempt that ended in a failure is answered with the problem that its finish was answered with.
#[cfg(feature = "edge")]
#[derive(Clone, Debug, serde::Serialize)]
pub struct AttemptResponse {
    /// How far it is.
    pub status: AttemptStatus,
    /// What its finish is answered with, once it is finished.
    #[serde(skip_serializing_if = "serde_json::Value::is_null")]
    pub outcome: serde_json::Value,
}

/// The table of an attempt.
pub const ATTEMPT_RESPONSE: Schema = &[
    field("status", Kind::OneOf(AttemptStatus::NAMES)),
    field("outcome", Kind::Variants(&[FINISHED, FAILURES])).optional(),
];
