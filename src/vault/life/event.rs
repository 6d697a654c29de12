//! What can happen to a connection.

use crate::{
    connect::{ExternalId, UserId, VehicleId},
    time::Millis,
    token::TokenResult,
    vault::{
        claim::HandoverOutcome, known_vehicle::Description, mark::Report, migration::Evidence, profile::Claimant,
        publication::KvOutcome, record::AskedBy,
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

/// What happens to a connection; [`step`](super::step) decides what follows.
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
    /// Somebody wants to know which vehicles the grant covers, or has seen that it may cover others by now.
    ListRequested {
        /// How old the list may be that is known.
        max_age: Millis,
    },
    /// Smartcar was asked which vehicles the grant covers.
    VehiclesListed {
        /// By what it was asked.
        asked_by: AskedBy,
        /// All of them, or `None` if Smartcar did not say.
        vehicles: Option<Vec<VehicleId>>,
    },
    /// Smartcar was asked for the owner's id.
    UserIdentified {
        /// The id, or `None` if Smartcar did not say.
        user_id: Option<UserId>,
    },
    /// Smartcar was asked what these vehicles are.
    VehiclesDescribed {
        /// The vehicles, each with what came of it.
        vehicles: Vec<(VehicleId, Description)>,
    },
    /// Something was reported of a vehicle by another way than the answer to a request, such as a webhook.
    Reported {
        /// The vehicle.
        vehicle_id: VehicleId,
        /// What.
        report: Report,
    },
    /// The owner has come back from the maker of a vehicle.
    Reauthenticated {
        /// The vehicle.
        vehicle_id: VehicleId,
    },
    /// A newer grant covers some vehicles.
    Superseded {
        /// The vehicles that it covers.
        vehicles: Vec<VehicleId>,
    },
    /// The connection is to be closed. The caller asks for a token first: Smartcar is told with the access token
    /// that is stored, if it has not expired.
    DisconnectRequested {
        /// Whether Smartcar is told.
        revocation: Revocation,
        /// What Smartcar knows the owner by, unless the connection says so itself. It stays with what has to be told: should the owner
        /// come back meanwhile, it is with another one.
        external_id: Option<ExternalId>,
    },
    /// A user of the app has claimed everything of the vault.
    Claimed {
        /// Who.
        by: Claimant,
        /// What Smartcar knows the owner of this vault by.
        external_id: ExternalId,
    },
    /// The claimant's vault was given the connection.
    HandedOver {
        /// What came of it.
        outcome: HandoverOutcome,
    },
    /// Smartcar was told of the disconnection. What it answered does not matter.
    SmartcarNotified,
    /// The operator moves the connection between Smartcar's v2 and v3.
    Migrate(Migration),
}

/// What becomes of a connection on the way from Smartcar's v2 to its v3.
#[derive(Clone, Debug)]
pub enum Migration {
    /// It is moved to v3, if Smartcar confirms it.
    Move(Evidence),
    /// It goes back to v2, if its tokens are still good.
    Reverse,
    /// Its tokens of v2 are forgotten, if it was moved.
    Finish,
}

impl Event {
    /// Whether somebody waits for a reply to it.
    pub(super) const fn asks_for_token(&self) -> bool {
        matches!(self, Self::TokenRequested { .. } | Self::RefreshCompleted { .. })
    }
}
