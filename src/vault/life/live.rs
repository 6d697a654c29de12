//! A connection whose grant is honoured.

use crate::{
    connect::{ConnectionId, VehicleId},
    http_api::Cause,
    time::{Millis, UnixMillis},
    token::{
        self,
        cycle::{Decision, OwnerTokens, Policy, TokenCycle as _, Verdict},
    },
    vault::{
        known_vehicle::{Description, KnownVehicle, are_same},
        life::{
            closing, ended,
            event::{Event, Revocation},
            moving,
            schedule::idle_refresh_after,
            step::{Effect, Step, TokenReply},
        },
        publication::{KvCopy, KvOutcome, Upkeep},
        record::{Access, Learned, Live, Record},
    },
};

/// How long after a list that was empty another one that is empty is believed: with it the grant is over.
const EMPTY_BELIEVED_AFTER: Millis = Millis::from_mins(1);

/// The same of a grant that had no vehicle before: its owner waits for the answer, and has nothing to lose.
pub const EMPTY_AT_FIRST_BELIEVED_AFTER: Millis = Millis::from_secs(2);

/// How soon after a list of vehicles Smartcar is asked for another one because it does not know one of them.
const LISTED_AGAIN_AFTER: Millis = Millis::from_secs(30);

pub(super) fn step(id: &ConnectionId, live: Live, now: UnixMillis, event: Event, policy: &Policy) -> Step {
    match event {
        Event::TokenRequested { rejected } => token_requested(live, rejected, now, policy),
        Event::AlarmFired => alarm_fired(id, live, now, policy),
        Event::RefreshCompleted { generation, outcome } => match live.owner_tokens() {
            Some(tokens) => {
                let verdict = tokens.ended(generation, outcome, now, policy);
                had(live, verdict, now)
            }
            None => moving::refreshed(live, generation, outcome, now, policy),
        },
        Event::Migrate(migration) => moving::migrate(live, migration, now, policy),
        Event::KvPutCompleted { generation, outcome } if generation == live.generation() => {
            put_completed(live, outcome, now)
        }
        Event::ListRequested { max_age } => list_requested(live, max_age, now),
        Event::VehiclesListed { asked_by, vehicles } if asked_by == live.asked_by() => {
            vehicles_listed(live, vehicles, now)
        }
        Event::UserIdentified { user_id } => {
            let user_id = match user_id {
                Some(user_id) => Some(Learned::Known(user_id)),
                None => live.user_id.failed(now),
            };
            match user_id.filter(|user_id| *user_id != live.user_id) {
                Some(user_id) => Step::put(Record::Live(Live { user_id, ..live }), Vec::new()),
                None => Step::keep(Vec::new()),
            }
        }
        Event::VehiclesDescribed { vehicles } => vehicles_described(&live, &vehicles, now),
        Event::Reported { vehicle_id, report } => {
            let connected_at = live.connected_at;
            with_vehicle(&live, &vehicle_id, |vehicle| {
                vehicle.reported(&report, connected_at, now)
            })
        }
        Event::Reauthenticated { vehicle_id } => with_vehicle(&live, &vehicle_id, KnownVehicle::reauthenticated),
        Event::Superseded { vehicles } => superseded(live, &vehicles, now),
        Event::DisconnectRequested {
            revocation,
            external_id,
        } => {
            let external_id = live.external_id.clone().or(external_id);
            closing::close(Live { external_id, ..live }, revocation, now)
        }
        Event::KvPutCompleted { .. }
        | Event::VehiclesListed { .. }
        | Event::KvDeleteCompleted { .. }
        | Event::Claimed { .. }
        | Event::HandedOver { .. }
        | Event::SmartcarNotified => Step::keep(Vec::new()),
    }
}

fn token_requested(live: Live, rejected: Option<u64>, now: UnixMillis, policy: &Policy) -> Step {
    let tokens = match (&live.access, live.user_id.known()) {
        (Access::Owner(tokens), _) => tokens,
        (Access::Application { .. }, Some(user_id)) => {
            let user_id = user_id.clone();
            return Step::reply(TokenReply::ApplicationToken { user_id });
        }
        (Access::Application { .. }, None) => return Step::reply(TokenReply::Unknown),
    };
    let verdict = tokens.want(rejected, now, policy);
    let is_fresh = token::is_fresh(tokens.pair.access_expires_at, now);
    if verdict.decision == Decision::Use && is_fresh && live.kv.must_be_visible(now) {
        // A request for a fresh token that KV should have shows that KV lacks it.
        let reply = Effect::Reply(token_of(tokens));
        let kv = KvCopy::dirty(now);
        return Step::put(Record::Live(Live { kv, ..live }), vec![reply, Effect::PutKv]);
    }
    had(live, verdict, now)
}

/// What becomes of a connection by what its tokens' machine decided.
fn had(live: Live, verdict: Verdict<OwnerTokens>, now: UnixMillis) -> Step {
    let Verdict { next, decision } = verdict;
    let changed = next.is_some();
    let live = match next {
        Some(tokens) => Live {
            access: Access::Owner(tokens),
            ..live
        },
        None => live,
    };
    let Some(tokens) = live.owner_tokens() else {
        return Step::keep(Vec::new());
    };
    let effects = match decision {
        Decision::Rest => Vec::new(),
        Decision::Use => vec![Effect::Reply(token_of(tokens))],
        Decision::Renewed => {
            let mut effects = vec![Effect::Reply(token_of(tokens)), Effect::PutKv];
            let kv = KvCopy::dirty(now);
            // What the grant covers may have changed since it was last used.
            let vehicles = live.vehicles.asked_again(now);
            effects.extend(vehicles.as_ref().map(|_| Effect::ListVehicles));
            let vehicles = vehicles.unwrap_or_else(|| live.vehicles.clone());
            return Step::put(Record::Live(Live { kv, vehicles, ..live }), effects);
        }
        Decision::Request => vec![Effect::Refresh {
            generation: tokens.generation,
            refresh_token: tokens.pair.refresh_token.clone(),
        }],
        Decision::Wait(unavailable) => vec![Effect::Reply(TokenReply::Unavailable(unavailable))],
        Decision::Rejected { retry_after } => vec![Effect::Reply(TokenReply::Rejected { retry_after })],
        Decision::Over { cause, since } => return ended::end(live, cause, since, now),
    };
    if changed {
        Step::put(Record::Live(live), effects)
    } else {
        Step::keep(effects)
    }
}

pub(super) fn token_of(tokens: &OwnerTokens) -> TokenReply {
    let (access_token, expires_at) = tokens.access_token();
    TokenReply::Token {
        access_token: access_token.clone(),
        expires_at,
        generation: tokens.generation(),
    }
}

fn alarm_fired(id: &ConnectionId, live: Live, now: UnixMillis, policy: &Policy) -> Step {
    let mut live = live;
    let mut effects = Vec::new();
    let mut changed = false;
    if let Some(tokens) = live.owner_tokens() {
        let Verdict { next, decision } = tokens.woken(idle_refresh_after(id), now, policy);
        match (next, decision) {
            (_, Decision::Over { cause, since }) => return ended::end(live, cause, since, now),
            (Some(tokens), Decision::Request) => {
                effects.push(Effect::Refresh {
                    generation: tokens.generation,
                    refresh_token: tokens.pair.refresh_token.clone(),
                });
                (live.access, changed) = (Access::Owner(tokens), true);
            }
            _ => {}
        }
    }
    if let Some(kv) = live.kv.begun(now) {
        (live.kv, changed) = (kv, true);
        effects.push(Effect::PutKv);
    }
    if let Some(vehicles) = live.vehicles.begun(now) {
        (live.vehicles, changed) = (vehicles, true);
        effects.push(Effect::ListVehicles);
    }
    if let Some(user_id) = live.user_id.begun(now) {
        (live.user_id, changed) = (user_id, true);
        effects.push(Effect::IdentifyUser);
    }
    if changed {
        Step::put(Record::Live(live), effects)
    } else {
        Step::keep(effects)
    }
}

fn put_completed(live: Live, outcome: KvOutcome, now: UnixMillis) -> Step {
    let kv = live.kv.after_write(outcome, now, Upkeep::Written);
    Step::put(Record::Live(Live { kv, ..live }), Vec::new())
}

/// Asks Smartcar which vehicles the grant covers, unless it said so recently or is being asked.
fn list_requested(live: Live, max_age: Millis, now: UnixMillis) -> Step {
    let age = now.since(live.listed_at);
    // Not a time that only a clock that was ahead can have written.
    let is_recent = age < max_age && live.listed_at <= now;
    let vehicles = match live.vehicles.known() {
        Some(_) if is_recent => None,
        _ => live.vehicles.asked_again(now),
    };
    match vehicles {
        Some(vehicles) => Step::put(Record::Live(Live { vehicles, ..live }), vec![Effect::ListVehicles]),
        None => Step::keep(Vec::new()),
    }
}

/// The connection with other vehicles in place of those for which `change` has one; `None` if that changes nothing.
fn with_vehicles(live: &Live, change: impl Fn(&KnownVehicle) -> Option<KnownVehicle>) -> Option<Live> {
    let vehicles: Vec<KnownVehicle> = live
        .vehicles()
        .iter()
        .map(|vehicle| change(vehicle).unwrap_or_else(|| vehicle.clone()))
        .collect();
    (vehicles != live.vehicles()).then(|| Live {
        vehicles: live.vehicles.replaced(vehicles),
        ..live.clone()
    })
}

/// The connection with one of its vehicles changed.
fn with_vehicle(live: &Live, id: &VehicleId, change: impl Fn(&KnownVehicle) -> KnownVehicle) -> Step {
    match with_vehicles(live, |vehicle| (vehicle.id == *id).then(|| change(vehicle))) {
        Some(live) => Step::put(Record::Live(live), Vec::new()),
        None => Step::keep(Vec::new()),
    }
}

/// What Smartcar said of vehicles is kept, and why it did not. One that it does not know any more may be gone.
fn vehicles_described(live: &Live, described: &[(VehicleId, Description)], now: UnixMillis) -> Step {
    let described_now = |vehicle: &KnownVehicle| {
        let (_, description) = described.iter().find(|(id, _)| *id == vehicle.id)?;
        Some(vehicle.described(description, now))
    };
    let is_covered = |id: &VehicleId| live.vehicles().iter().any(|vehicle| vehicle.id == *id);
    let Some(live) = with_vehicles(live, described_now) else {
        // Of a vehicle that is missing nothing is written down: the list decides.
        return if described
            .iter()
            .any(|(id, one)| *one == Description::Missing && is_covered(id))
        {
            list_requested(live.clone(), LISTED_AGAIN_AFTER, now)
        } else {
            Step::keep(Vec::new())
        };
    };
    let is_missing = |description: &Description| {
        matches!(
            description,
            Description::Refused { is_missing: true, .. } | Description::Missing
        )
    };
    if described.iter().any(|(_, description)| is_missing(description)) {
        match live.vehicles.asked_again(now) {
            Some(vehicles) => Step::put(Record::Live(Live { vehicles, ..live }), vec![Effect::ListVehicles]),
            None => Step::put(Record::Live(live), Vec::new()),
        }
    } else {
        Step::put(Record::Live(live), Vec::new())
    }
}

/// What is known of a vehicle stays known. Why the connection was not moved to v3 is another question once it covers other vehicles.
fn vehicles_listed(live: Live, listed: Option<Vec<VehicleId>>, now: UnixMillis) -> Step {
    let Some(listed) = listed else {
        return match live.vehicles.failed(now) {
            Some(vehicles) => Step::put(Record::Live(Live { vehicles, ..live }), Vec::new()),
            None => Step::keep(Vec::new()),
        };
    };
    // A user id of v3 reaches all cars of that user, a grant of v2 may have reached fewer.
    let may_cover = |id: &VehicleId| live.moved().is_none_or(|moved| moved.covered.contains(id));
    let listed: Vec<VehicleId> = listed.into_iter().filter(may_cover).collect();
    if listed.is_empty() {
        return nothing_listed(live, now);
    }
    let known = |id: VehicleId| {
        let known = live.vehicles().iter().find(|vehicle| vehicle.id == id);
        known.cloned().unwrap_or_else(|| KnownVehicle::new(id))
    };
    let vehicles: Vec<KnownVehicle> = listed.into_iter().map(known).collect();
    let live = Live {
        not_moved: live.not_moved.filter(|_| are_same(live.vehicles(), &vehicles)),
        ..live
    };
    let is_news = live.vehicles.known() != Some(&vehicles) || live.empty_since.is_some();
    let live = Live {
        vehicles: Learned::Known(vehicles.clone()),
        listed_at: now,
        empty_since: None,
        ..live
    };
    if is_news {
        covers(live, vehicles, now)
    } else {
        Step::put(Record::Live(live), Vec::new())
    }
}

/// Smartcar lists no vehicle. It may be mistaken: the tokens are kept until it says so again. A grant without vehicles is of no use, and
/// there is nothing that Smartcar could be told of it.
fn nothing_listed(live: Live, now: UnixMillis) -> Step {
    let had_none = live.vehicles().is_empty();
    let wait = if had_none {
        EMPTY_AT_FIRST_BELIEVED_AFTER
    } else {
        EMPTY_BELIEVED_AFTER
    };
    // Not a time that only a clock that was ahead can have written.
    match live.empty_since.filter(|since| *since <= now) {
        Some(since) if now >= since.after(wait) => {
            if had_none {
                closing::close(live, Revocation::LocalOnly, now)
            } else {
                ended::end(live, Cause::NoVehicles, since, now)
            }
        }
        since => {
            let since = since.unwrap_or(now);
            let known = live.vehicles().to_vec();
            let live = Live {
                vehicles: Learned::doubted(known, since.after(wait)),
                listed_at: now,
                empty_since: Some(since),
                kv: live.kv.changed(now),
                ..live
            };
            Step::put(Record::Live(live), vec![Effect::PutKv])
        }
    }
}

fn covers(live: Live, vehicles: Vec<KnownVehicle>, now: UnixMillis) -> Step {
    let live = Live {
        vehicles: live.vehicles.replaced(vehicles),
        kv: live.kv.changed(now),
        ..live
    };
    Step::put(Record::Live(live), vec![Effect::PutKv])
}

/// The newer grant takes its vehicles over. Smartcar is not told: that would end the newer grant too.
///
/// A grant whose vehicles are not known yet is left alone: it may cover others.
fn superseded(live: Live, taken: &[VehicleId], now: UnixMillis) -> Step {
    let mut left = live.vehicles().to_vec();
    left.retain(|vehicle| !taken.contains(&vehicle.id));
    if left.len() == live.vehicles().len() {
        return Step::keep(Vec::new());
    }
    let live = Live {
        not_moved: None,
        ..moving::without(live, taken)
    };
    if left.is_empty() {
        closing::close(live, Revocation::LocalOnly, now)
    } else {
        covers(live, left, now)
    }
}
