//! No option can inject a parameter: a built URL reads back as exactly what was put in.

use proptest::{option, prelude::*};
use url::{Url, form_urlencoded};

use super::{
    APPLICATION, redirect_uri, state,
    strategy::{hostile, list, parsed},
};
use crate::connect::{
    ApplicationId, ApprovalPrompt, AuthorizeUrl, ConnectOptions, ExternalId, ExternalIdParam, Flag, IdParam, Make,
    Mode, Origin, ReauthenticateResponseType, ReauthenticateUrl, RedirectUri, ResponseType, Scope, SingleSelect, State,
    UserId, VehicleId, Vin,
};

type Pairs = Vec<(String, String)>;

fn assert_reads_back(url: &str, path: &str, mut expected: Pairs) -> Result<(), TestCaseError> {
    // Read twice: by the parser of the whole URL, and from the text alone.
    let parsed = Url::parse(url).unwrap();
    prop_assert_eq!(parsed.as_str(), url);
    let (start, query) = url.split_once('?').unwrap();
    prop_assert_eq!(start, format!("https://connect.smartcar.com{path}"));
    prop_assert!(!query.contains('#') && parsed.fragment().is_none());
    prop_assert!(url.bytes().all(|b| b.is_ascii_graphic()));
    let mut actual: Pairs = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
    actual.sort();
    expected.sort();
    prop_assert_eq!(&actual, &expected);
    actual.dedup_by(|a, b| a.0 == b.0);
    prop_assert_eq!(actual.len(), expected.len(), "each key once");
    Ok(())
}

fn redirect_uris() -> impl Strategy<Value = Option<RedirectUri>> {
    option::of(hostile().prop_filter_map("refused", |text| {
        RedirectUri::parse(&format!("https://app.example.com/{text}")).ok()
    }))
}

fn external_ids() -> impl Strategy<Value = Option<ExternalIdParam>> {
    prop_oneof![
        parsed(ExternalId::parse).prop_map(|id| id.map(ExternalIdParam::Set)),
        Just(Some(ExternalIdParam::Clear)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn authorize(
        (state, redirect_uri, scopes, flags) in (parsed(State::parse), redirect_uris(), list(Scope::parse), list(Flag::parse)),
        (make, user, external_id) in (parsed(Make::parse), parsed(UserId::parse), external_ids()),
        (id_param, none) in (prop::sample::select(vec![IdParam::ClientId, IdParam::ApplicationId]), any::<bool>()),
        prompt in option::of(prop::sample::select(vec![ApprovalPrompt::Auto, ApprovalPrompt::Force])),
        mode in option::of(prop::sample::select(vec![Mode::Live, Mode::Simulated, Mode::Test])),
        select in option::of(prop::sample::select(vec![
            SingleSelect::No, SingleSelect::Yes, SingleSelect::Vin(Vin::parse("5YJ3E1EA7KF317000").unwrap()),
        ])),
        (platform, version) in (hostile(), hostile()),
    ) {
        let application_id = ApplicationId::parse(APPLICATION).unwrap();
        let mut expected = vec![(id_param.as_str(), APPLICATION.to_owned())];
        let mut url = match &state {
            Some(state) => AuthorizeUrl::new(application_id, state),
            None => AuthorizeUrl::without_state(application_id),
        }
        .id_param(id_param);
        expected.extend(state.map(|state| ("state", state.expose().to_owned())));
        let response_type = if none { ResponseType::None } else { ResponseType::Code };
        url = url.response_type(response_type);
        expected.push(("response_type", response_type.as_str().to_owned()));
        if let Some(uri) = redirect_uri {
            expected.push(("redirect_uri", uri.as_str().to_owned()));
            url = url.redirect_uri(uri);
        }
        if !scopes.is_empty() {
            expected.push(("scope", scopes.iter().map(Scope::as_str).collect::<Vec<_>>().join(" ")));
        }
        if !flags.is_empty() {
            expected.push(("flags", flags.iter().map(Flag::as_str).collect::<Vec<_>>().join(" ")));
        }
        let mut options = ConnectOptions { scopes, flags, ..ConnectOptions::default() };
        if let Some(prompt) = prompt {
            expected.push(("approval_prompt", prompt.as_str().to_owned()));
            options.approval_prompt = Some(prompt);
        }
        if let Some(mode) = mode {
            expected.push(("mode", mode.as_str().to_owned()));
            options.mode = Some(mode);
        }
        if let Some(make) = make {
            expected.push(("make", make.as_str().to_owned()));
            options.make = Some(make);
        }
        if let Some(select) = select {
            expected.push(("single_select", (select != SingleSelect::No).to_string()));
            if let SingleSelect::Vin(vin) = &select {
                expected.push(("single_select_vin", vin.as_str().to_owned()));
            }
            options.single_select = Some(select);
        }
        if let Some(user) = user {
            expected.push(("user", user.as_str().to_owned()));
            options.user = Some(user);
        }
        url = url.options(options);
        if let Some(id) = external_id {
            expected.push(("external_id", id.as_str().to_owned()));
            url = url.external_id(id);
        }
        if let Ok(with_sdk) = url.clone().sdk(&platform, &version) {
            expected.extend([("sdk_platform", platform), ("sdk_version", version)]);
            url = with_sdk;
        }
        let expected = expected.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        assert_reads_back(&url.to_url(&Origin::connect()).unwrap(), "/oauth/authorize", expected)?;
    }

    #[test]
    fn reauthenticate(
        (user, external_id, redirect_uri) in (parsed(UserId::parse), external_ids(), redirect_uris()),
        scopes in list(Scope::parse),
    ) {
        let application_id = ApplicationId::parse(APPLICATION).unwrap();
        let vehicle_id = VehicleId::parse("sc4a1b01e5-0497").unwrap();
        let state = state(3);
        let mut shared = vec![("application_id", APPLICATION.to_owned())];
        let mut vehicle = ReauthenticateUrl::new(application_id.clone(), vehicle_id, &state)
            .response_type(ReauthenticateResponseType::None);
        let mut tesla = ReauthenticateUrl::tesla(application_id, scopes.clone());
        if let Some(user) = user {
            shared.push(("user", user.as_str().to_owned()));
            (vehicle, tesla) = (vehicle.user(user.clone()), tesla.user(user));
        }
        if let Some(id) = external_id {
            shared.push(("external_id", id.as_str().to_owned()));
            (vehicle, tesla) = (vehicle.external_id(id.clone()), tesla.external_id(id));
        }
        let with_shared = |pairs: &[(&str, &str)]| {
            let own = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
            own.chain(shared.iter().map(|(name, value)| ((*name).to_owned(), value.clone()))).collect::<Pairs>()
        };
        let mut expected =
            with_shared(&[("response_type", "none"), ("vehicle_id", "sc4a1b01e5-0497"), ("state", state.expose())]);
        if let Some(uri) = redirect_uri {
            expected.push(("redirect_uri".to_owned(), uri.as_str().to_owned()));
            vehicle = vehicle.redirect_uri(uri);
        }
        assert_reads_back(&vehicle.to_url(&Origin::connect()).unwrap(), "/oauth/reauthenticate", expected)?;

        if !scopes.is_empty() {
            let scope = scopes.iter().map(Scope::as_str).collect::<Vec<_>>().join(" ");
            let expected = with_shared(&[("response_type", "vehicle_id"), ("make", "TESLA"), ("scope", &scope)]);
            assert_reads_back(&tesla.to_url(&Origin::connect()).unwrap(), "/oauth/reauthenticate", expected)?;
        }
    }

    #[test]
    fn resolution_url(query in hostile(), start in "[a-z]{0,3}://", host in hostile()) {
        let connect = Origin::connect();
        let (redirect_uri, state) = (redirect_uri(), state(3));
        let complete = |url: &str| ReauthenticateUrl::from_resolution(&connect, url, &redirect_uri, &state);
        let given = format!("https://connect.smartcar.com/oauth/reauthenticate?{query}");
        if let Ok(url) = complete(&given) {
            let given = Url::parse(&given).unwrap();
            let mut expected: Pairs = given.query_pairs().into_owned().collect();
            expected.retain(|(name, _)| name != "state" && name != "redirect_uri");
            expected.push(("redirect_uri".to_owned(), redirect_uri.as_str().to_owned()));
            expected.push(("state".to_owned(), state.expose().to_owned()));
            assert_reads_back(&url, "/oauth/reauthenticate", expected)?;
        }
        for elsewhere in [format!("{start}{host}"), format!("https://connect.smartcar.com{host}")] {
            if let Ok(url) = complete(&elsewhere) {
                prop_assert_eq!(Url::parse(&url).unwrap().origin(), Url::parse("https://connect.smartcar.com").unwrap().origin());
            }
        }
    }
}

#[test]
fn what_a_resolution_url_already_has_is_replaced() {
    let given =
        "https://connect.smartcar.com/oauth/reauthenticate?state=evil&vehicle_id=v&redirect_uri=https://evil.test";
    let url = ReauthenticateUrl::from_resolution(&Origin::connect(), given, &redirect_uri(), &state(3)).unwrap();
    let expected = format!(
        "https://connect.smartcar.com/oauth/reauthenticate?vehicle_id=v&redirect_uri=https%3A%2F%2Fapp.example.com%2Fcars&state={}",
        state(3).expose()
    );
    assert_eq!(url, expected);
}

#[test]
fn bad_resolution_urls_are_refused() {
    for (url, message) in [
        (
            "/oauth/reauthenticate",
            "is not an absolute URL; start it with `https://` and a host",
        ),
        (
            "https://user@connect.smartcar.com/",
            "is not on the Connect origin; redirect only to a URL that Smartcar's own API has given",
        ),
        (
            "https://connect.smartcar.com:444/",
            "is not on the Connect origin; redirect only to a URL that Smartcar's own API has given",
        ),
        (
            "https://connect.smartcar.com/#x",
            "has a fragment; remove the `#` and what follows it",
        ),
        (
            "https://connect.smartcar.com/?vehicle_id=a&vehicle_id=b",
            "has the same query parameter more than once; give it once",
        ),
    ] {
        let refused = ReauthenticateUrl::from_resolution(&Origin::connect(), url, &redirect_uri(), &state(3));
        assert_eq!(refused.unwrap_err().to_string(), message, "{url}");
    }
}
