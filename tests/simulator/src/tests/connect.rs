//! Connect's pages and where they lead.

use serde_json::json;

use super::*;

fn authorize(extra: &[(&str, &str)]) -> String {
    let mut params = vec![
        ("client_id", DEFAULT_CLIENT_ID),
        ("response_type", "code"),
        ("redirect_uri", DEFAULT_REDIRECT_URI),
        ("state", "s&t +/?"),
    ];
    for (name, value) in extra {
        params.retain(|(known, _)| known != name);
        params.push((name, value));
    }
    format!("/oauth/authorize?{}", encode(&params))
}

/// The parameters of a redirect to the application.
pub(super) fn returned(reply: &Reply) -> Vec<(String, String)> {
    let location = reply.location();
    assert_eq!(reply.status, 303);
    assert!(location.starts_with("http://localhost:8787/?"), "{location}");
    assert!(!location.contains('+'), "spaces are %20: {location}");
    url::Url::parse(location).unwrap().query_pairs().into_owned().collect()
}

pub(super) fn value(params: &[(String, String)], name: &str) -> Option<String> {
    params
        .iter()
        .find(|(key, _)| key == name)
        .map(|(_, value)| value.clone())
}

impl Simulator {
    pub(super) async fn submit(&self, path: &str, fields: &[(&str, &str)]) -> Reply {
        let headers = [("content-type", "application/x-www-form-urlencoded")];
        self.request("POST", path, &headers, &encode(fields)).await
    }

    /// Goes to the consent page; gives its path.
    pub(super) async fn consent(&self, extra: &[(&str, &str)]) -> String {
        let mut step = self.get(&authorize(extra)).await.location().to_owned();
        if step.ends_with("/brand") {
            assert_eq!(self.get(&step).await.status, 200);
            step = self.submit(&step, &[("make", "TESLA")]).await.location().to_owned();
        }
        assert_eq!(self.get(&step).await.status, 200);
        let login = [("email", "Owner@Example.com"), ("password", "anything")];
        self.submit(&step, &login).await.location().to_owned()
    }
}

#[tokio::test]
async fn consent_leads_back_with_a_code() {
    let simulator = Simulator::start().await;
    let path = simulator.consent(&[("external_id", "me")]).await;
    let page = simulator.get(&path).await.text();
    for text in ["Tesla Model 3 2019", "Tesla Model Y 2023", "read_odometer", "Simulator"] {
        assert!(page.contains(text), "{text}");
    }
    assert!(!page.contains("ID.4"));
    let fields = [
        ("decision", "allow"),
        ("vehicle", MODEL_Y),
        ("scope", "read_vehicle_info"),
    ];
    let params = returned(&simulator.submit(&path, &fields).await);
    assert_eq!(value(&params, "state").as_deref(), Some("s&t +/?"));
    assert_eq!(value(&params, "external_id").as_deref(), Some("me"));
    assert_eq!(params.len(), 4);
    let pair = Pair::of(&simulator.exchange(&value(&params, "code").unwrap()).await);
    let list = simulator.api("GET", "/vehicles", &pair.access).await.json();
    assert_eq!(list["vehicles"], json!([MODEL_Y]));
    let user = simulator.api("GET", "/user", &pair.access).await.json();
    assert_eq!(user["id"].as_str(), value(&params, "user_id").as_deref());
    // What was not ticked was not granted; and a visit ends once.
    let odometer = simulator
        .api("GET", &format!("/vehicles/{MODEL_Y}/odometer"), &pair.access)
        .await;
    assert_eq!(odometer.status, 403);
    assert_eq!(simulator.submit(&path, &fields).await.status, 410);
}

#[tokio::test]
async fn required_permissions_are_granted_whatever_the_form_says() {
    let simulator = Simulator::start().await;
    let scope = ("scope", "required:read_odometer read_vin");
    let path = simulator.consent(&[scope]).await;
    let page = simulator.get(&path).await.text();
    assert!(page.contains("value=\"read_odometer\" checked disabled"));
    assert!(page.contains("value=\"read_vin\" checked>"));
    let fields = [("decision", "allow"), ("vehicle", MODEL_3), ("scope", "control_trunk")];
    let params = returned(&simulator.submit(&path, &fields).await);
    let pair = Pair::of(&simulator.exchange(&value(&params, "code").unwrap()).await);
    let path = format!("/vehicles/{MODEL_3}/permissions");
    let granted = simulator.api("GET", &path, &pair.access).await.json();
    assert_eq!(granted["permissions"], json!(["read_odometer"]));
}

#[tokio::test]
async fn every_other_outcome_can_be_had() {
    let simulator = Simulator::start().await;
    let deny = simulator.consent(&[]).await;
    let params = returned(&simulator.submit(&deny, &[("decision", "deny")]).await);
    let description = "User denied access to the requested scope of permissions.";
    assert_eq!(value(&params, "error").as_deref(), Some("access_denied"));
    assert_eq!(value(&params, "error_description").as_deref(), Some(description));
    assert_eq!(value(&params, "state").as_deref(), Some("s&t +/?"));
    assert_eq!(params.len(), 3);

    let cases = [
        ("access_denied", "access_denied", 3),
        ("vehicle_incompatible", "vehicle_incompatible", 7),
        ("vehicle_incompatible_unnamed", "vehicle_incompatible", 3),
        ("invalid_subscription", "invalid_subscription", 3),
        ("no_vehicles", "no_vehicles", 3),
        ("configuration_error", "configuration_error", 5),
        ("server_error", "server_error", 3),
        ("oem_cancelled_login", "oem_cancelled_login", 3),
        ("oem_cancelled_login_as_published", "oem_cancelled_login", 3),
        (
            "user_manually_returned_to_application",
            "user_manually_returned_to_application",
            3,
        ),
        ("user_cancelled", "user_cancelled", 3),
        ("unknown", "something_new", 3),
    ];
    let page = simulator.get(&simulator.consent(&[]).await).await.text();
    assert_eq!(page.matches("<option").count(), cases.len());
    for (outcome, error, count) in cases {
        let path = simulator.consent(&[]).await;
        let fields = [("decision", "simulate"), ("outcome", outcome)];
        let params = returned(&simulator.submit(&path, &fields).await);
        assert_eq!(value(&params, "error").as_deref(), Some(error), "{outcome}");
        assert_eq!(params.len(), count, "{outcome}: {params:?}");
    }
    let path = simulator.consent(&[]).await;
    let fields = [("decision", "simulate"), ("outcome", "vehicle_incompatible")];
    let params = returned(&simulator.submit(&path, &fields).await);
    assert_eq!(value(&params, "vin").as_deref(), Some("5YJ3E1EA2KF317000"));
    assert_eq!(value(&params, "year").as_deref(), Some("2019"));
}

#[tokio::test]
async fn leaving_and_empty_accounts() {
    let simulator = Simulator::start().await;
    let brand = simulator.get(&authorize(&[])).await.location().to_owned();
    let leave = brand.replace("/brand", "/leave");
    let params = returned(&simulator.submit(&leave, &[]).await);
    assert_eq!(
        value(&params, "error").as_deref(),
        Some("user_manually_returned_to_application")
    );
    let login = simulator
        .get(&authorize(&[("make", "KIA")]))
        .await
        .location()
        .to_owned();
    assert!(login.ends_with("/login"), "`make` skips the brands");
    let reply = simulator.submit(&login, &[("email", "a@b.c"), ("password", "x")]).await;
    assert_eq!(value(&returned(&reply), "error").as_deref(), Some("no_vehicles"));
    let login = simulator
        .get(&authorize(&[("make", "TESLA")]))
        .await
        .location()
        .to_owned();
    assert_eq!(simulator.submit(&login, &[("email", "a@b.c")]).await.status, 422);
    let consent = login.replace("/login", "/consent");
    assert_eq!(simulator.get(&consent).await.location(), login);
}

#[tokio::test]
async fn single_select_limits_the_choice() {
    let simulator = Simulator::start().await;
    let path = simulator.consent(&[("single_select", "true")]).await;
    assert!(simulator.get(&path).await.text().contains("type=\"radio\""));
    let two = [("decision", "allow"), ("vehicle", MODEL_3), ("vehicle", MODEL_Y)];
    assert_eq!(simulator.submit(&path, &two).await.status, 422);
    assert_eq!(simulator.submit(&path, &two[..1]).await.status, 422);
    let one = simulator.submit(&path, &two[..2]).await;
    assert!(value(&returned(&one), "code").is_some());

    let vin = [
        ("single_select", "true"),
        ("single_select_vin", "WVGZZZE2ZMP012345"),
        ("make", "TESLA"),
    ];
    let page = simulator.get(&simulator.consent(&vin).await).await.text();
    assert!(
        page.contains("ID.4") && !page.contains("Model 3"),
        "the VIN wins over the make"
    );
}

#[tokio::test]
async fn without_code_the_user_id_comes_alone() {
    let simulator = Simulator::start().await;
    let path = simulator
        .consent(&[("response_type", "none"), ("external_id", "null")])
        .await;
    let params = returned(
        &simulator
            .submit(&path, &[("decision", "allow"), ("vehicle", MODEL_3)])
            .await,
    );
    let names: Vec<&str> = params.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["user_id", "state"]);
}

#[tokio::test]
async fn what_cannot_be_trusted_is_not_redirected_to() {
    let simulator = Simulator::start().await;
    let cases = [
        (&[("redirect_uri", "http://localhost:8787")][..], "is not registered"),
        (&[("redirect_uri", "https://evil.test/")], "is not registered"),
        (&[("client_id", "client_123")], "Invalid parameter client_id"),
        (&[("client_id", "")], "Invalid parameter client_id"),
        (&[("application_id", "other")], "Invalid parameter client_id"),
        (&[("response_type", "token")], "Invalid parameter response_type"),
        (&[("mode", "fast")], "Invalid parameter mode"),
        (
            &[("single_select_vin", "WVGZZZE2ZMP012345")],
            "needs single_select=true",
        ),
    ];
    for (extra, message) in cases {
        let reply = simulator.get(&authorize(extra)).await;
        assert_eq!((reply.status, reply.header("location")), (400, None), "{extra:?}");
        assert!(reply.text().contains(message), "{extra:?}: {}", reply.text());
    }
    let repeated = simulator.get(&format!("{}&state=b", authorize(&[]))).await;
    assert!(repeated.text().contains("Repeated parameter state"));
    // The other name of the id, and a redirect URI left out because only one is registered.
    let query = format!("application_id={DEFAULT_CLIENT_ID}&response_type=code");
    assert_eq!(simulator.get(&format!("/oauth/authorize?{query}")).await.status, 303);
}

#[tokio::test]
async fn everything_reflected_is_escaped() {
    let simulator = Simulator::start().await;
    let attack = "\"><script>alert('&')</script>";
    let escaped = "&quot;&gt;&lt;script&gt;alert('&amp;')&lt;/script&gt;";
    let vehicle = json!({ "vin": attack, "make": attack, "model": attack, "year": 2020 });
    let uri = format!("http://localhost:8787/{attack}");
    let config = json!({ "vehicles": [vehicle], "redirectUris": [uri] });
    simulator.control("POST", "config", &config).await;
    let check = |reply: &Reply| {
        let page = reply.text();
        assert!(!page.to_lowercase().contains("<script"), "{page}");
        assert!(page.to_lowercase().contains(escaped), "{page}");
        let policy = reply.header("content-security-policy").unwrap();
        assert!(policy.starts_with("default-src 'none'; style-src 'self';"));
    };
    check(&simulator.get(&authorize(&[("redirect_uri", attack)])).await);
    check(&simulator.get("/").await);
    let known = [
        ("redirect_uri", uri.as_str()),
        ("make", attack),
        ("scope", "x\"><script>alert('&')</script>"),
    ];
    let login = simulator.get(&authorize(&known)).await.location().to_owned();
    check(&simulator.get(&login).await);
    let brand = login.replace("/login", "/brand");
    check(&simulator.get(&brand).await);
    simulator.submit(&login, &[("email", attack), ("password", "x")]).await;
    check(&simulator.get(&login).await);
    check(&simulator.get(&login.replace("/login", "/consent")).await);
}

#[tokio::test]
async fn re_authentication_returns_the_vehicle_and_repairs_it() {
    let simulator = Simulator::start().await;
    let lost = json!({ "needsReauthentication": true });
    simulator.control("POST", &format!("vehicles/{ID_4}"), &lost).await;
    let params = [
        ("response_type", "vehicle_id"),
        ("application_id", DEFAULT_CLIENT_ID),
        ("vehicle_id", ID_4),
        ("redirect_uri", DEFAULT_REDIRECT_URI),
        ("state", "abc"),
    ];
    let start = format!("/oauth/reauthenticate?{}", encode(&params));
    let login = simulator.get(&start).await.location().to_owned();
    let reply = simulator.submit(&login, &[("email", "a@b.c"), ("password", "x")]).await;
    let reply = simulator.submit(reply.location(), &[("decision", "allow")]).await;
    let expected = [("vehicle_id", ID_4), ("state", "abc")].map(|(name, value)| (name.to_owned(), value.to_owned()));
    assert_eq!(returned(&reply), expected);
    let token = simulator.pair().await.access;
    let vehicle = simulator.api("GET", &format!("/vehicles/{ID_4}"), &token).await;
    assert_eq!(vehicle.status, 200);
    let unknown = start.replace(ID_4, "nothing");
    assert_eq!(simulator.get(&unknown).await.status, 400);
}

#[tokio::test]
async fn teslas_form_of_re_authentication_sends_nobody_back() {
    let simulator = Simulator::start().await;
    let params = [
        ("response_type", "vehicle_id"),
        ("application_id", DEFAULT_CLIENT_ID),
        ("make", "TESLA"),
        ("scope", "read_location"),
    ];
    let start = format!("/oauth/reauthenticate?{}", encode(&params));
    let login = simulator.get(&start).await.location().to_owned();
    let reply = simulator.submit(&login, &[("email", "a@b.c"), ("password", "x")]).await;
    let reply = simulator.submit(reply.location(), &[("decision", "allow")]).await;
    assert_eq!(reply.status, 200);
    for (name, value) in [
        ("redirect_uri", DEFAULT_REDIRECT_URI),
        ("state", "abc"),
        ("vehicle_id", ID_4),
    ] {
        let more = format!("{start}&{}", encode(&[(name, value)]));
        assert_eq!(simulator.get(&more).await.status, 400, "{name}");
    }
    for other in [start.replace("TESLA", "BMW"), start.replace("&scope=read_location", "")] {
        assert_eq!(simulator.get(&other).await.status, 400, "{other}");
    }
}
