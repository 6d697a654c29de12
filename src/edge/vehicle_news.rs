//! Which answers to passed-on requests the vault has to hear of.

use std::collections::BTreeMap;

use crate::{
    api::{ApiError, ApiTarget, BatchPart},
    connect::{ConnectionId, Origin, VehicleId},
    time::{Millis, UnixMillis},
    vault::{Complaint, Description, MarkCause, Marks, Success},
};

/// How long the vault is not told the same again.
const TOLD_AGAIN_AFTER: Millis = Millis::from_secs(30);

/// How many vehicles are remembered at most.
const MOST_VEHICLES: usize = 1_000;

/// A complaint, told from others.
type Kind = (MarkCause, Option<String>);

/// What is remembered of one vehicle of a connection's.
#[derive(Clone, Debug, Default)]
struct Remembered {
    /// Why the vault keeps that its owner is wanted.
    marks: Vec<Kind>,
    /// What the vault was told last, and when: a complaint, or that the vehicle is missing.
    told: Vec<(Option<Kind>, UnixMillis)>,
    /// When the vault was last told of a success.
    succeeded_at: Option<UnixMillis>,
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

    /// Takes note of the marks that a vault keeps of a vehicle.
    pub fn heard(&mut self, connection: &ConnectionId, vehicle: &VehicleId, marks: &Marks) {
        if marks.wanted.is_empty() {
            self.vehicles.remove(&key(connection, vehicle));
        } else {
            self.remembered(connection, vehicle).marks =
                marks.wanted.iter().map(|mark| kind_of(&mark.complaint)).collect();
        }
    }

    /// Takes note that a vehicle is marked, for a reason that is not known: whoever says so may be a minute late.
    pub fn heard_of_mark(&mut self, connection: &ConnectionId, vehicle: &VehicleId, now: UnixMillis) {
        let remembered = self.remembered(connection, vehicle);
        let is_told = remembered.succeeded_at.is_some_and(|at| is_told(at, now));
        if remembered.marks.is_empty() && !is_told {
            remembered.marks.push((MarkCause::LogInFailed, None));
        }
    }

    /// What the vault has to be told of an error, if anything. Connect runs on `connect`.
    pub fn refused(
        &mut self,
        connection: &ConnectionId,
        target: &ApiTarget,
        error: &ApiError,
        connect: &Origin,
        now: UnixMillis,
    ) -> Option<Description> {
        let vehicle = target.vehicle();
        let description = Description::of_other_request(error, target.permission(), vehicle, connect)?;
        let kind = match &description {
            Description::Wanted(complaint) => Some(kind_of(complaint)),
            _ => None,
        };
        let remembered = self.remembered(connection, vehicle);
        remembered.told.retain(|(_, at)| is_told(*at, now));
        if remembered.told.iter().any(|(told, _)| *told == kind) {
            return None;
        }
        remembered.told.push((kind.clone(), now));
        if let Some(kind) = kind.filter(|kind| !remembered.marks.contains(kind)) {
            remembered.marks.push(kind);
        }
        Some(description)
    }

    /// What the vault has to be told of a success, if anything: that it disproves a mark.
    pub fn succeeded(&mut self, connection: &ConnectionId, target: &ApiTarget, now: UnixMillis) -> Option<Description> {
        let remembered = self.vehicles.get_mut(&key(connection, target.vehicle()))?;
        let success = Success::of(target);
        let is_over = |(cause, permission): &Kind| success.disproves(*cause, permission.as_deref());
        if !remembered.marks.iter().any(is_over) {
            return None;
        }
        remembered.marks.retain(|mark| !is_over(mark));
        // Whatever fails from now on is news.
        remembered.told.clear();
        remembered.succeeded_at = Some(now);
        Some(Description::Succeeded(success))
    }

    /// The vault could not keep what it was to be told: the same is told again.
    pub fn not_told(&mut self, connection: &ConnectionId, vehicle: &VehicleId, description: &Description) {
        let remembered = self.remembered(connection, vehicle);
        match description {
            // What was marked is not known any more: a mark that the same success disproves stands for it.
            Description::Succeeded(success) => {
                remembered
                    .marks
                    .push((MarkCause::LogInFailed, success.permission.clone()));
                remembered.succeeded_at = None;
            }
            Description::Wanted(complaint) => {
                let kind = Some(kind_of(complaint));
                remembered.told.retain(|(told, _)| *told != kind);
            }
            _ => remembered.told.retain(|(told, _)| told.is_some()),
        }
    }

    /// What the vault has to be told of the answers to the paths of a batch.
    ///
    /// They are of one time: what fails in one of them is not disproved by another.
    pub fn batch(
        &mut self,
        connection: &ConnectionId,
        parts: &[BatchPart],
        connect: &Origin,
        now: UnixMillis,
    ) -> Vec<Description> {
        let complaint = |part: &BatchPart| {
            let (error, target) = (part.error.as_ref()?, &part.target);
            Complaint::of(error, target.permission(), target.vehicle(), connect)
        };
        let complaints: Vec<Complaint> = parts.iter().filter_map(complaint).collect();
        let is_denied = |success: &Success| {
            let mut complaints = complaints.iter();
            complaints.any(|one| success.disproves(one.cause, one.permission.as_deref()))
        };
        let news = parts.iter().filter_map(|part| match &part.error {
            // That a path is missing says nothing of the car: the batch was answered.
            Some(error) if error.status == 404 => None,
            Some(error) => self.refused(connection, &part.target, error, connect, now),
            None if is_denied(&Success::of(&part.target)) => None,
            None => self.succeeded(connection, &part.target, now),
        });
        news.collect()
    }

    fn remembered(&mut self, connection: &ConnectionId, vehicle: &VehicleId) -> &mut Remembered {
        let key = key(connection, vehicle);
        if self.vehicles.len() >= MOST_VEHICLES && !self.vehicles.contains_key(&key) {
            self.vehicles.pop_first();
        }
        self.vehicles.entry(key).or_default()
    }
}

/// Whether what was told at that time is not told again.
fn is_told(at: UnixMillis, now: UnixMillis) -> bool {
    at <= now && now.since(at) < TOLD_AGAIN_AFTER
}

fn kind_of(complaint: &Complaint) -> Kind {
    (complaint.cause, complaint.permission.clone())
}

fn key(connection: &ConnectionId, vehicle: &VehicleId) -> (String, String) {
    (connection.as_str().to_owned(), vehicle.as_str().to_owned())
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

    fn id() -> ConnectionId {
        ConnectionId::from_random([1; 16])
    }

    fn car() -> VehicleId {
        VehicleId::parse("v1").unwrap()
    }

    fn marked() -> Marks {
        Marks::default().with(&Complaint::reported(MarkCause::LogInFailed), NOW)
    }

    fn refused(news: &mut VehicleNews, target: &ApiTarget, error: &ApiError, now: UnixMillis) -> Option<Description> {
        news.refused(&id(), target, error, &Origin::connect(), now)
    }

    fn mended(news: &mut VehicleNews, target: &ApiTarget) -> bool {
        news.succeeded(&id(), target, NOW).is_some()
    }

    #[test]
    fn an_error_is_told_once_in_a_while_and_the_next_success_once() {
        let mut news = VehicleNews::new();
        let read = target("GET", "/odometer");
        let failed = log_in_failed();
        assert!(!mended(&mut news, &read), "nothing was wrong");
        assert!(refused(&mut news, &read, &failed, NOW).is_some());
        let soon = NOW.after(Millis::from_secs(29));
        assert_eq!(refused(&mut news, &read, &failed, soon), None);
        let later = NOW.after(Millis::from_secs(30));
        assert!(refused(&mut news, &read, &failed, later).is_some());
        let ahead = UnixMillis::new(NOW.as_millis() - 1);
        assert!(
            refused(&mut news, &read, &failed, ahead).is_some(),
            "the clock was ahead"
        );
        assert_eq!(
            news.succeeded(&ConnectionId::from_random([2; 16]), &read, NOW),
            None,
            "of another connection"
        );
        assert_eq!(
            news.succeeded(&id(), &read, NOW),
            Some(Description::Succeeded(Success::of(&read)))
        );
        assert!(!mended(&mut news, &read));
        // It fails again at once.
        assert!(refused(&mut news, &read, &failed, NOW).is_some());
    }

    #[test]
    fn each_permission_that_is_missing_is_told_and_mended_by_itself() {
        let mut news = VehicleNews::new();
        let missing = error(403, r#"{"type":"PERMISSION","resolution":{"type":"REAUTHENTICATE"}}"#);
        let (odometer, location) = (target("GET", "/odometer"), target("GET", "/location"));
        for read in [&odometer, &location] {
            assert!(refused(&mut news, read, &missing, NOW).is_some());
            assert_eq!(refused(&mut news, read, &missing, NOW), None);
        }
        assert!(refused(&mut news, &odometer, &log_in_failed(), NOW).is_some());
        assert!(mended(&mut news, &location), "the log-in, and this permission");
        assert!(!mended(&mut news, &location));
        assert!(mended(&mut news, &odometer));
        assert!(!mended(&mut news, &odometer));
    }

    #[test]
    fn what_smartcar_answers_without_the_maker_shows_nothing_of_the_log_in() {
        let mut news = VehicleNews::new();
        news.heard(&id(), &car(), &marked());
        for (method, below) in [
            ("GET", ""),
            ("GET", "/vin"),
            ("GET", "/permissions"),
            ("POST", "/batch"),
        ] {
            assert!(!mended(&mut news, &target(method, below)), "{below}");
        }
        assert!(mended(&mut news, &target("POST", "/security")));
    }

    #[test]
    fn what_the_vault_says_counts() {
        let mut news = VehicleNews::new();
        let read = target("GET", "/odometer");
        news.heard(&id(), &car(), &marked());
        news.heard(&id(), &car(), &Marks::default());
        assert!(!mended(&mut news, &read));
    }

    #[test]
    fn a_mark_that_this_isolate_has_not_made_is_ended_by_a_success_too() {
        let mut news = VehicleNews::new();
        let read = target("GET", "/odometer");
        news.heard_of_mark(&id(), &car(), NOW);
        assert!(!mended(&mut news, &target("GET", "/vin")), "the maker was not asked");
        assert!(mended(&mut news, &read));
        // KV may say so for a minute more.
        news.heard_of_mark(&id(), &car(), NOW.after(Millis::from_secs(29)));
        assert!(!mended(&mut news, &read));
        news.heard_of_mark(&id(), &car(), NOW.after(Millis::from_secs(30)));
        assert!(mended(&mut news, &read));
        // What is known of it counts more.
        let marks = Marks::default().with(&Complaint::reported(MarkCause::PermissionMissing), NOW);
        news.heard(&id(), &car(), &marks);
        news.heard_of_mark(&id(), &car(), NOW.after(Millis::from_secs(90)));
        assert!(!mended(&mut news, &read));
    }

    #[test]
    fn a_car_that_is_gone_is_told_and_mended_by_no_success() {
        let mut news = VehicleNews::new();
        let read = target("GET", "/odometer");
        let gone = error(404, "");
        assert_eq!(refused(&mut news, &read, &gone, NOW), Some(Description::Missing));
        assert_eq!(refused(&mut news, &read, &gone, NOW), None);
        assert!(!mended(&mut news, &read));
        let unexplained = error(403, r#"{"type":"PERMISSION"}"#);
        assert_eq!(refused(&mut news, &read, &unexplained, NOW), None);
    }

    #[test]
    fn what_the_vault_could_not_keep_is_told_again() {
        let mut news = VehicleNews::new();
        let read = target("GET", "/odometer");
        for failed in [log_in_failed(), error(404, "")] {
            let told = refused(&mut news, &read, &failed, NOW).unwrap();
            assert_eq!(refused(&mut news, &read, &failed, NOW), None);
            news.not_told(&id(), &car(), &told);
            assert_eq!(refused(&mut news, &read, &failed, NOW), Some(told));
        }
        for (method, below) in [("GET", "/odometer"), ("GET", "/vin"), ("POST", "/security")] {
            let asked = target(method, below);
            let success = Success::of(&asked);
            let marks = Marks::default().with(
                &Complaint {
                    permission: success.permission.clone(),
                    ..Complaint::reported(MarkCause::PermissionMissing)
                },
                NOW,
            );
            news.heard(&id(), &car(), &marks);
            let told = news.succeeded(&id(), &asked, NOW).unwrap();
            assert!(!mended(&mut news, &asked));
            news.not_told(&id(), &car(), &told);
            assert_eq!(news.succeeded(&id(), &asked, NOW), Some(told), "{below}");
            assert!(!mended(&mut news, &asked));
        }
    }

    fn part(below: &str, refused_with: Option<ApiError>) -> BatchPart {
        BatchPart {
            target: target("GET", below),
            error: refused_with,
        }
    }

    fn batch(news: &mut VehicleNews, parts: &[BatchPart], now: UnixMillis) -> Vec<Description> {
        news.batch(&id(), parts, &Origin::connect(), now)
    }

    #[test]
    fn each_path_of_a_batch_is_told_as_a_request_of_its_own() {
        let mut news = VehicleNews::new();
        let missing = error(403, r#"{"type":"PERMISSION","resolution":{"type":"REAUTHENTICATE"}}"#);
        let parts = [
            part("/odometer", Some(missing)),
            part("/location", Some(log_in_failed())),
            part("/vin", None),
        ];
        let [Description::Wanted(first), Description::Wanted(second)] = &batch(&mut news, &parts, NOW)[..] else {
            panic!("both are told");
        };
        assert_eq!(first.permission.as_deref(), Some("read_odometer"));
        assert_eq!(second.cause, MarkCause::LogInFailed);
        assert_eq!(batch(&mut news, &parts, NOW), [], "told already");
        let works = [part("/odometer", None), part("/location", None)];
        let odometer = Description::Succeeded(Success::of(&target("GET", "/odometer")));
        assert_eq!(batch(&mut news, &works, NOW), [odometer], "it ends both");
        assert_eq!(batch(&mut news, &works, NOW), []);
    }

    #[test]
    fn what_fails_in_a_batch_is_not_disproved_by_what_works_in_it() {
        let mut news = VehicleNews::new();
        news.heard(&id(), &car(), &marked());
        for parts in [
            [part("/odometer", None), part("/location", Some(log_in_failed()))],
            [part("/location", Some(log_in_failed())), part("/odometer", None)],
        ] {
            let told = batch(&mut news, &parts, NOW);
            assert!(told.iter().all(|one| matches!(one, Description::Wanted(_))), "{told:?}");
        }
        // What fails there for another reason denies nothing.
        let parts = [part("/odometer", None), part("/location", Some(error(500, "")))];
        assert_eq!(batch(&mut news, &parts, NOW).len(), 1);
    }

    #[test]
    fn a_path_of_a_batch_that_is_missing_says_nothing_of_the_car() {
        let mut news = VehicleNews::new();
        assert_eq!(batch(&mut news, &[part("/fuel", Some(error(404, "")))], NOW), []);
        assert_eq!(batch(&mut news, &[part("/fuel", Some(error(401, "")))], NOW), []);
    }

    #[test]
    fn no_more_than_a_thousand_are_remembered() {
        let mut news = VehicleNews::new();
        for n in 0..2_000_u128 {
            news.heard(&ConnectionId::from_random(n.to_be_bytes()), &car(), &marked());
        }
        assert_eq!(news.vehicles.len(), MOST_VEHICLES);
    }
}
