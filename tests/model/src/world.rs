//! The state of the model.

use std::collections::{BTreeSet, VecDeque};

use smartcar_connect::{
    api::ApiVersion,
    connect::{ConnectionId, UserId, VehicleId},
    http_api::Cause,
    time::{Millis, UnixMillis},
    token::{
        AccessToken, RefreshToken, TokenSet,
        cycle::{Policy, RefreshState},
    },
    vault::{
        Access, AskedBy, KvOutcome, Live, Record,
        life::{Event, Next, step},
    },
};

use crate::{smartcar::Smartcar, stored::Stored};

/// How often something can happen on one way through the model.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Budget {
    /// Callers that want a token.
    pub asks: u8,
    /// Of them, how many come because Smartcar refused the access token.
    pub rejections: u8,
    /// Deaths and replacements of the Durable Object.
    pub deaths: u8,
    /// Requests to Smartcar that are lost or turned away, and answers that are lost or late.
    pub faults: u8,
    /// Writes in KV that fail or are lost, and deletions that fail.
    pub kv_faults: u8,
    /// Deletions in KV that are reported as done and are not. What is over is deleted twice: one lost deletion is made up
    /// for, unless a write of a process that died arrives as well.
    pub lost_deletions: u8,
    /// Disconnections by the owner.
    pub disconnections: u8,
    /// Reports that Smartcar wants the owner back, or no more.
    pub reports: u8,
}

impl Budget {
    /// Nothing happens.
    pub const NOTHING: Self = Self {
        asks: 0,
        rejections: 0,
        deaths: 0,
        faults: 0,
        kv_faults: 0,
        lost_deletions: 0,
        disconnections: 0,
        reports: 0,
    };
}

/// What is left to do for a disconnection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Closing {
    /// Tell Smartcar.
    Tell,
    /// Smartcar was told; that is to be stored.
    Told,
}

/// What a process is doing for those who wait for a token.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Flight {
    /// The call that it waits for.
    pub(crate) call: Option<u8>,
    /// How many callers wait for it.
    pub(crate) waiting: u8,
}

/// How far a call is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Stage {
    /// On its way.
    Sent,
    /// Smartcar issued this pair.
    Issued(u8),
    /// Smartcar refused the token.
    Refused,
    /// Smartcar turned the request away: too many.
    TurnedAway,
}

/// A refresh token on its way to Smartcar, or the answer on its way back.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Call {
    pub(crate) number: u8,
    pub(crate) generation: u64,
    pub(crate) token: u8,
    pub(crate) sent_at: UnixMillis,
    pub(crate) stage: Stage,
    /// Which process sent it.
    pub(crate) process: u8,
    /// Whether a flight waits for it. What is not waited for any more is late.
    pub(crate) awaited: bool,
    /// Whether the vault had stored a pair that the token had brought when it was sent.
    pub(crate) outdated: bool,
    /// What was stored when it was sent; only a driver that judges by that keeps it.
    pub(crate) judged_by: Option<Stored>,
}

/// A write or deletion in KV that is under way.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct KvOperation {
    /// The generation that is written; `None` deletes.
    pub(crate) value: Option<u64>,
    /// When it was begun.
    pub(crate) since: UnixMillis,
}

/// The world.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct World {
    pub(crate) moment: u8,
    pub(crate) now: UnixMillis,
    pub(crate) stored: Option<Stored>,
    /// The number of every pair that was ever stored.
    pub(crate) pairs_stored: BTreeSet<u8>,
    pub(crate) process: u8,
    /// What was stored when the process before this one was replaced; only a driver that goes on by it keeps it.
    pub(crate) former: Option<Stored>,
    /// At most one, but for a driver without single flight.
    pub(crate) flights: Vec<Flight>,
    pub(crate) closing: Option<Closing>,
    /// What a driver that does not store first has yet to store.
    pub(crate) unstored: VecDeque<Option<Stored>>,
    /// Writes in KV that wait for their turn, with what they write if that was settled when they were decided on.
    pub(crate) kv_waiting: Vec<Option<Option<u64>>>,
    pub(crate) kv_under_way: Vec<KvOperation>,
    /// Those of processes that are gone.
    pub(crate) kv_orphans: Vec<KvOperation>,
    pub(crate) kv: Option<u64>,
    /// Every generation that a reader may see, with the end of its access token.
    pub(crate) kv_seen: BTreeSet<(u64, UnixMillis)>,
    pub(crate) calls: Vec<Call>,
    pub(crate) calls_made: u8,
    pub(crate) smartcar: Smartcar,
    pub(crate) disconnected: bool,
    pub(crate) budget: Budget,
    /// How many asked a process that is still there and have no answer.
    pub(crate) unanswered: u8,
    /// Which property was broken on the way here.
    pub(crate) broken: BTreeSet<&'static str>,
    /// What was seen on the way here.
    pub(crate) answered: BTreeSet<&'static str>,
}

pub(crate) fn connection() -> ConnectionId {
    ConnectionId::from_random([7; 16])
}

/// The vehicles that the grant covers.
pub(crate) fn vehicles() -> Option<Vec<VehicleId>> {
    VehicleId::parse("v1").ok().map(|vehicle| vec![vehicle])
}

/// The tokens of the pair `number`.
pub(crate) fn pair(number: u8, now: UnixMillis) -> TokenSet {
    TokenSet {
        access_token: AccessToken::new(format!("a{number}")),
        access_expires_at: now.after(Millis::from_hours(2)),
        refresh_token: Some(RefreshToken::new(format!("r{number}"))),
    }
}

/// The number of a refresh token of [`pair`].
pub(crate) fn number_of(token: &RefreshToken) -> u8 {
    token.expose().trim_start_matches('r').parse().unwrap_or(u8::MAX)
}

/// How old the grant is at the first moment: its access token has four minutes left.
pub(crate) const BEFORE_THE_START: Millis = Millis::from_mins(116);

/// The grant after an hour of failures, the latest of them a while ago.
fn after_an_outage(mut record: Record, now: UnixMillis) -> Record {
    if let Record::Live(Live {
        access: Access::Owner(tokens),
        ..
    }) = &mut record
    {
        tokens.refresh = RefreshState::Failing {
            cause: Cause::ServerError,
            since: UnixMillis::new(now.as_millis().saturating_sub(3_600_000)),
            failures: 20,
            retry_at: now,
        };
    }
    record
}

impl World {
    /// A grant whose access token has four minutes left: listed, identified, published and well, unless it is after an outage.
    pub(crate) fn new(budget: Budget, after_outage: bool) -> Self {
        let granted_at = UnixMillis::new(1_790_000_000_000);
        let now = granted_at.after(BEFORE_THE_START);
        let mut first = pair(0, granted_at);
        let refresh_token = first
            .refresh_token
            .take()
            .unwrap_or_else(|| RefreshToken::new("r0".into()));
        let access_expires_at = first.access_expires_at;
        let mut record = Record::Live(Live::granted(first, refresh_token, granted_at));
        let published = || Event::KvPutCompleted {
            generation: 1,
            outcome: KvOutcome::Done,
        };
        let listed = Event::VehiclesListed {
            asked_by: AskedBy {
                connected_at: granted_at,
                version: ApiVersion::V2,
            },
            vehicles: vehicles(),
        };
        let identified = Event::UserIdentified {
            user_id: UserId::parse("u1").ok(),
        };
        for event in [listed, identified, published(), published()] {
            let decided = step(
                &connection(),
                Some(record.clone()),
                granted_at,
                event,
                &Policy::default(),
            );
            if let Next::Put(next) = decided.next {
                record = *next;
            }
        }
        if after_outage {
            record = after_an_outage(record, now);
        }
        Self {
            moment: 0,
            now,
            stored: Some(Stored::new(record)),
            pairs_stored: BTreeSet::from([0]),
            process: 0,
            former: None,
            flights: Vec::new(),
            closing: None,
            unstored: VecDeque::new(),
            kv_waiting: Vec::new(),
            kv_under_way: Vec::new(),
            kv_orphans: Vec::new(),
            kv: Some(1),
            kv_seen: BTreeSet::from([(1, access_expires_at)]),
            calls: Vec::new(),
            calls_made: 0,
            smartcar: Smartcar::new(granted_at),
            disconnected: false,
            budget,
            unanswered: 0,
            broken: BTreeSet::new(),
            answered: BTreeSet::new(),
        }
    }

    /// The time of the first moment.
    pub(crate) fn start(&self) -> UnixMillis {
        self.smartcar.granted_at().after(BEFORE_THE_START)
    }

    pub(crate) fn record(&self) -> Option<&Record> {
        self.stored.as_ref().map(Stored::record)
    }

    /// How many callers wait for a flight.
    pub(crate) fn waiting(&self) -> u8 {
        self.flights.iter().map(|flight| flight.waiting).sum()
    }

    pub(crate) fn breaks(&mut self, property: &'static str) {
        self.broken.insert(property);
    }
}
