//! The life of a grant: one pure function from what is stored, the time and an event to what is stored next and what has
//! to be done.
//!
//! Whoever drives it keeps three rules, which the model in the tests keeps as well:
//! 1. what [`Step::next`] says is stored, durably, before any of [`Step::effects`] is carried out;
//! 2. per grant, at most one [`Effect::Call`] is under way in one process, and everybody who wants a token meanwhile
//!    waits for its answer;
//! 3. per grant, writes and deletions in KV happen one after the other.

use super::{
    ConnectionId,
    grant::{Cause, Grant, GrantRecord, Health, Intent, Published, Tokens, Vehicles},
};
use crate::{
    connect::VehicleId,
    time::{Millis, UnixMillis},
    token::{self, AccessToken, Failure, RefreshToken, TokenOutcome, TokenSet},
};

/// How long a call to the token endpoint may take, in all.
pub const CALL_DEADLINE: Millis = Millis::from_secs(10);

/// A call of which nothing has been heard for so long died with its process.
const CALL_LOST_AFTER: Millis = Millis::from_secs(15);

/// A call that failed faster than this is repeated at once, so that those who wait for it do not fail.
const QUICK_FAILURE: Millis = Millis::from_secs(4);

/// The longest wait between two attempts.
const LONGEST_BACKOFF: Millis = Millis::from_hours(1);

/// How long a disconnection waits for its own process before the alarm takes it over.
const CLOSING_LOST_AFTER: Millis = Millis::from_secs(30);

/// How long a publication waits for its own process before the alarm takes it over.
const PUBLICATION_LOST_AFTER: Millis = Millis::from_secs(15);

/// When a tombstone's place in KV is deleted once more: no write from before can arrive later.
const SWEEP_AFTER: Millis = Millis::from_mins(2);

/// How long a tombstone stays.
const TOMBSTONE_LIFE: Millis = Millis::from_days(1);

/// What an operator can set.
#[derive(Clone, Copy, Debug)]
pub struct Policy {
    /// How long a used refresh token is still accepted after its use. Smartcar's documentation says 1 minute in one
    /// place and 10 in another; the default is the shorter.
    pub grace: Millis,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            grace: Millis::from_secs(60),
        }
    }
}

/// How a write or deletion in KV went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum KvOutcome {
    /// It was accepted.
    Done,
    /// It was refused (one write per second and key) or failed.
    Failed,
}

/// Whether Smartcar is told of a disconnection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Upstream {
    /// The owner disconnects.
    Tell,
    /// A newer grant covers the same vehicles: telling Smartcar would end that one too.
    Leave,
}

/// What happened.
#[derive(Clone, Debug)]
pub enum Event {
    /// Somebody needs an access token.
    TokenWanted {
        /// The generation whose access token Smartcar just refused with 401, if that is why.
        rejected: Option<u64>,
    },
    /// The alarm rang, or the process started.
    Woken,
    /// The token endpoint answered the refresh token of `generation`, or did not.
    CallEnded {
        /// The generation whose refresh token was presented.
        generation: u64,
        /// What came of it.
        outcome: TokenOutcome,
    },
    /// The write of `generation` to KV ended.
    PublishEnded {
        /// The generation that was written.
        generation: u64,
        /// How it went.
        outcome: KvOutcome,
    },
    /// Smartcar was asked which vehicles the grant covers.
    VehiclesListed {
        /// They, or `None` if Smartcar did not say.
        vehicles: Option<Vec<VehicleId>>,
    },
    /// A newer grant covers these vehicles.
    Superseded {
        /// They.
        vehicles: Vec<VehicleId>,
    },
    /// The connection is to be closed.
    DisconnectWanted {
        /// Whether Smartcar is told.
        upstream: Upstream,
    },
    /// Smartcar was told of the disconnection. What it said does not matter.
    SmartcarTold,
    /// The deletion in KV ended.
    UnpublishEnded {
        /// How it went.
        outcome: KvOutcome,
    },
}

/// Why there is no token although the grant may be well.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Unwell {
    /// What went wrong.
    pub cause: Cause,
    /// When to ask again.
    pub retry_after: Millis,
}

/// The answer to who wanted a token.
#[derive(Clone, Debug)]
pub enum Answer {
    /// Here it is.
    Token {
        /// The access token.
        access_token: AccessToken,
        /// When it expires.
        expires_at: UnixMillis,
        /// The generation it belongs to.
        generation: u64,
    },
    /// Not now.
    Unavailable(Unwell),
    /// The owner has to connect again.
    Ended(Cause),
    /// There is no such connection.
    Unknown,
}

/// What has to be done, after [`Step::next`] is stored.
#[derive(Clone, Debug)]
pub enum Effect {
    /// Present the refresh token at the token endpoint; ends with [`Event::CallEnded`].
    Call {
        /// Whose refresh token it is.
        generation: u64,
        /// The token.
        refresh_token: RefreshToken,
    },
    /// Ask Smartcar which vehicles the grant covers; ends with [`Event::VehiclesListed`].
    ListVehicles,
    /// Write the stored record to KV; ends with [`Event::PublishEnded`].
    Publish,
    /// Delete the record in KV; ends with [`Event::UnpublishEnded`].
    Unpublish,
    /// Tell Smartcar that the vehicles are disconnected; ends with [`Event::SmartcarTold`].
    TellSmartcar {
        /// The token to say it with.
        access_token: AccessToken,
        /// The vehicles.
        vehicles: Vec<VehicleId>,
    },
    /// Answer everybody who waits.
    Answer(Answer),
}

/// What is stored next.
#[derive(Clone, Debug)]
pub enum Next {
    /// What is there.
    Keep,
    /// This.
    Put(GrantRecord),
    /// Nothing.
    Remove,
}

/// A decision.
#[derive(Clone, Debug)]
pub struct Step {
    /// What is stored next.
    pub next: Next,
    /// What is done then, in this order.
    pub effects: Vec<Effect>,
}

impl Step {
    fn keep(effects: Vec<Effect>) -> Self {
        Self {
            next: Next::Keep,
            effects,
        }
    }

    fn put(record: GrantRecord, effects: Vec<Effect>) -> Self {
        Self {
            next: Next::Put(record),
            effects,
        }
    }

    fn answer(answer: Answer) -> Self {
        Self::keep(vec![Effect::Answer(answer)])
    }
}

/// Decides what becomes of the connection `id`.
#[must_use]
pub fn step(id: &ConnectionId, record: Option<&GrantRecord>, now: UnixMillis, event: Event, policy: &Policy) -> Step {
    match event {
        Event::TokenWanted { rejected } => token_wanted(record, now, rejected),
        Event::Woken => woken(id, record, now),
        Event::CallEnded { generation, outcome } => call_ended(record, now, generation, outcome, policy),
        Event::PublishEnded { generation, outcome } => publish_ended(record, now, generation, outcome),
        Event::VehiclesListed { vehicles } => vehicles_listed(record, now, vehicles),
        Event::Superseded { vehicles } => superseded(record, now, &vehicles),
        Event::DisconnectWanted { upstream } => disconnect_wanted(record, now, upstream),
        Event::SmartcarTold => smartcar_told(record, now),
        Event::UnpublishEnded { outcome } => unpublish_ended(record, now, outcome),
    }
}

/// When [`Event::Woken`] is due for the connection `id`.
#[must_use]
pub fn wake_at(id: &ConnectionId, record: &GrantRecord) -> Option<UnixMillis> {
    match record {
        GrantRecord::Live(grant) => {
            let refresh = grant.tokens.refresh_expires_at.min(refresh_due_at(id, grant));
            let publish = match grant.published {
                Published::Owed { retry_at, .. } => refresh.min(retry_at),
                Published::Current => refresh,
            };
            Some(match grant.vehicles {
                Vehicles::Unlisted { retry_at, .. } => publish.min(retry_at),
                Vehicles::Listed(_) => publish,
            })
        }
        GrantRecord::Ended {
            published: Published::Owed { retry_at, .. },
            ..
        }
        | GrantRecord::Closing { retry_at, .. } => Some(*retry_at),
        GrantRecord::Ended {
            published: Published::Current,
            ..
        } => None,
        GrantRecord::Tombstone {
            since, swept: false, ..
        } => Some(since.after(SWEEP_AFTER)),
        GrantRecord::Tombstone { since, swept: true, .. } => Some(since.after(TOMBSTONE_LIFE)),
    }
}

/// A grant whose tokens just arrived in answer to an authorization code.
#[must_use]
pub fn granted(tokens: TokenSet, refresh_token: RefreshToken, now: UnixMillis) -> GrantRecord {
    GrantRecord::Live(Grant {
        generation: 1,
        tokens: Tokens {
            access_token: tokens.access_token,
            access_expires_at: tokens.access_expires_at,
            refresh_token,
            refresh_expires_at: now.after(token::REFRESH_LIFETIME),
            refresh_issued_at: now,
        },
        vehicles: Vehicles::Unlisted {
            failures: 0,
            retry_at: now.after(CALL_LOST_AFTER),
        },
        connected_at: now,
        intent: None,
        health: Health::Well { since: now },
        published: owed(now),
    })
}

/// KV is written by whoever made the change; the alarm does it if that process dies.
fn owed(now: UnixMillis) -> Published {
    Published::Owed {
        since: now,
        failures: 0,
        retry_at: now.after(PUBLICATION_LOST_AFTER),
    }
}

/// When the refresh token has to be presented although nobody asks for it.
fn refresh_due_at(id: &ConnectionId, grant: &Grant) -> UnixMillis {
    match (grant.health, grant.intent) {
        (Health::Unwell { retry_at, .. }, _) => retry_at,
        (Health::Well { .. }, Some(intent)) => intent.latest.after(CALL_LOST_AFTER),
        (Health::Well { .. }, None) => grant.tokens.refresh_issued_at.after(idle_refresh_after(id)),
    }
}

/// Half-way through the refresh token's life, and up to two days later by the connection's id, so that the grants of a
/// busy day are not all refreshed in one hour.
fn idle_refresh_after(id: &ConnectionId) -> Millis {
    const SPREAD_HOURS: u64 = 48;
    let seed = id
        .as_str()
        .bytes()
        .fold(0_u64, |seed, byte| seed.wrapping_mul(31).wrapping_add(u64::from(byte)));
    let jitter = Millis::from_hours(seed.checked_rem(SPREAD_HOURS).unwrap_or_default());
    Millis::new(token::IDLE_REFRESH_AFTER.as_millis().saturating_add(jitter.as_millis()))
}

fn token_wanted(record: Option<&GrantRecord>, now: UnixMillis, rejected: Option<u64>) -> Step {
    let grant = match record {
        Some(GrantRecord::Live(grant)) => grant,
        Some(GrantRecord::Ended { cause, .. }) => return Step::answer(Answer::Ended(*cause)),
        Some(GrantRecord::Closing { .. } | GrantRecord::Tombstone { .. }) | None => {
            return Step::answer(Answer::Unknown);
        }
    };
    if now >= grant.tokens.refresh_expires_at {
        return end(grant, Cause::RefreshTokenExpired, now);
    }
    let was_rejected = rejected == Some(grant.generation);
    if !was_rejected && token::is_fresh(grant.tokens.access_expires_at, now) {
        return Step::answer(token_of(grant));
    }
    match grant.health {
        Health::Unwell { cause, retry_at, .. } if now < retry_at => {
            let unwell = Unwell {
                cause,
                retry_after: retry_at.since(now),
            };
            Step::answer(if was_rejected {
                Answer::Unavailable(unwell)
            } else {
                token_or(grant, now, unwell)
            })
        }
        _ => call(grant, now),
    }
}

fn woken(id: &ConnectionId, record: Option<&GrantRecord>, now: UnixMillis) -> Step {
    match record {
        Some(GrantRecord::Live(grant)) => {
            if now >= grant.tokens.refresh_expires_at {
                return end(grant, Cause::RefreshTokenExpired, now);
            }
            let publish = match grant.published {
                Published::Owed { retry_at, .. } if now >= retry_at => Some(Effect::Publish),
                _ => None,
            };
            let mut step = if now >= refresh_due_at(id, grant) {
                call(grant, now)
            } else {
                Step::keep(Vec::new())
            };
            step.effects.extend(publish);
            if matches!(grant.vehicles, Vehicles::Unlisted { retry_at, .. } if now >= retry_at) {
                step.effects.push(Effect::ListVehicles);
            }
            step
        }
        Some(GrantRecord::Ended {
            published: Published::Owed { retry_at, .. },
            ..
        }) if now >= *retry_at => Step::keep(vec![Effect::Unpublish]),
        Some(GrantRecord::Closing { grant, retry_at, .. }) if now >= *retry_at => Step::keep(vec![match grant {
            Some(grant) => tell_smartcar(grant),
            None => Effect::Unpublish,
        }]),
        Some(GrantRecord::Tombstone {
            since, swept: false, ..
        }) if now >= since.after(SWEEP_AFTER) => Step::keep(vec![Effect::Unpublish]),
        Some(GrantRecord::Tombstone { since, swept: true, .. }) if now >= since.after(TOMBSTONE_LIFE) => Step {
            next: Next::Remove,
            effects: Vec::new(),
        },
        _ => Step::keep(Vec::new()),
    }
}

/// Presents the refresh token. The intent is in the record before the call goes out: whoever finds it later knows that
/// the token may be used up, and presents the same one again.
fn call(grant: &Grant, now: UnixMillis) -> Step {
    let mut grant = grant.clone();
    let (since, calls) = grant.intent.map_or((now, 0), |intent| (intent.since, intent.calls));
    grant.intent = Some(Intent {
        since,
        latest: now,
        calls: calls.saturating_add(1),
    });
    let present = Effect::Call {
        generation: grant.generation,
        refresh_token: grant.tokens.refresh_token.clone(),
    };
    Step::put(GrantRecord::Live(grant), vec![present])
}

fn call_ended(
    record: Option<&GrantRecord>,
    now: UnixMillis,
    generation: u64,
    outcome: TokenOutcome,
    policy: &Policy,
) -> Step {
    match record {
        Some(GrantRecord::Live(grant)) if grant.generation == generation => match outcome {
            TokenOutcome::Issued(tokens) => renewed(grant, tokens, now),
            TokenOutcome::Failed(Failure::Refused) => end(grant, Cause::RefreshTokenRefused, now),
            TokenOutcome::Failed(failure) => failed(grant, failure, now, policy),
        },
        // What is stored is newer than the answer: a refusal of an older token says nothing about it.
        Some(GrantRecord::Live(grant)) => {
            let unwell = Unwell {
                cause: Cause::ConnectionLost,
                retry_after: Millis::from_secs(1),
            };
            Step::answer(token_or(grant, now, unwell))
        }
        Some(GrantRecord::Ended { cause, .. }) => Step::answer(Answer::Ended(*cause)),
        Some(GrantRecord::Closing { .. } | GrantRecord::Tombstone { .. }) | None => Step::answer(Answer::Unknown),
    }
}

fn renewed(grant: &Grant, tokens: TokenSet, now: UnixMillis) -> Step {
    let (refresh_token, refresh_issued_at, refresh_expires_at) = match tokens.refresh_token {
        Some(token) => (token, now, now.after(token::REFRESH_LIFETIME)),
        None => {
            let kept = &grant.tokens;
            (
                kept.refresh_token.clone(),
                kept.refresh_issued_at,
                kept.refresh_expires_at,
            )
        }
    };
    let grant = Grant {
        generation: grant.generation.saturating_add(1),
        tokens: Tokens {
            access_token: tokens.access_token,
            access_expires_at: tokens.access_expires_at,
            refresh_token,
            refresh_expires_at,
            refresh_issued_at,
        },
        vehicles: grant.vehicles.clone(),
        connected_at: grant.connected_at,
        intent: None,
        health: match grant.health {
            Health::Well { since } => Health::Well { since },
            Health::Unwell { .. } => Health::Well { since: now },
        },
        published: owed(now),
    };
    let answer = token_of(&grant);
    Step::put(GrantRecord::Live(grant), vec![Effect::Answer(answer), Effect::Publish])
}

fn failed(grant: &Grant, failure: Failure, now: UnixMillis, policy: &Policy) -> Step {
    let started = grant.intent.unwrap_or(Intent {
        since: now,
        latest: now,
        calls: 1,
    });
    if failure.is_ambiguous() && started.calls == 1 && now.since(started.latest) < QUICK_FAILURE {
        return call(grant, now);
    }
    let (since, failures) = match grant.health {
        Health::Well { .. } => (now, 1),
        Health::Unwell { since, failures, .. } => (since, failures.saturating_add(1)),
    };
    let mut grant = grant.clone();
    // Nothing was used up if every call so far was turned away.
    grant.intent = (failure.is_ambiguous() || started.calls > 1).then_some(started);
    let retry_after = backoff(failure, failures, grant.intent, now, policy);
    let cause = Cause::from(failure);
    grant.health = Health::Unwell {
        cause,
        since,
        failures,
        retry_at: now.after(retry_after),
    };
    let answer = token_or(&grant, now, Unwell { cause, retry_after });
    Step::put(GrantRecord::Live(grant), vec![Effect::Answer(answer)])
}

/// How long to wait before the next attempt: doubling from a second, and while a used-up token is still in its grace
/// window at most a quarter of that, since the new pair can be had then and never after.
fn backoff(failure: Failure, failures: u32, intent: Option<Intent>, now: UnixMillis, policy: &Policy) -> Millis {
    let first = match failure {
        Failure::RateLimited {
            retry_after: Some(span),
        } => return span.clamp(Millis::from_secs(1), LONGEST_BACKOFF),
        Failure::RateLimited { retry_after: None } => Millis::from_secs(5),
        Failure::ClientRejected | Failure::Unexplained | Failure::Redirected => Millis::from_secs(30),
        _ => Millis::from_secs(1),
    };
    let wait = doubled(first, failures).min(LONGEST_BACKOFF);
    match intent {
        Some(intent) if now < intent.since.after(policy.grace) => wait
            .min(Millis::new(policy.grace.as_millis() / 4))
            .max(Millis::from_secs(1)),
        _ => wait,
    }
}

/// The tokens are forgotten: nobody accepts them any more.
fn end(grant: &Grant, cause: Cause, now: UnixMillis) -> Step {
    let ended = GrantRecord::Ended {
        cause,
        since: if cause == Cause::RefreshTokenExpired {
            grant.tokens.refresh_expires_at
        } else {
            now
        },
        generation: grant.generation,
        vehicles: grant.vehicles.ids().to_vec(),
        connected_at: grant.connected_at,
        refresh_expires_at: grant.tokens.refresh_expires_at,
        published: owed(now),
    };
    Step::put(ended, vec![Effect::Answer(Answer::Ended(cause)), Effect::Unpublish])
}

fn vehicles_listed(record: Option<&GrantRecord>, now: UnixMillis, vehicles: Option<Vec<VehicleId>>) -> Step {
    let Some(GrantRecord::Live(grant)) = record else {
        return Step::keep(Vec::new());
    };
    let mut grant = grant.clone();
    match (vehicles, &grant.vehicles) {
        (Some(vehicles), _) => {
            grant.vehicles = Vehicles::Listed(vehicles);
            grant.published = owed(now);
        }
        (None, Vehicles::Listed(_)) => return Step::keep(Vec::new()),
        (None, Vehicles::Unlisted { failures, .. }) => {
            let failures = failures.saturating_add(1);
            let retry_at = now.after(doubled(Millis::from_secs(5), failures).min(LONGEST_BACKOFF));
            grant.vehicles = Vehicles::Unlisted { failures, retry_at };
        }
    }
    Step::put(GrantRecord::Live(grant), vec![Effect::Publish])
}

/// The newer grant takes its vehicles over. Smartcar is not told: that would end the newer grant too.
fn superseded(record: Option<&GrantRecord>, now: UnixMillis, taken: &[VehicleId]) -> Step {
    let Some(record) = record else {
        return Step::keep(Vec::new());
    };
    let left: Vec<VehicleId> = record
        .vehicles()
        .iter()
        .filter(|vehicle| !taken.contains(vehicle))
        .cloned()
        .collect();
    match record {
        GrantRecord::Live(_) | GrantRecord::Ended { .. } if left.is_empty() => {
            disconnect_wanted(Some(record), now, Upstream::Leave)
        }
        GrantRecord::Live(grant) => {
            let grant = Grant {
                vehicles: Vehicles::Listed(left),
                published: owed(now),
                ..grant.clone()
            };
            Step::put(GrantRecord::Live(grant), vec![Effect::Publish])
        }
        GrantRecord::Ended { .. } => {
            let mut ended = record.clone();
            if let GrantRecord::Ended { vehicles, .. } = &mut ended {
                *vehicles = left;
            }
            Step::put(ended, Vec::new())
        }
        GrantRecord::Closing { .. } | GrantRecord::Tombstone { .. } => Step::keep(Vec::new()),
    }
}

fn publish_ended(record: Option<&GrantRecord>, now: UnixMillis, generation: u64, outcome: KvOutcome) -> Step {
    match record {
        Some(GrantRecord::Live(grant)) if grant.generation == generation => {
            let mut grant = grant.clone();
            grant.published = written(grant.published, now, outcome);
            Step::put(GrantRecord::Live(grant), Vec::new())
        }
        _ => Step::keep(Vec::new()),
    }
}

fn disconnect_wanted(record: Option<&GrantRecord>, now: UnixMillis, upstream: Upstream) -> Step {
    let (generation, grant) = match record {
        Some(GrantRecord::Live(grant)) => {
            let told_later = upstream == Upstream::Tell && !grant.vehicles.ids().is_empty();
            (grant.generation, told_later.then(|| Box::new(grant.clone())))
        }
        Some(GrantRecord::Ended { generation, .. }) => (*generation, None),
        Some(GrantRecord::Closing { .. } | GrantRecord::Tombstone { .. }) | None => {
            return Step::keep(Vec::new());
        }
    };
    let effect = grant.as_deref().map_or(Effect::Unpublish, tell_smartcar);
    Step::put(
        GrantRecord::Closing {
            grant,
            generation,
            since: now,
            failures: 0,
            retry_at: now.after(CLOSING_LOST_AFTER),
        },
        vec![effect],
    )
}

fn tell_smartcar(grant: &Grant) -> Effect {
    Effect::TellSmartcar {
        access_token: grant.tokens.access_token.clone(),
        vehicles: grant.vehicles.ids().to_vec(),
    }
}

fn smartcar_told(record: Option<&GrantRecord>, now: UnixMillis) -> Step {
    match record {
        Some(GrantRecord::Closing {
            grant: Some(_),
            generation,
            since,
            failures,
            ..
        }) => Step::put(
            GrantRecord::Closing {
                grant: None,
                generation: *generation,
                since: *since,
                failures: *failures,
                retry_at: now.after(CLOSING_LOST_AFTER),
            },
            vec![Effect::Unpublish],
        ),
        _ => Step::keep(Vec::new()),
    }
}

fn unpublish_ended(record: Option<&GrantRecord>, now: UnixMillis, outcome: KvOutcome) -> Step {
    match (record, outcome) {
        (
            Some(GrantRecord::Closing {
                grant: None,
                generation,
                ..
            }),
            KvOutcome::Done,
        ) => Step::put(
            GrantRecord::Tombstone {
                since: now,
                generation: *generation,
                swept: false,
            },
            Vec::new(),
        ),
        (
            Some(GrantRecord::Closing {
                grant: None,
                generation,
                since,
                failures,
                ..
            }),
            KvOutcome::Failed,
        ) => {
            let failures = failures.saturating_add(1);
            let retry_at = now.after(kv_backoff(failures));
            Step::put(
                GrantRecord::Closing {
                    grant: None,
                    generation: *generation,
                    since: *since,
                    failures,
                    retry_at,
                },
                Vec::new(),
            )
        }
        (Some(GrantRecord::Tombstone { since, generation, .. }), outcome) => {
            let (since, swept) = match outcome {
                KvOutcome::Done => (*since, true),
                KvOutcome::Failed => (now, false),
            };
            Step::put(
                GrantRecord::Tombstone {
                    since,
                    generation: *generation,
                    swept,
                },
                Vec::new(),
            )
        }
        (Some(ended @ GrantRecord::Ended { .. }), outcome) => {
            let mut ended = ended.clone();
            if let GrantRecord::Ended { published, .. } = &mut ended {
                *published = written(*published, now, outcome);
            }
            Step::put(ended, Vec::new())
        }
        _ => Step::keep(Vec::new()),
    }
}

fn written(before: Published, now: UnixMillis, outcome: KvOutcome) -> Published {
    match (before, outcome) {
        (_, KvOutcome::Done) | (Published::Current, _) => Published::Current,
        (Published::Owed { since, failures, .. }, KvOutcome::Failed) => {
            let failures = failures.saturating_add(1);
            Published::Owed {
                since,
                failures,
                retry_at: now.after(kv_backoff(failures)),
            }
        }
    }
}

/// KV takes one write per second and key: the first wait is a little longer than that.
fn kv_backoff(failures: u32) -> Millis {
    doubled(Millis::new(1_100), failures).min(Millis::from_mins(5))
}

/// `first` for the first failure, twice as much for each further one.
fn doubled(first: Millis, failures: u32) -> Millis {
    let times = 1_u64.checked_shl(failures.saturating_sub(1)).unwrap_or(u64::MAX);
    Millis::new(first.as_millis().saturating_mul(times))
}

fn token_of(grant: &Grant) -> Answer {
    Answer::Token {
        access_token: grant.tokens.access_token.clone(),
        expires_at: grant.tokens.access_expires_at,
        generation: grant.generation,
    }
}

/// The access token as long as it lives: a failed refresh takes nothing away from it.
fn token_or(grant: &Grant, now: UnixMillis, unwell: Unwell) -> Answer {
    if grant.tokens.access_expires_at > now {
        token_of(grant)
    } else {
        Answer::Unavailable(unwell)
    }
}
