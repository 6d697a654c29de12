//! One consent, seen by both versions, and what Connect sends back for each.

use super::*;
use crate::tests::connect::{returned, value};

#[tokio::test]
async fn both_versions_know_the_same_owner_and_cars() {
    let simulator = Simulator::start().await;
    let path = simulator.consent(&[("external_id", "me"), ("mode", "simulated")]).await;
    let fields = [("decision", "allow"), ("vehicle", MODEL_Y), ("scope", "read_odometer")];
    let params = returned(&simulator.submit(&path, &fields).await);
    let user = value(&params, "user_id").unwrap();
    assert_eq!(value(&params, "external_id").as_deref(), Some("me"));
    let pair = Pair::of(&simulator.exchange(&value(&params, "code").unwrap()).await);
    let v2_user = simulator.api("GET", "/user", &pair.access).await.json();
    let v2_cars = simulator.api("GET", "/vehicles", &pair.access).await.json();
    let token = simulator.fresh_token().await;
    let owner = Connected { token, user };
    let query = "/connections?filter[vehicle.mode]=simulated";
    let list = owner.get_for_all(&simulator, query).await.json();
    let connection = &list["data"][0];
    assert_eq!(list["meta"]["totalCount"], 1);
    assert_eq!(connection["relationships"]["user"]["data"]["id"], v2_user["id"]);
    assert_eq!(
        connection["relationships"]["vehicle"]["data"]["id"],
        v2_cars["vehicles"][0]
    );
    assert_eq!(connection["attributes"]["permissions"], json!(["read_odometer"]));
    let known = simulator.control("GET", "connections", &json!({})).await;
    assert_eq!(known["connections"][0]["id"], connection["id"]);
    assert_eq!(known["connections"][0]["vehicleId"], MODEL_Y);
    assert_eq!(connection["attributes"]["user"]["externalId"], "me");
}

#[tokio::test]
async fn a_car_taken_from_one_version_is_gone_from_the_other() {
    let simulator = Simulator::start().await;
    let grant = json!({ "vehicles": [ID_4, MODEL_3] });
    let minted = simulator.control("POST", "grants", &grant).await;
    let pair = Pair::of(&simulator.exchange(minted["code"].as_str().unwrap()).await);
    let token = simulator.fresh_token().await;
    let user = minted["userId"].as_str().unwrap().to_owned();
    let owner = Connected { token, user };
    let path = format!("/vehicles/{ID_4}/application");
    assert_eq!(simulator.api("DELETE", &path, &pair.access).await.status, 200);
    let left = owner.get(&simulator, "/connections").await.json();
    assert_eq!(left["meta"]["totalCount"], 1);
    let id = left["data"][0]["id"].as_str().unwrap();
    let path = format!("/connections/{id}");
    assert_eq!(owner.ask(&simulator, "DELETE", &path, "").await.status, 204);
    assert_eq!(simulator.api("GET", "/vehicles", &pair.access).await.status, 401);
    assert_eq!(simulator.refresh(&pair.refresh).await.status, 400);
}

#[tokio::test]
async fn a_removed_user_loses_the_tokens_of_version_2() {
    let simulator = Simulator::start().await;
    let minted = simulator.control("POST", "grants", &json!({})).await;
    let pair = Pair::of(&simulator.exchange(minted["code"].as_str().unwrap()).await);
    let token = simulator.fresh_token().await;
    let user = minted["userId"].as_str().unwrap().to_owned();
    let owner = Connected { token, user };
    let path = format!("/users/{}", owner.user);
    assert_eq!(owner.ask(&simulator, "DELETE", &path, "").await.status, 204);
    assert_eq!(simulator.api("GET", "/vehicles", &pair.access).await.status, 401);
}

#[tokio::test]
async fn the_code_beside_the_user_can_be_left_out() {
    let simulator = Simulator::start().await;
    simulator.set_v3(json!({ "codeInRedirect": false })).await;
    // There is no way back without either, so the user is named whatever the other setting says.
    simulator
        .control("POST", "config", &json!({ "userIdInRedirect": false }))
        .await;
    let path = simulator.consent(&[("external_id", "me")]).await;
    let fields = [("decision", "allow"), ("vehicle", MODEL_3)];
    let params = returned(&simulator.submit(&path, &fields).await);
    let names: Vec<&str> = params.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["user_id", "external_id", "state"]);
    let token = simulator.fresh_token().await;
    let user = value(&params, "user_id").unwrap();
    let owner = Connected { token, user };
    let list = owner.get(&simulator, "/connections").await.json();
    assert_eq!(list["meta"]["totalCount"], 1);
}

#[tokio::test]
async fn a_visit_may_name_the_owner_anew_or_take_the_name_away() {
    let simulator = Simulator::start().await;
    let fields = [("decision", "allow"), ("vehicle", MODEL_3)];
    for (external_id, expected) in [
        (Some("me"), json!("me")),
        (None, json!("me")),
        (Some("you"), json!("you")),
        (Some("null"), json!(null)),
    ] {
        let extra: Vec<(&str, &str)> = external_id.map(|id| ("external_id", id)).into_iter().collect();
        let path = simulator.consent(&extra).await;
        let params = returned(&simulator.submit(&path, &fields).await);
        let token = simulator.fresh_token().await;
        let user = value(&params, "user_id").unwrap();
        let owner = Connected { token, user };
        let list = owner.get(&simulator, "/connections").await.json();
        assert_eq!(list["data"][0]["attributes"]["user"]["externalId"], expected);
    }
}

#[tokio::test]
async fn a_re_authentication_keeps_the_connection() {
    let simulator = Simulator::start().await;
    let user = json!({ "user": "owner@example.com", "vehicles": [ID_4] });
    let owner = simulator.connected(user).await;
    let before = owner.get(&simulator, "/connections").await.json()["data"][0].clone();
    let lost = json!({ "needsReauthentication": true });
    simulator.control("POST", &format!("vehicles/{ID_4}"), &lost).await;
    simulator.advance(10_000).await;
    let params = [
        ("response_type", "vehicle_id"),
        ("application_id", DEFAULT_CLIENT_ID),
        ("vehicle_id", ID_4),
        ("redirect_uri", DEFAULT_REDIRECT_URI),
        ("external_id", "new"),
    ];
    let start = format!("/oauth/reauthenticate?{}", encode(&params));
    let login = simulator.get(&start).await.location().to_owned();
    let who = [("email", "owner@example.com"), ("password", "x")];
    let reply = simulator.submit(&login, &who).await;
    simulator.submit(reply.location(), &[("decision", "allow")]).await;
    let after = owner.get(&simulator, "/connections").await.json()["data"][0].clone();
    assert_eq!(after["id"], before["id"]);
    assert_eq!(after["meta"]["createdAt"], before["meta"]["createdAt"]);
    assert!(after["meta"]["updatedAt"].as_str() > before["meta"]["updatedAt"].as_str());
    assert_eq!(after["attributes"]["user"]["externalId"], "new");
    let signals = format!("/vehicles/{ID_4}/signals/odometer-traveleddistance");
    let status = async || {
        let reply = owner.get(&simulator, &signals).await.json();
        reply["data"]["attributes"]["status"]["value"].clone()
    };
    assert_eq!(status().await, "ERROR", "from before");
    simulator.advance(60_000).await;
    assert_eq!(status().await, "SUCCESS");
}
