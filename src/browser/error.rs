//! Errors on their way to JavaScript: each is a `ConnectError` with a stable code from the start, so that what travels
//! through the module's own functions is small.

use wasm_bindgen::prelude::*;

use super::{code::ErrorCode, shape};
use crate::connect::{CallbackError, InvalidParameter, StateError};

#[wasm_bindgen(raw_module = "./errors.js")]
extern "C" {
    #[wasm_bindgen(extends = js_sys::Error)]
    type ConnectError;

    #[wasm_bindgen(constructor)]
    fn new(code: &str, message: &str) -> ConnectError;
}

/// A failure.
#[derive(Debug)]
pub(super) struct Error {
    object: JsValue,
    may_be_repeated: bool,
}

/// What every fallible step of this module gives.
pub(super) type Result<T> = core::result::Result<T, Error>;

impl Error {
    #[cold]
    #[inline(never)]
    pub(super) fn new(code: ErrorCode, message: &str) -> Self {
        Self {
            object: ConnectError::new(code.as_str(), message).into(),
            may_be_repeated: false,
        }
    }

    /// A bad argument or option called `field`.
    #[cold]
    #[inline(never)]
    pub(super) fn option(field: &str, message: &str) -> Self {
        Self::new(ErrorCode::InvalidOption, message).with("field", &field.into())
    }

    /// Adds a property, unless there is nothing to tell.
    #[cold]
    #[inline(never)]
    pub(super) fn with(self, name: &str, value: &JsValue) -> Self {
        if !value.is_undefined() {
            shape::set(&self.object, name, value);
        }
        self
    }

    /// The same call can succeed later, and does no harm.
    pub(super) const fn repeatable(mut self) -> Self {
        self.may_be_repeated = true;
        self
    }

    /// Whether the same call can succeed later, and does no harm.
    pub(super) const fn may_be_repeated(&self) -> bool {
        self.may_be_repeated
    }
}

impl From<Error> for JsValue {
    fn from(error: Error) -> Self {
        error.object
    }
}

impl From<InvalidParameter> for Error {
    #[cold]
    #[inline(never)]
    fn from(error: InvalidParameter) -> Self {
        let name = option_name(error.field());
        Self::option(name, &error.renamed(name).to_string())
    }
}

impl From<CallbackError> for Error {
    #[cold]
    #[inline(never)]
    fn from(error: CallbackError) -> Self {
        Self::new(
            ErrorCode::parse(error.code()).unwrap_or(ErrorCode::CallbackMalformed),
            &error.to_string(),
        )
    }
}

impl From<StateError> for Error {
    #[cold]
    #[inline(never)]
    fn from(error: StateError) -> Self {
        Self::new(
            ErrorCode::parse(error.code()).unwrap_or(ErrorCode::StateUnknown),
            &error.to_string(),
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
