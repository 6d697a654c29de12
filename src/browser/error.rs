//! Errors on their way to JavaScript: each becomes a `ConnectError` with a stable code.

use js_sys::Reflect;
use wasm_bindgen::prelude::*;

use super::code::ErrorCode;
use crate::connect::{CallbackError, InvalidParameter, StateError};

#[wasm_bindgen(raw_module = "./errors.js")]
extern "C" {
    #[wasm_bindgen(extends = js_sys::Error)]
    type ConnectError;

    #[wasm_bindgen(constructor)]
    fn new(code: &str, message: &str) -> ConnectError;
}

/// A failure, before it is a JavaScript object.
#[derive(Debug)]
pub(super) struct Error {
    code: ErrorCode,
    message: String,
    field: Option<String>,
    status: Option<u16>,
    request_id: Option<String>,
    retry_after: Option<f64>,
    cause: JsValue,
}

/// What every fallible step of this module gives.
pub(super) type Result<T> = core::result::Result<T, Error>;

impl Error {
    pub(super) const fn new(code: ErrorCode, message: String) -> Self {
        Self {
            code,
            message,
            field: None,
            status: None,
            request_id: None,
            retry_after: None,
            cause: JsValue::UNDEFINED,
        }
    }

    /// A bad argument or option called `field`.
    pub(super) fn option(field: &str, message: String) -> Self {
        Self::new(ErrorCode::InvalidOption, message).with_field(field)
    }

    pub(super) fn with_field(mut self, field: &str) -> Self {
        self.field = Some(field.to_owned());
        self
    }

    pub(super) const fn with_status(mut self, status: u16) -> Self {
        self.status = Some(status);
        self
    }

    pub(super) fn with_request_id(mut self, request_id: Option<String>) -> Self {
        self.request_id = request_id;
        self
    }

    /// Seconds after which a further attempt makes sense.
    pub(super) const fn with_retry_after(mut self, seconds: Option<f64>) -> Self {
        self.retry_after = seconds;
        self
    }

    /// What the browser threw.
    pub(super) fn with_cause(mut self, cause: JsValue) -> Self {
        self.cause = cause;
        self
    }

    pub(super) const fn code(&self) -> ErrorCode {
        self.code
    }

    pub(super) const fn status(&self) -> Option<u16> {
        self.status
    }
}

impl From<Error> for JsValue {
    fn from(error: Error) -> Self {
        let object: Self = ConnectError::new(error.code.as_str(), &error.message).into();
        // Setting a property on a fresh object can't fail.
        let set = |name: &str, value: Self| drop(Reflect::set(&object, &name.into(), &value));
        if let Some(field) = error.field {
            set("field", field.into());
        }
        if let Some(status) = error.status {
            set("status", status.into());
        }
        if let Some(id) = error.request_id {
            set("requestId", id.into());
        }
        if let Some(seconds) = error.retry_after {
            set("retryAfter", seconds.into());
        }
        if !error.cause.is_undefined() {
            set("cause", error.cause);
        }
        object
    }
}

impl From<InvalidParameter> for Error {
    fn from(error: InvalidParameter) -> Self {
        let name = option_name(error.field());
        Self::option(name, error.renamed(name).to_string())
    }
}

impl From<CallbackError> for Error {
    fn from(error: CallbackError) -> Self {
        Self::new(
            ErrorCode::parse(error.code()).unwrap_or(ErrorCode::CallbackMalformed),
            error.to_string(),
        )
    }
}

impl From<StateError> for Error {
    fn from(error: StateError) -> Self {
        Self::new(
            ErrorCode::parse(error.code()).unwrap_or(ErrorCode::StateUnknown),
            error.to_string(),
        )
    }
}

/// The option by which JavaScript sets a parameter.
fn option_name(parameter: &'static str) -> &'static str {
    match parameter {
        "application_id" => "applicationId",
        "approval_prompt" => "approvalPrompt",
        "external_id" => "externalId",
        "redirect_uri" => "redirectUri",
        "resolution.url" => "resolutionUrl",
        "response_type" => "responseType",
        "single_select_vin" => "singleSelectVin",
        "stateFingerprint" => "fingerprint",
        "vehicle_id" => "vehicleId",
        same => same,
    }
}
