//! The page this module runs in: its clock, random numbers, address and history.

use js_sys::{Date, Function, Promise};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::{Crypto, Window};

use super::error::{Error, Result};
use crate::{http_api::ErrorCode, time::UnixMillis};

#[wasm_bindgen]
extern "C" {
    // `window.crypto` would leave out Workers and Node, where the pure functions run too.
    #[wasm_bindgen(thread_local_v2, js_name = crypto)]
    static CRYPTO: Option<Crypto>;
}

#[wasm_bindgen(raw_module = "./page.js")]
extern "C" {
    /// Takes the pairs of a callback out of the address and of this history entry, and keeps them out.
    #[wasm_bindgen(js_name = takeOut)]
    pub(super) fn take_out(callback: &str);

    #[wasm_bindgen(catch)]
    fn leave(url: &str) -> core::result::Result<(), JsValue>;

    /// Whether the page was left by [`navigate`], and somebody came back to it as it was.
    #[wasm_bindgen(js_name = wasLeft)]
    pub(super) fn was_left() -> bool;

    /// Whether the browser says that anybody may have a host below this domain, which the page's own host is below: then hosts
    /// below it are of several sites.
    #[wasm_bindgen(js_name = isForAnybody)]
    pub(super) fn is_for_anybody(domain: &str) -> bool;

    #[wasm_bindgen(js_name = takeTurn)]
    fn take_turn_promise() -> Promise;

    #[wasm_bindgen(js_name = sleep)]
    fn sleep_promise(milliseconds: u32) -> Promise;
}

/// The right to call the Worker while no other page of this origin does. Ends when it is dropped.
#[derive(Debug)]
pub(super) struct Turn(Option<Function>);

impl Drop for Turn {
    fn drop(&mut self) {
        if let Some(end) = &self.0 {
            // It resolves a promise, and can't fail.
            drop(end.call0(&JsValue::UNDEFINED));
        }
    }
}

/// Waits for one's turn.
pub(super) async fn take_turn() -> Turn {
    let turn = JsFuture::from(take_turn_promise()).await;
    Turn(turn.ok().and_then(|end| end.dyn_into().ok()))
}

/// Waits.
pub(super) async fn sleep(milliseconds: u32) {
    // It never fails.
    drop(JsFuture::from(sleep_promise(milliseconds)).await);
}

/// `Number.MAX_SAFE_INTEGER`.
const MAX_SAFE_INTEGER: f64 = 9_007_199_254_740_991.0;

/// The time by this machine's clock.
pub(super) fn now() -> UnixMillis {
    // A clock before 1970 reads as 0; the cast saturates.
    UnixMillis::new(Date::now() as u64)
}

/// A time as JavaScript has it: milliseconds since the epoch.
pub(super) fn to_js(time: UnixMillis) -> JsValue {
    // Exact until the year 287396.
    JsValue::from_f64(time.as_millis() as f64)
}

/// The time that JavaScript wrote as milliseconds since the epoch: a whole number that it holds exactly.
pub(super) fn time(value: &JsValue) -> Option<UnixMillis> {
    let number = value
        .as_f64()
        .filter(|number| (0.0..=MAX_SAFE_INTEGER).contains(number) && number.fract() == 0.0)?;
    Some(UnixMillis::new(number as u64))
}

/// 32 bytes from the platform's cryptographic random number generator.
pub(super) fn random() -> Result<[u8; 32]> {
    let mut bytes = [0; 32];
    CRYPTO
        .with(|crypto| {
            crypto
                .as_ref()
                .and_then(|crypto| crypto.get_random_values_with_u8_array(&mut bytes).ok())
        })
        .map(|_| bytes)
        .ok_or_else(|| {
            let message = "`crypto.getRandomValues` is missing, and without it no safe `state` can be made";
            Error::new(ErrorCode::CryptoUnavailable, message)
        })
}

/// The page's window, for what only a page can do.
pub(super) fn window(function: &str) -> Result<Window> {
    web_sys::window().ok_or_else(|| {
        Error::new(
            ErrorCode::NotInBrowser,
            &["`", function, "` works in a page in a browser only; call it there"].concat(),
        )
    })
}

/// The address of the page, with query and hash.
pub(super) fn href(window: &Window) -> Result<String> {
    window.location().href().map_err(|thrown| {
        Error::new(ErrorCode::NotInBrowser, "the address of the page could not be read").with("cause", &thrown)
    })
}

/// The address of the page without query and hash: what `redirectUri` is unless it is set.
pub(super) fn own_address(window: &Window) -> Result<String> {
    let href = href(window)?;
    let end = href.find(['?', '#']).unwrap_or(href.len());
    Ok(href.get(..end).unwrap_or_default().to_owned())
}

/// Leaves the page for `url`.
pub(super) fn navigate(url: &str) -> Result<()> {
    leave(url).map_err(|thrown| {
        Error::new(
            ErrorCode::NotInBrowser,
            "the browser refused to leave the page for Connect",
        )
        .with("cause", &thrown)
    })
}
