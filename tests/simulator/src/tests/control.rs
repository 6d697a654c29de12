//! The control address.

use serde_json::json;

use super::*;

#[tokio::test]
async fn requests_are_recorded_as_they_came() {
    let simulator = Simulator::start().await;
    let code = simulator.code().await;
    simulator.exchange(&code).await;
    let recorded = simulator.control("GET", "requests", &json!({})).await;
    let all = recorded["requests"].as_array().unwrap();
    assert_eq!(all.len(), 1, "control requests are not recorded");
    let request = &all[0];
    assert_eq!(request["method"], "POST");
    assert_eq!(
        (&request["path"], &request["query"]),
        (&json!("/oauth/token"), &json!(""))
    );
    assert_eq!(request["status"], 200);
    assert_eq!(request["headers"]["user-agent"], "test");
    assert_eq!(
        request["form"],
        json!([
            ["client_id", DEFAULT_CLIENT_ID],
            ["client_secret", DEFAULT_CLIENT_SECRET],
            ["grant_type", "authorization_code"],
            ["code", code],
            ["redirect_uri", DEFAULT_REDIRECT_URI],
        ])
    );
    assert!(
        request["body"]
            .as_str()
            .unwrap()
            .contains("redirect_uri=http%3A%2F%2Flocalhost%3A8787%2F")
    );
    simulator.get("/v2.0/vehicles?limit=1").await;
    let last = simulator.last_request().await;
    assert_eq!((&last["query"], &last["form"]), (&json!("limit=1"), &json!(null)));
    assert_eq!((&last["status"], &last["endpoint"]), (&json!(401), &json!("vehicles")));
}

#[tokio::test]
async fn secrets_are_complete() {
    let simulator = Simulator::start().await;
    let grant = simulator.control("POST", "grants", &json!({ "user": "a@b.c" })).await;
    let code = grant["code"].as_str().unwrap();
    let old = Pair::of(&simulator.exchange(code).await);
    let new = Pair::of(&simulator.refresh(&old.refresh).await);
    let listed = simulator.control("GET", "secrets", &json!({})).await;
    let secrets: Vec<&str> = listed["secrets"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(Value::as_str)
        .collect();
    let user_id = grant["userId"].as_str().unwrap();
    for secret in [code, user_id, &old.access, &old.refresh, &new.access, &new.refresh] {
        assert!(secrets.contains(&secret), "{secret}");
    }
    for secret in [
        DEFAULT_CLIENT_SECRET,
        "simulator-api-client-secret",
        "5YJ3E1EA2KF317000",
        "7SAYGDEE7PA012345",
        "WVGZZZE2ZMP012345",
    ] {
        assert!(secrets.contains(&secret), "{secret}");
    }
    assert_eq!(secrets.len(), 11);
}

#[tokio::test]
async fn settings_change_and_a_reset_brings_them_back() {
    let simulator = Simulator::start().await;
    let config = json!({
        "accessTokenLifetimeS": 60, "redirectUris": ["http://localhost:1/cb"], "userIdInRedirect": false,
    });
    let changed = simulator.control("POST", "config", &config).await;
    assert_eq!(
        (&changed["accessTokenLifetimeS"], &changed["graceMs"]),
        (&json!(60), &json!(60_000))
    );
    let grant = simulator.control("POST", "grants", &json!({})).await;
    assert_eq!(grant["redirectUri"], "http://localhost:1/cb");
    simulator.advance(5_000_000).await;
    simulator
        .fault(json!({ "endpoint": "*", "kind": "reset_before", "times": null }))
        .await;
    simulator.control("POST", "reset", &json!({})).await;
    assert_eq!(simulator.get("/").await.status, 200);
    assert_eq!(simulator.control("GET", "clock", &json!({})).await["offsetMs"], 0);
    let config = simulator.control("GET", "config", &json!({})).await;
    assert_eq!(config["redirectUris"], json!([DEFAULT_REDIRECT_URI]));
    let tokens = simulator.control("GET", "tokens", &json!({})).await;
    assert_eq!(tokens["codes"], json!([]));
    assert_eq!(simulator.counts().await["other"], 1);
}

#[tokio::test]
async fn mistakes_are_named() {
    let simulator = Simulator::start().await;
    let cases = [
        (
            "fault",
            json!({ "endpoint": "refresh", "kind": "status" }),
            "a fault of this kind needs `status`",
        ),
        (
            "fault",
            json!({ "endpoint": "refresh", "kind": "slow_body" }),
            "a fault of this kind needs `ms`",
        ),
        (
            "fault",
            json!({ "endpoint": "refresh", "kind": "explode" }),
            "unknown variant `explode`",
        ),
        (
            "fault",
            json!({ "endpoint": "*", "kind": "garbage", "tims": 1 }),
            "unknown field `tims`",
        ),
        (
            "fault",
            json!({ "endpoint": "*", "kind": "garbage", "times": 0 }),
            "`times` must be at least 1",
        ),
        (
            "fault",
            json!({ "endpoint": "*", "kind": "api_error", "error": "X" }),
            "one of AUTHENTICATION, PERMISSION",
        ),
        (
            "fault",
            json!({ "endpoint": "user", "kind": "reset_before", "commit": true }),
            "use `reset_after`",
        ),
        ("config", json!({ "grace": 1 }), "unknown field `grace`"),
        (
            "grants",
            json!({ "vehicles": ["x"] }),
            "`vehicles` names x, which is not configured",
        ),
        ("clock", json!({}), "missing field `advanceMs`"),
    ];
    for (path, body, message) in cases {
        let reply = simulator
            .request("POST", &format!("/_control/{path}"), &[], &body.to_string())
            .await;
        assert_eq!(reply.status, 400, "{body}");
        assert!(
            reply.json()["error"].as_str().unwrap().contains(message),
            "{}",
            reply.text()
        );
    }
    assert_eq!(simulator.get("/_control/nothing").await.status, 404);
    assert_eq!(
        simulator.get("/_control/healthz").await.json(),
        json!({ "status": "ok" })
    );
}
