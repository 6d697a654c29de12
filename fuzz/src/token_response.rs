//! Input: the status, the header `Retry-After` (or an empty line) and the body of the token endpoint's answer.

use serde_json::Value;
use smartcar_connect::{
    time::Millis,
    token::{AccessToken, FRESH_MARGIN, MAX_BODY_BYTES, RefreshToken, TokenError, TokenSet, read_response},
};

use super::{NOW, first_text_line};

pub fn check(data: &[u8]) {
    let (status, rest) = first_text_line(data);
    let (retry_after, body) = first_text_line(rest);
    let Ok(status) = status.parse::<u16>() else { return };
    let retry_after = Some(retry_after).filter(|value| !value.is_empty());
    match read_response(status, retry_after, body, NOW) {
        Ok(tokens) => {
            assert!((200..300).contains(&status) && body.len() <= MAX_BODY_BYTES);
            issued(&tokens, body);
        }
        Err(failure) => failed(failure, status, retry_after, body),
    }
}

fn issued(tokens: &TokenSet, body: &[u8]) {
    // A stricter parser, which also looks at what is skipped here, finds the same tokens.
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    if body.is_object() {
        same_tokens(tokens, &body);
    }
    let refresh_token = tokens.refresh_token.as_ref().map(RefreshToken::expose);
    for token in [Some(tokens.access_token.expose()), refresh_token]
        .into_iter()
        .flatten()
    {
        assert!((1..=8 * 1024).contains(&token.len()) && token.bytes().all(|byte| byte.is_ascii_graphic()));
    }

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
        None => assert!(body["refresh_token"].is_null()),
    }
}

fn failed(failure: TokenError, status: u16, retry_after: Option<&str>, body: &[u8]) {
    match failure {
        // The one failure that ends a grant: only a 4xx may bring it, and only by its body.
        TokenError::InvalidGrant => {
            assert!((400..500).contains(&status) && status != 429);
            let without = read_response(status, retry_after, b"", NOW);
            assert!(!matches!(without, Err(TokenError::InvalidGrant)));
            if let Ok(body) = serde_json::from_slice::<Value>(body) {
                let says = |name: &str| body[name].as_str().unwrap_or_default().to_ascii_lowercase();
                assert!(says("error") == "invalid_grant" || says("error_description").starts_with("invalid "));
            }
        }
        TokenError::InvalidClient | TokenError::RefusedWithoutReason => assert!((400..500).contains(&status)),
        TokenError::RateLimited { retry_after: read } => {
            assert_eq!(status, 429);
            assert!(read.is_none() || retry_after.is_some());
        }
        TokenError::UnreadableResponse => assert!((200..300).contains(&status)),
        TokenError::Redirected => assert!((300..400).contains(&status)),
        TokenError::ServerError => assert!(!(200..500).contains(&status)),
        // `TimedOut` and `ConnectionLost`, or one that has no place here yet.
        _ => panic!("an answer arrived: {failure:?}"),
    }
}
