//! `POST /internal/import`: a grant whose refresh token the app's back end has kept so far. The answer is the
//! [`Connection`](super::Connection) that it became.

use core::fmt;

use serde::Deserialize;

/// What is sent. The values are checked by their reader.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ImportRequest {
    /// The newest refresh token of the grant.
    pub refresh_token: String,
    /// What the app gave Connect as `external_id`, if it did.
    pub external_id: Option<String>,
}

impl fmt::Debug for ImportRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}
