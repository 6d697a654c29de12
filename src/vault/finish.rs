//! A pending connection in the vault, and what a finish does to it.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::{
    api::{ApiVersion, VehicleMode},
    connect::{
        ATTEMPT_LIFETIME, Attempt, AuthorizationCode, Callback, ConnectionId, Difference, Mode, RedirectUri,
        StateError, StateFingerprint, UnverifiedCallback, UserId, VehicleId, normal_form, query_of,
    },
    http_api::{FinishResponse, Replaced, reconnect::ReconnectFlow, start::Asked},
    time::{Millis, UnixMillis},
    token::TokenError,
    vault::reconnect::Reconnecting,
};

/// An exchange of which nothing has been heard for so long died with its process.
const EXCHANGE_LOST_AFTER: Millis = Millis::from_secs(15);

/// What is stored of a pending connection until it expires.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PendingRecord {
    /// The pending connection.
    pub pending: Attempt,
    /// What the owner is asked for.
    #[serde(default, skip_serializing_if = "Asked::is_empty")]
    pub asked: Asked,
    /// Which of Smartcar's APIs the connection is made for.
    #[serde(default = "version_2", skip_serializing_if = "is_version_2")]
    pub version: ApiVersion,
    /// Which connection it mends, if it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reconnecting: Option<Reconnecting>,
    /// The callback that used its state, if one has.
    pub used: Option<Consumed>,
}

const fn version_2() -> ApiVersion {
    ApiVersion::V2
}

fn is_version_2(version: &ApiVersion) -> bool {
    *version == ApiVersion::V2
}

impl PendingRecord {
    /// When the record can be forgotten: after ten minutes, but not in the middle of an exchange.
    #[must_use]
    pub fn kept_until(&self, now: UnixMillis) -> UnixMillis {
        // No attempt was started later than now, whatever the clock said.
        let expires_at = self.pending.expires_at().min(now.after(ATTEMPT_LIFETIME));
        if self.is_being_exchanged() {
            expires_at.max(now.after(EXCHANGE_LOST_AFTER))
        } else {
            expires_at
        }
    }

    /// Whether a code is being exchanged, unless the process that did it died.
    #[must_use]
    pub fn is_being_exchanged(&self) -> bool {
        matches!(self.used, Some(Consumed { outcome: None, .. }))
    }
}

/// The one callback that a state was used by.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Consumed {
    /// Which callback it was.
    digest: CallbackDigest,
    /// What came of it; `None` while the code is being exchanged, and forever if the process died meanwhile.
    outcome: Option<ExchangeResult>,
    /// What the callback said, as the page is told it: without the code, and without a connection.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    told: Value,
    /// What the new connection has changed of those that were made before.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    replaced: Vec<Replaced>,
}

/// Tells one callback from another: SHA-256 of its [normal form](normal_form).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CallbackDigest(String);

impl CallbackDigest {
    /// The digest of a callback, given as its URL, a path with a query, or the query.
    #[must_use]
    pub fn of(callback: &str) -> Self {
        let normal_form = normal_form(query_of(callback));
        Self(URL_SAFE_NO_PAD.encode(Sha256::digest(normal_form.as_bytes())))
    }

    /// The digest as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What came of a callback. The callback itself tells the rest, and a repeated finish brings it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ExchangeResult {
    /// A grant is kept under this id.
    Connected(ConnectionId),
    /// There was a grant, and no vehicle in it: nothing is kept.
    NoVehicles,
    /// The callback was about no new grant.
    NoNewGrant,
    /// The owner of this connection came back from the car's maker. Its tokens are kept.
    CameBack(ConnectionId),
    /// The code brought no tokens. It is never presented again: a code is used once (RFC 6749 section 4.1.2).
    ExchangeFailed(TokenError),
    /// The callback brought no authorization code: it was granted without one, or says nothing.
    CodeMissing,
    /// The callback brought no user id (v3): without it, whoever knows a state could take the cars of another who consented.
    UserIdMissing,
}

/// What a finish has to do next.
#[derive(Debug)]
pub enum Step {
    /// Nothing: the state is no good.
    Refuse(StateError),
    /// Nothing: the callback came to another address than the redirect URI.
    OtherRedirectUri(Difference),
    /// Nothing: the callback is not the answer to what was started.
    Unexpected,
    /// Answer with what came of the same callback before.
    Replay {
        /// What the owner was asked for.
        asked: Asked,
        /// What the exchange came to the first time.
        outcome: ExchangeResult,
        /// What the new connection has changed of those that were made before.
        replaced: Vec<Replaced>,
        /// The callback, which is told along with the outcome.
        callback: Callback,
    },
    /// If the connection still covers the vehicle, store the record, then answer.
    ComeBack {
        /// The record with its outcome; durable before the answer.
        next: PendingRecord,
        /// The connection whose owner came back.
        connection_id: ConnectionId,
        /// The vehicle at whose maker the owner was.
        vehicle_id: VehicleId,
        /// The callback, which is told along with the outcome.
        callback: Callback,
    },
    /// Store the record, then answer.
    Conclude {
        /// The record with its outcome; durable before the answer.
        next: PendingRecord,
        /// What the page is told.
        outcome: ExchangeResult,
        /// The callback, which is told along with the outcome.
        callback: Callback,
    },
    /// Store the record, then exchange the code. No other callback can use the state from here on. The same one gets here
    /// again only if the process died before it knew what came of the exchange.
    Exchange {
        /// The record, marked as used; durable before the code is sent.
        next: PendingRecord,
        /// The code to exchange.
        code: AuthorizationCode,
        /// The redirect URI to exchange it with.
        redirect_uri: RedirectUri,
        /// What the callback said.
        callback: Callback,
    },
    /// Store the record, then ask Smartcar's list of connections whether this user has connected cars with the owner's external
    /// id (v3): the callback's word for it is the browser's. No other callback can use the state from here on. Nothing is used up
    /// by asking: while there is no clear answer, the same callback gets here again.
    Confirm {
        /// The record, marked as used; durable before Smartcar is asked.
        next: PendingRecord,
        /// The user whom the callback names.
        user_id: UserId,
        /// Which kind of cars the owner was shown.
        mode: VehicleMode,
        /// What the callback said.
        callback: Callback,
    },
}

/// Decides about a callback, given what is stored under its state's fingerprint. `given` is the callback as it was sent.
#[must_use]
pub fn step(
    record: Option<&PendingRecord>,
    callback: UnverifiedCallback,
    given: &str,
    digest: &CallbackDigest,
    now: UnixMillis,
) -> Step {
    let Some(record) = record else {
        return Step::Refuse(StateError::Unknown);
    };
    let callback = match callback.verify(&record.pending, now) {
        Ok(callback) => callback,
        Err(error) => return Step::Refuse(error),
    };
    if let Some(difference) = record.pending.redirect_uri().callback_difference(given) {
        return Step::OtherRedirectUri(difference);
    }
    match &record.used {
        Some(used) if used.digest != *digest => return Step::Refuse(StateError::Used),
        Some(Consumed {
            outcome: Some(outcome),
            replaced,
            ..
        }) => {
            return Step::Replay {
                asked: record.asked.clone(),
                outcome: outcome.clone(),
                replaced: replaced.clone(),
                callback,
            };
        }
        Some(Consumed { outcome: None, .. }) | None => {}
    }
    let told = serde_json::to_value(FinishResponse::new(&callback, None, &record.asked, &[])).unwrap_or_default();
    let used = |outcome| PendingRecord {
        pending: record.pending.clone(),
        asked: record.asked.clone(),
        version: record.version,
        reconnecting: record.reconnecting.clone(),
        used: Some(Consumed {
            digest: digest.clone(),
            outcome,
            told: told.clone(),
            replaced: Vec::new(),
        }),
    };
    let conclude = |outcome: ExchangeResult, callback| Step::Conclude {
        next: used(Some(outcome.clone())),
        outcome,
        callback,
    };
    // What comes back of a re-authentication is the vehicle that it was about, and of anything else never a vehicle.
    let awaited = record.reconnecting.as_ref();
    let awaited = awaited.filter(|awaited| awaited.flow == ReconnectFlow::Reauthenticate);
    match (&callback, record.version) {
        (Callback::Reauthenticated { vehicle_id, .. }, _) => match awaited {
            Some(awaited) if awaited.vehicle_id.as_ref() == Some(vehicle_id) => Step::ComeBack {
                next: used(Some(ExchangeResult::CameBack(awaited.connection_id.clone()))),
                connection_id: awaited.connection_id.clone(),
                vehicle_id: vehicle_id.clone(),
                callback,
            },
            _ => Step::Unexpected,
        },
        (Callback::Granted { .. }, _) if awaited.is_some() => Step::Unexpected,
        (
            Callback::Granted {
                user_id: Some(user_id), ..
            },
            ApiVersion::V3,
        ) => Step::Confirm {
            next: used(None),
            user_id: user_id.clone(),
            mode: shown(&record.asked),
            callback,
        },
        (Callback::Granted { user_id: None, .. } | Callback::Incomplete, ApiVersion::V3) => {
            conclude(ExchangeResult::UserIdMissing, callback)
        }
        (Callback::Granted { code: Some(code), .. }, ApiVersion::V2) => Step::Exchange {
            next: used(None),
            code: code.clone(),
            redirect_uri: record.pending.redirect_uri().clone(),
            callback,
        },
        (Callback::Granted { code: None, .. } | Callback::Incomplete, ApiVersion::V2) => {
            conclude(ExchangeResult::CodeMissing, callback)
        }
        (Callback::Failed { .. }, _) => conclude(ExchangeResult::NoNewGrant, callback),
    }
}

/// Which kind of cars the owner was shown in Connect.
fn shown(asked: &Asked) -> VehicleMode {
    match asked.mode {
        Some(Mode::Simulated | Mode::Test) => VehicleMode::Simulated,
        _ => VehicleMode::Live,
    }
}

/// What is stored once the exchange has ended with `outcome`.
#[must_use]
pub fn concluded(exchanging: &PendingRecord, outcome: ExchangeResult) -> PendingRecord {
    concluded_with(exchanging, outcome, Vec::new())
}

/// As [`concluded`], and it is known what the new connection has `replaced`.
#[must_use]
pub fn concluded_with(exchanging: &PendingRecord, outcome: ExchangeResult, replaced: Vec<Replaced>) -> PendingRecord {
    let used = exchanging.used.clone().map(|used| Consumed {
        outcome: Some(outcome),
        replaced,
        ..used
    });
    PendingRecord {
        pending: exchanging.pending.clone(),
        asked: exchanging.asked.clone(),
        version: exchanging.version,
        reconnecting: exchanging.reconnecting.clone(),
        used,
    }
}

/// What became of an attempt.
#[derive(Debug)]
pub enum Progress<'a> {
    /// No callback has come.
    Pending,
    /// The code is being exchanged, unless the process that did it died.
    Exchanging,
    /// It is finished.
    Finished {
        /// What the exchange came to.
        result: &'a ExchangeResult,
        /// What the callback said, as the page is told it, without a connection.
        told: &'a Value,
        /// What the new connection has changed of those that were made before.
        replaced: &'a [Replaced],
    },
}

/// What became of the attempt that is stored as `record`.
///
/// # Errors
/// [`StateError::Unknown`] if there is none, [`StateError::Expired`] if it can no longer be finished and was not.
pub fn progress(record: Option<&PendingRecord>, now: UnixMillis) -> Result<Progress<'_>, StateError> {
    let record = record.ok_or(StateError::Unknown)?;
    match &record.used {
        None if record.pending.is_expired(now) => Err(StateError::Expired),
        None => Ok(Progress::Pending),
        Some(Consumed { outcome: None, .. }) => Ok(Progress::Exchanging),
        Some(Consumed {
            outcome: Some(result),
            told,
            replaced,
            ..
        }) => Ok(Progress::Finished { result, told, replaced }),
    }
}

/// How many attempts of one principal may be unfinished at once; the oldest makes room.
pub const MAX_ATTEMPTS: usize = 16;

/// How many callbacks of one principal may be worked on at once: each may be a call to the token endpoint.
pub const MAX_FINISHES: usize = 4;

/// The attempts that make room for one more, by the fingerprint of their state: the oldest, but none whose code is being
/// exchanged. In v3 there is no code, and a callback that was not confirmed uses nothing up.
#[must_use]
pub fn evicted(records: &[PendingRecord]) -> Vec<StateFingerprint> {
    let surplus = records.len().saturating_add(1).saturating_sub(MAX_ATTEMPTS);
    let is_idle = |record: &&PendingRecord| record.version == ApiVersion::V3 || !record.is_being_exchanged();
    let mut idle: Vec<&PendingRecord> = records.iter().filter(is_idle).collect();
    idle.sort_by_key(|record| record.pending.started_at());
    let oldest = idle.into_iter().take(surplus);
    oldest.map(|record| record.pending.fingerprint().clone()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        connect::{Mode, State},
        time::Millis,
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
        super::step(record, callback, query, &CallbackDigest::of(query), now)
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
                let expected = serde_json::json!({"kind": "connected", "virtualKeyUrl": "https://tesla.example", "connection": null});
                assert_eq!(*told, expected);
            }
            other => panic!("{other:?}"),
        }
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
}
