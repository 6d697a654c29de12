//! What fits nowhere else: `management_and_misc`.

use serde_json::Value;
use smartcar_connect::{
    api::ApiRequest,
    connect::{AuthorizationCode, Origin, RedirectUri, VehicleId},
    token::{Client, ClientAuthMethod, ClientId, ClientSecret, TokenRequest},
};

use crate::{Ran, Section, id};

const MANAGEMENT: &str = "about the management API of version 2, which is never asked: a grant of version 2 is known by its own \
                          tokens, and the list of version 3 is asked with the application's";

pub(crate) const SECTIONS: &[Section] = &[Section {
    name: "management_and_misc",
    run,
    not_applicable: &[
        ("mgmt-basic", MANAGEMENT),
        ("mgmt-connections", MANAGEMENT),
        ("mgmt-connections-all-filters", MANAGEMENT),
        ("mgmt-delete-neither", MANAGEMENT),
        (
            "meta-bad-dates",
            "these headers are handed on as they came, and nothing here reads a date in them",
        ),
    ],
}];

fn run(case: &Value) -> Ran {
    match id(case) {
        "basic-auth" => basic_auth(case),
        "api-get-vehicle-v3" => vehicle_of_v3(case),
        other => panic!("no check of {other}"),
    }
}

fn vehicle_of_v3(case: &Value) -> Ran {
    let (expected, wanted) = (&case["expect_request"], VehicleId::parse("vehicleId123").unwrap());
    let request = ApiRequest::vehicle_v3(&Origin::vehicle(), &wanted);
    assert_eq!(Some(request.method.as_str()), expected["method"].as_str());
    let url = expected["url"].as_str().and_then(|url| url.strip_suffix('/'));
    assert_eq!(Some(request.url.as_str()), url);
    Ran::Substituted("without the slash that the SDK ends every address with")
}

fn basic_auth(case: &Value) -> Ran {
    let [client_id, secret] = [0, 1].map(|at| case["input"][at].as_str().unwrap().to_owned());
    let method = ClientAuthMethod::ClientSecretBasic;
    let client = Client::new(
        ClientId::new(client_id),
        ClientSecret::new(secret),
        method,
        &Origin::auth(),
    );
    let request = client.request(&TokenRequest::AuthorizationCode {
        code: AuthorizationCode::new("code".to_owned()),
        redirect_uri: RedirectUri::parse("https://example.com/callback").unwrap(),
    });
    let authorization = request.headers.iter().find(|(name, _)| *name == "authorization");
    assert_eq!(authorization.map(|(_, value)| value.as_str()), case["expect"].as_str());
    Ran::AsGiven
}
