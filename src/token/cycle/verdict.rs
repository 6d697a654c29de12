//! What a machine is asked, and what it decides.

use serde::{Deserialize, Serialize};

use crate::{
    http_api::Cause,
    time::{Millis, UnixMillis},
    token::error::{TokenError, TokenResult},
};

/// How long a request to the token endpoint may take, in all.
pub const CALL_DEADLINE: Millis = Millis::from_secs(10);

/// A request of which nothing has been heard for so long died with its process.
pub const CALL_LOST_AFTER: Millis = Millis::from_secs(15);

/// What an operator can set.
#[derive(Clone, Copy, Debug)]
pub struct Policy {
    /// How long a used refresh token is still accepted after its use. Smartcar's documentation says 1 minute in one
    /// place and 10 in another; the default is the shorter.
    pub grace: Millis,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            grace: Millis::from_secs(60),
        }
    }
}

impl From<TokenError> for Cause {
    fn from(error: TokenError) -> Self {
        match error {
            TokenError::InvalidGrant => Self::InvalidGrant,
            TokenError::InvalidClient => Self::InvalidClient,
            TokenError::RateLimited { .. } => Self::RateLimited,
            TokenError::RefusedWithoutReason => Self::RefusedWithoutReason,
            TokenError::ServerError { .. } => Self::ServerError,
            TokenError::TimedOut => Self::TimedOut,
            TokenError::ConnectionLost => Self::ConnectionLost,
            TokenError::UnreadableResponse => Self::UnreadableResponse,
            TokenError::Redirected => Self::Redirected,
        }
    }
}

/// Why there is no token now although there may be one later.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Unavailable {
    /// The failure of the latest attempt.
    pub cause: Cause,
    /// How long to wait before asking again.
    pub retry_after: Millis,
}

/// What a machine decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Nothing is to be done now.
    Rest,
    /// The access token that was kept already may be used.
    Use,
    /// A newer access token came and may be used. Copies of the former one are out of date.
    Renewed,
    /// The request is to be sent, after what the machine is now has become durable: it says that one is under way.
    Request,
    /// There is no token now.
    Wait(Unavailable),
    /// There is no token now: Smartcar refuses an access token that it issued moments ago, and another one would be no
    /// better.
    Rejected {
        /// How long to wait before asking again.
        retry_after: Millis,
    },
    /// There will be no token any more.
    Over {
        /// What ended it; shown to the owner.
        cause: Cause,
        /// Since when.
        since: UnixMillis,
    },
}

/// What a machine is from now on, and what it decides.
#[derive(Clone, Debug)]
pub struct Verdict<T> {
    /// What the machine is from now on; `None` if it stays what it is.
    pub next: Option<T>,
    /// What is to be done once that is durable.
    pub decision: Decision,
}

impl<T> Verdict<T> {
    pub(super) const fn keep(decision: Decision) -> Self {
        Self { next: None, decision }
    }

    pub(super) const fn put(next: T, decision: Decision) -> Self {
        Self {
            next: Some(next),
            decision,
        }
    }
}

/// A way to have an access token.
pub trait TokenCycle: Sized {
    /// Somebody wants a token at `now`. `rejected` is the generation of the access token that Smartcar has just refused
    /// with 401, if that is why.
    fn want(&self, rejected: Option<u64>, now: UnixMillis, policy: &Policy) -> Verdict<Self>;

    /// A request that was sent for `generation` ended.
    fn ended(&self, generation: u64, outcome: TokenResult, now: UnixMillis, policy: &Policy) -> Verdict<Self>;

    /// The machine without the times that only a clock that was ahead can have written; `None` if it has none.
    fn clamped(&self, now: UnixMillis) -> Option<Self>;

    /// Counts the access tokens that were had: the higher is the newer.
    fn generation(&self) -> u64;
}
