//! Connections that were started and not yet finished.

use core::fmt;

use serde::{Deserialize, Serialize};

use super::{
    redirect_uri::RedirectUri,
    state::{State, StateFingerprint},
};
use crate::time::{Millis, UnixMillis};

/// How long the owner has from start to finish: 10 minutes, as long as Smartcar's code lives.
pub const PENDING_LIFETIME: Millis = Millis::from_mins(10);

/// How far the clock that started a connection may run ahead of the one that finishes it.
const CLOCK_SKEW: Millis = Millis::from_mins(1);

/// How many unfinished connections one browser session keeps: a start that the owner walked away from leaves one behind.
const MAX_PENDING: usize = 16;

/// A connection that was started and not yet finished. The state itself is not in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PendingConnection {
    fingerprint: StateFingerprint,
    redirect_uri: RedirectUri,
    started_at: UnixMillis,
    expires_at: UnixMillis,
}

impl PendingConnection {
    /// A connection that starts now and can be finished within [`PENDING_LIFETIME`].
    #[must_use]
    pub const fn new(fingerprint: StateFingerprint, redirect_uri: RedirectUri, now: UnixMillis) -> Self {
        Self {
            fingerprint,
            redirect_uri,
            started_at: now,
            expires_at: now.after(PENDING_LIFETIME),
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

    /// When the connection was started.
    #[must_use]
    pub const fn started_at(&self) -> UnixMillis {
        self.started_at
    }

    /// The first moment at which the connection can no longer be finished.
    #[must_use]
    pub const fn expires_at(&self) -> UnixMillis {
        self.expires_at
    }

    /// Whether the connection can no longer be finished at `now`: from `expires_at` on, and [`PENDING_LIFETIME`] after the
    /// start at the latest, whatever the record says. A clock that was set back does not lengthen a life: a start more than a
    /// minute in the future counts as expired.
    #[must_use]
    pub fn is_expired(&self, now: UnixMillis) -> bool {
        now >= self.expires_at.min(self.started_at.after(PENDING_LIFETIME)) || self.started_at > now.after(CLOCK_SKEW)
    }

    /// Whether `state` is the one of this connection, and in time. Compared in constant time.
    ///
    /// That a state is used once only is up to whoever keeps the record: remove it first, then check
    /// ([`PendingConnections::take`] does both).
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

/// Why a callback is not believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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

/// The unfinished connections of one browser session, each of which can be taken once.
#[derive(Clone, Debug, Default)]
pub struct PendingConnections(Vec<PendingConnection>);

impl PendingConnections {
    /// No connections.
    #[must_use]
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// Adds a connection. A former one with the same fingerprint is replaced; beyond 16 the oldest goes.
    pub fn insert(&mut self, connection: PendingConnection) {
        self.0.retain(|other| other.fingerprint != connection.fingerprint);
        self.0.push(connection);
        if self.0.len() > MAX_PENDING
            && let Some(oldest) = self.0.iter().map(|c| c.started_at).min()
            && let Some(index) = self.0.iter().position(|c| c.started_at == oldest)
        {
            self.0.remove(index);
        }
    }

    /// Removes the connection of `state` and checks it. Every entry is compared, each in constant time.
    ///
    /// # Errors
    /// [`StateError::Unknown`] if there is none, as after a first take; [`StateError::Expired`] if it is too late, in which
    /// case the connection is removed all the same.
    pub fn take(&mut self, state: &State, now: UnixMillis) -> Result<PendingConnection, StateError> {
        let fingerprint = state.fingerprint();
        let mut found = None;
        for (index, connection) in self.0.iter().enumerate() {
            if connection.fingerprint.ct_eq(&fingerprint) {
                found = Some(index);
            }
        }
        let connection = self.0.remove(found.ok_or(StateError::Unknown)?);
        connection.check(state, now)?;
        Ok(connection)
    }

    /// Removes the connections that can no longer be finished, and returns their fingerprints.
    pub fn sweep(&mut self, now: UnixMillis) -> Vec<StateFingerprint> {
        let expired = self.0.extract_if(.., |connection| connection.is_expired(now));
        expired.map(|connection| connection.fingerprint).collect()
    }

    /// The connections, in the order in which they were added.
    pub fn iter(&self) -> impl Iterator<Item = &PendingConnection> {
        self.0.iter()
    }

    /// How many there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl FromIterator<PendingConnection> for PendingConnections {
    fn from_iter<I: IntoIterator<Item = PendingConnection>>(connections: I) -> Self {
        let mut set = Self::new();
        connections.into_iter().for_each(|connection| set.insert(connection));
        set
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connect::tests::{NOW, pending, redirect_uri, state};

    fn later(millis: u64) -> UnixMillis {
        NOW.after(Millis::new(millis))
    }

    #[test]
    fn a_connection_can_be_finished_until_the_last_millisecond_of_ten_minutes() {
        let connection = pending(&state(1));
        assert_eq!(connection.expires_at(), later(600_000));
        assert_eq!(connection.check(&state(1), NOW), Ok(()));
        assert_eq!(connection.check(&state(1), later(599_999)), Ok(()));
        assert_eq!(connection.check(&state(1), later(600_000)), Err(StateError::Expired));
        assert_eq!(connection.check(&state(1), later(u64::MAX)), Err(StateError::Expired));
    }

    #[test]
    fn another_state_is_unknown_in_time_and_late() {
        let connection = pending(&state(1));
        assert_eq!(connection.check(&state(2), NOW), Err(StateError::Unknown));
        assert_eq!(connection.check(&state(2), later(600_000)), Err(StateError::Unknown));
    }

    #[test]
    fn a_clock_that_was_set_back_does_not_lengthen_a_life() {
        let minute_ahead = PendingConnection::new(state(1).fingerprint(), redirect_uri(), later(60_000));
        assert_eq!(minute_ahead.check(&state(1), NOW), Ok(()), "skew between two clocks");
        let further_ahead = PendingConnection::new(state(1).fingerprint(), redirect_uri(), later(60_001));
        assert_eq!(further_ahead.check(&state(1), NOW), Err(StateError::Expired));
    }

    #[test]
    fn a_record_cannot_ask_for_a_longer_life() {
        let mut stored = serde_json::to_value(pending(&state(1))).unwrap();
        stored["expiresAt"] = later(6_000_000).as_millis().into();
        let longer: PendingConnection = serde_json::from_value(stored.clone()).unwrap();
        assert_eq!(longer.check(&state(1), later(600_000)), Err(StateError::Expired));
        stored["expiresAt"] = later(1_000).as_millis().into();
        let shorter: PendingConnection = serde_json::from_value(stored).unwrap();
        assert_eq!(shorter.check(&state(1), later(1_000)), Err(StateError::Expired));
    }

    #[test]
    fn a_record_is_stored_without_its_state() {
        let connection = pending(&state(1));
        let json = serde_json::to_string(&connection).unwrap();
        let expected = r#"{"fingerprint":"@","redirectUri":"https://app.example.com/cars","startedAt":1790000000000,"expiresAt":1790000600000}"#;
        assert_eq!(json, expected.replace('@', state(1).fingerprint().as_str()));
        assert!(!json.contains(state(1).expose()));
        assert_eq!(serde_json::from_str::<PendingConnection>(&json).unwrap(), connection);
        for (from, to) in [
            ("https", "http"),
            ("\"fingerprint\":\"", "\"fingerprint\":\"x"),
            ("179", "-179"),
        ] {
            assert!(
                serde_json::from_str::<PendingConnection>(&json.replace(from, to)).is_err(),
                "{from}"
            );
        }
    }

    #[test]
    fn a_connection_is_taken_once() {
        let mut connections: PendingConnections = (0..5).map(|byte| pending(&state(byte))).collect();
        assert_eq!(connections.take(&state(9), NOW), Err(StateError::Unknown));
        assert_eq!(connections.len(), 5);
        for byte in [0, 4, 2] {
            assert_eq!(connections.take(&state(byte), NOW).unwrap(), pending(&state(byte)));
            assert_eq!(connections.take(&state(byte), NOW), Err(StateError::Unknown));
        }
        let left: Vec<_> = connections.iter().cloned().collect();
        assert_eq!(left, [pending(&state(1)), pending(&state(3))]);
    }

    #[test]
    fn an_expired_connection_is_removed_when_it_is_taken() {
        let mut connections: PendingConnections = [pending(&state(1))].into_iter().collect();
        assert_eq!(connections.take(&state(1), later(600_000)), Err(StateError::Expired));
        assert!(connections.is_empty());
    }

    #[test]
    fn the_expired_are_swept() {
        let young = PendingConnection::new(state(2).fingerprint(), redirect_uri(), later(1));
        let mut connections: PendingConnections = [pending(&state(1)), young.clone()].into_iter().collect();
        assert!(connections.sweep(later(599_999)).is_empty());
        assert_eq!(connections.sweep(later(600_000)), [state(1).fingerprint()]);
        assert_eq!(connections.iter().collect::<Vec<_>>(), [&young]);
    }

    #[test]
    fn no_more_than_sixteen_are_kept_and_each_once() {
        let at = |byte: u8| PendingConnection::new(state(byte).fingerprint(), redirect_uri(), later(byte.into()));
        let mut connections: PendingConnections = (0..20).rev().map(at).collect();
        assert_eq!(connections.len(), 16);
        assert!(
            connections.iter().all(|connection| connection.started_at() >= later(4)),
            "the oldest went"
        );
        connections.insert(at(10));
        assert_eq!(connections.len(), 16);
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
