//! The vehicle API.

use serde_json::json;

use super::*;

fn assert_error(reply: &Reply, status: u16, kind: &str, code: Option<&str>) -> Value {
    let body = reply.json();
    assert_eq!(reply.status, status, "{body}");
    assert_eq!(body["statusCode"], status);
    assert_eq!(body["type"], kind);
    assert_eq!(body["code"], json!(code));
    assert_eq!(body["requestId"].as_str(), reply.header("sc-request-id"));
    assert!(body["description"].as_str().is_some_and(|text| !text.is_empty()));
    body
}

#[tokio::test]
async fn reads_what_was_granted() {
    let simulator = Simulator::start().await;
    let token = simulator.pair().await.access;
    let list = simulator.api("GET", "/vehicles", &token).await;
    assert_eq!(
        list.json(),
        json!({ "vehicles": [MODEL_3, MODEL_Y, ID_4], "paging": { "count": 3, "offset": 0 } })
    );
    assert_eq!(list.header("sc-request-id").map(str::len), Some(36));
    let vehicle = simulator.api("GET", &format!("/vehicles/{ID_4}"), &token).await;
    assert_eq!(
        vehicle.json(),
        json!({ "id": ID_4, "make": "VOLKSWAGEN", "model": "ID.4", "year": 2021 })
    );
    assert_eq!(vehicle.header("sc-unit-system"), Some("metric"));
    assert!(vehicle.header("sc-data-age").is_some_and(|age| age.ends_with('Z')));
    let odometer = simulator
        .api("GET", &format!("/vehicles/{ID_4}/odometer"), &token)
        .await;
    assert_eq!(odometer.json(), json!({ "distance": 42_911.0 }));
    let permissions = simulator
        .api("GET", &format!("/vehicles/{ID_4}/permissions"), &token)
        .await;
    assert_eq!(permissions.json()["paging"]["count"], 5);
    let user = simulator.api("GET", "/user", &token).await.json();
    assert_eq!(user["id"].as_str().map(str::len), Some(36));
}

#[tokio::test]
async fn pages_vehicles() {
    let simulator = Simulator::start().await;
    let token = simulator.pair().await.access;
    let page = simulator.api("GET", "/vehicles?limit=1&offset=1", &token).await;
    assert_eq!(
        page.json(),
        json!({ "vehicles": [MODEL_Y], "paging": { "count": 3, "offset": 1 } })
    );
    let past = simulator.api("GET", "/vehicles?offset=9", &token).await;
    assert_eq!(past.json()["vehicles"], json!([]));
    for query in ["limit=51", "limit=0", "limit=x", "offset=-1"] {
        let reply = simulator.api("GET", &format!("/vehicles?{query}"), &token).await;
        let body = assert_error(&reply, 400, "VALIDATION", None);
        assert_eq!(body["detail"][0]["field"], json!([query.split('=').next()]));
    }
}

#[tokio::test]
async fn access_tokens_expire_after_two_hours() {
    let simulator = Simulator::start().await;
    let token = simulator.pair().await.access;
    simulator.advance(2 * HOUR_MS - 5_000).await;
    assert_eq!(simulator.api("GET", "/vehicles", &token).await.status, 200);
    simulator.advance(5_000).await;
    let reply = simulator.api("GET", "/vehicles", &token).await;
    let body = assert_error(&reply, 401, "AUTHENTICATION", None);
    assert_eq!(body["resolution"], json!({ "type": null }));
    for headers in [
        &[][..],
        &[("authorization", "Basic eA==")],
        &[("authorization", "Bearer")],
    ] {
        let reply = simulator.request("GET", "/v2.0/vehicles", headers, "").await;
        assert_error(&reply, 401, "AUTHENTICATION", None);
    }
}

#[tokio::test]
async fn permissions_are_enforced() {
    let simulator = Simulator::start().await;
    let grant = json!({ "scopes": ["read_odometer"], "vehicles": [ID_4] });
    let code = simulator.control("POST", "grants", &grant).await["code"].clone();
    let token = Pair::of(&simulator.exchange(code.as_str().unwrap()).await).access;
    let odometer = simulator
        .api("GET", &format!("/vehicles/{ID_4}/odometer"), &token)
        .await;
    assert_eq!(odometer.status, 200);
    let reply = simulator.api("GET", &format!("/vehicles/{ID_4}"), &token).await;
    let body = assert_error(&reply, 403, "PERMISSION", None);
    assert_eq!(body["resolution"], json!({ "type": "REAUTHENTICATE" }));
    for path in [
        format!("/vehicles/{MODEL_3}/odometer"),
        "/vehicles/x".into(),
        "/nothing".into(),
    ] {
        let reply = simulator.api("GET", &path, &token).await;
        assert_error(&reply, 404, "RESOURCE_NOT_FOUND", None);
    }
}

#[tokio::test]
async fn the_last_disconnect_ends_the_tokens() {
    let simulator = Simulator::start().await;
    let grant = json!({ "vehicles": [MODEL_3, MODEL_Y] });
    let code = simulator.control("POST", "grants", &grant).await["code"].clone();
    let pair = Pair::of(&simulator.exchange(code.as_str().unwrap()).await);
    let other = json!({ "vehicles": [MODEL_3], "user": "somebody@else.test" });
    let code = simulator.control("POST", "grants", &other).await["code"].clone();
    let other = Pair::of(&simulator.exchange(code.as_str().unwrap()).await);

    let path = format!("/vehicles/{MODEL_3}/application");
    let reply = simulator.api("DELETE", &path, &pair.access).await;
    assert_eq!((reply.status, reply.json()), (200, json!({ "status": "success" })));
    assert_eq!(simulator.api("DELETE", &path, &pair.access).await.status, 404);
    let left = simulator.api("GET", "/vehicles", &pair.access).await.json();
    assert_eq!(left["vehicles"], json!([MODEL_Y]));
    let path = format!("/vehicles/{MODEL_Y}/application");
    assert_eq!(simulator.api("DELETE", &path, &pair.access).await.status, 200);
    assert_eq!(simulator.api("GET", "/vehicles", &pair.access).await.status, 401);
    assert_eq!(simulator.refresh(&pair.refresh).await.status, 400);
    // Another owner of the same car is not concerned.
    assert_eq!(simulator.api("GET", "/vehicles", &other.access).await.status, 200);
}

#[tokio::test]
async fn a_lost_account_asks_for_re_authentication() {
    let simulator = Simulator::start().await;
    let token = simulator.pair().await.access;
    let lost = json!({ "needsReauthentication": true });
    simulator.control("POST", &format!("vehicles/{ID_4}"), &lost).await;
    let reply = simulator.api("GET", &format!("/vehicles/{ID_4}"), &token).await;
    let body = assert_error(&reply, 400, "CONNECTED_SERVICES_ACCOUNT", Some("AUTHENTICATION_FAILED"));
    assert_eq!(body["resolution"]["type"], "REAUTHENTICATE");
    assert_eq!(
        body["resolution"]["url"],
        format!(
            "http://{}/oauth/reauthenticate?response_type=vehicle_id&client_id={DEFAULT_CLIENT_ID}&vehicle_id={ID_4}",
            simulator.address
        )
    );
    let fine = simulator.api("GET", &format!("/vehicles/{MODEL_3}"), &token).await;
    assert_eq!(fine.status, 200);
}

#[tokio::test]
async fn commands_need_their_permission_and_change_the_car() {
    let simulator = Simulator::start().await;
    let grant = json!({ "scopes": ["read_security", "control_security", "read_battery"], "vehicles": [MODEL_3] });
    let code = simulator.control("POST", "grants", &grant).await["code"].clone();
    let token = Pair::of(&simulator.exchange(code.as_str().unwrap()).await).access;
    let send = async |method: &str, path: &str, content_type: &str, body: &str| {
        let bearer = format!("Bearer {token}");
        let headers = [("authorization", bearer.as_str()), ("content-type", content_type)];
        let path = format!("/v2.0/vehicles/{MODEL_3}/{path}");
        simulator.request(method, &path, &headers, body).await
    };
    let json_type = "application/json";
    let unlock = send("POST", "security", json_type, r#"{"action":"UNLOCK"}"#).await;
    assert_eq!(
        (unlock.status, unlock.json()["status"].clone()),
        (200, json!("success"))
    );
    let security = simulator
        .api("GET", &format!("/vehicles/{MODEL_3}/security"), &token)
        .await;
    assert_eq!(security.json()["isLocked"], false);
    for (content_type, body) in [
        ("text/plain", r#"{"action":"LOCK"}"#),
        (json_type, r#"{"action":"OPEN"}"#),
        (json_type, ""),
    ] {
        assert_error(
            &send("POST", "security", content_type, body).await,
            400,
            "VALIDATION",
            None,
        );
    }
    assert_error(
        &send("POST", "charge", json_type, r#"{"action":"START"}"#).await,
        403,
        "PERMISSION",
        None,
    );
    assert_error(
        &send("POST", "TESLA/pin", json_type, "{}").await,
        403,
        "PERMISSION",
        None,
    );
    assert_error(
        &send("PUT", "security", json_type, "{}").await,
        404,
        "RESOURCE_NOT_FOUND",
        None,
    );

    let paths = json!({ "requests": [{ "path": "/battery" }, { "path": "/odometer" }, { "path": "/battery/nominal_capacity" }] });
    let batch = send("POST", "batch", json_type, &paths.to_string()).await.json();
    assert_eq!(batch["responses"][0]["body"]["percentRemaining"], 0.64);
    assert_eq!(
        (&batch["responses"][1]["code"], &batch["responses"][1]["body"]["type"]),
        (&json!(403), &json!("PERMISSION"))
    );
    let url = batch["responses"][2]["body"]["url"].as_str().unwrap();
    let secrets = simulator.control("GET", "secrets", &json!({})).await["secrets"].clone();
    let is_secret = |secret: &Value| url.ends_with(&format!("token={}", secret.as_str().unwrap()));
    assert!(secrets.as_array().unwrap().iter().any(is_secret), "{url}");
}
