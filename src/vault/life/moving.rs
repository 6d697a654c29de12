//! A connection between Smartcar's v2 and its v3.
//!
//! What was moved keeps its tokens of v2 beside, as long as there is a way back, and nothing is asked for with them. To go back
//! they have to be good: while new ones are asked for, the connection stays on v3, and if they are over it stays there for good.
//!
//! What has ended goes on in v3 where Smartcar's list says that the owner's consent does, and in v2 where it was moved and v2 honours
//! its tokens.

use crate::{
    api::ListedConnection,
    connect::{UserId, VehicleId},
    time::UnixMillis,
    token::{
        TokenResult,
        cycle::{Decision, OwnerTokens, Policy, TokenCycle as _, Verdict},
        is_fresh,
    },
    vault::{
        known_vehicle::{Description, KnownVehicle, covered_vehicles},
        life::{
            event::Migration,
            step::{Effect, Step, TokenReply},
        },
        migration::{Evidence, Finding, Listing, judge, judge_ended},
        publication::KvCopy,
        record::{Access, Ended, Learned, Live, Moved, NotMoved, Record},
    },
};

pub(super) fn migrate(live: Live, migration: Migration, now: UnixMillis, policy: &Policy) -> Step {
    match (migration, &live.access) {
        (Migration::Move(evidence), Access::Owner(tokens)) => {
            let tokens = tokens.clone();
            move_to_v3(live, tokens, &evidence, now, policy)
        }
        (Migration::Reverse, Access::Owner(_)) if live.not_moved.is_some() => {
            // Nobody is asked to connect again for v3 any more.
            let not_moved = None;
            Step::put(Record::Live(Live { not_moved, ..live }), Vec::new())
        }
        (Migration::Reverse, Access::Application { moved: Some(moved), .. }) => match moved.kept.clone() {
            Some(kept) => reverse(live, &kept, now, policy),
            None => Step::keep(Vec::new()),
        },
        (Migration::Finish, Access::Application { moved: Some(moved), .. }) if moved.kept.is_some() => {
            forget(live, now)
        }
        (Migration::Move(_), Access::Application { .. })
        | (Migration::Reverse | Migration::Finish, Access::Owner(_) | Access::Application { .. }) => {
            Step::keep(Vec::new())
        }
    }
}

fn move_to_v3(live: Live, tokens: OwnerTokens, evidence: &Evidence, now: UnixMillis, policy: &Policy) -> Step {
    let finding = judge(&live, evidence, now, policy);
    match finding {
        Finding::Confirmed { mode, user_id } => {
            let moved = Moved {
                at: now,
                generation: tokens.generation.saturating_add(1),
                covered: live.vehicles().iter().map(|vehicle| vehicle.id.clone()).collect(),
                kept: Some(Box::new(tokens)),
            };
            let vehicles = described(&live, evidence.listed.as_deref().unwrap_or_default(), &user_id, now);
            let live = Live {
                access: Access::Application {
                    mode,
                    moved: Some(moved),
                },
                vehicles: live.vehicles.replaced(vehicles),
                user_id: Learned::Known(user_id),
                not_moved: None,
                kv: KvCopy::dirty(now),
                ..live
            };
            Step::put(Record::Live(live), vec![Effect::PutKv])
        }
        Finding::NotMoved(reason) if live.not_moved.is_some_and(|known| known.reason == reason) => {
            Step::keep(Vec::new())
        }
        Finding::NotMoved(reason) => {
            let not_moved = Some(NotMoved { reason, since: now });
            Step::put(Record::Live(Live { not_moved, ..live }), Vec::new())
        }
    }
}

/// As [`migrate`], of a connection whose grant is over.
pub(super) fn migrate_ended(ended: Ended, migration: Migration, now: UnixMillis, policy: &Policy) -> Step {
    match (migration, ended.kept.clone()) {
        (Migration::Move(evidence), kept) => match judge_ended(&ended, &evidence, now) {
            Finding::Confirmed { mode, user_id } => {
                let moved = Moved {
                    at: now,
                    generation: ended.generation.saturating_add(1),
                    covered: ended.vehicles.iter().map(|vehicle| vehicle.id.clone()).collect(),
                    kept,
                };
                let access = Access::Application {
                    mode,
                    moved: Some(moved),
                };
                let live = ended.going_on(access, now);
                let vehicles = described(&live, evidence.listed.as_deref().unwrap_or_default(), &user_id, now);
                let vehicles = live.vehicles.replaced(vehicles);
                Step::put(Record::Live(Live { vehicles, ..live }), vec![Effect::PutKv])
            }
            Finding::NotMoved(_) => Step::keep(Vec::new()),
        },
        (Migration::Reverse, Some(kept)) => {
            let kept = kept.clamped(now).unwrap_or(*kept);
            if kept.request_under_way_until(now).is_some() {
                return Step::keep(Vec::new());
            }
            // That v3 lists nothing puts the grant in doubt, however fresh its tokens are.
            let verdict = kept.want(Some(kept.generation), now, policy);
            ended_went_on(&ended, kept, verdict, now)
        }
        (Migration::Finish, Some(_)) => Step::put(Record::Ended(Ended { kept: None, ..ended }), Vec::new()),
        (Migration::Reverse | Migration::Finish, None) => Step::keep(Vec::new()),
    }
}

/// As [`refreshed`], of a connection whose grant is over.
pub(super) fn ended_refreshed(
    ended: &Ended,
    generation: u64,
    outcome: TokenResult,
    now: UnixMillis,
    policy: &Policy,
) -> Step {
    match ended.kept.clone() {
        Some(kept) if kept.attempt.is_some() && kept.generation == generation => {
            let verdict = kept.ended(generation, outcome, now, policy);
            ended_went_on(ended, *kept, verdict, now)
        }
        _ => Step::reply(TokenReply::Ended(ended.cause)),
    }
}

fn ended_went_on(ended: &Ended, kept: OwnerTokens, verdict: Verdict<OwnerTokens>, now: UnixMillis) -> Step {
    let keeping = |kept: Option<OwnerTokens>| {
        let kept = kept.map(Box::new);
        Record::Ended(Ended { kept, ..ended.clone() })
    };
    match wanted(kept, verdict) {
        Wanted::Back(tokens) => {
            let generation = ended.generation.saturating_add(1).max(tokens.generation);
            let live = ended.going_on(Access::Owner(OwnerTokens { generation, ..tokens }), now);
            // What it covers is in doubt.
            let vehicles = live.vehicles.asked_again(now).unwrap_or_else(|| live.vehicles.clone());
            let effects = vec![Effect::PutKv, Effect::ListVehicles];
            Step::put(Record::Live(Live { vehicles, ..live }), effects)
        }
        Wanted::Nothing => Step::put(keeping(None), Vec::new()),
        Wanted::New(tokens, request) => Step::put(keeping(Some(tokens)), vec![request]),
        Wanted::Later(Some(tokens)) => Step::put(keeping(Some(tokens)), Vec::new()),
        Wanted::Later(None) => Step::keep(Vec::new()),
    }
}

/// The vehicles of a connection, with what the list tells of them where nothing was known: v2 is not asked any more.
fn described(live: &Live, listed: &[Listing], user_id: &UserId, now: UnixMillis) -> Vec<KnownVehicle> {
    let connections = listed.iter().flat_map(|listing| &listing.connections);
    let own: Vec<ListedConnection> = connections
        .filter(|connection| connection.user_id == *user_id)
        .cloned()
        .collect();
    let told = covered_vehicles(&own);
    let describe = |vehicle: &KnownVehicle| {
        let told = told.iter().find(|told| told.id == vehicle.id);
        match (&vehicle.attributes, told.and_then(|told| told.attributes.clone())) {
            (None, Some(attributes)) => vehicle.described(&Description::Told(attributes), now),
            _ => vehicle.clone(),
        }
    };
    live.vehicles().iter().map(describe).collect()
}

/// Goes back with tokens that were not presented since they came, or else with such as are asked for first.
fn reverse(live: Live, kept: &OwnerTokens, now: UnixMillis, policy: &Policy) -> Step {
    let kept = kept.clamped(now).unwrap_or_else(|| kept.clone());
    if kept.request_under_way_until(now).is_some() {
        return Step::keep(Vec::new());
    }
    let is_fresh = is_fresh(kept.pair.access_expires_at, now);
    let in_doubt = kept.attempt.map(|_| kept.generation);
    let verdict = kept.want(in_doubt, now, policy);
    if is_fresh && kept.attempt.is_none() && verdict.decision == Decision::Use {
        return back(live, kept, now);
    }
    went_on(live, kept, verdict, now)
}

/// New tokens of v2 were asked for, to go back with them.
pub(super) fn refreshed(live: Live, generation: u64, outcome: TokenResult, now: UnixMillis, policy: &Policy) -> Step {
    match live.moved().and_then(|moved| moved.kept.clone()) {
        // Nothing is awaited but what was begun for the way back.
        Some(kept) if kept.attempt.is_some() && kept.generation == generation => {
            let verdict = kept.ended(generation, outcome, now, policy);
            went_on(live, *kept, verdict, now)
        }
        _ => Step::keep(Vec::new()),
    }
}

fn went_on(live: Live, kept: OwnerTokens, verdict: Verdict<OwnerTokens>, now: UnixMillis) -> Step {
    match wanted(kept, verdict) {
        Wanted::Back(tokens) => back(live, tokens, now),
        // The grant is as good on v3 as it was.
        Wanted::Nothing => forget(live, now),
        Wanted::New(tokens, request) => Step::put(Record::Live(keeping(live, Some(tokens))), vec![request]),
        Wanted::Later(Some(tokens)) => Step::put(Record::Live(keeping(live, Some(tokens))), Vec::new()),
        Wanted::Later(None) => Step::keep(Vec::new()),
    }
}

/// What is next on the way back, by what the tokens' machine decided.
enum Wanted {
    /// To go back with these tokens, which are new.
    Back(OwnerTokens),
    /// There is no way back any more.
    Nothing,
    /// To ask for new ones. These are kept until then.
    New(OwnerTokens, Effect),
    /// Another pass. These are kept, if they have changed.
    Later(Option<OwnerTokens>),
}

fn wanted(kept: OwnerTokens, verdict: Verdict<OwnerTokens>) -> Wanted {
    let Verdict { next, decision } = verdict;
    match decision {
        Decision::Renewed => Wanted::Back(next.unwrap_or(kept)),
        Decision::Over { .. } => Wanted::Nothing,
        Decision::Request => {
            let tokens = next.unwrap_or(kept);
            let request = Effect::Refresh {
                generation: tokens.generation,
                refresh_token: tokens.pair.refresh_token.clone(),
            };
            Wanted::New(tokens, request)
        }
        Decision::Rest | Decision::Use | Decision::Wait(_) | Decision::Rejected { .. } => Wanted::Later(next),
    }
}

fn back(live: Live, tokens: OwnerTokens, now: UnixMillis) -> Step {
    let generation = live.generation().saturating_add(1).max(tokens.generation);
    let live = Live {
        access: Access::Owner(OwnerTokens { generation, ..tokens }),
        not_moved: None,
        kv: KvCopy::dirty(now),
        ..live
    };
    Step::put(Record::Live(live), vec![Effect::PutKv])
}

/// From here on there is no way back. The copy in KV had the tokens too.
fn forget(live: Live, now: UnixMillis) -> Step {
    let live = keeping(live, None);
    let kv = live.kv.changed(now);
    Step::put(Record::Live(Live { kv, ..live }), vec![Effect::PutKv])
}

/// The connection without these vehicles, which a list does not bring back.
pub(super) fn without(live: Live, taken: &[VehicleId]) -> Live {
    changed(live, |moved| {
        let mut covered = moved.covered;
        covered.retain(|vehicle| !taken.contains(vehicle));
        Moved { covered, ..moved }
    })
}

fn keeping(live: Live, kept: Option<OwnerTokens>) -> Live {
    let kept = kept.map(Box::new);
    changed(live, |moved| Moved { kept, ..moved })
}

fn changed(live: Live, change: impl FnOnce(Moved) -> Moved) -> Live {
    let access = match live.access {
        Access::Application { mode, moved } => Access::Application {
            mode,
            moved: moved.map(change),
        },
        Access::Owner(tokens) => Access::Owner(tokens),
    };
    Live { access, ..live }
}
