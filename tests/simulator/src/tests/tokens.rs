//! The life of codes and tokens.

use serde_json::json;

use super::*;

fn assert_refused(reply: &Reply, status: u16, error: &str, description: &str) {
    assert_eq!(reply.status, status, "{}", reply.text());
    assert_eq!(
        reply.json(),
        json!({ "error": error, "error_description": description })
    );
}

#[tokio::test]
async fn an_exchange_has_the_documented_fields() {
    let simulator = Simulator::start().await;
    let code = simulator.code().await;
    let reply = simulator.exchange(&code).await;
    assert_eq!(reply.status, 200);
    assert_eq!(reply.header("cache-control"), Some("no-store"));
    let body = reply.json();
    assert_eq!(body["token_type"], "Bearer");
    assert_eq!(body["expires_in"], 7_200);
    assert_eq!(body["access_token"].as_str().unwrap().len(), 36);
    assert_eq!(body["refresh_token"].as_str().unwrap().len(), 36);
    assert_eq!(body.as_object().unwrap().len(), 4);
}

#[tokio::test]
async fn a_code_works_once_and_for_ten_minutes() {
    let simulator = Simulator::start().await;
    let code = simulator.code().await;
    assert_eq!(simulator.exchange(&code).await.status, 200);
    let again = simulator.exchange(&code).await;
    assert_refused(&again, 400, "invalid_request", &format!("Invalid code: {code}."));

    let early = simulator.code().await;
    simulator.advance(590_000).await;
    assert_eq!(simulator.exchange(&early).await.status, 200);
    let late = simulator.code().await;
    simulator.advance(600_000).await;
    let refused = simulator.exchange(&late).await;
    assert_refused(&refused, 400, "invalid_request", &format!("Invalid code: {late}."));
    let unknown = simulator.exchange("bad code here").await;
    assert_refused(&unknown, 400, "invalid_request", "Invalid code: bad code here.");
    let counts = simulator.counts().await;
    assert_eq!(
        (&counts["exchange"], &counts["exchangeCommitted"]),
        (&json!(5), &json!(2))
    );
    assert_eq!(counts["exchangeRefused"], 3);
}

#[tokio::test]
async fn a_wrong_redirect_uri_does_not_use_the_code_up() {
    let simulator = Simulator::start().await;
    let code = simulator.code().await;
    for uri in [
        "http://localhost:8787",
        "http://localhost:8787/?a",
        "https://evil.test/",
    ] {
        let fields = [
            ("grant_type", "authorization_code"),
            ("code", code.as_str()),
            ("redirect_uri", uri),
        ];
        let reply = simulator.try_token(&fields).await.unwrap();
        assert_refused(&reply, 400, "invalid_request", &format!("Invalid redirect_uri: {uri}."));
    }
    assert_eq!(simulator.exchange(&code).await.status, 200);
}

#[tokio::test]
async fn a_refresh_rotates_and_the_old_token_lives_through_the_grace() {
    let simulator = Simulator::start().await;
    let old = simulator.pair().await;
    let first = Pair::of(&simulator.refresh(&old.refresh).await);
    assert_ne!(first.refresh, old.refresh);
    simulator.advance(50_000).await;
    let second = Pair::of(&simulator.refresh(&old.refresh).await);
    assert_ne!(second.refresh, first.refresh);
    simulator.advance(10_000).await;
    let refused = simulator.refresh(&old.refresh).await;
    let description = format!("Invalid refresh_token: {}.", old.refresh);
    assert_refused(&refused, 400, "invalid_request", &description);
    // Both new pairs are good, and so are all access tokens.
    for pair in [&first, &second] {
        assert_eq!(simulator.refresh(&pair.refresh).await.status, 200);
    }
    for pair in [&old, &first, &second] {
        assert_eq!(simulator.api("GET", "/vehicles", &pair.access).await.status, 200);
    }
    let counts = simulator.counts().await;
    assert_eq!(counts["refresh"], 5);
    assert_eq!(counts["refreshCommitted"], 4);
    assert_eq!(counts["refreshInGrace"], 1);
    assert_eq!(counts["refreshRefused"], 1);
}

#[tokio::test]
async fn without_grace_a_refresh_token_works_once() {
    let simulator = Simulator::start().await;
    simulator.control("POST", "config", &json!({ "graceMs": 0 })).await;
    let pair = simulator.pair().await;
    assert_eq!(simulator.refresh(&pair.refresh).await.status, 200);
    assert_eq!(simulator.refresh(&pair.refresh).await.status, 400);
}

#[tokio::test]
async fn a_refresh_token_lasts_sixty_days() {
    let simulator = Simulator::start().await;
    let pair = simulator.pair().await;
    simulator.advance(60 * 24 * HOUR_MS - 5_000).await;
    let next = Pair::of(&simulator.refresh(&pair.refresh).await);
    simulator.advance(60 * 24 * HOUR_MS).await;
    let reply = simulator.refresh(&next.refresh).await;
    let description = format!("Invalid refresh_token: {}.", next.refresh);
    assert_refused(&reply, 400, "invalid_request", &description);
}

#[tokio::test]
async fn tokens_are_listed_with_their_state() {
    let simulator = Simulator::start().await;
    let old = simulator.pair().await;
    let new = Pair::of(&simulator.refresh(&old.refresh).await);
    let status = async |token: &str| {
        let listed = simulator.control("GET", "tokens", &json!({})).await;
        let tokens = listed["refreshTokens"].as_array().unwrap().clone();
        let entry = tokens.iter().find(|entry| entry["token"] == token).unwrap().clone();
        (entry["status"].as_str().unwrap().to_owned(), entry["cause"].clone())
    };
    assert_eq!(status(&old.refresh).await, ("grace".to_owned(), json!(null)));
    assert_eq!(status(&new.refresh).await, ("current".to_owned(), json!(null)));
    simulator.advance(60_000).await;
    assert_eq!(status(&old.refresh).await, ("dead".to_owned(), json!("rotated")));
    simulator.advance(60 * 24 * HOUR_MS).await;
    assert_eq!(status(&new.refresh).await, ("dead".to_owned(), json!("expired")));
}

#[tokio::test]
async fn credentials_are_checked_in_body_and_header() {
    let simulator = Simulator::start().await;
    let pair = simulator.pair().await;
    let basic = |id: &str, secret: &str| {
        use base64::{Engine as _, engine::general_purpose::STANDARD};
        format!("Basic {}", STANDARD.encode(format!("{id}:{secret}")))
    };
    let send = async |authorization: Option<String>, extra: &[(&str, &str)]| {
        let mut fields = vec![
            ("grant_type", "refresh_token"),
            ("refresh_token", pair.refresh.as_str()),
        ];
        fields.extend_from_slice(extra);
        let mut headers = vec![
            ("content-type", "application/x-www-form-urlencoded"),
            ("user-agent", "test"),
        ];
        if let Some(value) = &authorization {
            headers.push(("authorization", value));
        }
        simulator
            .request("POST", "/oauth/token", &headers, &encode(&fields))
            .await
    };
    let right = basic(DEFAULT_CLIENT_ID, DEFAULT_CLIENT_SECRET);
    assert_eq!(send(Some(right.clone()), &[]).await.status, 200);
    let wrong = send(Some(basic(DEFAULT_CLIENT_ID, "x")), &[]).await;
    assert_refused(&wrong, 401, "invalid_client", "Client authentication failed.");
    assert_eq!(wrong.header("www-authenticate"), Some("Basic realm=\"Smartcar\""));
    assert_eq!(send(Some("Basic !".to_owned()), &[]).await.status, 401);
    assert_eq!(send(None, &[]).await.status, 401);
    let in_body = [("client_id", DEFAULT_CLIENT_ID), ("client_secret", "x")];
    assert_eq!(send(None, &in_body).await.status, 401);
    assert_eq!(
        send(Some(right), &[("client_secret", DEFAULT_CLIENT_SECRET)])
            .await
            .status,
        400
    );
}

#[tokio::test]
async fn the_form_of_a_token_request_is_checked() {
    let simulator = Simulator::start().await;
    let code = simulator.code().await;
    let form = encode(&[
        ("client_id", DEFAULT_CLIENT_ID),
        ("client_secret", DEFAULT_CLIENT_SECRET),
        ("grant_type", "authorization_code"),
        ("code", &code),
        ("redirect_uri", DEFAULT_REDIRECT_URI),
    ]);
    let agent = ("user-agent", "test");
    let urlencoded = ("content-type", "application/x-www-form-urlencoded");
    let send =
        async |headers: &[(&str, &str)], body: &str| simulator.request("POST", "/oauth/token", headers, body).await;
    let json_type = send(&[agent, ("content-type", "application/json")], &form).await;
    let message = "Content-Type must be application/x-www-form-urlencoded.";
    assert_refused(&json_type, 400, "invalid_request", message);
    let anonymous = send(&[urlencoded], &form).await;
    assert_refused(&anonymous, 400, "invalid_request", "The User-Agent header is required.");
    let repeated = send(&[agent, urlencoded], &format!("{form}&code=other")).await;
    assert_refused(&repeated, 400, "invalid_request", "Repeated parameter: code.");
    let no_redirect = form.split("&redirect_uri").next().unwrap().to_owned();
    let missing = send(&[agent, urlencoded], &no_redirect).await;
    assert_refused(&missing, 400, "invalid_request", "Missing parameter: redirect_uri.");
    let password = simulator.try_token(&[("grant_type", "password")]).await.unwrap();
    assert_refused(
        &password,
        400,
        "unsupported_grant_type",
        "Unsupported grant_type: password.",
    );
    assert_eq!(simulator.request("GET", "/oauth/token", &[agent], "").await.status, 405);
    // None of this has used the code up; a charset is fine.
    let charset = ("content-type", "application/x-www-form-urlencoded;charset=UTF-8");
    assert_eq!(send(&[agent, charset], &form).await.status, 200);
}

#[tokio::test]
async fn a_code_with_an_ampersand_is_one_value() {
    let simulator = Simulator::start().await;
    let code = "x&grant_type=refresh_token&a=b";
    let reply = simulator.exchange(code).await;
    assert_refused(&reply, 400, "invalid_request", &format!("Invalid code: {code}."));
    let recorded = simulator.last_request().await;
    assert_eq!(recorded["endpoint"], "exchange");
    assert!(recorded["form"].as_array().unwrap().contains(&json!(["code", code])));
}
