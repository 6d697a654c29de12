//! Reading requests and making answers.

use futures_util::StreamExt as _;
use smartcar_connect::{edge::Problem, http_api::ProblemCode};
use worker::{Headers, Request, Response, wasm_bindgen::JsValue};

/// The longest request body, in bytes.
const MAX_BODY_BYTES: usize = 16 * 1024;

/// A header's value. One that can't be read counts as absent.
pub(crate) fn header(headers: &Headers, name: &str) -> Option<String> {
    headers.get(name).ok().flatten()
}

/// The origin that the request was sent to, as a browser would name it in `Origin`.
pub(crate) fn own_origin(request: &Request) -> String {
    let url = request.inner().url();
    let after_scheme = url.find("://").map_or(0, |at| at.saturating_add(3));
    let host_end = url.get(after_scheme..).and_then(|rest| rest.find(['/', '?', '#']));
    match host_end {
        Some(end) => url
            .get(..after_scheme.saturating_add(end))
            .unwrap_or_default()
            .to_owned(),
        None => url,
    }
}

/// A request to send. Redirects are left to the caller, which follows none.
///
/// Made by hand: the constructor of `worker` brings the code for every Cloudflare option along.
pub(crate) fn outgoing(
    method: &str,
    url: &str,
    headers: &[(&str, &str)],
    body: Option<&str>,
) -> worker::Result<Request> {
    let outgoing = web_sys::Headers::new()?;
    for (name, value) in headers {
        outgoing.set(name, value)?;
    }
    let init = web_sys::RequestInit::new();
    init.set_method(method);
    init.set_headers(&outgoing);
    init.set_redirect(web_sys::RequestRedirect::Manual);
    if let Some(body) = body {
        init.set_body(&JsValue::from_str(body));
    }
    Ok(web_sys::Request::new_with_str_and_init(url, &init)?.into())
}

/// The body, if it is JSON of the wanted form.
pub(crate) async fn json_body<T: serde::de::DeserializeOwned>(request: &mut Request) -> Result<T, Problem> {
    let body = body(request).await?;
    serde_json::from_slice(&body).map_err(|error| {
        let text = error.to_string();
        // Other messages quote the input, which may hold a secret; the place is enough of them.
        let known = ["missing field", "unknown field"];
        let what = if known.iter().any(|start| text.starts_with(start)) {
            text
        } else {
            format!("see line {}, column {}", error.line(), error.column())
        };
        Problem::new(
            ProblemCode::InvalidBody,
            ["the body is not JSON with the documented fields: ", &what].concat(),
        )
    })
}

async fn body(request: &mut Request) -> Result<Vec<u8>, Problem> {
    let declared = header(request.headers(), "content-length").and_then(|length| length.parse::<usize>().ok());
    let body = match declared {
        // In one piece: a stream costs as much as all the rest of a request.
        Some(length) if length <= MAX_BODY_BYTES => request.bytes().await.map_err(|_| unreadable())?,
        Some(_) => return Err(too_large()),
        None => streamed(request).await?,
    };
    if body.len() > MAX_BODY_BYTES {
        return Err(too_large());
    }
    Ok(body)
}

async fn streamed(request: &mut Request) -> Result<Vec<u8>, Problem> {
    let mut body = Vec::new();
    // A request without a body has no stream.
    let Ok(mut stream) = request.stream() else {
        return Ok(body);
    };
    while let Some(chunk) = stream.next().await {
        body.extend_from_slice(&chunk.map_err(|_| unreadable())?);
        if body.len() > MAX_BODY_BYTES {
            break;
        }
    }
    Ok(body)
}

fn unreadable() -> Problem {
    Problem::new(ProblemCode::InvalidBody, "the body could not be read to its end")
}

fn too_large() -> Problem {
    Problem::new(ProblemCode::BodyTooLarge, "the body is longer than 16 KiB")
}

/// An answer before it is turned into the platform's.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) content_type: Option<&'static str>,
    pub(crate) body: String,
    pub(crate) headers: Vec<(&'static str, String)>,
}

impl Answer {
    pub(crate) fn json(value: &impl serde::Serialize) -> Self {
        Self::json_text(serde_json::to_string(value).unwrap_or_default())
    }

    pub(crate) fn json_text(body: String) -> Self {
        Self {
            status: 200,
            content_type: Some("application/json"),
            body,
            headers: Vec::new(),
        }
    }

    pub(crate) fn empty(status: u16) -> Self {
        Self {
            status,
            content_type: None,
            body: String::new(),
            headers: Vec::new(),
        }
    }

    pub(crate) fn problem(problem: &Problem, request_id: &str) -> Self {
        let mut headers = Vec::new();
        if let Some(seconds) = problem.retry_after_secs() {
            headers.push(("retry-after", seconds.to_string()));
        }
        Self {
            status: problem.code.status(),
            content_type: Some("application/problem+json"),
            body: problem.to_json(request_id),
            headers,
        }
    }

    pub(crate) fn with_header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// The platform's response. Nothing that the Worker says may be stored or sniffed.
    pub(crate) fn into_response(self, request_id: &str) -> worker::Result<Response> {
        let headers = Headers::new();
        headers.set("cache-control", "no-store")?;
        headers.set("x-content-type-options", "nosniff")?;
        headers.set("x-request-id", request_id)?;
        if let Some(content_type) = self.content_type {
            headers.set("content-type", content_type)?;
        }
        for (name, value) in &self.headers {
            headers.append(name, value)?;
        }
        let builder = Response::builder().with_status(self.status).with_headers(headers);
        Ok(if self.content_type.is_none() {
            builder.empty()
        } else {
            builder.fixed(self.body.into_bytes())
        })
    }
}
