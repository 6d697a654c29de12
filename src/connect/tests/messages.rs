//! Bad input: each message is pinned as a string, since people read it.

use crate::connect::{
    ApplicationId, ApprovalPrompt, AuthorizeUrl, ConnectOptions, ExternalId, Flag, InvalidParameter, InvalidValue,
    Make, Mode, Origin, ReauthenticateResponseType, ReauthenticateUrl, RedirectUri, ResponseType, Scope, State,
    StateFingerprint, UserId, VehicleId, Vin,
    tests::{APPLICATION, redirect_uri, state},
};

#[track_caller]
fn assert_refused<T>(result: Result<T, InvalidParameter>, code: &str, message: &str) {
    let error = result.map(drop).expect_err(message);
    assert_eq!(error.to_string(), message);
    assert_eq!((error.code(), error.reason().code()), (code, code));
    assert!(message.starts_with(&format!("`{}` ", error.field())));
}

/// The same for a value, whose parameter the caller names.
#[track_caller]
fn assert_value_refused<T>(field: &'static str, result: Result<T, InvalidValue>, code: &str, message: &str) {
    assert_refused(result.map_err(|error| error.in_field(field)), code, message);
}

#[test]
fn application_id() {
    let refused =
        |value: &str, code, message| assert_value_refused("application_id", ApplicationId::parse(value), code, message);
    refused("", "empty", "`application_id` is empty; give a value");
    let wrong_kind = "`application_id` is the id of an API credential (`client_…`); give the application's own id, a UUID, \
                      from the Smartcar dashboard";
    refused("client_01HZX", "wrong_kind_of_id", wrong_kind);
    refused("CLIENT_01HZX", "wrong_kind_of_id", wrong_kind);
    refused(
        "a\nb",
        "control_character",
        "`application_id` contains a control character; remove it",
    );
    refused("a b", "contains_space", "`application_id` contains a space; remove it");
    let malformed = "`application_id` has a character that no id contains; give letters, digits, `-`, `_` and `.` only";
    refused("a&client_secret=b", "malformed", malformed);
    refused("..", "malformed", malformed);
    refused(
        &"a".repeat(129),
        "too_long",
        "`application_id` is too long; give at most 128 bytes",
    );
    assert_eq!(ApplicationId::parse(&"a".repeat(128)).unwrap().as_str().len(), 128);
    assert_eq!(ApplicationId::parse(APPLICATION).unwrap().as_str(), APPLICATION);
}

#[test]
fn redirect_uris() {
    let refused =
        |value: &str, code, message| assert_value_refused("redirect_uri", RedirectUri::parse(value), code, message);
    refused("", "empty", "`redirect_uri` is empty; give a value");
    let relative = "`redirect_uri` is not an absolute URL; start it with `https://` and a host";
    for value in [
        "/callback",
        "callback",
        "https:example.com",
        "https:/example.com",
        "https:///example.com",
        "sc1://",
        "://x",
    ] {
        refused(value, "not_absolute", relative);
    }
    let fragment = "`redirect_uri` has a fragment; remove the `#` and what follows it";
    refused("https://example.com/#", "has_fragment", fragment);
    refused("https://example.com/#cars", "has_fragment", fragment);
    let insecure = "`redirect_uri` is plain `http` off loopback; use `https`";
    for value in [
        "http://example.com/",
        "http://localhost.example.com/",
        "http://128.0.0.1/",
        "http://[::2]/",
    ] {
        refused(value, "insecure", insecure);
    }
    let scheme = "`redirect_uri` has a scheme that Smartcar does not redirect to; use `https`, or in a mobile app `sc` and the \
                  application's id";
    for value in [
        "javascript://example.com/%0aalert(1)",
        "data://x",
        "ftp://example.com/",
        "sc://host",
    ] {
        refused(value, "unsupported_scheme", scheme);
    }
    let credentials = "`redirect_uri` contains a user name or password; remove it";
    refused("https://user@example.com/", "has_credentials", credentials);
    refused("https://:password@example.com/", "has_credentials", credentials);
    let reserved =
        "`redirect_uri` has a query parameter that Connect adds on its own, such as `code` or `state`; remove it";
    refused("https://example.com/?state=x", "reserved_parameter", reserved);
    refused("https://example.com/?a=1&%65rror=x", "reserved_parameter", reserved);
    let repeated = "`redirect_uri` has the same query parameter more than once; give it once";
    refused("https://example.com/?a=1&a=2", "repeated_parameter", repeated);
    let ascii = "`redirect_uri` contains a character outside ASCII; percent-encode it, or give the host in punycode";
    refused("https://exämple.com/", "not_ascii", ascii);
    refused(
        "https://example.com/\t",
        "control_character",
        "`redirect_uri` contains a control character; remove it",
    );
    refused(
        " https://example.com/",
        "contains_space",
        "`redirect_uri` contains a space; write it as `%20`, or remove it",
    );
    let backslash = "`redirect_uri` contains a backslash; use `/`, or `%5C` for the character";
    refused("https://example.com\\@evil.test/", "malformed", backslash);
    let long = format!("https://example.com/{}", "a".repeat(2_029));
    refused(&long, "too_long", "`redirect_uri` is too long; give at most 2048 bytes");
}

#[test]
fn redirect_uris_that_are_legal() {
    for (value, origin) in [
        ("https://example.com", Some("https://example.com")),
        ("https://Example.com:8443/a?b=c", Some("https://example.com:8443")),
        ("http://localhost:8787/", Some("http://localhost:8787")),
        ("http://127.0.0.1:1/", Some("http://127.0.0.1:1")),
        ("http://[::1]/", Some("http://[::1]")),
        (
            "https://javascript-sdk.smartcar.com/v2/redirect?app_origin=https://app.com",
            Some("https://javascript-sdk.smartcar.com"),
        ),
        ("scTesting://exchange", None),
    ] {
        let uri = RedirectUri::parse(value).unwrap();
        assert_eq!(uri.as_str(), value, "kept as given");
        assert_eq!(uri.origin().as_ref().map(Origin::as_str), origin);
        let json = serde_json::to_string(&uri).unwrap();
        assert_eq!(json, format!("\"{value}\""));
        assert_eq!(serde_json::from_str::<RedirectUri>(&json).unwrap(), uri);
    }
    assert_ne!(
        RedirectUri::parse("https://example.com").unwrap(),
        RedirectUri::parse("https://example.com/").unwrap()
    );
    let error = serde_json::from_str::<RedirectUri>("\"http://example.com/\"").unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("is plain `http` off loopback; use `https`")
    );
}

#[test]
fn origins() {
    let refused =
        |value: &str, code, message| assert_value_refused("SMARTCAR_AUTH_ORIGIN", Origin::parse(value), code, message);
    let more = "`SMARTCAR_AUTH_ORIGIN` is no origin, or more than one; give scheme (`https`), host and port only";
    for value in [
        "https://a.com/b",
        "https://a.com?",
        "https://a.com#",
        "https://@a.com",
        "ws://a.com",
        "https://a.com/?b",
    ] {
        refused(value, "not_an_origin", more);
    }
    refused(
        "http://a.com",
        "insecure",
        "`SMARTCAR_AUTH_ORIGIN` is plain `http` off loopback; use `https`",
    );
    let relative = "`SMARTCAR_AUTH_ORIGIN` is not an absolute URL; start it with `https://` and a host";
    refused("auth.smartcar.com", "not_absolute", relative);
    refused("", "empty", "`SMARTCAR_AUTH_ORIGIN` is empty; give a value");
}

#[test]
fn permissions_flags_and_makes() {
    let scope = "`scope` is not a permission; give a name such as `read_odometer` or `required:read_odometer`";
    for value in ["required:", "required:required:read_vin", "read\"vin", "read\\vin"] {
        assert_value_refused("scope", Scope::parse(value), "malformed", scope);
    }
    let two = "`scope` contains a space; give each value on its own";
    assert_value_refused("scope", Scope::parse("read_vin read_odometer"), "contains_space", two);
    assert_value_refused("scope", Scope::parse(""), "empty", "`scope` is empty; give a value");
    let unknown = Scope::parse("read_minds").unwrap();
    assert_eq!(unknown.as_str(), "read_minds");
    let required = Scope::parse("required:read_minds").unwrap();
    assert_eq!(required.as_str(), "required:read_minds");

    assert_value_refused(
        "flags",
        Flag::parse("a:b c:d"),
        "contains_space",
        "`flags` contains a space; give each value on its own",
    );
    assert_value_refused(
        "flags",
        Flag::parse(":b"),
        "malformed",
        "`flags` is a flag without a name; give `name:value`",
    );
    assert_value_refused(
        "scope",
        Scope::parse("read_öl"),
        "not_ascii",
        "`scope` contains a character outside ASCII; give ASCII letters, digits and punctuation only",
    );
    assert_eq!(Flag::parse("feature3").unwrap().as_str(), "feature3");
    assert_value_refused(
        "make",
        Make::parse("A\u{7f}"),
        "control_character",
        "`make` contains a control character; remove it",
    );
    assert_eq!(Make::parse("DE LOREAN").unwrap().as_str(), "DE LOREAN");
}

#[test]
fn ids() {
    let vin = "`single_select_vin` is not a vehicle identification number; it has 17 characters, digits and capital letters \
               without I, O and Q";
    for value in [
        "12345",
        "5YJ3E1EA7KF31700O",
        "5yj3e1ea7kf317000",
        "5YJ3E1EA7KF3170000",
        "5YJ3E1EA7KF31700&",
    ] {
        assert_value_refused("single_select_vin", Vin::parse(value), "malformed", vin);
    }
    assert_eq!(Vin::parse("5YJ3E1EA7KF317000").unwrap().as_str(), "5YJ3E1EA7KF317000");
    let vehicle = "`vehicle_id` has a character that no id contains; give letters, digits, `-`, `_` and `.` only";
    for value in ["../application", "a/b", "a?b", "..", "a%2fb"] {
        assert_value_refused("vehicle_id", VehicleId::parse(value), "malformed", vehicle);
    }
    assert_value_refused(
        "user",
        UserId::parse("a\r\nb"),
        "control_character",
        "`user` contains a control character; remove it",
    );
    assert_value_refused(
        "user",
        UserId::parse("owner 7"),
        "contains_space",
        "`user` contains a space; remove it",
    );
    assert_value_refused(
        "user",
        UserId::parse("jürgen"),
        "not_ascii",
        "`user` contains a character outside ASCII; give ASCII letters, digits and punctuation only",
    );
    let null = "`external_id` is `null`, which Smartcar reads as the wish to clear the id; give another id";
    assert_value_refused("external_id", ExternalId::parse("null"), "reserved_value", null);
    let long = "a".repeat(257);
    assert_value_refused(
        "external_id",
        ExternalId::parse(&long),
        "too_long",
        "`external_id` is too long; give at most 256 bytes",
    );
}

#[test]
fn closed_sets() {
    let mode = "`mode` has a value that is unknown; use `live`, `simulated` or `test`";
    assert_value_refused("mode", Mode::parse("pizza"), "unknown_value", mode);
    let prompt = "`approval_prompt` has a value that is unknown; use `auto` or `force`";
    assert_value_refused(
        "approval_prompt",
        ApprovalPrompt::parse("FORCE"),
        "unknown_value",
        prompt,
    );
    let response = "`response_type` has a value that is unknown; use `code` or `none`";
    assert_value_refused("response_type", ResponseType::parse("token"), "unknown_value", response);
    let response = "`response_type` has a value that is unknown; use `vehicle_id` or `none`";
    assert_value_refused(
        "response_type",
        ReauthenticateResponseType::parse("code"),
        "unknown_value",
        response,
    );
    for mode in [Mode::Live, Mode::Simulated, Mode::Test] {
        assert_eq!(Mode::parse(mode.as_str()).unwrap(), mode);
    }
}

#[test]
fn states() {
    let refused = |value: &str, code, message| assert_value_refused("state", State::parse(value), code, message);
    refused("", "empty", "`state` is empty; give a value");
    refused(
        &"s".repeat(513),
        "too_long",
        "`state` is too long; give at most 512 bytes",
    );
    refused(
        "a\u{0}",
        "control_character",
        "`state` contains a control character; remove it",
    );
    let ascii = "`state` contains a character outside ASCII; give ASCII letters, digits and punctuation only";
    refused("ü", "not_ascii", ascii);
    let fingerprint =
        "`stateFingerprint` is not the fingerprint of a state; give the base64url of its SHA-256, 43 characters";
    for value in [
        "",
        "AAAA",
        &"A".repeat(42),
        &"A".repeat(44),
        &format!("{}=", "A".repeat(43)),
        &format!("{}B", "A".repeat(42)),
    ] {
        assert_value_refused(
            "stateFingerprint",
            StateFingerprint::parse(value),
            "malformed",
            fingerprint,
        );
    }
}

#[test]
fn parameters_that_do_not_go_together() {
    let application_id = ApplicationId::parse(APPLICATION).unwrap();
    let connect = Origin::connect();
    let app_origin = Origin::parse("https://app.example.com").unwrap();
    let message = "`app_origin` goes with the response type `none` and no redirect URI only; remove it";
    let url = AuthorizeUrl::new(application_id.clone(), &state(1)).app_origin(app_origin);
    assert_refused(url.to_url(&connect), "conflict", message);
    let none = url.response_type(ResponseType::None);
    assert!(
        none.to_url(&connect)
            .unwrap()
            .ends_with("&app_origin=https%3A%2F%2Fapp.example.com")
    );
    assert_refused(none.redirect_uri(redirect_uri()).to_url(&connect), "conflict", message);

    let many = (0..100).map(|n| Scope::parse(&format!("{n}{}", "s".repeat(100))).unwrap());
    let long = AuthorizeUrl::new(application_id.clone(), &state(1))
        .options(ConnectOptions {
            scopes: many.collect(),
            ..ConnectOptions::default()
        })
        .to_url(&connect);
    let message = "`scope` and the other parameters make a URL of more than 8000 bytes; ask for less";
    assert_refused(long, "conflict", message);

    let vehicle_id = VehicleId::parse("sc4a1b01e5").unwrap();
    let vehicle = ReauthenticateUrl::new(application_id.clone(), vehicle_id, &state(1));
    let message = "`redirect_uri` is missing; give it, or the response type `none`";
    assert_refused(vehicle.to_url(&connect), "conflict", message);
    assert!(
        vehicle
            .response_type(ReauthenticateResponseType::None)
            .to_url(&connect)
            .is_ok()
    );

    let message = "`scope` is missing; name the permissions to ask for";
    assert_refused(
        ReauthenticateUrl::tesla(application_id.clone(), []).to_url(&connect),
        "conflict",
        message,
    );
    let tesla = ReauthenticateUrl::tesla(application_id, [Scope::parse("control_security").unwrap()]);
    let message = "`redirect_uri` has no effect, since this form does not redirect back; remove it";
    assert_refused(tesla.redirect_uri(redirect_uri()).to_url(&connect), "conflict", message);
}

#[test]
fn an_error_takes_the_name_under_which_the_caller_knows_the_field() {
    let error = RedirectUri::parse("").unwrap_err().in_field("redirectUri");
    assert_eq!((error.field(), error.code()), ("redirectUri", "empty"));
    assert_eq!(error.to_string(), "`redirectUri` is empty; give a value");
}

#[test]
fn personal_data_and_secrets_are_not_printed() {
    let printed = format!(
        "{:?} {:?} {:?} {:?}",
        Vin::parse("5YJ3E1EA7KF317000").unwrap(),
        UserId::parse("owner-7").unwrap(),
        ExternalId::parse("owner-7").unwrap(),
        State::parse("secret").unwrap(),
    );
    assert_eq!(
        printed,
        "Vin([redacted]) UserId([redacted]) ExternalId([redacted]) State([redacted])"
    );
    let authorize = AuthorizeUrl::new(
        ApplicationId::parse(APPLICATION).unwrap(),
        &State::parse("secret").unwrap(),
    );
    assert!(!format!("{authorize:?}").contains("secret"));
}
