//! The state of the model.

use std::{
    collections::BTreeSet,
    fmt,
    hash::{Hash, Hasher},
    sync::Arc,
};

use smartcar_connect::{
    time::{Millis, UnixMillis},
    token::{
        AccessToken, TokenSet,
        cycle::{ApplicationTokens, Policy, TokenCycle as _},
    },
};

/// How often something can happen on one way through the model.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ApplicationBudget {
    /// Callers that want a token, those included that were refused one.
    pub asks: u8,
    /// Deaths of the Durable Object.
    pub deaths: u8,
    /// Requests to Smartcar, or answers, that are lost or turned away.
    pub faults: u8,
    /// How often Smartcar stops accepting all tokens that there are.
    pub revocations: u8,
}

/// Where everything begins.
pub(super) const START: UnixMillis = UnixMillis::new(1_790_000_000_000);

/// How long a token lives.
const LIFE: Millis = Millis::from_hours(1);

/// What is kept of the token. Two are the same if their JSON is, as it is in storage.
#[derive(Clone)]
pub(super) struct Kept(Arc<(ApplicationTokens, String)>);

impl Kept {
    pub(super) fn new(tokens: ApplicationTokens) -> Self {
        let json = serde_json::to_string(&tokens).unwrap_or_default();
        Self(Arc::new((tokens, json)))
    }

    pub(super) fn tokens(&self) -> &ApplicationTokens {
        &self.0.0
    }
}

impl PartialEq for Kept {
    fn eq(&self, other: &Self) -> bool {
        self.0.1 == other.0.1
    }
}

impl Eq for Kept {}

impl Hash for Kept {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.1.hash(state);
    }
}

impl fmt::Debug for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.1)
    }
}

/// A token that Smartcar has issued, by its number.
pub(super) type Number = u8;

pub(super) fn issued(number: Number, now: UnixMillis) -> TokenSet {
    TokenSet {
        access_token: AccessToken::new(number.to_string()),
        access_expires_at: now.after(LIFE),
        refresh_token: None,
    }
}

pub(super) fn number_of(token: &AccessToken) -> Number {
    token.expose().parse().unwrap_or(Number::MAX)
}

/// How far a request is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Stage {
    /// On its way to Smartcar.
    Sent,
    /// Answered with this token, of this time.
    Issued(Number, UnixMillis),
    /// Turned away: too many requests.
    TurnedAway,
}

/// A request to the token endpoint, or the answer on its way back.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Call {
    pub(super) generation: u64,
    pub(super) sent_at: UnixMillis,
    pub(super) stage: Stage,
    /// Whether the process that sent it waits for it.
    pub(super) awaited: bool,
}

/// A caller that waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Waiting {
    /// The generation that Smartcar has refused it.
    pub(super) rejected: Option<u64>,
    /// Whether the request was begun for another.
    pub(super) joined: bool,
}

/// A token that somebody was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Held {
    pub(super) generation: u64,
    pub(super) number: Number,
}

/// The world.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ApplicationWorld {
    pub(super) moment: u8,
    pub(super) now: UnixMillis,
    /// What is in storage.
    pub(super) stored: Option<Kept>,
    /// What the process knows; nothing after it has died.
    pub(super) memory: Option<Kept>,
    pub(super) waiting: Vec<Waiting>,
    pub(super) calls: Vec<Call>,
    /// What callers have in hand.
    pub(super) held: BTreeSet<Held>,
    /// How many tokens Smartcar has issued, and up to which it accepts none any more.
    pub(super) issued: Number,
    pub(super) revoked: Number,
    pub(super) budget: ApplicationBudget,
    pub(super) broken: BTreeSet<&'static str>,
    pub(super) seen: BTreeSet<&'static str>,
}

impl ApplicationWorld {
    pub(super) fn new(budget: ApplicationBudget, has_token: bool) -> Self {
        let first = has_token.then(|| {
            let none = ApplicationTokens::none(START);
            let had = none.ended(0, Ok(issued(1, START)), START, &Policy::default());
            Kept::new(had.next.unwrap_or(none))
        });
        Self {
            moment: 0,
            now: START,
            held: first
                .iter()
                .map(|_| Held {
                    generation: 1,
                    number: 1,
                })
                .collect(),
            issued: Number::from(has_token),
            stored: first,
            memory: None,
            waiting: Vec::new(),
            calls: Vec::new(),
            revoked: 0,
            budget,
            broken: BTreeSet::new(),
            seen: BTreeSet::new(),
        }
    }

    /// What the process goes by: what it knows, or what is in storage.
    pub(super) fn known(&self) -> ApplicationTokens {
        let kept = self.memory.as_ref().or(self.stored.as_ref());
        kept.map_or_else(|| ApplicationTokens::none(START), |kept| kept.tokens().clone())
    }

    /// Whether the process waits for an answer of Smartcar's.
    pub(super) fn is_calling(&self) -> bool {
        self.calls.iter().any(|call| call.awaited)
    }

    pub(super) fn breaks(&mut self, property: &'static str) {
        self.broken.insert(property);
    }
}
