//! Errors on their way to JavaScript: each is a `ConnectError` with a stable code from the start, so that what travels
//! through the module's own functions is small.

use wasm_bindgen::prelude::*;

use super::object;
use crate::{
    connect::{CallbackError, InvalidParameter, StateError},
    http_api::ErrorCode,
};

#[wasm_bindgen(raw_module = "./errors.js")]
extern "C" {
    #[wasm_bindgen(extends = js_sys::Error)]
    type ConnectError;

    #[wasm_bindgen(constructor)]
    fn new(code: &str, message: &str) -> ConnectError;
}

/// A failed call: the `ConnectError` that JavaScript gets.
#[derive(Debug)]
pub(super) struct Error {
    object: JsValue,
}

/// What every fallible step of this module returns.
pub(super) type Result<T> = core::result::Result<T, Error>;

impl Error {
    #[cold]
    #[inline(never)]
    pub(super) fn new(code: ErrorCode, message: &str) -> Self {
        Self {
            object: ConnectError::new(code.as_str(), message).into(),
        }
    }

    /// What JavaScript has thrown, as it is.
    pub(super) const fn thrown(object: JsValue) -> Self {
        Self { object }
    }

    /// A bad argument or option called `field`.
    #[cold]
    #[inline(never)]
    pub(super) fn option(field: &str, message: &str) -> Self {
        let error = Self::new(ErrorCode::InvalidOption, message);
        object::set(&error.object, "field", &field.into());
        error
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
        Self::option(error.field(), &error.to_string())
    }
}

impl From<CallbackError> for Error {
    #[cold]
    #[inline(never)]
    fn from(error: CallbackError) -> Self {
        Self::new(ErrorCode::Worker(error.into()), &error.to_string())
    }
}

impl From<StateError> for Error {
    #[cold]
    #[inline(never)]
    fn from(error: StateError) -> Self {
        Self::new(ErrorCode::Worker(error.into()), &error.to_string())
    }
}
