//! Errors of the API, in each of the shapes that Smartcar has used.
//!
//! Sources: <https://smartcar.com/docs/errors/api-errors>, and the fixtures of the official SDKs for the older shapes.

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::time::Millis;

/// What the error asks to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ResolutionKind {
    /// Wait and repeat.
    RetryLater,
    /// The owner has to log in to the car's brand again.
    Reauthenticate,
    /// Only Smartcar can help.
    ContactSupport,
    /// The owner has to do something at [`Resolution::url`].
    ActionRequired,
    /// One that this version does not know.
    Other,
}

/// How the error can be resolved.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Resolution {
    /// Who can mend it, and how.
    pub kind: ResolutionKind,
    /// Where. Check its origin before anybody is sent there.
    pub url: Option<String>,
}

/// An error of the API. Smartcar's texts may repeat tokens and vehicle data: they are kept out of `Debug`.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ApiError {
    /// The HTTP status.
    pub status: u16,
    /// Such as `PERMISSION`; `None` if the body does not say.
    pub error_type: Option<String>,
    /// Such as `AUTHENTICATION_FAILED`.
    pub code: Option<String>,
    /// Smartcar's text for developers.
    pub description: Option<String>,
    /// Where the error is documented.
    pub doc_url: Option<String>,
    /// How it can be mended; absent where Smartcar names no way.
    pub resolution: Option<Resolution>,
    /// What is wrong with which parameter: JSON, as given.
    pub detail: Vec<String>,
    /// Smartcar's id of the request; the header's if both are there.
    pub request_id: Option<String>,
    /// When to repeat the request.
    pub retry_after: Option<Millis>,
}

impl core::fmt::Debug for ApiError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("ApiError")
            .field("status", &self.status)
            .field("type", &self.error_type)
            .field("code", &self.code)
            .finish_non_exhaustive()
    }
}

impl ApiError {
    /// Reads an error answer. `header` gives a response header by its lower-case name.
    #[must_use]
    pub fn read(status: u16, header: impl Fn(&str) -> Option<String>, body: &[u8]) -> Self {
        let parsed = serde_json::from_slice::<Fields<'_>>(body);
        let plain = || {
            let text = core::str::from_utf8(body)
                .ok()
                .map(str::trim)
                .filter(|text| !text.is_empty());
            if parsed.is_err() { text.map(str::to_owned) } else { None }
        };
        let no_fields = Fields::default();
        let fields = parsed.as_ref().unwrap_or(&no_fields);
        let first = |values: &[Option<&RawValue>]| values.iter().flatten().find_map(|value| text(value));
        Self {
            status,
            error_type: first(&[fields.error_type, fields.error]),
            code: first(&[fields.code]),
            // `detail` is a text in version 3 and a list in version 2.
            description: first(&[
                fields.description,
                fields.error_description,
                fields.message,
                fields.detail,
            ])
            .or_else(plain),
            doc_url: first(&[fields.doc_url]),
            resolution: fields.resolution.and_then(resolution),
            detail: fields.detail.map(items).unwrap_or_default(),
            request_id: header("sc-request-id").or_else(|| first(&[fields.request_id])),
            retry_after: header("retry-after")
                .and_then(|value| value.trim().parse().ok())
                .map(Millis::from_secs),
        }
    }

    /// Whether the access token was not accepted: refresh it once and repeat.
    #[must_use]
    pub fn rejects_token(&self) -> bool {
        self.status == 401
    }

    /// The stable name of the error for the app: Smartcar's type and code in lower case, or the status.
    #[must_use]
    pub fn name(&self) -> String {
        let name = |text: &Option<String>| text.as_deref().map(identifier).filter(|name| !name.is_empty());
        match (name(&self.error_type), name(&self.code)) {
            (Some(kind), Some(code)) => [&kind, ":", &*code].concat(),
            (Some(kind), None) => kind,
            (None, _) => ["status_", &self.status.to_string()].concat(),
        }
    }
}

/// Lower-case letters, digits and `_`, at most 64: an upstream text never passes through as it is.
fn identifier(text: &str) -> String {
    let legal = |c: char| c.is_ascii_alphanumeric() || c == '_';
    text.chars()
        .filter(|c| legal(*c))
        .take(64)
        .map(|c| c.to_ascii_lowercase())
        .collect()
}

/// The members of all shapes, each as it stands in the body: one of an unknown form must not hide the others.
#[derive(Default, Deserialize)]
struct Fields<'a> {
    #[serde(borrow, rename = "type")]
    error_type: Option<&'a RawValue>,
    #[serde(borrow)]
    error: Option<&'a RawValue>,
    #[serde(borrow)]
    code: Option<&'a RawValue>,
    #[serde(borrow)]
    description: Option<&'a RawValue>,
    #[serde(borrow)]
    error_description: Option<&'a RawValue>,
    #[serde(borrow)]
    message: Option<&'a RawValue>,
    #[serde(borrow)]
    detail: Option<&'a RawValue>,
    #[serde(borrow, rename = "docURL")]
    doc_url: Option<&'a RawValue>,
    #[serde(borrow)]
    resolution: Option<&'a RawValue>,
    #[serde(borrow, rename = "requestId")]
    request_id: Option<&'a RawValue>,
}

fn text(value: &RawValue) -> Option<String> {
    serde_json::from_slice(value.get().as_bytes()).ok()
}

fn items(value: &RawValue) -> Vec<String> {
    let items: Vec<&RawValue> = serde_json::from_slice(value.get().as_bytes()).unwrap_or_default();
    items.into_iter().map(|item| item.get().to_owned()).collect()
}

#[derive(Deserialize)]
struct ResolutionFields<'a> {
    #[serde(borrow, rename = "type")]
    kind: Option<&'a RawValue>,
    #[serde(borrow)]
    url: Option<&'a RawValue>,
}

/// An object with `type` and `url`, or in older bodies the type alone.
fn resolution(value: &RawValue) -> Option<Resolution> {
    let (kind, url) = match text(value) {
        Some(kind) => (kind, None),
        None => {
            let fields: ResolutionFields<'_> = serde_json::from_slice(value.get().as_bytes()).ok()?;
            (fields.kind.and_then(text)?, fields.url.and_then(text))
        }
    };
    let kind = match kind.as_str() {
        "RETRY_LATER" => ResolutionKind::RetryLater,
        "REAUTHENTICATE" => ResolutionKind::Reauthenticate,
        "CONTACT_SUPPORT" => ResolutionKind::ContactSupport,
        "ACTION_REQUIRED" => ResolutionKind::ActionRequired,
        _ => ResolutionKind::Other,
    };
    Some(Resolution { kind, url })
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*};

    use super::*;

    fn read(status: u16, body: &str) -> ApiError {
        ApiError::read(status, |_| None, body.as_bytes())
    }

    #[test]
    fn the_name_is_safe_to_show() {
        for (body, name) in [
            (
                r#"{"type":"CONNECTED_SERVICES_ACCOUNT","code":"AUTHENTICATION_FAILED"}"#,
                "connected_services_account:authentication_failed",
            ),
            (r#"{"type":"PERMISSION","code":null}"#, "permission"),
            (
                r#"{"error":"vehicle_state_error","code":"VS_000"}"#,
                "vehicle_state_error:vs_000",
            ),
            (r#"{"type":"<script>","code":"a b\r\nc"}"#, "script:abc"),
            (r#"{"type":"<>","code":"X"}"#, "status_418"),
            (r#"{"type":"","code":"X"}"#, "status_418"),
            (r#"{"type":"A","code":"-"}"#, "a"),
            (r#"{"code":"X"}"#, "status_418"),
            ("<html>", "status_418"),
            ("", "status_418"),
        ] {
            assert_eq!(read(418, body).name(), name, "{body}");
        }
        let long = format!(r#"{{"type":"{}"}}"#, "A".repeat(5_000));
        assert_eq!(read(400, &long).name().len(), 64);
    }

    #[test]
    fn a_resolution_is_an_object_or_in_older_bodies_a_word() {
        let kind = |body: &str| {
            read(400, body)
                .resolution
                .map(|resolution| (resolution.kind, resolution.url))
        };
        assert_eq!(
            kind(r#"{"resolution":"CONTACT_SUPPORT"}"#),
            Some((ResolutionKind::ContactSupport, None))
        );
        assert_eq!(
            kind(r#"{"resolution":{"type":"ACTION_REQUIRED","url":"https://x.example"}}"#),
            Some((ResolutionKind::ActionRequired, Some("https://x.example".into())))
        );
        assert_eq!(
            kind(r#"{"resolution":{"type":"SOMETHING_NEW"}}"#),
            Some((ResolutionKind::Other, None))
        );
        for none in ["null", "{}", r#"{"type":null}"#, "3", "[]"] {
            assert_eq!(kind(&format!(r#"{{"resolution":{none}}}"#)), None, "{none}");
        }
    }

    #[test]
    fn version_3_has_its_text_in_detail() {
        let error = read(429, r#"{"type":"RATE_LIMIT","detail":"too fast","status":429}"#);
        assert_eq!(error.description.as_deref(), Some("too fast"));
        assert!(error.detail.is_empty());
    }

    #[test]
    fn headers_win_over_the_body() {
        let header = |name: &str| match name {
            "sc-request-id" => Some("from-header".to_owned()),
            "retry-after" => Some(" 30 ".to_owned()),
            _ => None,
        };
        let error = ApiError::read(429, header, br#"{"requestId":"from-body"}"#);
        assert_eq!(error.request_id.as_deref(), Some("from-header"));
        assert_eq!(error.retry_after, Some(Millis::from_secs(30)));
        assert_eq!(
            read(429, r#"{"requestId":"from-body"}"#).request_id.as_deref(),
            Some("from-body")
        );
    }

    #[test]
    fn only_401_is_about_the_token() {
        for status in [400, 402, 403, 404, 429, 430, 500] {
            assert!(!read(status, r#"{"type":"AUTHENTICATION"}"#).rejects_token());
        }
        assert!(read(401, "").rejects_token());
    }

    #[test]
    fn smartcars_texts_are_not_printed() {
        let error = read(
            400,
            r#"{"type":"VALIDATION","description":"Invalid token: hunter2","requestId":"hunter3"}"#,
        );
        assert!(!format!("{error:?}").contains("hunter"));
    }

    proptest! {
        #[test]
        fn no_body_panics_and_every_name_is_an_identifier(status: u16, body in vec(any::<u8>(), 0..300)) {
            let name = ApiError::read(status, |_| None, &body).name();
            prop_assert!(!name.is_empty());
            prop_assert!(name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b':')));
        }

        #[test]
        fn no_type_or_code_passes_through_as_it_is(kind: String, code: String) {
            let body = serde_json::json!({ "type": kind, "code": code }).to_string();
            let name = read(400, &body).name();
            prop_assert!(!name.is_empty() && name.len() <= 129);
            prop_assert!(name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b':')));
        }
    }
}
