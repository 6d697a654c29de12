//! The life of a connection: one pure function from what is stored, the time and an event to what is stored next and what
//! has to be done.
//!
//! Whoever drives it keeps these rules, which the model in `tests/model` keeps as well, and shows that each is needed:
//! 1. every event is judged by what is stored when it happens, and what [`Step::next`] says is stored, durably, before
//!    any of [`Step::effects`] is carried out: if it can't be stored, nothing is carried out;
//! 2. of [`Effect::Refresh`] what [`token::cycle`](crate::token::cycle) says: one at a time for each connection, shared by
//!    everybody who waits, and with a deadline;
//! 3. for each connection, writes and deletions in KV happen one after the other, and a write takes what is stored when its
//!    turn comes: nothing is written for a record that is no longer [`Record::Live`].

mod closing;
mod ended;
mod live;
mod schedule;
mod tombstone;

#[cfg(test)]
mod tests;

pub use schedule::next_alarm;

use super::{KvOutcome, Record};
use crate::{
    api::VehicleAttributes,
    connect::{ConnectionId, UserId, VehicleId},
    time::{Millis, UnixMillis},
    token::{
        AccessToken, RefreshToken, TokenResult,
        cycle::{Cause, Policy, Unavailable},
    },
};

/// Whether Smartcar is told of a disconnection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Revocation {
    /// It is: the owner disconnects.
    AtSmartcar,
    /// It is not: a newer grant covers the same vehicles, and Smartcar would end that one too.
    LocalOnly,
}

/// What happened.
#[derive(Clone, Debug)]
pub enum Event {
    /// Somebody needs an access token.
    TokenRequested {
        /// The generation whose access token Smartcar has just refused with 401, if that is why.
        rejected: Option<u64>,
    },
    /// The alarm fired, or the process started.
    AlarmFired,
    /// The token endpoint answered, or did not.
    RefreshCompleted {
        /// The generation whose refresh token was presented.
        generation: u64,
        /// The next pair, or why there is none.
        outcome: TokenResult,
    },
    /// A write to KV ended.
    KvPutCompleted {
        /// The generation that was written.
        generation: u64,
        /// How it went.
        outcome: KvOutcome,
    },
    /// A deletion in KV ended.
    KvDeleteCompleted {
        /// How it went.
        outcome: KvOutcome,
    },
    /// Smartcar was asked which vehicles the grant covers.
    VehiclesListed {
        /// All of them, or `None` if Smartcar did not say.
        vehicles: Option<Vec<VehicleId>>,
    },
    /// Smartcar was asked for the owner's id.
    UserIdentified {
        /// The id, or `None` if Smartcar did not say.
        user_id: Option<UserId>,
    },
    /// Smartcar said what does not change of these vehicles.
    VehiclesDescribed {
        /// The vehicles, each with what Smartcar said.
        vehicles: Vec<(VehicleId, VehicleAttributes)>,
    },
    /// A newer grant covers some vehicles.
    Superseded {
        /// The vehicles that it covers.
        vehicles: Vec<VehicleId>,
    },
    /// The connection is to be closed. Whoever wants this asks for a token first: Smartcar is told with the access token
    /// that is stored, if it has not expired.
    DisconnectRequested {
        /// Whether Smartcar is told.
        revocation: Revocation,
    },
    /// Smartcar was told of the disconnection. What it answered does not matter.
    SmartcarNotified,
}

/// The reply to whoever asked for a token.
#[derive(Clone, Debug)]
pub enum TokenReply {
    /// An access token that may be used.
    Token {
        /// The access token.
        access_token: AccessToken,
        /// When it expires.
        expires_at: UnixMillis,
        /// The generation it belongs to. If it is the one that Smartcar has just refused with 401, the refresh failed and
        /// the token is of no use.
        generation: u64,
    },
    /// The application's token is to be used, for the user that this connection belongs to.
    ApplicationToken {
        /// For the header `sc-user-id`.
        user_id: UserId,
    },
    /// There is none now.
    Unavailable(Unavailable),
    /// There is none now: Smartcar refuses an access token that it issued moments ago, and another one would be no better.
    Rejected {
        /// How long to wait before asking again.
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
    /// Present the refresh token at the token endpoint; ends with [`Event::RefreshCompleted`].
    Refresh {
        /// The generation that the token belongs to.
        generation: u64,
        /// The refresh token.
        refresh_token: RefreshToken,
    },
    /// Ask Smartcar which vehicles the grant covers; ends with [`Event::VehiclesListed`].
    ListVehicles,
    /// Ask Smartcar for the owner's id; ends with [`Event::UserIdentified`].
    IdentifyUser,
    /// Write the stored record to KV, if it is still live; ends with [`Event::KvPutCompleted`].
    PutKv,
    /// Delete the record in KV; ends with [`Event::KvDeleteCompleted`].
    DeleteKv,
    /// Tell Smartcar that the vehicles are disconnected; ends with [`Event::SmartcarNotified`].
    Revoke {
        /// The token that authorizes it.
        access_token: AccessToken,
        /// The vehicles.
        vehicles: Vec<VehicleId>,
    },
    /// Reply to everybody who waits for a token.
    Reply(TokenReply),
}

/// What is stored next.
#[derive(Clone, Debug)]
pub enum Next {
    /// What is stored stays.
    Keep,
    /// This record takes the place of what is stored.
    Put(Box<Record>),
    /// The record is deleted.
    Remove,
}

/// What a step means for the principal's index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IndexChange {
    /// The index says the same as before.
    Same,
    /// The index, or a look-up, is out of date: that has to be noted together with [`Step::next`].
    Outdated,
}

/// A decision about a connection.
#[derive(Clone, Debug)]
pub struct Step {
    /// What is stored next.
    pub next: Next,
    /// What it means for the index.
    pub index: IndexChange,
    /// What is done then, in this order.
    pub effects: Vec<Effect>,
}

impl Step {
    fn keep(effects: Vec<Effect>) -> Self {
        Self {
            next: Next::Keep,
            index: IndexChange::Same,
            effects,
        }
    }

    fn put(record: Record, effects: Vec<Effect>) -> Self {
        Self {
            next: Next::Put(Box::new(record)),
            index: IndexChange::Same,
            effects,
        }
    }

    fn remove() -> Self {
        Self {
            next: Next::Remove,
            index: IndexChange::Same,
            effects: Vec::new(),
        }
    }

    fn reply(reply: TokenReply) -> Self {
        Self::keep(vec![Effect::Reply(reply)])
    }
}

/// What of a record stands in the index and the look-ups.
#[derive(PartialEq, Eq)]
struct Indexed {
    is_shown: bool,
    covered: Vec<VehicleId>,
    user_id: Option<UserId>,
}

impl Indexed {
    fn of(record: Option<&Record>) -> Self {
        let covered = record.and_then(Record::live).map_or(&[][..], |live| live.vehicles());
        Self {
            is_shown: record.is_some_and(Record::is_shown),
            covered: covered.iter().map(|vehicle| vehicle.id.clone()).collect(),
            user_id: record.and_then(Record::user_id).cloned(),
        }
    }
}

/// Decides what becomes of the connection `id`.
#[must_use]
pub fn step(id: &ConnectionId, record: Option<Record>, now: UnixMillis, event: Event, policy: &Policy) -> Step {
    let before = Indexed::of(record.as_ref());
    let clamped = record
        .as_ref()
        .and_then(|record| schedule::clamp_future_times(record, now));
    let record = clamped.clone().or(record);
    let mut step = match record {
        Some(Record::Live(live)) => live::step(id, live, now, event, policy),
        Some(Record::Ended(ended)) => ended::step(ended, now, event),
        Some(Record::Closing(closing)) => closing::step(closing, now, &event),
        Some(Record::Tombstone(tombstone)) => tombstone::step(tombstone, now, &event),
        None if asks_for_token(&event) => Step::reply(TokenReply::Unknown),
        None => Step::keep(Vec::new()),
    };
    if let (Next::Keep, Some(clamped)) = (&step.next, clamped) {
        step.next = Next::Put(Box::new(clamped));
    }
    let after = match &step.next {
        Next::Keep => return step,
        Next::Put(record) => Indexed::of(Some(record)),
        Next::Remove => Indexed::of(None),
    };
    if after != before {
        step.index = IndexChange::Outdated;
    }
    step
}

/// Whether somebody waits for a reply to this event.
const fn asks_for_token(event: &Event) -> bool {
    matches!(event, Event::TokenRequested { .. } | Event::RefreshCompleted { .. })
}
