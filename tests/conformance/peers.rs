//! Defects measured in other implementations: `peer_defects_as_negative_cases`.

use serde_json::Value;
use smartcar_connect::connect::{
    ApplicationId, AuthorizeUrl, ExternalId, ExternalIdParam, Origin, ReauthenticateUrl, RedirectUri, Scope, State,
    VehicleId,
};
use url::Url;

use crate::{Ran, Section, callbacks, id};

const POPUP: &str =
    "about the origin of a popup's message, and this version listens to none: Connect opens in the same tab";

pub(crate) const SECTIONS: &[Section] = &[Section {
    name: "peer_defects_as_negative_cases",
    run: defect,
    not_applicable: &[("neg-empty-origin", POPUP), ("neg-no-redirect-any-origin", POPUP)],
}];

fn defect(case: &Value) -> Ran {
    match id(case) {
        "neg-secret-in-url" => no_secret_in_a_url(),
        "neg-connect-errors-unmapped" => {
            for error in case["inputs"].as_array().unwrap() {
                let error = error.as_str().unwrap();
                assert_eq!(callbacks::contents(&format!("error={error}")).kind(), error);
            }
        }
        other => panic!("no test for {other}"),
    }
    Ran::AsGiven
}

/// No builder takes a secret, and a secret's parameter can't be had by way of another one's value.
fn no_secret_in_a_url() {
    let state = State::from_random([7; 32]);
    let application_id = ApplicationId::parse("8229df9f-91a0-4ff0-a1ae-a1f38ee24d07").unwrap();
    let redirect_uri = RedirectUri::parse("https://example.com/cb").unwrap();
    let connect = Origin::connect();
    let injected = ExternalId::parse("x&client_secret=y").unwrap();
    let authorize = AuthorizeUrl::new(application_id.clone(), &state)
        .redirect_uri(redirect_uri.clone())
        .external_id(ExternalIdParam::Set(injected.clone()))
        .to_url(&connect)
        .unwrap();
    let vehicle_id = VehicleId::parse("sc4a1b01e5-0497-417c-a30e-6df6ba33ba46").unwrap();
    let reauthenticate = ReauthenticateUrl::new(application_id.clone(), vehicle_id, &state)
        .redirect_uri(redirect_uri.clone())
        .external_id(ExternalIdParam::Set(injected))
        .to_url(&connect)
        .unwrap();
    let tesla = ReauthenticateUrl::tesla(application_id, [Scope::parse("x&client_secret=y").unwrap()]);
    for url in [authorize, reauthenticate, tesla.to_url(&connect).unwrap()] {
        let url = Url::parse(&url).unwrap();
        assert!(url.query_pairs().all(|(name, _)| name != "client_secret"), "{url}");
    }
    let given = "https://connect.smartcar.com/oauth/reauthenticate?vehicle_id=v&client_secret=s";
    let refused = ReauthenticateUrl::from_resolution(&connect, given, &redirect_uri, &state);
    assert_eq!(refused.unwrap_err().code(), "reserved_parameter");
}
