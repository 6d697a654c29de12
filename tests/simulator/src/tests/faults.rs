//! Each kind of fault, as a client sees it.

use std::time::{Duration, Instant};

use serde_json::json;

use super::*;
use crate::deliver::OVERSIZE;

/// A simulator with a fault on `refresh`, and a refresh token.
async fn faulty(fault: Value) -> (Simulator, String) {
    let simulator = Simulator::start().await;
    let token = simulator.pair().await.refresh;
    let mut fault = fault;
    fault["endpoint"] = json!("refresh");
    simulator.fault(fault).await;
    (simulator, token)
}

async fn committed(simulator: &Simulator) -> u64 {
    simulator.counts().await["refreshCommitted"].as_u64().unwrap()
}

#[tokio::test]
async fn resets_before_and_after_the_commit() {
    for (kind, commits) in [("reset_before", 0), ("reset_after", 1)] {
        let (simulator, token) = faulty(json!({ "kind": kind })).await;
        assert_eq!(
            simulator.try_refresh(&token).await.unwrap_err(),
            Failure::Reset,
            "{kind}"
        );
        assert_eq!(committed(&simulator).await, commits, "{kind}");
        let recorded = simulator.last_request().await;
        assert_eq!((&recorded["status"], &recorded["fault"]), (&json!(null), &json!(kind)));
        // Once is the default, and the token is still in its grace.
        assert_eq!(simulator.refresh(&token).await.status, 200);
    }
}

/// Until the refresh has come.
async fn refresh_has_come(simulator: &Simulator) {
    while simulator.last_request().await["endpoint"] != json!("refresh") {}
}

#[tokio::test]
async fn closes_without_an_answer() {
    for commit in [false, true] {
        let (simulator, token) = faulty(json!({ "kind": "close", "commit": commit })).await;
        let failure = simulator.try_refresh(&token).await.unwrap_err();
        assert_eq!(failure, Failure::ClosedWithoutAnswer);
        assert_eq!(committed(&simulator).await, u64::from(commit));
    }
}

#[tokio::test]
async fn slow_headers_commit_late_or_early() {
    for commit in [false, true] {
        let (simulator, token) = faulty(json!({ "kind": "slow_headers", "ms": 800, "commit": commit })).await;
        let (reply, early) = tokio::join!(simulator.refresh(&token), async {
            refresh_has_come(&simulator).await;
            committed(&simulator).await
        });
        assert_eq!(early, u64::from(commit), "while the client waits");
        assert_eq!(reply.status, 200);
        assert!(reply.first_byte >= Duration::from_millis(800));
        let next = Pair::of(&reply);
        assert_eq!(simulator.refresh(&next.refresh).await.status, 200);
    }
}

#[tokio::test]
async fn whoever_gives_up_on_slow_headers_has_changed_nothing() {
    let (simulator, token) = faulty(json!({ "kind": "slow_headers", "ms": 2_000 })).await;
    let patience = Duration::from_millis(150);
    assert!(
        tokio::time::timeout(patience, simulator.try_refresh(&token))
            .await
            .is_err()
    );
    tokio::time::sleep(Duration::from_millis(2_200)).await;
    assert_eq!(committed(&simulator).await, 0);
}

#[tokio::test]
async fn slow_body_trickles() {
    let (simulator, token) = faulty(json!({ "kind": "slow_body", "ms": 240 })).await;
    let reply = simulator.refresh(&token).await;
    let trickled = reply.last_byte - reply.first_byte;
    assert!(trickled >= Duration::from_millis(120), "{trickled:?}");
    assert_eq!(reply.announced_length(), Some(reply.body.len()));
    assert_eq!(simulator.refresh(&Pair::of(&reply).refresh).await.status, 200);
}

#[tokio::test]
async fn truncates_messages_and_documents() {
    let (simulator, token) = faulty(json!({ "kind": "truncated" })).await;
    let cut = simulator.refresh(&token).await;
    assert_eq!(cut.status, 200);
    assert!(!cut.body.is_empty());
    assert!(cut.announced_length().unwrap() > cut.body.len());
    assert_eq!(committed(&simulator).await, 0);

    let (simulator, token) = faulty(json!({ "kind": "truncated", "how": "json", "commit": true })).await;
    let cut = simulator.refresh(&token).await;
    assert_eq!(cut.announced_length(), Some(cut.body.len()));
    assert!(serde_json::from_slice::<Value>(&cut.body).is_err());
    assert_eq!(committed(&simulator).await, 1);
}

#[tokio::test]
async fn oversized_is_valid_json_and_one_byte_too_long() {
    let (simulator, token) = faulty(json!({ "kind": "oversized" })).await;
    let reply = simulator.refresh(&token).await;
    assert_eq!(reply.body.len(), OVERSIZE);
    let never_issued = Pair::of(&reply);
    assert_eq!(simulator.refresh(&never_issued.refresh).await.status, 400);
    // It was sent, so it must not turn up anywhere else either.
    let secrets = simulator.control("GET", "secrets", &json!({})).await;
    assert!(
        secrets["secrets"]
            .as_array()
            .unwrap()
            .contains(&json!(never_issued.refresh))
    );
}

#[tokio::test]
async fn any_status_body_and_headers() {
    let fault = json!({
        "kind": "status", "status": 429, "body": { "error": "slow_down" }, "headers": { "Retry-After": "7" }, "times": 2,
    });
    let (simulator, token) = faulty(fault).await;
    for _ in 0..2 {
        let reply = simulator.refresh(&token).await;
        assert_eq!((reply.status, reply.header("retry-after")), (429, Some("7")));
        assert_eq!(reply.json(), json!({ "error": "slow_down" }));
    }
    assert_eq!(committed(&simulator).await, 0);
    assert_eq!(simulator.refresh(&token).await.status, 200);
    let text = json!({ "endpoint": "refresh", "kind": "status", "status": 504, "body": "what", "commit": true });
    simulator.fault(text).await;
    let reply = simulator.refresh(&token).await;
    assert_eq!((reply.status, reply.text().as_str()), (504, "what"));
    assert_eq!(committed(&simulator).await, 2);
}

#[tokio::test]
async fn wrong_types_keep_the_names() {
    let (simulator, token) = faulty(json!({ "kind": "wrong_types" })).await;
    let body = simulator.refresh(&token).await.json();
    assert_eq!(
        body,
        json!({ "access_token": 12_345, "token_type": 12_345, "refresh_token": 12_345, "expires_in": { "seconds": 7200 } })
    );
}

#[tokio::test]
async fn expires_in_is_anything() {
    for value in [json!(-1), json!("7200"), json!(null), json!(1e300), json!([1])] {
        let (simulator, token) = faulty(json!({ "kind": "expires_in", "value": value })).await;
        let reply = simulator.refresh(&token).await;
        assert_eq!(reply.json()["expires_in"], value);
        assert_eq!(
            simulator.refresh(&Pair::of(&reply).refresh).await.status,
            200,
            "committed"
        );
    }
}

#[tokio::test]
async fn redirects() {
    let (simulator, token) = faulty(json!({ "kind": "redirect", "location": "https://elsewhere.test/" })).await;
    let reply = simulator.refresh(&token).await;
    assert_eq!((reply.status, reply.location()), (302, "https://elsewhere.test/"));
    let (simulator, token) = faulty(json!({ "kind": "redirect", "status": 307 })).await;
    let reply = simulator.refresh(&token).await;
    let own = format!("http://{}/redirected", simulator.address);
    assert_eq!((reply.status, reply.location()), (307, own.as_str()));
}

#[tokio::test]
async fn what_is_not_json() {
    let (simulator, token) = faulty(json!({ "kind": "not_json" })).await;
    let reply = simulator.refresh(&token).await;
    assert_eq!(
        (reply.status, reply.header("content-type")),
        (200, Some("text/html; charset=utf-8"))
    );
    let (simulator, token) = faulty(json!({ "kind": "garbage" })).await;
    let reply = simulator.refresh(&token).await;
    assert_eq!(reply.header("content-type"), Some("application/json"));
    assert!(std::str::from_utf8(&reply.body).is_err());
    assert_eq!(committed(&simulator).await, 0);
}

#[tokio::test]
async fn documented_errors_by_name() {
    let simulator = Simulator::start().await;
    let token = simulator.pair().await.access;
    let path = format!("/vehicles/{ID_4}/odometer");
    for (error, status) in [
        ("RATE_LIMIT/VEHICLE", 429),
        ("BILLING/VEHICLE_LIMIT", 430),
        ("CONNECTED_SERVICES_ACCOUNT/AUTHENTICATION_FAILED", 400),
        ("UPSTREAM", 502),
    ] {
        let fault = json!({ "endpoint": "odometer", "kind": "api_error", "error": error });
        simulator.fault(fault).await;
        let reply = simulator.api("GET", &path, &token).await;
        assert_eq!(reply.status, status, "{error}");
        assert_eq!(reply.json()["type"], error.split('/').next().unwrap());
        assert_eq!(reply.header("retry-after").is_some(), status == 429);
    }
}

#[tokio::test]
async fn faults_queue_skip_and_are_cleared() {
    let simulator = Simulator::start().await;
    let token = simulator.pair().await.access;
    let skipping = json!({ "endpoint": "*", "kind": "status", "status": 500, "skip": 1 });
    simulator.fault(skipping).await;
    assert_eq!(simulator.api("GET", "/user", &token).await.status, 200);
    assert_eq!(simulator.api("GET", "/user", &token).await.status, 500);
    assert_eq!(simulator.api("GET", "/user", &token).await.status, 200);
    let lasting = json!({ "endpoint": "user", "kind": "status", "status": 503, "times": null });
    simulator.fault(lasting).await;
    for _ in 0..3 {
        assert_eq!(simulator.api("GET", "/user", &token).await.status, 503);
        assert_eq!(simulator.api("GET", "/vehicles", &token).await.status, 200);
    }
    simulator.control("DELETE", "faults", &json!({})).await;
    assert_eq!(simulator.api("GET", "/user", &token).await.status, 200);
}

#[tokio::test]
async fn a_committed_disconnect_may_go_unanswered() {
    let simulator = Simulator::start().await;
    let token = simulator.pair().await.access;
    simulator
        .fault(json!({ "endpoint": "disconnect", "kind": "reset_after" }))
        .await;
    let path = format!("/v2.0/vehicles/{ID_4}/application");
    let bearer = format!("Bearer {token}");
    let failure = client::exchange(simulator.address, "DELETE", &path, &[("authorization", &bearer)], b"").await;
    assert_eq!(failure.unwrap_err(), Failure::Reset);
    let left = simulator.api("GET", "/vehicles", &token).await.json();
    assert_eq!(left["paging"]["count"], 2);
}

#[tokio::test]
async fn latency_is_on_both_sides_of_the_commit() {
    let simulator = Simulator::start().await;
    let token = simulator.pair().await.refresh;
    simulator.control("POST", "config", &json!({ "latencyMs": 800 })).await;
    let started = Instant::now();
    let (reply, early, late) = tokio::join!(
        simulator.refresh(&token),
        async {
            refresh_has_come(&simulator).await;
            committed(&simulator).await
        },
        async {
            tokio::time::sleep(Duration::from_millis(600)).await;
            committed(&simulator).await
        }
    );
    assert_eq!((reply.status, early, late), (200, 0, 1));
    assert!(started.elapsed() >= Duration::from_millis(800));
}
