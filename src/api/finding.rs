//! What an answer of Smartcar's v3 says of a car, part by part: a signal may have failed although the request has not, and a command
//! although the status of its answer says success.

use super::{call::ApiTarget, endpoint::Effect, error::ApiError, signal::signal_permission};
use crate::{
    json::{
        lenient::{Object, Value, with_object},
        time::time,
    },
    time::UnixMillis,
};

/// How many signals of an answer are looked at.
const MOST: usize = 500;

/// One thing that an answer says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The permission that what was asked for takes, if that is known.
    pub permission: Option<&'static str>,
    /// Whether the car's maker was asked for it.
    pub asks_the_maker: bool,
    /// Whether it is what the request asked for, and not one of all that there are.
    pub is_meant: bool,
    /// When it was found, by Smartcar's clock: signals are kept there, and what is told of one may be old. `None` where that is not
    /// said.
    pub at: Option<UnixMillis>,
    /// The error; `None` if it succeeded.
    pub error: Option<ApiError>,
}

impl Finding {
    /// What Smartcar has answered to `target` as a whole at `now`.
    #[must_use]
    pub fn of(target: &ApiTarget, error: Option<ApiError>, now: UnixMillis) -> Self {
        Self {
            permission: target.permission(),
            asks_the_maker: target.asks_the_maker(),
            is_meant: true,
            at: Some(now),
            error,
        }
    }

    fn of_signal(target: &ApiTarget, signal: &Object<'_>, now: UnixMillis) -> Option<Self> {
        let attributes = signal.get("attributes").and_then(Value::object);
        let meta = signal.get("meta").and_then(Value::object);
        let status = attributes.as_ref()?.get("status");
        let error = match outcome(status)? {
            Outcome::Success => None,
            Outcome::Error(error) => Some(read_error(error, UNTOLD, now)),
        };
        let code = attributes.as_ref().and_then(|members| members.text("code"));
        let code = code.or_else(|| signal.text("id"));
        let permission = code.as_deref().and_then(signal_permission);
        Some(Self {
            permission,
            // Smartcar knows what a car is called without asking.
            asks_the_maker: code.is_some_and(|code| !code.starts_with("vehicleidentification-")),
            is_meant: target.value().is_some(),
            at: meta.as_ref().and_then(|meta| time(meta, "ingestedAt")),
            error,
        })
    }
}

/// The status of an error that does not say one.
const UNTOLD: u16 = 0;

/// Reads the body of an answer to `target` with a status of success that arrived `now`. What can't be read is left out.
#[must_use]
pub fn findings(target: &ApiTarget, answer: &[u8], now: UnixMillis) -> Vec<Finding> {
    with_object(answer, |members| {
        let Some(members) = members else { return Vec::new() };
        let errors = members.get("errors").and_then(Value::items).unwrap_or_default();
        if let Some(error) = errors.into_iter().find(|error| error.object().is_some()) {
            return vec![Finding::of(target, Some(read_error(error, UNTOLD, now)), now)];
        }
        let data = members.get("data");
        if target.endpoint().is_of_signals() {
            return match data.and_then(Value::items) {
                Some(items) => {
                    let signals = items.into_iter().take(MOST).filter_map(Value::object);
                    signals
                        .filter_map(|signal| Finding::of_signal(target, &signal, now))
                        .collect()
                }
                None => {
                    // One of them, wrapped in `data` or not.
                    let signal = data.and_then(Value::object);
                    let found = Finding::of_signal(target, signal.as_ref().unwrap_or(members), now);
                    found.into_iter().collect()
                }
            };
        }
        let data = data.and_then(Value::object);
        let attributes = data.as_ref().and_then(|data| data.get("attributes")?.object());
        let status = attributes.as_ref().and_then(|attributes| attributes.get("status"));
        let error = match (status, outcome(status)) {
            (_, Some(Outcome::Error(error))) => Some(read_error(error, UNTOLD, now)),
            (_, Some(Outcome::Success)) => None,
            // What a vehicle is has no status of its own.
            (None, None) if target.endpoint().effect == Effect::Read && attributes.is_some() => None,
            // Of a command it has to be said.
            (_, None) => return Vec::new(),
        };
        vec![Finding::of(target, error, now)]
    })
}

enum Outcome<'a> {
    Success,
    Error(Value<'a>),
}

/// What a status says: `{"value":"SUCCESS"}`, or one with an `error`. Of any other, such as `UNAVAILABLE`, nothing follows.
fn outcome(status: Option<Value<'_>>) -> Option<Outcome<'_>> {
    let status = status?;
    let members = status.object();
    if let Some(error) = members.as_ref().and_then(|members| members.get("error")) {
        return error.object().is_some().then_some(Outcome::Error(error));
    }
    let value = members.map_or_else(|| status.text(), |members| members.text("value"))?;
    value.eq_ignore_ascii_case("SUCCESS").then_some(Outcome::Success)
}

/// An error that stands inside an answer. Its status is a text there, if it has one.
fn read_error(error: Value<'_>, status: u16, now: UnixMillis) -> ApiError {
    let said = error.object().and_then(|members| members.number("status"));
    let said = said
        .filter(|said| (400.0..600.0).contains(said))
        .map(|said| said as u16);
    ApiError::read(said.unwrap_or(status), |_| None, error.as_json().as_bytes(), now)
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*};
    use serde_json::{Value as Json, json};

    use super::*;
    use crate::{api::Found, json::odd::among_odd_members};

    const NOW: UnixMillis = UnixMillis::new(1_790_000_000_000);
    const AT: &str = "2026-09-21T14:13:10.500Z";

    fn target(method: &str, below: &str) -> ApiTarget {
        match ApiTarget::find(method, &format!("/v3/vehicles/v1{below}")) {
            Found::Target(target) => target,
            other => panic!("{other:?}"),
        }
    }

    fn read(target: &ApiTarget, answer: &Json) -> Vec<Finding> {
        findings(target, answer.to_string().as_bytes(), NOW)
    }

    fn signal(code: &str, status: &Json) -> Json {
        json!({"id": code, "type": "signal", "attributes": {"code": code, "status": status}, "meta": {"ingestedAt": AT}})
    }

    fn failed() -> Json {
        json!({"type": "CONNECTED_SERVICES_ACCOUNT", "code": "AUTHENTICATION_FAILED", "resolution": {"type": "REAUTHENTICATE"}})
    }

    #[test]
    fn each_signal_has_an_outcome_and_a_time_of_its_own() {
        let all = json!({"data": [
            signal("odometer-traveleddistance", &json!({"value": "SUCCESS"})),
            signal("closure-islocked", &json!({"value": "ERROR", "error": failed()})),
            signal("vehicleidentification-vin", &json!({"value": "SUCCESS"})),
            signal("surveillance-brand", &json!({"value": "UNAVAILABLE"})),
        ], "meta": {}});
        let [odometer, lock, vin] = &read(&target("GET", "/signals"), &all)[..] else {
            panic!("three of them say something");
        };
        assert_eq!((odometer.permission, &odometer.error), (Some("read_odometer"), &None));
        assert_eq!(odometer.at, Some(UnixMillis::new(1_789_999_990_500)));
        assert!(odometer.asks_the_maker && !odometer.is_meant && !vin.asks_the_maker);
        let error = lock.error.as_ref().unwrap();
        assert_eq!(
            (lock.permission, error.code.as_deref()),
            (Some("read_security"), Some("AUTHENTICATION_FAILED"))
        );
        assert!(!error.rejects_token());
    }

    #[test]
    fn a_single_signal_is_read_wrapped_or_not() {
        let one = signal(
            "odometer-traveleddistance",
            &json!({"value": "ERROR", "error": failed()}),
        );
        for answer in [json!({"data": one}), one] {
            let found = read(&target("GET", "/signals/odometer-traveleddistance"), &answer);
            assert_eq!(found.len(), 1, "{answer}");
            assert!(
                found
                    .iter()
                    .all(|one| one.is_meant && one.error.is_some() && one.permission == Some("read_odometer"))
            );
        }
        let undated =
            json!({"data": {"id": "odometer-traveleddistance", "attributes": {"status": {"value": "SUCCESS"}}}});
        let found = read(&target("GET", "/signals/odometer-traveleddistance"), &undated);
        assert_eq!(found.iter().map(|one| one.at).collect::<Vec<_>>(), [None]);
    }

    #[test]
    fn a_command_may_have_failed_inside_a_success() {
        let lock = target("POST", "/commands/security/lock");
        let done = |status: Json| json!({"data": {"attributes": {"commandType": "security-lock", "status": status}}});
        let [ok] = &read(&lock, &done(json!({"value": "SUCCESS"})))[..] else {
            panic!("it says so")
        };
        assert_eq!(
            (ok.permission, ok.at, &ok.error),
            (Some("control_security"), Some(NOW), &None)
        );
        for answer in [
            done(json!({"value": "ERROR", "error": failed()})),
            json!({"errors": [null, failed()]}),
            json!({"errors": [failed()], "data": {"attributes": {"status": {"value": "SUCCESS"}}}}),
        ] {
            let found = read(&lock, &answer);
            let names: Vec<_> = found
                .iter()
                .filter_map(|one| Some(one.error.as_ref()?.name()))
                .collect();
            assert_eq!(names, ["connected_services_account:authentication_failed"], "{answer}");
        }
        // Nothing that is not said counts as done.
        for none in [
            json!({}),
            done(json!({})),
            done(json!(7)),
            done(json!({"value": "PENDING"})),
            json!({"data": null}),
        ] {
            assert_eq!(read(&lock, &none), [], "{none}");
        }
    }

    #[test]
    fn the_status_of_an_error_inside_an_answer_is_a_text() {
        let limited = json!({"errors": [{"status": "429", "type": "RATE_LIMIT", "code": "VEHICLE"}]});
        let found = read(&target("POST", "/commands/charge/start"), &limited);
        assert_eq!(
            found
                .iter()
                .map(|one| one.error.as_ref().unwrap().status)
                .collect::<Vec<_>>(),
            [429]
        );
        for odd in ["\"200\"", "\"x\"", "null", "99999", "[]"] {
            let body = format!(r#"{{"errors":[{{"status":{odd},"type":"SERVER"}}]}}"#);
            let found = findings(&target("POST", "/commands/charge/start"), body.as_bytes(), NOW);
            assert_eq!(
                found
                    .iter()
                    .map(|one| one.error.as_ref().unwrap().status)
                    .collect::<Vec<_>>(),
                [UNTOLD],
                "{odd}"
            );
        }
    }

    #[test]
    fn what_a_vehicle_is_has_no_status() {
        let car = json!({"data": {"id": "v1", "attributes": {"make": "TESLA"}}});
        let found = read(&target("GET", ""), &car);
        assert!(found.iter().all(|one| one.error.is_none() && !one.asks_the_maker));
        assert_eq!(found.len(), 1);
    }

    #[test]
    fn an_odd_signal_hides_none_of_the_others() {
        let good = signal("odometer-traveleddistance", &json!({"value": "SUCCESS"}));
        for odd in [
            json!(null),
            json!(7),
            json!({}),
            json!({"attributes": []}),
            signal("x", &json!(null)),
            signal("x", &json!({"value": "ERROR", "error": "x"})),
            signal("x", &json!({"value": 7})),
        ] {
            let found = read(&target("GET", "/signals"), &json!({"data": [odd, good]}));
            assert_eq!(found.len(), 1, "{odd}");
        }
        for none in ["", "[]", "null", "<html>", r#"{"data":"x"}"#, r#"{"data":{"data":[]}}"#] {
            assert_eq!(findings(&target("GET", "/signals"), none.as_bytes(), NOW), [], "{none}");
        }
    }

    proptest! {
        #[test]
        fn a_signal_is_found_among_odd_members(
            body in among_odd_members(r#"{"data":[{"id":"charge-wattage","attributes":{"status":{"value":"SUCCESS"}}}]}"#),
        ) {
            // An odd member may be a list of errors.
            let found = findings(&target("GET", "/signals"), &body, NOW);
            prop_assert_eq!(found.len(), 1);
        }

        #[test]
        fn no_answer_is_too_odd(bytes in vec(any::<u8>(), 0..300)) {
            for (method, below) in [("GET", ""), ("GET", "/signals"), ("GET", "/signals/a-b"), ("POST", "/commands/charge/stop")] {
                let _ = findings(&target(method, below), &bytes, NOW);
            }
        }
    }
}
