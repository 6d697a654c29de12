//! What a verified callback holds, how it is serialised, and which callbacks are refused.

use serde_json::{Value, json};

use super::{NOW, attempt, redirect_uri, state};
use crate::{
    connect::{Callback, CallbackError, Difference, RedirectUri, StateError, UnverifiedCallback},
    time::Millis,
};

fn verified(query: &str) -> Callback {
    let state = state(1);
    let callback = UnverifiedCallback::parse(&format!("{query}&state={}", state.expose())).unwrap();
    assert!(callback.state().unwrap().ct_eq(&state));
    callback.verify(&attempt(&state), NOW).unwrap()
}

#[track_caller]
fn assert_reads(query: &str, expected: &Value) {
    let callback = verified(query);
    let json = serde_json::to_value(&callback).unwrap();
    assert_eq!(json, *expected, "{query}");
    assert_eq!(json["kind"], callback.kind());
    assert_eq!(callback.description(), json["description"].as_str());
}

#[test]
fn a_grant() {
    assert_reads("code=C", &json!({"kind": "granted"}));
    let Callback::Granted { code: Some(code), .. } = verified("code=C") else {
        panic!()
    };
    assert_eq!(code.expose(), "C");
    assert_eq!(format!("{code:?}"), "AuthorizationCode([redacted])");
    assert_reads(
        "user_id=U&external_id=E+%C3%BC&virtual_key_url=https%3A%2F%2Fwww.tesla.com%2F_ak%2Fa.b",
        &json!({"kind": "granted", "userId": "U", "externalId": "E ü", "virtualKeyUrl": "https://www.tesla.com/_ak/a.b"}),
    );
    assert_reads("code=C&vehicle_id=V", &json!({"kind": "granted"}));
    assert_reads("code=C&external_id=null", &json!({"kind": "granted"}));
    assert!(!verified("code=C").is_error());
}

#[test]
fn what_grants_nothing_is_incomplete() {
    for query in [
        "",
        "code=",
        "code",
        "code=&user_id",
        "error_description=D",
        "vin=5YJ3E1EA7KF317000",
        "external_id=E",
        "virtual_key_url=https%3A%2F%2Fwww.tesla.com",
        "response=a.b.c",
        "??code=C",
        "code%20=C",
        "Code=C",
    ] {
        assert_reads(query, &json!({"kind": "incomplete"}));
        let callback = verified(query);
        assert!(callback.is_error(), "{query}");
        assert_eq!(
            callback.missing_code(),
            Some(
                "the callback has a `state`, but no `code`, `user_id`, `vehicle_id` or `error` with a value: start the \
                 connection again"
            )
        );
    }
    assert_eq!(
        verified("user_id=U").missing_code(),
        Some("the callback has a `user_id` but no `code`: open Connect with `response_type=code`")
    );
    for query in ["code=C", "vehicle_id=V", "error"] {
        assert_eq!(verified(query).missing_code(), None, "{query}");
    }
}

#[test]
fn a_callback_of_another_authorization_server_is_refused() {
    let read = |iss: &str| UnverifiedCallback::parse(&format!("code=C&state=S&iss={iss}"));
    for issuer in [
        "https://connect.smartcar.com",
        "https%3A%2F%2Fauth.smartcar.com%2F",
        "https://smartcar.com/oauth",
        "",
    ] {
        assert!(read(issuer).is_ok(), "{issuer}");
    }
    for issuer in [
        "https://evil.example",
        "https://smartcar.com.evil.example",
        "https://evilsmartcar.com",
        "http://connect.smartcar.com",
        "https://smartcar.com@evil.example",
        "https://evil@smartcar.com",
        "connect.smartcar.com",
        "smartcar",
        "%FF",
    ] {
        let error = read(issuer).unwrap_err();
        assert_eq!(
            (error, error.code()),
            (CallbackError::OtherIssuer, "callback_other_issuer")
        );
        assert_eq!(
            error.to_string(),
            "the callback's `iss` is not Smartcar; do not believe it, and start the connection again"
        );
    }
    let error = UnverifiedCallback::parse("error=access_denied&state=S&iss=https://evil.example");
    assert_eq!(error.unwrap_err(), CallbackError::OtherIssuer);
}

#[test]
fn a_virtual_key_url_that_is_no_https_link_is_left_out() {
    for url in [
        "javascript:alert(1)",
        "http://www.tesla.com/",
        "//www.tesla.com/",
        "data:,x",
    ] {
        assert_reads(&format!("code=C&virtual_key_url={url}"), &json!({"kind": "granted"}));
    }
}

#[test]
fn a_re_authentication() {
    let expected = &json!({"kind": "reauthenticated", "vehicleId": "sc4a1b01e5-0497", "externalId": "E"});
    assert_reads("vehicle_id=sc4a1b01e5-0497&external_id=E", expected);
    assert!(!verified("vehicle_id=V").is_error());
}

#[test]
fn each_known_error() {
    for kind in [
        "access_denied",
        "vehicle_incompatible",
        "invalid_subscription",
        "no_vehicles",
        "configuration_error",
        "server_error",
        "oem_cancelled_login",
        "user_manually_returned_to_application",
        "user_cancelled",
    ] {
        assert_reads(&format!("error={kind}"), &json!({"kind": kind}));
        let described = format!("error={kind}&error_description=It+is%0Aso.");
        assert_reads(&described, &json!({"kind": kind, "description": "It is\nso."}));
        assert!(verified(&described).is_error());
    }
}

#[test]
fn errors_with_more_to_say() {
    assert_reads(
        "error=vehicle_incompatible&vin=12345678901234&make=BMW&model=M3&year=2013",
        &json!({
            "kind": "vehicle_incompatible",
            "vehicle": {"vin": "12345678901234", "make": "BMW", "model": "M3", "year": "2013"},
        }),
    );
    assert_reads(
        "error=vehicle_incompatible&make=",
        &json!({"kind": "vehicle_incompatible"}),
    );
    let vehicle = format!(
        "{:?}",
        verified("error=vehicle_incompatible&vin=5YJ3E1EA7KF317000&make=TESLA")
    );
    assert!(
        vehicle.contains("[redacted]") && vehicle.contains("TESLA") && !vehicle.contains("5YJ"),
        "{vehicle}"
    );
    assert_reads(
        "error=configuration_error&status_code=400&error_message=M",
        &json!({"kind": "configuration_error", "statusCode": "400", "errorMessage": "M"}),
    );
    assert_reads(
        "error=blargh&error_description=D",
        &json!({"kind": "unknown_error", "error": "blargh", "description": "D"}),
    );
    assert_reads(
        "error=ACCESS_DENIED",
        &json!({"kind": "unknown_error", "error": "ACCESS_DENIED"}),
    );
}

#[test]
fn an_error_is_an_error_without_a_value_and_next_to_a_code() {
    assert_reads("error", &json!({"kind": "unknown_error", "error": ""}));
    assert_reads("code=C&error=", &json!({"kind": "unknown_error", "error": ""}));
    assert_reads(
        "code=C&user_id=U&error=access_denied",
        &json!({"kind": "access_denied"}),
    );
}

#[test]
fn the_state_comes_first() {
    let right = state(1);
    let parse = |query: &str| UnverifiedCallback::parse(query).unwrap();
    let verify = |query: &str| parse(query).verify(&attempt(&right), NOW).unwrap_err();
    assert_eq!(verify("error=access_denied"), StateError::Missing);
    assert_eq!(verify("error=access_denied&state="), StateError::Missing);
    assert_eq!(verify("error=access_denied&state"), StateError::Missing);
    assert_eq!(verify("error=access_denied&state=forged"), StateError::Unknown);
    assert_eq!(
        verify(&format!("code=C&state={}", right.fingerprint().as_str())),
        StateError::Unknown
    );
    let late =
        parse(&format!("code=C&state={}", right.expose())).verify(&attempt(&right), NOW.after(Millis::from_mins(10)));
    assert_eq!(late.unwrap_err(), StateError::Expired);
}

#[test]
fn a_callback_is_read_from_a_url_a_path_or_a_query() {
    for given in [
        "https://app.example.com/cars?code=C&state=S",
        "https://app.example.com/cars?code=C&state=S#fragment",
        "https://app.example.com?code=C&state=S&next=https://a.example/?b",
        "scapp://exchange?code=C&state=S",
        "/cars?code=C&state=S",
        "?code=C&state=S",
        "code=C&state=S",
        "code=C&state=S&next=https://a.example/?b",
        "&&code=C&&state=S&",
    ] {
        let state = UnverifiedCallback::parse(given).unwrap().state().unwrap().clone();
        assert_eq!(state.expose(), "S", "{given}");
    }
    for given in [
        "",
        "?",
        "/",
        "/cars",
        "https://app.example.com/cars",
        "https://a.example/#code=C&state=S",
        "?a=b",
    ] {
        assert_eq!(
            UnverifiedCallback::parse(given).unwrap_err(),
            CallbackError::NoParameters,
            "{given}"
        );
    }
}

#[test]
fn a_callback_belongs_to_its_redirect_uri() {
    let registered = RedirectUri::parse("https://App.example.com:443/cars?lang=de&x=1").unwrap();
    let read = |url: &str| UnverifiedCallback::parse_for(&registered, url);
    assert!(read("https://app.example.com/cars?lang=de&x=1&code=C&state=S").is_ok());
    assert!(read("https://app.example.com/cars?state=S&x=1&lang=de&code=C#").is_ok());
    for (other, difference) in [
        ("https://app.example.com/cars?lang=de&code=C&state=S", Difference::Query),
        (
            "https://app.example.com/cars?lang=fr&x=1&code=C&state=S",
            Difference::Query,
        ),
        (
            "https://app.example.com/cars/?lang=de&x=1&code=C&state=S",
            Difference::SlashAdded,
        ),
        (
            "https://app.example.com/Cars?lang=de&x=1&code=C&state=S",
            Difference::Path,
        ),
        ("https://app.example.com/?lang=de&x=1&code=C&state=S", Difference::Path),
        (
            "https://app.example.com:444/cars?lang=de&x=1&code=C&state=S",
            Difference::Port,
        ),
        (
            "http://app.example.com/cars?lang=de&x=1&code=C&state=S",
            Difference::Scheme,
        ),
        (
            "https://app.example.com.evil.test/cars?lang=de&x=1&code=C&state=S",
            Difference::Host,
        ),
        (
            "https://u@app.example.com/cars?lang=de&x=1&code=C&state=S",
            Difference::Credentials,
        ),
        ("/cars?lang=de&x=1&code=C&state=S", Difference::NotAUrl),
        ("", Difference::NotAUrl),
    ] {
        let error = read(other).unwrap_err();
        assert_eq!(error, CallbackError::OtherRedirectUri(difference), "{other}");
    }
    let slashed = RedirectUri::parse("https://app.example.com/cars/").unwrap();
    let error = UnverifiedCallback::parse_for(&slashed, "https://app.example.com/cars?code=C&state=S").unwrap_err();
    assert_eq!(error, CallbackError::OtherRedirectUri(Difference::SlashMissing));
    let repeated = read("https://app.example.com/cars?lang=de&x=1&x=1&code=C&state=S").unwrap_err();
    assert_eq!(repeated, CallbackError::RepeatedParameter { name: None });
    assert_eq!(
        UnverifiedCallback::parse_for(&redirect_uri(), "https://app.example.com/cars").unwrap_err(),
        CallbackError::NoParameters
    );
}

#[test]
fn callbacks_that_are_refused() {
    let long = format!("?code={}", "C".repeat(8_187));
    let many: String = (0..65).map(|n| format!("a{n}=&")).collect();
    let long_state = format!("code=C&state={}", "S".repeat(513));
    for (query, code, message) in [
        (
            "code=C&state=S&code=C",
            "callback_repeated_parameter",
            "the callback's `code` occurs more than once; start the connection again",
        ),
        (
            "state=S&%73tate=S",
            "callback_repeated_parameter",
            "the callback's `state` occurs more than once; start the connection again",
        ),
        (
            "code=C&state=S&a=1&a",
            "callback_repeated_parameter",
            "a parameter of the callback occurs more than once; start the connection again",
        ),
        (
            "a=b",
            "callback_empty",
            "the callback has no parameters of Smartcar Connect; open it from Connect's redirect",
        ),
        (
            "code=C&state=%FF",
            "callback_malformed",
            "the callback's `state` is not what Smartcar sends; start the connection again",
        ),
        (
            &long_state,
            "callback_malformed",
            "the callback's `state` is not what Smartcar sends; start the connection again",
        ),
        (
            "code=a%0Ab&state=S",
            "callback_malformed",
            "the callback's `code` is not what Smartcar sends; start the connection again",
        ),
        (
            "vehicle_id=..%2Fx&state=S",
            "callback_malformed",
            "the callback's `vehicle_id` is not what Smartcar sends; start the connection again",
        ),
        (
            "user_id=a%20b&state=S",
            "callback_malformed",
            "the callback's `user_id` is not what Smartcar sends; start the connection again",
        ),
        (
            "external_id=%00&state=S",
            "callback_malformed",
            "the callback's `external_id` is not what Smartcar sends; start the connection again",
        ),
        (
            "external_id=a%FF&state=S",
            "callback_malformed",
            "the callback's `external_id` is not what Smartcar sends; start the connection again",
        ),
        (
            "error=a%00b&state=S",
            "callback_malformed",
            "the callback's `error` is not what Smartcar sends; start the connection again",
        ),
        (
            &long,
            "callback_too_long",
            "the callback is too long; start the connection again",
        ),
        (
            &many,
            "callback_too_long",
            "the callback is too long; start the connection again",
        ),
    ] {
        let error = UnverifiedCallback::parse(query).unwrap_err();
        assert_eq!((error.code(), error.to_string().as_str()), (code, message), "{query}");
    }
}

#[test]
fn a_callback_elsewhere_is_told_in_what_it_differs() {
    let proxy = "differs; behind a proxy, give the URL as the browser sees it";
    for (difference, text) in [
        (
            Difference::NotAUrl,
            "it is no URL; give the whole one that Connect redirected to",
        ),
        (Difference::Scheme, &format!("the scheme {proxy}")),
        (Difference::Host, &format!("the host {proxy}")),
        (Difference::Port, &format!("the port {proxy}")),
        (
            Difference::Path,
            "the path differs; give the URL that Connect redirected to",
        ),
        (
            Difference::SlashAdded,
            "its path has a `/` at the end; use one spelling everywhere",
        ),
        (
            Difference::SlashMissing,
            "its path lacks the `/` at the end; use one spelling everywhere",
        ),
        (Difference::Credentials, "it has a user name or a password"),
        (
            Difference::Query,
            "a query parameter of the redirect URI is missing or differs",
        ),
    ] {
        let error = CallbackError::OtherRedirectUri(difference);
        assert_eq!(error.code(), "callback_other_redirect_uri");
        let whole = format!("the callback is not at the redirect URI: {text}");
        assert_eq!(error.to_string(), whole);
    }
}
