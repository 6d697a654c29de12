//! `POST /internal/token`: for the app's own back end, never for a browser.

use serde::{Deserialize, Serialize};

use super::schema::{Kind, Schema, field};
use crate::time::UnixMillis;

/// What is sent: whose token, and of which connection. The values are checked by their reader.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TokenRequestBody {
    /// The principal of an earlier answer.
    pub principal: Option<String>,
    /// The value of the owner's session cookie, in place of the principal.
    pub session: Option<String>,
    /// The connection.
    pub connection_id: Option<String>,
    /// A vehicle of the connection, in place of its id.
    pub vehicle_id: Option<String>,
    /// The access token that Smartcar has just refused.
    pub rejected_token: Option<String>,
}

/// What is answered.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TokenResponseBody<'a> {
    /// The access token.
    pub access_token: &'a str,
    /// When it expires.
    pub expires_at: UnixMillis,
    /// The connection that it belongs to.
    pub connection_id: &'a str,
    /// Whose it is.
    pub principal: &'a str,
}

/// The table of [`TokenResponseBody`].
pub const TOKEN_RESPONSE: Schema = &[
    field("accessToken", Kind::Text),
    field("expiresAt", Kind::Number),
    field("connectionId", Kind::Text),
    field("principal", Kind::Text),
];

impl core::fmt::Debug for TokenRequestBody {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("TokenRequestBody([redacted])")
    }
}

impl core::fmt::Debug for TokenResponseBody<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("TokenResponseBody([redacted])")
    }
}
