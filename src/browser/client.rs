//! The Worker as this module calls it. How a request is sent, for whom, and every way in which an answer can be wrong, is in
//! `pkg-template/client.js`, which scripts use without this module as well.

use js_sys::{Object, Promise};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;

use super::{
    error::{Error, Result},
    json::{self, set},
};

/// An answer of the Worker's, by the name of its table in `pkg-template/answers.js`.
#[derive(Clone, Copy, Debug)]
pub(super) enum Answer {
    Attempt,
    Finish,
    Reconnect,
    Start,
}

impl Answer {
    const fn table(self) -> &'static str {
        match self {
            Self::Attempt => "AttemptResponse",
            Self::Finish => "FinishResponse",
            Self::Reconnect => "ReconnectResponse",
            Self::Start => "StartResponse",
        }
    }
}

#[wasm_bindgen(raw_module = "./client.js")]
extern "C" {
    #[wasm_bindgen(catch, js_name = callerOf)]
    fn caller_of(options: &JsValue) -> core::result::Result<JsValue, JsValue>;

    #[wasm_bindgen(catch, js_name = baseOf)]
    fn base_of(edge: Option<&str>) -> core::result::Result<String, JsValue>;

    #[wasm_bindgen(js_name = call)]
    fn call_edge(caller: &JsValue, base: &str, method: &str, path: &str, body: Option<&str>, answer: &str) -> Promise;

    #[wasm_bindgen(js_name = isFinal)]
    fn is_final(error: &JsValue) -> bool;

    #[wasm_bindgen(js_name = unexpected)]
    fn unexpected_answer(url: &str, status: u16) -> JsValue;
}

/// Who calls, and for how long: the options `getToken`, `ticket` and `signal` of a call.
#[derive(Clone, Debug)]
pub(super) struct Caller(JsValue);

impl Caller {
    /// By the options of a call.
    pub(super) fn of(options: &JsValue) -> Result<Self> {
        caller_of(options).map(Self).map_err(Error::thrown)
    }
}

/// The Worker, at its address.
#[derive(Debug)]
pub(super) struct Client {
    base: String,
    caller: Caller,
}

impl Client {
    /// The Worker at `edge`: a path on the page's origin or an absolute URL.
    pub(super) fn new(edge: Option<&str>, caller: Caller) -> Result<Self> {
        let base = base_of(edge).map_err(Error::thrown)?;
        Ok(Self { base, caller })
    }

    /// The absolute URL at which the Worker is mounted, without a slash at the end.
    pub(super) fn base(&self) -> &str {
        &self.base
    }

    /// Gets what is at `path`.
    pub(super) async fn get(&self, path: &str, answer: Answer) -> Result<JsValue> {
        self.call("GET", path, None, answer).await
    }

    /// Sends these texts as a JSON object to `path`.
    pub(super) async fn post(&self, path: &str, body: &[(&str, &str)], answer: Answer) -> Result<JsValue> {
        let object = Object::new();
        for (name, value) in body {
            set(&object, name, &(*value).into());
        }
        self.call("POST", path, Some(&json::stringify(&object)), answer).await
    }

    /// The answer of `path` is a success, but not one of the Worker's.
    pub(super) fn unexpected(&self, path: &str) -> Error {
        let url = [self.base.as_str(), path].concat();
        Error::thrown(unexpected_answer(&url, 200)).retryable()
    }

    async fn call(&self, method: &str, path: &str, body: Option<&str>, answer: Answer) -> Result<JsValue> {
        let promise = call_edge(&self.caller.0, &self.base, method, path, body, answer.table());
        JsFuture::from(promise).await.map_err(|thrown| {
            let is_final = is_final(&thrown);
            let error = Error::thrown(thrown);
            if is_final { error } else { error.retryable() }
        })
    }
}
