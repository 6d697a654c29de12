//! The errors of version 3: `{"errors":[…]}`, each with its status as text.

use axum::http::{HeaderValue, StatusCode, header};
use serde_json::{Value, json};

use crate::{
    http::{self, Answer},
    ids,
};

/// One documented error.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ApiError {
    kind: &'static str,
    code: Option<&'static str>,
    status: u16,
}

const fn error(kind: &'static str, code: &'static str, status: u16) -> ApiError {
    let code = Some(code);
    ApiError { kind, code, status }
}

pub(super) const UNAUTHORIZED: ApiError = error("AUTHENTICATION", "UNAUTHORIZED", 401);
pub(super) const ACCESS_DENIED: ApiError = error("AUTHENTICATION", "ACCESS_DENIED", 403);
pub(super) const AUTHENTICATION_FAILED: ApiError = error("CONNECTED_SERVICES_ACCOUNT", "AUTHENTICATION_FAILED", 400);
pub(super) const NOT_CAPABLE: ApiError = error("COMPATIBILITY", "VEHICLE_NOT_CAPABLE", 501);
pub(super) const NOT_CHARGING: ApiError = error("VEHICLE_STATE", "NOT_CHARGING", 409);
pub(super) const UNREACHABLE: ApiError = error("VEHICLE_STATE", "UNREACHABLE", 409);
pub(super) const MISSING_PARAMETER: ApiError = error("VALIDATION", "MISSING_PARAMETER", 400);
pub(super) const BAD_REQUEST: ApiError = error("VALIDATION", "BAD_REQUEST", 400);
pub(super) const INVALID_INPUT: ApiError = error("VALIDATION", "INVALID_INPUT_FORMAT", 400);
pub(super) const VEHICLE_NOT_FOUND: ApiError = error("RESOURCE_NOT_FOUND", "VEHICLE_NOT_FOUND", 404);
pub(super) const SIGNAL_NOT_FOUND: ApiError = error("RESOURCE_NOT_FOUND", "SIGNAL_NOT_FOUND", 404);
pub(super) const PATH_NOT_FOUND: ApiError = error("RESOURCE_NOT_FOUND", "PATH", 404);
pub(super) const INVALID_PATH: ApiError = error("RESOURCE_NOT_FOUND", "INVALID_PATH", 404);
pub(super) const RATE_LIMIT_APPLICATION: ApiError = error("RATE_LIMIT", "SMARTCAR_API", 429);
pub(super) const RATE_LIMIT_VEHICLE: ApiError = error("RATE_LIMIT", "VEHICLE", 429);
pub(super) const REQUEST_LIMIT: ApiError = error("BILLING", "VEHICLE_REQUEST_LIMIT", 430);
/// Only known as the error of a single signal.
pub(super) const PERMISSION: ApiError = ApiError {
    kind: "PERMISSION",
    code: None,
    status: 403,
};

/// Every error that a fault may ask for by name.
const DOCUMENTED: &[ApiError] = &[
    UNAUTHORIZED,
    ACCESS_DENIED,
    error("BILLING", "INVALID_PLAN", 430),
    error("BILLING", "VEHICLE_LIMIT", 430),
    REQUEST_LIMIT,
    error("BILLING", "ACCOUNT_SUSPENDED", 430),
    error("COMPATIBILITY", "MAKE_NOT_COMPATIBLE", 501),
    error("COMPATIBILITY", "SMARTCAR_NOT_CAPABLE", 501),
    NOT_CAPABLE,
    error("COMPATIBILITY", "PLATFORM_NOT_CAPABLE", 501),
    AUTHENTICATION_FAILED,
    error("CONNECTED_SERVICES_ACCOUNT", "ACCOUNT_ISSUE", 400),
    error("CONNECTED_SERVICES_ACCOUNT", "NO_VEHICLES", 400),
    error("CONNECTED_SERVICES_ACCOUNT", "SUBSCRIPTION", 400),
    error("CONNECTED_SERVICES_ACCOUNT", "VEHICLE_MISSING", 400),
    error("CONNECTED_SERVICES_ACCOUNT", "PERMISSION", 400),
    error("CONNECTED_SERVICES_ACCOUNT", "VIRTUAL_KEY_REQUIRED", 400),
    RATE_LIMIT_APPLICATION,
    RATE_LIMIT_VEHICLE,
    PATH_NOT_FOUND,
    error("RESOURCE_NOT_FOUND", "VERSION", 404),
    VEHICLE_NOT_FOUND,
    SIGNAL_NOT_FOUND,
    INVALID_PATH,
    error("SERVER", "INTERNAL", 500),
    error("SERVER", "MULTIPLE_RECORDS_FOUND", 500),
    error("SERVER", "RECORD_NOT_FOUND", 500),
    error("UPSTREAM", "INVALID_DATA", 502),
    error("UPSTREAM", "KNOWN_ISSUE", 502),
    error("UPSTREAM", "NO_RESPONSE", 502),
    error("UPSTREAM", "RATE_LIMIT", 502),
    error("UPSTREAM", "UNKNOWN_ISSUE", 502),
    BAD_REQUEST,
    INVALID_INPUT,
    MISSING_PARAMETER,
    NOT_CHARGING,
    error("VEHICLE_STATE", "ASLEEP", 409),
    error("VEHICLE_STATE", "CHARGING_IN_PROGRESS", 409),
    error("VEHICLE_STATE", "CHARGING_PLUG_NOT_CONNECTED", 409),
    error("VEHICLE_STATE", "DOOR_OPEN", 409),
    error("VEHICLE_STATE", "FULLY_CHARGED", 409),
    error("VEHICLE_STATE", "IN_MOTION", 409),
    error("VEHICLE_STATE", "REMOTE_ACCESS_DISABLED", 409),
    error("VEHICLE_STATE", "UNKNOWN", 409),
    UNREACHABLE,
];

/// An error answer; boxed because it is large.
#[derive(Debug)]
pub(super) struct Refusal(Box<Answer>);

impl Refusal {
    /// An error that names what is wrong.
    pub(super) fn with_detail(error: ApiError, detail: &str) -> Self {
        Self(Box::new(error.answer(Some(detail), None)))
    }

    /// An error with the address at which an owner mends it.
    pub(super) fn with_url(error: ApiError, url: Option<&str>) -> Self {
        Self(Box::new(error.answer(None, url)))
    }

    /// An error that is over after some seconds.
    pub(super) fn later(error: ApiError, seconds: u64) -> Self {
        let mut answer = error.answer(None, None);
        answer.headers_mut().insert(header::RETRY_AFTER, seconds.into());
        Self(Box::new(answer))
    }

    pub(super) fn into_answer(self) -> Answer {
        *self.0
    }
}

impl From<ApiError> for Refusal {
    fn from(error: ApiError) -> Self {
        Self(Box::new(error.answer(None, None)))
    }
}

impl ApiError {
    /// Finds `TYPE` or `TYPE/CODE`.
    pub(crate) fn find(name: &str) -> Option<Self> {
        let (kind, code) = name
            .split_once('/')
            .map_or((name, None), |(kind, code)| (kind, Some(code)));
        DOCUMENTED
            .iter()
            .copied()
            .find(|error| error.kind == kind && (code.is_none() || error.code == code))
    }

    /// Every name that [`Self::find`] knows.
    pub(crate) fn names() -> impl Iterator<Item = String> {
        DOCUMENTED
            .iter()
            .map(|error| format!("{}/{}", error.kind, error.code.unwrap_or_default()))
    }

    /// The answer; `url` is where Connect would repair the vehicle at hand.
    pub(crate) fn answer(self, detail: Option<&str>, url: Option<&str>) -> Answer {
        let request_id = ids::uuid();
        let body = json!({ "errors": [self.entry(detail, url, &request_id)] });
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut answer = http::json(status, &body);
        let headers = answer.headers_mut();
        if let Ok(value) = HeaderValue::from_str(&request_id) {
            headers.insert("sc-request-id", value);
        }
        if self.status == 429 {
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static("30"));
        }
        answer
    }

    /// The error as a member of `errors`.
    pub(super) fn entry(self, detail: Option<&str>, url: Option<&str>, request_id: &str) -> Value {
        let mut entry = self.in_signal(url);
        if let Some(entry) = entry.as_object_mut() {
            let page = self.kind.to_lowercase().replace('_', "-");
            let about = format!("https://smartcar.com/docs/errors/api-errors/v3/{page}-errors");
            entry.insert("status".to_owned(), self.status.to_string().into());
            entry.insert("links".to_owned(), json!({ "about": about }));
            entry.insert("meta".to_owned(), json!({ "debug": { "requestId": request_id } }));
            if let Some(detail) = detail {
                entry.insert("detail".to_owned(), detail.into());
            }
            if matches!(self.kind, "AUTHENTICATION" | "VALIDATION" | "RESOURCE_NOT_FOUND") {
                entry.remove("resolution");
            }
        }
        entry
    }

    /// The error as a single signal or a command has it.
    pub(super) fn in_signal(self, url: Option<&str>) -> Value {
        let title = self.title();
        let mut resolution = json!({ "type": self.resolution() });
        if let (Some(url), Some(resolution), "REAUTHENTICATE") = (url, resolution.as_object_mut(), self.resolution()) {
            resolution.insert("url".to_owned(), url.into());
        }
        let detail = format!("The request cannot be answered: {}.", title.to_lowercase());
        json!({
            "type": self.kind, "code": self.code, "title": title, "detail": detail, "resolution": resolution,
        })
    }

    /// `NOT_CHARGING` as people write it.
    fn title(self) -> String {
        let words = self.code.unwrap_or(self.kind).split('_').map(|word| {
            let mut letters = word.chars();
            let first = letters.next().map(String::from).unwrap_or_default();
            first + &letters.as_str().to_lowercase()
        });
        words.collect::<Vec<_>>().join(" ")
    }

    fn resolution(self) -> &'static str {
        match (self.kind, self.code) {
            ("CONNECTED_SERVICES_ACCOUNT", Some("AUTHENTICATION_FAILED" | "PERMISSION" | "VEHICLE_MISSING"))
            | ("PERMISSION", _) => "REAUTHENTICATE",
            ("CONNECTED_SERVICES_ACCOUNT", _) => "ACTION_REQUIRED",
            ("RATE_LIMIT" | "SERVER" | "UPSTREAM", _) => "RETRY_LATER",
            ("BILLING", _) => "CONTACT_SUPPORT",
            _ => "UNKNOWN_RESOLUTION_TYPE",
        }
    }
}
