//! Tests of more than one module; the others are beside the code.

mod injection;
mod messages;
mod outcomes;
mod strategy;
mod untrusted;

use super::{Attempt, RedirectUri, State};
use crate::time::UnixMillis;

pub(super) const NOW: UnixMillis = UnixMillis::new(1_790_000_000_000);
pub(super) const APPLICATION: &str = "8229df9f-91a0-4ff0-a1ae-a1f38ee24d07";

pub(super) fn redirect_uri() -> RedirectUri {
    RedirectUri::parse("https://app.example.com/cars").unwrap()
}

pub(super) fn state(byte: u8) -> State {
    State::from_random([byte; 32])
}

pub(super) fn attempt(state: &State) -> Attempt {
    Attempt::new(state.fingerprint(), redirect_uri(), NOW)
}
