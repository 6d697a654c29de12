//! Requests and answers as plain values: handlers neither read from nor write to a socket.

use axum::http::{HeaderMap, HeaderValue, Method, Response, StatusCode, header};
use maud::Markup;
use serde_json::Value;

/// A request that has arrived in full.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) method: Method,
    pub(crate) path: String,
    /// Without the question mark; empty when there is none.
    pub(crate) query: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

/// An answer that has not been sent.
pub(crate) type Answer = Response<Vec<u8>>;

impl Request {
    /// A header's value if there is one and it is text.
    pub(crate) fn header(&self, name: header::HeaderName) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// Whether the body claims to be `application/x-www-form-urlencoded`.
    pub(crate) fn is_form(&self) -> bool {
        self.header(header::CONTENT_TYPE).is_some_and(|value| {
            let essence = value.split(';').next().unwrap_or_default().trim();
            essence.eq_ignore_ascii_case("application/x-www-form-urlencoded")
        })
    }

    /// Whether the body claims to be `application/json`.
    pub(crate) fn is_json(&self) -> bool {
        self.header(header::CONTENT_TYPE).is_some_and(|value| {
            let essence = value.split(';').next().unwrap_or_default().trim();
            essence.eq_ignore_ascii_case("application/json")
        })
    }

    /// The fields of a form body, in order.
    pub(crate) fn form(&self) -> Params {
        Params::parse(&self.body)
    }

    /// The parameters of the query, in order.
    pub(crate) fn params(&self) -> Params {
        Params::parse(self.query.as_bytes())
    }

    /// The address under which the client reached the simulator.
    pub(crate) fn origin(&self) -> String {
        format!("http://{}", self.header(header::HOST).unwrap_or("127.0.0.1"))
    }
}

/// Decoded name-value pairs in their order.
#[derive(Clone, Debug, Default)]
pub(crate) struct Params(pub(crate) Vec<(String, String)>);

impl Params {
    fn parse(bytes: &[u8]) -> Self {
        Self(url::form_urlencoded::parse(bytes).into_owned().collect())
    }

    /// The first value of a name.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }

    /// Every value of a name.
    pub(crate) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0
            .iter()
            .filter(move |(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }

    /// A name that occurs more than once.
    pub(crate) fn repeated(&self) -> Option<&str> {
        self.0
            .iter()
            .find(|(key, _)| self.all(key).count() > 1)
            .map(|(key, _)| key.as_str())
    }
}

/// An answer with a body and its type.
pub(crate) fn answer(status: StatusCode, content_type: &'static str, body: Vec<u8>) -> Answer {
    let mut answer = Response::new(body);
    *answer.status_mut() = status;
    let headers = answer.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    answer
}

/// A JSON answer.
pub(crate) fn json(status: StatusCode, body: &Value) -> Answer {
    answer(status, "application/json; charset=utf-8", body.to_string().into_bytes())
}

/// A page that may load its style sheet and nothing else.
pub(crate) fn page(status: StatusCode, markup: Markup) -> Answer {
    let mut answer = answer(status, "text/html; charset=utf-8", markup.into_string().into_bytes());
    let headers = answer.headers_mut();
    // No `form-action`: it would also forbid the redirect back to the application after the last form.
    headers.insert(
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static(
            "default-src 'none'; style-src 'self'; img-src data:; base-uri 'none'; frame-ancestors 'none'",
        ),
    );
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    answer
}

/// A redirect after which the browser sends a GET.
pub(crate) fn see_other(location: &str) -> Answer {
    let mut answer = answer(StatusCode::SEE_OTHER, "text/plain; charset=utf-8", Vec::new());
    if let Ok(location) = HeaderValue::from_str(location) {
        answer.headers_mut().insert(header::LOCATION, location);
    }
    answer
}

/// `base` with `pairs` added to its query, spaces as `%20`. An empty value leaves its key alone, without `=`.
pub(crate) fn with_query(base: &str, pairs: &[(&str, String)]) -> String {
    let encode = |text: &str| -> String {
        let encoded: String = url::form_urlencoded::byte_serialize(text.as_bytes()).collect();
        encoded.replace('+', "%20")
    };
    let query: Vec<String> = pairs
        .iter()
        .map(|(name, value)| match value.as_str() {
            "" => encode(name),
            value => format!("{}={}", encode(name), encode(value)),
        })
        .collect();
    let separator = if base.contains('?') { '&' } else { '?' };
    format!("{base}{separator}{}", query.join("&"))
}
