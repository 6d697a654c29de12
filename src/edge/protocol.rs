//! What the Worker and its Durable Object say to each other.

use serde::{Deserialize, Serialize};

use crate::{
    connect::{ConnectionId, ExternalId, RedirectUri, StateFingerprint, UserId, VehicleId},
    edge::{access::ConnectionAccess, problem::Problem},
    http_api::{ConnectionStatus, migration::MigratedConnection, principal::PrincipalConnections, start::Asked},
    identity::{Identity, Session, SessionId, ShownSession},
    principal::Principal,
    secret::serde_exposed,
    time::{Millis, UnixMillis},
    token::AccessToken,
    vault::{
        Claimant, Description, Handover, HandoverOutcome, Import, Report, ShownVehicles, UsedTicket, VehicleReport,
        finish::PendingRecord,
    },
};

/// Whom a request speaks for.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Caller {
    /// The owner whose vault is asked.
    pub principal: Principal,
    /// When the principal's anonymous session ends, if it is one.
    pub session_ends_at: Option<UnixMillis>,
    /// The session that is shown, which the vault may have ended.
    pub session: Option<ShownSession>,
}

impl Caller {
    /// The principal that the identity speaks for by itself, if there is one.
    #[must_use]
    pub fn of(identity: &Identity) -> Option<Self> {
        Some(Self {
            principal: identity.principal()?,
            session_ends_at: identity.ends_at(),
            session: identity.shown_session(),
        })
    }

    /// The owner of an anonymous session.
    #[must_use]
    pub fn from_session(session: &Session) -> Self {
        Self {
            principal: session.principal(),
            session_ends_at: Some(session.ends_at()),
            session: Some(session.shown()),
        }
    }

    /// A principal that something else than a session has named.
    #[must_use]
    pub const fn named(principal: Principal) -> Self {
        Self {
            principal,
            session_ends_at: None,
            session: None,
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

/// What came of asking Smartcar what a vehicle is.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct DescribedVehicle {
    /// The connection that covers the vehicle.
    pub connection_id: ConnectionId,
    /// The vehicle that was asked about.
    pub vehicle_id: VehicleId,
    /// What Smartcar said, or why it did not.
    pub description: Description,
}

/// A request to the vault of a principal.
#[derive(Debug, Serialize, Deserialize)]
pub struct VaultRequest {
    /// Who asks; nobody for [`Operation::Reseal`], [`Operation::UserChanged`], [`Operation::VehicleReported`],
    /// [`Operation::MustAct`], [`Operation::ShowMigration`] and [`Operation::Migrate`].
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
    /// Smartcar was asked what these vehicles are: the vault is to keep what came of it. Which vehicles are there now?
    Described(Vec<DescribedVehicle>),
    /// By which v3 connection may this vehicle be asked?
    Access(VehicleId),
    /// Answers of v3 say this of a vehicle.
    Found {
        /// The connection that covers it.
        connection_id: ConnectionId,
        /// The vehicle.
        vehicle_id: VehicleId,
        /// What was found, in turn.
        reports: Vec<Report>,
    },
    /// An access token is wanted.
    Token {
        /// Of which connection.
        select: ConnectionSelector,
        /// The generation whose access token Smartcar just refused.
        rejected: Option<u64>,
    },
    /// A grant whose refresh token the app has kept so far.
    Import(Import),
    /// What mends this connection? An attempt to do so begins.
    Reconnect {
        /// Which connection.
        id: ConnectionId,
        /// Of the state that the callback will bring.
        fingerprint: StateFingerprint,
        /// Where the callback will come.
        redirect_uri: RedirectUri,
        /// What the owner is asked for, should the flow ask for permissions.
        asked: Asked,
    },
    /// A connection is to be closed.
    Disconnect(ConnectionId),
    /// A ticket opens a session of the user's.
    OpenSession {
        /// The ticket, which was found to be genuine and in time.
        ticket: UsedTicket,
        /// The session that it opens.
        session: ShownSession,
        /// The session of the same user in whose place it comes.
        replaced: Option<SessionId>,
    },
    /// The session that the caller shows is over, or every session of the principal.
    EndSession {
        /// Whether every session is.
        everywhere: bool,
    },
    /// The caller is about to claim what somebody else has connected.
    Welcome,
    /// What the caller, an anonymous session, has connected is claimed.
    Claim(Claimant),
    /// A connection that the caller has claimed arrives.
    Receive(Box<Handover>),
    /// Attempts that were begun in a session that the caller has claimed: they can be finished in its place.
    TakeAttempts(Vec<PendingRecord>),
    /// Everything of the principal is to be closed and deleted.
    DisconnectAll,
    /// Another vault has disconnected vehicles of this Smartcar user: what is connected here may have ended with them.
    UserChanged(UserId),
    /// A webhook says something of a vehicle that may be connected here.
    VehicleReported(VehicleReport),
    /// Whose are the connections that have one of these statuses, and which are they?
    MustAct(Vec<ConnectionStatus>),
    /// Everything sealed with a retired key is to be sealed with the active one.
    Reseal,
    /// How far are the connections on the way from v2 to v3? Answered if this name in KV is that of the vault's index.
    ShowMigration(String),
    /// As [`ShowMigration`](Self::ShowMigration), after what `SMARTCAR_MIGRATION` says was done about them.
    Migrate(String),
}

impl Operation {
    /// Whether it may be asked twice for one answer. What starts, finishes or ends something may not.
    #[must_use]
    pub const fn is_read(&self) -> bool {
        match self {
            Self::Connections(_) | Self::Vehicles | Self::Access(_) | Self::Attempt(_) | Self::MustAct(_) => true,
            Self::ShowMigration(_) => true,
            // A token may have to be refreshed: whoever asks decides whether to try again.
            Self::Token { .. }
            | Self::Start { .. }
            | Self::Import(_)
            | Self::Reconnect { .. }
            | Self::Finish(_)
            | Self::Described(_)
            | Self::Found { .. }
            | Self::Disconnect(_)
            | Self::DisconnectAll
            | Self::OpenSession { .. }
            | Self::EndSession { .. }
            | Self::Welcome
            | Self::Claim(_)
            | Self::Receive(_)
            | Self::TakeAttempts(_)
            | Self::UserChanged(_)
            | Self::VehicleReported(_)
            | Self::Reseal
            | Self::Migrate(_) => false,
        }
    }
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
    /// Whether the vehicle that it was asked for is marked, as far as KV says.
    #[serde(default)]
    pub is_marked: bool,
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
    /// To [`Operation::Finish`], [`Operation::Attempt`], [`Operation::Reconnect`], [`Operation::Import`] and
    /// [`Operation::Connections`]: the body of the Worker's answer, JSON.
    Body(String),
    /// To [`Operation::Vehicles`] and [`Operation::Described`].
    Vehicles(ShownVehicles),
    /// To [`Operation::MustAct`]; a vault that has no such connection answers [`VaultReply::Done`].
    MustAct(PrincipalConnections),
    /// To [`Operation::ShowMigration`] and [`Operation::Migrate`]; a vault that does not answer for the names says
    /// [`VaultReply::Done`].
    Migrated {
        /// How far each connection is, as far as it was looked at.
        connections: Vec<MigratedConnection>,
        /// How long Smartcar wants to be left alone, if it has said so: then not all were.
        retry_after: Option<Millis>,
    },
    /// To [`Operation::Token`].
    Token(IssuedToken),
    /// To [`Operation::Access`].
    Access(ConnectionAccess),
    /// To [`Operation::Welcome`]: what Smartcar is to know the owner by.
    Welcomed(ExternalId),
    /// To [`Operation::Claim`].
    Claimed {
        /// How many connections come along.
        connections: u32,
        /// The attempts that no callback has come for yet.
        attempts: Vec<PendingRecord>,
    },
    /// To [`Operation::Receive`].
    HandedOver(HandoverOutcome),
    /// To [`Operation::VehicleReported`]: whose the vehicle is; [`VaultReply::Done`] if it is not connected here.
    Owner(Principal),
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
    use crate::{
        connect::State,
        identity::{BackEnd, ServiceKeys, SessionLimits},
    };

    #[test]
    fn a_caller_is_whom_the_identity_speaks_for() {
        let now = UnixMillis::new(1_790_000_000_000);
        let idle = Millis::from_days(180);
        let session = Session::start([7; 32], now, SessionLimits { idle, absolute: None });
        let (principal, shown) = (session.principal(), session.shown());
        let caller = Caller::of(&Identity::Session(session)).unwrap();
        assert_eq!((caller.principal, caller.session), (principal, Some(shown)));
        assert_eq!(caller.session_ends_at, Some(now.after(idle)));

        let key = "5f0c81d2a97b4e36180f2dc4b6e97a53";
        let keys = ServiceKeys::parse(key).unwrap();
        let back_end = |user| {
            let key = keys.shown_by(Some(&format!("Bearer {key}"))).unwrap();
            Identity::Service(BackEnd { key, user })
        };
        let user = Principal::user("42").unwrap();
        let caller = Caller::of(&back_end(Some(user.clone()))).unwrap();
        assert_eq!(
            (caller.principal, caller.session, caller.session_ends_at),
            (user, None, None)
        );
        assert!(Caller::of(&back_end(None)).is_none());
    }

    #[test]
    fn only_what_changes_nothing_is_asked_twice() {
        let id = ConnectionId::from_random([7; 16]);
        let token = Operation::Token {
            select: ConnectionSelector::Connection(id.clone()),
            rejected: None,
        };
        for read in [
            Operation::Connections(None),
            Operation::Vehicles,
            Operation::Access(VehicleId::parse("v1").unwrap()),
            Operation::Attempt(State::from_random([7; 32]).fingerprint()),
            Operation::MustAct(Vec::new()),
            Operation::ShowMigration(String::new()),
        ] {
            assert!(read.is_read(), "{read:?}");
        }
        for once in [
            token,
            Operation::Finish(String::new()),
            Operation::Described(Vec::new()),
            Operation::Disconnect(id),
            Operation::DisconnectAll,
            Operation::Reseal,
            Operation::Migrate(String::new()),
        ] {
            assert!(!once.is_read(), "{once:?}");
        }
    }

    #[test]
    fn an_issued_token_reaches_the_other_side_and_no_log() {
        let issued = IssuedToken {
            connection_id: ConnectionId::from_random([7; 16]),
            access_token: AccessToken::new("hunter2".to_owned()),
            expires_at: UnixMillis::new(1),
            generation: 2,
            is_marked: false,
        };
        let sent = serde_json::to_string(&VaultReply::Token(issued.clone())).unwrap();
        let Ok(VaultReply::Token(read)) = serde_json::from_str(&sent) else {
            panic!("{sent}");
        };
        assert!(read.access_token.ct_eq(&issued.access_token));
        assert!(!format!("{issued:?}").contains("hunter2"));
    }
}
