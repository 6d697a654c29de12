//! Reading requests and making answers.

use smartcar_connect::{
    edge::{Problem, RequestHead, invalid_json},
    http_api::ProblemCode,
    json,
    webhook::MAX_WEBHOOK_BYTES,
};
use wasm_bindgen::{JsCast as _, JsValue, prelude::wasm_bindgen};
use worker::{Headers, Method, Request, RequestInit, RequestRedirect, js_sys::Uint8Array};
use zeroize::Zeroizing;

/// The longest request body, in bytes.
const MAX_BODY_BYTES: u32 = 16 * 1024;

/// How long a request's body is waited for, in milliseconds.
const BODY_DEADLINE_MS: u32 = 10_000;

mod glue {
    use super::{JsValue, wasm_bindgen};

    #[wasm_bindgen(
        module = "/src/http.js",
        wasm_bindgen_futures = ::worker::wasm_bindgen_futures,
        js_sys = ::worker::js_sys
    )]
    extern "C" {
        pub(super) fn head(request: &web_sys::Request) -> String;

        #[wasm_bindgen(catch)]
        pub(super) async fn body(request: &web_sys::Request, limit: u32, deadline: u32) -> Result<JsValue, JsValue>;

        #[wasm_bindgen(catch)]
        pub(super) fn respond(status: u16, lines: &str, body: &JsValue) -> Result<web_sys::Response, JsValue>;
    }
}

/// A header's value. One that can't be read counts as absent.
pub(crate) fn header(headers: &Headers, name: &str) -> Option<String> {
    headers.get(name).ok().flatten()
}

/// The head of a request.
pub(crate) fn head(request: &web_sys::Request) -> RequestHead {
    RequestHead::from_lines(glue::head(request))
}

/// A request to send. Redirects are left to the caller, which follows none.
pub(crate) fn outgoing(
    method: &str,
    url: &str,
    headers: &[(&str, &str)],
    body: Option<&str>,
) -> worker::Result<Request> {
    let mut init = RequestInit::new();
    init.with_method(Method::from(method.to_owned()))
        .with_redirect(RequestRedirect::Manual)
        .with_body(body.map(JsValue::from_str));
    for (name, value) in headers {
        init.headers.set(name, value)?;
    }
    Request::new_with_init(url, &init)
}

/// The body, if it is a JSON object of the wanted form.
pub(crate) async fn json_body<T: serde::de::DeserializeOwned>(request: &web_sys::Request) -> Result<T, Problem> {
    let body = body(request).await?;
    json::strict::read(&body).map_err(|error| invalid_json(&error))
}

/// Whether there is anything in the body of a request to a route that takes none. Nothing is read of it but that it is no
/// longer than any body may be.
pub(crate) async fn has_content(request: &web_sys::Request) -> Result<bool, Problem> {
    Ok(!body(request).await?.is_empty())
}

/// The body, of at most 16 KiB.
pub(crate) async fn body(request: &web_sys::Request) -> Result<Zeroizing<Vec<u8>>, Problem> {
    body_within(request, MAX_BODY_BYTES, "the body is longer than 16 KiB").await
}

/// The body of a webhook, of at most 64 KiB.
pub(crate) async fn webhook_body(request: &web_sys::Request) -> Result<Zeroizing<Vec<u8>>, Problem> {
    let limit = u32::try_from(MAX_WEBHOOK_BYTES).unwrap_or(u32::MAX);
    body_within(request, limit, "the body is longer than 64 KiB").await
}

async fn body_within(
    request: &web_sys::Request,
    limit: u32,
    too_large: &'static str,
) -> Result<Zeroizing<Vec<u8>>, Problem> {
    let invalid = |detail: &'static str| Problem::new(ProblemCode::InvalidBody, detail);
    let read = glue::body(request, limit, BODY_DEADLINE_MS)
        .await
        .map_err(|_| invalid("the body could not be read to its end"))?;
    match read.dyn_into::<Uint8Array>() {
        Ok(bytes) => Ok(Zeroizing::new(bytes.to_vec())),
        Err(reason) => Err(match reason.as_string().as_deref() {
            Some("too_large") => Problem::new(ProblemCode::BodyTooLarge, too_large),
            Some("too_slow") => invalid("the body did not come within 10 seconds"),
            _ => invalid("the body is longer than its `Content-Length`"),
        }),
    }
}

/// A response before it is turned into the platform's.
pub(crate) struct HttpResponse {
    pub(crate) status: u16,
    pub(crate) content_type: Option<&'static str>,
    pub(crate) body: String,
    /// Sent in place of `body`, as it comes.
    pub(crate) stream: Option<JsValue>,
    pub(crate) headers: Vec<(&'static str, String)>,
}

impl HttpResponse {
    pub(crate) fn json(value: &impl serde::Serialize) -> Self {
        Self::json_text(serde_json::to_string(value).unwrap_or_default())
    }

    pub(crate) fn json_text(body: String) -> Self {
        Self {
            status: 200,
            content_type: Some("application/json"),
            body,
            stream: None,
            headers: Vec::new(),
        }
    }

    pub(crate) fn empty(status: u16) -> Self {
        Self {
            status,
            content_type: None,
            body: String::new(),
            stream: None,
            headers: Vec::new(),
        }
    }

    pub(crate) fn problem(problem: &Problem, request_id: &str) -> Self {
        let mut headers = Vec::new();
        if let Some(seconds) = problem.retry_after_secs() {
            headers.push(("retry-after", seconds.to_string()));
        }
        let said = problem.smartcar.as_ref();
        if let Some(id) = said.and_then(|said| said.request_id.as_ref()) {
            headers.push(("sc-request-id", id.clone()));
        }
        Self {
            status: problem.status(),
            content_type: Some("application/problem+json"),
            body: problem.to_json(request_id),
            stream: None,
            headers,
        }
    }

    /// The answer with one header more. Each name is given once, in small letters, but for `set-cookie`.
    pub(crate) fn with_header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// The platform's response, with the headers that every answer has.
    pub(crate) fn into_response(self, request_id: &str) -> worker::Result<web_sys::Response> {
        let mut lines =
            Zeroizing::new([self.content_type.unwrap_or_default(), "\nx-request-id\n", request_id].concat());
        // A line feed would make the rest of a value a header; the platform allows none in a header either.
        for (name, value) in self.headers.iter().filter(|(_, value)| !value.contains('\n')) {
            for part in ["\n", name, "\n", value] {
                lines.push_str(part);
            }
        }
        let body = match self.stream {
            Some(stream) => stream,
            None if self.content_type.is_some() => JsValue::from_str(&self.body),
            None => JsValue::NULL,
        };
        Ok(glue::respond(self.status, &lines, &body)?)
    }
}
