//! The life of a grant, event by event.

mod clock;
mod closing;
mod faults;
mod publishing;
mod refreshing;
mod waking;

use super::{
    Answer, Effect, Event, KvOutcome, Next, Policy, Step, granted,
    schedule::{CALL_LOST_AFTER, idle_refresh_after},
    step, wake_at,
};
use crate::{
    connect::{ConnectionId, VehicleId},
    time::{Millis, UnixMillis},
    token::{AccessToken, RefreshToken, TokenError, TokenResult, TokenSet},
    vault::{
        Cause,
        grant::{Grant, GrantRecord, Health, Published, Vehicles},
    },
};

const NOW: UnixMillis = UnixMillis::new(1_790_000_000_000);

fn id() -> ConnectionId {
    ConnectionId::from_random([7; 16])
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
    record: Option<GrantRecord>,
    now: UnixMillis,
    policy: Policy,
}

impl Vault {
    /// A grant of one minute ago, listed and published.
    fn new() -> Self {
        let mut vault = Self::just_granted();
        vault.on(Event::VehiclesListed {
            vehicles: Some(vec![vehicle("v1")]),
        });
        vault.published(1, KvOutcome::Done);
        vault.published(1, KvOutcome::Done);
        vault.pass(Millis::from_mins(1));
        vault
    }

    fn just_granted() -> Self {
        let mut first = tokens(1, NOW);
        let refresh_token = first.refresh_token.take().unwrap();
        Self {
            record: Some(granted(first, refresh_token, NOW)),
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
        unpublishing.on(Event::SmartcarTold);
        let mut tombstone = unpublishing.clone();
        tombstone.unpublished(KvOutcome::Done);
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
            ("none", none),
        ]
    }

    fn pass(&mut self, span: Millis) -> &mut Self {
        self.now = self.now.after(span);
        self
    }

    fn on(&mut self, event: Event) -> Vec<String> {
        let Step { next, effects } = step(&id(), self.record.as_ref(), self.now, event, &self.policy);
        match next {
            Next::Keep => {}
            Next::Put(record) => self.record = Some(record),
            Next::Remove => self.record = None,
        }
        effects.iter().map(short).collect()
    }

    fn want(&mut self) -> Vec<String> {
        self.on(Event::TokenWanted { rejected: None })
    }

    fn rejected(&mut self, generation: u64) -> Vec<String> {
        self.on(Event::TokenWanted {
            rejected: Some(generation),
        })
    }

    fn wake(&mut self) -> Vec<String> {
        self.on(Event::Woken)
    }

    fn issued(&mut self, generation: u64, n: u32) -> Vec<String> {
        let outcome = Ok(tokens(n, self.now));
        self.on(Event::CallEnded { generation, outcome })
    }

    fn answered(&mut self, generation: u64, failure: TokenError) -> Vec<String> {
        let outcome = Err(failure);
        self.on(Event::CallEnded { generation, outcome })
    }

    fn published(&mut self, generation: u64, outcome: KvOutcome) -> Vec<String> {
        self.on(Event::PublishEnded { generation, outcome })
    }

    fn unpublished(&mut self, outcome: KvOutcome) -> Vec<String> {
        self.on(Event::UnpublishEnded { outcome })
    }

    fn disconnect(&mut self) -> Vec<String> {
        self.on(Event::DisconnectWanted {
            upstream: super::Upstream::Tell,
        })
    }

    fn wake_at(&self) -> Option<UnixMillis> {
        wake_at(&id(), self.record.as_ref()?)
    }

    /// How long until it wakes.
    fn sleeps(&self) -> Millis {
        self.wake_at().expect("it wakes").since(self.now)
    }

    fn grant(&self) -> &Grant {
        match &self.record {
            Some(GrantRecord::Live(grant)) => grant,
            other => panic!("not live: {other:?}"),
        }
    }

    fn retry_in(&self) -> Millis {
        match self.grant().health {
            Health::Unwell { retry_at, .. } => retry_at.since(self.now),
            Health::Well { .. } => panic!("it is well"),
        }
    }

    fn state(&self) -> &'static str {
        match &self.record {
            Some(GrantRecord::Live(_)) => "live",
            Some(GrantRecord::Ended { .. }) => "ended",
            Some(GrantRecord::Closing { grant: Some(_), .. }) => "telling",
            Some(GrantRecord::Closing { grant: None, .. }) => "unpublishing",
            Some(GrantRecord::Tombstone { .. }) => "tombstone",
            None => "none",
        }
    }
}

fn short(effect: &Effect) -> String {
    match effect {
        Effect::Call {
            generation,
            refresh_token,
        } => format!("call {generation} {}", refresh_token.expose()),
        Effect::ListVehicles => "list".into(),
        Effect::Publish => "publish".into(),
        Effect::Unpublish => "unpublish".into(),
        Effect::TellSmartcar { access_token, vehicles } => {
            let ids: Vec<&str> = vehicles.iter().map(VehicleId::as_str).collect();
            format!("tell {} {}", access_token.expose(), ids.join(","))
        }
        Effect::Answer(Answer::Token {
            access_token,
            generation,
            ..
        }) => format!("answer {generation} {}", access_token.expose()),
        Effect::Answer(Answer::Unavailable(unwell)) => {
            format!(
                "unavailable {} {} ms",
                unwell.cause.code(),
                unwell.retry_after.as_millis()
            )
        }
        Effect::Answer(Answer::Rejected { retry_after }) => format!("rejected {} ms", retry_after.as_millis()),
        Effect::Answer(Answer::Ended(cause)) => format!("ended {}", cause.code()),
        Effect::Answer(Answer::Unknown) => "unknown".into(),
    }
}

/// Failures after which the token may be used up.
const AMBIGUOUS: [TokenError; 4] = [
    TokenError::ServerError,
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
