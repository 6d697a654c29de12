//! What an event comes to: what is stored next, and what has to be done then.

use crate::{
    api::{ApiVersion, VehicleMode},
    connect::{ExternalId, UserId, VehicleId},
    http_api::Cause,
    time::{Millis, UnixMillis},
    token::{AccessToken, RefreshToken, cycle::Unavailable},
    vault::{claim::Handover, record::Record},
};

/// The reply to a request for a token.
#[derive(Clone, Debug)]
pub enum TokenReply {
    /// An access token that may be used.
    Token {
        /// The access token.
        access_token: AccessToken,
        /// From when on Smartcar refuses the access token.
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
    /// No token for now; the same request may succeed later.
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

/// What Smartcar is told with that vehicles are disconnected.
#[derive(Clone, Debug)]
pub enum RevokedBy {
    /// An access token of the owner's (v2).
    Owner(AccessToken),
    /// The application's own token (v3).
    Application {
        /// The user whose connections with the vehicles are ended.
        user_id: UserId,
        /// Which kind of cars they are.
        mode: VehicleMode,
        /// What Smartcar knows the owner by, as [`Live::external_id`](crate::vault::Live::external_id).
        external_id: Option<ExternalId>,
        /// With which of Smartcar's APIs the owner connected.
        made_with: ApiVersion,
    },
}

/// What has to be done, after [`Step::next`] is stored.
#[derive(Clone, Debug)]
pub enum Effect {
    /// Present the refresh token at the token endpoint; ends with [`Event::RefreshCompleted`](super::Event::RefreshCompleted).
    Refresh {
        /// The generation that the token belongs to.
        generation: u64,
        /// The token to present, which is used up by that.
        refresh_token: RefreshToken,
    },
    /// Ask Smartcar which vehicles the grant covers; ends with [`Event::VehiclesListed`](super::Event::VehiclesListed).
    ListVehicles,
    /// Ask Smartcar for the owner's id; ends with [`Event::UserIdentified`](super::Event::UserIdentified).
    IdentifyUser,
    /// Write the stored record to KV, if it is still live; ends with [`Event::KvPutCompleted`](super::Event::KvPutCompleted).
    PutKv,
    /// Delete the record in KV; ends with [`Event::KvDeleteCompleted`](super::Event::KvDeleteCompleted).
    DeleteKv,
    /// Tell Smartcar that the vehicles are disconnected; ends with [`Event::SmartcarNotified`](super::Event::SmartcarNotified).
    Revoke {
        /// What authorizes it.
        by: RevokedBy,
        /// The vehicles that Smartcar is to end the access to.
        vehicles: Vec<VehicleId>,
    },
    /// Give the connection to the claimant's vault; ends with [`Event::HandedOver`](super::Event::HandedOver).
    HandOver(Box<Handover>),
    /// Reply to everybody who waits for a token.
    Reply(TokenReply),
}

/// What becomes of the stored record.
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
    /// What becomes of the stored record, before any effect is carried out.
    pub next: Next,
    /// What it means for the index.
    pub index: IndexChange,
    /// What is done then, in this order.
    pub effects: Vec<Effect>,
}

impl Step {
    pub(super) fn keep(effects: Vec<Effect>) -> Self {
        Self {
            next: Next::Keep,
            index: IndexChange::Same,
            effects,
        }
    }

    pub(super) fn put(record: Record, effects: Vec<Effect>) -> Self {
        Self {
            next: Next::Put(Box::new(record)),
            index: IndexChange::Same,
            effects,
        }
    }

    pub(super) fn remove() -> Self {
        Self {
            next: Next::Remove,
            index: IndexChange::Same,
            effects: Vec::new(),
        }
    }

    pub(super) fn reply(reply: TokenReply) -> Self {
        Self::keep(vec![Effect::Reply(reply)])
    }
}
