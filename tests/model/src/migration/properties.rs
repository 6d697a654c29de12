//! What must hold in every state, and what must be reached in some.

use stateright::Property;

use super::{MigrationProtocol, world::MigrationWorld};
use crate::world::number_of;

pub(super) const REFRESHED: &str = "nothing is refreshed after it was moved, but to go back";
pub(super) const DURING_REQUEST: &str = "nothing is moved while a request is under way with its tokens";
pub(super) const UNCONFIRMED: &str = "nothing is moved that Smartcar's list did not have";
pub(super) const BOTH: &str = "a connection is on v2 or on v3, and nobody is given the other's token";
pub(super) const LOST: &str = "no grant that Smartcar honours is lost, nor one that was moved";
pub(super) const BACK_IN_VAIN: &str = "what goes back has tokens that Smartcar honours";
pub(super) const COMES_BACK: &str = "what was disconnected does not come back";
pub(super) const AFTER_FINISH: &str = "what was finished stays on v3, without tokens of v2";
pub(super) const GOES_ON: &str = "what v2 had ended goes on in v3";
const WAY_BACK: &str = "until it is finished, what was moved keeps the newest tokens, and Smartcar honours them";

/// The names of the properties that hold in every state.
pub const MIGRATION_SAFETY: &[&str] = &[
    REFRESHED,
    DURING_REQUEST,
    UNCONFIRMED,
    BOTH,
    LOST,
    BACK_IN_VAIN,
    COMES_BACK,
    AFTER_FINISH,
    WAY_BACK,
];

/// The names of what is reached in some state.
pub const MIGRATION_COVERAGE: &[&str] = &[
    "it is moved",
    "a list answers while a refresh is under way",
    "a list answers after the owner has disconnected",
    "a list has the cars no more",
    "it goes back at once",
    "it goes back with new tokens",
    "its tokens are refused on the way back",
    "it is moved after its tokens may have been used up",
    "it is finished",
    "it is moved again",
    GOES_ON,
    "what has ended on v3 goes back",
    "what has ended on v3 is moved again",
];

macro_rules! unbroken {
    ($name:expr) => {
        Property::always($name, |_: &MigrationProtocol, world: &MigrationWorld| {
            !world.broken.contains($name)
        })
    };
}

macro_rules! seen {
    ($name:expr) => {
        Property::sometimes($name, |_: &MigrationProtocol, world: &MigrationWorld| {
            world.seen.contains($name)
        })
    };
}

pub(super) fn all() -> Vec<Property<MigrationProtocol>> {
    vec![
        unbroken!(REFRESHED),
        unbroken!(DURING_REQUEST),
        unbroken!(UNCONFIRMED),
        unbroken!(BOTH),
        unbroken!(LOST),
        unbroken!(BACK_IN_VAIN),
        unbroken!(COMES_BACK),
        unbroken!(AFTER_FINISH),
        Property::always(WAY_BACK, |protocol: &MigrationProtocol, world: &MigrationWorld| {
            // v2 had ended it before: there is nothing to go back to.
            let goes_on = world.seen.contains(GOES_ON);
            if !world.was_moved() || goes_on || world.is_finished || world.was_refused {
                return true;
            }
            let Some(kept) = world.kept() else { return false };
            let number = number_of(&kept.pair.refresh_token);
            // What a process that died has presented may be used up; so is known to be what `attempt` says.
            let may_be_used = world.has_ghost || kept.attempt.is_some() || !world.calls.is_empty();
            may_be_used || world.is_removed || world.smartcar.honours(number, world.now, protocol.grace)
        }),
        seen!("it is moved"),
        seen!("a list answers while a refresh is under way"),
        seen!("a list answers after the owner has disconnected"),
        seen!("a list has the cars no more"),
        seen!("it goes back at once"),
        seen!("it goes back with new tokens"),
        seen!("its tokens are refused on the way back"),
        seen!("it is moved after its tokens may have been used up"),
        seen!("it is finished"),
        seen!("it is moved again"),
        seen!(GOES_ON),
        seen!("what has ended on v3 goes back"),
        seen!("what has ended on v3 is moved again"),
    ]
}
