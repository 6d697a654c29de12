//! What Connect sends back: `callback_query`, `browser_redirect_page`, `browser_message_handler`.

use serde_json::Value;
use smartcar_connect::{
    connect::{
        Attempt, Callback, CallbackError, ConnectError, Difference, RedirectUri, State, StateError, UnverifiedCallback,
    },
    time::UnixMillis,
};
use url::{Url, form_urlencoded};

use crate::{Ran, Section, id, text};

const POPUP: &str =
    "about handing a popup's result to its opener, which this version does not do: Connect opens in the same tab";

const NO_REDIRECT: &str = "a result without a redirect tells of a success otherwise; in a redirect neither a code nor a user id \
                           means that nobody was granted anything";

pub(crate) const SECTIONS: &[Section] = &[
    Section {
        name: "callback_query",
        run: callback,
        not_applicable: &[],
    },
    Section {
        name: "browser_redirect_page",
        run: redirect_page,
        not_applicable: &[("rd-no-opener", POPUP), ("rd-app-origin", POPUP)],
    },
    crate::skipped("browser_message_handler", &[("*", POPUP)]),
];

const REDIRECT_URI: &str = "https://example.com/callback";
const NOW: UnixMillis = UnixMillis::new(1_790_000_000_000);
const STATE: &str = "0facda3319";

fn attempt(state: &str) -> Attempt {
    let fingerprint = State::parse(state).unwrap().fingerprint();
    Attempt::new(fingerprint, RedirectUri::parse(REDIRECT_URI).unwrap(), NOW)
}

/// The contents of a query that may lack the state, as those do that come from SDKs which do not check it.
pub(crate) fn contents(query: &str) -> Callback {
    let has_state = form_urlencoded::parse(query.trim_start_matches('?').as_bytes()).any(|(name, _)| name == "state");
    if has_state {
        let forged = UnverifiedCallback::parse(query)
            .unwrap()
            .verify(&attempt("another"), NOW);
        assert_eq!(forged.unwrap_err(), StateError::Unknown);
        return UnverifiedCallback::parse(query)
            .unwrap()
            .verify(&attempt(STATE), NOW)
            .unwrap();
    }
    let without_state = UnverifiedCallback::parse(query).unwrap().verify(&attempt(STATE), NOW);
    assert_eq!(without_state.unwrap_err(), StateError::Missing);
    contents(&format!("{query}&state={STATE}"))
}

fn callback(case: &Value) -> Ran {
    let expect = &case["expect"];
    let kind = text(expect, "kind").unwrap();
    if kind == "ignored" {
        let registered = RedirectUri::parse(text(case, "registered_redirect_uri").unwrap()).unwrap();
        let refused = UnverifiedCallback::parse_for(&registered, text(case, "url").unwrap());
        let expected = CallbackError::OtherRedirectUri(Difference::Scheme);
        assert_eq!(refused.unwrap_err(), expected, "{}", id(case));
        return Ran::AsGiven;
    }
    // The parameters of a result that the iOS SDK receives without a redirect, by their names on the wire.
    if let Some(direct) = case.get("direct_params") {
        let query = format!("external_id={}", text(direct, "externalId").unwrap());
        assert_eq!(contents(&query).kind(), "incomplete", "{}", id(case));
        return Ran::Substituted(NO_REDIRECT);
    }
    let query = text(case, "query").unwrap();
    match kind {
        "invalid" => assert_eq!(
            UnverifiedCallback::parse(query).unwrap_err(),
            CallbackError::NoParameters,
            "{}",
            id(case)
        ),
        "success" => assert_success(case, &contents(query)),
        "error" => assert_error(case, &contents(query)),
        other => panic!("{}: unknown kind {other}", id(case)),
    }
    Ran::AsGiven
}

fn assert_success(case: &Value, callback: &Callback) {
    let expect = &case["expect"];
    let (code, user, external, vehicle) = match callback {
        Callback::Granted {
            code,
            user_id,
            external_id,
            ..
        } => (code.as_ref(), user_id.as_ref(), external_id.as_ref(), None),
        Callback::Reauthenticated {
            vehicle_id,
            external_id,
        } => (None, None, external_id.as_ref(), Some(vehicle_id)),
        other => panic!("{}: {}", id(case), other.kind()),
    };
    assert_eq!(code.map(|code| code.expose()), text(expect, "code"), "{}", id(case));
    assert_eq!(user.map(|user| user.as_str()), text(expect, "user_id"), "{}", id(case));
    assert_eq!(
        external.map(|external| external.as_str()),
        text(expect, "external_id"),
        "{}",
        id(case)
    );
    assert_eq!(
        vehicle.map(|vehicle| vehicle.as_str()),
        text(expect, "vehicle_id"),
        "{}",
        id(case)
    );
}

fn assert_error(case: &Value, callback: &Callback) {
    let expect = &case["expect"];
    let json = serde_json::to_value(callback).unwrap();
    let error = text(expect, "error").unwrap();
    match text(expect, "category") {
        Some("unknown") => {
            assert_eq!(callback.kind(), "unknown_error", "{}", id(case));
            assert_eq!(text(&json, "error"), Some(error), "{}", id(case));
        }
        Some("user_exited_flow") => {
            let exited = matches!(
                callback,
                Callback::Failed {
                    error: ConnectError::UserManuallyReturnedToApplication | ConnectError::UserCancelled,
                    ..
                }
            );
            assert!(exited, "{}", id(case));
            assert_eq!(callback.kind(), error, "{}", id(case));
        }
        _ => assert_eq!(callback.kind(), error, "{}", id(case)),
    }
    assert!(callback.is_error(), "{}", id(case));
    assert_eq!(json["kind"], callback.kind(), "{}", id(case));
    assert_eq!(
        callback.description(),
        text(expect, "error_description"),
        "{}",
        id(case)
    );
    assert_eq!(
        text(&json, "description"),
        text(expect, "error_description"),
        "{}",
        id(case)
    );
    assert_eq!(text(&json, "statusCode"), text(expect, "status_code"), "{}", id(case));
    assert_eq!(
        text(&json, "errorMessage"),
        text(expect, "error_message"),
        "{}",
        id(case)
    );
    let vehicle = expect.get("vehicle_info").filter(|vehicle| !vehicle.is_null());
    assert_eq!(json.get("vehicle"), vehicle, "{}", id(case));
}

/// The page's query is a callback: with everything in it the error stands, and without the error the grant does.
fn redirect_page(case: &Value) -> Ran {
    let url = Url::parse(text(case, "url").unwrap()).unwrap();
    let message = &case["expect"]["message"];
    let state = text(message, "state").unwrap();
    let verify = |query: &str| {
        UnverifiedCallback::parse(query)
            .unwrap()
            .verify(&attempt(state), NOW)
            .unwrap()
    };

    let error = serde_json::to_value(verify(url.as_str())).unwrap();
    assert_eq!(error["kind"], message["error"]);
    assert_eq!(error["description"], message["errorDescription"]);
    for name in ["vin", "make", "model", "year"] {
        assert_eq!(error["vehicle"][name], message[name], "{name}");
    }

    let kept = url.query_pairs().filter(|(name, _)| !name.starts_with("error"));
    let query = form_urlencoded::Serializer::new(String::new())
        .extend_pairs(kept)
        .finish();
    let Callback::Granted {
        code,
        user_id,
        external_id,
        virtual_key_url,
    } = verify(&query)
    else {
        panic!("no grant")
    };
    assert_eq!(code.unwrap().expose(), message["code"]);
    assert_eq!(user_id.unwrap().as_str(), message["userId"]);
    assert_eq!(external_id.unwrap().as_str(), message["externalId"]);
    assert_eq!(virtual_key_url.unwrap(), message["virtualKeyUrl"]);
    Ran::AsGiven
}
