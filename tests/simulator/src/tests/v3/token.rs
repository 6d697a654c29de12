//! The token of the application.

use base64::{Engine as _, engine::general_purpose::STANDARD};

use super::*;

const FORM: &str = "application/x-www-form-urlencoded";

fn assert_refused(reply: &Reply, status: u16, error: &str) {
    let body = reply.json();
    assert_eq!((reply.status, &body["error"]), (status, &json!(error)), "{body}");
    assert!(body["error_description"].is_string());
    assert_eq!(body.as_object().unwrap().len(), 2);
}

/// Sends a token request; credentials in `Authorization` when there are any.
async fn ask(simulator: &Simulator, content_type: &str, basic: Option<(&str, &str)>, body: &str) -> Reply {
    let authorization = basic.map(|(id, secret)| format!("Basic {}", STANDARD.encode(format!("{id}:{secret}"))));
    let mut headers = vec![("content-type", content_type)];
    if let Some(value) = &authorization {
        headers.push(("authorization", value));
    }
    simulator.request("POST", "/oauth2/token", &headers, body).await
}

fn form(id: &str, secret: &str) -> String {
    encode(&[
        ("grant_type", "client_credentials"),
        ("client_id", id),
        ("client_secret", secret),
    ])
}

fn credentials() -> (String, String) {
    let settings = Settings::default();
    (settings.client_id, settings.client_secrets[0].clone())
}

#[tokio::test]
async fn it_has_the_documented_fields_and_no_refresh_token() {
    let simulator = Simulator::start().await;
    let reply = simulator.application_token().await;
    let body = reply.json();
    assert_eq!(reply.header("cache-control"), Some("no-store"));
    assert_eq!(
        (&body["token_type"], &body["expires_in"]),
        (&json!("Bearer"), &json!(3_600))
    );
    assert_eq!(body["access_token"].as_str().unwrap().len(), 900);
    assert_eq!(body.as_object().unwrap().len(), 3);
    simulator.set_v3(json!({ "tokenLength": 16_384 })).await;
    assert_eq!(simulator.fresh_token().await.len(), 16_384);
    let counts = simulator.counts().await;
    assert_eq!(
        (&counts["application_token"], &counts["applicationTokenCommitted"]),
        (&json!(2), &json!(2))
    );
}

#[tokio::test]
async fn it_ends_after_an_hour_or_when_it_is_revoked() {
    let simulator = Simulator::start().await;
    let owner = simulator.connected(json!({})).await;
    simulator.advance(HOUR_MS - 5_000).await;
    assert_eq!(owner.get(&simulator, "/connections").await.status, 200);
    simulator.advance(5_000).await;
    assert_eq!(owner.get(&simulator, "/connections").await.status, 401);
    let owner = simulator.connected(json!({})).await;
    assert_eq!(owner.get(&simulator, "/connections").await.status, 200);
    simulator.control("DELETE", "application-tokens", &json!({})).await;
    assert_eq!(owner.get(&simulator, "/connections").await.status, 401);
}

#[tokio::test]
async fn credentials_come_as_a_form_as_json_or_as_basic() {
    let simulator = Simulator::start().await;
    let (id, secret) = credentials();
    let json_body = json!({ "grant_type": "client_credentials", "client_id": id, "client_secret": secret }).to_string();
    let only_grant = "grant_type=client_credentials";
    let basic = Some((id.as_str(), secret.as_str()));
    assert_eq!(ask(&simulator, FORM, None, &form(&id, &secret)).await.status, 200);
    assert_eq!(ask(&simulator, "application/json", None, &json_body).await.status, 200);
    assert_eq!(ask(&simulator, FORM, basic, only_grant).await.status, 200);
    assert_refused(
        &ask(&simulator, FORM, basic, &form(&id, &secret)).await,
        400,
        "invalid_request",
    );

    simulator
        .set_v3(json!({ "acceptsForm": false, "acceptsBasic": false }))
        .await;
    assert_refused(
        &ask(&simulator, FORM, None, &form(&id, &secret)).await,
        400,
        "invalid_request",
    );
    assert_eq!(ask(&simulator, "application/json", None, &json_body).await.status, 200);
    simulator
        .set_v3(json!({ "acceptsForm": true, "acceptsJson": false }))
        .await;
    assert_refused(&ask(&simulator, FORM, basic, only_grant).await, 401, "invalid_client");
    let refused = ask(&simulator, "application/json", None, &json_body).await;
    assert_refused(&refused, 400, "invalid_request");
}

#[tokio::test]
async fn wrong_credentials_are_invalid_client() {
    let simulator = Simulator::start().await;
    let (id, secret) = credentials();
    for (id, secret) in [
        (id.as_str(), "wrong"),
        ("client_other", secret.as_str()),
        // The application's own id and secret are those of version 2.
        (DEFAULT_CLIENT_ID, DEFAULT_CLIENT_SECRET),
    ] {
        let in_body = ask(&simulator, FORM, None, &form(id, secret)).await;
        assert_refused(&in_body, 401, "invalid_client");
        assert_eq!(in_body.header("www-authenticate"), None);
        let in_header = ask(&simulator, FORM, Some((id, secret)), "grant_type=client_credentials").await;
        assert_refused(&in_header, 401, "invalid_client");
        assert!(in_header.header("www-authenticate").is_some());
    }
    let none = ask(&simulator, FORM, None, "grant_type=client_credentials").await;
    assert_refused(&none, 401, "invalid_client");
    assert_eq!(simulator.counts().await["applicationTokenRefused"], 7);
}

#[tokio::test]
async fn everything_but_client_credentials_is_an_invalid_request() {
    let simulator = Simulator::start().await;
    let (id, secret) = credentials();
    for grant_type in ["authorization_code", "refresh_token", ""] {
        let body = form(&id, &secret).replace("client_credentials", grant_type);
        assert_refused(&ask(&simulator, FORM, None, &body).await, 400, "invalid_request");
    }
    let twice = format!("{}&grant_type=client_credentials", form(&id, &secret));
    for (content_type, body) in [
        (FORM, twice.as_str()),
        ("text/plain", "x"),
        ("application/json", "["),
        ("application/json", r#"{"grant_type":1}"#),
    ] {
        assert_refused(&ask(&simulator, content_type, None, body).await, 400, "invalid_request");
    }
    let get = simulator.request("GET", "/oauth2/token", &[], "").await;
    assert_refused(&get, 400, "invalid_request");
}

#[tokio::test]
async fn several_secrets_are_live_while_one_is_changed() {
    let simulator = Simulator::start().await;
    let (id, old) = credentials();
    simulator.set_v3(json!({ "clientSecrets": [old, "next"] })).await;
    for secret in [old.as_str(), "next"] {
        assert_eq!(ask(&simulator, FORM, None, &form(&id, secret)).await.status, 200);
    }
    simulator.set_v3(json!({ "clientSecrets": ["next"] })).await;
    assert_refused(
        &ask(&simulator, FORM, None, &form(&id, &old)).await,
        401,
        "invalid_client",
    );
    let secrets = simulator.control("GET", "secrets", &json!({})).await;
    assert!(secrets["secrets"].as_array().unwrap().contains(&json!("next")));
}

#[tokio::test]
async fn its_endpoint_has_every_fault() {
    let simulator = Simulator::start().await;
    let fault = |kind: &str| json!({ "endpoint": "application_token", "kind": kind });
    simulator.fault(fault("wrong_types")).await;
    let body = simulator.application_token().await.json();
    assert_eq!(
        body,
        json!({ "access_token": 12_345, "token_type": 12_345, "expires_in": { "seconds": 3_600 } })
    );
    simulator.fault(fault("oversized")).await;
    let oversized = simulator.application_token().await;
    let never_issued = oversized.json()["access_token"].as_str().unwrap().to_owned();
    let bearer = format!("Bearer {never_issued}");
    let reply = simulator
        .v3("GET", "/connections", &[("authorization", &bearer)], "")
        .await;
    assert_eq!(reply.status, 401);
    let secrets = simulator.control("GET", "secrets", &json!({})).await;
    assert!(secrets["secrets"].as_array().unwrap().contains(&json!(never_issued)));
    let mut status = fault("status");
    status["status"] = json!(503);
    simulator.fault(status).await;
    assert_eq!(simulator.application_token().await.status, 503);
    assert_eq!(simulator.counts().await["applicationTokenCommitted"], 0);
}
