//! What must hold in every state, and what must be reached in some.

use smartcar_connect::{
    time::Millis,
    vault::{Record, life::next_alarm},
};
use stateright::Property;

use super::{
    ClaimProtocol,
    act::tokens_of,
    world::{ClaimWorld, Side},
};
use crate::world::{connection, number_of};

pub(super) const TWO_REFRESH: &str = "no vault asks for tokens that the other may be asking for";
pub(super) const LOST: &str = "one of the two vaults keeps the connection until its owner gives it up";
pub(super) const HONOURED_GRANT_LOST: &str = "no grant that Smartcar honours is reported lost";
pub(super) const DEAD_TOKEN: &str = "no token is presented while a pair is kept that it has brought";
pub(super) const COMES_BACK: &str = "what the claimant's vault has had is not taken again";
pub(super) const FOR_SOMEBODY_ELSE: &str = "nothing comes to a claimant who had everything deleted since";
const USE_IS_KNOWN: &str = "that a token may be used up is known wherever it is kept, as long as it matters";
const SOMEBODY_GOES_ON: &str = "what is on its way is sent again within minutes";
const SHOWN_ONCE: &str = "the connection is shown by one vault at most";

/// The names of the properties that hold in every state.
pub const CLAIM_SAFETY: &[&str] = &[
    TWO_REFRESH,
    LOST,
    HONOURED_GRANT_LOST,
    DEAD_TOKEN,
    COMES_BACK,
    FOR_SOMEBODY_ELSE,
    USE_IS_KNOWN,
    SOMEBODY_GOES_ON,
    SHOWN_ONCE,
];

/// The names of what is reached in some state.
pub const CLAIM_COVERAGE: &[&str] = &[
    "a claim while a request is under way",
    "a connection that arrives a second time",
    "a connection that is refused",
    "a token for the claimant",
    "the connection is in the claimant's vault alone",
    "a pair that a request during the claim has brought arrives",
    "the claimant refreshes what may be used up",
];

macro_rules! unbroken {
    ($name:expr) => {
        Property::always($name, |_: &ClaimProtocol, world: &ClaimWorld| {
            !world.broken.contains($name)
        })
    };
}

macro_rules! seen {
    ($name:expr) => {
        Property::sometimes($name, |_: &ClaimProtocol, world: &ClaimWorld| {
            world.seen.contains($name)
        })
    };
}

pub(super) fn all() -> Vec<Property<ClaimProtocol>> {
    vec![
        unbroken!(TWO_REFRESH),
        unbroken!(LOST),
        unbroken!(HONOURED_GRANT_LOST),
        unbroken!(DEAD_TOKEN),
        unbroken!(COMES_BACK),
        unbroken!(FOR_SOMEBODY_ELSE),
        Property::always(USE_IS_KNOWN, |protocol: &ClaimProtocol, world: &ClaimWorld| {
            // Once the other vault has it, what is left here asks for nothing.
            let holder = if world.to.is_some() { &world.to } else { &world.from };
            let Some(tokens) = holder.as_ref().and_then(tokens_of) else {
                return true;
            };
            let number = number_of(&tokens.pair.refresh_token);
            let matters = world.smartcar.used_in_time(number).is_some_and(|since| {
                world.now < since.after(protocol.grace) && world.smartcar.honours(number, world.now, protocol.grace)
            });
            !matters || tokens.attempt.is_some()
        }),
        Property::always(SOMEBODY_GOES_ON, |_, world: &ClaimWorld| {
            world.leaving().is_none_or(|_| {
                let alarm = world
                    .record(Side::Claimed)
                    .and_then(|record| next_alarm(&connection(), record));
                alarm.is_some_and(|at| at.since(world.now) <= Millis::from_mins(5))
            })
        }),
        Property::always(SHOWN_ONCE, |_, world: &ClaimWorld| {
            let is_shown = |side| world.record(side).is_some_and(Record::is_shown);
            !(is_shown(Side::Claimed) && is_shown(Side::Claimant))
        }),
        seen!("a claim while a request is under way"),
        seen!("a connection that arrives a second time"),
        seen!("a connection that is refused"),
        seen!("a token for the claimant"),
        Property::sometimes(
            "the connection is in the claimant's vault alone",
            |_, world: &ClaimWorld| {
                let is_gone = matches!(world.record(Side::Claimed), Some(Record::Tombstone(_)) | None);
                is_gone && matches!(world.record(Side::Claimant), Some(Record::Live(_)))
            },
        ),
        Property::sometimes(
            "a pair that a request during the claim has brought arrives",
            |_, world: &ClaimWorld| {
                let during = world.seen.contains("a claim while a request is under way");
                let tokens = world.to.as_ref().and_then(tokens_of);
                during && tokens.is_some_and(|tokens| tokens.generation == 2 && tokens.attempt.is_none())
            },
        ),
        Property::sometimes("the claimant refreshes what may be used up", |_, world: &ClaimWorld| {
            let tokens = world.to.as_ref().and_then(tokens_of);
            let is_used = |token| world.smartcar.is_used(token);
            world.is_calling(Side::Claimant)
                && tokens.is_some_and(|tokens| is_used(number_of(&tokens.pair.refresh_token)))
        }),
    ]
}
