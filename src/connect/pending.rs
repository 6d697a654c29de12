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
