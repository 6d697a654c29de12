//! A connection whose grant is over.

use crate::{
    http_api::Cause,
    time::UnixMillis,
    token::cycle::Policy,
    vault::{
        life::{
            closing,
            event::Event,
            moving,
            step::{Effect, Step, TokenReply},
        },
        publication::{KvCopy, Upkeep},
        record::{Ended, Live, Record},
    },
};

/// The tokens are forgotten: nobody accepts them any more. Those of v2 of one that was moved are kept: v2 was not asked.
pub(super) fn end(live: Live, cause: Cause, since: UnixMillis, now: UnixMillis) -> Step {
    let effects = vec![Effect::Reply(TokenReply::Ended(cause)), Effect::DeleteKv];
    Step::put(Record::Ended(of(live, cause, since, now)), effects)
}

/// What is left of a connection whose grant is over.
pub(super) fn of(live: Live, cause: Cause, since: UnixMillis, now: UnixMillis) -> Ended {
    Ended {
        cause,
        since,
        generation: live.generation(),
        kept: live.moved().and_then(|moved| moved.kept.clone()),
        refresh_expires_at: live.owner_tokens().map(|tokens| tokens.pair.refresh_expires_at),
        user_id: live.user_id.into_known(),
        vehicles: live.vehicles.into_known().unwrap_or_default(),
        connected_at: live.connected_at,
        external_id: live.external_id,
        kv: KvCopy::dirty(now),
    }
}

pub(super) fn step(ended: Ended, now: UnixMillis, event: Event, policy: &Policy) -> Step {
    match event {
        Event::TokenRequested { .. } => Step::reply(TokenReply::Ended(ended.cause)),
        Event::RefreshCompleted { generation, outcome } => {
            moving::ended_refreshed(&ended, generation, outcome, now, policy)
        }
        Event::Migrate(migration) => moving::migrate_ended(ended, migration, now, policy),
        Event::AlarmFired => match ended.kv.begun(now) {
            Some(kv) => Step::put(Record::Ended(Ended { kv, ..ended }), vec![Effect::DeleteKv]),
            None => Step::keep(Vec::new()),
        },
        Event::KvDeleteCompleted { outcome } => {
            let kv = ended.kv.after_write(outcome, now, Upkeep::WrittenTwice);
            Step::put(Record::Ended(Ended { kv, ..ended }), Vec::new())
        }
        // The same car connected again.
        Event::Superseded { vehicles: taken } => {
            let mut left = ended.vehicles.clone();
            left.retain(|vehicle| !taken.contains(&vehicle.id));
            if left.len() == ended.vehicles.len() {
                Step::keep(Vec::new())
            } else if left.is_empty() {
                closing::delete(ended.generation, now, now)
            } else {
                let vehicles = left;
                Step::put(Record::Ended(Ended { vehicles, ..ended }), Vec::new())
            }
        }
        Event::DisconnectRequested { .. } => closing::delete(ended.generation, now, now),
        Event::KvPutCompleted { .. }
        | Event::ListRequested { .. }
        | Event::VehiclesListed { .. }
        | Event::UserIdentified { .. }
        | Event::VehiclesDescribed { .. }
        | Event::Reported { .. }
        | Event::Reauthenticated { .. }
        | Event::Claimed { .. }
        | Event::HandedOver { .. }
        | Event::SmartcarNotified => Step::keep(Vec::new()),
    }
}
