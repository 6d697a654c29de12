//! Token requests and their answers: `token_endpoint`.

use std::collections::BTreeMap;

use serde_json::Value;
use smartcar_connect::{
    connect::{AuthorizationCode, Origin, RedirectUri},
    time::{Millis, UnixMillis},
    token::{
        ApplicationClient, Client, ClientAuthMethod, ClientId, ClientSecret, OutgoingRequest, RefreshToken,
        TokenRequest, cycle::OwnerTokens, read_response,
    },
};
use url::form_urlencoded;

use crate::{Ran, Section, id, text};

pub(crate) const SECTIONS: &[Section] = &[Section {
    name: "token_endpoint",
    run,
    not_applicable: &[],
}];

const NOW: UnixMillis = UnixMillis::new(1_790_000_000_000);
const VALID_REDIRECT_URI: &str = "https://example.com/callback";

fn run(case: &Value) -> Ran {
    if case["op"] == "client_credentials" {
        application(case);
        return Ran::AsGiven;
    }
    let expected = &case["expect_request"];
    let ran = request(case, expected);
    if let Some(response) = case.get("response") {
        answer(case, response);
    }
    ran
}

fn request(case: &Value, expected: &Value) -> Ran {
    let input = &case["input"];
    let field = |name: &str| text(input, name).unwrap_or_else(|| panic!("{}: {name}", id(case)));
    let method = match text(expected, "authorization") {
        Some(_) => ClientAuthMethod::ClientSecretBasic,
        None => ClientAuthMethod::ClientSecretPost,
    };
    let client = Client::new(
        ClientId::new(field("client_id").to_owned()),
        ClientSecret::new(field("client_secret").to_owned()),
        method,
        &Origin::auth(),
    );
    let mut ran = Ran::AsGiven;
    let wanted = match case["op"].as_str().unwrap() {
        "exchange_code" => {
            let redirect_uri = RedirectUri::parse(field("redirect_uri")).unwrap_or_else(|_| {
                ran = Ran::Substituted("a redirect URI that is no URI is refused");
                RedirectUri::parse(VALID_REDIRECT_URI).unwrap()
            });
            TokenRequest::AuthorizationCode {
                code: AuthorizationCode::new(field("code").to_owned()),
                redirect_uri,
            }
        }
        "refresh" => TokenRequest::RefreshToken {
            refresh_token: RefreshToken::new(field("refresh_token").to_owned()),
        },
        other => panic!("{}: {other}", id(case)),
    };
    let request = client.request(&wanted);

    assert_eq!(
        request.url.as_str(),
        "https://auth.smartcar.com/oauth/token",
        "{}",
        id(case)
    );
    if let Some(url) = text(expected, "url") {
        assert_eq!(request.url.as_str(), url, "{}", id(case));
    }
    assert_eq!(
        header(&request, "authorization"),
        text(expected, "authorization"),
        "{}",
        id(case)
    );
    let form_type = Some("application/x-www-form-urlencoded");
    assert_eq!(
        header(&request, "content-type"),
        text(expected, "content_type").or(form_type),
        "{}",
        id(case)
    );
    assert!(header(&request, "user-agent").is_some(), "documented as required");
    if let Some(form) = expected["form"].as_object() {
        let mut actual: Vec<(String, String)> = form_urlencoded::parse(request.body.as_bytes()).into_owned().collect();
        let mut wanted: Vec<(String, String)> = form
            .iter()
            .map(|(name, value)| (name.clone(), value.as_str().unwrap().to_owned()))
            .collect();
        actual.sort();
        wanted.sort();
        assert_eq!(actual, wanted, "{}", id(case));
    }
    ran
}

/// The token of a whole application (v3).
fn application(case: &Value) {
    let expected = &case["expect_request"];
    let of_form = |name: &str| text(&expected["form"], name).unwrap().to_owned();
    let client = ApplicationClient::new(
        ClientId::new(of_form("client_id")),
        ClientSecret::new(of_form("client_secret")),
        ClientAuthMethod::ClientSecretPost,
        &Origin::iam(),
    );
    let request = client.request();
    assert_eq!(Some(request.url.as_str()), text(expected, "url"));
    assert_eq!(header(&request, "content-type"), text(expected, "content_type"));
    let form: BTreeMap<String, String> = form_urlencoded::parse(request.body.as_bytes()).into_owned().collect();
    let wanted: BTreeMap<String, String> = serde_json::from_value(expected["form"].clone()).unwrap();
    assert_eq!(form, wanted);
    let body = serde_json::to_vec(&case["response"]["json"]).unwrap();
    let tokens = read_response(200, None, &body, NOW).unwrap();
    assert!(tokens.refresh_token.is_none());
}

fn header<'a>(request: &'a OutgoingRequest, name: &str) -> Option<&'a str> {
    let mut values = request.headers.iter().filter(|(header, _)| *header == name);
    let value = values.next().map(|(_, value)| value.as_str());
    assert!(values.next().is_none(), "{name} is there twice");
    value
}

fn answer(case: &Value, response: &Value) {
    let status = u16::try_from(response["status"].as_u64().unwrap()).unwrap();
    let body = serde_json::to_vec(&response["json"]).unwrap();
    let Ok(mut tokens) = read_response(status, None, &body, NOW) else {
        panic!("{}: refused", id(case))
    };
    let given = &response["json"];
    let lifetime = Millis::from_secs(given["expires_in"].as_u64().unwrap());
    let expect = case.get("expect").unwrap_or(given);
    assert_eq!(tokens.access_expires_at, NOW.after(lifetime), "{}", id(case));
    if let Some(access_token) = text(expect, "access_token") {
        assert_eq!(tokens.access_token.expose(), access_token, "{}", id(case));
    }
    let refresh_token = tokens.refresh_token.take().unwrap();
    if let Some(expected) = text(expect, "refresh_token") {
        assert_eq!(refresh_token.expose(), expected, "{}", id(case));
    }
    if let Some(expected) = text(expect, "refresh_expiry") {
        assert_eq!(expected, "now+60d +-10s");
        let granted = OwnerTokens::granted(tokens, refresh_token, NOW);
        assert_eq!(
            granted.pair.refresh_expires_at,
            NOW.after(Millis::from_days(60)),
            "{}",
            id(case)
        );
    }
}
