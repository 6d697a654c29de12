//! How much an application may ask: a bucket for all its owners, a plan, and each car's own patience.

use serde::{Deserialize, Serialize};

use super::{
    errors::{self, Refusal},
    settings::Settings,
    state::State,
};
use crate::clock::Millis;

/// A bucket in parts of a request, small enough that each millisecond's refill is a whole number.
const PARTS: u64 = 60_000;

/// What is used of the application's bucket.
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub(super) struct Bucket {
    used: u64,
    at: Millis,
}

impl Bucket {
    /// Takes one request, or says after how many seconds there is one again.
    fn take(&mut self, now: Millis, settings: &Settings) -> Result<(), u64> {
        let rate = settings.bucket_refill_per_minute;
        let refilled = now.saturating_sub(self.at).saturating_mul(rate);
        self.used = self.used.saturating_sub(refilled);
        self.at = now;
        let used = self.used.saturating_add(PARTS);
        let missing = used.saturating_sub(settings.bucket_size.saturating_mul(PARTS));
        if missing > 0 {
            let ms = missing.checked_div(rate).unwrap_or(PARTS);
            return Err(ms.div_ceil(1_000).max(1));
        }
        self.used = used;
        Ok(())
    }
}

/// Counts a request against the application's bucket.
pub(super) fn application(state: &mut State, settings: &Settings, now: Millis) -> Result<(), Refusal> {
    state
        .bucket
        .take(now, settings)
        .map_err(|seconds| Refusal::later(errors::RATE_LIMIT_APPLICATION, seconds))
}

/// Counts a request about a car against the plan and the car's own limit.
pub(super) fn vehicle(state: &mut State, settings: &Settings, now: Millis, id: &str) -> Result<(), Refusal> {
    let until = state.signals.get(id).map_or(0, |signals| signals.throttled_until);
    if now < until {
        let seconds = until.saturating_sub(now).div_ceil(1_000);
        return Err(Refusal::later(errors::RATE_LIMIT_VEHICLE, seconds));
    }
    if settings.plan_requests.is_some_and(|all| state.billed >= all) {
        return Err(errors::REQUEST_LIMIT.into());
    }
    state.billed = state.billed.saturating_add(1);
    Ok(())
}
