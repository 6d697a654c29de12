//! The Worker as this module calls it: `fetch`, and every way in which an answer can be wrong.

use js_sys::Object;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::{RequestInit, Response, Url, Window};

use super::{
    error::{Error, Result},
    json::{self, set},
    page,
};
use crate::{
    connect::Origin,
    http_api::{ErrorCode, header, path, problem::PROBLEM, retry_after::RETRY_AFTER, schema},
};

/// Longer than the Worker's own deadlines together; a call without any would leave the owner waiting forever.
const DEADLINE_MS: u32 = 30_000;

/// The status of an answer without a body.
const NO_CONTENT: u16 = 204;

/// Makes an answer of the Worker's JSON; `None` if it is not one of the Worker's.
pub(super) type Read = fn(&JsValue) -> Option<JsValue>;

#[wasm_bindgen]
extern "C" {
    type AbortSignal;

    // Not in every browser within the floor; there the call has no deadline of its own.
    #[wasm_bindgen(catch, static_method_of = AbortSignal)]
    fn timeout(milliseconds: u32) -> core::result::Result<JsValue, JsValue>;
}

/// The Worker, at its address.
#[derive(Debug)]
pub(super) struct Client {
    window: Window,
    base: String,
    same_origin: bool,
}

impl Client {
    /// The Worker at `edge`: a path on the page's origin or an absolute URL.
    pub(super) fn new(window: Window, edge: Option<&str>) -> Result<Self> {
        let edge = edge.unwrap_or(path::DEFAULT_MOUNT);
        let href = page::href(&window)?;
        let malformed = |reason: &str| {
            let message = [
                "`edge` ",
                reason,
                "; give the path or URL at which the Worker is mounted",
            ]
            .concat();
            Error::option("edge", &message)
        };
        let url = Url::new_with_base(edge, &href).map_err(|_| malformed("is not a URL"))?;
        if !(url.search().is_empty() && url.hash().is_empty()) {
            return Err(malformed("has a query or a hash"));
        }
        if !(url.username().is_empty() && url.password().is_empty()) {
            return Err(malformed("has a user name or a password"));
        }
        let origin = Origin::parse(&url.origin()).map_err(|error| error.in_field("edge"))?;
        Ok(Self {
            base: [origin.as_str(), url.pathname().trim_end_matches('/')].concat(),
            same_origin: window.location().origin().is_ok_and(|own| own == origin.as_str()),
            window,
        })
    }

    /// The absolute URL at which the Worker is mounted, without a slash at the end.
    pub(super) fn base(&self) -> &str {
        &self.base
    }

    /// Gets the JSON at `path`.
    pub(super) async fn get(&self, path: &str, read: Read) -> Result<JsValue> {
        self.call("GET", path, None, Some(read)).await
    }

    /// Deletes what is at `path`. Returns `undefined`.
    pub(super) async fn delete(&self, path: &str) -> Result<JsValue> {
        self.call("DELETE", path, None, None).await
    }

    /// Sends these texts as a JSON object to `path`.
    pub(super) async fn post(&self, path: &str, body: &[(&str, &str)], read: Read) -> Result<JsValue> {
        let object = Object::new();
        for (name, value) in body {
            set(&object, name, &(*value).into());
        }
        self.call("POST", path, Some(json::stringify(&object)), Some(read))
            .await
    }

    /// The answer of `path` is a success, but not one of the Worker's.
    pub(super) fn unexpected(&self, path: &str) -> Error {
        unexpected(&[self.base.as_str(), path].concat(), 200, None)
    }

    /// Without `read` the answer has nothing to say but that it is done.
    async fn call(&self, method: &str, path: &str, body: Option<String>, read: Option<Read>) -> Result<JsValue> {
        let url = [self.base.as_str(), path].concat();
        let init = self.init(method, body);
        let promise = self
            .window
            .fetch_with_str_and_init(&url, init.unchecked_ref::<RequestInit>());
        let response = JsFuture::from(promise)
            .await
            .map_err(|thrown| unreachable_edge(&url, &thrown))?;
        let response: Response = response.unchecked_into();
        let retry_after = response.headers().get(RETRY_AFTER).ok().flatten();
        let text = response.text().map_err(|thrown| unreachable_edge(&url, &thrown))?;
        let text = JsFuture::from(text)
            .await
            .map_err(|thrown| unreachable_edge(&url, &thrown))?;
        let json = text.as_string().and_then(|text| json::parse(&text));
        let status = response.status();
        let unexpected = || unexpected(&url, status, retry_after.as_deref());
        match (read, json) {
            (None, _) if status == NO_CONTENT => Ok(JsValue::UNDEFINED),
            (Some(read), Some(json)) if response.ok() => read(&json).ok_or_else(unexpected),
            (_, json) => Err(json.and_then(|json| problem(status, &json)).unwrap_or_else(unexpected)),
        }
    }

    /// The second argument of `fetch`.
    fn init(&self, method: &str, body: Option<String>) -> JsValue {
        let headers = Object::new();
        set(&headers, "Accept", &header::JSON.into());
        set(&headers, header::REQUESTED_WITH, &header::REQUESTED_WITH_VALUE.into());
        let init = Object::new();
        set(&init, "method", &method.into());
        if let Some(body) = body {
            set(&headers, header::CONTENT_TYPE, &header::JSON.into());
            set(&init, "body", &body.into());
        }
        set(&init, "headers", &headers);
        let credentials = if self.same_origin { "same-origin" } else { "include" };
        set(&init, "credentials", &credentials.into());
        set(&init, "cache", &"no-store".into());
        // The API never redirects: what does is something else.
        set(&init, "redirect", &"manual".into());
        if let Ok(signal) = AbortSignal::timeout(DEADLINE_MS) {
            set(&init, "signal", &signal);
        }
        init.into()
    }
}

fn unreachable_edge(url: &str, thrown: &JsValue) -> Error {
    let remedy =
        "`; check the network, the option `edge` and, if the Worker is on another origin, that it allows this one";
    Error::new(ErrorCode::NetworkError, &["no answer from `", url, remedy].concat())
        .with("cause", thrown)
        .retryable()
}

/// An answer that is not one of the Worker's: of whatever stands between it and the page, or of another server.
fn unexpected(url: &str, status: u16, retry_after: Option<&str>) -> Error {
    let code = ErrorCode::UnexpectedResponse;
    let error = Error::new(code, &["`", url, "` ", what_answered(status)].concat()).with("status", &status.into());
    let error = match retry_after.and_then(page::wait) {
        Some(span) => error.with("retryAfter", &(span.as_secs() as f64).into()),
        None => error,
    };
    error.retryable()
}

/// What an answer that is not the Worker's means by its status, and what to do about it.
const fn what_answered(status: u16) -> &'static str {
    match status {
        // A redirect that was not followed has no status.
        0 | 300..=399 => {
            "leads elsewhere, perhaps to a log-in; let requests to the Worker through, and check the option `edge`"
        }
        401 | 403 | 407 => {
            "was refused by something in front of the Worker, such as a firewall or a bot check; let requests to the \
             Worker through"
        }
        429 => "was asked too often, says something in front of the Worker; try again later",
        500..=599 => {
            "failed before the Worker could answer; try again later, and if it stays so check the option `edge`"
        }
        _ => "gave an answer that is not the Worker's; check that the option `edge` says where it is mounted",
    }
}

/// The Worker's own account of what went wrong.
fn problem(status: u16, json: &JsValue) -> Option<Error> {
    let json = schema::validate(json, PROBLEM)?;
    let (code, detail) = (json::text(&json, "code")?, json::text(&json, "detail")?);
    let mut error = match ErrorCode::from_problem(&code) {
        Some(code) => Error::new(code, &detail),
        None => Error::new(ErrorCode::EdgeError, &[detail.as_str(), " (", &code, ")"].concat()),
    };
    error = error.with("status", &status.into());
    for name in ["field", "requestId", "retryAfter"] {
        error = error.with(name, &json::get(&json, name));
    }
    // Those with which the Worker asks for patience.
    Some(if matches!(status, 429 | 503) {
        error.retryable()
    } else {
        error
    })
}
