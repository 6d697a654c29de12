//! What must hold in every state, and what must be reached in some.

use smartcar_connect::{
    time::UnixMillis,
    token::{
        cycle::{CALL_DEADLINE, OwnerTokens},
        is_fresh,
    },
    vault::{Record, life::next_alarm},
};
use stateright::Property;

use crate::{
    Protocol,
    stored::Stored,
    world::{World, connection, number_of},
};

pub(crate) const NO_DEAD_TOKEN_PRESENTED: &str = "no token is presented after its grace while a newer pair is stored";
pub(crate) const NEVER_BACK_FROM_DISCONNECTION: &str = "what is closed or ended never comes back";
pub(crate) const NO_TOKEN_AFTER_DISCONNECTION: &str = "the vault answers no token after a disconnection";
pub(crate) const HONOURED_GRANT_LOST: &str = "no grant that Smartcar honours is reported lost";
pub(crate) const NO_PAIR_THROWN_AWAY: &str = "no pair that arrives in time is thrown away";
pub(crate) const NO_GOOD_PAIR_OVERWRITTEN: &str = "no pair that Smartcar honours is replaced by one that it does not";
pub(crate) const NO_NEEDLESS_REFRESH: &str =
    "no refresh begins while a fresh token is stored that nobody was refused with";
pub(crate) const NO_REPORT_COSTS_A_TOKEN: &str = "a report that the owner is wanted costs no token";
const USE_IS_KNOWN: &str = "that the stored token may be used up is known from storage as long as it matters";
const USED_TOKEN_COMES_AGAIN: &str = "a token that was used up is presented again before its grace is over";
const KV_IS_EMPTY_AFTER_CLOSING: &str = "KV holds nothing of a connection that is closed and swept";
const KV_IS_EMPTY_IN_THE_END: &str = "KV holds nothing of a connection that is over, once nothing is left to do for it";
const SOMEBODY_WORKS_FOR_WHO_WAITS: &str = "a flight is under way for whoever waits";
const EVERYBODY_IS_ANSWERED: &str = "who asks is answered at last";

/// The names of the properties that hold in every state.
pub const SAFETY: &[&str] = &[
    NO_DEAD_TOKEN_PRESENTED,
    NEVER_BACK_FROM_DISCONNECTION,
    NO_TOKEN_AFTER_DISCONNECTION,
    HONOURED_GRANT_LOST,
    NO_PAIR_THROWN_AWAY,
    NO_GOOD_PAIR_OVERWRITTEN,
    NO_NEEDLESS_REFRESH,
    NO_REPORT_COSTS_A_TOKEN,
    USE_IS_KNOWN,
    USED_TOKEN_COMES_AGAIN,
    KV_IS_EMPTY_AFTER_CLOSING,
    KV_IS_EMPTY_IN_THE_END,
    SOMEBODY_WORKS_FOR_WHO_WAITS,
    EVERYBODY_IS_ANSWERED,
];

/// The names of what is reached in some state: the model can do what it is meant to try.
pub const COVERAGE: &[&str] = &[
    "two callers wait for one call",
    "a call of a former process is under way",
    "the token is refreshed twice",
    "the token is presented again within its grace",
    "the grant has ended",
    "a call is under way when the refresh token's life ends",
    "a call is under way when the access token expires",
    "a call is under way when the grace of an earlier one ends",
    "the connection is closed",
    "KV holds a grant that has ended",
    "KV holds a connection that is closed",
    "the record is removed",
    "KV is behind",
    "a car is marked while a call is awaited",
    "a reader can see two generations",
    "a reader can be refused with an older token than the fresh one that is stored",
];

/// The stored grant, if its refresh token was used up and still is in its grace, and since when.
fn used_and_stored<'a>(protocol: &Protocol, world: &'a World) -> Option<(&'a OwnerTokens, UnixMillis)> {
    let grant = world.stored.as_ref()?.live()?;
    let number = number_of(&grant.pair.refresh_token);
    let since = world.smartcar.used_in_time(number)?;
    let honoured = world.smartcar.honours(number, world.now, protocol.grace);
    (honoured && world.now < since.after(protocol.grace)).then_some((grant, since))
}

/// Whether a call is awaited that was sent before a time that has come.
fn is_crossed(world: &World, limit: impl Fn(&OwnerTokens) -> Option<UnixMillis>) -> bool {
    let stored = world.stored.as_ref().and_then(Stored::live);
    stored.and_then(limit).is_some_and(|limit| {
        let awaited = world.calls.iter().filter(|call| call.awaited);
        limit <= world.now && awaited.into_iter().any(|call| call.sent_at < limit)
    })
}

macro_rules! unbroken {
    ($name:expr) => {
        Property::always($name, |_: &Protocol, world: &World| !world.broken.contains($name))
    };
}

pub(crate) fn all() -> Vec<Property<Protocol>> {
    let mut all = vec![
        unbroken!(NO_DEAD_TOKEN_PRESENTED),
        unbroken!(NEVER_BACK_FROM_DISCONNECTION),
        unbroken!(NO_TOKEN_AFTER_DISCONNECTION),
        unbroken!(HONOURED_GRANT_LOST),
        unbroken!(NO_PAIR_THROWN_AWAY),
        unbroken!(NO_GOOD_PAIR_OVERWRITTEN),
        unbroken!(NO_NEEDLESS_REFRESH),
        unbroken!(NO_REPORT_COSTS_A_TOKEN),
        Property::always(USE_IS_KNOWN, |protocol: &Protocol, world: &World| {
            used_and_stored(protocol, world).is_none_or(|(grant, _)| grant.attempt.is_some())
        }),
        Property::always(USED_TOKEN_COMES_AGAIN, |protocol: &Protocol, world: &World| {
            used_and_stored(protocol, world).is_none_or(|(grant, since)| {
                let awaited = world.calls.iter().any(|call| call.awaited);
                // After an hour of failures only the first two calls in a row are followed by another so soon.
                let exempt = protocol.after_outage && grant.attempt.is_some_and(|attempt| attempt.attempts > 2);
                let ends_at = since.after(protocol.grace);
                // An alarm that rang that late leaves no time for another one.
                let too_late = world.now.after(CALL_DEADLINE) > ends_at;
                let alarm = world.record().and_then(|record| next_alarm(&connection(), record));
                exempt || too_late || awaited || alarm.is_some_and(|alarm| alarm < ends_at)
            })
        }),
        Property::always(KV_IS_EMPTY_AFTER_CLOSING, |protocol: &Protocol, world: &World| {
            let no_orphans = world.kv_orphans.is_empty();
            match world.record() {
                Some(Record::Tombstone(tombstone)) if !tombstone.kv.is_synced() => {
                    // Before the sweep only what a dead process had begun can be there, or what was not deleted.
                    let died = world.budget.deaths < protocol.budget.deaths;
                    let lost = world.budget.lost_deletions < protocol.budget.lost_deletions;
                    died || lost || world.kv.is_none()
                }
                Some(Record::Tombstone(_)) => !no_orphans || world.kv.is_none(),
                None => !no_orphans || world.kv.is_none(),
                Some(_) => true,
            }
        }),
        Property::always(KV_IS_EMPTY_IN_THE_END, |_, world: &World| {
            let is_quiet = world.kv_orphans.is_empty() && world.kv_under_way.is_empty() && world.kv_waiting.is_empty();
            let is_over = match world.record() {
                Some(Record::Ended(ended)) => ended.kv.is_synced(),
                Some(Record::Tombstone(tombstone)) => tombstone.kv.is_synced(),
                Some(Record::Live(_) | Record::Leaving(_) | Record::Closing(_)) => false,
                None => true,
            };
            !is_quiet || !is_over || world.kv.is_none()
        }),
        Property::always(SOMEBODY_WORKS_FOR_WHO_WAITS, |_, world: &World| {
            let awaited = |call| {
                world
                    .calls
                    .iter()
                    .any(|known| known.awaited && Some(known.number) == call)
            };
            world.flights.iter().all(|flight| awaited(flight.call))
        }),
        Property::eventually(EVERYBODY_IS_ANSWERED, |_, world: &World| {
            world.budget.asks == 0 && world.unanswered == 0
        }),
    ];
    all.extend([
        Property::sometimes("two callers wait for one call", |_, world: &World| {
            world.flights.len() == 1 && world.waiting() > 1
        }),
        Property::sometimes("a call of a former process is under way", |_, world: &World| {
            world.calls.iter().any(|call| call.process != world.process)
        }),
        Property::sometimes("the token is refreshed twice", |_, world: &World| {
            world.record().is_some_and(|record| record.generation() > 2)
        }),
        Property::sometimes("the token is presented again within its grace", |_, world: &World| {
            world.stored.as_ref().and_then(Stored::live).is_some_and(|grant| {
                let used = world.smartcar.is_used(number_of(&grant.pair.refresh_token));
                used && grant.attempt.is_some_and(|attempt| attempt.attempts > 1)
            })
        }),
        Property::sometimes(
            "a call is under way when the refresh token's life ends",
            |_, world: &World| is_crossed(world, |grant| Some(grant.pair.refresh_expires_at)),
        ),
        Property::sometimes(
            "a call is under way when the access token expires",
            |_, world: &World| is_crossed(world, |grant| Some(grant.pair.access_expires_at)),
        ),
        Property::sometimes(
            "a call is under way when the grace of an earlier one ends",
            |protocol: &Protocol, world: &World| {
                is_crossed(world, |grant| {
                    let in_doubt = grant.attempt.and_then(|attempt| attempt.unresolved_since);
                    in_doubt.map(|called_at| called_at.after(protocol.grace))
                })
            },
        ),
        Property::sometimes("the grant has ended", |_, world: &World| {
            matches!(world.record(), Some(Record::Ended(_)))
        }),
        Property::sometimes(
            "the connection is closed",
            |_, world: &World| matches!(world.record(), Some(Record::Tombstone(tombstone)) if tombstone.kv.is_synced()),
        ),
        Property::sometimes(
            "KV holds a grant that has ended",
            |protocol: &Protocol, world: &World| {
                let lost = world.budget.lost_deletions < protocol.budget.lost_deletions;
                lost && world.kv.is_some() && matches!(world.record(), Some(Record::Ended(_)))
            },
        ),
        Property::sometimes(
            "KV holds a connection that is closed",
            |protocol: &Protocol, world: &World| {
                let lost = world.budget.lost_deletions < protocol.budget.lost_deletions;
                lost && world.kv.is_some() && matches!(world.record(), Some(Record::Tombstone(_)))
            },
        ),
        Property::sometimes("the record is removed", |_, world: &World| world.record().is_none()),
        Property::sometimes("KV is behind", |_, world: &World| {
            world.kv.is_some()
                && world
                    .record()
                    .is_some_and(|record| world.kv < Some(record.generation()))
        }),
        Property::sometimes("a car is marked while a call is awaited", |_, world: &World| {
            let is_live = |record: &&Record| record.live().is_some();
            let marked = world.record().filter(is_live).is_some_and(Record::owner_must_act);
            marked && world.calls.iter().any(|call| call.awaited)
        }),
        Property::sometimes("a reader can see two generations", |_, world: &World| {
            world.kv_seen.len() > 1
        }),
        Property::sometimes(
            "a reader can be refused with an older token than the fresh one that is stored",
            |_, world: &World| {
                let may_come = world.budget.asks > 0 && world.budget.rejections > 0 && world.flights.is_empty();
                let stored = world.stored.as_ref().and_then(Stored::live);
                may_come
                    && stored.is_some_and(|grant| {
                        let older = world
                            .kv_seen
                            .iter()
                            .any(|(generation, _)| *generation < grant.generation);
                        older && is_fresh(grant.pair.access_expires_at, world.now)
                    })
            },
        ),
    ]);
    all
}
