//! A connection that is being disconnected: first Smartcar is told, then its copy in KV is deleted.

use crate::{
    api::ApiVersion,
    time::{Millis, UnixMillis},
    vault::{
        life::{
            event::{Event, Revocation},
            step::{Effect, RevokedBy, Step, TokenReply},
            tombstone,
        },
        publication::{KvCopy, Upkeep},
        record::{Access, Closing, Live, Record},
    },
};

/// How long a disconnection waits for its own process before the alarm takes it over.
const CLOSING_LOST_AFTER: Millis = Millis::from_secs(30);

/// Closes a connection.
pub(super) fn close(live: Live, revocation: Revocation, now: UnixMillis) -> Step {
    let generation = live.generation();
    if revocation == Revocation::LocalOnly || live.vehicles().is_empty() {
        delete(generation, now, now)
    } else {
        revoke(live, now, now)
    }
}

/// Tells Smartcar, with the owner's access token, which is of no use once it has expired, or with the application's.
fn revoke(live: Live, since: UnixMillis, now: UnixMillis) -> Step {
    let generation = live.generation();
    let by = match (&live.access, live.user_id.known()) {
        (Access::Owner(tokens), _) => tokens
            .has_live_access_token(now)
            .then(|| RevokedBy::Owner(tokens.pair.access_token.clone())),
        (Access::Application { mode, moved }, Some(user_id)) => Some(RevokedBy::Application {
            user_id: user_id.clone(),
            mode: *mode,
            external_id: live.external_id.clone(),
            made_with: moved.as_ref().map_or(ApiVersion::V3, |_| ApiVersion::V2),
        }),
        (Access::Application { .. }, None) => None,
    };
    let Some(by) = by else {
        return delete(generation, since, now);
    };
    let vehicles = live.vehicles().iter().map(|vehicle| vehicle.id.clone()).collect();
    let closing = Closing {
        live: Some(Box::new(live)),
        generation,
        since,
        kv: KvCopy::dirty_for(now, CLOSING_LOST_AFTER),
    };
    Step::put(Record::Closing(closing), vec![Effect::Revoke { by, vehicles }])
}

/// Forgets the tokens and deletes the copy in KV.
pub(super) fn delete(generation: u64, since: UnixMillis, now: UnixMillis) -> Step {
    let closing = Closing {
        live: None,
        generation,
        since,
        kv: KvCopy::dirty_for(now, CLOSING_LOST_AFTER),
    };
    Step::put(Record::Closing(closing), vec![Effect::DeleteKv])
}

pub(super) fn step(closing: Closing, now: UnixMillis, event: &Event) -> Step {
    match event {
        Event::SmartcarNotified if closing.live.is_some() => delete(closing.generation, closing.since, now),
        Event::AlarmFired => match (closing.kv.begun_for(now, CLOSING_LOST_AFTER), closing.live) {
            (None, _) => Step::keep(Vec::new()),
            (Some(_), Some(live)) => revoke(*live, closing.since, now),
            (Some(kv), None) => Step::put(
                Record::Closing(Closing {
                    live: None,
                    kv,
                    ..closing
                }),
                vec![Effect::DeleteKv],
            ),
        },
        Event::KvDeleteCompleted { outcome } if closing.live.is_none() => {
            let kv = closing.kv.after_write(*outcome, now, Upkeep::WrittenTwice);
            match kv {
                KvCopy::Dirty { .. } => Step::put(Record::Closing(Closing { kv, ..closing }), Vec::new()),
                KvCopy::Settling { .. } | KvCopy::Synced { .. } => tombstone::bury(closing.generation, kv, now),
            }
        }
        event if event.asks_for_token() => Step::reply(TokenReply::Unknown),
        _ => Step::keep(Vec::new()),
    }
}
