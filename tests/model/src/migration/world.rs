//! The state of the model.

use std::collections::BTreeSet;

use smartcar_connect::{
    http_api::Cause,
    time::UnixMillis,
    token::cycle::OwnerTokens,
    vault::{Live, Moved, Record},
};

use crate::{
    smartcar::Smartcar,
    stored::Stored,
    world::{Budget, Stage, World},
};

/// How often something can happen on one way through the model.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct MigrationBudget {
    /// Callers that want a token.
    pub asks: u8,
    /// Deaths of the Durable Object.
    pub deaths: u8,
    /// Requests to the token endpoint, or answers, of which the sender hears that they were lost; lists that can't be had.
    pub faults: u8,
    /// Moves that the operator begins.
    pub moves: u8,
    /// How often the operator takes back.
    pub reverses: u8,
    /// How often the operator finishes.
    pub finishes: u8,
    /// Disconnections by the owner, here or at Smartcar.
    pub disconnections: u8,
    /// How often v3 says that it has none of the owner's cars, although it may have.
    pub empty_lists: u8,
}

/// A refresh token on its way to Smartcar, or the answer on its way back.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Call {
    pub(super) generation: u64,
    pub(super) token: u8,
    pub(super) sent_at: UnixMillis,
    pub(super) stage: Stage,
    /// Whether the process that sent it waits for it: it has not died, and the deadline has not passed.
    pub(super) awaited: bool,
}

/// A question to Smartcar's list of connections.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Inquiry {
    /// What was stored when it was asked.
    pub(super) read: Option<Stored>,
    /// Whether the list has the owner's cars, once Smartcar has looked.
    pub(super) has_cars: Option<bool>,
}

/// The world.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct MigrationWorld {
    pub(super) moment: u8,
    pub(super) now: UnixMillis,
    pub(super) stored: Option<Stored>,
    pub(super) calls: Vec<Call>,
    pub(super) inquiry: Option<Inquiry>,
    pub(super) smartcar: Smartcar,
    /// Whether the owner has taken the car back at Smartcar.
    pub(super) is_removed: bool,
    /// Whether the owner has disconnected here.
    pub(super) is_disconnected: bool,
    /// Whether it was finished after it had been moved.
    pub(super) is_finished: bool,
    /// Whether Smartcar refused its tokens on the way back.
    pub(super) was_refused: bool,
    /// Whether a request has arrived that nobody waits for any more: what it brings is lost.
    pub(super) has_ghost: bool,
    pub(super) budget: MigrationBudget,
    pub(super) broken: BTreeSet<&'static str>,
    pub(super) seen: BTreeSet<&'static str>,
}

impl MigrationWorld {
    pub(super) fn new(budget: MigrationBudget) -> Self {
        let alone = World::new(Budget::NOTHING, false);
        Self {
            moment: 0,
            now: alone.now,
            stored: alone.stored,
            calls: Vec::new(),
            inquiry: None,
            smartcar: alone.smartcar,
            is_removed: false,
            is_disconnected: false,
            is_finished: false,
            was_refused: false,
            has_ghost: false,
            budget,
            broken: BTreeSet::new(),
            seen: BTreeSet::new(),
        }
    }

    pub(super) fn record(&self) -> Option<&Record> {
        self.stored.as_ref().map(Stored::record)
    }

    pub(super) fn live(&self) -> Option<&Live> {
        self.record().and_then(Record::live)
    }

    /// That the connection is on v3.
    pub(super) fn moved(&self) -> Option<&Moved> {
        self.live().and_then(Live::moved)
    }

    /// The tokens of v2 of a connection that is on v3, or has ended there.
    pub(super) fn kept(&self) -> Option<&OwnerTokens> {
        match self.record()? {
            Record::Ended(ended) => ended.kept.as_deref(),
            _ => self.moved()?.kept.as_deref(),
        }
    }

    /// Whether the connection is on v3, or has ended there.
    pub(super) fn was_moved(&self) -> bool {
        let has_ended = matches!(self.record(), Some(Record::Ended(ended)) if ended.cause == Cause::NoVehicles);
        self.moved().is_some() || has_ended
    }

    /// Whether a process waits for an answer of the token endpoint.
    pub(super) fn is_calling(&self) -> bool {
        self.calls.iter().any(|call| call.awaited)
    }

    pub(super) fn breaks(&mut self, property: &'static str) {
        self.broken.insert(property);
    }
}
