//! The state of the model.

use std::collections::BTreeSet;

use smartcar_connect::{
    connect::ExternalId,
    principal::Principal,
    time::UnixMillis,
    vault::{Claimant, HandoverOutcome, Leaving, Profile, Record},
};

use crate::{
    smartcar::Smartcar,
    stored::Stored,
    world::{Budget, Stage, World},
};

/// How often something can happen on one way through the model.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ClaimBudget {
    /// Callers that want a token, of either vault.
    pub asks: u8,
    /// Deaths of either Durable Object.
    pub deaths: u8,
    /// Requests to Smartcar, or answers, of which the sender hears that they were lost.
    pub faults: u8,
    /// Messages between the vaults, or answers to them, that are lost.
    pub losses: u8,
    /// Disconnections by the claimant.
    pub disconnections: u8,
    /// Deletions of everything by the claimant, who comes back at once.
    pub deletions: u8,
}

/// Which of the two vaults.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Side {
    /// The one that is claimed.
    Claimed,
    /// The claimant's.
    Claimant,
}

/// A refresh token on its way to Smartcar, or the answer on its way back.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Call {
    pub(super) side: Side,
    pub(super) generation: u64,
    pub(super) token: u8,
    pub(super) sent_at: UnixMillis,
    pub(super) stage: Stage,
    /// Whether the process that sent it waits for it: it has not died, and the deadline has not passed.
    pub(super) awaited: bool,
}

/// The connection on its way from one vault to the other, or the answer on its way back.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Message {
    /// What is sent, as a record.
    pub(super) content: Stored,
    /// The answer, once there is one.
    pub(super) answer: Option<HandoverOutcome>,
    /// Whether the process that sent it waits for the answer.
    pub(super) awaited: bool,
}

/// The world.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ClaimWorld {
    pub(super) moment: u8,
    pub(super) now: UnixMillis,
    pub(super) is_claimed: bool,
    /// What the vault that is claimed keeps of the connection.
    pub(super) from: Option<Stored>,
    /// What the claimant's vault does.
    pub(super) to: Option<Stored>,
    /// How often the claimant has had everything deleted: each time the claimant is somebody new.
    pub(super) deletions: u8,
    pub(super) calls: Vec<Call>,
    pub(super) messages: Vec<Message>,
    pub(super) smartcar: Smartcar,
    pub(super) budget: ClaimBudget,
    /// Whether the claimant has disconnected the car or had everything deleted.
    pub(super) was_given_up: bool,
    pub(super) broken: BTreeSet<&'static str>,
    pub(super) seen: BTreeSet<&'static str>,
}

pub(super) fn external_id(name: &str) -> Option<ExternalId> {
    ExternalId::parse(name).ok()
}

/// The claimant after so many deletions.
pub(super) fn claimant(deletions: u8) -> Option<Claimant> {
    Some(Claimant {
        principal: Principal::user("42").ok()?,
        external_id: external_id(&format!("e42-{deletions}"))?,
    })
}

impl ClaimWorld {
    pub(super) fn new(budget: ClaimBudget) -> Self {
        let alone = World::new(Budget::NOTHING, false);
        Self {
            moment: 0,
            now: alone.now,
            is_claimed: false,
            from: alone.stored,
            to: None,
            deletions: 0,
            calls: Vec::new(),
            messages: Vec::new(),
            smartcar: alone.smartcar,
            budget,
            was_given_up: false,
            broken: BTreeSet::new(),
            seen: BTreeSet::new(),
        }
    }

    pub(super) fn stored(&self, side: Side) -> Option<&Stored> {
        match side {
            Side::Claimed => self.from.as_ref(),
            Side::Claimant => self.to.as_ref(),
        }
    }

    pub(super) fn record(&self, side: Side) -> Option<&Record> {
        self.stored(side).map(Stored::record)
    }

    /// The connection on its way.
    pub(super) fn leaving(&self) -> Option<&Leaving> {
        match self.record(Side::Claimed) {
            Some(Record::Leaving(leaving)) => Some(leaving),
            _ => None,
        }
    }

    /// The profile of the claimant's vault.
    pub(super) fn profile(&self, deletions: u8) -> Option<Profile> {
        let claimant = claimant(deletions)?;
        Some(Profile {
            principal: claimant.principal,
            external_id: claimant.external_id,
            last_seen: self.now,
            session_ends_at: None,
            closing: false,
            claimed_by: None,
        })
    }

    /// Whether a process of this vault waits for an answer of Smartcar's.
    pub(super) fn is_calling(&self, side: Side) -> bool {
        self.calls.iter().any(|call| call.side == side && call.awaited)
    }

    pub(super) fn breaks(&mut self, property: &'static str) {
        self.broken.insert(property);
    }
}
