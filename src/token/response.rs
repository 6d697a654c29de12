//! Reading the token endpoint's answers.

use serde_json::{Map, Value};

use super::{AccessToken, Failure, RefreshToken, TokenOutcome, TokenSet, lifetime};
use crate::time::{Millis, UnixMillis};

/// The longest answer that is read, in bytes. Tokens are a few dozen.
pub const MAX_BODY_BYTES: usize = 64 * 1024;

/// The longest token that is believed, in bytes.
const MAX_TOKEN_BYTES: usize = 8 * 1024;

/// Judges an answer of the token endpoint that arrived `now`.
///
/// `retry_after` is the header of that name, if any: seconds. A body longer than [`MAX_BODY_BYTES`] counts as
/// unreadable; the caller need not have read more than one byte beyond.
#[must_use]
pub fn read_response(status: u16, retry_after: Option<&str>, body: &[u8], now: UnixMillis) -> TokenOutcome {
    let json = if body.len() <= MAX_BODY_BYTES {
        match serde_json::from_slice(body) {
            Ok(Value::Object(fields)) => Some(fields),
            _ => None,
        }
    } else {
        None
    };
    match status {
        200..=299 => match json.as_ref().and_then(|fields| issued(fields, now)) {
            Some(tokens) => TokenOutcome::Issued(tokens),
            None => TokenOutcome::Failed(Failure::Unreadable),
        },
        300..=399 => TokenOutcome::Failed(Failure::Redirected),
        429 => TokenOutcome::Failed(Failure::RateLimited {
            retry_after: retry_after.and_then(seconds),
        }),
        401 => TokenOutcome::Failed(refusal(json.as_ref()).unwrap_or(Failure::ClientRejected)),
        400..=499 => TokenOutcome::Failed(refusal(json.as_ref()).unwrap_or(Failure::Unexplained)),
        _ => TokenOutcome::Failed(Failure::ServerError),
    }
}

fn issued(fields: &Map<String, Value>, now: UnixMillis) -> Option<TokenSet> {
    let access_token = token(fields.get("access_token")?)?;
    let refresh_token = match fields.get("refresh_token") {
        None | Some(Value::Null) => None,
        Some(value) => Some(token(value)?),
    };
    let expires_in = match fields.get("expires_in") {
        Some(Value::Number(seconds)) => seconds.as_f64(),
        Some(Value::String(seconds)) => seconds.trim().parse().ok(),
        _ => None,
    };
    Some(TokenSet {
        access_token: AccessToken::new(access_token),
        access_expires_at: now.after(lifetime::believable(expires_in)),
        refresh_token: refresh_token.map(RefreshToken::new),
    })
}

/// A token is visible ASCII (RFC 6749 appendix A.12); anything else could not be sent in a header.
fn token(value: &Value) -> Option<String> {
    let token = value.as_str()?;
    let fits =
        !token.is_empty() && token.len() <= MAX_TOKEN_BYTES && token.bytes().all(|byte| (0x21..=0x7e).contains(&byte));
    fits.then(|| token.to_owned())
}

/// What a 4xx body says of whose fault it is.
///
/// Smartcar answers a bad code or refresh token with `invalid_request` and "Invalid code: …" or "Invalid
/// refresh_token: …", not with the `invalid_grant` of RFC 6749: seen by the end-to-end tests of its own SDKs.
fn refusal(fields: Option<&Map<String, Value>>) -> Option<Failure> {
    let fields = fields?;
    let description = fields
        .get("error_description")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let names_the_grant = ["invalid code", "invalid refresh_token", "invalid or expired"]
        .iter()
        .any(|start| starts_with(description, start));
    if names_the_grant {
        return Some(Failure::Refused);
    }
    match fields.get("error").and_then(Value::as_str)? {
        "invalid_grant" => Some(Failure::Refused),
        "invalid_client" | "unauthorized_client" => Some(Failure::ClientRejected),
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
