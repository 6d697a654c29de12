//! What keeps the Worker from asking Smartcar too much: limits that Smartcar has named, and how much may be under way.

use std::collections::BTreeMap;

use super::error::ApiError;
use crate::{
    connect::VehicleId,
    time::{Millis, UnixMillis},
};

/// The status of an answer to one request too many.
const TOO_MANY_REQUESTS: u16 = 429;

/// How long a limit lasts that does not say so itself.
const UNNAMED_WAIT: Millis = Millis::from_secs(30);

/// How many vehicles are remembered at most.
const MOST_VEHICLES: usize = 1_000;

/// What a limit is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LimitScope {
    /// Everything that the application asks (`SMARTCAR_API`).
    Application,
    /// One vehicle (`VEHICLE`).
    Vehicle,
}

impl LimitScope {
    /// Smartcar's code for it.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Application => "SMARTCAR_API",
            Self::Vehicle => "VEHICLE",
        }
    }
}

/// The limits that Smartcar has answered with and that are not over.
#[derive(Debug, Default)]
pub struct RateLimits {
    application: Option<UnixMillis>,
    vehicles: BTreeMap<String, UnixMillis>,
}

impl RateLimits {
    /// None.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            application: None,
            vehicles: BTreeMap::new(),
        }
    }

    /// Which limit a request for this vehicle would meet, and how long it lasts.
    #[must_use]
    pub fn met_by(&self, vehicle: &VehicleId, now: UnixMillis) -> Option<(LimitScope, Millis)> {
        let left = |until: &UnixMillis| (*until > now).then(|| until.since(now));
        let application = self.application.as_ref().and_then(left);
        let vehicle = self.vehicles.get(vehicle.as_str()).and_then(left);
        match (application, vehicle) {
            (Some(wait), None) => Some((LimitScope::Application, wait)),
            (Some(wait), Some(other)) if wait >= other => Some((LimitScope::Application, wait)),
            (_, Some(wait)) => Some((LimitScope::Vehicle, wait)),
            (None, None) => None,
        }
    }

    /// Takes note of an answer to a request for this vehicle. One without a code is about the vehicle: the other stops everybody.
    pub fn note(&mut self, vehicle: &VehicleId, error: &ApiError, now: UnixMillis) {
        if error.status != TOO_MANY_REQUESTS {
            return;
        }
        let until = now.after(error.retry_after.unwrap_or(UNNAMED_WAIT));
        if error.code.as_deref() == Some(LimitScope::Application.code()) {
            self.application = self.application.max(Some(until));
            return;
        }
        if self.vehicles.len() >= MOST_VEHICLES {
            self.vehicles.retain(|_, until| *until > now);
        }
        if self.vehicles.len() >= MOST_VEHICLES {
            // Smartcar names the limit again.
            self.vehicles.pop_first();
        }
        self.vehicles.insert(vehicle.as_str().to_owned(), until);
    }
}

/// The most requests of one caller that may be under way in an isolate: a page has six connections.
pub const MOST_OF_ONE_CALLER: usize = 6;

/// The most requests of all callers that may be under way in an isolate.
pub const MOST_OF_ALL: usize = 100;

/// The requests that are under way, each by its caller and with the time at which it is given up at the latest: one whose caller
/// went away may never say that it is over.
#[derive(Debug, Default)]
pub struct UnderWay {
    requests: BTreeMap<u64, (String, UnixMillis)>,
    last: u64,
}

impl UnderWay {
    /// None.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            requests: BTreeMap::new(),
            last: 0,
        }
    }

    /// Lets one more begin, which is over at `ends` at the latest; `None` if there are too many. The number is for
    /// [`end`](Self::end).
    pub fn begin(&mut self, caller: &str, now: UnixMillis, ends: UnixMillis) -> Option<u64> {
        self.requests.retain(|_, (_, ends)| *ends > now);
        let own = self.requests.values().filter(|(of, _)| of == caller).count();
        if own >= MOST_OF_ONE_CALLER || self.requests.len() >= MOST_OF_ALL {
            return None;
        }
        self.last = self.last.wrapping_add(1);
        self.requests.insert(self.last, (caller.to_owned(), ends));
        Some(self.last)
    }

    /// One is over.
    pub fn end(&mut self, number: u64) {
        self.requests.remove(&number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixMillis = UnixMillis::new(1_790_000_000_000);

    fn vehicle(id: &str) -> VehicleId {
        VehicleId::parse(id).unwrap()
    }

    fn refusal(code: &str, retry_after: Option<&str>) -> ApiError {
        let header = |name: &str| retry_after.filter(|_| name == "retry-after").map(str::to_owned);
        ApiError::read(
            429,
            header,
            format!(r#"{{"type":"RATE_LIMIT","code":"{code}"}}"#).as_bytes(),
            NOW,
        )
    }

    fn after(seconds: u64) -> UnixMillis {
        NOW.after(Millis::from_secs(seconds))
    }

    #[test]
    fn a_limit_of_a_vehicle_stops_that_vehicle_alone_for_as_long_as_it_says() {
        let mut limits = RateLimits::new();
        limits.note(&vehicle("a"), &refusal("VEHICLE", Some("20")), NOW);
        assert_eq!(limits.met_by(&vehicle("b"), NOW), None);
        let met = |at| limits.met_by(&vehicle("a"), at);
        assert_eq!(met(NOW), Some((LimitScope::Vehicle, Millis::from_secs(20))));
        assert_eq!(met(after(19)), Some((LimitScope::Vehicle, Millis::from_secs(1))));
        assert_eq!(met(after(20)), None);
    }

    #[test]
    fn a_limit_of_the_application_stops_every_vehicle() {
        let mut limits = RateLimits::new();
        limits.note(&vehicle("a"), &refusal("SMARTCAR_API", Some("60")), NOW);
        limits.note(&vehicle("a"), &refusal("SMARTCAR_API", Some("10")), NOW);
        limits.note(&vehicle("b"), &refusal("VEHICLE", Some("90")), NOW);
        for id in ["a", "c"] {
            let met = limits.met_by(&vehicle(id), NOW);
            assert_eq!(met, Some((LimitScope::Application, Millis::from_secs(60))));
        }
        let longer = limits.met_by(&vehicle("b"), NOW);
        assert_eq!(longer, Some((LimitScope::Vehicle, Millis::from_secs(90))));
    }

    #[test]
    fn a_limit_that_says_nothing_is_the_vehicles_and_lasts_half_a_minute() {
        let mut limits = RateLimits::new();
        limits.note(&vehicle("a"), &ApiError::read(429, |_| None, b"<html>", NOW), NOW);
        let met = limits.met_by(&vehicle("a"), NOW);
        assert_eq!(met, Some((LimitScope::Vehicle, Millis::from_secs(30))));
        assert_eq!(limits.met_by(&vehicle("b"), NOW), None);
        limits.note(
            &vehicle("b"),
            &ApiError::read(430, |_| None, br#"{"code":"VEHICLE"}"#, NOW),
            NOW,
        );
        assert_eq!(limits.met_by(&vehicle("b"), NOW), None, "only 429 is a limit of rate");
    }

    #[test]
    fn no_more_vehicles_are_remembered_than_there_is_room_for() {
        let mut limits = RateLimits::new();
        for number in 0..MOST_VEHICLES * 2 {
            limits.note(&vehicle(&format!("v{number}")), &refusal("VEHICLE", None), NOW);
        }
        assert_eq!(limits.vehicles.len(), MOST_VEHICLES);
        limits.note(&vehicle("later"), &refusal("VEHICLE", None), after(40));
        assert_eq!(limits.vehicles.len(), 1, "what is over goes first");
    }

    #[test]
    fn one_caller_takes_nobodys_place_and_all_together_are_bounded() {
        let mut under_way = UnderWay::new();
        let first = under_way.begin("anna", NOW, after(30)).unwrap();
        for _ in 1..MOST_OF_ONE_CALLER {
            assert!(under_way.begin("anna", NOW, after(30)).is_some());
        }
        assert_eq!(under_way.begin("anna", NOW, after(30)), None);
        assert!(under_way.begin("berta", NOW, after(30)).is_some());
        under_way.end(first);
        assert!(under_way.begin("anna", NOW, after(30)).is_some());
        for number in 0..MOST_OF_ALL {
            under_way.begin(&number.to_string(), NOW, after(30));
        }
        assert_eq!(under_way.requests.len(), MOST_OF_ALL);
        assert_eq!(under_way.begin("carla", NOW, after(30)), None);
        assert!(
            under_way.begin("carla", after(31), after(60)).is_some(),
            "those were given up"
        );
        assert_eq!(under_way.requests.len(), 1);
    }
}
