//! What the Worker and its Durable Object say to each other.

use serde::{Deserialize, Serialize};

use crate::{
    api::VehicleAttributes,
    connect::{ConnectionId, ExternalId, RedirectUri, StateFingerprint, VehicleId},
    edge::problem::Problem,
    http_api::start::Asked,
    identity::{Identity, Session},
    principal::Principal,
    secret::serde_exposed,
    time::UnixMillis,
    token::AccessToken,
    vault::CoveredVehicle,
};

/// Whom a request speaks for.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Caller {
    /// The owner whose vault is asked.
    pub principal: Principal,
    /// When the principal's anonymous session ends, if it is one.
    pub session_ends_at: Option<UnixMillis>,
}

impl Caller {
    /// The principal that the identity speaks for by itself, if there is one.
    #[must_use]
    pub fn of(identity: &Identity) -> Option<Self> {
        Some(Self {
            principal: identity.principal()?,
            session_ends_at: identity.ends_at(),
        })
    }

    /// The owner of an anonymous session.
    #[must_use]
    pub fn from_session(session: &Session) -> Self {
        Self {
            principal: session.principal(),
            session_ends_at: Some(session.ends_at()),
        }
    }
}

/// Which connection a token is wanted of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ConnectionSelector {
    /// The connection with this id.
    Connection(ConnectionId),
    /// The one that covers this vehicle.
    Vehicle(VehicleId),
}

/// What Smartcar said of a vehicle.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct LearnedVehicle {
    /// The connection that covers the vehicle.
    pub connection_id: ConnectionId,
    /// The vehicle that was asked about.
    pub vehicle_id: VehicleId,
    /// What does not change of it.
    pub attributes: VehicleAttributes,
}

/// A request to the vault of a principal.
#[derive(Debug, Serialize, Deserialize)]
pub struct VaultRequest {
    /// Who asks; nobody for [`Operation::Reseal`].
    pub caller: Option<Caller>,
    /// What the vault is to do or to tell.
    pub operation: Operation,
}

/// What a vault can be asked.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Operation {
    /// A connection is started.
    Start {
        /// Of the state that the callback will bring.
        fingerprint: StateFingerprint,
        /// Where the callback will come.
        redirect_uri: RedirectUri,
        /// What the owner is asked for.
        asked: Asked,
    },
    /// A callback came: its query.
    Finish(String),
    /// What became of the attempt with this fingerprint?
    Attempt(StateFingerprint),
    /// Which connections are there? This one alone, if one is given.
    Connections(Option<ConnectionId>),
    /// Which vehicles are there?
    Vehicles,
    /// Smartcar said what does not change of these vehicles: the vault is to keep it.
    KeepAttributes(Vec<LearnedVehicle>),
    /// An access token is wanted.
    Token {
        /// Of which connection.
        select: ConnectionSelector,
        /// The generation whose access token Smartcar just refused.
        rejected: Option<u64>,
    },
    /// A connection is to be closed.
    Disconnect(ConnectionId),
    /// Everything of the principal is to be closed and deleted.
    DisconnectAll,
    /// Everything sealed with a retired key is to be sealed with the active one.
    Reseal,
}

/// An access token for one call, inside the Worker.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct IssuedToken {
    /// The connection that it belongs to.
    pub connection_id: ConnectionId,
    /// Sent as `Authorization: Bearer`.
    #[serde(with = "serde_exposed")]
    pub access_token: AccessToken,
    /// From when on Smartcar refuses the access token.
    pub expires_at: UnixMillis,
    /// The generation that it belongs to.
    pub generation: u64,
}

/// The answer of a vault.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VaultReply {
    /// To [`Operation::Start`].
    Started {
        /// What Smartcar is to know the owner by.
        external_id: ExternalId,
        /// When the pending connection expires.
        expires_at: UnixMillis,
    },
    /// To [`Operation::Finish`], [`Operation::Attempt`] and [`Operation::Connections`]: the body of the Worker's answer, JSON.
    Body(String),
    /// To [`Operation::Vehicles`].
    Vehicles(Vec<CoveredVehicle>),
    /// To [`Operation::Token`].
    Token(IssuedToken),
    /// It is done.
    Done,
    /// To [`Operation::Reseal`]; a vault that keeps nothing answers [`VaultReply::Done`].
    Resealed {
        /// How many records could not be sealed again, because they do not open.
        failed: usize,
    },
    /// It could not be done.
    Problem(Problem),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_issued_token_reaches_the_other_side_and_no_log() {
        let issued = IssuedToken {
            connection_id: ConnectionId::from_random([7; 16]),
            access_token: AccessToken::new("hunter2".to_owned()),
            expires_at: UnixMillis::new(1),
            generation: 2,
        };
        let sent = serde_json::to_string(&VaultReply::Token(issued.clone())).unwrap();
        let Ok(VaultReply::Token(read)) = serde_json::from_str(&sent) else {
            panic!("{sent}");
        };
        assert!(read.access_token.ct_eq(&issued.access_token));
        assert!(!format!("{issued:?}").contains("hunter2"));
    }
}
