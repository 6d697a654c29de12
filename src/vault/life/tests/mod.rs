//! The life of a grant, event by event.

mod clock;
mod closing;
mod faults;
mod going_on;
mod leaving;
mod listing;
mod moving;
mod publishing;
mod refreshing;
mod waking;

use super::{
    Effect, Event, IndexChange, Migration, Next, Revocation, RevokedBy, Step, TokenReply, next_alarm, next_alarm_by,
    schedule::idle_refresh_after, step,
};
use crate::{
    api::{ApiVersion, VehicleAttributes, VehicleMode},
    connect::{ConnectionId, ExternalId, UserId, VehicleId},
    http_api::{
        Cause,
        migration::{MigrationMode, MigrationReason},
    },
    principal::Principal,
    time::{Millis, UnixMillis},
    token::{
        AccessToken, RefreshToken, TokenError, TokenResult, TokenSet,
        cycle::{CALL_DEADLINE, CALL_LOST_AFTER, OwnerTokens, Policy, RefreshState},
    },
    vault::{
        Access, AskedBy, Claimant, Claimed, Closing, Complaint, Description, Ended, Evidence, HandoverOutcome,
        KnownVehicle, KvCopy, KvOutcome, Learned, Listing, Live, MarkCause, Record, Success, progress,
    },
};

const NOW: UnixMillis = UnixMillis::new(1_790_000_000_000);

/// How Smartcar is asked for the vehicles of a grant of v2.
const OF_V2: AskedBy = AskedBy {
    connected_at: NOW,
    version: ApiVersion::V2,
};

/// The same once it was moved, or made so.
const OF_V3: AskedBy = AskedBy {
    version: ApiVersion::V3,
    ..OF_V2
};

fn id() -> ConnectionId {
    ConnectionId::from_random([7; 16])
}

fn claimant() -> Claimant {
    Claimant {
        principal: Principal::user("42").unwrap(),
        external_id: ExternalId::parse("e42").unwrap(),
    }
}

fn vehicle(name: &str) -> VehicleId {
    VehicleId::parse(name).unwrap()
}

/// The tokens of an answer that arrived at `now`: `access-n` for two hours, `refresh-n`.
fn tokens(n: u32, now: UnixMillis) -> TokenSet {
    TokenSet {
        access_token: AccessToken::new(format!("access-{n}")),
        access_expires_at: now.after(Millis::from_hours(2)),
        refresh_token: Some(RefreshToken::new(format!("refresh-{n}"))),
    }
}

/// One connection with its clock: a driver that stores what each step says and hands out the effects in short form.
#[derive(Clone)]
struct Vault {
    record: Option<Record>,
    now: UnixMillis,
    policy: Policy,
}

impl Vault {
    /// A grant of one minute ago, listed and published.
    fn new() -> Self {
        let mut vault = Self::just_granted();
        vault.on(Event::VehiclesListed {
            asked_by: OF_V2,
            vehicles: Some(vec![vehicle("v1")]),
        });
        vault.identified();
        vault.published(1, KvOutcome::Done);
        vault.published(1, KvOutcome::Done);
        vault.pass(Millis::from_mins(1));
        vault
    }

    fn just_granted() -> Self {
        let mut first = tokens(1, NOW);
        let refresh_token = first.refresh_token.take().unwrap();
        Self {
            record: Some(Record::Live(Live::granted(first, refresh_token, NOW))),
            now: NOW,
            policy: Policy::default(),
        }
    }

    /// A grant whose access token expired just now.
    fn stale() -> Self {
        let mut vault = Self::new();
        vault.now = NOW.after(Millis::from_hours(2));
        vault
    }

    /// A grant whose access token expired just now and whose refresh token was presented.
    fn calling() -> Self {
        let mut vault = Self::stale();
        assert_eq!(vault.want(), ["call 1 refresh-1"]);
        vault
    }

    /// The states that a stored record can be in, and none.
    fn every_state() -> Vec<(&'static str, Self)> {
        let mut ended = Self::calling();
        ended.answered(1, TokenError::InvalidGrant);
        let mut telling = Self::new();
        telling.disconnect();
        let mut unpublishing = telling.clone();
        unpublishing.on(Event::SmartcarNotified);
        let mut tombstone = unpublishing.clone();
        tombstone.unpublished(KvOutcome::Done);
        let mut leaving = Self::new();
        leaving.claimed();
        let none = Self {
            record: None,
            ..Self::new()
        };
        vec![
            ("live", Self::new()),
            ("stale", Self::stale()),
            ("calling", Self::calling()),
            ("ended", ended),
            ("telling", telling),
            ("unpublishing", unpublishing),
            ("tombstone", tombstone),
            ("leaving", leaving),
            ("none", none),
        ]
    }

    /// Does the same in every state: `expected` says in turn what is to be done then, and the state that it leads to.
    #[track_caller]
    fn in_every_state(expected: &[(&str, &[&str], &str)], act: impl Fn(&mut Self) -> Vec<String>) {
        let states = Self::every_state();
        assert_eq!(states.len(), expected.len());
        for ((name, mut vault), (expected_name, effects, state)) in states.into_iter().zip(expected) {
            assert_eq!(name, *expected_name);
            assert_eq!(act(&mut vault), *effects, "{name}");
            assert_eq!(vault.state(), *state, "{name}");
        }
    }

    fn pass(&mut self, span: Millis) -> &mut Self {
        self.now = self.now.after(span);
        self
    }

    fn on(&mut self, event: Event) -> Vec<String> {
        let Step { next, effects, .. } = step(&id(), self.record.clone(), self.now, event, &self.policy);
        match next {
            Next::Keep => {}
            Next::Put(record) => self.record = Some(*record),
            Next::Remove => self.record = None,
        }
        effects.iter().map(short).collect()
    }

    fn want(&mut self) -> Vec<String> {
        self.on(Event::TokenRequested { rejected: None })
    }

    fn rejected(&mut self, generation: u64) -> Vec<String> {
        self.on(Event::TokenRequested {
            rejected: Some(generation),
        })
    }

    fn wake(&mut self) -> Vec<String> {
        self.on(Event::AlarmFired)
    }

    fn issued(&mut self, generation: u64, n: u32) -> Vec<String> {
        let outcome = Ok(tokens(n, self.now));
        self.on(Event::RefreshCompleted { generation, outcome })
    }

    fn answered(&mut self, generation: u64, failure: TokenError) -> Vec<String> {
        let outcome = Err(failure);
        self.on(Event::RefreshCompleted { generation, outcome })
    }

    fn published(&mut self, generation: u64, outcome: KvOutcome) -> Vec<String> {
        self.on(Event::KvPutCompleted { generation, outcome })
    }

    fn unpublished(&mut self, outcome: KvOutcome) -> Vec<String> {
        self.on(Event::KvDeleteCompleted { outcome })
    }

    fn disconnect(&mut self) -> Vec<String> {
        self.on(Event::DisconnectRequested {
            external_id: None,
            revocation: Revocation::AtSmartcar,
        })
    }

    /// A user has claimed the vault.
    fn claimed(&mut self) -> Vec<String> {
        self.on(Event::Claimed {
            by: claimant(),
            external_id: ExternalId::parse("e1").unwrap(),
        })
    }

    fn handed_over(&mut self, outcome: HandoverOutcome) -> Vec<String> {
        self.on(Event::HandedOver { outcome })
    }

    fn identified(&mut self) -> Vec<String> {
        let user_id = Some(UserId::parse("u1").unwrap());
        self.on(Event::UserIdentified { user_id })
    }

    /// Smartcar names the vehicles that are known.
    fn listed_again(&mut self) {
        let vehicles = Some(self.vehicles());
        assert_eq!(
            self.on(Event::VehiclesListed {
                asked_by: OF_V2,
                vehicles
            }),
            [""; 0]
        );
    }

    fn moves(&mut self, listed: Option<Vec<Listing>>) -> Vec<String> {
        self.moves_by(listed, Some(UnixMillis::new(0)))
    }

    /// What v2 said before `v2_asked_since` does not count.
    fn moves_by(&mut self, listed: Option<Vec<Listing>>, v2_asked_since: Option<UnixMillis>) -> Vec<String> {
        let evidence = Evidence {
            listed,
            external_id: ExternalId::parse("e1").unwrap(),
            v2_asked_since,
        };
        self.on(Event::Migrate(Migration::Move(evidence)))
    }

    /// Smartcar lists `v1` with the owner.
    fn is_moved(&mut self) -> Vec<String> {
        self.moves(Some(vec![moving::listing(VehicleMode::Live, &[("u1", "v1")])]))
    }

    fn reverses(&mut self) -> Vec<String> {
        self.on(Event::Migrate(Migration::Reverse))
    }

    fn kept(&self) -> Option<&OwnerTokens> {
        self.grant().moved()?.kept.as_deref()
    }

    fn is_on_v2(&self) -> bool {
        self.grant().owner_tokens().is_some()
    }

    fn hindrance(&self) -> Option<&'static str> {
        let known = progress(self.record.as_ref()?, Some(MigrationMode::Move), self.now)?;
        known.reason.map(MigrationReason::as_str)
    }

    fn wake_at(&self) -> Option<UnixMillis> {
        next_alarm(&id(), self.record.as_ref()?)
    }

    /// How long until it wakes.
    fn sleeps(&self) -> Millis {
        self.wake_at().expect("it wakes").since(self.now)
    }

    fn grant(&self) -> &Live {
        match &self.record {
            Some(Record::Live(live)) => live,
            other => panic!("not live: {other:?}"),
        }
    }

    fn owner(&self) -> &OwnerTokens {
        self.grant().owner_tokens().expect("it has tokens of its own")
    }

    fn owner_mut(&mut self) -> &mut OwnerTokens {
        match &mut self.record {
            Some(Record::Live(Live {
                access: Access::Owner(tokens),
                ..
            })) => tokens,
            other => panic!("not live: {other:?}"),
        }
    }

    fn vehicles(&self) -> Vec<VehicleId> {
        self.grant()
            .vehicles()
            .iter()
            .map(|vehicle| vehicle.id.clone())
            .collect()
    }

    fn retry_in(&self) -> Millis {
        match self.owner().refresh {
            RefreshState::Failing { retry_at, .. } => retry_at.since(self.now),
            RefreshState::Ok { .. } => panic!("it is well"),
        }
    }

    fn state(&self) -> &'static str {
        match &self.record {
            Some(Record::Live(_)) => "live",
            Some(Record::Ended(_)) => "ended",
            Some(Record::Leaving(_)) => "leaving",
            Some(Record::Closing(Closing { live: Some(_), .. })) => "telling",
            Some(Record::Closing(Closing { live: None, .. })) => "unpublishing",
            Some(Record::Tombstone(_)) => "tombstone",
            None => "none",
        }
    }
}

fn short(effect: &Effect) -> String {
    match effect {
        Effect::Refresh {
            generation,
            refresh_token,
        } => format!("call {generation} {}", refresh_token.expose()),
        Effect::ListVehicles => "list".into(),
        Effect::IdentifyUser => "identify".into(),
        Effect::PutKv => "publish".into(),
        Effect::DeleteKv => "unpublish".into(),
        Effect::Revoke { by, vehicles } => {
            let ids: Vec<&str> = vehicles.iter().map(VehicleId::as_str).collect();
            let by = match by {
                RevokedBy::Owner(access_token) => access_token.expose().to_owned(),
                RevokedBy::Application { user_id, mode, .. } => format!("{} {}", user_id.as_str(), mode.as_str()),
            };
            format!("tell {by} {}", ids.join(","))
        }
        Effect::HandOver(handover) => match &handover.claimed {
            Claimed::Live(live) => format!("hand over {}", live.generation()),
            Claimed::Ended(ended) => format!("hand over {}", ended.cause.as_str()),
        },
        Effect::Reply(TokenReply::Token {
            access_token,
            generation,
            ..
        }) => format!("answer {generation} {}", access_token.expose()),
        Effect::Reply(TokenReply::Unavailable(unwell)) => {
            format!(
                "unavailable {} {} ms",
                unwell.cause.as_str(),
                unwell.retry_after.as_millis()
            )
        }
        Effect::Reply(TokenReply::Rejected { retry_after }) => format!("rejected {} ms", retry_after.as_millis()),
        Effect::Reply(TokenReply::Ended(cause)) => format!("ended {}", cause.as_str()),
        Effect::Reply(TokenReply::ApplicationToken { user_id }) => format!("application {}", user_id.as_str()),
        Effect::Reply(TokenReply::Unknown) => "unknown".into(),
    }
}

/// Failures after which the token may be used up.
const AMBIGUOUS: [TokenError; 4] = [
    TokenError::ServerError { retry_after: None },
    TokenError::TimedOut,
    TokenError::ConnectionLost,
    TokenError::UnreadableResponse,
];

/// Failures that say that the request was turned away.
const TURNED_AWAY: [TokenError; 4] = [
    TokenError::InvalidClient,
    TokenError::RateLimited { retry_after: None },
    TokenError::RefusedWithoutReason,
    TokenError::Redirected,
];
