//! Which answers to passed-on requests the vault has to hear of.

use std::collections::BTreeMap;

use crate::{
    api::{ApiError, ApiTarget},
    connect::VehicleId,
    principal::Principal,
    time::{Millis, UnixMillis},
    vault::Description,
};

/// How long the vault is not told the same again.
const TOLD_AGAIN_AFTER: Millis = Millis::from_secs(30);

/// How many vehicles are remembered at most.
const MOST_VEHICLES: usize = 1_000;

/// What is remembered of one vehicle of a principal's.
#[derive(Clone, Copy, Debug, Default)]
struct Remembered {
    /// Whether the vault keeps that its owner has to log in again.
    needs_reauthentication: bool,
    /// When the vault was last told an error.
    told_at: Option<UnixMillis>,
}

/// What an isolate knows of the vehicles whose vault has to be told of an answer. It may be forgotten at any time: an error is told
/// again, and whoever looks at the vehicles brings back which of them are marked.
#[derive(Debug, Default)]
pub struct VehicleNews {
    vehicles: BTreeMap<(String, String), Remembered>,
}

impl VehicleNews {
    /// Nothing.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            vehicles: BTreeMap::new(),
        }
    }

    /// Takes note of what a vault says of a vehicle: whether its owner has to log in again at the car's maker.
    pub fn heard(&mut self, principal: &Principal, vehicle: &VehicleId, needs_reauthentication: bool) {
        if needs_reauthentication {
            self.remembered(principal, vehicle).needs_reauthentication = true;
        } else {
            self.vehicles.remove(&key(principal, vehicle));
        }
    }

    /// What the vault has to be told of an error, if anything.
    pub fn refused(
        &mut self,
        principal: &Principal,
        vehicle: &VehicleId,
        error: &ApiError,
        now: UnixMillis,
    ) -> Option<Description> {
        let description = Description::of_other_request(error)?;
        let remembered = self.remembered(principal, vehicle);
        let is_told = |at: UnixMillis| at <= now && now.since(at) < TOLD_AGAIN_AFTER;
        if remembered.told_at.is_some_and(is_told) {
            return None;
        }
        remembered.told_at = Some(now);
        remembered.needs_reauthentication |= description != Description::Missing;
        Some(description)
    }

    /// What the vault has to be told of a success, if anything: that the owner's log-in is good again, where it was not.
    pub fn succeeded(&mut self, principal: &Principal, target: &ApiTarget) -> Option<Description> {
        if self.vehicles.is_empty() || !target.asks_the_maker() {
            return None;
        }
        let key = key(principal, target.vehicle());
        self.vehicles
            .get(&key)
            .filter(|remembered| remembered.needs_reauthentication)?;
        self.vehicles.remove(&key);
        Some(Description::Answered)
    }

    fn remembered(&mut self, principal: &Principal, vehicle: &VehicleId) -> &mut Remembered {
        let key = key(principal, vehicle);
        if self.vehicles.len() >= MOST_VEHICLES && !self.vehicles.contains_key(&key) {
            self.vehicles.pop_first();
        }
        self.vehicles.entry(key).or_default()
    }
}

fn key(principal: &Principal, vehicle: &VehicleId) -> (String, String) {
    (principal.as_str().to_owned(), vehicle.as_str().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::Found;

    const NOW: UnixMillis = UnixMillis::new(1_790_000_000_000);

    fn error(status: u16, body: &str) -> ApiError {
        ApiError::read(status, |_| None, body.as_bytes(), NOW)
    }

    fn log_in_failed() -> ApiError {
        error(
            400,
            r#"{"type":"CONNECTED_SERVICES_ACCOUNT","code":"AUTHENTICATION_FAILED"}"#,
        )
    }

    fn target(method: &str, below: &str) -> ApiTarget {
        match ApiTarget::find(method, &format!("/v2.0/vehicles/v1{below}")) {
            Found::Target(target) => target,
            other => panic!("{other:?}"),
        }
    }

    fn anna() -> Principal {
        Principal::user("anna").unwrap()
    }

    fn car() -> VehicleId {
        VehicleId::parse("v1").unwrap()
    }

    #[test]
    fn an_error_is_told_once_in_a_while_and_the_next_success_once() {
        let mut news = VehicleNews::new();
        let read = target("GET", "/odometer");
        assert_eq!(news.succeeded(&anna(), &read), None, "nothing was wrong");
        assert!(news.refused(&anna(), &car(), &log_in_failed(), NOW).is_some());
        let soon = NOW.after(Millis::from_secs(29));
        assert_eq!(news.refused(&anna(), &car(), &log_in_failed(), soon), None);
        let later = NOW.after(Millis::from_secs(30));
        assert!(news.refused(&anna(), &car(), &log_in_failed(), later).is_some());
        let ahead = UnixMillis::new(NOW.as_millis() - 1);
        assert!(
            news.refused(&anna(), &car(), &log_in_failed(), ahead).is_some(),
            "the clock was ahead"
        );
        assert_eq!(
            news.succeeded(&Principal::user("ben").unwrap(), &read),
            None,
            "another's"
        );
        assert_eq!(news.succeeded(&anna(), &read), Some(Description::Answered));
        assert_eq!(news.succeeded(&anna(), &read), None);
        // It fails again at once.
        assert!(news.refused(&anna(), &car(), &log_in_failed(), NOW).is_some());
    }

    #[test]
    fn what_smartcar_answers_without_the_maker_shows_nothing_of_the_log_in() {
        let mut news = VehicleNews::new();
        news.heard(&anna(), &car(), true);
        for (method, below) in [
            ("GET", ""),
            ("GET", "/vin"),
            ("GET", "/permissions"),
            ("POST", "/batch"),
        ] {
            assert_eq!(news.succeeded(&anna(), &target(method, below)), None, "{below}");
        }
        assert_eq!(
            news.succeeded(&anna(), &target("POST", "/security")),
            Some(Description::Answered)
        );
    }

    #[test]
    fn what_the_vault_says_counts() {
        let mut news = VehicleNews::new();
        let read = target("GET", "/odometer");
        news.heard(&anna(), &car(), true);
        news.heard(&anna(), &car(), false);
        assert_eq!(news.succeeded(&anna(), &read), None);
    }

    #[test]
    fn a_car_that_is_gone_is_told_and_mended_by_no_success() {
        let mut news = VehicleNews::new();
        assert_eq!(
            news.refused(&anna(), &car(), &error(404, ""), NOW),
            Some(Description::Missing)
        );
        assert_eq!(news.refused(&anna(), &car(), &error(404, ""), NOW), None);
        assert_eq!(news.succeeded(&anna(), &target("GET", "/odometer")), None);
        assert_eq!(
            news.refused(&anna(), &car(), &error(403, r#"{"type":"PERMISSION"}"#), NOW),
            None
        );
    }

    #[test]
    fn no_more_than_a_thousand_are_remembered() {
        let mut news = VehicleNews::new();
        for n in 0..2_000 {
            news.heard(&Principal::user(&n.to_string()).unwrap(), &car(), true);
        }
        assert_eq!(news.vehicles.len(), MOST_VEHICLES);
    }
}
