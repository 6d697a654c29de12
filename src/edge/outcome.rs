//! What a finish is answered with.

use serde_json::{Map, Value, json};

use crate::{connect::Callback, vault::Connection};

/// The body of the answer to `POST /connect/finish`: what Connect reported, and the connection that it made or concerns.
///
/// `kind` is `connected` for a new grant; `reauthenticated` has a `connection` that may be `null`; every other kind is an
/// error of Connect's with its fields. Never a token, and never the code.
#[must_use]
pub fn finish_answer(callback: &Callback, connection: Option<&Connection>) -> Value {
    let mut answer = match serde_json::to_value(callback) {
        Ok(Value::Object(fields)) => fields,
        _ => Map::new(),
    };
    match callback {
        Callback::Granted { .. } => {
            answer.insert("kind".into(), "connected".into());
            answer.insert("connection".into(), json!(connection));
            answer.remove("userId");
            answer.remove("externalId");
        }
        Callback::Reauthenticated { .. } => {
            answer.insert("connection".into(), json!(connection));
            answer.remove("externalId");
        }
        _ => {}
    }
    Value::Object(answer)
}
