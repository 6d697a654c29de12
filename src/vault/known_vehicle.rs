//! What is kept of a vehicle.

use serde::{Deserialize, Serialize};

use crate::{
    api::{ApiError, ResolutionKind, VehicleAttributes},
    connect::VehicleId,
    time::{Millis, UnixMillis},
    token::cycle::{LONGEST_BACKOFF, exponential_backoff},
};

/// How long Smartcar is left alone about a vehicle of which it said nothing, at first.
const ASKED_AGAIN_AFTER: Millis = Millis::from_secs(30);

/// The name of the error that the owner's log-in at the car's maker is no longer good.
const LOG_IN_FAILED: &str = "connected_services_account:authentication_failed";

/// The name of what stands in the way if no answer came.
const NO_ANSWER: &str = "upstream_unavailable";

/// A vehicle that a connection covers.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct KnownVehicle {
    /// Smartcar's id.
    pub id: VehicleId,
    /// What does not change of it, once Smartcar has said so.
    pub attributes: Option<VehicleAttributes>,
    /// Why Smartcar did not say so when it was last asked.
    pub problem: Option<VehicleProblem>,
    /// When the owner's log-in at the car's maker was last known to be good again: what is older is known by then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mended_at: Option<UnixMillis>,
}

/// Why it is not known what a vehicle is.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct VehicleProblem {
    /// Its stable name: lower-case letters, digits, `_` and `:`.
    pub name: String,
    /// Since when Smartcar does not say.
    pub since: UnixMillis,
    /// How often it was asked in a row.
    pub failures: u32,
    /// It is not asked about this vehicle before this.
    pub retry_at: UnixMillis,
    /// Whether the owner has to log in again at the car's maker.
    pub needs_reauthentication: bool,
}

/// What came of the question what a vehicle is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Description {
    /// Smartcar said this.
    Told(VehicleAttributes),
    /// Smartcar did not say.
    Refused {
        /// The stable name of its error.
        name: String,
        /// How long it wants to be left alone, if it said so.
        retry_after: Option<Millis>,
        /// Whether the owner has to log in again at the car's maker.
        needs_reauthentication: bool,
        /// Whether the connection covers the vehicle no more, as far as this answer tells.
        is_missing: bool,
    },
    /// Something else was asked for, and Smartcar does not know the vehicle.
    Missing,
    /// Something else was asked for, and the car's maker answered: the owner's log-in there is good.
    Answered,
}

/// How the owner's log-in at the car's maker is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogIn {
    /// It is no longer good: the stable name of the error.
    Failed(String),
    /// It is good again.
    Good,
}

impl Description {
    /// What an error of a request for something else than what the vehicle is says of the vehicle; `None` if nothing, as nearly all
    /// of them. Nor does one that wants the owner to grant more: it is about what was asked for.
    #[must_use]
    pub fn of_other_request(error: &ApiError) -> Option<Self> {
        if error.name() == LOG_IN_FAILED {
            Some(Self::refused(error))
        } else {
            (error.status == 404).then_some(Self::Missing)
        }
    }

    /// Smartcar answered with an error.
    #[must_use]
    pub fn refused(error: &ApiError) -> Self {
        let name = error.name();
        let resolution = error.resolution.as_ref().map(|resolution| resolution.kind);
        Self::Refused {
            needs_reauthentication: resolution == Some(ResolutionKind::Reauthenticate) || name == LOG_IN_FAILED,
            is_missing: error.status == 404,
            retry_after: error.retry_after,
            name,
        }
    }

    /// Something else than an error stands in the way: no answer, or one that can't be read. `name` is a stable name.
    #[must_use]
    pub fn unavailable(name: &str) -> Self {
        Self::Refused {
            name: name.to_owned(),
            retry_after: None,
            needs_reauthentication: false,
            is_missing: false,
        }
    }

    /// No answer came.
    #[must_use]
    pub fn no_answer() -> Self {
        Self::unavailable(NO_ANSWER)
    }
}

impl KnownVehicle {
    /// A vehicle of which nothing but its id is known.
    #[must_use]
    pub const fn new(id: VehicleId) -> Self {
        Self {
            id,
            attributes: None,
            problem: None,
            mended_at: None,
        }
    }

    /// Whether Smartcar is to be asked what it is, now that somebody wants to know.
    #[must_use]
    pub fn is_worth_asking_about(&self, now: UnixMillis) -> bool {
        self.attributes.is_none() && self.wait(now).is_none()
    }

    /// How long Smartcar is left alone about it, after a question that came to nothing.
    #[must_use]
    pub fn wait(&self, now: UnixMillis) -> Option<Millis> {
        let problem = self.problem.as_ref()?;
        let wait = problem.retry_at.since(now);
        // A clock that was ahead holds nothing up.
        (wait > Millis::ZERO && wait <= LONGEST_BACKOFF).then_some(wait)
    }

    /// Whether Smartcar wants its owner to log in again at its maker, and since when.
    #[must_use]
    pub fn needs_reauthentication_since(&self) -> Option<UnixMillis> {
        let problem = self.problem.as_ref().filter(|problem| problem.needs_reauthentication)?;
        Some(problem.since)
    }

    /// The vehicle after Smartcar was asked what it is. What is known stays known.
    #[must_use]
    pub fn described(&self, description: &Description, now: UnixMillis) -> Self {
        let (attributes, problem) = match description {
            Description::Missing => return self.clone(),
            Description::Answered if self.needs_reauthentication_since().is_none() => return self.clone(),
            Description::Answered => return self.reauthenticated(now),
            Description::Told(attributes) => {
                let attributes = Some(attributes.clone());
                let mended = self.needs_reauthentication_since().map(|_| self.reauthenticated(now));
                return Self {
                    attributes,
                    problem: None,
                    ..mended.unwrap_or_else(|| self.clone())
                };
            }
            Description::Refused {
                name,
                retry_after,
                needs_reauthentication,
                ..
            } => {
                let before = self.problem.as_ref();
                let failures = before.map_or(0, |problem| problem.failures).saturating_add(1);
                let wait = exponential_backoff(ASKED_AGAIN_AFTER, failures).max(retry_after.unwrap_or(Millis::ZERO));
                let problem = VehicleProblem {
                    since: before
                        .filter(|before| before.needs_reauthentication == *needs_reauthentication)
                        .map_or(now, |before| before.since),
                    name: name.clone(),
                    failures,
                    retry_at: now.after(wait.min(LONGEST_BACKOFF)),
                    needs_reauthentication: *needs_reauthentication,
                };
                (self.attributes.clone(), Some(problem))
            }
        };
        Self {
            attributes,
            problem,
            ..self.clone()
        }
    }

    /// The vehicle after a webhook that was sent at `at` has said something of its owner's log-in. What is older than what is known
    /// changes nothing.
    #[must_use]
    pub fn reported(&self, log_in: &LogIn, at: UnixMillis, now: UnixMillis) -> Self {
        let at = at.min(now);
        let is_old = self.mended_at.is_some_and(|mended_at| at <= mended_at);
        match (log_in, self.needs_reauthentication_since()) {
            _ if is_old => self.clone(),
            (LogIn::Failed(_), Some(_)) => self.clone(),
            (LogIn::Failed(name), None) => {
                let refused = Description::Refused {
                    name: name.clone(),
                    retry_after: None,
                    needs_reauthentication: true,
                    is_missing: false,
                };
                let marked = self.described(&refused, now);
                let problem = marked.problem.map(|problem| VehicleProblem { since: at, ..problem });
                Self { problem, ..marked }
            }
            (LogIn::Good, Some(since)) if at < since => self.clone(),
            (LogIn::Good, Some(_)) => self.reauthenticated(at),
            // It may have overtaken the error that is over by it.
            (LogIn::Good, None) => Self {
                mended_at: Some(at),
                ..self.clone()
            },
        }
    }

    /// The vehicle after its owner has logged in again at its maker, which was known at `at`: Smartcar is asked anew.
    #[must_use]
    pub fn reauthenticated(&self, at: UnixMillis) -> Self {
        Self {
            problem: None,
            mended_at: Some(at),
            ..self.clone()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixMillis = UnixMillis::new(1_790_000_000_000);

    fn vehicle() -> KnownVehicle {
        KnownVehicle::new(VehicleId::parse("v1").unwrap())
    }

    fn error(status: u16, retry_after: Option<&str>, body: &str) -> Description {
        let header = |name: &str| retry_after.filter(|_| name == "retry-after").map(str::to_owned);
        Description::refused(&ApiError::read(status, header, body.as_bytes(), NOW))
    }

    #[test]
    fn smartcar_is_left_alone_for_as_long_as_it_wants_and_ever_longer() {
        let mut car = vehicle();
        assert!(car.is_worth_asking_about(NOW));
        let limited = error(429, Some("120"), r#"{"type":"RATE_LIMIT","code":"VEHICLE"}"#);
        car = car.described(&limited, NOW);
        assert_eq!(car.wait(NOW), Some(Millis::from_secs(120)));
        assert!(!car.is_worth_asking_about(NOW.after(Millis::from_secs(119))));
        assert!(car.is_worth_asking_about(NOW.after(Millis::from_secs(120))));
        let refused = error(403, None, r#"{"type":"PERMISSION"}"#);
        let waits: Vec<u64> = (0..9)
            .map(|_| {
                car = car.described(&refused, NOW);
                car.wait(NOW).unwrap().as_secs()
            })
            .collect();
        assert_eq!(waits, [60, 120, 240, 480, 960, 1_920, 3_600, 3_600, 3_600]);
        assert_eq!(car.problem.as_ref().unwrap().name, "permission");
        let hours_ago = UnixMillis::new(NOW.as_millis() - 10_000_000);
        assert!(car.is_worth_asking_about(hours_ago), "the clock was ahead");
    }

    #[test]
    fn a_limit_takes_nothing_away() {
        let attributes = VehicleAttributes {
            make: Some("TESLA".into()),
            ..VehicleAttributes::default()
        };
        let told = vehicle().described(&error(500, None, ""), NOW);
        let told = told.described(&Description::Told(attributes.clone()), NOW);
        assert_eq!((&told.attributes, &told.problem), (&Some(attributes.clone()), &None));
        let limited = told.described(&error(429, Some("9"), ""), NOW);
        assert_eq!(limited.attributes, Some(attributes));
        assert!(
            !limited.is_worth_asking_about(NOW.after(Millis::from_days(9))),
            "it is known"
        );
    }

    #[test]
    fn an_owner_has_to_log_in_again_where_smartcar_says_so() {
        let failed = r#"{"type":"CONNECTED_SERVICES_ACCOUNT","code":"AUTHENTICATION_FAILED"}"#;
        let resolved = r#"{"type":"X","resolution":{"type":"REAUTHENTICATE"}}"#;
        for body in [failed, resolved] {
            let car = vehicle().described(&error(400, None, body), NOW);
            assert_eq!(car.needs_reauthentication_since(), Some(NOW), "{body}");
            let again = car.described(&error(400, None, body), NOW.after(Millis::from_hours(1)));
            assert_eq!(again.needs_reauthentication_since(), Some(NOW), "{body}");
            let mended = KnownVehicle {
                mended_at: Some(NOW),
                ..vehicle()
            };
            assert_eq!(car.reauthenticated(NOW), mended);
        }
        let other = vehicle().described(&error(403, None, r#"{"type":"PERMISSION"}"#), NOW);
        assert_eq!(other.needs_reauthentication_since(), None);
        let then = other.described(&error(400, None, failed), NOW.after(Millis::from_hours(1)));
        assert_eq!(
            then.needs_reauthentication_since(),
            Some(NOW.after(Millis::from_hours(1)))
        );
    }

    #[test]
    fn a_report_marks_and_clears_and_what_is_older_than_what_is_known_does_nothing() {
        let at = |secs| NOW.after(Millis::from_secs(secs));
        let failed = LogIn::Failed("connected_services_account:authentication_failed".to_owned());
        let now = at(1_000);
        let marked = vehicle().reported(&failed, at(10), now);
        assert_eq!(marked.needs_reauthentication_since(), Some(at(10)));
        assert_eq!(marked.reported(&failed, at(20), now), marked, "it is marked already");
        assert_eq!(marked.reported(&LogIn::Good, at(9), now), marked, "it came too late");
        let mended = marked.reported(&LogIn::Good, at(11), now);
        assert_eq!(
            (mended.needs_reauthentication_since(), mended.mended_at),
            (None, Some(at(11)))
        );
        assert_eq!(mended.reported(&failed, at(11), now), mended, "it came too late");
        assert_eq!(
            mended.reported(&failed, at(12), now).needs_reauthentication_since(),
            Some(at(12))
        );
        // The end of an error overtakes it.
        let overtaken = vehicle().reported(&LogIn::Good, at(11), now);
        assert_eq!(
            overtaken.reported(&failed, at(10), now).needs_reauthentication_since(),
            None
        );
        // A success since then, whoever asked.
        let answered = marked.described(&Description::Answered, at(500));
        assert_eq!(
            answered.reported(&failed, at(499), now).needs_reauthentication_since(),
            None
        );
        let told = marked.described(&Description::Told(VehicleAttributes::default()), at(500));
        assert_eq!(
            told.reported(&failed, at(499), now).needs_reauthentication_since(),
            None
        );
        // Smartcar's clock is ahead: the next success counts all the same.
        let ahead = vehicle().reported(&failed, at(2_000), now);
        assert_eq!(ahead.needs_reauthentication_since(), Some(now));
    }

    #[test]
    fn another_request_tells_of_the_log_in_and_of_a_car_that_is_gone_and_of_nothing_else() {
        let of =
            |status, body: &str| Description::of_other_request(&ApiError::read(status, |_| None, body.as_bytes(), NOW));
        let failed = of(
            400,
            r#"{"type":"CONNECTED_SERVICES_ACCOUNT","code":"AUTHENTICATION_FAILED"}"#,
        )
        .unwrap();
        let attributes = Some(VehicleAttributes::default());
        let known = KnownVehicle {
            attributes: attributes.clone(),
            ..vehicle()
        };
        let marked = known.described(&failed, NOW);
        assert_eq!(marked.needs_reauthentication_since(), Some(NOW));
        assert_eq!(marked.attributes, attributes, "what is known stays known");
        let mended = KnownVehicle {
            mended_at: Some(NOW),
            ..known
        };
        assert_eq!(marked.described(&Description::Answered, NOW), mended);

        assert_eq!(of(404, ""), Some(Description::Missing));
        assert_eq!(marked.described(&Description::Missing, NOW), marked, "the list decides");
        for (status, body) in [
            (403, r#"{"type":"PERMISSION","resolution":{"type":"REAUTHENTICATE"}}"#),
            (
                400,
                r#"{"type":"CONNECTED_SERVICES_ACCOUNT","code":"PERMISSION","resolution":{"type":"REAUTHENTICATE"}}"#,
            ),
            (409, r#"{"type":"VEHICLE_STATE","code":"ASLEEP"}"#),
            (
                400,
                r#"{"type":"CONNECTED_SERVICES_ACCOUNT","code":"VIRTUAL_KEY_REQUIRED"}"#,
            ),
            (429, r#"{"type":"RATE_LIMIT","code":"VEHICLE"}"#),
            (401, ""),
            (500, ""),
        ] {
            assert_eq!(of(status, body), None, "{status} {body}");
        }
        // A car that could not be described for another reason is left alone as long as before.
        let limited = vehicle().described(&error(429, Some("90"), ""), NOW);
        assert_eq!(limited.described(&Description::Answered, NOW), limited);
    }

    #[test]
    fn only_an_answer_of_404_says_that_a_vehicle_is_missing() {
        let missing = |description: &Description| matches!(description, Description::Refused { is_missing: true, .. });
        assert!(missing(&error(404, None, r#"{"type":"RESOURCE_NOT_FOUND"}"#)));
        assert!(!missing(&error(403, None, r#"{"type":"PERMISSION"}"#)));
        assert!(!missing(&Description::no_answer()));
        assert_eq!(
            vehicle()
                .described(&Description::no_answer(), NOW)
                .problem
                .unwrap()
                .name,
            "upstream_unavailable"
        );
    }
}
