//! Reading the token endpoint's answers.

use core::num::IntErrorKind;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::{
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
/// `retry_after` is the header of that name, if any: seconds. A body longer than [`MAX_BODY_BYTES`] counts as
/// unreadable; the caller need not have read more than one byte beyond.
pub fn read_response(status: u16, retry_after: Option<&str>, body: &[u8], now: UnixMillis) -> TokenResult {
    let fields = (body.len() <= MAX_BODY_BYTES)
        .then(|| serde_json::from_slice::<Fields<'_>>(body).ok())
        .flatten();
    match status {
        200..=299 => match fields.as_ref().and_then(|fields| issued(fields, now)) {
            Some(tokens) => Ok(tokens),
            None => Err(TokenError::UnreadableResponse),
        },
        300..=399 => Err(TokenError::Redirected),
        429 => Err(TokenError::RateLimited {
            retry_after: retry_after.and_then(seconds),
        }),
        401 => Err(fields.as_ref().and_then(refusal).unwrap_or(TokenError::InvalidClient)),
        400..=499 => Err(fields
            .as_ref()
            .and_then(refusal)
            .unwrap_or(TokenError::RefusedWithoutReason)),
        _ => Err(TokenError::ServerError),
    }
}

/// The members that are looked at, each as it stands in the body: nonsense in one must not hide the others, since a
/// response with tokens has used the old ones up.
#[derive(Deserialize)]
struct Fields<'a> {
    #[serde(borrow)]
    access_token: Option<&'a RawValue>,
    #[serde(borrow)]
    refresh_token: Option<&'a RawValue>,
    #[serde(borrow)]
    expires_in: Option<&'a RawValue>,
    #[serde(borrow)]
    error: Option<&'a RawValue>,
    #[serde(borrow)]
    error_description: Option<&'a RawValue>,
}

fn issued(fields: &Fields<'_>, now: UnixMillis) -> Option<TokenSet> {
    let access_token = token(fields.access_token?)?;
    let refresh_token = match fields.refresh_token {
        None => None,
        Some(value) => Some(token(value)?),
    };
    Some(TokenSet {
        access_token: AccessToken::new(access_token),
        access_expires_at: now.after(lifetime::believable(fields.expires_in.and_then(whole_seconds))),
        refresh_token: refresh_token.map(RefreshToken::new),
    })
}

fn text(value: &RawValue) -> Option<String> {
    serde_json::from_slice(value.get().as_bytes()).ok()
}

/// A token is visible ASCII (RFC 6749 appendix A.12); anything else could not be sent in a header.
fn token(value: &RawValue) -> Option<String> {
    text(value).filter(|token| {
        !token.is_empty() && token.len() <= MAX_TOKEN_BYTES && token.bytes().all(|byte| (0x21..=0x7e).contains(&byte))
    })
}

/// A number of seconds without its fraction, also as a string; `None` for anything else.
fn whole_seconds(value: &RawValue) -> Option<i64> {
    let number = value.get().trim_matches('"').trim();
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    match whole.parse() {
        Ok(seconds) => Some(seconds),
        Err(error) if *error.kind() == IntErrorKind::PosOverflow => Some(i64::MAX),
        Err(error) if *error.kind() == IntErrorKind::NegOverflow => Some(i64::MIN),
        Err(_) => None,
    }
}

/// What a 4xx body says of whose fault it is.
///
/// Smartcar answers a bad code or refresh token with `invalid_request` and "Invalid code: …" or "Invalid
/// refresh_token: …", not with the `invalid_grant` of RFC 6749: seen by the end-to-end tests of its own SDKs.
fn refusal(fields: &Fields<'_>) -> Option<TokenError> {
    let description = fields.error_description.and_then(text).unwrap_or_default();
    let names_the_grant = ["invalid code", "invalid refresh_token", "invalid or expired token"]
        .iter()
        .any(|start| starts_with(&description, start));
    if names_the_grant {
        return Some(TokenError::InvalidGrant);
    }
    match fields.error.and_then(text)?.as_str() {
        "invalid_grant" => Some(TokenError::InvalidGrant),
        "invalid_client" | "unauthorized_client" => Some(TokenError::InvalidClient),
        _ => None,
    }
}

fn starts_with(text: &str, start: &str) -> bool {
    text.as_bytes()
        .get(..start.len())
        .is_some_and(|head| head.eq_ignore_ascii_case(start.as_bytes()))
}

/// `Retry-After` in seconds (RFC 9110 section 10.2.3; Smartcar sends no dates).
fn seconds(header: &str) -> Option<Millis> {
    header.trim().parse().ok().map(Millis::from_secs)
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*};

    use super::*;

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
    fn how_long_to_wait_is_read_in_seconds() {
        let wait = |header| failure(429, header, b"");
        for (header, seconds) in [("0", 0), ("120", 120), (" 7 ", 7), ("18446744073709551615", u64::MAX)] {
            let retry_after = Some(Millis::from_secs(seconds));
            assert_eq!(wait(Some(header)), TokenError::RateLimited { retry_after }, "{header}");
        }
        for header in [
            "",
            "-1",
            "1.5",
            "soon",
            "Wed, 21 Oct 2026 07:28:00 GMT",
            "18446744073709551616",
        ] {
            assert_eq!(
                wait(Some(header)),
                TokenError::RateLimited { retry_after: None },
                "{header}"
            );
        }
        assert_eq!(wait(None), TokenError::RateLimited { retry_after: None });
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
        ] {
            assert_eq!(described(400, description), TokenError::InvalidGrant, "{description}");
            assert_eq!(described(401, description), TokenError::InvalidGrant, "{description}");
            assert_eq!(described(500, description), TokenError::ServerError, "{description}");
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
    fn a_token_is_up_to_8_kib_of_visible_ascii() {
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
            "a\\u0000",
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
            prop_assume!(error != "invalid_grant" && !description.to_lowercase().starts_with("invalid "));
            let body = format!(r#"{{"error":"{error}","error_description":"{description}"}}"#);
            prop_assert_ne!(failure(status, None, body.as_bytes()), TokenError::InvalidGrant);
        }

        #[test]
        fn a_body_cut_short_anywhere_is_unreadable(cut in 0_usize..70) {
            let body = br#"{"access_token":"access","refresh_token":"refresh","expires_in":7200.0}"#;
            prop_assert_eq!(failure(200, None, &body[..cut]), TokenError::UnreadableResponse);
        }
    }
}
