//! The Worker as this module calls it: `fetch`, and every way in which an answer can be wrong.

use js_sys::{JSON, Reflect};
use serde::{Deserialize, Serialize};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::{RequestInit, Response, Url, Window};

use super::{
    code::ErrorCode,
    error::{Error, Result},
    page,
};
use crate::connect::Origin;

/// Where the Worker is mounted unless the app says otherwise.
const DEFAULT_EDGE: &str = "/smartcar";

/// Longer than the Worker's own deadlines together; a call without any would leave the owner waiting for ever.
const DEADLINE_MS: u32 = 30_000;

#[wasm_bindgen]
extern "C" {
    type AbortSignal;

    // Not in every browser within the floor; there the call has no deadline of its own.
    #[wasm_bindgen(catch, static_method_of = AbortSignal)]
    fn timeout(milliseconds: u32) -> core::result::Result<JsValue, JsValue>;
}

/// The Worker's address.
#[derive(Debug)]
pub(super) struct Edge {
    window: Window,
    base: String,
    same_origin: bool,
}

#[derive(Serialize)]
struct Init<'a> {
    method: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<String>,
    headers: InitHeaders,
    credentials: &'a str,
    // The API never redirects: whoever does is something else.
    redirect: &'a str,
    cache: &'a str,
}

#[derive(Serialize)]
struct InitHeaders {
    #[serde(rename = "Accept")]
    accept: &'static str,
    #[serde(rename = "Content-Type", skip_serializing_if = "Option::is_none")]
    content_type: Option<&'static str>,
    #[serde(rename = "X-Requested-With")]
    requested_with: &'static str,
}

/// `application/problem+json` as the Worker sends it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Problem {
    code: String,
    detail: String,
    #[serde(default)]
    field: Option<String>,
    #[serde(default)]
    request_id: Option<String>,
    #[serde(default)]
    retry_after: Option<f64>,
}

impl Edge {
    /// The Worker at `edge`: a path on the page's origin or an absolute URL.
    pub(super) fn new(window: Window, edge: Option<&str>) -> Result<Self> {
        let edge = edge.unwrap_or(DEFAULT_EDGE);
        let href = page::href(&window)?;
        let malformed = |reason: &str| {
            Error::option(
                "edge",
                format!("`edge` {reason}; give the path or URL at which the Worker is mounted"),
            )
        };
        let url = Url::new_with_base(edge, &href).map_err(|_| malformed("is not a URL"))?;
        if !(url.search().is_empty() && url.hash().is_empty()) {
            return Err(malformed("has a query or a hash"));
        }
        if !(url.username().is_empty() && url.password().is_empty()) {
            return Err(malformed("has a user name or a password"));
        }
        let origin = Origin::parse("edge", &url.origin()).map_err(Error::from)?;
        let path = url.pathname();
        let page_origin = window.location().origin().unwrap_or_default();
        Ok(Self {
            base: format!("{}{}", origin.as_str(), path.trim_end_matches('/')),
            same_origin: page_origin == origin.as_str(),
            window,
        })
    }

    /// The absolute URL at which the Worker is mounted, without a slash at the end.
    pub(super) fn base(&self) -> &str {
        &self.base
    }

    /// Gets JSON; the answer goes through `read`.
    pub(super) async fn get<T>(&self, path: &str, read: impl FnOnce(&JsValue) -> Option<T>) -> Result<T> {
        let url = self.url(path);
        let json = self.call(&url, "GET", None).await?;
        read(&json).ok_or_else(|| unexpected(&url, 200))
    }

    /// Sends `body` as JSON; the answer goes through `read`.
    pub(super) async fn post<T>(
        &self,
        path: &str,
        body: &impl Serialize,
        read: impl FnOnce(&JsValue) -> Option<T>,
    ) -> Result<T> {
        let url = self.url(path);
        let body = to_js(body)
            .ok()
            .and_then(|body| JSON::stringify(&body).ok())
            .map(String::from);
        let json = self.call(&url, "POST", body).await?;
        read(&json).ok_or_else(|| unexpected(&url, 200))
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    /// The parsed JSON of a successful answer.
    async fn call(&self, url: &str, method: &str, body: Option<String>) -> Result<JsValue> {
        let init = to_js(&Init {
            method,
            headers: InitHeaders {
                accept: "application/json",
                content_type: body.is_some().then_some("application/json"),
                requested_with: "smartcar-connect",
            },
            body,
            credentials: if self.same_origin { "same-origin" } else { "include" },
            redirect: "manual",
            cache: "no-store",
        })
        .map_err(|_| unreachable_edge(url, JsValue::UNDEFINED))?;
        if let Ok(signal) = AbortSignal::timeout(DEADLINE_MS) {
            drop(Reflect::set(&init, &"signal".into(), &signal));
        }
        let promise = self
            .window
            .fetch_with_str_and_init(url, init.unchecked_ref::<RequestInit>());
        let response: Response = JsFuture::from(promise)
            .await
            .map_err(|thrown| unreachable_edge(url, thrown))?
            .unchecked_into();
        let status = response.status();
        let text = response.text().map_err(|thrown| unreachable_edge(url, thrown))?;
        let text = JsFuture::from(text)
            .await
            .map_err(|thrown| unreachable_edge(url, thrown))?;
        let json = text
            .as_string()
            .and_then(|text| JSON::parse(&text).ok())
            .filter(JsValue::is_object);
        match json {
            Some(json) if response.ok() => Ok(json),
            Some(json) => Err(problem(url, status, json)),
            None => Err(unexpected(url, status)),
        }
    }
}

/// A value of this module as a plain JavaScript object: options that are not set are absent, times are numbers.
pub(super) fn to_js(value: &impl Serialize) -> core::result::Result<JsValue, serde_wasm_bindgen::Error> {
    value.serialize(&serde_wasm_bindgen::Serializer::json_compatible())
}

fn unreachable_edge(url: &str, thrown: JsValue) -> Error {
    let message = format!(
        "no answer from `{url}`; check the network, the option `edge` and, if the Worker is on another origin, that it allows this one"
    );
    Error::new(ErrorCode::NetworkError, message).with_cause(thrown)
}

/// An answer that is not one of the Worker's.
fn unexpected(url: &str, status: u16) -> Error {
    let message = format!(
        "`{url}` gave an answer that is not the Worker's (status {status}); check that `edge` is where it is mounted"
    );
    Error::new(ErrorCode::UnexpectedResponse, message).with_status(status)
}

fn problem(url: &str, status: u16, json: JsValue) -> Error {
    let Ok(problem) = serde_wasm_bindgen::from_value::<Problem>(json) else {
        return unexpected(url, status);
    };
    let error = match ErrorCode::parse(&problem.code) {
        Some(code) => Error::new(code, problem.detail),
        None => Error::new(ErrorCode::EdgeError, format!("{} ({})", problem.detail, problem.code)),
    };
    let error = match &problem.field {
        Some(field) => error.with_field(field),
        None => error,
    };
    error
        .with_status(status)
        .with_request_id(problem.request_id)
        .with_retry_after(problem.retry_after)
}
