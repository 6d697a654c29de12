//! A pending connection in the vault, and what a finish does to it.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::{
    connect::{
        ATTEMPT_LIFETIME, Attempt, AuthorizationCode, Callback, ConnectionId, RedirectUri, StateError,
        StateFingerprint, UnverifiedCallback,
    },
    time::{Millis, UnixMillis},
    token::TokenError,
};

/// An exchange of which nothing has been heard for so long died with its process.
const EXCHANGE_LOST_AFTER: Millis = Millis::from_secs(15);

/// What is stored of a pending connection until it expires.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PendingRecord {
    /// The pending connection.
    pub pending: Attempt,
    /// The callback that used its state, if one has.
    pub used: Option<Consumed>,
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
}

/// Tells one callback from another: SHA-256 of its query.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CallbackDigest(String);

impl CallbackDigest {
    /// The digest of a callback's query string.
    #[must_use]
    pub fn of(query: &str) -> Self {
        Self(URL_SAFE_NO_PAD.encode(Sha256::digest(query.as_bytes())))
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
    /// The callback was about no new grant.
    NoNewGrant,
    /// The code brought no tokens. It is never presented again: a code is used once (RFC 6749 section 4.1.2).
    ExchangeFailed(TokenError),
    /// The callback brought no authorization code although it was granted.
    CodeMissing,
}

/// What a finish has to do next.
#[derive(Debug)]
pub enum Step {
    /// Nothing: the state is no good.
    Refuse(StateError),
    /// Answer with what came of the same callback before.
    Replay {
        /// What the exchange came to the first time.
        outcome: ExchangeResult,
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
}

/// Decides about a callback, given what is stored under its state's fingerprint.
#[must_use]
pub fn step(
    record: Option<&PendingRecord>,
    callback: UnverifiedCallback,
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
    match &record.used {
        Some(used) if used.digest != *digest => return Step::Refuse(StateError::Used),
        Some(Consumed {
            outcome: Some(outcome), ..
        }) => {
            return Step::Replay {
                outcome: outcome.clone(),
                callback,
            };
        }
        Some(Consumed { outcome: None, .. }) | None => {}
    }
    let used = |outcome| PendingRecord {
        pending: record.pending.clone(),
        used: Some(Consumed {
            digest: digest.clone(),
            outcome,
        }),
    };
    match &callback {
        Callback::Granted { code: Some(code), .. } => Step::Exchange {
            next: used(None),
            code: code.clone(),
            redirect_uri: record.pending.redirect_uri().clone(),
            callback,
        },
        Callback::Granted { code: None, .. } => {
            let outcome = ExchangeResult::CodeMissing;
            Step::Conclude {
                next: used(Some(outcome.clone())),
                outcome,
                callback,
            }
        }
        _ => {
            let outcome = ExchangeResult::NoNewGrant;
            Step::Conclude {
                next: used(Some(outcome.clone())),
                outcome,
                callback,
            }
        }
    }
}

/// What is stored once the exchange has ended with `outcome`.
#[must_use]
pub fn concluded(exchanging: &PendingRecord, outcome: ExchangeResult) -> PendingRecord {
    let used = exchanging.used.clone().map(|used| Consumed {
        outcome: Some(outcome),
        ..used
    });
    PendingRecord {
        pending: exchanging.pending.clone(),
        used,
    }
}

/// How many attempts of one principal may be unfinished at once; the oldest makes room.
pub const MAX_ATTEMPTS: usize = 16;

/// How many callbacks of one principal may be worked on at once: each may be a call to the token endpoint.
pub const MAX_FINISHES: usize = 4;

/// The attempts that make room for one more, by the fingerprint of their state: the oldest, but none whose code is being
/// exchanged.
#[must_use]
pub fn evicted(records: &[PendingRecord]) -> Vec<StateFingerprint> {
    let surplus = records.len().saturating_add(1).saturating_sub(MAX_ATTEMPTS);
    let mut idle: Vec<&PendingRecord> = records.iter().filter(|record| !record.is_being_exchanged()).collect();
    idle.sort_by_key(|record| record.pending.started_at());
    let oldest = idle.into_iter().take(surplus);
    oldest.map(|record| record.pending.fingerprint().clone()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{connect::State, time::Millis};

    const NOW: UnixMillis = UnixMillis::new(1_790_000_000_000);

    fn state() -> State {
        State::from_random([7; 32])
    }

    fn record() -> PendingRecord {
        let redirect_uri = RedirectUri::parse("https://app.example.com/cars").unwrap();
        PendingRecord {
            pending: Attempt::new(state().fingerprint(), redirect_uri, NOW),
            used: None,
        }
    }

    fn with_state(query: &str) -> String {
        format!("{query}&state={}", state().expose())
    }

    fn at(record: Option<&PendingRecord>, query: &str, now: UnixMillis) -> Step {
        let callback = UnverifiedCallback::parse(query).unwrap();
        super::step(record, callback, &CallbackDigest::of(query), now)
    }

    fn step(record: &PendingRecord, query: &str) -> Step {
        at(Some(record), query, NOW.after(Millis::from_mins(1)))
    }

    #[test]
    fn a_record_is_not_forgotten_in_the_middle_of_an_exchange() {
        let late = NOW.after(ATTEMPT_LIFETIME);
        let used = |outcome| PendingRecord {
            used: Some(Consumed {
                digest: CallbackDigest::of("code=c"),
                outcome,
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
                "code=the-code&x=1",
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
            ("vehicle_id=v1", ExchangeResult::NoNewGrant),
            ("user_id=u1", ExchangeResult::CodeMissing),
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
}
