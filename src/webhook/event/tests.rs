use proptest::prelude::*;

use super::*;
use crate::json::odd::among_odd_members;

fn read(body: &str) -> WebhookEvent {
    WebhookEvent::read(body.as_bytes()).unwrap()
}

fn errors(body: &str) -> Vec<ReportedError> {
    match read(body).kind {
        EventKind::VehicleError(errors) => errors,
        other => panic!("{other:?}"),
    }
}

/// As the documentation of February 2026 has it: a vehicle at the top, times as texts.
const DOCUMENTED: &str = r#"{"eventId":"e1","eventType":"VEHICLE_STATE","vehicleId":"v1",
    "data":{"user":{"id":"u1"},"signals":[{"code":"odometer-traveleddistance","body":{"value":1},"meta":{"fetchedAt":1}}],
    "triggers":[{"code":"FIRST_DELIVERY"}]},"meta":{"version":"4.0","mode":"LIVE","deliveredAt":"1790000000000"}}"#;

/// As it is sent since: no vehicle at the top, more in `meta`.
const SENT: &str = r#"{"eventId":"e1","eventType":"VEHICLE_STATE",
    "data":{"user":{"id":"u1","externalId":null},"vehicle":{"id":"v1","mode":"live","powertrainType":"BEV"},
    "triggers":[{"code":"c","name":"n","group":"g"}],"signals":[{"code":"c","meta":{"retrievedAt":1790000000000}}]},
    "meta":{"deliveredAt":1790000000000,"sequence":1,"signalCount":1,"applicationId":"a","mode":"LIVE"}}"#;

/// As the test button of the dashboard sends it: triggers at the top.
const TEST_BUTTON: &str = r#"{"eventId":"e1","eventType":"vehicle_state","triggers":[{"type":"SIGNAL_UPDATED","signal":"c"}],
    "data":{"user":{"id":"u1"},"vehicle":{"id":"v1"}},"meta":{"mode":"TEST","deliveredAt":"2026-09-21T14:13:20.000Z"}}"#;

#[test]
fn every_form_of_the_envelope_says_the_same() {
    let sent_at = Some(UnixMillis::new(1_790_000_000_000));
    for body in [DOCUMENTED, SENT, TEST_BUTTON] {
        let event = read(body);
        assert_eq!(event.kind, EventKind::VehicleState, "{body}");
        assert_eq!((event.id.as_str(), event.name.as_str()), ("e1", "vehicle_state"));
        assert_eq!(event.user_id, UserId::parse("u1").ok());
        assert_eq!(event.vehicle_id, VehicleId::parse("v1").ok(), "{body}");
        assert_eq!(event.external_id, None);
        assert_eq!(event.sent_at, sent_at, "{body}");
    }
}

#[test]
fn errors_are_read_in_all_their_forms() {
    let body = |errors: &str| format!(r#"{{"eventType":"VEHICLE_ERROR","data":{{"errors":{errors}}}}}"#);
    let whole = body(
        r#"[{"type":"CONNECTED_SERVICES_ACCOUNT","code":"AUTHENTICATION_FAILED","state":"ERROR",
            "resolution":{"type":"REAUTHENTICATE","url":"https://connect.smartcar.com/x"},"signals":[{"code":"a"},{"code":"b"}]},
            {"type":"PERMISSION","code":null,"state":"ERROR","resolution":{"type":null},"signals":["Group.Name"]},
            {"type":"CONNECTED_SERVICES_ACCOUNT","code":"AUTHENTICATION_FAILED","state":"RESOLVED"}]"#,
    );
    let [failed, permission, over] = &errors(&whole)[..] else {
        panic!("three errors")
    };
    assert_eq!(failed.resolution.as_deref(), Some("REAUTHENTICATE"));
    assert_eq!(failed.signals, ["a", "b"]);
    assert_eq!(failed.cause(), Some(MarkCause::LogInFailed));
    assert_eq!(
        (permission.code.as_deref(), permission.resolution.as_deref()),
        (None, None)
    );
    assert_eq!(permission.signals, ["Group.Name"]);
    assert_eq!(permission.cause(), None);
    assert_eq!((over.state, over.resolution.as_deref()), (ErrorState::Resolved, None));
    assert_eq!(over.cause(), Some(MarkCause::LogInFailed));
    // What is over and names no resolution is known by its type and code: of another code nothing says what it had marked.
    let other = |rest: &str| {
        let error = format!(r#"[{{"type":"CONNECTED_SERVICES_ACCOUNT","code":"VIRTUAL_KEY_REQUIRED",{rest}}}]"#);
        errors(&body(&error)).first().and_then(ReportedError::cause)
    };
    let resolution = r#""resolution":{"type":"REAUTHENTICATE"}"#;
    assert_eq!(
        other(&format!(r#""state":"ERROR",{resolution}"#)),
        Some(MarkCause::LogInFailed)
    );
    assert_eq!(
        other(&format!(r#""state":"RESOLVED",{resolution}"#)),
        Some(MarkCause::LogInFailed)
    );
    assert_eq!(other(r#""state":"RESOLVED""#), None);
    // What can't be read hides nothing beside it.
    for odd in [
        r#"7"#,
        r#"{"type":"A"}"#,
        r#"{"state":"ERROR"}"#,
        r#"{"type":"A","state":"GONE"}"#,
        r#"{"type":"a b","state":"ERROR"}"#,
    ] {
        let read = errors(&body(&format!(r#"[{odd},{{"type":"A","state":"ERROR"}}]"#)));
        assert_eq!(read.len(), 1, "{odd}");
    }
    for none in ["{}", "7", "null", "[]"] {
        assert_eq!(errors(&body(none)), [], "{none}");
    }
}

#[test]
fn a_challenge_is_found_in_both_places_and_taken_only_if_it_is_one() {
    let challenge = |body: &str| match read(body).kind {
        EventKind::Verify(challenge) => challenge.map(|one| one.as_str().to_owned()),
        other => panic!("{other:?}"),
    };
    assert_eq!(
        challenge(r#"{"eventType":"VERIFY","data":{"challenge":"c1"}}"#).as_deref(),
        Some("c1")
    );
    assert_eq!(
        challenge(r#"{"eventName":"verify","payload":{"challenge":"c1"}}"#).as_deref(),
        Some("c1")
    );
    let forged = serde_json::json!({"eventType": "VERIFY", "data": {"challenge": SENT}}).to_string();
    assert_eq!(challenge(&forged), None);
    for none in [
        r#"{"eventType":"VERIFY"}"#,
        r#"{"eventType":"VERIFY","data":{"challenge":7}}"#,
        r#"{"eventType":"VERIFY","data":[]}"#,
    ] {
        assert_eq!(challenge(none), None, "{none}");
    }
}

#[test]
fn what_is_not_known_is_kept_apart_and_what_is_no_object_is_nothing() {
    assert_eq!(read(r#"{"eventType":"VEHICLE_DELETED"}"#).kind, EventKind::Other);
    assert_eq!(read("{}").name, "unknown");
    assert_eq!(read(r#"{"eventType":"\u0000<b>"}"#).name, "unknown");
    assert_ne!(read("{}").id, read("{ }").id, "what has no id is known by its body");
    for none in [&b""[..], b"[]", b"7", b"{", b"\xff\xfe", b"null", b"\"VERIFY\""] {
        assert_eq!(WebhookEvent::read(none), None);
    }
}

#[test]
fn of_members_of_one_name_the_last_counts_as_for_the_app() {
    assert_eq!(
        read(r#"{"eventType":"VERIFY","eventType":"VEHICLE_STATE"}"#).kind,
        EventKind::VehicleState
    );
}

#[test]
fn deep_nesting_ends_nothing() {
    let deep = format!(
        r#"{{"eventType":"VEHICLE_ERROR","data":{}1{}}}"#,
        "[".repeat(20_000),
        "]".repeat(20_000)
    );
    assert_eq!(errors(&deep), []);
    assert!(WebhookEvent::is_json(deep.as_bytes()));
}

#[test]
fn times_are_read_in_all_their_forms() {
    let at = |value: &str| {
        read(&format!(r#"{{"meta":{{"deliveredAt":{value}}}}}"#))
            .sent_at
            .map(UnixMillis::as_millis)
    };
    for same in [
        "1790000000000",
        "1790000000",
        r#""1790000000000""#,
        r#""2026-09-21T14:13:20.000Z""#,
        "1.79e12",
    ] {
        assert_eq!(at(same), Some(1_790_000_000_000), "{same}");
    }
    for none in [
        "null",
        "-1",
        r#""yesterday""#,
        r#""2026-13-21T14:13:20Z""#,
        r#""2026-09-21""#,
        "{}",
        "true",
        r#""T0:0:0Z""#,
    ] {
        assert_eq!(at(none), None, "{none}");
    }
    assert_eq!(at(r#""2024-02-29T00:00:00Z""#), Some(1_709_164_800_000));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn odd_members_hide_nothing(body in among_odd_members(SENT)) {
        let event = WebhookEvent::read(&body).unwrap();
        prop_assert_eq!(event, read(SENT));
    }

    #[test]
    fn whatever_comes_is_read_or_not(body: Vec<u8>) {
        let _ = (WebhookEvent::read(&body), WebhookEvent::is_json(&body));
    }

    #[test]
    fn no_challenge_that_is_answered_is_an_event(text in r"[-A-Za-z0-9._~+/={}:,\[\]]{0,140}") {
        if let Some(challenge) = Challenge::parse(&text) {
            prop_assert!(WebhookEvent::read(challenge.as_str().as_bytes()).is_none());
        }
    }
}
