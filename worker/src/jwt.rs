//! Users of the app's own, by a token of its log-in.

use smartcar_connect::{
    edge::{Config, Problem, RequestHead, invalid_token},
    identity::{
        JwtConfig, JwtError, KeySet, KeySource, ShownJwt, Subject, UnverifiedJwt, VerificationKey, verify_hs256,
    },
    time::UnixMillis,
};
use wasm_bindgen::{JsValue, prelude::wasm_bindgen};
use worker::{Env, js_sys::Uint8Array};

use crate::jwks;

#[wasm_bindgen(
    module = "/src/jwt.js",
    wasm_bindgen_futures = ::worker::wasm_bindgen_futures,
    js_sys = ::worker::js_sys
)]
extern "C" {
    #[wasm_bindgen(catch)]
    async fn verify(
        algorithm: &str,
        jwk: &str,
        signature: &Uint8Array,
        signed: &Uint8Array,
    ) -> Result<JsValue, JsValue>;
}

/// The user whose token the request shows; `None` if it shows none, or the settings take none.
///
/// # Errors
/// The problem to answer with, where the token is not accepted or nobody can tell.
pub(crate) async fn subject(
    env: &Env,
    head: &RequestHead,
    config: &Config,
    now: UnixMillis,
) -> Result<Option<Subject>, Problem> {
    let Some(jwt) = &config.jwt else {
        return Ok(None);
    };
    let shown = jwt
        .shown_by(head.authorization(), head.cookie())
        .map_err(invalid_token)?;
    match shown {
        Some(shown) => verified(env, jwt, shown, now).await.map(Some),
        None => Ok(None),
    }
}

async fn verified(env: &Env, jwt: &JwtConfig, shown: ShownJwt<'_>, now: UnixMillis) -> Result<Subject, Problem> {
    let token = UnverifiedJwt::parse(shown.token, &jwt.rules, now).map_err(invalid_token)?;
    let is_authentic = match &jwt.keys {
        KeySource::Secret(secret) => verify_hs256(secret, token.signed(), token.signature()),
        KeySource::Inline(keys) => is_signed_by_one_of(keys, &token).await?,
        KeySource::Url(url) => is_signed_by_one_of(&*jwks::keys_for(env, url, &token).await?, &token).await?,
    };
    let principal = token.verdict(is_authentic).map_err(invalid_token)?;
    Ok(Subject::new(principal, shown.is_ambient))
}

async fn is_signed_by_one_of(keys: &KeySet, token: &UnverifiedJwt<'_>) -> Result<bool, Problem> {
    let mut candidates = token.candidates(keys).peekable();
    if candidates.peek().is_none() {
        return Err(invalid_token(JwtError::UnknownKey));
    }
    for key in candidates {
        if is_signed_by(key, token).await {
            return Ok(true);
        }
    }
    Ok(false)
}

/// A key that the platform does not take has signed nothing.
async fn is_signed_by(key: &VerificationKey, token: &UnverifiedJwt<'_>) -> bool {
    let (signature, signed) = (Uint8Array::from(token.signature()), Uint8Array::from(token.signed()));
    let answer = verify(key.algorithm().as_str(), key.jwk(), &signature, &signed).await;
    answer.is_ok_and(|answer| answer.as_bool() == Some(true))
}
