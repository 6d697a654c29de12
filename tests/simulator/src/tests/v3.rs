//! Version 3: what every request has in common, and what a test needs to ask one.

mod commands;
mod connections;
mod moving;
mod signals;
mod token;

use serde_json::json;

use super::*;
use crate::v3::Settings;

/// What an application knows after a consent.
struct Connected {
    /// Of the application, and good for an hour.
    token: String,
    user: String,
}

impl Simulator {
    /// Asks for an application token with the credentials in a form.
    async fn application_token(&self) -> Reply {
        let settings = Settings::default();
        let form = [
            ("grant_type", "client_credentials"),
            ("client_id", settings.client_id.as_str()),
            ("client_secret", settings.client_secrets[0].as_str()),
        ];
        let headers = [("content-type", "application/x-www-form-urlencoded")];
        self.request("POST", "/oauth2/token", &headers, &encode(&form)).await
    }

    /// A fresh application token.
    async fn fresh_token(&self) -> String {
        let reply = self.application_token().await;
        assert_eq!(reply.status, 200, "{}", reply.text());
        reply.json()["access_token"].as_str().unwrap().to_owned()
    }

    /// A consent, as `/_control/grants` takes it, and an application token.
    async fn connected(&self, grant: Value) -> Connected {
        let minted = self.control("POST", "grants", &grant).await;
        Connected {
            token: self.fresh_token().await,
            user: minted["userId"].as_str().unwrap().to_owned(),
        }
    }

    async fn set_v3(&self, settings: Value) {
        self.control("POST", "config", &json!({ "v3": settings })).await;
    }

    async fn v3(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Reply {
        self.request(method, &format!("/v3{path}"), headers, body).await
    }
}

impl Connected {
    /// A request in the name of the application, for this owner.
    async fn ask(&self, simulator: &Simulator, method: &str, path: &str, body: &str) -> Reply {
        let bearer = format!("Bearer {}", self.token);
        let mut headers = vec![("authorization", bearer.as_str()), ("sc-user-id", self.user.as_str())];
        if !body.is_empty() {
            headers.push(("content-type", "application/json"));
        }
        simulator.v3(method, path, &headers, body).await
    }

    async fn get(&self, simulator: &Simulator, path: &str) -> Reply {
        self.ask(simulator, "GET", path, "").await
    }

    /// A request that names no owner.
    async fn get_for_all(&self, simulator: &Simulator, path: &str) -> Reply {
        let bearer = format!("Bearer {}", self.token);
        simulator.v3("GET", path, &[("authorization", &bearer)], "").await
    }
}

/// Checks the envelope; gives the error.
fn assert_error(reply: &Reply, status: u16, kind: &str, code: &str) -> Value {
    let body = reply.json();
    assert_eq!(reply.status, status, "{body}");
    assert_eq!(body.as_object().unwrap().len(), 1);
    let errors = body["errors"].as_array().unwrap();
    assert_eq!(errors.len(), 1);
    assert_eq!(errors[0]["status"], status.to_string());
    assert_eq!((&errors[0]["type"], &errors[0]["code"]), (&json!(kind), &json!(code)));
    assert_eq!(
        errors[0]["meta"]["debug"]["requestId"].as_str(),
        reply.header("sc-request-id")
    );
    assert!(errors[0]["detail"].as_str().is_some_and(|text| !text.is_empty()));
    errors[0].clone()
}

#[tokio::test]
async fn a_token_of_the_application_is_needed_for_any_path() {
    let simulator = Simulator::start().await;
    let owner = simulator.connected(json!({})).await;
    for path in ["/connections", "/nothing", "/webhooks"] {
        for headers in [
            &[][..],
            &[("authorization", "Basic eA==")],
            &[("authorization", "Bearer x")],
        ] {
            let reply = simulator.v3("GET", path, headers, "").await;
            let error = assert_error(&reply, 401, "AUTHENTICATION", "UNAUTHORIZED");
            assert_eq!(error["resolution"], json!(null));
        }
    }
    // The management host is another one, and the paths of version 2 are none of version 3.
    for path in [
        "/webhooks",
        "/subscriptions",
        "/applications",
        &format!("/vehicles/{ID_4}/odometer"),
    ] {
        let reply = owner.get(&simulator, path).await;
        assert_error(&reply, 404, "RESOURCE_NOT_FOUND", "INVALID_PATH");
    }
}

#[tokio::test]
async fn the_tokens_of_owners_are_refused_unless_they_are_accepted() {
    let simulator = Simulator::start().await;
    let owner = simulator.connected(json!({ "vehicles": [ID_4] })).await;
    let code = simulator.code().await;
    let pair = Pair::of(&simulator.exchange(&code).await);
    let bearer = format!("Bearer {}", pair.access);
    let path = format!("/vehicles/{ID_4}/signals");
    let ask = async |user: &str| {
        let headers = [("authorization", bearer.as_str()), ("sc-user-id", user)];
        simulator.v3("GET", &path, &headers, "").await
    };
    assert_error(&ask(&owner.user).await, 401, "AUTHENTICATION", "UNAUTHORIZED");
    simulator.set_v3(json!({ "acceptsUserTokens": true })).await;
    assert_eq!(ask(&owner.user).await.status, 200);
    assert_error(&ask(MODEL_3).await, 403, "AUTHENTICATION", "ACCESS_DENIED");
    // The application's token opens version 2 in no case.
    assert_eq!(simulator.api("GET", "/vehicles", &owner.token).await.status, 401);
}

#[tokio::test]
async fn all_owners_share_one_bucket() {
    let simulator = Simulator::start().await;
    let owner = simulator.connected(json!({})).await;
    let other = simulator.connected(json!({ "user": "somebody@else.test" })).await;
    simulator
        .set_v3(json!({ "bucketSize": 3, "bucketRefillPerMinute": 2 }))
        .await;
    let path = format!("/vehicles/{ID_4}/signals");
    for who in [&owner, &other, &owner] {
        assert_eq!(who.get(&simulator, &path).await.status, 200);
    }
    for who in [&owner, &other] {
        let reply = who.get(&simulator, &path).await;
        assert_error(&reply, 429, "RATE_LIMIT", "SMARTCAR_API");
        let seconds: u32 = reply.header("retry-after").unwrap().parse().unwrap();
        assert!((20..=30).contains(&seconds), "{seconds}");
    }
    simulator.advance(15_000).await;
    assert_eq!(owner.get(&simulator, &path).await.status, 429);
    simulator.advance(15_000).await;
    assert_eq!(owner.get(&simulator, &path).await.status, 200);
    assert_eq!(owner.get(&simulator, &path).await.status, 429);
}

#[tokio::test]
async fn the_documented_bucket_has_120_requests() {
    let simulator = Simulator::start().await;
    let owner = simulator.connected(json!({})).await;
    for _ in 0..120 {
        assert_eq!(owner.get(&simulator, "/connections").await.status, 200);
    }
    assert_eq!(owner.get(&simulator, "/connections").await.status, 429);
}

#[tokio::test]
async fn a_car_has_a_limit_of_its_own() {
    let simulator = Simulator::start().await;
    let owner = simulator.connected(json!({})).await;
    let slow = json!({ "throttledMs": 45_000 });
    simulator.control("POST", &format!("vehicles/{ID_4}"), &slow).await;
    let reply = owner.get(&simulator, &format!("/vehicles/{ID_4}/signals")).await;
    assert_error(&reply, 429, "RATE_LIMIT", "VEHICLE");
    let seconds: u32 = reply.header("retry-after").unwrap().parse().unwrap();
    assert!((35..=45).contains(&seconds), "{seconds}");
    let fine = owner.get(&simulator, &format!("/vehicles/{MODEL_3}/signals")).await;
    assert_eq!(fine.status, 200);
    simulator.advance(45_000).await;
    let again = owner.get(&simulator, &format!("/vehicles/{ID_4}/signals")).await;
    assert_eq!(again.status, 200);
}

#[tokio::test]
async fn a_plan_ends_and_connections_are_free() {
    let simulator = Simulator::start().await;
    let owner = simulator.connected(json!({})).await;
    simulator.set_v3(json!({ "planRequests": 2 })).await;
    let path = format!("/vehicles/{ID_4}/signals");
    assert_eq!(owner.get(&simulator, "/connections").await.status, 200);
    assert_eq!(owner.get(&simulator, &path).await.status, 200);
    assert_eq!(owner.get(&simulator, &path).await.status, 200);
    let reply = owner.get(&simulator, &path).await;
    let error = assert_error(&reply, 430, "BILLING", "VEHICLE_REQUEST_LIMIT");
    assert_eq!(error["resolution"], json!({ "type": "CONTACT_SUPPORT" }));
    assert_eq!(owner.get(&simulator, "/connections").await.status, 200);
}

#[tokio::test]
async fn faults_have_the_shape_of_version_3() {
    let simulator = Simulator::start().await;
    let owner = simulator.connected(json!({})).await;
    let path = format!("/vehicles/{ID_4}/signals");
    for (name, status) in [
        ("AUTHENTICATION/UNAUTHORIZED", 401),
        ("VEHICLE_STATE/IN_MOTION", 409),
        ("COMPATIBILITY/PLATFORM_NOT_CAPABLE", 501),
        ("CONNECTED_SERVICES_ACCOUNT/AUTHENTICATION_FAILED", 400),
    ] {
        simulator
            .fault(json!({ "endpoint": "v3_signals", "kind": "api_error", "error": name }))
            .await;
        let (kind, code) = name.split_once('/').unwrap();
        let error = assert_error(&owner.get(&simulator, &path).await, status, kind, code);
        let url = error["resolution"]["url"].as_str();
        assert_eq!(
            url.is_some_and(|url| url.ends_with(&format!("vehicle_id={ID_4}"))),
            code == "AUTHENTICATION_FAILED"
        );
    }
    let unknown = json!({ "endpoint": "v3_signals", "kind": "api_error", "error": "PERMISSION" });
    let reply = simulator
        .request("POST", "/_control/fault", &[], &unknown.to_string())
        .await;
    assert_eq!(reply.status, 400);
    simulator
        .fault(json!({ "endpoint": "v3_connections", "kind": "reset_before" }))
        .await;
    let bearer = format!("Bearer {}", owner.token);
    let headers = [("authorization", bearer.as_str())];
    let failure = client::exchange(simulator.address, "GET", "/v3/connections", &headers, b"").await;
    assert_eq!(failure.unwrap_err(), Failure::Reset);
    assert_eq!(owner.get(&simulator, "/connections").await.status, 200);
}

#[tokio::test]
async fn settings_are_checked() {
    let simulator = Simulator::start().await;
    for (settings, message) in [
        (json!({ "pageSize": 1 }), "unknown field `pageSize`"),
        (json!({ "maxPageSize": "x" }), "invalid type"),
        (json!({ "removeConnectionStatus": 500 }), "must be 200 or 204"),
    ] {
        let body = json!({ "graceMs": 1, "v3": settings }).to_string();
        let reply = simulator.request("POST", "/_control/config", &[], &body).await;
        assert_eq!(reply.status, 400);
        assert!(reply.text().contains(message), "{}", reply.text());
    }
    let config = simulator.control("GET", "config", &json!({})).await;
    assert_eq!(config["graceMs"], 60_000, "nothing of a refused change is kept");
}
