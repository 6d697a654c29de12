//! Reading the token endpoint's answers.

use crate::{
    http_api::retry_after::read_retry_after,
    json::lenient::{Object, Value, with_object},
    time::{Millis, UnixMillis},
    token::{
        error::{TokenError, TokenResult, TokenSet},
        lifetime,
        secrets::{AccessToken, RefreshToken},
    },
};

/// The longest answer that is read, in bytes. Tokens are a few dozen.
pub const MAX_BODY_BYTES: usize = 64 * 1024;

/// The longest token that is believed, in bytes.
const MAX_TOKEN_BYTES: usize = 8 * 1024;

/// Judges an answer of the token endpoint that arrived `now`.
///
/// `retry_after` is the header of that name, if any, of which at most an hour is believed. A body longer than
/// [`MAX_BODY_BYTES`] counts as unreadable; the caller need not have read more than one byte beyond.
///
/// A member that makes no sense hides none of the others: a success with tokens has used the old ones up, and a refusal of the
/// grant is final.
pub fn read_response(status: u16, retry_after: Option<&str>, body: &[u8], now: UnixMillis) -> TokenResult {
    with_members(body, |members| judge(status, retry_after, members, now))
}

/// Whether the answer says that its access token is a Bearer token. If it doesn't, or says another type, the token is used as
/// one all the same (RFC 6750 knows no other way that Smartcar's API would take), but somebody should hear of it.
#[must_use]
pub fn says_bearer(body: &[u8]) -> bool {
    with_members(body, |members| {
        let token_type = members.and_then(|members| members.text("token_type"));
        token_type.is_some_and(|token_type| token_type.trim().eq_ignore_ascii_case("bearer"))
    })
}

fn with_members<R>(body: &[u8], read: impl FnOnce(Option<&Object<'_>>) -> R) -> R {
    if body.len() > MAX_BODY_BYTES {
        read(None)
    } else {
        with_object(body, read)
    }
}

fn judge(status: u16, retry_after: Option<&str>, members: Option<&Object<'_>>, now: UnixMillis) -> TokenResult {
    let retry_after = retry_after.and_then(|value| read_retry_after(value, now));
    let refused = || members.and_then(refusal);
    match status {
        200..=299 => match members.and_then(|members| issued(members, now)) {
            Some(tokens) => Ok(tokens),
            None => Err(members
                .and_then(|members| error_in_success(members, retry_after))
                .unwrap_or(TokenError::UnreadableResponse)),
        },
        300..=399 => Err(TokenError::Redirected),
        429 => Err(TokenError::RateLimited { retry_after }),
        401 => Err(refused().unwrap_or(TokenError::InvalidClient)),
        400..=499 => Err(refused().unwrap_or(TokenError::RefusedWithoutReason)),
        _ => Err(TokenError::ServerError { retry_after }),
    }
}

fn issued(members: &Object<'_>, now: UnixMillis) -> Option<TokenSet> {
    let access_token = members.text("access_token").filter(|token| is_access_token(token))?;
    let refresh_token = match members.get("refresh_token").map(Value::text) {
        // An empty one is none: what was presented stays.
        Some(Some(empty)) if empty.is_empty() => None,
        Some(text) => Some(text.filter(|token| is_refresh_token(token))?),
        None => None,
    };
    Some(TokenSet {
        access_token: AccessToken::new(access_token),
        access_expires_at: now.after(lifetime::believable(members.number("expires_in").map(whole_seconds))),
        refresh_token: refresh_token.map(RefreshToken::new),
    })
}

/// Visible ASCII, so that it can be sent in the header `Authorization` (RFC 6750 section 2.1).
fn is_access_token(token: &str) -> bool {
    !token.contains(' ') && is_refresh_token(token)
}

/// Visible ASCII and spaces (RFC 6749 appendix A.17): it is sent in a form.
pub(crate) fn is_refresh_token(token: &str) -> bool {
    !token.is_empty() && token.len() <= MAX_TOKEN_BYTES && token.bytes().all(|byte| (0x20..=0x7e).contains(&byte))
}

/// A number of seconds without its fraction.
fn whole_seconds(number: f64) -> i64 {
    // What does not fit becomes the largest or the smallest there is.
    number as i64
}

/// What a body says of whose fault a refusal is.
///
/// Smartcar answers a bad code or refresh token with `invalid_request` and "Invalid code: …" or "Invalid
/// refresh_token: …", not with the `invalid_grant` of RFC 6749: seen by the end-to-end tests of its own SDKs. They read the
/// text from `message` and `description` too.
fn refusal(members: &Object<'_>) -> Option<TokenError> {
    let texts = ["error_description", "message", "description"];
    if texts
        .iter()
        .filter_map(|name| members.text(name))
        .any(|text| names_the_grant(&text))
    {
        return Some(TokenError::InvalidGrant);
    }
    match members.text("error")?.as_str() {
        "invalid_grant" => Some(TokenError::InvalidGrant),
        "invalid_client" | "unauthorized_client" => Some(TokenError::InvalidClient),
        _ => None,
    }
}

/// The error in an answer without tokens whose status is that of a success.
fn error_in_success(members: &Object<'_>, retry_after: Option<Millis>) -> Option<TokenError> {
    let error = members.text("error").filter(|error| !error.is_empty())?;
    refusal(members).or(Some(match error.as_str() {
        "server_error" | "temporarily_unavailable" => TokenError::ServerError { retry_after },
        _ => TokenError::RefusedWithoutReason,
    }))
}

/// Whether a text for developers begins by saying that the code or the refresh token is no good.
fn names_the_grant(text: &str) -> bool {
    const CODE_OR_TOKEN: &[&str] = &["code", "authorization code", "refresh_token", "refresh token"];
    let text = text.trim_start().to_ascii_lowercase();
    // "Invalid token" alone may be any; what can expire here is the grant's.
    let (rest, things) = match ["invalid or expired ", "expired or invalid ", "expired "]
        .iter()
        .find_map(|start| text.strip_prefix(start))
    {
        Some(rest) => (rest, &[CODE_OR_TOKEN, &["token"]].concat()[..]),
        None => match text.strip_prefix("invalid ") {
            Some(rest) => (rest, CODE_OR_TOKEN),
            None => return false,
        },
    };
    let ends = |after: &str| !after.starts_with(|next: char| next.is_alphanumeric() || next == '_');
    things.iter().any(|thing| rest.strip_prefix(thing).is_some_and(ends))
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*};

    use super::*;
    use crate::{http_api::retry_after::LONGEST_RETRY_AFTER, json::odd::among_odd_members};

    const NOW: UnixMillis = UnixMillis::new(1_790_000_000_000);

    fn failure(status: u16, retry_after: Option<&str>, body: &[u8]) -> TokenError {
        match read_response(status, retry_after, body, NOW) {
            Err(failure) => failure,
            Ok(tokens) => panic!("{tokens:?}"),
        }
    }

    fn tokens(body: &str) -> TokenSet {
        match read_response(200, None, body.as_bytes(), NOW) {
            Ok(tokens) => tokens,
            Err(failure) => panic!("{failure:?}: {body}"),
        }
    }

    #[test]
    fn tokens_are_taken_with_their_lifetime() {
        let tokens = tokens(r#"{"access_token":"a","token_type":"Bearer","expires_in":7200,"refresh_token":"r"}"#);
        assert_eq!(tokens.access_token.expose(), "a");
        assert_eq!(tokens.refresh_token.unwrap().expose(), "r");
        assert_eq!(tokens.access_expires_at, NOW.after(Millis::from_hours(2)));
    }

    #[test]
    fn a_strange_lifetime_loses_no_tokens() {
        for (expires_in, seconds) in [
            ("1800", 1_800),
            ("1800.7", 1_800),
            (r#""1800""#, 1_800),
            (r#"" 1800 ""#, 1_800),
            ("-7200", 600),
            ("0", 600),
            ("99999999999999999999999", 86_400),
            ("1e999", 7_200),
            ("-1e999", 7_200),
            ("3.6e3", 3_600),
            ("36E+2", 3_600),
            ("0.36e4", 3_600),
            ("36000e-1", 3_600),
            (r#""36e2""#, 3_600),
            (r#""\u0033600""#, 3_600),
            (r#""0x10""#, 7_200),
            (r#""nan""#, 7_200),
            (r#""""#, 7_200),
            (r#""soon""#, 7_200),
            (r#""inf""#, 7_200),
            ("null", 7_200),
            ("true", 7_200),
            ("{}", 7_200),
        ] {
            let tokens = tokens(&format!(
                r#"{{"access_token":"a","refresh_token":"r","expires_in":{expires_in}}}"#
            ));
            assert_eq!(
                tokens.access_expires_at,
                NOW.after(Millis::from_secs(seconds)),
                "{expires_in}"
            );
            assert_eq!(tokens.refresh_token.unwrap().expose(), "r", "{expires_in}");
        }
        assert!(
            tokens(r#"{"access_token":"a","expires_in":1e999}"#)
                .refresh_token
                .is_none()
        );
        assert!(
            tokens(r#"{"access_token":"a","refresh_token":null}"#)
                .refresh_token
                .is_none()
        );
        assert!(tokens(r#"{"access_token":"a"}"#).refresh_token.is_none());
    }

    #[test]
    fn how_long_to_wait_is_kept_where_patience_is_asked_for() {
        for (header, retry_after) in [
            (Some(" 7 "), Some(Millis::from_secs(7))),
            (Some("86400"), Some(LONGEST_RETRY_AFTER)),
            (Some("soon"), None),
            (None, None),
        ] {
            assert_eq!(failure(429, header, b""), TokenError::RateLimited { retry_after });
            assert_eq!(failure(503, header, b"<html>"), TokenError::ServerError { retry_after });
            for status in [500, 502, 504, 520, 599] {
                assert_eq!(failure(status, header, b""), TokenError::ServerError { retry_after });
            }
            let in_success = br#"{"error":"temporarily_unavailable"}"#;
            assert_eq!(
                failure(200, header, in_success),
                TokenError::ServerError { retry_after }
            );
        }
    }

    #[test]
    fn a_refusal_is_told_by_its_description_or_its_name() {
        let described = |status, description: &str| {
            let body = format!(r#"{{"error":"invalid_request","error_description":"{description}"}}"#);
            failure(status, None, body.as_bytes())
        };
        for description in [
            "Invalid code: bad code here.",
            "Invalid refresh_token: THIS_SHOULD_NOT_WORK.",
            "INVALID REFRESH_TOKEN: x",
            "Invalid or expired token",
            "Invalid or expired refresh token.",
            "invalid or expired refresh_token",
            "Invalid refresh token",
            "Expired refresh token.",
            "Expired code",
            "Expired token",
            "Invalid authorization code: x",
            "Invalid or expired authorization code",
            " Invalid code",
        ] {
            assert_eq!(described(400, description), TokenError::InvalidGrant, "{description}");
            assert_eq!(described(401, description), TokenError::InvalidGrant, "{description}");
            assert_eq!(
                described(500, description),
                TokenError::ServerError { retry_after: None },
                "{description}"
            );
            assert_eq!(
                described(429, description),
                TokenError::RateLimited { retry_after: None },
                "{description}"
            );
        }
        // None of these says that the grant is gone.
        for description in [
            "",
            "Missing refresh_token",
            "The code is invalid",
            "Invalid grant_type: refresh_token",
            "Invalid client: Invalid refresh_token: x",
            "Invalid or expired client credentials",
            "ünvalid",
            "Invalid token",
            "Invalid token_type",
            "Invalid code_verifier",
            "Invalid codes",
            "Expired client secret",
            "Invalid or expired",
            "Invalid or expired tokens",
        ] {
            assert_eq!(
                described(400, description),
                TokenError::RefusedWithoutReason,
                "{description}"
            );
            assert_eq!(described(401, description), TokenError::InvalidClient, "{description}");
        }
        // Nor does a body of another shape.
        for body in [
            r#"{"error":["invalid_grant"]}"#,
            r#"["invalid_grant"]"#,
            r#""invalid_grant""#,
            r#"{"error_description":{"Invalid code":1}}"#,
            "invalid_grant",
            "",
        ] {
            assert_eq!(
                failure(400, None, body.as_bytes()),
                TokenError::RefusedWithoutReason,
                "{body}"
            );
        }
        let mut long = br#"{"error":"invalid_grant"}"#.to_vec();
        long.resize(MAX_BODY_BYTES + 1, b' ');
        assert_eq!(
            failure(400, None, &long),
            TokenError::RefusedWithoutReason,
            "no more is read of a body than the limit"
        );
    }

    #[test]
    fn the_text_of_a_refusal_has_one_of_three_names() {
        for name in ["error_description", "message", "description"] {
            let body = format!(r#"{{"error":"invalid_request","{name}":"Invalid or expired token"}}"#);
            assert_eq!(failure(400, None, body.as_bytes()), TokenError::InvalidGrant, "{name}");
            let alone = format!(r#"{{"{name}":"Invalid code: x"}}"#);
            assert_eq!(failure(400, None, alone.as_bytes()), TokenError::InvalidGrant, "{name}");
        }
        let body = r#"{"error":"invalid_request","error_description":"No","message":"Expired refresh token"}"#;
        assert_eq!(failure(400, None, body.as_bytes()), TokenError::InvalidGrant);
    }

    #[test]
    fn an_error_is_one_with_the_status_of_a_success_too() {
        for (body, error) in [
            (r#"{"error":"invalid_grant"}"#, TokenError::InvalidGrant),
            (
                r#"{"error":"invalid_request","message":"Invalid or expired token"}"#,
                TokenError::InvalidGrant,
            ),
            (
                r#"{"error":"invalid_client","access_token":""}"#,
                TokenError::InvalidClient,
            ),
            (r#"{"error":"invalid_scope"}"#, TokenError::RefusedWithoutReason),
            (
                r#"{"error":"temporarily_unavailable"}"#,
                TokenError::ServerError { retry_after: None },
            ),
            (r#"{"error":""}"#, TokenError::UnreadableResponse),
            (r#"{"error":null}"#, TokenError::UnreadableResponse),
            (r#"{"error":["invalid_grant"]}"#, TokenError::UnreadableResponse),
            // Without an error's name no text is one.
            (r#"{"message":"Invalid code"}"#, TokenError::UnreadableResponse),
        ] {
            assert_eq!(failure(200, None, body.as_bytes()), error, "{body}");
        }
        // Tokens that came have used the old ones up.
        for error in ["null", r#""""#, r#""invalid_grant""#] {
            let tokens = tokens(&format!(
                r#"{{"access_token":"a","refresh_token":"r","error":{error}}}"#
            ));
            assert_eq!(tokens.access_token.expose(), "a");
        }
    }

    #[test]
    fn a_list_is_no_answer() {
        assert_eq!(
            failure(200, None, br#"["a","r",3600,null,null]"#),
            TokenError::UnreadableResponse
        );
        assert_eq!(
            failure(400, None, br#"[null,null,null,"invalid_grant",null]"#),
            TokenError::RefusedWithoutReason
        );
    }

    #[test]
    fn an_odd_member_hides_none_of_the_others() {
        for body in [
            &b"{\"error\":\"invalid_grant\",\"error_description\":\"caf\xe9\"}"[..],
            b"{\"error_description\":\"\xff\xfe\",\"error\":\"invalid_grant\"}",
            b"{\"\xe9\":1,\"error\":\"invalid_grant\"}",
            b"\xef\xbb\xbf{\"error\":\"invalid_grant\"}",
            b"{\"error\":\"other\",\"error\":\"invalid_grant\"}",
            br#"{"error":"invalid_grant","error_description":"\ud800"}"#,
            br#"{"error":"invalid_grant","\ud800":"\ud800"}"#,
            b"{\"error\":\"invalid_grant\",\"error_description\":\"two\nlines\0\"}",
            br#"{"error":"invalid_grant","error_description":"\x41 \' \u12"}"#,
            br#"{"error":"invalid_grant","error_description":{"a":["\\"]},"expires_in":1e999}"#,
            b"{\"error\":\"invalid_request\",\"error_description\":\"Invalid code: caf\xe9\"}",
            br#"{"error":"invalid_request","error_description":"Invalid code: \ud800"}"#,
        ] {
            let text = String::from_utf8_lossy(body);
            assert_eq!(failure(400, None, body), TokenError::InvalidGrant, "{text}");
        }
        for body in [
            r#"{"access_token":"a","refresh_token":"r","expires_in":1,"expires_in":3600}"#,
            r#"{"access_token":"x","access_token":"a","refresh_token":"y","refresh_token":"r"}"#,
            r#"{"access_token":"a","refresh_token":"r","error":null,"error":null}"#,
            "\u{feff}{\"access_token\":\"a\",\"refresh_token\":\"r\",\"scope\":\"a\nb\"}",
        ] {
            let tokens = tokens(body);
            assert_eq!(tokens.access_token.expose(), "a", "{body}");
            assert_eq!(tokens.refresh_token.unwrap().expose(), "r", "{body}");
        }
    }

    #[test]
    fn of_members_of_one_name_the_last_counts() {
        let body = br#"{"error":"invalid_grant","error":"invalid_client"}"#;
        assert_eq!(failure(400, None, body), TokenError::InvalidClient);
        let body = br#"{"error":"invalid_grant","error":null}"#;
        assert_eq!(failure(400, None, body), TokenError::RefusedWithoutReason);
        let body = br#"{"access_token":"a","access_token":7}"#;
        assert_eq!(failure(200, None, body), TokenError::UnreadableResponse);
    }

    #[test]
    fn an_access_token_is_up_to_8_kib_of_visible_ascii() {
        let body = |token: &str| format!(r#"{{"access_token":"{token}","refresh_token":"r"}}"#);
        assert_eq!(
            tokens(&body(&"a".repeat(8 * 1024))).access_token.expose().len(),
            8 * 1024
        );
        for token in [
            &"a".repeat(8 * 1024 + 1),
            "",
            "a b",
            "a\\n",
            "a\n",
            "a\\u0000",
            "\\ud800",
            "\u{e4}",
            "\u{7f}",
        ] {
            assert_eq!(
                failure(200, None, body(token).as_bytes()),
                TokenError::UnreadableResponse,
                "{token:?}"
            );
        }
    }

    #[test]
    fn a_refresh_token_may_have_spaces_and_an_empty_one_is_none() {
        let body = |token: &str| format!(r#"{{"access_token":"a","refresh_token":{token}}}"#);
        for token in ["r s", " r", "r ", " "] {
            let tokens = tokens(&body(&format!("\"{token}\"")));
            assert_eq!(tokens.refresh_token.unwrap().expose(), token);
        }
        for none in [r#""""#, "null"] {
            assert!(tokens(&body(none)).refresh_token.is_none(), "{none}");
        }
        // One that came and is no token: it may be had again within the grace.
        for odd in ["7", "[]", "{}", "false", "\"\u{e4}\"", r#""a\n""#] {
            assert_eq!(
                failure(200, None, body(odd).as_bytes()),
                TokenError::UnreadableResponse,
                "{odd}"
            );
        }
    }

    #[test]
    fn a_token_type_other_than_bearer_is_noticed() {
        for (body, bearer) in [
            (r#"{"access_token":"a","token_type":"Bearer"}"#, true),
            (r#"{"access_token":"a","token_type":"bearer"}"#, true),
            (r#"{"access_token":"a","token_type":"mac","token_type":"BEARER"}"#, true),
            (r#"{"access_token":"a","token_type":"mac"}"#, false),
            (r#"{"access_token":"a","token_type":null}"#, false),
            (r#"{"access_token":"a","token_type":["Bearer"]}"#, false),
            (r#"{"access_token":"a"}"#, false),
        ] {
            assert_eq!(says_bearer(body.as_bytes()), bearer, "{body}");
            assert_eq!(tokens(body).access_token.expose(), "a", "{body}");
        }
    }

    proptest! {
        #[test]
        fn no_body_panics_and_only_a_success_brings_tokens(status: u16, body in vec(any::<u8>(), 0..300)) {
            let issued = read_response(status, None, &body, NOW).is_ok();
            prop_assert!(!issued || (200..300).contains(&status));
        }

        #[test]
        fn no_4xx_or_5xx_but_a_named_refusal_is_final(
            status in 400_u16..600,
            error in "[a-z_]{0,20}",
            description in "[ -!#-\\[\\]-~]{0,40}",
        ) {
            let description = description.trim_start().to_lowercase();
            prop_assume!(error != "invalid_grant");
            prop_assume!(!description.starts_with("invalid ") && !description.starts_with("expired "));
            let body = format!(r#"{{"error":"{error}","error_description":"{description}"}}"#);
            prop_assert_ne!(failure(status, None, body.as_bytes()), TokenError::InvalidGrant);
        }

        #[test]
        fn tokens_are_found_among_odd_members(
            body in among_odd_members(r#"{"access_token":"a","refresh_token":"r s","expires_in":3.6e3,"token_type":"Bearer"}"#),
        ) {
            let tokens = read_response(200, None, &body, NOW);
            let Ok(tokens) = tokens else { panic!("{tokens:?}: {}", body.escape_ascii()) };
            prop_assert_eq!(tokens.access_token.expose(), "a");
            prop_assert!(tokens.refresh_token.unwrap().expose() == "r s");
            prop_assert_eq!(tokens.access_expires_at, NOW.after(Millis::from_hours(1)));
            prop_assert!(says_bearer(&body));
        }

        #[test]
        fn a_refusal_is_found_among_odd_members(
            status in prop::sample::select(vec![200_u16, 400, 401, 403]),
            named in among_odd_members(r#"{"error":"invalid_grant"}"#),
            described in among_odd_members(r#"{"error":"invalid_request","message":"Invalid or expired token"}"#),
            other in among_odd_members(r#"{"error":"invalid_client"}"#),
        ) {
            prop_assert_eq!(failure(status, None, &named), TokenError::InvalidGrant);
            prop_assert_eq!(failure(status, None, &described), TokenError::InvalidGrant);
            prop_assert_eq!(failure(status, None, &other), TokenError::InvalidClient);
        }

        #[test]
        fn nothing_is_found_that_is_not_there(status in 200_u16..600, body in among_odd_members("{\"x\":1}")) {
            let read = read_response(status, None, &body, NOW);
            let Err(failure) = read else { panic!("{read:?}: {}", body.escape_ascii()) };
            prop_assert_ne!(failure, TokenError::InvalidGrant);
        }

        #[test]
        fn a_body_cut_short_anywhere_is_unreadable(cut in 0_usize..70) {
            let body = br#"{"access_token":"access","refresh_token":"refresh","expires_in":7200.0}"#;
            prop_assert_eq!(failure(200, None, &body[..cut]), TokenError::UnreadableResponse);
        }
    }
}
