//! Node, by the few functions of `host.js`.

use std::{path::Path, time::Duration};

use js_sys::{Date, Promise};
use tokio::sync::oneshot;
use url::Url;
use wasm_bindgen::prelude::{Closure, JsValue, wasm_bindgen};
use wasm_bindgen_futures::{JsFuture, spawn_local};

use crate::clock::Millis;

#[wasm_bindgen(raw_module = "./host.js")]
extern "C" {
    fn after(ms: f64, done: JsValue);
    #[wasm_bindgen(js_name = warn)]
    fn print(line: &str);
    #[wasm_bindgen(js_name = post)]
    fn send(url: &str, body: &str, signature: &str, ms: f64) -> Promise;
    #[wasm_bindgen(js_name = readFile, catch)]
    fn read(path: &str) -> Result<Option<String>, JsValue>;
    #[wasm_bindgen(js_name = replaceFile, catch)]
    fn replace(path: &str, text: &str) -> Result<(), JsValue>;
}

/// The system's time.
pub(crate) fn now() -> Millis {
    // Whole milliseconds, of this century.
    #[expect(
        clippy::as_conversions,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a time"
    )]
    let now = Date::now() as Millis;
    now
}

/// Waits. The future holds nothing of JavaScript's, since axum's are to be `Send`.
pub(crate) fn sleep(duration: Duration) -> impl Future<Output = ()> + Send {
    let (sender, receiver) = oneshot::channel();
    let done = Closure::once_into_js(move || {
        // Nobody may be waiting any more.
        let _ = sender.send(());
    });
    after(duration.as_secs_f64() * 1_000.0, done);
    async move {
        let _ = receiver.await;
    }
}

/// Runs something in the background.
pub(crate) fn spawn(work: impl Future<Output = ()> + 'static) {
    spawn_local(work);
}

/// Prints a line for people.
pub(crate) fn warn(line: &str) {
    print(line);
}

/// The text of a file, if there is one.
///
/// # Errors
/// Why it cannot be read.
pub(crate) fn read_file(path: &Path) -> Result<Option<String>, String> {
    read(&path.to_string_lossy()).map_err(reason)
}

/// Writes a file in one step, and the folders to it.
///
/// # Errors
/// Why it cannot be written.
pub(crate) fn replace_file(path: &Path, text: &str) -> Result<(), String> {
    replace(&path.to_string_lossy(), text).map_err(reason)
}

fn reason(error: JsValue) -> String {
    error
        .as_string()
        .unwrap_or_else(|| String::from(js_sys::Error::from(error).message()))
}

/// Posts an event, and returns the status of the answer if there is one in time.
pub(crate) async fn post(url: &Url, body: &str, signature: &str, deadline: Duration) -> Option<u16> {
    let status = JsFuture::from(send(url.as_str(), body, signature, deadline.as_secs_f64() * 1_000.0));
    let status = status.await.ok()?.as_f64()?;
    #[expect(
        clippy::as_conversions,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a status"
    )]
    let status = status as u16;
    Some(status)
}
