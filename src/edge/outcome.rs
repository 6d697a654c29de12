//! What a finish is answered with.

use crate::{
    connect::Callback,
    http_api::{Connection, FinishResponse, Replaced, start::Asked},
};

/// The body of the answer to `POST /connect/finish`.
#[must_use]
pub fn finish_answer(
    callback: &Callback,
    connection: Option<&Connection>,
    asked: &Asked,
    replaced: &[Replaced],
) -> String {
    serde_json::to_string(&FinishResponse::new(callback, connection, asked, replaced)).unwrap_or_default()
}
