//! Vehicles and their signals.

use super::*;

/// Everything that signals need.
fn all_cars() -> Value {
    json!({ "scopes": [
        "read_vehicle_info", "read_odometer", "read_battery", "read_charge", "read_security", "read_climate",
        "read_location", "read_vin",
    ] })
}

fn find<'a>(list: &'a Value, code: &str) -> &'a Value {
    let data = list["data"].as_array().unwrap();
    data.iter().find(|one| one["id"] == code).expect(code)
}

#[tokio::test]
async fn a_vehicle_is_there_for_the_application() {
    let simulator = Simulator::start().await;
    let owner = simulator.connected(json!({ "vehicles": [ID_4] })).await;
    let reply = owner.get_for_all(&simulator, &format!("/vehicles/{ID_4}")).await;
    let attributes = json!({
        "make": "VOLKSWAGEN", "model": "ID.4", "year": 2021, "powertrainType": "BEV", "mode": "live",
    });
    let links = json!({ "self": format!("/vehicles/{ID_4}") });
    assert_eq!(
        reply.json(),
        json!({ "data": { "id": ID_4, "type": "vehicle", "attributes": attributes, "links": links } })
    );
    // One that nobody has connected, and one that there is not.
    for id in [MODEL_3, "nothing"] {
        let reply = owner.get_for_all(&simulator, &format!("/vehicles/{id}")).await;
        let error = assert_error(&reply, 404, "RESOURCE_NOT_FOUND", "VEHICLE_NOT_FOUND");
        assert_eq!(error["detail"], format!("Vehicle with ID {id} not found"));
    }
}

#[tokio::test]
async fn signals_need_the_user_and_are_only_their_own() {
    let simulator = Simulator::start().await;
    let owner = simulator.connected(json!({ "vehicles": [ID_4] })).await;
    let other = json!({ "vehicles": [MODEL_3], "user": "somebody@else.test" });
    let other = simulator.connected(other).await;
    for path in [
        format!("/vehicles/{ID_4}/signals"),
        format!("/vehicles/{ID_4}/signals/odometer-traveleddistance"),
    ] {
        let missing = owner.get_for_all(&simulator, &path).await;
        let error = assert_error(&missing, 400, "VALIDATION", "MISSING_PARAMETER");
        assert_eq!(error["detail"], "missing userId");
        let foreign = other.get(&simulator, &path).await;
        assert_error(&foreign, 404, "RESOURCE_NOT_FOUND", "VEHICLE_NOT_FOUND");
        assert_eq!(owner.get(&simulator, &path).await.status, 200);
    }
}

#[tokio::test]
async fn a_list_holds_successes_and_errors() {
    let simulator = Simulator::start().await;
    let owner = simulator.connected(all_cars()).await;
    let reply = owner.get(&simulator, &format!("/vehicles/{ID_4}/signals")).await;
    for name in ["sc-request-id", "sc-data-age", "sc-fetched-at"] {
        assert!(reply.header(name).is_some(), "{name}");
    }
    assert_eq!(reply.header("sc-unit-system"), Some("metric"));
    let list = reply.json();
    let count = list["data"].as_array().unwrap().len();
    assert_eq!(
        list["meta"],
        json!({ "totalCount": count, "pageSize": count, "pageNumber": 1 })
    );
    assert_eq!(
        list["included"]["vehicle"]["attributes"],
        json!({ "make": "VOLKSWAGEN", "model": "ID.4", "year": 2021 })
    );
    let charge = find(&list, "tractionbattery-stateofcharge");
    assert_eq!(charge["type"], "signal");
    assert_eq!(
        charge["attributes"],
        json!({
            "code": "tractionbattery-stateofcharge", "name": "StateOfCharge", "group": "TractionBattery",
            "status": { "value": "SUCCESS" }, "body": { "value": 64, "unit": "percent" },
        })
    );
    for name in ["ingestedAt", "retrievedAt", "oemUpdatedAt"] {
        assert!(charge["meta"][name].as_str().unwrap().ends_with('Z'), "{name}");
    }
    let wattage = &find(&list, "charge-wattage")["attributes"];
    assert_eq!(wattage["status"]["value"], "ERROR");
    assert_eq!(wattage["status"]["error"]["code"], "NOT_CHARGING");
    assert_eq!(
        wattage["status"]["error"]["resolution"],
        json!({ "type": "UNKNOWN_RESOLUTION_TYPE" })
    );
    assert_eq!(wattage["body"], json!({ "value": null, "unit": "watt" }));
    let sunroof = find(&list, "closure-sunroof");
    assert_eq!(sunroof["attributes"]["status"]["error"]["type"], "COMPATIBILITY");
    assert!(sunroof["attributes"].get("body").is_none());
    let times: Vec<&String> = sunroof["meta"].as_object().unwrap().keys().collect();
    assert_eq!(times, ["ingestedAt"]);
}

#[tokio::test]
async fn units_are_those_that_were_asked_for() {
    let simulator = Simulator::start().await;
    let owner = simulator.connected(all_cars()).await;
    let bearer = format!("Bearer {}", owner.token);
    for (system, unit, distance, warmth) in [
        ("metric", "km", 42_911.0, 21.0),
        ("imperial", "miles", 42_911.0 / 1.609_344, 69.8),
    ] {
        let headers = [
            ("authorization", bearer.as_str()),
            ("sc-user-id", owner.user.as_str()),
            ("sc-unit-system", system),
        ];
        let reply = simulator
            .v3("GET", &format!("/vehicles/{ID_4}/signals"), &headers, "")
            .await;
        assert_eq!(reply.header("sc-unit-system"), Some(system));
        let list = reply.json();
        let odometer = &find(&list, "odometer-traveleddistance")["attributes"]["body"];
        assert_eq!(
            (&odometer["unit"], odometer["value"].as_f64()),
            (&json!(unit), Some(distance))
        );
        let cabin = &find(&list, "climate-internaltemperature")["attributes"]["body"]["value"];
        assert!((cabin.as_f64().unwrap() - warmth).abs() < 0.01, "{cabin}");
    }
}

#[tokio::test]
async fn a_single_signal_comes_in_data_or_bare() {
    let simulator = Simulator::start().await;
    let owner = simulator.connected(all_cars()).await;
    let list = format!("/vehicles/{ID_4}/signals");
    let path = format!("{list}/closure-islocked");
    let single = owner.get(&simulator, &path).await.json();
    assert_eq!(single["data"]["attributes"]["body"], json!({ "value": true }));
    simulator.set_v3(json!({ "signalInData": false })).await;
    let bare = owner.get(&simulator, &path).await.json();
    assert_eq!(bare["attributes"], single["data"]["attributes"]);
    let unknown = owner.get(&simulator, &format!("{list}/charge-nothing")).await;
    let error = assert_error(&unknown, 404, "RESOURCE_NOT_FOUND", "SIGNAL_NOT_FOUND");
    assert!(error["detail"].as_str().unwrap().contains(ID_4));
}

#[tokio::test]
async fn a_list_may_hold_less_than_it_counts() {
    let simulator = Simulator::start().await;
    let owner = simulator.connected(all_cars()).await;
    simulator.set_v3(json!({ "signalsPageSize": 2 })).await;
    let list = owner.get(&simulator, &format!("/vehicles/{ID_4}/signals")).await.json();
    assert_eq!(list["data"].as_array().unwrap().len(), 2);
    assert!(list["meta"]["totalCount"].as_u64().unwrap() > 2);
}

#[tokio::test]
async fn an_empty_store_is_a_success() {
    let simulator = Simulator::start().await;
    let owner = simulator.connected(all_cars()).await;
    let empty = json!({ "noSignals": true });
    simulator.control("POST", &format!("vehicles/{ID_4}"), &empty).await;
    let list = owner.get(&simulator, &format!("/vehicles/{ID_4}/signals")).await;
    assert_eq!(list.status, 200);
    assert_eq!(
        (&list.json()["data"], &list.json()["meta"]["totalCount"]),
        (&json!([]), &json!(0))
    );
    let path = format!("/vehicles/{ID_4}/signals/closure-islocked");
    assert_error(
        &owner.get(&simulator, &path).await,
        404,
        "RESOURCE_NOT_FOUND",
        "SIGNAL_NOT_FOUND",
    );
}

#[tokio::test]
async fn a_fresh_connection_may_not_be_found_yet() {
    let simulator = Simulator::start().await;
    simulator.set_v3(json!({ "provisioningS": 30 })).await;
    let owner = simulator.connected(all_cars()).await;
    let path = format!("/vehicles/{ID_4}/signals");
    let reply = owner.get(&simulator, &path).await;
    assert_error(&reply, 404, "RESOURCE_NOT_FOUND", "VEHICLE_NOT_FOUND");
    assert_eq!(
        owner.get(&simulator, "/connections").await.json()["meta"]["totalCount"],
        3
    );
    simulator.advance(30_000).await;
    assert_eq!(owner.get(&simulator, &path).await.status, 200);
}

#[tokio::test]
async fn a_missing_permission_is_an_error_of_the_signal_or_of_the_request() {
    let simulator = Simulator::start().await;
    let owner = simulator.connected(json!({ "scopes": ["read_odometer"] })).await;
    let path = format!("/vehicles/{ID_4}/signals");
    let list = owner.get(&simulator, &path).await.json();
    let odometer = &find(&list, "odometer-traveleddistance")["attributes"];
    assert_eq!(odometer["status"], json!({ "value": "SUCCESS" }));
    let vin = &find(&list, "vehicleidentification-vin")["attributes"];
    assert_eq!(
        (&vin["status"]["error"]["type"], &vin["status"]["error"]["code"]),
        (&json!("PERMISSION"), &json!(null))
    );
    assert!(vin.get("body").is_none());
    simulator.set_v3(json!({ "missingPermissionIsForbidden": true })).await;
    let reply = owner
        .get(&simulator, &format!("{path}/vehicleidentification-vin"))
        .await;
    assert_error(&reply, 403, "AUTHENTICATION", "ACCESS_DENIED");
}

#[tokio::test]
async fn errors_from_before_a_consent_stay_for_a_while() {
    let simulator = Simulator::start().await;
    let owner = simulator.connected(json!({ "scopes": ["read_odometer"] })).await;
    let path = format!("/vehicles/{ID_4}/signals/odometer-traveleddistance");
    let entry = async || owner.get(&simulator, &path).await.json()["data"].clone();
    let at = |entry: &Value| entry["meta"]["ingestedAt"].as_str().unwrap().to_owned();
    let vehicle = format!("vehicles/{ID_4}");
    simulator
        .control("POST", &vehicle, &json!({ "needsReauthentication": true }))
        .await;
    let lost = entry().await;
    let error = &lost["attributes"]["status"]["error"];
    assert_eq!(error["code"], "AUTHENTICATION_FAILED");
    let url = error["resolution"]["url"].as_str().unwrap();
    assert!(url.ends_with(&format!("vehicle_id={ID_4}")), "{url}");
    // The value beside it is an old one.
    assert_eq!(lost["attributes"]["body"]["unit"], "km");
    simulator.set_v3(json!({ "resolutionUrl": false })).await;
    let error = entry().await["attributes"]["status"]["error"].clone();
    assert_eq!(error["resolution"], json!({ "type": "REAUTHENTICATE" }));

    simulator.advance(HOUR_MS / 2).await;
    let consent = simulator.connected(json!({ "scopes": ["read_odometer"] })).await;
    let list = consent.get(&simulator, "/connections").await.json();
    let created = list["data"][0]["meta"]["createdAt"].as_str().unwrap().to_owned();
    let stale = entry().await;
    assert_eq!(stale["attributes"]["status"]["error"]["code"], "AUTHENTICATION_FAILED");
    assert_eq!(at(&stale), at(&lost));
    assert!(at(&stale) < created, "{created}");
    simulator.advance(60_000).await;
    let fresh = entry().await;
    assert_eq!(fresh["attributes"]["status"], json!({ "value": "SUCCESS" }));
    assert!(at(&fresh) > created);
}
