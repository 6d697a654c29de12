//! An attempt to connect: started, and not yet finished.

use core::fmt;

use serde::{Deserialize, Serialize};

use super::{
    redirect_uri::RedirectUri,
    state::{State, StateFingerprint},
};
use crate::time::{Millis, UnixMillis};

/// How long the owner has from start to finish: 10 minutes, as long as Smartcar's code lives.
pub const ATTEMPT_LIFETIME: Millis = Millis::from_mins(10);

/// How far the clock that started a connection may run ahead of the one that finishes it.
const CLOCK_SKEW: Millis = Millis::from_mins(1);

/// An attempt to connect: started in one browser, and to be finished there. The state itself is not in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Attempt {
    fingerprint: StateFingerprint,
    redirect_uri: RedirectUri,
    started_at: UnixMillis,
    expires_at: UnixMillis,
}

impl Attempt {
    /// An attempt that starts now and can be finished within [`ATTEMPT_LIFETIME`].
    #[must_use]
    pub const fn new(fingerprint: StateFingerprint, redirect_uri: RedirectUri, now: UnixMillis) -> Self {
        Self {
            fingerprint,
            redirect_uri,
            started_at: now,
            expires_at: now.after(ATTEMPT_LIFETIME),
        }
    }

    /// The fingerprint of the state that the callback must bring.
    #[must_use]
    pub const fn fingerprint(&self) -> &StateFingerprint {
        &self.fingerprint
    }

    /// The redirect URI given to Connect, which the exchange of the code must repeat.
    #[must_use]
    pub const fn redirect_uri(&self) -> &RedirectUri {
        &self.redirect_uri
    }

    /// When the attempt was made, by the clock of the one that keeps it.
    #[must_use]
    pub const fn started_at(&self) -> UnixMillis {
        self.started_at
    }

    /// The first moment at which it can no longer be finished.
    #[must_use]
    pub const fn expires_at(&self) -> UnixMillis {
        self.expires_at
    }

    /// Whether it can no longer be finished at `now`: from `expires_at` on, and [`ATTEMPT_LIFETIME`] after the
    /// start at the latest, whatever the record says. A clock that was set back does not lengthen a life: a start more than a
    /// minute in the future counts as expired.
    #[must_use]
    pub fn is_expired(&self, now: UnixMillis) -> bool {
        now >= self.expires_at.min(self.started_at.after(ATTEMPT_LIFETIME)) || self.started_at > now.after(CLOCK_SKEW)
    }

    /// Whether `state` is the one of this attempt, and in time. Compared in constant time.
    ///
    /// That a state is used once only is up to the one that keeps the record: remove it first, then check.
    ///
    /// # Errors
    /// [`StateError::Unknown`] if it is another state, [`StateError::Expired`] if it is the right one too late.
    pub fn check(&self, state: &State, now: UnixMillis) -> Result<(), StateError> {
        if !self.fingerprint.ct_eq(&state.fingerprint()) {
            return Err(StateError::Unknown);
        }
        if self.is_expired(now) {
            return Err(StateError::Expired);
        }
        Ok(())
    }
}

/// Why a callback is refused although it can be read: its state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StateError {
    /// The callback has no `state`.
    Missing,
    /// No connection with this state was started here.
    Unknown,
    /// The connection was started too long ago.
    Expired,
    /// The connection with this state is already finished. Said by a store that remembers, such as the vault.
    Used,
}

impl StateError {
    /// A stable name: `state_missing`, `state_unknown`, `state_expired` or `state_used`.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Missing => "state_missing",
            Self::Unknown => "state_unknown",
            Self::Expired => "state_expired",
            Self::Used => "state_used",
        }
    }
}

impl fmt::Display for StateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Missing => "the callback has no `state`; start the connection again",
            Self::Unknown => {
                "the `state` of the callback belongs to no connection started here; start the connection again"
            }
            Self::Expired => "the connection was started more than 10 minutes ago; start it again",
            Self::Used => "the connection with this `state` is already finished; start a new one",
        })
    }
}

impl std::error::Error for StateError {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connect::tests::{NOW, attempt, redirect_uri, state};

    fn later(millis: u64) -> UnixMillis {
        NOW.after(Millis::new(millis))
    }

    #[test]
    fn an_attempt_can_be_finished_until_the_last_millisecond_of_ten_minutes() {
        let attempt = attempt(&state(1));
        assert_eq!(attempt.expires_at(), later(600_000));
        assert_eq!(attempt.check(&state(1), NOW), Ok(()));
        assert_eq!(attempt.check(&state(1), later(599_999)), Ok(()));
        assert_eq!(attempt.check(&state(1), later(600_000)), Err(StateError::Expired));
        assert_eq!(attempt.check(&state(1), later(u64::MAX)), Err(StateError::Expired));
    }

    #[test]
    fn another_state_is_unknown_in_time_and_late() {
        let attempt = attempt(&state(1));
        assert_eq!(attempt.check(&state(2), NOW), Err(StateError::Unknown));
        assert_eq!(attempt.check(&state(2), later(600_000)), Err(StateError::Unknown));
    }

    #[test]
    fn a_clock_that_was_set_back_does_not_lengthen_a_life() {
        let minute_ahead = Attempt::new(state(1).fingerprint(), redirect_uri(), later(60_000));
        assert_eq!(minute_ahead.check(&state(1), NOW), Ok(()), "skew between two clocks");
        let further_ahead = Attempt::new(state(1).fingerprint(), redirect_uri(), later(60_001));
        assert_eq!(further_ahead.check(&state(1), NOW), Err(StateError::Expired));
    }

    #[test]
    fn a_record_cannot_ask_for_a_longer_life() {
        let mut stored = serde_json::to_value(attempt(&state(1))).unwrap();
        stored["expiresAt"] = later(6_000_000).as_millis().into();
        let longer: Attempt = serde_json::from_value(stored.clone()).unwrap();
        assert_eq!(longer.check(&state(1), later(600_000)), Err(StateError::Expired));
        stored["expiresAt"] = later(1_000).as_millis().into();
        let shorter: Attempt = serde_json::from_value(stored).unwrap();
        assert_eq!(shorter.check(&state(1), later(1_000)), Err(StateError::Expired));
    }

    #[test]
    fn a_record_is_stored_without_its_state() {
        let attempt = attempt(&state(1));
        let json = serde_json::to_string(&attempt).unwrap();
        let expected = r#"{"fingerprint":"@","redirectUri":"https://app.example.com/cars","startedAt":1790000000000,"expiresAt":1790000600000}"#;
        assert_eq!(json, expected.replace('@', state(1).fingerprint().as_str()));
        assert!(!json.contains(state(1).expose()));
        assert_eq!(serde_json::from_str::<Attempt>(&json).unwrap(), attempt);
        for (from, to) in [
            ("https", "http"),
            ("\"fingerprint\":\"", "\"fingerprint\":\"x"),
            ("179", "-179"),
        ] {
            assert!(
                serde_json::from_str::<Attempt>(&json.replace(from, to)).is_err(),
                "{from}"
            );
        }
    }

    #[test]
    fn messages_and_codes() {
        for (error, code, message) in [
            (
                StateError::Missing,
                "state_missing",
                "the callback has no `state`; start the connection again",
            ),
            (
                StateError::Unknown,
                "state_unknown",
                "the `state` of the callback belongs to no connection started here; start the connection again",
            ),
            (
                StateError::Expired,
                "state_expired",
                "the connection was started more than 10 minutes ago; start it again",
            ),
            (
                StateError::Used,
                "state_used",
                "the connection with this `state` is already finished; start a new one",
            ),
        ] {
            assert_eq!((error.code(), error.to_string().as_str()), (code, message));
        }
    }
}
