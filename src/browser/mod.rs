//! The JavaScript face of [`connect`](crate::connect): the functions that keep no state, and the decisions of `start`, `reconnect`
//! and `finish`, which `pkg-template/start.js` and `finish.js` carry out.
//!
//! Built into the npm package `smartcar-connect`. What the functions take and return that an app calls is written in `types.d.ts`,
//! which is part of the package's type declarations. Every failure is a `ConnectError` with a stable code.
//!
//! Nothing here waits for anything, keeps anything in the browser or calls the Worker. No token ever gets here.
//!
//! Outside semantic versioning: see [what the version promises](crate#what-the-version-promises).

mod callback;
mod error;
mod new_attempt;
mod object;
mod options;
mod page;
mod reconnect;
mod stateless;
mod target;

use wasm_bindgen::prelude::*;

/// Mints a state for what is asked for in `options`, those of `start`, on the page at `page`: `{ state, request }`.
/// The latter is what the Worker is told, a `StartRequest`.
///
/// # Errors
/// A `ConnectError` that names the option at fault, or says that there is no random number generator.
#[wasm_bindgen(js_name = newAttempt)]
pub fn new_attempt(options: &JsValue, page: &str) -> Result<JsValue, JsValue> {
    Ok(new_attempt::new(options, page)?)
}

/// Where the owner of an attempt is sent, which [`new_attempt`] has made of the same options, by the Worker's answer; `undefined` if the
/// answer makes no sense.
///
/// # Errors
/// A `ConnectError` if no URL can be made of it.
#[wasm_bindgen(js_name = connectUrl)]
pub fn connect_url(options: &JsValue, attempt: &JsValue, answer: &JsValue) -> Result<Option<String>, JsValue> {
    Ok(new_attempt::connect_url(options, attempt, answer)?)
}

/// What is in an address, or in the query of one: `{ callback, normalForm, isOurs }`. The first is Connect's parameters as they stand
/// there, the second the one spelling that each callback has, the third whether they have a state that was minted here.
#[wasm_bindgen(js_name = readCallback)]
#[must_use]
pub fn read_callback(url: &str) -> JsValue {
    callback::read(url)
}

/// The fingerprint of the state of a callback, as [`read_callback`] has taken it out of an address.
///
/// # Errors
/// A `ConnectError` if it cannot be read, or has no state that was minted here.
#[wasm_bindgen(js_name = callbackFingerprint)]
pub fn callback_fingerprint(callback: &str) -> Result<String, JsValue> {
    Ok(callback::fingerprint(callback)?.as_str().to_owned())
}

/// The URL that starts a connection.
///
/// # Errors
/// A `ConnectError` that names the option at fault.
#[wasm_bindgen(js_name = authorizeUrl)]
pub fn authorize_url(options: &JsValue) -> Result<String, JsValue> {
    Ok(stateless::authorize_url(options)?)
}

/// The URL that renews the access to a vehicle.
///
/// # Errors
/// A `ConnectError` that names the option at fault.
#[wasm_bindgen(js_name = reauthenticateUrl)]
pub fn reauthenticate_url(options: &JsValue) -> Result<String, JsValue> {
    Ok(stateless::reauthenticate_url(options)?)
}

/// A fresh state: 60 characters.
///
/// # Errors
/// A `ConnectError` if there is no random number generator.
#[wasm_bindgen(js_name = createState)]
pub fn create_state() -> Result<String, JsValue> {
    Ok(stateless::create_state()?)
}

/// The fingerprint of a state: 43 characters.
///
/// # Errors
/// A `ConnectError` if `state` is not one.
#[wasm_bindgen(js_name = stateFingerprint)]
pub fn state_fingerprint(state: &JsValue) -> Result<String, JsValue> {
    Ok(stateless::state_fingerprint(state)?)
}

/// The contents of a callback whose state is the expected one.
///
/// # Errors
/// A `ConnectError` if the callback can't be verified, or an option is bad.
#[wasm_bindgen(js_name = checkCallback)]
pub fn check_callback(url: &JsValue, expected: &JsValue) -> Result<JsValue, JsValue> {
    Ok(stateless::check_callback(url, expected)?)
}
