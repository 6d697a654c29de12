//! The page this module runs in: its clock, random numbers, address and history.

use js_sys::Date;
use wasm_bindgen::prelude::*;
use web_sys::{Crypto, Window};

use super::error::{Error, Result};
use crate::{
    connect::{query_of, split, with_query},
    http_api::ErrorCode,
    time::UnixMillis,
};

#[wasm_bindgen]
extern "C" {
    // `window.crypto` would leave out Workers and Node, where the pure functions run too.
    #[wasm_bindgen(thread_local_v2, js_name = crypto)]
    static CRYPTO: Option<Crypto>;
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

/// Takes the callback `search` out of the address bar and this history entry, if it is there. The app's own parameters,
/// the hash and the entry's state stay.
pub(super) fn remove_callback(window: &Window, search: &str) -> Result<()> {
    let href = href(window)?;
    let current = query_of(&href);
    let parts = split(current);
    if current != search || parts.callback.is_empty() {
        return Ok(());
    }
    if let Ok(history) = window.history() {
        let state = history.state().unwrap_or(JsValue::NULL);
        let stripped = with_query(&href, &parts.rest);
        // Browsers refuse it where a page has changed its address a hundred times within seconds. The code is about to be
        // used up, so that the connection is not given up for it.
        drop(history.replace_state_with_url(&state, "", Some(&stripped)));
    }
    Ok(())
}

/// Leaves the page for `url`.
pub(super) fn navigate(window: &Window, url: &str) -> Result<()> {
    window.location().assign(url).map_err(|thrown| {
        Error::new(
            ErrorCode::NotInBrowser,
            "the browser refused to leave the page for Connect",
        )
        .with("cause", &thrown)
    })
}
