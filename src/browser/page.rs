//! What the browser or the server that this module runs in is asked for: its clock, random numbers, and whom a domain is for.

use js_sys::Date;
use wasm_bindgen::prelude::*;
use web_sys::Crypto;

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
    /// Whether the browser says that anybody may have a host below this domain, which the page's own host is below: then hosts
    /// below it are of several sites.
    #[wasm_bindgen(js_name = isForAnybody)]
    pub(super) fn is_for_anybody(domain: &str) -> bool;
}

/// `Number.MAX_SAFE_INTEGER`.
const MAX_SAFE_INTEGER: f64 = 9_007_199_254_740_991.0;

/// The time by this machine's clock.
pub(super) fn now() -> UnixMillis {
    // A clock before 1970 reads as 0; the cast saturates.
    UnixMillis::new(Date::now() as u64)
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
