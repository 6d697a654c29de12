//! The JavaScript face of [`connect`](crate::connect): `start`, `reconnect`, `finish`, and the functions that keep no state.
//!
//! Built into the npm package `smartcar-connect`. Each function takes and returns plain values; what they are is written in
//! `types.d.ts`, which is part of the package's type declarations. Every failure is a `ConnectError` with a stable code.
//!
//! No token ever gets here. The `state` of a connection is in the Connect URL alone; this browser keeps its fingerprint in
//! `localStorage`, for a day at most.
//!
//! Outside semantic versioning: see [what the version promises](crate#what-the-version-promises).

mod attempt;
mod attempts;
mod client;
mod error;
mod finish;
mod json;
mod options;
mod page;
mod start;
mod stateless;
mod unfinished;
mod way_back;

use core::{future::Future, pin::Pin};

use js_sys::Promise;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::future_to_promise;

use self::{
    client::Client,
    error::Result,
    options::{CALL_OPTIONS, Options},
};
use crate::connect::StateFingerprint;

/// Starts a connection and leaves the page for Connect. Resolves to a `StartResult`.
#[wasm_bindgen]
pub fn start(options: &JsValue) -> Promise {
    start::start(options, |start| promise(Box::pin(async move { start?.run().await })))
}

/// Leaves the page for whichever page of Connect mends the connection called `id`. Resolves to a `ReconnectResult`.
#[wasm_bindgen]
pub fn reconnect(id: &JsValue, options: &JsValue) -> Promise {
    start::reconnect(id, options, |start| {
        promise(Box::pin(async move { start?.run().await }))
    })
}

/// Finishes the connection whose callback is in `url`, or else in the page's address. Resolves to a `FinishOutcome`.
#[wasm_bindgen]
pub fn finish(url: &JsValue, options: &JsValue) -> Promise {
    finish::finish(url, options, |finish| {
        promise(Box::pin(async move { finish?.run().await }))
    })
}

/// What came of the attempt with this fingerprint: a `FinishOutcome`, or `undefined` while there is none. For `popup.js`, which
/// waits for another page to finish it.
#[wasm_bindgen(js_name = attemptOutcome)]
pub fn attempt_outcome(fingerprint: &str, options: &JsValue) -> Promise {
    let fingerprint = StateFingerprint::parse(fingerprint).map_err(|reason| options::refused("fingerprint", reason));
    let client = client_of("popup", options);
    promise(Box::pin(
        async move { finish::attempt_outcome(client?, fingerprint?).await },
    ))
}

/// Whether `url` holds a callback of ours, or else the page's address, or the page was loaded in the middle of a finish.
///
/// # Errors
/// A `ConnectError` if `url` is no URL, or there is no page.
#[wasm_bindgen(js_name = hasCallback)]
pub fn has_callback(url: &JsValue) -> core::result::Result<bool, JsValue> {
    Ok(stateless::has_callback(url)?)
}

/// The URL that starts a connection.
///
/// # Errors
/// A `ConnectError` that names the option at fault.
#[wasm_bindgen(js_name = authorizeUrl)]
pub fn authorize_url(options: &JsValue) -> core::result::Result<String, JsValue> {
    Ok(stateless::authorize_url(options)?)
}

/// The URL that renews the access to a vehicle.
///
/// # Errors
/// A `ConnectError` that names the option at fault.
#[wasm_bindgen(js_name = reauthenticateUrl)]
pub fn reauthenticate_url(options: &JsValue) -> core::result::Result<String, JsValue> {
    Ok(stateless::reauthenticate_url(options)?)
}

/// A fresh state: 60 characters.
///
/// # Errors
/// A `ConnectError` if there is no random number generator.
#[wasm_bindgen(js_name = createState)]
pub fn create_state() -> core::result::Result<String, JsValue> {
    Ok(stateless::create_state()?)
}

/// The fingerprint of a state: 43 characters.
///
/// # Errors
/// A `ConnectError` if `state` is not one.
#[wasm_bindgen(js_name = stateFingerprint)]
pub fn state_fingerprint(state: &JsValue) -> core::result::Result<String, JsValue> {
    Ok(stateless::state_fingerprint(state)?)
}

/// The contents of a callback whose state is the expected one.
///
/// # Errors
/// A `ConnectError` if the callback can't be verified, or an option is bad.
#[wasm_bindgen(js_name = checkCallback)]
pub fn check_callback(url: &JsValue, expected: &JsValue) -> core::result::Result<JsValue, JsValue> {
    Ok(stateless::check_callback(url, expected)?)
}

fn client_of(function: &str, options: &JsValue) -> Result<Client> {
    page::window(function)?;
    Options::read(options, function, &[&CALL_OPTIONS])?.client()
}

/// Boxed, so that the machinery of promises is compiled once and not for each function.
fn promise(work: Pin<Box<dyn Future<Output = Result<JsValue>>>>) -> Promise {
    future_to_promise(async move { Ok(work.await?) })
}
