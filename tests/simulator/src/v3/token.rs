//! `POST /oauth2/token`: the token with which an application acts for all its owners.

use axum::http::{HeaderValue, Method, StatusCode, header};
use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use serde_json::{Map, Value, json};

use super::settings::Settings;
use crate::{
    clock::Millis,
    http::{self, Answer, Request},
    ids,
    store::Store,
};

/// Answers a request for an application token.
pub(crate) fn answer(store: &mut Store, settings: &Settings, now: Millis, request: &Request) -> Answer {
    match check(settings, request) {
        Ok(()) => {
            store.tally.application_tokens = store.tally.application_tokens.saturating_add(1);
            let token = looks_like_jwt(settings.token_length);
            store.note_secret(&token);
            let lifetime = settings.token_lifetime_s;
            let expires_at = now.saturating_add(lifetime.saturating_mul(1_000));
            store.v3.tokens.insert(token.clone(), expires_at);
            let body = json!({ "access_token": token, "token_type": "Bearer", "expires_in": lifetime });
            http::json(StatusCode::OK, &body)
        }
        Err(refusal) => {
            store.tally.application_tokens_refused = store.tally.application_tokens_refused.saturating_add(1);
            refusal.answer()
        }
    }
}

enum Refusal {
    Request(&'static str),
    Client { challenge: bool },
}

impl Refusal {
    fn answer(self) -> Answer {
        let (status, error, description) = match self {
            Self::Request(description) => (StatusCode::BAD_REQUEST, "invalid_request", description),
            Self::Client { .. } => (
                StatusCode::UNAUTHORIZED,
                "invalid_client",
                "Client authentication failed.",
            ),
        };
        let mut answer = http::json(status, &json!({ "error": error, "error_description": description }));
        if matches!(self, Self::Client { challenge: true }) {
            let challenge = HeaderValue::from_static("Basic realm=\"Smartcar\"");
            answer.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
        }
        answer
    }
}

fn check(settings: &Settings, request: &Request) -> Result<(), Refusal> {
    if request.method != Method::POST {
        return Err(Refusal::Request("Token requests are sent with POST."));
    }
    let fields = fields(settings, request)?;
    let field = |name: &str| {
        fields
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    };
    let in_body = field("client_id").zip(field("client_secret"));
    let in_header = match request.header(header::AUTHORIZATION) {
        Some(_) if !settings.accepts_basic => return Err(Refusal::Client { challenge: false }),
        Some(value) => Some(basic(value).ok_or(Refusal::Client { challenge: true })?),
        None => None,
    };
    if in_header.is_some() && (field("client_secret").is_some() || field("client_id").is_some()) {
        return Err(Refusal::Request(
            "Send the client credentials in the Authorization header or in the body, not in both.",
        ));
    }
    match field("grant_type") {
        Some("client_credentials") => {}
        _ => return Err(Refusal::Request("grant_type must be client_credentials.")),
    }
    let challenge = in_header.is_some();
    let known = |id: &str, secret: &str| {
        id == settings.client_id && settings.client_secrets.iter().any(|known| known == secret)
    };
    match (in_header, in_body) {
        (Some((id, secret)), _) if known(&id, &secret) => Ok(()),
        (None, Some((id, secret))) if known(id, secret) => Ok(()),
        _ => Err(Refusal::Client { challenge }),
    }
}

/// The fields of a form or of a JSON object, none twice.
fn fields(settings: &Settings, request: &Request) -> Result<Vec<(String, String)>, Refusal> {
    if request.is_form() && settings.accepts_form {
        let form = request.form();
        return match form.repeated() {
            Some(_) => Err(Refusal::Request("A parameter is repeated.")),
            None => Ok(form.0),
        };
    }
    if request.is_json() && settings.accepts_json {
        let object: Map<String, Value> =
            serde_json::from_slice(&request.body).map_err(|_| Refusal::Request("The body is not a JSON object."))?;
        let text = |(name, value): (String, Value)| match value {
            Value::String(value) => Ok((name, value)),
            _ => Err(Refusal::Request("A parameter is not text.")),
        };
        return object.into_iter().map(text).collect();
    }
    Err(Refusal::Request("This Content-Type is not supported."))
}

fn basic(authorization: &str) -> Option<(String, String)> {
    let (scheme, encoded) = authorization.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
    let (id, secret) = decoded.split_once(':')?;
    Some((id.to_owned(), secret.to_owned()))
}

/// A token of this length, at least as long as a UUID: three parts like a JWT's, which nobody is to read.
fn looks_like_jwt(length: usize) -> String {
    let head = URL_SAFE_NO_PAD.encode(r#"{"alg":"none"}"#);
    let mut token = format!("{head}.{}.", URL_SAFE_NO_PAD.encode(ids::uuid()));
    while token.len() < length {
        token.push_str(&URL_SAFE_NO_PAD.encode(ids::uuid()));
    }
    token.truncate(length.max(36));
    token
}
