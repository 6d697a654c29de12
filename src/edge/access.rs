//! How a request for a car of a v3 connection is made, and what the vault has to hear of its answer.

use serde::{Deserialize, Serialize};

use crate::{
    api::Finding,
    connect::{ConnectionId, Origin, UserId, VehicleId},
    edge::problem::Problem,
    http_api::ProblemCode,
    time::UnixMillis,
    vault::{Access, Complaint, Live, MarkCause, Marks, Record, Report, Success},
};

/// A connection of the caller's that covers a car: by it, and by nothing that the caller says, a request with the application's token
/// names whose car is meant.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ConnectionAccess {
    /// The connection.
    pub connection_id: ConnectionId,
    /// Smartcar's id of the owner.
    pub user_id: UserId,
    /// When the owner connected: what Smartcar found of the car before that says nothing of this connection.
    pub connected_at: UnixMillis,
    /// The marks of the car.
    pub marks: Marks,
}

impl ConnectionAccess {
    /// Of a connection of the caller's that covers `vehicle`, or did when its grant ended.
    ///
    /// # Errors
    /// Its grant is over, it is one of v2, or it does not cover the vehicle.
    pub fn of_record(id: &ConnectionId, record: &Record, vehicle: &VehicleId) -> Result<Self, Problem> {
        match record {
            Record::Live(live) => Self::of(id, live, vehicle),
            Record::Ended(ended) => Err(Problem::reconnection_required(ended.cause)),
            Record::Leaving(_) | Record::Closing(_) | Record::Tombstone(_) => Err(Problem::connection_not_found()),
        }
    }

    /// Of a connection that covers `vehicle`.
    ///
    /// # Errors
    /// It is one of v2, or it does not cover the vehicle.
    pub fn of(id: &ConnectionId, live: &Live, vehicle: &VehicleId) -> Result<Self, Problem> {
        if matches!(live.access, Access::Owner(_)) {
            return Err(Problem::new(
                ProblemCode::OtherApiVersion,
                "the car is connected by Smartcar's v2: ask at `/api/v2.0/vehicles/{id}` and below it",
            ));
        }
        let known = live.vehicles().iter().find(|known| known.id == *vehicle);
        let (Some(user_id), Some(known)) = (live.user_id.known(), known) else {
            return Err(Problem::connection_not_found());
        };
        Ok(Self {
            connection_id: id.clone(),
            user_id: user_id.clone(),
            connected_at: live.connected_at,
            marks: known.marks.clone(),
        })
    }

    /// What the vault has to be told of an answer to a request for `vehicle`: what changes its marks. Connect runs on `connect`.
    ///
    /// Smartcar keeps what it has found, errors too, and goes on telling it: each part counts by its own time, and one without a time
    /// for nothing.
    #[must_use]
    pub fn reports(&self, findings: &[Finding], vehicle: &VehicleId, connect: &Origin, now: UnixMillis) -> Vec<Report> {
        let complaints = complaints(findings, vehicle, connect);
        let successes = successes(findings);
        let disproves = |(success, at): &(Success, UnixMillis), (complaint, found_at): &(Complaint, UnixMillis)| {
            at > found_at && success.disproves(complaint.cause, complaint.permission.as_deref())
        };
        let denies = |(complaint, found_at): &(Complaint, UnixMillis), (success, at): &(Success, UnixMillis)| {
            // What fails at the same time is not disproved by what does not.
            found_at >= at && success.disproves(complaint.cause, complaint.permission.as_deref())
        };
        let wanted = complaints
            .iter()
            .filter(|complaint| !successes.iter().any(|success| disproves(success, complaint)))
            .map(|(complaint, at)| Report::Wanted {
                complaint: complaint.clone(),
                at: *at,
            });
        let succeeded = successes
            .iter()
            .filter(|success| !complaints.iter().any(|complaint| denies(complaint, success)))
            .map(|(success, at)| Report::Succeeded {
                success: success.clone(),
                at: *at,
            });
        let mut marks = self.marks.clone();
        let mut news = Vec::new();
        for report in succeeded.chain(wanted) {
            let next = marks.reported(&report, self.connected_at, now);
            if next != marks {
                marks = next;
                news.push(report);
            }
        }
        news
    }
}

/// What the findings complain of, each once, with the time at which it was found last.
fn complaints(findings: &[Finding], vehicle: &VehicleId, connect: &Origin) -> Vec<(Complaint, UnixMillis)> {
    let mut complaints: Vec<(Complaint, UnixMillis)> = Vec::new();
    for finding in findings {
        let (Some(error), Some(at)) = (&finding.error, finding.at) else {
            continue;
        };
        let Some(complaint) = Complaint::of(error, finding.permission, vehicle, connect) else {
            continue;
        };
        let is_log_in = complaint.cause == MarkCause::LogInFailed;
        // Nobody misses what was not asked for; and a permission that is not known would be missing for ever.
        let is_missed = finding.is_meant && complaint.permission.is_some();
        if !is_log_in && !is_missed {
            continue;
        }
        // All signals fail with the log-in. That is one complaint.
        let is_same = |(other, _): &&mut (Complaint, UnixMillis)| {
            other.cause == complaint.cause && (is_log_in || other.permission == complaint.permission)
        };
        match complaints.iter_mut().find(is_same) {
            Some((_, latest)) => *latest = at.max(*latest),
            None => complaints.push((complaint, at)),
        }
    }
    complaints
}

/// What the findings show to work, each once, with the time at which it was found last.
fn successes(findings: &[Finding]) -> Vec<(Success, UnixMillis)> {
    let mut successes: Vec<(Success, UnixMillis)> = Vec::new();
    for finding in findings.iter().filter(|finding| finding.error.is_none()) {
        let Some(at) = finding.at else { continue };
        let success = Success::found(finding);
        match successes.iter_mut().find(|(other, _)| *other == success) {
            Some((_, latest)) => *latest = at.max(*latest),
            None => successes.push((success, at)),
        }
    }
    successes
}

#[cfg(test)]
mod tests {
    use core::slice::from_ref;

    use super::*;
    use crate::{
        api::{ApiError, VehicleMode},
        http_api::Cause,
        time::Millis,
        token::{AccessToken, RefreshToken, TokenSet},
        vault::{Ended, KnownVehicle, Learned},
    };

    const CONNECTED: UnixMillis = UnixMillis::new(1_790_000_000_000);
    const FAILED: &str = r#"{"type":"CONNECTED_SERVICES_ACCOUNT","code":"AUTHENTICATION_FAILED"}"#;
    const MISSING: &str = r#"{"type":"PERMISSION","code":null,"resolution":{"type":"REAUTHENTICATE"}}"#;

    fn at(seconds: u64) -> UnixMillis {
        CONNECTED.after(Millis::from_secs(seconds))
    }

    fn car() -> VehicleId {
        VehicleId::parse("v1").unwrap()
    }

    fn id() -> ConnectionId {
        ConnectionId::from_random([1; 16])
    }

    fn live() -> Live {
        let user = UserId::parse("u1").unwrap();
        Live::confirmed(VehicleMode::Live, user, vec![KnownVehicle::new(car())], CONNECTED)
    }

    fn access() -> ConnectionAccess {
        ConnectionAccess::of(&id(), &live(), &car()).unwrap()
    }

    fn found(permission: Option<&'static str>, when: Option<UnixMillis>, error: Option<&str>) -> Finding {
        Finding {
            permission,
            asks_the_maker: true,
            is_meant: true,
            at: when,
            error: error.map(|body| ApiError::read(0, |_| None, body.as_bytes(), at(50))),
        }
    }

    const ODOMETER: Option<&str> = Some("read_odometer");
    const BATTERY: Option<&str> = Some("read_battery");

    /// How many marks there are after these answers, each at its own time.
    fn marks(answers: &[&[Finding]]) -> usize {
        let mut access = access();
        for answer in answers {
            for report in access.reports(answer, &car(), &Origin::connect(), at(50)) {
                access.marks = access.marks.reported(&report, CONNECTED, at(50));
            }
        }
        access.marks.wanted.len()
    }

    #[test]
    fn whose_car_is_meant_is_what_the_connection_says() {
        let access = access();
        assert_eq!((access.user_id.as_str(), access.connected_at), ("u1", CONNECTED));
        let other = VehicleId::parse("v2").unwrap();
        let problem = ConnectionAccess::of(&id(), &live(), &other).unwrap_err();
        assert_eq!(problem, Problem::connection_not_found());
        let nobody = Live {
            user_id: Learned::Unknown {
                failures: 1,
                retry_at: CONNECTED,
            },
            ..live()
        };
        assert!(ConnectionAccess::of(&id(), &nobody, &car()).is_err());
        let tokens = TokenSet {
            access_token: AccessToken::new("a".into()),
            access_expires_at: CONNECTED,
            refresh_token: None,
        };
        let of_v2 = Live {
            vehicles: live().vehicles,
            ..Live::granted(tokens, RefreshToken::new("r".into()), CONNECTED)
        };
        let problem = ConnectionAccess::of(&id(), &of_v2, &car()).unwrap_err();
        assert_eq!(problem.code, ProblemCode::OtherApiVersion);
        assert!(problem.detail.contains("`/api/v2.0/"));
    }

    #[test]
    fn a_car_whose_grant_is_over_says_what_its_owner_has_to_do() {
        let ended = Record::Ended(Ended {
            vehicles: live().vehicles().to_vec(),
            connected_at: CONNECTED,
            ..Ended::refused_since(at(5))
        });
        let problem = ConnectionAccess::of_record(&id(), &ended, &car()).unwrap_err();
        assert_eq!(problem, Problem::reconnection_required(Cause::InvalidGrant));
        assert!(problem.detail.contains("(invalid_grant)"), "{}", problem.detail);
        let live = ConnectionAccess::of_record(&id(), &Record::Live(live()), &car()).unwrap();
        assert_eq!(live.user_id.as_str(), "u1");
    }

    #[test]
    fn a_failure_marks_and_a_later_success_ends_it() {
        let failed = found(ODOMETER, Some(at(10)), Some(FAILED));
        assert_eq!(marks(&[from_ref(&failed)]), 1);
        assert_eq!(marks(&[from_ref(&failed), &[found(BATTERY, Some(at(11)), None)]]), 0);
        assert_eq!(
            marks(&[from_ref(&failed), &[found(BATTERY, Some(at(9)), None)]]),
            1,
            "that was before"
        );
        let both = [failed.clone(), found(BATTERY, Some(at(11)), None)];
        assert_eq!(marks(&[&both]), 0, "it works again by now");
        let at_once = [found(BATTERY, Some(at(10)), None), failed.clone()];
        assert_eq!(marks(&[&at_once]), 1, "what works at the same time disproves nothing");
        assert_eq!(marks(&[from_ref(&failed), &at_once]), 1);
    }

    #[test]
    fn what_is_stale_or_of_no_time_marks_nothing() {
        let before = UnixMillis::new(CONNECTED.as_millis() - 1);
        for when in [Some(before), None] {
            assert_eq!(marks(&[&[found(ODOMETER, when, Some(FAILED))]]), 0, "{when:?}");
        }
        let failed = found(ODOMETER, Some(at(10)), Some(FAILED));
        let mended = found(ODOMETER, Some(at(20)), None);
        // Smartcar goes on telling the error of another signal.
        assert_eq!(marks(&[from_ref(&failed), &[mended], from_ref(&failed)]), 0);
        let undated = found(ODOMETER, None, None);
        assert_eq!(marks(&[&[found(ODOMETER, Some(at(10)), Some(FAILED))], &[undated]]), 1);
    }

    #[test]
    fn nothing_that_changes_nothing_is_told() {
        let mut access = access();
        let told = |access: &ConnectionAccess, findings: &[Finding]| {
            access.reports(findings, &car(), &Origin::connect(), at(50))
        };
        assert_eq!(told(&access, &[found(ODOMETER, Some(at(1)), None)]), []);
        let failed = [
            found(ODOMETER, Some(at(2)), Some(FAILED)),
            found(BATTERY, Some(at(2)), Some(FAILED)),
        ];
        let news = told(&access, &failed);
        assert_eq!(news.len(), 1, "all signals fail with the log-in");
        for report in &news {
            access.marks = access.marks.reported(report, CONNECTED, at(50));
        }
        assert_eq!(told(&access, &failed), []);
        for other in [
            r#"{"type":"VEHICLE_STATE","code":"ASLEEP"}"#,
            r#"{"type":"PERMISSION"}"#,
            "{}",
        ] {
            assert_eq!(
                told(&access, &[found(ODOMETER, Some(at(3)), Some(other))]),
                [],
                "{other}"
            );
        }
    }

    #[test]
    fn a_permission_is_missed_only_where_it_was_asked_for() {
        let meant = found(ODOMETER, Some(at(10)), Some(MISSING));
        let among_all = Finding {
            is_meant: false,
            ..meant.clone()
        };
        assert_eq!(marks(&[from_ref(&meant)]), 1);
        assert_eq!(marks(&[&[among_all]]), 0);
        assert_eq!(
            marks(&[&[found(None, Some(at(10)), Some(MISSING))]]),
            0,
            "it would never end"
        );
        assert_eq!(marks(&[from_ref(&meant), &[found(BATTERY, Some(at(11)), None)]]), 1);
        assert_eq!(marks(&[from_ref(&meant), &[found(ODOMETER, Some(at(11)), None)]]), 0);
        // In one answer, too: another permission's success says nothing of this one, and two that are missing are two.
        let other_works = [meant.clone(), found(BATTERY, Some(at(11)), None)];
        assert_eq!(marks(&[&other_works]), 1);
        let two = [meant.clone(), found(BATTERY, Some(at(10)), Some(MISSING))];
        assert_eq!(marks(&[&two]), 2);
        let both_work = [found(BATTERY, Some(at(11)), None), found(ODOMETER, Some(at(12)), None)];
        assert_eq!(marks(&[from_ref(&meant), &both_work]), 0);
        // What works ends its own mark, whatever else is missing later.
        let one_for_another = [
            found(ODOMETER, Some(at(11)), None),
            found(BATTERY, Some(at(12)), Some(MISSING)),
        ];
        assert_eq!(marks(&[from_ref(&meant), &one_for_another]), 1);
    }
}
