//! What must hold in every state, and what must be reached in some.

use stateright::Property;

use super::{ApplicationProtocol, world::ApplicationWorld};

pub(super) const TWO_REQUESTS: &str = "no process has two requests for the application's token under way";
pub(super) const UNANSWERED: &str = "whoever waits, waits for a request that is under way";
pub(super) const REFUSED_AGAIN: &str = "nobody is given the token that Smartcar has refused them";
pub(super) const EXPIRED: &str = "no token is given that has expired";
pub(super) const NOT_STORED: &str = "the token that is given is the one that is stored";
const MEMORY_IS_STORED: &str = "what the process goes by is what is stored";
const NEWEST_IS_KEPT: &str = "no token comes in place of a newer one";

/// The names of the properties that hold in every state.
pub const APPLICATION_SAFETY: &[&str] = &[
    TWO_REQUESTS,
    UNANSWERED,
    REFUSED_AGAIN,
    EXPIRED,
    NOT_STORED,
    MEMORY_IS_STORED,
    NEWEST_IS_KEPT,
];

/// The names of what is reached in some state.
pub const APPLICATION_COVERAGE: &[&str] = &[
    "two callers wait for one request",
    "who was refused a token is given a newer one",
    "who was refused what came goes on to another request",
    "another token is no remedy",
    "a request is repeated at once",
    "a token is used on although another can't be had",
    "the object dies with a request under way",
    "a successor asks while the request of a process that died is under way",
    "an answer that nobody waits for any more",
];

macro_rules! unbroken {
    ($name:expr) => {
        Property::always($name, |_: &ApplicationProtocol, world: &ApplicationWorld| {
            !world.broken.contains($name)
        })
    };
}

macro_rules! seen {
    ($name:expr) => {
        Property::sometimes($name, |_: &ApplicationProtocol, world: &ApplicationWorld| {
            world.seen.contains($name)
        })
    };
}

pub(super) fn all() -> Vec<Property<ApplicationProtocol>> {
    vec![
        unbroken!(TWO_REQUESTS),
        unbroken!(UNANSWERED),
        unbroken!(REFUSED_AGAIN),
        unbroken!(EXPIRED),
        unbroken!(NOT_STORED),
        Property::always(MEMORY_IS_STORED, |_, world: &ApplicationWorld| {
            world.memory.is_none() || world.memory == world.stored
        }),
        Property::always(NEWEST_IS_KEPT, |_, world: &ApplicationWorld| {
            let stored = world.stored.as_ref().map_or(0, |kept| kept.tokens().generation);
            world.held.iter().all(|held| held.generation <= stored)
        }),
        seen!("two callers wait for one request"),
        seen!("who was refused a token is given a newer one"),
        seen!("who was refused what came goes on to another request"),
        seen!("another token is no remedy"),
        seen!("a request is repeated at once"),
        seen!("a token is used on although another can't be had"),
        seen!("the object dies with a request under way"),
        seen!("a successor asks while the request of a process that died is under way"),
        seen!("an answer that nobody waits for any more"),
    ]
}
