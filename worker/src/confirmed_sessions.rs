//! Which sessions a vault has lately called open, so that what KV answers alone need not wait for a vault each time.

use std::{cell::RefCell, collections::HashMap};

use smartcar_connect::{
    edge::Caller,
    identity::SessionId,
    time::{Millis, UnixMillis},
};

/// How long a vault's word counts: as long as a copy in KV may be out of date anyway.
const COUNTS_FOR: Millis = Millis::from_mins(1);

/// The most that is remembered. Beyond it everything is forgotten, which costs a call to the vault for each session.
const MOST: usize = 2_000;

thread_local! {
    static CONFIRMED: RefCell<HashMap<SessionId, UnixMillis>> = RefCell::default();
}

/// The vault of `caller` has answered: the session that is shown was open.
pub(crate) fn note(caller: &Caller, now: UnixMillis) {
    let Some(session) = &caller.session else { return };
    CONFIRMED.with_borrow_mut(|confirmed| {
        if confirmed.len() >= MOST {
            confirmed.clear();
        }
        confirmed.insert(session.id.clone(), now);
    });
}

/// The session that is shown has ended.
pub(crate) fn forget(caller: &Caller) {
    let Some(session) = &caller.session else { return };
    CONFIRMED.with_borrow_mut(|confirmed| confirmed.remove(&session.id));
}

/// Whether the session of `caller` may be taken for open; so is a caller without one.
pub(crate) fn is_open(caller: &Caller, now: UnixMillis) -> bool {
    let Some(session) = &caller.session else { return true };
    CONFIRMED.with_borrow(|confirmed| confirmed.get(&session.id).is_some_and(|at| now.since(*at) < COUNTS_FOR))
}
