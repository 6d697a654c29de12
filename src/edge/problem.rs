//! An error on its way to an answer.

use serde::{Deserialize, Serialize};

use crate::{
    connect::{CallbackError, InvalidParameter, StateError},
    http_api::{
        Cause,
        problem::{ProblemBody, ProblemCode, SmartcarError},
    },
    principal::Principal,
    time::Millis,
};

/// An error to answer with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// Decides the status of the answer, unless Smartcar does.
    pub code: ProblemCode,
    /// What was wrong and what to do about it.
    pub detail: String,
    /// The parameter, setting or header that it is about.
    pub field: Option<String>,
    /// How long to wait before the request is repeated; sent as `Retry-After`, in whole seconds.
    pub retry_after: Option<Millis>,
    /// What Smartcar said of a request that was passed on.
    #[serde(default)]
    pub smartcar: Option<Box<SmartcarError>>,
    /// Whose connection it is about, for the app's own back end alone.
    #[serde(default)]
    pub principal: Option<Principal>,
}

/// The statuses of Smartcar's that mean to the caller what they mean to the Worker. The others are about the Worker: its token
/// (401), its requests, or Smartcar itself.
const PASSED_ON: &[u16] = &[400, 402, 403, 404, 409, 422, 429, 430, 501, 503, 504];

impl Problem {
    /// A problem of this kind.
    #[must_use]
    pub fn new(code: ProblemCode, detail: impl Into<String>) -> Self {
        Self {
            code,
            detail: detail.into(),
            field: None,
            retry_after: None,
            smartcar: None,
            principal: None,
        }
    }

    /// The HTTP status of the answer.
    #[must_use]
    pub fn status(&self) -> u16 {
        let passed_on = self.smartcar.as_ref().map(|said| said.status);
        passed_on
            .filter(|status| PASSED_ON.contains(status))
            .unwrap_or(self.code.status())
    }

    /// The caller has no such connection. Whether somebody else has one is not told.
    #[must_use]
    pub fn connection_not_found() -> Self {
        Self::new(
            ProblemCode::ConnectionNotFound,
            "the connection does not exist or is not the caller's",
        )
    }

    /// The grant of the caller's connection is over, for this reason.
    #[must_use]
    pub fn reconnection_required(cause: Cause) -> Self {
        let detail = ["the owner has to connect the car again (", cause.as_str(), ")"].concat();
        Self::new(ProblemCode::ReconnectionRequired, detail)
    }

    /// The same, about this field.
    #[must_use]
    pub fn with_field(self, field: impl Into<String>) -> Self {
        Self {
            field: Some(field.into()),
            ..self
        }
    }

    /// The same, naming whose connection it is about. The browser that holds a session is never told its principal.
    #[must_use]
    pub fn with_principal(self, principal: Principal) -> Self {
        Self {
            principal: Some(principal),
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
        let body = ProblemBody {
            r#type: ["urn:smartcar-connect:problem:", self.code.as_str()].concat(),
            title: self.code.title().to_owned(),
            status: self.status(),
            code: self.code,
            detail: self.detail.clone(),
            request_id: request_id.to_owned(),
            field: self.field.clone(),
            retry_after: self.retry_after_secs(),
            smartcar: self.smartcar.as_deref().cloned(),
            principal: self.principal.as_ref().map(|principal| principal.as_str().to_owned()),
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
        Self::new(error.into(), error.to_string())
    }
}

impl From<CallbackError> for Problem {
    fn from(error: CallbackError) -> Self {
        Self::new(error.into(), error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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

    #[test]
    fn a_problem_names_a_principal_only_if_it_is_to() {
        let principal = Principal::anonymous(&[7; 32]);
        let of = |problem: &Problem| -> serde_json::Value { serde_json::from_str(&problem.to_json("r1")).unwrap() };
        let problem = Problem::new(ProblemCode::EndpointNotAllowed, "no token is handed out");
        assert_eq!(of(&problem).get("principal"), None);
        let named = problem.with_principal(principal.clone());
        assert_eq!(of(&named)["principal"], principal.as_str());
        // As a vault of the version before sends it.
        let text = r#"{"code":"endpoint_not_allowed","detail":"d","field":null,"retry_after":null}"#;
        assert_eq!(serde_json::from_str::<Problem>(text).unwrap().principal, None);
    }
}
