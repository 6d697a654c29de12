//! `POST /connect/start`.

use serde::{Deserialize, Serialize};

use super::schema::{Field, Kind, Schema, field};
use crate::{
    connect::{ApplicationId, ExternalId, InvalidParameter, Mode, Scope},
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
    /// The permissions that the owner is asked for, with a space between; without it those of the dashboard.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
    /// Which vehicles the owner is shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<String>,
}

impl StartRequest {
    /// The name of [`state_fingerprint`](Self::state_fingerprint) in JSON.
    pub const STATE_FINGERPRINT: &'static str = "stateFingerprint";

    /// The name of [`redirect_uri`](Self::redirect_uri) in JSON.
    pub const REDIRECT_URI: &'static str = "redirectUri";

    /// The fields by their names in JSON.
    #[must_use]
    pub fn fields(&self) -> Vec<(&'static str, &str)> {
        let mut fields = vec![
            (Self::STATE_FINGERPRINT, self.state_fingerprint.as_str()),
            (Self::REDIRECT_URI, &self.redirect_uri),
        ];
        let asked = [(SCOPE.name, &self.scope), (MODE.name, &self.mode)];
        fields.extend(
            asked
                .into_iter()
                .filter_map(|(name, value)| Some((name, value.as_deref()?))),
        );
        fields
    }

    /// What the owner is asked for.
    ///
    /// # Errors
    /// Names `scope` or `mode`, if it is not what Connect takes.
    pub fn asked(&self) -> Result<Asked, InvalidParameter> {
        for scope in self.scope.iter().flat_map(|scope| scope.split(' ')) {
            Scope::parse(scope).map_err(|error| error.in_field(SCOPE.name))?;
        }
        let mode = self.mode.as_deref().map(Mode::parse).transpose();
        Ok(Asked {
            scope: self.scope.clone(),
            mode: mode.map_err(|error| error.in_field(MODE.name))?,
        })
    }
}

/// What the owner is asked for in Connect, as far as the Worker is told. It is kept with the attempt, and told with its outcome.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asked {
    /// The permissions, with a space between; without it those of the dashboard.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
    /// Which vehicles the owner is shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<Mode>,
}

impl Asked {
    /// Whether there is nothing to tell.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.scope.is_none() && self.mode.is_none()
    }
}

const SCOPE: Field = field("scope", Kind::Text).optional();
const MODE: Field = field("mode", Kind::OneOf(Mode::NAMES)).optional();

/// The table of [`Asked`].
pub const ASKED: Schema = &[SCOPE, MODE];

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

#[cfg(test)]
mod tests {
    use super::*;

    fn request(scope: Option<&str>, mode: Option<&str>) -> StartRequest {
        StartRequest {
            state_fingerprint: "f".to_owned(),
            redirect_uri: "r".to_owned(),
            scope: scope.map(str::to_owned),
            mode: mode.map(str::to_owned),
        }
    }

    #[test]
    fn what_is_asked_for_is_what_connect_takes() {
        assert!(request(None, None).asked().unwrap().is_empty());
        let asked = request(Some("required:read_vin read_odometer"), Some("simulated")).asked();
        let expected = Asked {
            scope: Some("required:read_vin read_odometer".to_owned()),
            mode: Some(Mode::Simulated),
        };
        assert_eq!(asked.unwrap(), expected);
        for (scope, mode, field) in [
            (Some(""), None, "scope"),
            (Some("read_vin  read_odometer"), None, "scope"),
            (Some("required:"), None, "scope"),
            (Some("a\nb"), None, "scope"),
            (None, Some("Live"), "mode"),
            (Some("read_vin"), Some(""), "mode"),
        ] {
            assert_eq!(
                request(scope, mode).asked().unwrap_err().field(),
                field,
                "{scope:?} {mode:?}"
            );
        }
    }
}
