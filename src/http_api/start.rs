//! `POST /connect/start`.

use serde::{Deserialize, Serialize};

use super::schema::{Kind, Schema, field};
use crate::{
    connect::{ApplicationId, ExternalId},
    string_enum::string_enum,
    time::UnixMillis,
};

string_enum! {
    /// Whether the caller was known before.
    SessionOrigin {
        /// The answer opens a session: whether the browser keeps its cookie shows only when it is asked again.
        Started = "started",
        /// The request came with one.
        Resumed = "resumed",
    }
}

/// What is sent: which connection starts. The values are checked by their reader.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct StartRequest {
    /// The fingerprint of the state that the callback will bring.
    pub state_fingerprint: String,
    /// Where Connect sends the owner back to.
    pub redirect_uri: String,
}

impl StartRequest {
    /// The name of [`state_fingerprint`](Self::state_fingerprint) in JSON.
    pub const STATE_FINGERPRINT: &'static str = "stateFingerprint";

    /// The name of [`redirect_uri`](Self::redirect_uri) in JSON.
    pub const REDIRECT_URI: &'static str = "redirectUri";

    /// The fields by their names in JSON.
    #[must_use]
    pub fn fields(&self) -> [(&'static str, &str); 2] {
        [
            (Self::STATE_FINGERPRINT, &self.state_fingerprint),
            (Self::REDIRECT_URI, &self.redirect_uri),
        ]
    }
}

/// What is answered: what Connect has to be opened with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StartResponse {
    /// The application's id.
    pub application_id: ApplicationId,
    /// The origin on which Connect runs.
    pub connect_origin: String,
    /// What Smartcar is to know the owner by.
    pub external_id: ExternalId,
    /// When the connection can no longer be finished, by the Worker's clock.
    pub expires_at: UnixMillis,
    /// Whether the caller was known before.
    pub session: SessionOrigin,
}

/// The table of [`StartResponse`].
pub const START_RESPONSE: Schema = &[
    field("applicationId", Kind::Text),
    field("connectOrigin", Kind::Text),
    field("externalId", Kind::Text),
    field("expiresAt", Kind::Number),
    field("session", Kind::OneOf(SessionOrigin::NAMES)),
];
