//! Errors for people and programs: `application/problem+json` (RFC 9457).

use serde::{Deserialize, Serialize};

use crate::{
    connect::{CallbackError, InvalidParameter, StateError},
    time::Millis,
};

/// Every kind of error that the Worker answers with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(into = "u8", try_from = "u8")]
pub enum ProblemCode {
    /// A setting of the Worker is missing or unusable.
    Misconfigured,
    /// No such path.
    NotFound,
    /// The path exists, the method does not.
    MethodNotAllowed,
    /// The request comes from an origin that is not allowed.
    OriginNotAllowed,
    /// The header `X-Requested-With: smartcar-connect` is missing.
    HeaderMissing,
    /// The body is not `application/json`.
    UnsupportedMediaType,
    /// The body is longer than 16 KiB.
    BodyTooLarge,
    /// The body is not JSON of the documented form.
    InvalidBody,
    /// A parameter was refused.
    InvalidParameter,
    /// The caller has no session, or it has ended.
    SessionMissing,
    /// The callback has no state.
    StateMissing,
    /// The state is not one of the caller's.
    StateUnknown,
    /// The connection was started too long ago.
    StateExpired,
    /// The state was used by another callback.
    StateUsed,
    /// The callback has a parameter twice.
    CallbackRepeatedParameter,
    /// The callback has no parameters.
    CallbackEmpty,
    /// The callback can't be read.
    CallbackMalformed,
    /// The callback is too long.
    CallbackTooLong,
    /// The callback belongs to another redirect URI.
    CallbackOtherRedirectUri,
    /// Access was granted, but no authorization code came with it.
    CodeMissing,
    /// Smartcar refused the authorization code.
    ExchangeRefused,
    /// Smartcar does not accept the application's id and secret.
    ClientRejected,
    /// Smartcar can't be reached or fails.
    UpstreamUnavailable,
    /// There is no such connection of the caller's.
    ConnectionNotFound,
    /// The owner has to connect again.
    ReconnectionRequired,
    /// The service key is missing or wrong.
    ServiceKeyRejected,
    /// Storage failed.
    StorageUnavailable,
}

impl ProblemCode {
    /// Every code, for documentation and tests.
    pub const ALL: [Self; 27] = [
        Self::Misconfigured,
        Self::NotFound,
        Self::MethodNotAllowed,
        Self::OriginNotAllowed,
        Self::HeaderMissing,
        Self::UnsupportedMediaType,
        Self::BodyTooLarge,
        Self::InvalidBody,
        Self::InvalidParameter,
        Self::SessionMissing,
        Self::StateMissing,
        Self::StateUnknown,
        Self::StateExpired,
        Self::StateUsed,
        Self::CallbackRepeatedParameter,
        Self::CallbackEmpty,
        Self::CallbackMalformed,
        Self::CallbackTooLong,
        Self::CallbackOtherRedirectUri,
        Self::CodeMissing,
        Self::ExchangeRefused,
        Self::ClientRejected,
        Self::UpstreamUnavailable,
        Self::ConnectionNotFound,
        Self::ReconnectionRequired,
        Self::ServiceKeyRejected,
        Self::StorageUnavailable,
    ];

    /// The stable name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        self.facts().0
    }

    /// The HTTP status.
    #[must_use]
    pub const fn status(self) -> u16 {
        self.facts().1
    }

    /// One line for people.
    #[must_use]
    pub const fn title(self) -> &'static str {
        self.facts().2
    }

    const fn facts(self) -> (&'static str, u16, &'static str) {
        match self {
            Self::Misconfigured => ("misconfigured", 503, "The Worker is not set up"),
            Self::NotFound => ("not_found", 404, "There is nothing at this address"),
            Self::MethodNotAllowed => ("method_not_allowed", 405, "This address does not take this method"),
            Self::OriginNotAllowed => ("origin_not_allowed", 403, "Requests from this origin are not allowed"),
            Self::HeaderMissing => ("header_missing", 403, "A required header is missing"),
            Self::UnsupportedMediaType => ("unsupported_media_type", 415, "The body is not JSON"),
            Self::BodyTooLarge => ("body_too_large", 413, "The body is too large"),
            Self::InvalidBody => ("invalid_body", 400, "The body can't be read"),
            Self::InvalidParameter => ("invalid_parameter", 400, "A parameter is not acceptable"),
            Self::SessionMissing => ("session_missing", 401, "There is no session"),
            Self::StateMissing => ("state_missing", 400, "The callback has no state"),
            Self::StateUnknown => ("state_unknown", 403, "The connection was not started here"),
            Self::StateExpired => ("state_expired", 410, "The connection took too long"),
            Self::StateUsed => ("state_used", 409, "The connection is already finished"),
            Self::CallbackRepeatedParameter => {
                ("callback_repeated_parameter", 400, "The callback has a parameter twice")
            }
            Self::CallbackEmpty => ("callback_empty", 400, "The callback has no parameters"),
            Self::CallbackMalformed => ("callback_malformed", 400, "The callback can't be read"),
            Self::CallbackTooLong => ("callback_too_long", 400, "The callback is too long"),
            Self::CallbackOtherRedirectUri => (
                "callback_other_redirect_uri",
                400,
                "The callback belongs to another redirect URI",
            ),
            Self::CodeMissing => ("code_missing", 502, "Smartcar sent no authorization code"),
            Self::ExchangeRefused => ("exchange_refused", 502, "Smartcar refused the authorization code"),
            Self::ClientRejected => ("client_rejected", 502, "Smartcar does not accept the application"),
            Self::UpstreamUnavailable => ("upstream_unavailable", 503, "Smartcar can't be reached at the moment"),
            Self::ConnectionNotFound => ("connection_not_found", 404, "There is no such connection"),
            Self::ReconnectionRequired => ("reconnection_required", 409, "The owner has to connect the car again"),
            Self::ServiceKeyRejected => ("service_key_rejected", 401, "The service key is missing or wrong"),
            Self::StorageUnavailable => ("storage_unavailable", 503, "Storage can't be reached at the moment"),
        }
    }
}

/// Between the Worker and its Durable Object a code is its place in [`ProblemCode::ALL`].
impl From<ProblemCode> for u8 {
    fn from(code: ProblemCode) -> Self {
        code as Self
    }
}

impl TryFrom<u8> for ProblemCode {
    type Error = &'static str;

    fn try_from(place: u8) -> Result<Self, Self::Error> {
        Self::ALL.get(usize::from(place)).copied().ok_or("no such problem")
    }
}

/// An error to answer with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// What kind.
    pub code: ProblemCode,
    /// What was wrong and what to do about it.
    pub detail: String,
    /// The parameter, setting or header that it is about.
    pub field: Option<String>,
    /// When to try again.
    pub retry_after: Option<Millis>,
}

impl Problem {
    /// A problem of this kind.
    #[must_use]
    pub fn new(code: ProblemCode, detail: impl Into<String>) -> Self {
        Self {
            code,
            detail: detail.into(),
            field: None,
            retry_after: None,
        }
    }

    /// The caller has no such connection. Whether somebody else has one is not told.
    #[must_use]
    pub fn connection_not_found() -> Self {
        Self::new(
            ProblemCode::ConnectionNotFound,
            "the connection does not exist or is not the caller's",
        )
    }

    /// The same, about this field.
    #[must_use]
    pub fn with_field(self, field: impl Into<String>) -> Self {
        Self {
            field: Some(field.into()),
            ..self
        }
    }

    /// The same, to be tried again after this span.
    #[must_use]
    pub fn with_retry_after(self, retry_after: Millis) -> Self {
        Self {
            retry_after: Some(retry_after),
            ..self
        }
    }

    /// `Retry-After` in seconds, at least one.
    #[must_use]
    pub fn retry_after_secs(&self) -> Option<u64> {
        self.retry_after.map(|span| span.as_millis().div_ceil(1_000).max(1))
    }

    /// The body of the answer.
    #[must_use]
    pub fn to_json(&self, request_id: &str) -> String {
        #[derive(Serialize)]
        #[serde(rename_all = "camelCase")]
        struct Body<'a> {
            r#type: String,
            title: &'static str,
            status: u16,
            code: &'static str,
            detail: &'a str,
            request_id: &'a str,
            #[serde(skip_serializing_if = "Option::is_none")]
            field: Option<&'a str>,
            #[serde(skip_serializing_if = "Option::is_none")]
            retry_after: Option<u64>,
        }
        let body = Body {
            r#type: ["urn:smartcar-connect:problem:", self.code.as_str()].concat(),
            title: self.code.title(),
            status: self.code.status(),
            code: self.code.as_str(),
            detail: &self.detail,
            request_id,
            field: self.field.as_deref(),
            retry_after: self.retry_after_secs(),
        };
        serde_json::to_string(&body).unwrap_or_default()
    }
}

impl From<InvalidParameter> for Problem {
    fn from(error: InvalidParameter) -> Self {
        Self::new(ProblemCode::InvalidParameter, error.to_string()).with_field(error.field())
    }
}

impl From<StateError> for Problem {
    fn from(error: StateError) -> Self {
        let code = match error {
            StateError::Missing => ProblemCode::StateMissing,
            StateError::Unknown => ProblemCode::StateUnknown,
            StateError::Expired => ProblemCode::StateExpired,
            StateError::Used => ProblemCode::StateUsed,
        };
        Self::new(code, error.to_string())
    }
}

impl From<CallbackError> for Problem {
    fn from(error: CallbackError) -> Self {
        let code = match error {
            CallbackError::RepeatedParameter { .. } => ProblemCode::CallbackRepeatedParameter,
            CallbackError::NoParameters => ProblemCode::CallbackEmpty,
            CallbackError::TooLong => ProblemCode::CallbackTooLong,
            CallbackError::OtherRedirectUri => ProblemCode::CallbackOtherRedirectUri,
            CallbackError::Malformed { .. } => ProblemCode::CallbackMalformed,
        };
        Self::new(code, error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_its_own_name_and_an_error_status() {
        let mut names: Vec<&str> = ProblemCode::ALL.iter().map(|code| code.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), ProblemCode::ALL.len());
        for code in ProblemCode::ALL {
            assert!((400..=599).contains(&code.status()) && code.status() != 500, "{code:?}");
            assert_eq!(ProblemCode::try_from(u8::from(code)), Ok(code));
        }
    }

    #[test]
    fn a_problem_says_what_to_do_and_when() {
        let problem = Problem::new(ProblemCode::UpstreamUnavailable, "try again")
            .with_field("code")
            .with_retry_after(Millis::new(1));
        let body: serde_json::Value = serde_json::from_str(&problem.to_json("r1")).unwrap();
        assert_eq!(
            body,
            serde_json::json!({
                "type": "urn:smartcar-connect:problem:upstream_unavailable",
                "title": "Smartcar can't be reached at the moment",
                "status": 503,
                "code": "upstream_unavailable",
                "detail": "try again",
                "requestId": "r1",
                "field": "code",
                "retryAfter": 1,
            })
        );
    }
}
