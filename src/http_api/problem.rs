//! Errors of the Worker: `application/problem+json` (RFC 9457).

use serde::{Deserialize, Serialize};

use super::schema::{Kind, Schema, field};
use crate::connect::{CallbackError, StateError};

/// Defines the codes: name, HTTP status and title of each.
macro_rules! problem_codes {
    ($($(#[$doc:meta])* $variant:ident = $name:literal, $status:literal, $title:literal;)+) => {
        /// Every kind of error that the Worker answers with.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[non_exhaustive]
        pub enum ProblemCode {
            $($(#[$doc])* #[serde(rename = $name)] $variant,)+
        }

        impl ProblemCode {
            /// Every code.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The names of [`ALL`](Self::ALL), in the same order.
            pub const NAMES: &'static [&'static str] = &[$($name,)+];

            /// The stable name.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)+
                }
            }

            /// The code called `name`, if this version knows it.
            #[must_use]
            pub fn from_name(name: &str) -> Option<Self> {
                match name {
                    $($name => Some(Self::$variant),)+
                    _ => None,
                }
            }

            /// The HTTP status.
            #[must_use]
            pub const fn status(self) -> u16 {
                match self {
                    $(Self::$variant => $status,)+
                }
            }

            /// One line for people.
            #[must_use]
            pub const fn title(self) -> &'static str {
                match self {
                    $(Self::$variant => $title,)+
                }
            }
        }
    };
}

problem_codes! {
    /// A setting of the Worker is missing or unusable.
    Misconfigured = "misconfigured", 503, "The Worker is not set up";
    /// No such path.
    NotFound = "not_found", 404, "There is nothing at this address";
    /// The path exists, the method does not.
    MethodNotAllowed = "method_not_allowed", 405, "This address does not take this method";
    /// The request comes from an origin that is not allowed.
    OriginNotAllowed = "origin_not_allowed", 403, "Requests from this origin are not allowed";
    /// The header `X-Requested-With: smartcar-connect` is missing.
    HeaderMissing = "header_missing", 403, "A required header is missing";
    /// The body is not `application/json`.
    UnsupportedMediaType = "unsupported_media_type", 415, "The body is not JSON";
    /// The body is longer than 16 KiB, or a webhook's than 64 KiB.
    BodyTooLarge = "body_too_large", 413, "The body is too large";
    /// The body is not JSON of the documented form.
    InvalidBody = "invalid_body", 400, "The body can't be read";
    /// A parameter was refused.
    InvalidParameter = "invalid_parameter", 400, "A parameter is not acceptable";
    /// The caller has no session, or it has ended.
    SessionMissing = "session_missing", 401, "There is no session";
    /// The caller's token, of the app's own log-in, is not accepted.
    InvalidToken = "invalid_token", 401, "The token is not accepted";
    /// The keys that verify tokens of the app's log-in can't be had.
    KeysUnavailable = "keys_unavailable", 503, "The keys of the log-in can't be reached at the moment";
    /// The ticket opens no session.
    TicketRejected = "ticket_rejected", 403, "The ticket opens no session";
    /// The callback has no state.
    StateMissing = "state_missing", 400, "The callback has no state";
    /// The state is not one of the caller's.
    StateUnknown = "state_unknown", 403, "The connection was not started here";
    /// The connection was started too long ago.
    StateExpired = "state_expired", 410, "The connection took too long";
    /// The state was used by another callback.
    StateUsed = "state_used", 409, "The connection is already finished";
    /// The caller, or all callers together, ask for too much at once.
    TooManyRequests = "too_many_requests", 429, "Too many requests";
    /// The callback has a parameter twice.
    CallbackRepeatedParameter = "callback_repeated_parameter", 400, "The callback has a parameter twice";
    /// The callback has no parameters.
    CallbackEmpty = "callback_empty", 400, "The callback has no parameters";
    /// The callback can't be read.
    CallbackMalformed = "callback_malformed", 400, "The callback can't be read";
    /// The callback is too long.
    CallbackTooLong = "callback_too_long", 400, "The callback is too long";
    /// The callback belongs to another redirect URI.
    CallbackOtherRedirectUri = "callback_other_redirect_uri", 400, "The callback belongs to another redirect URI";
    /// The callback belongs to another authorization server.
    CallbackOtherIssuer = "callback_other_issuer", 400, "The callback is not Smartcar's";
    /// The callback is not the answer to what was started.
    CallbackUnexpected = "callback_unexpected", 400, "The callback is not the answer to what was started";
    /// No authorization code came: access was granted without one, or the callback says nothing.
    CodeMissing = "code_missing", 502, "Smartcar sent no authorization code";
    /// No user id came: access was granted without one, or the callback says nothing (v3).
    UserIdMissing = "user_id_missing", 502, "Smartcar sent no user id";
    /// Smartcar's list of connections does not show that the user of the callback connected cars here (v3).
    ConnectionNotConfirmed = "connection_not_confirmed", 503, "Smartcar does not confirm the connection";
    /// Smartcar refused the authorization code.
    ExchangeRefused = "exchange_refused", 502, "Smartcar refused the authorization code";
    /// Smartcar does not accept the application's id and secret.
    InvalidClient = "invalid_client", 502, "Smartcar does not accept the application";
    /// Smartcar can't be reached or fails.
    UpstreamUnavailable = "upstream_unavailable", 503, "Smartcar can't be reached at the moment";
    /// There is no such connection of the caller's.
    ConnectionNotFound = "connection_not_found", 404, "There is no such connection";
    /// The owner has to connect again.
    ReconnectionRequired = "reconnection_required", 409, "The owner has to connect the car again";
    /// The car is connected by another version of Smartcar's API than the one that was asked.
    OtherApiVersion = "other_api_version", 409, "The car is connected by another version of Smartcar's API";
    /// Nothing of the connection is for its owner to mend.
    NothingToMend = "nothing_to_mend", 409, "The connection needs nothing of its owner";
    /// The service key is missing or wrong.
    ServiceKeyRejected = "service_key_rejected", 401, "The service key is missing or wrong";
    /// The webhook's signature is missing or not Smartcar's.
    SignatureRejected = "signature_rejected", 401, "The signature is missing or not Smartcar's";
    /// The operator has not allowed this endpoint of Smartcar's.
    EndpointNotAllowed = "endpoint_not_allowed", 403, "This endpoint is not switched on";
    /// Smartcar refused a request that was passed on. The answer has Smartcar's status where it means something to the caller.
    SmartcarError = "smartcar_error", 502, "Smartcar refused the request";
    /// A command was sent and no answer came: whether it was carried out is not known.
    OutcomeUnknown = "outcome_unknown", 504, "Whether the command was carried out is not known";
    /// Storage failed.
    StorageUnavailable = "storage_unavailable", 503, "Storage can't be reached at the moment";
}

impl ProblemCode {
    /// Whether the functions of the npm package can meet it. They send no service keys and no webhooks.
    #[must_use]
    pub const fn reaches_browsers(self) -> bool {
        !matches!(self, Self::ServiceKeyRejected | Self::SignatureRejected)
    }
}

impl From<StateError> for ProblemCode {
    fn from(error: StateError) -> Self {
        match error {
            StateError::Missing => Self::StateMissing,
            StateError::Unknown => Self::StateUnknown,
            StateError::Expired => Self::StateExpired,
            StateError::Used => Self::StateUsed,
        }
    }
}

impl From<CallbackError> for ProblemCode {
    fn from(error: CallbackError) -> Self {
        match error {
            CallbackError::RepeatedParameter { .. } => Self::CallbackRepeatedParameter,
            CallbackError::NoParameters => Self::CallbackEmpty,
            CallbackError::TooLong => Self::CallbackTooLong,
            CallbackError::OtherRedirectUri(_) => Self::CallbackOtherRedirectUri,
            CallbackError::OtherIssuer => Self::CallbackOtherIssuer,
            CallbackError::Malformed { .. } => Self::CallbackMalformed,
        }
    }
}

/// The body of an error.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ProblemBody {
    /// `urn:smartcar-connect:problem:` and the code.
    pub r#type: String,
    /// The code's title.
    pub title: String,
    /// The HTTP status of the answer: the code's, or Smartcar's.
    pub status: u16,
    /// What kind of error it is.
    pub code: ProblemCode,
    /// What was wrong and what to do about it.
    pub detail: String,
    /// The Worker's name for the request, to find it in the logs.
    pub request_id: String,
    /// The parameter, setting or header that it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// After how many seconds a further attempt makes sense.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<u64>,
    /// What Smartcar said, where a request was passed on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub smartcar: Option<SmartcarError>,
    /// Whose connection it is, where a back end asked for the token of one of Smartcar's v3 and gets none. No function of the
    /// browser module meets it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub principal: Option<String>,
}

/// What Smartcar said of a request that it refused: names alone, of at most 64 letters, digits and `_`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct SmartcarError {
    /// The status of Smartcar's answer.
    pub status: u16,
    /// Such as `RATE_LIMIT`; `null` if Smartcar does not say.
    pub r#type: Option<String>,
    /// Such as `VEHICLE`.
    pub code: Option<String>,
    /// What mends it, such as `RETRY_LATER`.
    pub resolution: Option<String>,
    /// Smartcar's name for the request; `null` if it was not asked.
    pub request_id: Option<String>,
}

impl SmartcarError {
    /// An answer with this status that says nothing else.
    #[must_use]
    pub fn new(status: u16) -> Self {
        Self {
            status,
            ..Self::default()
        }
    }
}

/// The table of [`ProblemBody`].
pub const PROBLEM: Schema = &[
    field("type", Kind::Text),
    field("title", Kind::Text),
    field("status", Kind::Number),
    field("code", Kind::Name(ProblemCode::NAMES)),
    field("detail", Kind::Text),
    field("requestId", Kind::Text),
    field("field", Kind::Text).optional(),
    field("retryAfter", Kind::Number).optional(),
];

/// The table of [`SmartcarError`].
pub const SMARTCAR_ERROR: Schema = &[
    field("status", Kind::Number),
    field("type", Kind::Text).nullable(),
    field("code", Kind::Text).nullable(),
    field("resolution", Kind::Text).nullable(),
    field("requestId", Kind::Text).nullable(),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_its_own_name_and_an_error_status() {
        let mut names = ProblemCode::NAMES.to_vec();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), ProblemCode::ALL.len());
        for code in ProblemCode::ALL {
            assert!((400..=599).contains(&code.status()) && code.status() != 500, "{code:?}");
            assert_eq!(ProblemCode::from_name(code.as_str()), Some(*code));
            // As it crosses from the Durable Object to the Worker, which may be of two versions for a moment.
            assert_eq!(serde_json::to_value(code).unwrap(), code.as_str());
        }
        assert_eq!(ProblemCode::from_name("State_Used"), None);
    }
}
