//! A connection that was claimed, on its way to another vault.

use crate::{
    connect::{ConnectionId, ExternalId},
    time::{Millis, UnixMillis},
    token::{
        TokenResult,
        cycle::{CALL_LOST_AFTER, Decision, OwnerTokens, Policy, TokenCycle as _, Verdict, exponential_backoff},
    },
    vault::{
        claim::{Handover, HandoverOutcome, claimed},
        life::{
            closing, ended,
            event::{Event, Revocation},
            live::token_of,
            moving,
            step::{Effect, Next, Step, TokenReply},
        },
        profile::Claimant,
        record::{Access, Claimed, Leaving, Live, Record},
    },
};

/// The longest that a connection waits to be sent again.
const LONGEST_WAIT: Millis = Millis::from_mins(5);

/// The connection was claimed.
pub(super) fn leave(id: &ConnectionId, record: Record, by: Claimant, external_id: ExternalId, now: UnixMillis) -> Step {
    match claimed(record, external_id) {
        Some(claimed) => {
            let leaving = Leaving {
                claimed,
                to: by,
                since: now,
                failures: 0,
                retry_at: now,
            };
            send(id, leaving, Vec::new(), now)
        }
        None => Step::keep(Vec::new()),
    }
}

pub(super) fn step(id: &ConnectionId, leaving: Leaving, now: UnixMillis, event: Event, policy: &Policy) -> Step {
    match event {
        Event::RefreshCompleted { generation, outcome } => {
            refresh_completed(id, leaving, generation, outcome, now, policy)
        }
        Event::AlarmFired if now >= leaving.retry_at => send(id, leaving, Vec::new(), now),
        Event::HandedOver { outcome } => handed_over(leaving, outcome, now),
        Event::TokenRequested { .. } => Step::reply(TokenReply::Unknown),
        _ => Step::keep(Vec::new()),
    }
}

/// The tokens with which a request may be under way here: the owner's, or those of v2 with which what was moved is to go back.
fn tokens_in_use(claimed: &Claimed) -> Option<&OwnerTokens> {
    let kept = || match claimed {
        Claimed::Live(live) => live.moved()?.kept.as_deref(),
        Claimed::Ended(ended) => ended.kept.as_deref(),
    };
    claimed.owner_tokens().or_else(kept)
}

/// Sends it, unless a request is under way that may bring another pair of tokens: then its end sends it, or the alarm does if
/// its process has died.
fn send(id: &ConnectionId, leaving: Leaving, mut effects: Vec<Effect>, now: UnixMillis) -> Step {
    let tokens = tokens_in_use(&leaving.claimed);
    let retry_at = match tokens.and_then(|tokens| tokens.request_under_way_until(now)) {
        Some(until) => until,
        None => {
            effects.push(Effect::HandOver(Box::new(Handover {
                connection_id: id.clone(),
                claimed: leaving.claimed.clone(),
                to: leaving.to.clone(),
            })));
            now.after(CALL_LOST_AFTER)
        }
    };
    Step::put(Record::Leaving(Leaving { retry_at, ..leaving }), effects)
}

/// A request that was under way when the connection was claimed has ended. What it brought is sent. One that has counted as
/// lost comes too late: what was sent meanwhile is what counts.
fn refresh_completed(
    id: &ConnectionId,
    leaving: Leaving,
    generation: u64,
    outcome: TokenResult,
    now: UnixMillis,
    policy: &Policy,
) -> Step {
    let is_awaited = |tokens: &OwnerTokens| tokens.request_under_way_until(now).is_some();
    if !tokens_in_use(&leaving.claimed).is_some_and(is_awaited) {
        return Step::reply(TokenReply::Unknown);
    }
    let live = match &leaving.claimed {
        Claimed::Live(live) => live,
        Claimed::Ended(ended) => {
            let step = moving::ended_refreshed(ended, generation, outcome, now, policy);
            return way_back_answered(id, leaving, step, now);
        }
    };
    let Some(tokens) = live.owner_tokens() else {
        let step = moving::refreshed(Live::clone(live), generation, outcome, now, policy);
        return way_back_answered(id, leaving, step, now);
    };
    let Verdict { next, decision } = tokens.ended(generation, outcome, now, policy);
    let tokens = next.unwrap_or_else(|| tokens.clone());
    let effects = match decision {
        Decision::Request => vec![Effect::Refresh {
            generation: tokens.generation,
            refresh_token: tokens.pair.refresh_token.clone(),
        }],
        Decision::Over { cause, since } => {
            let ended = ended::of(Live::clone(live), cause, since, now);
            let claimed = Claimed::Ended(Box::new(ended));
            let reply = Effect::Reply(TokenReply::Ended(cause));
            return send(id, Leaving { claimed, ..leaving }, vec![reply], now);
        }
        Decision::Wait(unavailable) => vec![Effect::Reply(TokenReply::Unavailable(unavailable))],
        Decision::Rest | Decision::Use | Decision::Renewed | Decision::Rejected { .. } => {
            vec![Effect::Reply(token_of(&tokens))]
        }
    };
    let live = Live {
        access: Access::Owner(tokens),
        ..Live::clone(live)
    };
    let claimed = Claimed::Live(Box::new(live));
    send(id, Leaving { claimed, ..leaving }, effects, now)
}

/// The claimant gets what the answer made of the connection: back on v2, or as it was.
fn way_back_answered(id: &ConnectionId, leaving: Leaving, step: Step, now: UnixMillis) -> Step {
    let Next::Put(record) = step.next else {
        return Step::keep(Vec::new());
    };
    let claimed = match *record {
        Record::Live(live) => Claimed::Live(Box::new(live)),
        Record::Ended(ended) => Claimed::Ended(Box::new(ended)),
        _ => return Step::keep(Vec::new()),
    };
    // The copy in KV is the claimant's to write, and the list of vehicles the claimant's to ask for.
    let mut effects = step.effects;
    effects.retain(|effect| !matches!(effect, Effect::PutKv | Effect::ListVehicles));
    send(id, Leaving { claimed, ..leaving }, effects, now)
}

fn handed_over(leaving: Leaving, outcome: HandoverOutcome, now: UnixMillis) -> Step {
    let generation = leaving.claimed.generation();
    match (outcome, leaving.claimed) {
        (HandoverOutcome::Refused, Claimed::Live(live)) => closing::close(*live, Revocation::AtSmartcar, now),
        (HandoverOutcome::Taken | HandoverOutcome::Refused, _) => closing::delete(generation, now, now),
        (HandoverOutcome::Unknown, claimed) => {
            let failures = leaving.failures.saturating_add(1);
            let wait = exponential_backoff(Millis::from_secs(2), failures).min(LONGEST_WAIT);
            let leaving = Leaving {
                claimed,
                failures,
                retry_at: now.after(wait),
                ..leaving
            };
            Step::put(Record::Leaving(leaving), Vec::new())
        }
    }
}
