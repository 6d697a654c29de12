//! Connections and users.

use super::*;

impl Connected {
    /// The ids of the vehicles in a list of connections, in its order.
    async fn vehicles(&self, simulator: &Simulator, query: &str) -> Vec<String> {
        let reply = self.get_for_all(simulator, &format!("/connections{query}")).await;
        assert_eq!(reply.status, 200, "{}", reply.text());
        let body = reply.json();
        let vehicle = |one: &Value| {
            let id = &one["relationships"]["vehicle"]["data"]["id"];
            id.as_str().unwrap().to_owned()
        };
        body["data"].as_array().unwrap().iter().map(vehicle).collect()
    }
}

#[tokio::test]
async fn a_connection_is_as_documented() {
    let simulator = Simulator::start().await;
    let grant = json!({ "vehicles": [ID_4], "scopes": ["read_odometer"], "externalId": "owner-17" });
    let owner = simulator.connected(grant).await;
    let body = owner.get_for_all(&simulator, "/connections").await.json();
    let mut data = body["data"][0].clone();
    let id = data["id"].take();
    let meta = data["meta"].take();
    assert!(meta["createdAt"].as_str().unwrap().ends_with('Z'));
    assert_eq!(meta["createdAt"], meta["updatedAt"]);
    let origin = format!("http://{}/v3", simulator.address);
    let expected = json!({
        "id": null,
        "type": "connection",
        "attributes": {
            "permissions": ["read_odometer"],
            "vehicle": {
                "make": "VOLKSWAGEN", "model": "ID.4", "year": 2021, "mode": "live", "powertrainType": "BEV",
            },
            "user": { "id": owner.user, "externalId": "owner-17" },
        },
        "relationships": {
            "vehicle": {
                "data": { "id": ID_4, "type": "vehicle" },
                "links": { "related": format!("{origin}/vehicles/{ID_4}") },
            },
            "user": { "data": { "id": owner.user, "type": "user" } },
        },
        "meta": null,
        "links": { "self": format!("{origin}/connections/{}", id.as_str().unwrap()) },
    });
    assert_eq!(data, expected);
    let list = json!({
        "pageNumber": 1, "pageSize": 10, "totalCount": 1, "orderBy": "createdAt", "orderDirection": "DESC",
    });
    assert_eq!(body["meta"], list);
    let link = format!("{origin}/connections?page%5Bnumber%5D=1&page%5Bsize%5D=10&filter%5Bvehicle.mode%5D=live");
    let links = json!({ "self": link, "first": link, "last": link, "next": null, "prev": null });
    assert_eq!(body["links"], links);
    let path = format!("/connections/{}", id.as_str().unwrap());
    let one = owner.get_for_all(&simulator, &path).await;
    assert_eq!(one.json(), json!({ "data": body["data"][0] }));
    assert_eq!(one.header("sc-request-id").map(str::len), Some(36));
}

#[tokio::test]
async fn the_user_may_be_in_the_relationships_only() {
    let simulator = Simulator::start().await;
    let owner = simulator.connected(json!({ "externalId": "owner-17" })).await;
    simulator.set_v3(json!({ "userInAttributes": false })).await;
    let body = owner.get_for_all(&simulator, "/connections").await.json();
    assert_eq!(body["data"][0]["attributes"]["user"], json!(null));
    assert_eq!(
        body["data"][0]["relationships"]["user"]["data"]["id"].as_str(),
        Some(owner.user.as_str())
    );
}

#[tokio::test]
async fn the_external_id_may_be_told_nowhere() {
    let simulator = Simulator::start().await;
    let owner = simulator.connected(json!({ "externalId": "owner-17" })).await;
    simulator.set_v3(json!({ "externalIdListed": false })).await;
    let body = owner.get_for_all(&simulator, "/connections").await.json();
    let user = &body["data"][0]["attributes"]["user"];
    assert_eq!(*user, json!({ "id": owner.user }));
}

#[tokio::test]
async fn simulated_cars_are_invisible_unless_they_are_asked_for() {
    let simulator = Simulator::start().await;
    let owner = simulator
        .connected(json!({ "vehicles": [MODEL_3], "mode": "simulated" }))
        .await;
    simulator.connected(json!({ "vehicles": [ID_4] })).await;
    assert_eq!(owner.vehicles(&simulator, "").await, [ID_4]);
    assert_eq!(owner.vehicles(&simulator, "?filter[vehicle.mode]=live").await, [ID_4]);
    let query = "?filter%5Bvehicle.mode%5D=simulated";
    assert_eq!(owner.vehicles(&simulator, query).await, [MODEL_3]);
    let vehicle = owner.get_for_all(&simulator, &format!("/vehicles/{MODEL_3}")).await;
    assert_eq!(vehicle.json()["data"]["attributes"]["mode"], "simulated");
    // A filter by vehicle does not lift the one by mode.
    let query = format!("?filter[vehicleId]={MODEL_3}");
    assert_eq!(owner.vehicles(&simulator, &query).await, [""; 0]);
    let wrong = owner
        .get_for_all(&simulator, "/connections?filter[vehicle.mode]=test")
        .await;
    assert_error(&wrong, 400, "VALIDATION", "BAD_REQUEST");
}

#[tokio::test]
async fn filters_go_together() {
    let simulator = Simulator::start().await;
    let owner = simulator
        .connected(json!({ "vehicles": [ID_4, MODEL_3], "externalId": "one" }))
        .await;
    let other = json!({ "vehicles": [ID_4], "user": "somebody@else.test", "externalId": "two" });
    let other = simulator.connected(other).await;
    assert_eq!(owner.vehicles(&simulator, "").await.len(), 3);
    for (query, count) in [
        (format!("filter[userId]={}", owner.user), 2),
        (format!("filter[vehicleId]={ID_4}"), 2),
        (format!("filter[vehicleId]={ID_4}&filter[userId]={}", other.user), 1),
        ("filter[user.externalId]=two".to_owned(), 1),
        ("filter[user.externalId]=three".to_owned(), 0),
        (format!("filter[user.externalId]=two&filter[userId]={}", owner.user), 0),
    ] {
        let vehicles = owner.vehicles(&simulator, &format!("?{query}")).await;
        assert_eq!(vehicles.len(), count, "{query}");
    }
    // `sc-user-id` is a filter too.
    let mine = owner.get(&simulator, "/connections").await.json();
    assert_eq!(mine["meta"]["totalCount"], 2);
    // It is not in every copy of the documentation; a client must not trust what comes back.
    simulator.set_v3(json!({ "externalIdFilter": false })).await;
    let vehicles = owner.vehicles(&simulator, "?filter[user.externalId]=two").await;
    assert_eq!(vehicles.len(), 3);
}

#[tokio::test]
async fn pages_have_links_and_an_end() {
    let simulator = Simulator::start().await;
    let owner = simulator.connected(json!({})).await;
    let query = |number: u8| format!("?page[number]={number}&page[size]=2");
    let first = owner
        .get_for_all(&simulator, &format!("/connections{}", query(1)))
        .await;
    let first = first.json();
    assert_eq!(
        (&first["meta"]["totalCount"], &first["links"]["prev"]),
        (&json!(3), &json!(null))
    );
    let next = first["links"]["next"].as_str().unwrap();
    assert!(next.contains("page%5Bnumber%5D=2&page%5Bsize%5D=2"), "{next}");
    let path = next.split_once("/v3").unwrap().1;
    let second = owner.get_for_all(&simulator, path).await.json();
    assert_eq!(second["data"].as_array().unwrap().len(), 1);
    assert_eq!(second["links"]["next"], json!(null));
    assert_eq!(second["links"]["prev"], first["links"]["self"]);
    assert_eq!(second["links"]["last"], second["links"]["self"]);
    assert_eq!(owner.vehicles(&simulator, &query(9)).await, [""; 0]);
    assert_eq!(owner.vehicles(&simulator, "?page[size]=100").await.len(), 3);
    for query in [
        "page[size]=101",
        "page[size]=0",
        "page[number]=0",
        "page[number]=x",
        "limit=1",
        "page[size]=1&page[size]=2",
    ] {
        let reply = owner.get_for_all(&simulator, &format!("/connections?{query}")).await;
        assert_error(&reply, 400, "VALIDATION", "BAD_REQUEST");
    }
    simulator.set_v3(json!({ "maxPageSize": 50 })).await;
    let reply = owner.get_for_all(&simulator, "/connections?page[size]=51").await;
    assert_error(&reply, 400, "VALIDATION", "BAD_REQUEST");
}

#[tokio::test]
async fn the_newest_comes_first() {
    let simulator = Simulator::start().await;
    let owner = simulator.connected(json!({ "vehicles": [ID_4] })).await;
    simulator.advance(60_000).await;
    simulator.connected(json!({ "vehicles": [MODEL_Y] })).await;
    simulator.advance(60_000).await;
    simulator.connected(json!({ "vehicles": [MODEL_3] })).await;
    assert_eq!(owner.vehicles(&simulator, "").await, [MODEL_3, MODEL_Y, ID_4]);
}

#[tokio::test]
async fn a_new_consent_changes_the_connection_id_and_nothing_else() {
    let simulator = Simulator::start().await;
    let owner = simulator.connected(json!({ "vehicles": [ID_4] })).await;
    let first = owner.get(&simulator, "/connections").await.json()["data"][0].clone();
    let again = simulator.connected(json!({ "vehicles": [ID_4] })).await;
    assert_eq!(again.user, owner.user);
    let list = owner.get(&simulator, "/connections").await.json();
    assert_eq!(list["meta"]["totalCount"], 1);
    assert_ne!(list["data"][0]["id"], first["id"]);
    assert_eq!(list["data"][0]["relationships"], first["relationships"]);
    let gone = format!("/connections/{}", first["id"].as_str().unwrap());
    let reply = owner.get(&simulator, &gone).await;
    assert_error(&reply, 404, "RESOURCE_NOT_FOUND", "PATH");
}

#[tokio::test]
async fn a_removed_connection_takes_one_car() {
    let simulator = Simulator::start().await;
    let owner = simulator.connected(json!({ "vehicles": [ID_4, MODEL_3] })).await;
    let query = format!("/connections?filter[vehicleId]={ID_4}");
    let id = owner.get(&simulator, &query).await.json()["data"][0]["id"].clone();
    let path = format!("/connections/{}", id.as_str().unwrap());
    let reply = owner.ask(&simulator, "DELETE", &path, "").await;
    assert_eq!((reply.status, reply.text().as_str()), (204, ""));
    let again = owner.ask(&simulator, "DELETE", &path, "").await;
    assert_error(&again, 404, "RESOURCE_NOT_FOUND", "PATH");
    assert_eq!(owner.vehicles(&simulator, "").await, [MODEL_3]);
    let signals = owner.get(&simulator, &format!("/vehicles/{ID_4}/signals")).await;
    assert_error(&signals, 404, "RESOURCE_NOT_FOUND", "VEHICLE_NOT_FOUND");
    let id = owner.get(&simulator, "/connections").await.json()["data"][0]["id"].clone();
    simulator.set_v3(json!({ "removeConnectionStatus": 200 })).await;
    let path = format!("/connections/{}", id.as_str().unwrap());
    assert_eq!(owner.ask(&simulator, "DELETE", &path, "").await.status, 200);
    assert_eq!(owner.vehicles(&simulator, "").await, [""; 0]);
}

#[tokio::test]
async fn a_removed_user_takes_everything() {
    let simulator = Simulator::start().await;
    let owner = simulator.connected(json!({ "externalId": "one" })).await;
    let other = json!({ "user": "somebody@else.test", "vehicles": [ID_4] });
    let other = simulator.connected(other).await;
    let path = format!("/users/{}", owner.user);
    // Another owner's name does not open it.
    let reply = other.ask(&simulator, "DELETE", &path, "").await;
    assert_error(&reply, 404, "RESOURCE_NOT_FOUND", "PATH");
    let reply = owner.ask(&simulator, "DELETE", &path, "").await;
    assert_eq!((reply.status, reply.text().as_str()), (204, ""));
    assert_eq!(other.vehicles(&simulator, "").await, [ID_4]);
    let again = owner.ask(&simulator, "DELETE", &path, "").await;
    assert_error(&again, 404, "RESOURCE_NOT_FOUND", "PATH");
    let back = simulator.connected(json!({})).await;
    let list = back.get(&simulator, "/connections").await.json();
    assert_eq!(list["data"][0]["attributes"]["user"]["externalId"], json!(null));
}
