//! Commands and charge schedules.

use std::time::Duration;

use super::*;

fn controls() -> Value {
    json!({ "scopes": [
        "control_charge", "control_security", "control_navigation", "read_charge", "read_security",
    ] })
}

impl Connected {
    async fn command(&self, simulator: &Simulator, path: &str, body: &str) -> Reply {
        let path = format!("/vehicles/{ID_4}/{path}");
        self.ask(simulator, "POST", &path, body).await
    }
}

#[tokio::test]
async fn commands_change_the_car_for_both_versions() {
    let simulator = Simulator::start().await;
    let owner = simulator.connected(controls()).await;
    for (path, name) in [
        ("charge/start", "charge-start"),
        ("charge/stop", "charge-stop"),
        ("charge-port/open", "charge-port-open"),
        ("charge-port/close", "charge-port-close"),
        ("security/lock", "security-lock"),
        ("security/unlock", "security-unlock"),
    ] {
        let reply = owner.command(&simulator, &format!("commands/{path}"), "").await;
        let body = reply.json();
        assert_eq!(reply.status, 200, "{path}: {body}");
        assert_eq!(body["data"]["type"], "command-execution");
        assert_eq!(
            body["data"]["attributes"],
            json!({ "commandType": name, "status": { "value": "SUCCESS" }, "executionMode": "sync" })
        );
        let with_body = owner
            .command(&simulator, &format!("commands/{path}"), r#"{"a":1}"#)
            .await;
        assert_error(&with_body, 400, "VALIDATION", "INVALID_INPUT_FORMAT");
    }
    let limit = r#"{"data":{"attributes":{"percent":70}}}"#;
    let reply = owner.command(&simulator, "commands/charge/set-limit", limit).await;
    assert_eq!(
        reply.json()["data"]["attributes"]["parameters"],
        json!({ "percent": 70 })
    );
    let there = r#"{"data":{"attributes":{"latitude":52.1,"longitude":4.3}}}"#;
    let reply = owner
        .command(&simulator, "commands/navigation/set-destination", there)
        .await;
    assert_eq!(reply.status, 200);

    let signal = async |code: &str| {
        let path = format!("/vehicles/{ID_4}/signals/{code}");
        owner.get(&simulator, &path).await.json()["data"]["attributes"]["body"].clone()
    };
    assert_eq!(signal("closure-islocked").await["value"], false);
    assert_eq!(signal("charge-chargelimits").await["values"][0]["limit"], 70.0);
    let code = simulator.control("POST", "grants", &controls()).await["code"].clone();
    let pair = Pair::of(&simulator.exchange(code.as_str().unwrap()).await);
    let v2 = simulator
        .api("GET", &format!("/vehicles/{ID_4}/charge/limit"), &pair.access)
        .await;
    assert_eq!(v2.json(), json!({ "limit": 0.7 }));
}

#[tokio::test]
async fn what_a_command_takes_is_checked() {
    let simulator = Simulator::start().await;
    let owner = simulator.connected(controls()).await;
    for attributes in [
        json!({ "percent": 49 }),
        json!({ "percent": 101 }),
        json!({ "percent": 60.5 }),
        json!({ "percent": "60" }),
        json!({ "percent": 60, "more": 1 }),
        json!({}),
    ] {
        let body = json!({ "data": { "attributes": attributes } }).to_string();
        let reply = owner.command(&simulator, "commands/charge/set-limit", &body).await;
        assert_error(&reply, 400, "VALIDATION", "INVALID_INPUT_FORMAT");
    }
    for body in ["", "{", r#"{"percent":60}"#] {
        let reply = owner.command(&simulator, "commands/charge/set-limit", body).await;
        assert_error(&reply, 400, "VALIDATION", "INVALID_INPUT_FORMAT");
    }
    let off = r#"{"data":{"attributes":{"latitude":91,"longitude":4.3}}}"#;
    let reply = owner
        .command(&simulator, "commands/navigation/set-destination", off)
        .await;
    assert_error(&reply, 400, "VALIDATION", "INVALID_INPUT_FORMAT");
    for path in [
        "commands/climate/start",
        "commands/charge",
        "commands/charge/start/now",
        "odometer",
    ] {
        let reply = owner.command(&simulator, path, "").await;
        assert_error(&reply, 404, "RESOURCE_NOT_FOUND", "INVALID_PATH");
    }
}

#[tokio::test]
async fn a_command_needs_its_user_its_permission_and_the_account() {
    let simulator = Simulator::start().await;
    let owner = simulator.connected(json!({ "scopes": ["control_security"] })).await;
    let path = format!("/v3/vehicles/{ID_4}/commands/security/lock");
    let bearer = format!("Bearer {}", owner.token);
    let headers = [("authorization", bearer.as_str())];
    let reply = simulator.request("POST", &path, &headers, "").await;
    assert_error(&reply, 400, "VALIDATION", "MISSING_PARAMETER");
    let reply = owner.command(&simulator, "commands/charge/start", "").await;
    assert_error(&reply, 403, "AUTHENTICATION", "ACCESS_DENIED");
    assert_eq!(
        owner.command(&simulator, "commands/security/lock", "").await.status,
        200
    );
    let lost = json!({ "needsReauthentication": true });
    simulator.control("POST", &format!("vehicles/{ID_4}"), &lost).await;
    let reply = owner.command(&simulator, "commands/security/lock", "").await;
    let error = assert_error(&reply, 400, "CONNECTED_SERVICES_ACCOUNT", "AUTHENTICATION_FAILED");
    assert_eq!(error["resolution"]["type"], "REAUTHENTICATE");
}

#[tokio::test]
async fn schedules_are_set_and_deleted() {
    let simulator = Simulator::start().await;
    let owner = simulator.connected(controls()).await;
    let place = json!({ "latitude": 52.1, "longitude": 4.3 });
    let times = json!({ "startTime": "08:00", "stopTime": "10:00" });
    for (kind, attributes) in [
        (
            "daily",
            json!({ "location": place, "startTime": "08:00", "stopTime": "10:00" }),
        ),
        ("weekly", json!({ "location": place, "days": { "monday": times } })),
        (
            "workweek",
            json!({ "location": place, "weekdays": times, "weekends": times }),
        ),
    ] {
        let path = format!("charge-schedules/{kind}");
        let body = json!({ "data": { "attributes": attributes } }).to_string();
        let reply = owner.command(&simulator, &path, &body).await.json();
        let data = &reply["data"];
        assert_eq!(data["type"], "charge-schedule-execution", "{reply}");
        assert_eq!(
            (&data["attributes"]["action"], &data["attributes"]["scheduleType"]),
            (&json!("create"), &json!(kind))
        );
        let id = data["attributes"]["scheduleId"].as_str().unwrap();
        let link = format!("/vehicles/{ID_4}/charge-schedules/{id}");
        assert_eq!(data["links"]["schedule"], link);
        let deleted = owner.ask(&simulator, "DELETE", &link, "").await;
        assert_eq!(deleted.json()["data"]["attributes"]["action"], "delete");
        let again = owner.ask(&simulator, "DELETE", &link, "").await;
        assert_error(&again, 404, "RESOURCE_NOT_FOUND", "PATH");
        let nowhere = json!({ "data": { "attributes": { "startTime": "08:00" } } }).to_string();
        let reply = owner.command(&simulator, &path, &nowhere).await;
        assert_error(&reply, 400, "VALIDATION", "INVALID_INPUT_FORMAT");
    }
}

#[tokio::test]
async fn a_success_may_be_a_failure_inside() {
    let simulator = Simulator::start().await;
    let owner = simulator.connected(controls()).await;
    let failing = json!({
        "endpoint": "v3_command", "kind": "command_failed", "inside": "errors", "error": "VEHICLE_STATE/IN_MOTION",
    });
    simulator.fault(failing).await;
    let reply = owner.command(&simulator, "commands/security/unlock", "").await;
    assert_eq!(reply.status, 200);
    let body = reply.json();
    assert!(body.get("data").is_none());
    assert_eq!(
        (&body["errors"][0]["status"], &body["errors"][0]["code"]),
        (&json!("409"), &json!("IN_MOTION"))
    );
    simulator
        .fault(json!({ "endpoint": "v3_command", "kind": "command_failed", "inside": "status" }))
        .await;
    let reply = owner.command(&simulator, "commands/security/unlock", "").await;
    let status = reply.json()["data"]["attributes"]["status"].clone();
    assert_eq!(
        (reply.status, &status["value"], &status["error"]["code"]),
        (200, &json!("ERROR"), &json!("UNREACHABLE"))
    );
    let path = format!("/vehicles/{ID_4}/signals/closure-islocked");
    let locked = owner.get(&simulator, &path).await.json();
    assert_eq!(
        locked["data"]["attributes"]["body"]["value"], true,
        "nothing was carried out"
    );
}

#[tokio::test]
async fn a_long_command_is_accepted_and_its_body_streamed() {
    let simulator = Simulator::start().await;
    let owner = simulator.connected(controls()).await;
    for (inside, member) in [(json!(null), "data"), (json!("errors"), "errors")] {
        let fault = json!({ "endpoint": "v3_command", "kind": "streamed", "ms": 1_000, "inside": inside });
        simulator.fault(fault).await;
        let reply = owner.command(&simulator, "commands/security/unlock", "").await;
        assert_eq!((reply.status, reply.announced_length()), (202, None));
        assert!(
            reply.first_byte < Duration::from_millis(1_000),
            "{:?}",
            reply.first_byte
        );
        assert!(reply.last_byte >= Duration::from_millis(1_000), "{:?}", reply.last_byte);
        assert_eq!(reply.header("transfer-encoding"), Some("chunked"));
        let text = reply.text();
        assert!(text.contains(&format!("{{\"{member}\":")), "{text}");
    }
    let path = format!("/vehicles/{ID_4}/signals/closure-islocked");
    let locked = owner.get(&simulator, &path).await.json();
    assert_eq!(
        locked["data"]["attributes"]["body"]["value"], false,
        "the first was carried out"
    );
    let unknown = json!({ "endpoint": "v3_command", "kind": "streamed", "ms": 1, "error": "X" });
    let reply = simulator
        .request("POST", "/_control/fault", &[], &unknown.to_string())
        .await;
    assert_eq!(reply.status, 400);
}
