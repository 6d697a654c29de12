//! Input: the status, the header `Retry-After` (or an empty line) and the body of the token endpoint's answer.

use serde_json::Value;
use smartcar_connect::{
    http_api::retry_after::LONGEST_RETRY_AFTER,
    time::Millis,
    token::{
        AccessToken, FRESH_MARGIN, MAX_BODY_BYTES, RefreshToken, TokenError, TokenResult, TokenSet, read_response,
        says_bearer,
    },
};

use super::{NOW, first_text_line, odd_members::with_odd_members};

pub fn check(data: &[u8]) {
    let (status, rest) = first_text_line(data);
    let (retry_after, body) = first_text_line(rest);
    let Ok(status) = status.parse::<u16>() else { return };
    let retry_after = Some(retry_after).filter(|value| !value.is_empty());
    let _ = says_bearer(body);
    let outcome = read_response(status, retry_after, body, NOW);
    odd_members_change_nothing(&outcome, status, retry_after, body);
    match outcome {
        Ok(tokens) => {
            assert!((200..300).contains(&status) && body.len() <= MAX_BODY_BYTES);
            issued(&tokens, body);
        }
        Err(failure) => failed(failure, status, retry_after, body),
    }
}

/// What is in the body is read however odd the members are that stand beside it.
fn odd_members_change_nothing(outcome: &TokenResult, status: u16, retry_after: Option<&str>, body: &[u8]) {
    for odd in with_odd_members(body)
        .into_iter()
        .filter(|odd| odd.len() <= MAX_BODY_BYTES)
    {
        let again = read_response(status, retry_after, &odd, NOW);
        assert_eq!(shown(outcome), shown(&again), "{}", odd.escape_ascii());
    }
}

fn shown(outcome: &TokenResult) -> String {
    match outcome {
        Ok(tokens) => format!(
            "{} {:?} {:?}",
            tokens.access_token.expose(),
            tokens.refresh_token.as_ref().map(RefreshToken::expose),
            tokens.access_expires_at
        ),
        Err(error) => format!("{error:?}"),
    }
}

fn issued(tokens: &TokenSet, body: &[u8]) {
    // A stricter parser, which also looks at what is skipped here, finds the same tokens.
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    assert!(body.is_object() || body.is_null(), "tokens of {body}");
    if body.is_object() {
        same_tokens(tokens, &body);
    }
    let refresh_token = tokens.refresh_token.as_ref().map(RefreshToken::expose);
    for token in [Some(tokens.access_token.expose()), refresh_token]
        .into_iter()
        .flatten()
    {
        let is_sendable = |byte: u8| byte.is_ascii_graphic() || byte == b' ';
        assert!((1..=8 * 1024).contains(&token.len()) && token.bytes().all(is_sendable));
    }
    assert!(!tokens.access_token.expose().contains(' '));

    let life = tokens.access_expires_at.since(NOW);
    assert!(life > FRESH_MARGIN && life <= Millis::from_hours(24), "{life:?}");
    if let Some(seconds) = body["expires_in"]
        .as_u64()
        .filter(|seconds| (600..=86_400).contains(seconds))
    {
        assert_eq!(life, Millis::from_secs(seconds));
    }

    // What is printed does not depend on the tokens.
    let others = TokenSet {
        access_token: AccessToken::new("a".to_owned()),
        access_expires_at: tokens.access_expires_at,
        refresh_token: tokens.refresh_token.as_ref().map(|_| RefreshToken::new("r".to_owned())),
    };
    assert_eq!(format!("{tokens:?}"), format!("{others:?}"));
}

fn same_tokens(tokens: &TokenSet, body: &Value) {
    assert_eq!(body["access_token"], tokens.access_token.expose());
    match &tokens.refresh_token {
        Some(token) => assert_eq!(body["refresh_token"], token.expose()),
        None => assert!(body["refresh_token"].is_null() || body["refresh_token"] == ""),
    }
}

fn failed(failure: TokenError, status: u16, retry_after: Option<&str>, body: &[u8]) {
    match failure {
        // The one failure that ends a grant: only a 4xx may bring it, or a success without tokens, and only by its body.
        TokenError::InvalidGrant => {
            assert!((200..300).contains(&status) || ((400..500).contains(&status) && status != 429));
            let without = read_response(status, retry_after, b"", NOW);
            assert!(!matches!(without, Err(TokenError::InvalidGrant)));
            if let Ok(body) = serde_json::from_slice::<Value>(body) {
                assert!(body.is_object());
                let says = |name: &str| body[name].as_str().unwrap_or_default().to_ascii_lowercase();
                let text = |name| {
                    let text = says(name);
                    let text = text.trim_start();
                    text.starts_with("invalid ") || text.starts_with("expired ")
                };
                let texts = ["error_description", "message", "description"];
                assert!(says("error") == "invalid_grant" || texts.into_iter().any(text));
            }
        }
        TokenError::InvalidClient | TokenError::RefusedWithoutReason => {
            assert!((200..300).contains(&status) || (400..500).contains(&status));
        }
        TokenError::RateLimited { retry_after: read } => {
            assert_eq!(status, 429);
            bounded(read, retry_after);
        }
        TokenError::UnreadableResponse => assert!((200..300).contains(&status)),
        TokenError::Redirected => assert!((300..400).contains(&status)),
        TokenError::ServerError { retry_after: read } => {
            assert!(!(300..500).contains(&status));
            bounded(read, retry_after);
        }
        // `TimedOut` and `ConnectionLost`, or one that has no place here yet.
        _ => panic!("an answer arrived: {failure:?}"),
    }
}

fn bounded(read: Option<Millis>, retry_after: Option<&str>) {
    assert!(read.is_none() || retry_after.is_some());
    assert!(read.is_none_or(|span| span <= LONGEST_RETRY_AFTER));
}
