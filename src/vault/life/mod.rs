//! The life of a grant: one pure function from what is stored, the time and an event to what is stored next and what has
//! to be done.
//!
//! Whoever drives it keeps these rules, which the model in `tests/model` keeps as well, and shows that each is needed:
//! 1. every event is judged by what is stored when it happens, and what [`Step::next`] says is stored, durably, before
//!    any of [`Step::effects`] is carried out: if it can't be stored, nothing is carried out;
//! 2. per grant, at most one [`Effect::Call`] is under way in one process, and everybody who wants a token meanwhile
//!    waits for its answer;
//! 3. a call that takes longer than [`CALL_DEADLINE`] has timed out; what it brings later counts if it brings tokens,
//!    and is dropped if it is a failure, for the next call is under way;
//! 4. per grant, writes and deletions in KV happen one after the other, and a write takes what is stored when its turn
//!    comes: nothing is written for a record that is no longer [`GrantRecord::Live`].

mod close;
mod publish;
mod refresh;
mod schedule;
#[cfg(test)]
mod tests;

pub use refresh::granted;
pub use schedule::wake_at;

use std::borrow::Cow;

use super::grant::{Cause, GrantRecord};
use crate::{
    connect::{ConnectionId, VehicleId},
    time::{Millis, UnixMillis},
    token::{AccessToken, RefreshToken, TokenResult},
};

/// How long a call to the token endpoint may take, in all.
pub const CALL_DEADLINE: Millis = Millis::from_secs(10);

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

/// How a write or deletion in KV went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum KvOutcome {
    /// It was accepted.
    Done,
    /// It was refused (one write per second and key) or failed.
    Failed,
}

impl KvOutcome {
    /// The stable name, for logs.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Failed => "failed",
        }
    }
}

/// Whether Smartcar is told of a disconnection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Upstream {
    /// The owner disconnects.
    Tell,
    /// A newer grant covers the same vehicles: telling Smartcar would end that one too.
    Leave,
}

/// What happened.
#[derive(Clone, Debug)]
pub enum Event {
    /// Somebody needs an access token.
    TokenWanted {
        /// The generation whose access token Smartcar just refused with 401, if that is why.
        rejected: Option<u64>,
    },
    /// The alarm rang, or the process started.
    Woken,
    /// The token endpoint answered the refresh token of `generation`, or did not.
    CallEnded {
        /// The generation whose refresh token was presented.
        generation: u64,
        /// What came of it.
        outcome: TokenResult,
    },
    /// The write of `generation` to KV ended.
    PublishEnded {
        /// The generation that was written.
        generation: u64,
        /// How it went.
        outcome: KvOutcome,
    },
    /// Smartcar was asked which vehicles the grant covers.
    VehiclesListed {
        /// They, or `None` if Smartcar did not say.
        vehicles: Option<Vec<VehicleId>>,
    },
    /// A newer grant covers these vehicles.
    Superseded {
        /// They.
        vehicles: Vec<VehicleId>,
    },
    /// The connection is to be closed. Whoever wants this asks for a token first: Smartcar is told with the access token
    /// that is stored, if it has not expired.
    DisconnectWanted {
        /// Whether Smartcar is told.
        upstream: Upstream,
    },
    /// Smartcar was told of the disconnection. What it said does not matter.
    SmartcarTold,
    /// The deletion in KV ended.
    UnpublishEnded {
        /// How it went.
        outcome: KvOutcome,
    },
}

/// Why there is no token although the grant may be well.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Unwell {
    /// What went wrong.
    pub cause: Cause,
    /// When to ask again.
    pub retry_after: Millis,
}

/// The answer to who wanted a token.
#[derive(Clone, Debug)]
pub enum Answer {
    /// Here it is.
    Token {
        /// The access token.
        access_token: AccessToken,
        /// When it expires.
        expires_at: UnixMillis,
        /// The generation it belongs to. If it is the one that Smartcar just refused with 401, the refresh failed and
        /// the token is of no use.
        generation: u64,
    },
    /// Not now.
    Unavailable(Unwell),
    /// Not now: Smartcar refuses an access token that it issued moments ago, and another one would be no better.
    Rejected {
        /// When to ask again.
        retry_after: Millis,
    },
    /// The owner has to connect again.
    Ended(Cause),
    /// There is no such connection.
    Unknown,
}

/// What has to be done, after [`Step::next`] is stored.
#[derive(Clone, Debug)]
pub enum Effect {
    /// Present the refresh token at the token endpoint; ends with [`Event::CallEnded`].
    Call {
        /// Whose refresh token it is.
        generation: u64,
        /// The token.
        refresh_token: RefreshToken,
    },
    /// Ask Smartcar which vehicles the grant covers; ends with [`Event::VehiclesListed`].
    ListVehicles,
    /// Write the stored record to KV, if it is still live; ends with [`Event::PublishEnded`].
    Publish,
    /// Delete the record in KV; ends with [`Event::UnpublishEnded`].
    Unpublish,
    /// Tell Smartcar that the vehicles are disconnected; ends with [`Event::SmartcarTold`].
    TellSmartcar {
        /// The token to say it with.
        access_token: AccessToken,
        /// The vehicles.
        vehicles: Vec<VehicleId>,
    },
    /// Answer everybody who waits.
    Answer(Answer),
}

/// What is stored next.
#[derive(Clone, Debug)]
pub enum Next {
    /// What is there.
    Keep,
    /// This.
    Put(GrantRecord),
    /// Nothing.
    Remove,
}

/// A decision.
#[derive(Clone, Debug)]
pub struct Step {
    /// What is stored next.
    pub next: Next,
    /// What is done then, in this order.
    pub effects: Vec<Effect>,
}

impl Step {
    fn keep(effects: Vec<Effect>) -> Self {
        Self {
            next: Next::Keep,
            effects,
        }
    }

    fn put(record: GrantRecord, effects: Vec<Effect>) -> Self {
        Self {
            next: Next::Put(record),
            effects,
        }
    }

    fn answer(answer: Answer) -> Self {
        Self::keep(vec![Effect::Answer(answer)])
    }
}

/// Decides what becomes of the connection `id`.
#[must_use]
pub fn step(id: &ConnectionId, record: Option<&GrantRecord>, now: UnixMillis, event: Event, policy: &Policy) -> Step {
    let believed = record.map(|record| schedule::believed(record, now));
    let record = believed.as_deref();
    let mut step = match event {
        Event::TokenWanted { rejected } => refresh::token_wanted(record, now, rejected, policy),
        Event::Woken => schedule::woken(id, record, now, policy),
        Event::CallEnded { generation, outcome } => refresh::call_ended(record, now, generation, outcome, policy),
        Event::PublishEnded { generation, outcome } => publish::publish_ended(record, now, generation, outcome),
        Event::VehiclesListed { vehicles } => publish::vehicles_listed(record, now, vehicles),
        Event::Superseded { vehicles } => close::superseded(record, now, &vehicles),
        Event::DisconnectWanted { upstream } => close::disconnect_wanted(record, now, upstream),
        Event::SmartcarTold => close::smartcar_told(record, now),
        Event::UnpublishEnded { outcome } => close::unpublish_ended(record, now, outcome),
    };
    if let (Next::Keep, Some(Cow::Owned(record))) = (&step.next, believed) {
        step.next = Next::Put(record);
    }
    step
}
