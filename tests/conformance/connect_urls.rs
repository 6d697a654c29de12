//! Connect URLs: `connect_url`, `connect_url_reject`, `reauth_url`.

use serde_json::Value;
use smartcar_connect::connect::{
    ApplicationId, ApprovalPrompt, AuthorizeUrl, ConnectOptions, ExternalId, ExternalIdParam, Flag, IdParam,
    InvalidParameter, InvalidValue, Make, Mode, Origin, ReauthenticateUrl, RedirectUri, ResponseType, Scope,
    SingleSelect, State, UserId, Vin,
};
use url::Url;

use crate::{Ran, Section, id, text};

const JUNK: &str =
    "the option's type is closed: there is no way to hand it junk that would be dropped or read as false";

pub(crate) const SECTIONS: &[Section] = &[
    Section {
        name: "connect_url",
        run: authorize,
        not_applicable: &[
            ("js-single-select-only-junk", JUNK),
            ("js-single-select-junk-string", JUNK),
            ("node-single-select-invalid-enabled", JUNK),
        ],
    },
    Section {
        name: "connect_url_reject",
        run: reject,
        not_applicable: &[
            (
                "js-cdn-redirect-needs-callback",
                "about a callback option of the JavaScript SDK, which has no counterpart",
            ),
            (
                "node-missing-secret",
                "a Connect URL takes no secret; the Worker's configuration names a missing one",
            ),
        ],
    },
    Section {
        name: "reauth_url",
        run: reauthenticate,
        not_applicable: &[],
    },
];

/// What stands in the data for a value made up while the SDK's test runs.
const PLACEHOLDERS: &[(&str, &str)] = &[
    ("{APP}", "8229df9f-91a0-4ff0-a1ae-a1f38ee24d07"),
    ("{CID}", "8229df9f-91a0-4ff0-a1ae-a1f38ee24d07"),
    ("{STATE}", "c3RhdGU"),
    ("{VER}", "6.1.0"),
];

const VALID_VIN: &str = "5YJ3E1EA7KF317000";
const VALID_REDIRECT_URI: &str = "https://example.com/callback";

type Pairs = Vec<(String, String)>;

fn authorize(case: &Value) -> Ran {
    let mut case = fill_placeholders(case);
    let ran = substitute_refused(&mut case);
    let sdk = Sdk::of(&case);
    let url = build(&case["input"], sdk).unwrap_or_else(|error| panic!("{}: {error}", id(&case)));
    let expect = &case["expect"];
    let (start, _) = url.as_str().split_once('?').unwrap();
    assert_eq!(start, expect["origin_path"], "{}", id(&case));
    assert!(!url.as_str().contains("client_secret"), "{}", id(&case));

    let mut actual = pairs_of(&Url::parse(&url).unwrap());
    let mut expected = pairs(&expect["query"]);
    match text(&case, "compare").unwrap() {
        // This implementation's state is another than the SDK's: compared are the rest, as the data says.
        "exact_order_after_state_substitution" => {
            assert_eq!(
                actual.iter().filter(|(name, _)| name == "state").count(),
                1,
                "{}",
                id(&case)
            );
            actual.retain(|(name, _)| name != "state");
            assert_same(&case, actual, expected);
        }
        "query_multiset" => assert_same(&case, actual, expected),
        "query_set_dedup" => {
            expected.sort();
            expected.dedup();
            assert_same(&case, actual, expected);
        }
        "query_contains" => {
            for pair in pairs(&expect["query_contains"]) {
                assert!(actual.contains(&pair), "{}: {pair:?} in {url}", id(&case));
            }
            for name in expect
                .get("query_absent")
                .and_then(Value::as_array)
                .into_iter()
                .flatten()
            {
                assert!(
                    actual.iter().all(|(other, _)| other != name.as_str().unwrap()),
                    "{}: {name}",
                    id(&case)
                );
            }
        }
        other => panic!("{}: unknown comparison {other}", id(&case)),
    }
    ran
}

fn assert_same(case: &Value, mut actual: Pairs, mut expected: Pairs) {
    actual.sort();
    expected.sort();
    assert_eq!(actual, expected, "{}", id(case));
}

fn reject(case: &Value) -> Ran {
    let error = build(&case["input"], Sdk::of(case)).expect_err(id(case));
    let (field, code) = match id(case) {
        "js-no-app-id" | "go-empty-client-id" => ("application_id", "empty"),
        "js-bad-mode" | "node-bad-mode" | "java-bad-mode" => ("mode", "unknown_value"),
        "go-empty-redirect" => ("redirect_uri", "empty"),
        other => panic!("no expectation for {other}"),
    };
    assert_eq!((error.field(), error.code()), (field, code), "{}", id(case));
    if code == "unknown_value" {
        assert_eq!(
            error.to_string(),
            "`mode` has a value that is unknown; use `live`, `simulated` or `test`"
        );
    }
    Ran::AsGiven
}

fn reauthenticate(case: &Value) -> Ran {
    let input = &case["input"];
    let given = text(input, "resolution_url").unwrap();
    let redirect_uri = RedirectUri::parse(text(input, "redirect_uri").unwrap()).unwrap();
    let state = State::parse(text(input, "state").unwrap()).unwrap();
    let complete = |origin: &Origin, url: &str| ReauthenticateUrl::from_resolution(origin, url, &redirect_uri, &state);

    let connect = Origin::parse(text(&case["expect"], "must_reject_if_origin_not").unwrap()).unwrap();
    let url = complete(&connect, given).unwrap();
    let mut expected = pairs_of(&Url::parse(given).unwrap());
    for name in case["expect"]["adds"].as_array().unwrap() {
        let name = name.as_str().unwrap();
        expected.push((name.to_owned(), text(input, name).unwrap().to_owned()));
    }
    assert_same(case, pairs_of(&Url::parse(&url).unwrap()), expected);
    for other in [
        "https://connect.smartcar.com.evil.test",
        "http://connect.smartcar.com",
        "https://smartcar.com",
    ] {
        let forged = given.replacen("https://connect.smartcar.com", other, 1);
        assert_eq!(
            complete(&connect, &forged).unwrap_err().code(),
            "other_origin",
            "{forged}"
        );
    }
    Ran::AsGiven
}

/// What an SDK sends where the caller says nothing.
#[derive(Clone, Copy)]
struct Sdk {
    sends_auto: bool,
    sends_live: bool,
    always_sends_state: bool,
}

impl Sdk {
    fn of(case: &Value) -> Self {
        let source = text(case, "source").unwrap();
        let is = |name: &str| source.starts_with(&format!("smartcar/{name}-sdk "));
        Self {
            sends_auto: ["javascript", "node", "python", "go"].into_iter().any(is),
            sends_live: !is("go"),
            always_sends_state: is("javascript"),
        }
    }
}

/// Builds the URL from the options as the data names them.
fn build(input: &Value, sdk: Sdk) -> Result<String, InvalidParameter> {
    let (id_param, id) = match text(input, "client_id") {
        Some(id) => (IdParam::ClientId, id),
        None => (
            IdParam::ApplicationId,
            text(input, "application_id").unwrap_or_default(),
        ),
    };
    let application_id = in_field("application_id", ApplicationId::parse(id))?;
    let given_state = in_field("state", text(input, "state").map(State::parse).transpose())?;
    let state = given_state.or_else(|| sdk.always_sends_state.then(|| State::from_random([7; 32])));
    let mut url = match &state {
        Some(state) => AuthorizeUrl::new(application_id, state),
        None => AuthorizeUrl::without_state(application_id),
    };
    url = url.id_param(id_param);
    let mut options = ConnectOptions::default();
    if let Some(response_type) = text(input, "response_type") {
        url = url.response_type(in_field("response_type", ResponseType::parse(response_type))?);
    }
    if let Some(redirect_uri) = text(input, "redirect_uri") {
        url = url.redirect_uri(in_field("redirect_uri", RedirectUri::parse(redirect_uri))?);
    }
    if let Some(scopes) = input.get("scope").and_then(Value::as_array) {
        let scopes: Result<Vec<_>, _> = scopes
            .iter()
            .map(|scope| Scope::parse(scope.as_str().unwrap()))
            .collect();
        options.scopes = in_field("scope", scopes)?;
    }
    match input.get("force_prompt").and_then(Value::as_bool) {
        Some(true) => options.approval_prompt = Some(ApprovalPrompt::Force),
        _ if sdk.sends_auto => options.approval_prompt = Some(ApprovalPrompt::Auto),
        _ => {}
    }
    match (text(input, "mode"), input.get("test_mode").and_then(Value::as_bool)) {
        (Some(mode), _) => options.mode = Some(in_field("mode", Mode::parse(mode))?),
        (None, Some(true)) => options.mode = Some(Mode::Test),
        (None, _) if sdk.sends_live => options.mode = Some(Mode::Live),
        _ => {}
    }
    if let Some(make) = text(input, "make") {
        options.make = Some(in_field("make", Make::parse(make))?);
    }
    if let Some(choice) = input.get("single_select") {
        options.single_select = Some(match (choice, text(choice, "vin")) {
            (_, Some(vin)) => SingleSelect::Vin(in_field("single_select_vin", Vin::parse(vin))?),
            (Value::Bool(true), None) => SingleSelect::Yes,
            (Value::Bool(false), None) => SingleSelect::No,
            other => panic!("no such single_select: {other:?}"),
        });
    }
    if let Some(flags) = input.get("flags").and_then(Value::as_array) {
        let flags: Result<Vec<_>, _> = flags.iter().map(|flag| Flag::parse(&flag_text(flag))).collect();
        options.flags = in_field("flags", flags)?;
    }
    if let Some(user) = text(input, "user") {
        options.user = Some(in_field("user", UserId::parse(user))?);
    }
    match input.get("external_id") {
        Some(Value::Null) => url = url.external_id(ExternalIdParam::Clear),
        Some(id) => {
            url = url.external_id(ExternalIdParam::Set(in_field(
                "external_id",
                ExternalId::parse(id.as_str().unwrap()),
            )?))
        }
        None => {}
    }
    if let (Some(platform), Some(version)) = (text(input, "sdk_platform"), text(input, "sdk_version")) {
        url = url.sdk(platform, version)?;
    }
    url.options(options).to_url(&Origin::connect())
}

/// The error under the name of the parameter.
fn in_field<T>(field: &'static str, result: Result<T, InvalidValue>) -> Result<T, InvalidParameter> {
    result.map_err(|error| error.in_field(field))
}

/// A flag is given as `name:value` or as a pair.
fn flag_text(flag: &Value) -> String {
    let part = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    match flag.as_array() {
        Some(pair) => pair.iter().map(part).collect::<Vec<_>>().join(":"),
        None => part(flag),
    }
}

fn fill_placeholders(case: &Value) -> Value {
    let mut json = case.to_string();
    for (placeholder, value) in PLACEHOLDERS {
        json = json.replace(placeholder, value);
    }
    serde_json::from_str(&json).unwrap()
}

/// Puts legal values in place of made-up ones that are refused on purpose, once it is seen that they are.
fn substitute_refused(case: &mut Value) -> Ran {
    let vin = case
        .pointer("/input/single_select/vin")
        .and_then(Value::as_str)
        .unwrap_or(VALID_VIN)
        .to_owned();
    let redirect_uri = text(&case["input"], "redirect_uri")
        .unwrap_or(VALID_REDIRECT_URI)
        .to_owned();
    let mut replace = |old: &str, new: &str| {
        *case = serde_json::from_str(&case.to_string().replace(&format!("\"{old}\""), &format!("\"{new}\""))).unwrap();
    };
    let bad_vin = Vin::parse(&vin).err();
    let bad_redirect_uri = RedirectUri::parse(&redirect_uri).err();
    if let Some(error) = bad_redirect_uri {
        assert_eq!(error.code(), "not_absolute");
        replace(&redirect_uri, VALID_REDIRECT_URI);
    }
    if let Some(error) = bad_vin {
        assert_eq!(error.code(), "malformed");
        // As a value only: in one case the made-up VIN is the text `vin`.
        case["input"]["single_select"]["vin"] = VALID_VIN.into();
        for list in ["query", "query_contains"] {
            for pair in case["expect"]
                .get_mut(list)
                .and_then(Value::as_array_mut)
                .into_iter()
                .flatten()
            {
                if pair[0] == "single_select_vin" {
                    pair[1] = VALID_VIN.into();
                }
            }
        }
    }
    match (bad_vin, bad_redirect_uri) {
        (None, None) => Ran::AsGiven,
        (Some(_), None) => Ran::Substituted("its VIN is malformed and refused"),
        (None, Some(_)) => Ran::Substituted("its redirect URI is relative and refused"),
        (Some(_), Some(_)) => Ran::Substituted("its VIN is malformed and its redirect URI relative: both are refused"),
    }
}

fn pairs(list: &Value) -> Pairs {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    list.as_array()
        .into_iter()
        .flatten()
        .map(|pair| (text(&pair[0]), text(&pair[1])))
        .collect()
}

fn pairs_of(url: &Url) -> Pairs {
    url.query_pairs().into_owned().collect()
}
