//! `POST /oauth/token`: exchange of codes and rotation of refresh tokens.

use axum::http::{HeaderValue, Method, StatusCode, header};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::json;

use crate::{
    clock::Millis,
    config::Config,
    http::{self, Answer, Params, Request},
    store::{CodeRefusal, Store, TokenPair},
};

/// Answers a token request.
pub(crate) fn answer(store: &mut Store, config: &Config, now: Millis, request: &Request) -> Answer {
    grant(store, config, now, request).map_or_else(Refusal::answer, |pair| {
        no_cache(http::json(
            StatusCode::OK,
            &json!({
                "access_token": pair.access_token,
                "token_type": "Bearer",
                "expires_in": pair.expires_in,
                "refresh_token": pair.refresh_token,
            }),
        ))
    })
}

struct Refusal {
    status: StatusCode,
    error: &'static str,
    description: String,
    challenge: bool,
}

impl Refusal {
    fn invalid_request(description: impl Into<String>) -> Self {
        Self {
            status: StatusCode::BAD_REQUEST,
            error: "invalid_request",
            description: description.into(),
            challenge: false,
        }
    }

    fn invalid_client(challenge: bool) -> Self {
        Self {
            status: StatusCode::UNAUTHORIZED,
            error: "invalid_client",
            description: "Client authentication failed.".to_owned(),
            challenge,
        }
    }

    fn answer(self) -> Answer {
        let body = json!({ "error": self.error, "error_description": self.description });
        let mut answer = no_cache(http::json(self.status, &body));
        if self.challenge {
            let challenge = HeaderValue::from_static("Basic realm=\"Smartcar\"");
            answer.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
        }
        answer
    }
}

fn no_cache(mut answer: Answer) -> Answer {
    answer
        .headers_mut()
        .insert(header::PRAGMA, HeaderValue::from_static("no-cache"));
    answer
}

fn grant(store: &mut Store, config: &Config, now: Millis, request: &Request) -> Result<TokenPair, Refusal> {
    if request.method != Method::POST {
        let mut refusal = Refusal::invalid_request("Token requests are sent with POST.");
        refusal.status = StatusCode::METHOD_NOT_ALLOWED;
        return Err(refusal);
    }
    if request.header(header::USER_AGENT).is_none_or(str::is_empty) {
        return Err(Refusal::invalid_request("The User-Agent header is required."));
    }
    if !request.is_form() {
        return Err(Refusal::invalid_request(
            "Content-Type must be application/x-www-form-urlencoded.",
        ));
    }
    let form = request.form();
    if let Some(name) = form.repeated() {
        return Err(Refusal::invalid_request(format!("Repeated parameter: {name}.")));
    }
    authenticate_client(config, request, &form)?;
    match required(&form, "grant_type")? {
        "authorization_code" => {
            let code = required(&form, "code")?;
            let redirect_uri = required(&form, "redirect_uri")?;
            store
                .exchange(code, redirect_uri, now, config)
                .map_err(|refusal| match refusal {
                    CodeRefusal::Invalid => Refusal::invalid_request(format!("Invalid code: {code}.")),
                    CodeRefusal::RedirectUri => {
                        Refusal::invalid_request(format!("Invalid redirect_uri: {redirect_uri}."))
                    }
                })
        }
        "refresh_token" => {
            let token = required(&form, "refresh_token")?;
            store
                .refresh(token, now, config)
                // The real one repeats the token too: clients have to redact.
                .ok_or_else(|| Refusal::invalid_request(format!("Invalid refresh_token: {token}.")))
        }
        other => {
            let mut refusal = Refusal::invalid_request(format!("Unsupported grant_type: {other}."));
            refusal.error = "unsupported_grant_type";
            Err(refusal)
        }
    }
}

fn required<'a>(form: &'a Params, name: &str) -> Result<&'a str, Refusal> {
    form.0
        .iter()
        .find(|(key, value)| key == name && !value.is_empty())
        .map(|(_, value)| value.as_str())
        .ok_or_else(|| Refusal::invalid_request(format!("Missing parameter: {name}.")))
}

/// Either HTTP Basic or the body carries the credentials; RFC 6749 (2.3) forbids both at once.
fn authenticate_client(config: &Config, request: &Request, form: &Params) -> Result<(), Refusal> {
    let in_body = (form.get("client_id"), form.get("client_secret"));
    let Some(authorization) = request.header(header::AUTHORIZATION) else {
        let expected = (Some(config.client_id.as_str()), Some(config.client_secret.as_str()));
        return if in_body == expected {
            Ok(())
        } else {
            Err(Refusal::invalid_client(false))
        };
    };
    if in_body.1.is_some() {
        return Err(Refusal::invalid_request(
            "Send the client credentials in the Authorization header or in the body, not in both.",
        ));
    }
    let credentials = basic_credentials(authorization).ok_or_else(|| Refusal::invalid_client(true))?;
    if credentials == (config.client_id.clone(), config.client_secret.clone()) {
        Ok(())
    } else {
        Err(Refusal::invalid_client(true))
    }
}

fn basic_credentials(authorization: &str) -> Option<(String, String)> {
    let (scheme, encoded) = authorization.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
    let (id, secret) = decoded.split_once(':')?;
    Some((id.to_owned(), secret.to_owned()))
}
