//! Errors of the API, in each of the shapes that Smartcar has used.
//!
//! Sources: <https://smartcar.com/docs/errors/api-errors>, and the fixtures of the official SDKs for the older shapes.

use crate::{
    http_api::retry_after::read_retry_after,
    json::lenient::{Object, Value, with_object},
    time::{Millis, UnixMillis},
};

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
    /// One that this version does not know, or none: see [`Resolution::name`].
    Other,
}

/// How the error can be resolved.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Resolution {
    /// Who can mend it, and how.
    pub kind: ResolutionKind,
    /// The kind in Smartcar's words, as given, such as `RETRY_LATER`; `None` if it gives a [`url`](Self::url) alone.
    pub name: Option<String>,
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
    /// Smartcar's text for owners, where it has one.
    pub suggested_user_message: Option<String>,
    /// Where the error is documented.
    pub doc_url: Option<String>,
    /// How it can be mended; absent where Smartcar names no way.
    pub resolution: Option<Resolution>,
    /// What is wrong with which parameter: JSON, as given.
    pub detail: Vec<String>,
    /// Smartcar's id of the request; the header's if both are there.
    pub request_id: Option<String>,
    /// When to repeat the request, by the header `Retry-After`: at most an hour is believed.
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
    /// Reads an error answer that arrived `now`. `header` gives a response header by its lower-case name. A member that makes no sense hides none
    /// of the others.
    #[must_use]
    pub fn read(status: u16, header: impl Fn(&str) -> Option<String>, body: &[u8], now: UnixMillis) -> Self {
        with_object(body, |members| Self::from_members(status, header, members, body, now))
    }

    fn from_members(
        status: u16,
        header: impl Fn(&str) -> Option<String>,
        members: Option<&Object<'_>>,
        body: &[u8],
        now: UnixMillis,
    ) -> Self {
        let plain = || {
            let text = core::str::from_utf8(body).ok().map(str::trim)?;
            (members.is_none() && !text.is_empty()).then(|| text.to_owned())
        };
        // Version 3 has a list of errors, of which there is one.
        let listed = members.and_then(|members| members.get("errors")?.items()?.into_iter().find_map(Value::object));
        let members = listed.as_ref().or(members);
        let get = |name: &str| members.and_then(|members| members.get(name));
        let debug = || get("meta")?.object()?.get("debug")?.object()?.text("requestId");
        let first = |names: &[&str]| names.iter().copied().filter_map(get).find_map(Value::text);
        Self {
            status,
            error_type: first(&["type", "error"]),
            code: first(&["code"]),
            // `detail` is a text in version 3 and a list in version 2.
            description: first(&["description", "error_description", "message", "detail"]).or_else(plain),
            suggested_user_message: first(&["suggestedUserMessage"]),
            doc_url: first(&["docURL"]),
            resolution: get("resolution").and_then(resolution),
            detail: get("detail").and_then(Value::items).map(as_json).unwrap_or_default(),
            request_id: header("sc-request-id").or_else(|| first(&["requestId"])).or_else(debug),
            retry_after: header("retry-after").and_then(|value| read_retry_after(&value, now)),
        }
    }

    /// Whether the access token was not accepted: refresh it once and repeat.
    #[must_use]
    pub fn rejects_token(&self) -> bool {
        self.status == 401
    }

    /// Whether it says that there is no such vehicle, and not only that something else is missing (v3).
    #[must_use]
    pub fn misses_vehicle(&self) -> bool {
        let is_of_another = |code: &str| matches!(code, "SIGNAL_NOT_FOUND" | "INVALID_PATH" | "PATH" | "VERSION");
        self.status == 404 && !self.code.as_deref().is_some_and(is_of_another)
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

fn as_json(items: Vec<Value<'_>>) -> Vec<String> {
    items.into_iter().map(|item| item.as_json().to_owned()).collect()
}

/// An object with `type` and `url`, or in older bodies the type alone.
fn resolution(value: Value<'_>) -> Option<Resolution> {
    let (name, url) = match value.text() {
        Some(name) => (Some(name), None),
        None => {
            let members = value.object()?;
            (members.text("type"), members.text("url"))
        }
    };
    let kind = match name.as_deref() {
        Some("RETRY_LATER") => ResolutionKind::RetryLater,
        Some("REAUTHENTICATE") => ResolutionKind::Reauthenticate,
        Some("CONTACT_SUPPORT") => ResolutionKind::ContactSupport,
        Some("ACTION_REQUIRED") => ResolutionKind::ActionRequired,
        _ => ResolutionKind::Other,
    };
    (name.is_some() || url.is_some()).then_some(Resolution { kind, name, url })
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*};

    use super::*;
    use crate::json::odd::among_odd_members;

    const NOW: UnixMillis = UnixMillis::new(1_790_000_000_000);

    fn read(status: u16, body: &str) -> ApiError {
        ApiError::read(status, |_| None, body.as_bytes(), NOW)
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
        let name = |body: &str| read(400, body).resolution.and_then(|resolution| resolution.name);
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
        assert_eq!(
            name(r#"{"resolution":{"type":"SOMETHING_NEW"}}"#).as_deref(),
            Some("SOMETHING_NEW")
        );
        assert_eq!(
            name(r#"{"resolution":"REAUTHENTICATE"}"#).as_deref(),
            Some("REAUTHENTICATE")
        );
        for odd in ["null", "7", r#"["REAUTHENTICATE"]"#] {
            let body = format!(r#"{{"resolution":{{"type":{odd},"url":"https://x.example"}}}}"#);
            assert_eq!(
                kind(&body),
                Some((ResolutionKind::Other, Some("https://x.example".into())))
            );
            assert_eq!(name(&body), None);
        }
        for none in [
            "null",
            "{}",
            r#"{"type":null}"#,
            "3",
            "[]",
            r#"["REAUTHENTICATE","https://x.example"]"#,
        ] {
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
    fn smartcars_text_for_owners_is_to_be_had() {
        let error = read(
            409,
            r#"{"type":"VEHICLE_STATE","suggestedUserMessage":"Please start the car."}"#,
        );
        assert_eq!(error.suggested_user_message.as_deref(), Some("Please start the car."));
        assert_eq!(read(409, r#"{"suggestedUserMessage":7}"#).suggested_user_message, None);
    }

    #[test]
    fn an_odd_member_hides_none_of_the_others() {
        for body in [
            &b"\xef\xbb\xbf{\"type\":\"PERMISSION\",\"code\":\"X\"}"[..],
            b"{\"type\":\"PERMISSION\",\"code\":\"X\",\"description\":\"caf\xe9\"}",
            b"{\"type\":\"PERMISSION\",\"code\":\"X\",\"description\":\"\x01\"}",
            br#"{"type":"OLD","type":"PERMISSION","code":"X","docURL":7,"resolution":[1],"detail":{}}"#,
            br#"{"error":"PERMISSION","type":7,"code":"X"}"#,
        ] {
            let error = ApiError::read(403, |_| None, body, NOW);
            assert_eq!(error.name(), "permission:x", "{}", String::from_utf8_lossy(body));
        }
        let list = ApiError::read(403, |_| None, br#"["PERMISSION",null,"X"]"#, NOW);
        assert_eq!(list.name(), "status_403");
    }

    #[test]
    fn version_3_has_its_error_in_a_list() {
        let error = read(
            404,
            r#"{"errors":[null,{"status":"404","type":"RESOURCE_NOT_FOUND","code":"VEHICLE_NOT_FOUND","detail":"gone",
                "meta":{"debug":{"requestId":"r1"}}},{"type":"SECOND"}],"meta":{}}"#,
        );
        assert_eq!(error.name(), "resource_not_found:vehicle_not_found");
        assert_eq!(error.description.as_deref(), Some("gone"));
        assert_eq!(error.request_id.as_deref(), Some("r1"));
        for odd in ["null", "[]", "7", r#"["x"]"#] {
            let body = format!(r#"{{"type":"PERMISSION","errors":{odd}}}"#);
            assert_eq!(read(403, &body).name(), "permission", "{odd}");
        }
    }

    #[test]
    fn headers_win_over_the_body() {
        let header = |name: &str| match name {
            "sc-request-id" => Some("from-header".to_owned()),
            "retry-after" => Some(" 30 ".to_owned()),
            _ => None,
        };
        let error = ApiError::read(429, header, br#"{"requestId":"from-body"}"#, NOW);
        assert_eq!(error.request_id.as_deref(), Some("from-header"));
        assert_eq!(error.retry_after, Some(Millis::from_secs(30)));
        let header = |name: &str| (name == "retry-after").then(|| "86400".to_owned());
        assert_eq!(
            ApiError::read(503, header, b"", NOW).retry_after,
            Some(Millis::from_hours(1))
        );
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
    fn a_signal_that_is_not_there_is_no_vehicle_that_is_gone() {
        let code = |code: &str| format!(r#"{{"errors":[{{"type":"RESOURCE_NOT_FOUND","code":"{code}"}}]}}"#);
        for gone in ["", "{}", &code("VEHICLE_NOT_FOUND")] {
            assert!(read(404, gone).misses_vehicle(), "{gone}");
        }
        for other in ["SIGNAL_NOT_FOUND", "INVALID_PATH", "PATH", "VERSION"] {
            assert!(!read(404, &code(other)).misses_vehicle(), "{other}");
        }
        assert!(!read(400, &code("VEHICLE_NOT_FOUND")).misses_vehicle());
    }

    #[test]
    fn smartcars_texts_are_not_printed() {
        let error = read(
            400,
            r#"{"type":"VALIDATION","description":"Invalid token: hunter2","requestId":"hunter3",
                "suggestedUserMessage":"hunter4"}"#,
        );
        assert!(!format!("{error:?}").contains("hunter"));
    }

    proptest! {
        #[test]
        fn an_error_is_found_among_odd_members(
            body in among_odd_members(
                r#"{"type":"PERMISSION","code":"X","resolution":{"type":"NEW","url":"https://x.example"}}"#
            ),
        ) {
            let error = ApiError::read(403, |_| None, &body, NOW);
            prop_assert_eq!(error.name(), "permission:x", "{}", body.escape_ascii());
            prop_assert_eq!(error.resolution.unwrap().url, Some("https://x.example".to_owned()));
        }

        #[test]
        fn no_body_panics_and_every_name_is_an_identifier(status: u16, body in vec(any::<u8>(), 0..300)) {
            let name = ApiError::read(status, |_| None, &body, NOW).name();
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
