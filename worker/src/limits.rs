//! What keeps this isolate from asking Smartcar too much: the limits that Smartcar has named to it, and what is under way.

use std::cell::RefCell;

use smartcar_connect::{
    api::{ApiError, RateLimits, UnderWay},
    connect::VehicleId,
    edge::{Caller, Problem, limit_known, too_much_under_way},
    time::Millis,
};
use wasm_bindgen::closure::Closure;

use crate::clock;

thread_local! {
    /// The limits that Smartcar has named to this isolate. Those of the application are for everybody, whichever version was asked.
    static LIMITS: RefCell<RateLimits> = const { RefCell::new(RateLimits::new()) };

    /// The requests of this isolate that are under way.
    static UNDER_WAY: RefCell<UnderWay> = const { RefCell::new(UnderWay::new()) };
}

/// A place among the requests that are under way.
pub(crate) struct Place(u64);

impl Place {
    /// One for the caller, for `longest` at most.
    ///
    /// # Errors
    /// There is none left.
    pub(crate) fn take(caller: &Caller, longest: Millis) -> Result<Self, Problem> {
        let now = clock::now();
        let ends = now.after(longest);
        let begun = UNDER_WAY.with_borrow_mut(|under_way| under_way.begin(caller.principal.as_str(), now, ends));
        Ok(Self(begun.ok_or_else(too_much_under_way)?))
    }

    /// What gives it back when the caller goes away: nothing here goes on then, and nothing is dropped.
    pub(crate) fn given_back(&self) -> Closure<dyn Fn()> {
        let number = self.0;
        Closure::new(move || UNDER_WAY.with_borrow_mut(|under_way| under_way.end(number)))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        UNDER_WAY.with_borrow_mut(|under_way| under_way.end(self.0));
    }
}

/// Whether Smartcar may be asked for this vehicle.
///
/// # Errors
/// A limit that it has named is not over.
pub(crate) fn check(vehicle: &VehicleId) -> Result<(), Problem> {
    match LIMITS.with_borrow(|limits| limits.met_by(vehicle, clock::now())) {
        Some((scope, wait)) => Err(limit_known(scope, wait)),
        None => Ok(()),
    }
}

/// Takes note of what Smartcar refused a request for this vehicle with.
pub(crate) fn note(vehicle: &VehicleId, error: &ApiError) {
    LIMITS.with_borrow_mut(|limits| limits.note(vehicle, error, clock::now()));
}
