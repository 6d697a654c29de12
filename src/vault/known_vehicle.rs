//! What is kept of a vehicle.

use serde::{Deserialize, Serialize};

use crate::{
    api::{ApiError, ListedConnection, VehicleAttributes},
    connect::{Origin, VehicleId},
    time::{Millis, UnixMillis},
    token::cycle::{LONGEST_BACKOFF, exponential_backoff},
    vault::mark::{Complaint, DESCRIBES, Marks, Report, Success},
};

/// How long Smartcar is left alone about a vehicle of which it said nothing, at first.
const ASKED_AGAIN_AFTER: Millis = Millis::from_secs(30);

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
    /// Why Smartcar wants its owner back, if it does.
    #[serde(default, skip_serializing_if = "Marks::is_empty")]
    pub marks: Marks,
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
    /// Whether that is because Smartcar wants the owner back.
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
        /// What it says of the owner, if the owner is wanted back.
        complaint: Option<Complaint>,
        /// Whether the connection covers the vehicle no more, as far as this answer tells.
        is_missing: bool,
    },
    /// Something else was asked for, and Smartcar does not know the vehicle.
    Missing,
    /// Something else was asked for, and the answer says that the owner is wanted back.
    Wanted(Complaint),
    /// Something else was asked for, with success.
    Succeeded(Success),
}

impl Description {
    /// What an error of a request for something else than what the vehicle is says of the vehicle; `None` if nothing, as nearly all
    /// of them. The request took `permission`; Connect runs on `connect`.
    #[must_use]
    pub fn of_other_request(
        error: &ApiError,
        permission: Option<&str>,
        vehicle: &VehicleId,
        connect: &Origin,
    ) -> Option<Self> {
        match Complaint::of(error, permission, vehicle, connect) {
            Some(complaint) => Some(Self::Wanted(complaint)),
            None => (error.status == 404).then_some(Self::Missing),
        }
    }

    /// Smartcar answered with an error. Connect runs on `connect`.
    #[must_use]
    pub fn refused(error: &ApiError, vehicle: &VehicleId, connect: &Origin) -> Self {
        Self::Refused {
            name: error.name(),
            retry_after: error.retry_after,
            complaint: Complaint::of(error, Some(DESCRIBES), vehicle, connect),
            is_missing: error.status == 404,
        }
    }

    /// Something else than an error stands in the way: no answer, or one that can't be read. `name` is a stable name.
    #[must_use]
    pub fn unavailable(name: &str) -> Self {
        Self::Refused {
            name: name.to_owned(),
            retry_after: None,
            complaint: None,
            is_missing: false,
        }
    }

    /// No answer came.
    #[must_use]
    pub fn no_answer() -> Self {
        Self::unavailable(NO_ANSWER)
    }
}

/// The vehicles of Smartcar's connections (v3), each once, with what the list tells of them.
#[must_use]
pub fn covered_vehicles(listed: &[ListedConnection]) -> Vec<KnownVehicle> {
    let mut vehicles: Vec<KnownVehicle> = Vec::new();
    for connection in listed {
        if vehicles.iter().any(|known| known.id == connection.vehicle_id) {
            continue;
        }
        let told = connection.attributes != VehicleAttributes::default();
        vehicles.push(KnownVehicle {
            attributes: told.then(|| connection.attributes.clone()),
            ..KnownVehicle::new(connection.vehicle_id.clone())
        });
    }
    vehicles
}

/// Whether both are the same vehicles, in whichever order.
#[must_use]
pub(super) fn are_same(one: &[KnownVehicle], other: &[KnownVehicle]) -> bool {
    let has = |all: &[KnownVehicle], vehicle: &KnownVehicle| all.iter().any(|known| known.id == vehicle.id);
    one.iter().all(|vehicle| has(other, vehicle)) && other.iter().all(|vehicle| has(one, vehicle))
}

impl KnownVehicle {
    /// A vehicle of which nothing but its id is known.
    #[must_use]
    pub const fn new(id: VehicleId) -> Self {
        Self {
            id,
            attributes: None,
            problem: None,
            marks: Marks {
                wanted: Vec::new(),
                mended: Vec::new(),
            },
        }
    }

    /// What is known of it, as Smartcar's answer to the question what it is; `None` if nothing is.
    #[must_use]
    pub fn description(&self) -> Option<Description> {
        self.attributes.clone().map(Description::Told)
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

    /// The vehicle after Smartcar was asked what it is, or for something else. What is known stays known.
    #[must_use]
    pub fn described(&self, description: &Description, now: UnixMillis) -> Self {
        match description {
            Description::Missing => self.clone(),
            Description::Wanted(complaint) => self.marked(self.marks.with(complaint, now)),
            Description::Succeeded(success) => self.marked(self.marks.after(success, now)),
            Description::Told(attributes) => Self {
                id: self.id.clone(),
                attributes: Some(attributes.clone()),
                problem: None,
                marks: self.marks.after(&Success::of_description(), now),
            },
            Description::Refused {
                name,
                retry_after,
                complaint,
                ..
            } => {
                let before = self.problem.as_ref();
                let failures = before.map_or(0, |problem| problem.failures).saturating_add(1);
                let wait = exponential_backoff(ASKED_AGAIN_AFTER, failures).max(retry_after.unwrap_or(Millis::ZERO));
                let needs_reauthentication = complaint.is_some();
                let problem = VehicleProblem {
                    since: before
                        .filter(|before| before.needs_reauthentication == needs_reauthentication)
                        .map_or(now, |before| before.since),
                    name: name.clone(),
                    failures,
                    retry_at: now.after(wait.min(LONGEST_BACKOFF)),
                    needs_reauthentication,
                };
                Self {
                    id: self.id.clone(),
                    attributes: self.attributes.clone(),
                    problem: Some(problem),
                    marks: match complaint {
                        Some(complaint) => self.marks.with(complaint, now),
                        None => self.marks.clone(),
                    },
                }
            }
        }
    }

    /// Whether its owner is wanted back.
    #[must_use]
    pub const fn is_marked(&self) -> bool {
        !self.marks.wanted.is_empty()
    }

    /// The vehicle after a report that came by another way than the answer to a request.
    #[must_use]
    pub fn reported(&self, report: &Report, connected_at: UnixMillis, now: UnixMillis) -> Self {
        self.marked(self.marks.reported(report, connected_at, now))
    }

    /// The vehicle after its owner came back from its maker. The marks stay until something disproves them, but Smartcar is asked
    /// anew what it is, if it is not known because the owner was wanted.
    #[must_use]
    pub fn reauthenticated(&self) -> Self {
        let problem = self.problem.clone();
        Self {
            problem: problem.filter(|problem| !problem.needs_reauthentication),
            ..self.clone()
        }
    }

    /// With other marks. Once one is gone, Smartcar is asked anew what stood in its way.
    fn marked(&self, marks: Marks) -> Self {
        let is_one_gone = marks.wanted.len() < self.marks.wanted.len();
        let vehicle = if is_one_gone {
            self.reauthenticated()
        } else {
            self.clone()
        };
        Self { marks, ..vehicle }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        api::{ApiTarget, Found},
        connect::UserId,
        vault::mark::MarkCause,
    };

    const NOW: UnixMillis = UnixMillis::new(1_790_000_000_000);

    fn vehicle() -> KnownVehicle {
        KnownVehicle::new(VehicleId::parse("v1").unwrap())
    }

    fn error(status: u16, retry_after: Option<&str>, body: &str) -> Description {
        let header = |name: &str| retry_after.filter(|_| name == "retry-after").map(str::to_owned);
        refused(&ApiError::read(status, header, body.as_bytes(), NOW))
    }

    fn refused(error: &ApiError) -> Description {
        Description::refused(error, &vehicle().id, &Origin::connect())
    }

    fn success(method: &str, below: &str) -> Description {
        match ApiTarget::find(method, &format!("/v2.0/vehicles/v1{below}")) {
            Found::Target(target) => Description::Succeeded(Success::of(&target)),
            other => panic!("{other:?}"),
        }
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
        assert_eq!(told.description(), None);
        let told = told.described(&Description::Told(attributes.clone()), NOW);
        assert_eq!(told.description(), Some(Description::Told(attributes.clone())));
        assert_eq!((&told.attributes, &told.problem), (&Some(attributes.clone()), &None));
        let limited = told.described(&error(429, Some("9"), ""), NOW);
        assert_eq!(limited.attributes, Some(attributes));
        assert!(
            !limited.is_worth_asking_about(NOW.after(Millis::from_days(9))),
            "it is known"
        );
    }

    #[test]
    fn an_owner_is_wanted_where_smartcar_says_so_until_something_disproves_it() {
        let failed = r#"{"type":"CONNECTED_SERVICES_ACCOUNT","code":"AUTHENTICATION_FAILED"}"#;
        let resolved = r#"{"type":"X","resolution":{"type":"REAUTHENTICATE"}}"#;
        let later = NOW.after(Millis::from_hours(1));
        for body in [failed, resolved] {
            let car = vehicle().described(&error(400, None, body), NOW);
            assert_eq!(car.marks.since(), Some(NOW), "{body}");
            assert!(!car.is_worth_asking_about(NOW));
            let again = car.described(&error(400, None, body), later);
            assert_eq!(again.marks.since(), Some(NOW), "{body}");
            let limited = again.described(&error(429, Some("9"), ""), later);
            assert_eq!(limited.marks.since(), Some(NOW), "a limit disproves nothing");
            let complaint = Description::Wanted(Complaint::reported(MarkCause::LogInFailed));
            let wanted = again.described(&complaint, later);
            for car in [&wanted, &wanted.described(&complaint, later)] {
                assert!(!car.is_worth_asking_about(later), "no mark is gone");
            }
            let back = again.reauthenticated();
            assert_eq!(back.marks, again.marks, "nothing has shown yet that it works");
            assert!(back.is_worth_asking_about(later));
            let told = back.described(&Description::Told(VehicleAttributes::default()), later);
            assert_eq!(told.marks.since(), None);
        }
        let other = vehicle().described(&error(403, None, r#"{"type":"PERMISSION"}"#), NOW);
        assert_eq!(other.marks.since(), None);
        let then = other.described(&error(400, None, failed), later);
        assert_eq!(then.marks.since(), Some(later));
        assert_eq!(then.problem.unwrap().since, later);
    }

    #[test]
    fn another_request_tells_that_the_owner_is_wanted_and_of_a_car_that_is_gone_and_of_nothing_else() {
        let of = |status, body: &str| {
            let error = ApiError::read(status, |_| None, body.as_bytes(), NOW);
            Description::of_other_request(&error, Some("read_odometer"), &vehicle().id, &Origin::connect())
        };
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
        assert_eq!(marked.marks.since(), Some(NOW));
        assert_eq!(marked.attributes, attributes, "what is known stays known");
        let works = marked.described(&success("GET", "/location"), NOW);
        assert_eq!((&works.attributes, works.marks.since()), (&known.attributes, None));
        assert_eq!(works.marks.mended.len(), 1, "an older report is no news");
        assert_eq!(marked.described(&success("GET", "/vin"), NOW), marked);

        assert_eq!(of(404, ""), Some(Description::Missing));
        assert_eq!(marked.described(&Description::Missing, NOW), marked, "the list decides");
        for (status, body) in [
            (403, r#"{"type":"PERMISSION"}"#),
            (400, r#"{"type":"CONNECTED_SERVICES_ACCOUNT","code":"PERMISSION"}"#),
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
        assert_eq!(limited.described(&success("GET", "/odometer"), NOW), limited);
        let also_wanted = limited.described(&failed, NOW);
        let works = also_wanted.described(&success("GET", "/odometer"), NOW);
        assert_eq!((&works.problem, works.marks.since()), (&limited.problem, None));
    }

    #[test]
    fn a_permission_is_there_once_what_takes_it_succeeds() {
        let body = r#"{"type":"PERMISSION","resolution":{"type":"REAUTHENTICATE"}}"#;
        let error = ApiError::read(403, |_| None, body.as_bytes(), NOW);
        let of = Description::of_other_request(&error, Some("read_odometer"), &vehicle().id, &Origin::connect());
        let marked = vehicle().described(&of.unwrap(), NOW);
        assert_eq!(marked.marks.since(), Some(NOW));
        assert_eq!(marked.described(&success("GET", "/location"), NOW), marked);
        assert_eq!(marked.described(&success("GET", "/odometer"), NOW), vehicle());
        let told = marked.described(&Description::Told(VehicleAttributes::default()), NOW);
        assert_eq!(told.marks, marked.marks, "that takes another permission");
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

    fn cars(ids: &[&str]) -> Vec<KnownVehicle> {
        let car = |id: &&str| KnownVehicle::new(VehicleId::parse(id).unwrap());
        ids.iter().map(car).collect()
    }

    #[test]
    fn the_same_vehicles_are_the_same_in_whichever_order() {
        assert!(are_same(&cars(&["v1", "v2"]), &cars(&["v2", "v1"])));
        assert!(are_same(&[], &[]));
        for other in [&["v1"][..], &["v1", "v3"], &["v1", "v2", "v3"], &[]] {
            assert!(!are_same(&cars(&["v1", "v2"]), &cars(other)), "{other:?}");
            assert!(!are_same(&cars(other), &cars(&["v1", "v2"])), "{other:?}");
        }
    }

    #[test]
    fn a_vehicle_that_is_listed_twice_is_one_and_each_other_is_there() {
        let listed: Vec<ListedConnection> = ["v1", "v2", "v1"]
            .into_iter()
            .map(|id| ListedConnection {
                id: VehicleId::parse("c1").unwrap(),
                user_id: UserId::parse("u1").unwrap(),
                external_id: None,
                vehicle_id: VehicleId::parse(id).unwrap(),
                attributes: VehicleAttributes::default(),
                permissions: Vec::new(),
            })
            .collect();
        assert_eq!(covered_vehicles(&listed), cars(&["v1", "v2"]));
        assert_eq!(covered_vehicles(&[]), []);
    }
}
