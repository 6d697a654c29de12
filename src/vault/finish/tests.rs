//! Callbacks, one after the other and again, and what is stored of them.

use serde_json::Value;

use super::*;
use crate::{
    api::{ApiVersion, VehicleMode},
    connect::{
        ATTEMPT_LIFETIME, Attempt, ConnectionId, Mode, RedirectUri, State, StateError, UnverifiedCallback, VehicleId,
    },
    http_api::{Replaced, reconnect::ReconnectFlow, start::Asked},
    time::{Millis, UnixMillis},
    token::TokenError,
    vault::reconnect::Reconnecting,
};

const NOW: UnixMillis = UnixMillis::new(1_790_000_000_000);

fn state() -> State {
    State::from_random([7; 32])
}

fn record() -> PendingRecord {
    let redirect_uri = RedirectUri::parse("https://app.example.com/cars").unwrap();
    PendingRecord {
        pending: Attempt::new(state().fingerprint(), redirect_uri, NOW),
        asked: Asked::default(),
        version: ApiVersion::V2,
        reconnecting: None,
        used: None,
    }
}

fn with_state(query: &str) -> String {
    format!("{query}&state={}", state().expose())
}

fn at(record: Option<&PendingRecord>, query: &str, now: UnixMillis) -> Step {
    let callback = UnverifiedCallback::parse(query).unwrap();
    super::step::step(record, callback, query, &CallbackDigest::of(query), now)
}

fn step(record: &PendingRecord, query: &str) -> Step {
    at(Some(record), query, NOW.after(Millis::from_mins(1)))
}

#[test]
fn a_digest_is_that_of_the_callback_however_it_is_given() {
    let text = |callback: &str| CallbackDigest::of(callback).as_str().to_owned();
    // base64url of SHA-256 of `code=c&state=s`.
    let digest = "OfgSNRmqmZTjUgu4ylZubnFmjqEtm23LoDeK4baFgxY";
    for same in [
        "code=c&state=s",
        "?code=c&state=s",
        "https://app.example/cars?code=c&state=s",
    ] {
        assert_eq!(text(same), digest, "{same}");
    }
    assert_ne!(text("code=d&state=s"), digest);
}

#[test]
fn a_record_is_not_forgotten_in_the_middle_of_an_exchange() {
    let late = NOW.after(ATTEMPT_LIFETIME);
    let used = |outcome| PendingRecord {
        used: Some(Consumed {
            digest: CallbackDigest::of("code=c"),
            outcome,
            told: Value::Null,
            replaced: Vec::new(),
        }),
        ..record()
    };
    assert_eq!(record().kept_until(late), late);
    assert_eq!(used(Some(ExchangeResult::NoNewGrant)).kept_until(late), late);
    assert_eq!(used(None).kept_until(late), late.after(Millis::from_secs(15)));
    assert_eq!(used(None).kept_until(NOW), late);
    let before = UnixMillis::new(NOW.as_millis() - 60_000_000);
    assert_eq!(
        record().kept_until(before),
        before.after(ATTEMPT_LIFETIME),
        "the clock was ahead"
    );
}

fn refused(step: &Step) -> StateError {
    match step {
        Step::Refuse(error) => *error,
        other => panic!("{other:?}"),
    }
}

fn exchanging(record: &PendingRecord, query: &str) -> PendingRecord {
    match step(record, query) {
        Step::Exchange { next, .. } => next,
        other => panic!("{other:?}"),
    }
}

fn replayed(record: &PendingRecord, query: &str) -> ExchangeResult {
    match step(record, query) {
        Step::Replay { outcome, .. } => outcome,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_good_callback_is_exchanged_after_it_has_used_the_state() {
    let query = with_state("code=the-code");
    match step(&record(), &query) {
        Step::Exchange {
            next,
            code,
            redirect_uri,
            ..
        } => {
            assert_eq!(code.expose(), "the-code");
            assert_eq!(redirect_uri.as_str(), "https://app.example.com/cars");
            let used = next.used.unwrap();
            assert_eq!(used.digest, CallbackDigest::of(&query));
            assert_eq!(used.outcome, None);
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_callback_without_a_good_state_is_refused_whatever_it_says() {
    let other_state = format!("code=c&state={}", State::from_random([8; 32]).expose());
    for (query, error) in [
        ("code=c", StateError::Missing),
        ("code=c&state=", StateError::Missing),
        (&other_state, StateError::Unknown),
        ("error=access_denied&state=forged", StateError::Unknown),
        ("user_id=u&state=forged", StateError::Unknown),
    ] {
        let used = exchanging(&record(), &with_state("code=the-code"));
        for record in [record(), concluded(&used, ExchangeResult::CodeMissing), used] {
            assert_eq!(refused(&step(&record, query)), error, "{query}");
        }
    }
    assert_eq!(refused(&at(None, &with_state("code=c"), NOW)), StateError::Unknown);
}

#[test]
fn after_ten_minutes_nothing_is_finished_and_nothing_replayed() {
    let query = with_state("code=the-code");
    let done = concluded(
        &exchanging(&record(), &query),
        ExchangeResult::Connected(ConnectionId::from_random([1; 16])),
    );
    let end = NOW.after(ATTEMPT_LIFETIME);
    let last = UnixMillis::new(end.as_millis() - 1);
    assert!(matches!(at(Some(&record()), &query, last), Step::Exchange { .. }));
    assert!(matches!(at(Some(&done), &query, last), Step::Replay { .. }));
    for record in [record(), done] {
        assert_eq!(refused(&at(Some(&record), &query, end)), StateError::Expired);
    }
}

#[test]
fn another_callback_cannot_use_the_state_again() {
    let exchanging = exchanging(&record(), &with_state("code=the-code"));
    let done = concluded(
        &exchanging,
        ExchangeResult::Connected(ConnectionId::from_random([1; 16])),
    );
    for record in [exchanging, done] {
        for query in [
            "code=another",
            "code=the-code&user_id=u",
            "error=access_denied",
            "vehicle_id=v",
        ] {
            assert_eq!(refused(&step(&record, &with_state(query))), StateError::Used, "{query}");
        }
    }
}

#[test]
fn the_same_callback_gets_the_stored_outcome_and_is_never_exchanged_again() {
    let query = with_state("code=the-code");
    let exchanging = exchanging(&record(), &query);
    for outcome in [
        ExchangeResult::Connected(ConnectionId::from_random([1; 16])),
        ExchangeResult::ExchangeFailed(TokenError::InvalidGrant),
        ExchangeResult::ExchangeFailed(TokenError::TimedOut),
    ] {
        let done = concluded(&exchanging, outcome.clone());
        for _ in 0..3 {
            assert_eq!(replayed(&done, &query), outcome);
        }
    }
}

#[test]
fn a_callback_is_the_same_however_it_is_written() {
    let query = with_state("code=the-code");
    let outcome = ExchangeResult::Connected(ConnectionId::from_random([1; 16]));
    let done = concluded(&exchanging(&record(), &query), outcome.clone());
    let state = state();
    let state = state.expose();
    for written in [
        format!("?{query}"),
        format!("{query}#part"),
        format!("/cars?{query}"),
        format!("state={state}&code=the-code"),
        format!("code=the%2Dcode&tab=2&state={state}&user_id="),
        format!("https://app.example.com/cars?{query}#part"),
    ] {
        assert_eq!(replayed(&done, &written), outcome, "{written}");
    }
}

#[test]
fn what_was_asked_for_stays_with_the_attempt_to_its_end() {
    let asked = Asked {
        scope: Some("read_vin".to_owned()),
        mode: Some(Mode::Simulated),
    };
    let record = PendingRecord {
        asked: asked.clone(),
        ..record()
    };
    let query = with_state("code=the-code");
    let exchanging = exchanging(&record, &query);
    let outcome = ExchangeResult::Connected(ConnectionId::from_random([1; 16]));
    let done = concluded(&exchanging, outcome);
    let done: PendingRecord = serde_json::from_str(&serde_json::to_string(&done).unwrap()).unwrap();
    assert!(matches!(step(&done, &query), Step::Replay { asked: told, .. } if told == asked));
    match progress(Some(&done), NOW) {
        Ok(Progress::Finished { told, .. }) => {
            assert_eq!(
                told["asked"],
                serde_json::json!({"scope": "read_vin", "mode": "simulated"})
            );
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_callback_that_came_to_another_address_is_refused_and_uses_nothing() {
    for elsewhere in [
        "https://evil.example/cars?",
        "https://app.example.com/cars/?",
        "http://app.example.com/cars?",
    ] {
        let url = [elsewhere, &with_state("code=the-code")].concat();
        assert!(matches!(step(&record(), &url), Step::OtherRedirectUri(_)), "{url}");
        let forged = [elsewhere, "code=c&state=forged"].concat();
        assert_eq!(refused(&step(&record(), &forged)), StateError::Unknown);
    }
    let url = ["https://app.example.com/cars?", &with_state("code=the-code")].concat();
    assert!(matches!(step(&record(), &url), Step::Exchange { .. }));
}

#[test]
fn what_became_of_an_attempt_is_known_without_its_callback() {
    let (in_time, late) = (NOW.after(Millis::from_mins(1)), NOW.after(ATTEMPT_LIFETIME));
    assert!(matches!(progress(None, in_time), Err(StateError::Unknown)));
    assert!(matches!(progress(Some(&record()), in_time), Ok(Progress::Pending)));
    assert!(matches!(progress(Some(&record()), late), Err(StateError::Expired)));
    let query = with_state("code=the-code&virtual_key_url=https%3A%2F%2Ftesla.example");
    let exchanging = exchanging(&record(), &query);
    assert!(matches!(progress(Some(&exchanging), late), Ok(Progress::Exchanging)));
    let outcome = ExchangeResult::Connected(ConnectionId::from_random([1; 16]));
    let done = concluded(&exchanging, outcome.clone());
    let done: PendingRecord = serde_json::from_str(&serde_json::to_string(&done).unwrap()).unwrap();
    match progress(Some(&done), late) {
        Ok(Progress::Finished { result, told, .. }) => {
            assert_eq!(*result, outcome);
            let expected =
                serde_json::json!({"kind": "connected", "virtualKeyUrl": "https://tesla.example", "connection": null});
            assert_eq!(*told, expected);
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_a_new_connection_has_replaced_is_kept_with_the_outcome() {
    let exchanging = exchanging(&record(), &with_state("code=the-code"));
    let id = ConnectionId::from_random([1; 16]);
    let replaced = vec![Replaced {
        id: id.clone(),
        taken_over: Vec::new(),
        lost: Vec::new(),
    }];
    let done = concluded_with(&exchanging, ExchangeResult::Connected(id), replaced.clone());
    assert_eq!(done.used.unwrap().replaced, replaced);
}

#[test]
fn after_a_death_during_the_exchange_the_same_callback_is_exchanged_again() {
    let query = with_state("code=the-code");
    let lost = exchanging(&record(), &query);
    match step(&lost, &query) {
        Step::Exchange { next, code, .. } => {
            assert_eq!(code.expose(), "the-code");
            assert_eq!(next.used.unwrap().digest, CallbackDigest::of(&query));
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_callback_that_brings_no_code_is_concluded_at_once() {
    for (query, outcome) in [
        ("error=access_denied&error_description=no", ExchangeResult::NoNewGrant),
        ("error=something_new", ExchangeResult::NoNewGrant),
        ("user_id=u1", ExchangeResult::CodeMissing),
        ("external_id=e", ExchangeResult::CodeMissing),
        ("code=", ExchangeResult::CodeMissing),
    ] {
        let query = with_state(query);
        let next = match step(&record(), &query) {
            Step::Conclude { next, outcome: got, .. } => {
                assert_eq!(got, outcome, "{query}");
                next
            }
            other => panic!("{query}: {other:?}"),
        };
        assert_eq!(replayed(&next, &query), outcome, "{query}");
        assert_eq!(
            refused(&step(&next, &with_state("code=after-all"))),
            StateError::Used,
            "{query}"
        );
    }
}

#[test]
fn the_record_holds_neither_the_code_nor_the_state() {
    let query = with_state("code=the-code");
    let done = concluded(
        &exchanging(&record(), &query),
        ExchangeResult::ExchangeFailed(TokenError::UnreadableResponse),
    );
    let json = serde_json::to_string(&done).unwrap();
    assert!(!json.contains("the-code") && !json.contains(state().expose()), "{json}");
    let read: PendingRecord = serde_json::from_str(&json).unwrap();
    assert_eq!(
        replayed(&read, &query),
        ExchangeResult::ExchangeFailed(TokenError::UnreadableResponse),
        "it reads what it wrote"
    );
}

#[test]
fn the_oldest_attempts_make_room_but_none_in_exchange() {
    let started = |byte: u8, minutes: u64| PendingRecord {
        pending: Attempt::new(
            State::from_random([byte; 32]).fingerprint(),
            record().pending.redirect_uri().clone(),
            NOW.after(Millis::from_mins(minutes)),
        ),
        asked: Asked::default(),
        version: ApiVersion::V2,
        reconnecting: None,
        used: None,
    };
    let fingerprint = |byte: u8| State::from_random([byte; 32]).fingerprint();
    let mut records: Vec<PendingRecord> = (1..16).map(|n| started(n, u64::from(20 - n))).collect();
    assert_eq!(evicted(&records), [], "there is room for one more");
    records.push(started(16, 60));
    assert_eq!(evicted(&records), [fingerprint(15)], "the oldest");
    for record in &mut records {
        if *record.pending.fingerprint() == fingerprint(15) {
            record.used = Some(Consumed {
                digest: CallbackDigest::of("code=c"),
                outcome: None,
                told: Value::Null,
                replaced: Vec::new(),
            });
        }
    }
    assert_eq!(evicted(&records), [fingerprint(14)], "its code is being exchanged");
    records.push(started(17, 61));
    assert_eq!(evicted(&records), [fingerprint(14), fingerprint(13)]);
}

#[test]
fn an_outcome_needs_a_callback_that_it_belongs_to() {
    assert!(concluded(&record(), ExchangeResult::CodeMissing).used.is_none());
}

/// An attempt for Smartcar's v3.
fn record_v3(mode: Option<Mode>) -> PendingRecord {
    PendingRecord {
        asked: Asked {
            mode,
            ..Asked::default()
        },
        version: ApiVersion::V3,
        ..record()
    }
}

#[test]
fn in_v3_the_user_is_confirmed_and_no_code_is_exchanged() {
    for (asked, expected) in [
        (None, VehicleMode::Live),
        (Some(Mode::Live), VehicleMode::Live),
        (Some(Mode::Test), VehicleMode::Simulated),
        (Some(Mode::Simulated), VehicleMode::Simulated),
    ] {
        for query in [
            "user_id=u1",
            "code=the-code&user_id=u1",
            "user_id=u1&external_id=somebody",
        ] {
            let query = with_state(query);
            let Step::Confirm {
                next, user_id, mode, ..
            } = step(&record_v3(asked), &query)
            else {
                panic!("{query}");
            };
            assert_eq!((user_id.as_str(), mode), ("u1", expected));
            assert!(next.is_being_exchanged());
            // While there is no clear answer the same callback comes here again, and no other does.
            assert!(matches!(step(&next, &query), Step::Confirm { .. }));
            assert_eq!(refused(&step(&next, &with_state("user_id=u2"))), StateError::Used);
            assert_eq!(refused(&step(&next, &with_state("code=c"))), StateError::Used);
            let done = concluded(&next, ExchangeResult::Connected(ConnectionId::from_random([1; 16])));
            assert!(matches!(step(&done, &query), Step::Replay { .. }));
            assert_eq!(done.version, ApiVersion::V3);
        }
    }
}

#[test]
fn in_v3_a_callback_without_a_user_brings_no_cars() {
    for query in ["code=the-code", "external_id=e", "code="] {
        match step(&record_v3(None), &with_state(query)) {
            Step::Conclude { outcome, .. } => assert_eq!(outcome, ExchangeResult::UserIdMissing, "{query}"),
            other => panic!("{query}: {other:?}"),
        }
    }
    match step(&record_v3(None), &with_state("error=access_denied")) {
        Step::Conclude { outcome, .. } => assert_eq!(outcome, ExchangeResult::NoNewGrant),
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_attempt_goes_on_as_what_it_was_begun_as() {
    // One of v2 keeps the form that it had.
    let kept = serde_json::to_value(record()).unwrap();
    assert!(kept.get("version").is_none());
    let read: PendingRecord = serde_json::from_value(kept).unwrap();
    assert_eq!(read.version, ApiVersion::V2);
    let kept = serde_json::to_value(record_v3(None)).unwrap();
    let read: PendingRecord = serde_json::from_value(kept).unwrap();
    assert_eq!(read.version, ApiVersion::V3);
}

fn reconnecting(flow: ReconnectFlow, vehicle: Option<&str>) -> PendingRecord {
    PendingRecord {
        reconnecting: Some(Reconnecting {
            connection_id: ConnectionId::from_random([1; 16]),
            flow,
            vehicle_id: vehicle.map(|id| VehicleId::parse(id).unwrap()),
        }),
        ..record()
    }
}

#[test]
fn a_re_authentication_comes_back_with_its_own_vehicle_and_once() {
    let attempt = reconnecting(ReconnectFlow::Reauthenticate, Some("v1"));
    let query = with_state("vehicle_id=v1&external_id=e");
    let Step::ComeBack {
        next,
        connection_id,
        vehicle_id,
        ..
    } = step(&attempt, &query)
    else {
        panic!()
    };
    assert_eq!(connection_id, ConnectionId::from_random([1; 16]));
    assert_eq!(vehicle_id.as_str(), "v1");
    let next: PendingRecord = serde_json::from_str(&serde_json::to_string(&next).unwrap()).unwrap();
    assert_eq!(replayed(&next, &query), ExchangeResult::CameBack(connection_id));
    for other in ["vehicle_id=v1", "vehicle_id=v2", "code=c", "error=access_denied"] {
        assert_eq!(refused(&step(&next, &with_state(other))), StateError::Used, "{other}");
    }
    let late = at(Some(&attempt), &query, NOW.after(ATTEMPT_LIFETIME));
    assert_eq!(refused(&late), StateError::Expired);
}

#[test]
fn a_callback_that_was_not_asked_for_is_refused_and_uses_nothing() {
    let reauthenticate = reconnecting(ReconnectFlow::Reauthenticate, Some("v1"));
    let permissions = reconnecting(ReconnectFlow::MorePermissions, None);
    let anew = reconnecting(ReconnectFlow::NewConnection, None);
    for (attempt, query) in [
        (&reauthenticate, "vehicle_id=v2"),
        (&reauthenticate, "vehicle_id=V1"),
        (&reauthenticate, "code=c"),
        (&reauthenticate, "code=c&vehicle_id=v1"),
        (&reauthenticate, "user_id=u&vehicle_id=v1"),
        (&record(), "vehicle_id=v1"),
        (&permissions, "vehicle_id=v1"),
        (&anew, "vehicle_id=v1"),
    ] {
        assert!(matches!(step(attempt, &with_state(query)), Step::Unexpected), "{query}");
    }
    for attempt in [permissions, anew] {
        assert!(matches!(
            step(&attempt, &with_state("code=c")),
            Step::Exchange { next, .. } if next.reconnecting == attempt.reconnecting
        ));
    }
}

#[test]
fn an_error_ends_a_re_authentication_and_nothing_else() {
    let attempt = reconnecting(ReconnectFlow::Reauthenticate, Some("v1"));
    for (query, outcome) in [
        ("error=access_denied&vehicle_id=v1", ExchangeResult::NoNewGrant),
        ("external_id=e", ExchangeResult::CodeMissing),
    ] {
        assert!(matches!(
            step(&attempt, &with_state(query)),
            Step::Conclude { outcome: told, .. } if told == outcome
        ));
    }
}
