//! What a finish is answered with.

use serde::Serialize;

use crate::{connect::Callback, vault::Connection};

/// The body of the answer to `POST /connect/finish`: what Connect reported, and the connection that it made or concerns.
///
/// `kind` is `connected` for a new grant; `reauthenticated` has a `connection` that may be `null`; every other kind is an
/// error of Connect's with its fields. Never a token, and never the code.
#[must_use]
pub fn finish_answer(callback: &Callback, connection: Option<&Connection>) -> String {
    let answer = match callback {
        Callback::Granted { virtual_key_url, .. } => Answer::Connected {
            virtual_key_url: virtual_key_url.as_deref(),
            connection,
        },
        Callback::Reauthenticated { vehicle_id, .. } => Answer::Reauthenticated {
            vehicle_id: vehicle_id.as_str(),
            connection,
        },
        _ => return serde_json::to_string(callback).unwrap_or_default(),
    };
    serde_json::to_string(&answer).unwrap_or_default()
}

#[derive(Serialize)]
#[serde(tag = "kind", rename_all = "snake_case", rename_all_fields = "camelCase")]
enum Answer<'a> {
    Connected {
        #[serde(skip_serializing_if = "Option::is_none")]
        virtual_key_url: Option<&'a str>,
        connection: Option<&'a Connection>,
    },
    Reauthenticated {
        vehicle_id: &'a str,
        connection: Option<&'a Connection>,
    },
}
