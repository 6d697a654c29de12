//! The marks of a vehicle: what sets them, and what ends them.

use serde::{Deserialize, Serialize};

use super::evidence::{Complaint, MarkCause, Success};
use crate::time::UnixMillis;

/// How many marks of a vehicle are kept.
const MOST: usize = 16;

/// That the owner of a vehicle is wanted.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Mark {
    /// Why, and for what.
    #[serde(flatten)]
    pub complaint: Complaint,
    /// Since when.
    pub since: UnixMillis,
    /// When it was last reported again, if it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub again_at: Option<UnixMillis>,
}

impl Mark {
    /// Whether a report that `cause` was mended `at` ends it. What an answer has said of one permission is ended by an answer: a
    /// report does not say which it is about.
    fn is_mended(&self, cause: MarkCause, at: UnixMillis) -> bool {
        let is_about = cause == MarkCause::LogInFailed || self.complaint.permission.is_none();
        self.complaint.cause == cause && is_about && self.found_at() <= at
    }

    /// When it was found last.
    fn found_at(&self) -> UnixMillis {
        self.again_at.unwrap_or(self.since).max(self.since)
    }
}

/// What was found of a vehicle at a time of its own: a webhook says so, or an answer of v3, where Smartcar keeps what it has found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Report {
    /// Its owner is wanted.
    Wanted {
        /// Why.
        complaint: Complaint,
        /// When that was found, by Smartcar's clock.
        at: UnixMillis,
    },
    /// Its owner is not wanted any more.
    Mended {
        /// Why the owner was.
        cause: MarkCause,
        /// When that was found, by Smartcar's clock.
        at: UnixMillis,
    },
    /// Something of it was read, or done, with success.
    Succeeded {
        /// What that shows.
        success: Success,
        /// When that was, by Smartcar's clock.
        at: UnixMillis,
    },
}

/// When something was last known to be mended: what was found before that is no news.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Mended {
    /// What.
    pub cause: MarkCause,
    /// When, by Smartcar's clock.
    pub at: UnixMillis,
}

/// What most cars can be read of, and most apps ask for, as permissions.
const PLAIN_READS: [&str; 3] = ["read_odometer", "read_battery", "read_location"];

/// What shows whether a log-in works again: the permissions that requests take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShownBy<'a> {
    /// Of those that have failed. The answer to one of them says whether it does.
    pub failed: Vec<&'a str>,
    /// Where it was not said what has failed, as in a webhook, of others. Only their success says something: the owner need not have
    /// granted them.
    pub others: &'static [&'static str],
}

/// The marks of a vehicle.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Marks {
    /// Each of another cause or for another permission.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub wanted: Vec<Mark>,
    /// What was mended, by a report or by a success.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mended: Vec<Mended>,
}

impl Marks {
    /// Whether there is nothing to keep.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.wanted.is_empty() && self.mended.is_empty()
    }

    /// The one whose mending comes first: the others need a log-in that works.
    #[must_use]
    pub fn first(&self) -> Option<&Mark> {
        let rank = |mark: &&Mark| (mark.complaint.cause != MarkCause::LogInFailed, mark.since);
        self.wanted.iter().min_by_key(rank)
    }

    /// What is read to see whether the log-in works again, as the permissions that it takes.
    #[must_use]
    pub fn log_in_shows_in(&self) -> ShownBy<'_> {
        let failed = self.wanted.iter().map(|mark| &mark.complaint);
        let failed = failed.filter(|complaint| complaint.cause == MarkCause::LogInFailed);
        ShownBy {
            failed: failed
                .clone()
                .filter_map(|complaint| complaint.permission.as_deref())
                .collect(),
            others: if failed.clone().any(|complaint| complaint.permission.is_none()) {
                &PLAIN_READS
            } else {
                &[]
            },
        }
    }

    /// Since when the owner is wanted.
    #[must_use]
    pub fn since(&self) -> Option<UnixMillis> {
        self.wanted.iter().map(|mark| mark.since).min()
    }

    /// The marks after a complaint that was made `at`. What is marked already keeps its time.
    #[must_use]
    pub fn with(&self, complaint: &Complaint, at: UnixMillis) -> Self {
        let mut marks = self.clone();
        let is_same = |mark: &&mut Mark| mark.complaint.is_of(complaint.cause, complaint.permission.as_deref());
        if let Some(mark) = marks.wanted.iter_mut().find(is_same) {
            if complaint.resolution_url.is_some() {
                mark.complaint.resolution_url.clone_from(&complaint.resolution_url);
            }
        } else if marks.wanted.len() < MOST {
            marks.wanted.push(Mark {
                complaint: complaint.clone(),
                since: at,
                again_at: None,
            });
        }
        marks
    }

    /// Notes that the complaint, which is marked, was found `at` as well.
    fn again(&mut self, complaint: &Complaint, at: UnixMillis) {
        let is_same = |mark: &&mut Mark| mark.complaint.is_of(complaint.cause, complaint.permission.as_deref());
        if let Some(mark) = self.wanted.iter_mut().find(is_same)
            && at > mark.again_at.unwrap_or(mark.since)
        {
            mark.again_at = Some(at);
        }
    }

    /// The marks after a success at `now`. A log-in that works again is noted: a report of before then is no news. A permission is
    /// not, since a report does not say which it is about.
    #[must_use]
    pub fn after(&self, success: &Success, now: UnixMillis) -> Self {
        self.after_one(success, now, now)
    }

    /// As [`after`](Self::after), of a success of its own time: what was found since, it does not disprove.
    fn after_one(&self, success: &Success, at: UnixMillis, now: UnixMillis) -> Self {
        let disproves = |mark: &Mark| {
            let is_later = mark.found_at().min(now) > at;
            !is_later && success.disproves(mark.complaint.cause, mark.complaint.permission.as_deref())
        };
        let mut marks = self.clone();
        let is_log_in = |mark: &Mark| mark.complaint.cause == MarkCause::LogInFailed;
        if self.wanted.iter().any(|mark| is_log_in(mark) && disproves(mark)) {
            marks.mend(MarkCause::LogInFailed, at);
        }
        marks.wanted.retain(|mark| !disproves(mark));
        marks
    }

    /// Notes that `cause` was known to be mended `at`.
    fn mend(&mut self, cause: MarkCause, at: UnixMillis) {
        let before = self.mended.iter().find(|mended| mended.cause == cause);
        let at = before.map_or(at, |before| before.at.max(at));
        self.mended.retain(|mended| mended.cause != cause);
        self.mended.push(Mended { cause, at });
    }

    /// The marks after a report. Reports come late, twice and in any order: what was found before the owner
    /// `connected_at`, or before something newer that says otherwise, marks nothing.
    #[must_use]
    pub fn reported(&self, report: &Report, connected_at: UnixMillis, now: UnixMillis) -> Self {
        match report {
            Report::Wanted { complaint, at } => {
                let is_mended =
                    |mended: &Mended| mended.cause == complaint.cause && *at <= mended.at && mended.at <= now;
                if *at < connected_at || self.mended.iter().any(is_mended) {
                    self.clone()
                } else {
                    let at = (*at).min(now);
                    let mut marks = self.with(complaint, at);
                    marks.again(complaint, at);
                    marks
                }
            }
            Report::Mended { cause, at } => {
                let mut marks = self.clone();
                let at = (*at).min(now);
                marks.wanted.retain(|mark| !mark.is_mended(*cause, at));
                marks.mend(*cause, at);
                marks
            }
            Report::Succeeded { success, at } => self.after_one(success, (*at).min(now), now),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        api::{ApiTarget, Found},
        time::Millis,
        vault::mark::DESCRIBES,
    };

    const NOW: UnixMillis = UnixMillis::new(1_790_000_000_000);
    const LONG_AGO: UnixMillis = UnixMillis::EPOCH;

    fn after(seconds: u64) -> UnixMillis {
        NOW.after(Millis::from_secs(seconds))
    }

    fn marked(cause: MarkCause, permission: Option<&str>) -> Marks {
        let complaint = Complaint {
            permission: permission.map(str::to_owned),
            ..Complaint::reported(cause)
        };
        Marks::default().with(&complaint, NOW)
    }

    fn success(method: &str, below: &str) -> Success {
        match ApiTarget::find(method, &format!("/v2.0/vehicles/v1{below}")) {
            Found::Target(target) => Success::of(&target),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_success_ends_what_it_disproves_and_nothing_else() {
        use MarkCause::{LogInFailed, MakerPermissionMissing, PermissionMissing};
        let (odometer, described, vin, battery, capacity, location, batch) = (
            success("GET", "/odometer"),
            success("GET", ""),
            success("GET", "/vin"),
            success("GET", "/battery"),
            success("GET", "/battery/capacity"),
            success("GET", "/location"),
            success("POST", "/batch"),
        );
        assert_eq!(described, Success::of_description());
        let of = |cause, permission| marked(cause, permission);
        for (marks, by, is_over) in [
            (of(LogInFailed, Some("read_odometer")), &location, true),
            (of(LogInFailed, Some("read_odometer")), &odometer, true),
            (of(LogInFailed, None), &location, true),
            (of(LogInFailed, Some("read_odometer")), &described, false),
            (of(LogInFailed, Some("read_odometer")), &vin, false),
            (of(LogInFailed, None), &described, false),
            (of(LogInFailed, Some(DESCRIBES)), &described, true),
            (of(LogInFailed, None), &batch, false),
            (of(PermissionMissing, Some("read_battery")), &battery, true),
            (of(PermissionMissing, Some("read_battery")), &capacity, true),
            (of(PermissionMissing, Some("read_battery")), &odometer, false),
            (of(PermissionMissing, Some("read_vin")), &vin, true),
            (of(PermissionMissing, None), &odometer, false),
            (of(PermissionMissing, None), &batch, false),
            (of(MakerPermissionMissing, Some("read_location")), &location, true),
            (of(MakerPermissionMissing, Some("read_location")), &odometer, false),
        ] {
            assert_eq!(marks.after(by, NOW).wanted.is_empty(), is_over, "{marks:?} {by:?}");
        }
    }

    #[test]
    fn what_is_marked_keeps_its_time_and_learns_where_to_go() {
        let marks = marked(MarkCause::LogInFailed, Some("read_odometer"));
        let again = Complaint {
            permission: Some("read_odometer".to_owned()),
            resolution_url: Some("u".to_owned()),
            ..Complaint::reported(MarkCause::LogInFailed)
        };
        let marks = marks.with(&again, after(9));
        assert_eq!(marks.wanted.len(), 1);
        assert_eq!(marks.since(), Some(NOW));
        assert_eq!(marks.first().unwrap().complaint.resolution_url.as_deref(), Some("u"));
        let without = Complaint {
            resolution_url: None,
            ..again
        };
        assert_eq!(marks.with(&without, after(9)), marks, "what is known stays known");
    }

    #[test]
    fn a_log_in_shows_in_what_had_failed_and_where_that_is_not_known_in_plain_reads() {
        use MarkCause::{LogInFailed, PermissionMissing};
        let shown = |marks: &Marks| {
            let shown = marks.log_in_shows_in();
            (shown.failed.join(" "), shown.others.len())
        };
        assert_eq!(shown(&Marks::default()), (String::new(), 0));
        assert_eq!(shown(&marked(PermissionMissing, Some("read_vin"))), (String::new(), 0));
        let known = marked(LogInFailed, Some("read_battery"));
        assert_eq!(shown(&known), ("read_battery".to_owned(), 0));
        assert_eq!(shown(&marked(LogInFailed, None)), (String::new(), 3));
        let both = known.with(&Complaint::reported(LogInFailed), NOW);
        assert_eq!(shown(&both), ("read_battery".to_owned(), 3));
    }

    #[test]
    fn a_log_in_is_mended_before_permissions_and_the_older_mark_first() {
        let marks = marked(MarkCause::PermissionMissing, Some("read_vin"))
            .with(&Complaint::reported(MarkCause::LogInFailed), after(2))
            .with(&Complaint::reported(MarkCause::MakerPermissionMissing), after(1));
        assert_eq!(marks.first().unwrap().complaint.cause, MarkCause::LogInFailed);
        assert_eq!(marks.since(), Some(NOW));
        let marks = marks.after(&success("GET", "/location"), NOW);
        assert_eq!(marks.first().unwrap().complaint.cause, MarkCause::PermissionMissing);
    }

    #[test]
    fn no_vehicle_has_marks_without_end() {
        let mut marks = Marks::default();
        for n in 0..100 {
            let complaint = Complaint {
                permission: Some(n.to_string()),
                ..Complaint::reported(MarkCause::PermissionMissing)
            };
            marks = marks.with(&complaint, NOW);
        }
        assert_eq!(marks.wanted.len(), MOST);
    }

    fn wanted(cause: MarkCause, at: UnixMillis) -> Report {
        Report::Wanted {
            complaint: Complaint::reported(cause),
            at,
        }
    }

    #[test]
    fn reports_count_by_their_own_time_in_whatever_order_they_come() {
        let cause = MarkCause::LogInFailed;
        let mended = |at| Report::Mended { cause, at };
        let now = after(100);
        let at_end = |reports: &[Report]| {
            let all = reports.iter();
            all.fold(Marks::default(), |marks, report| marks.reported(report, LONG_AGO, now))
                .since()
        };
        assert_eq!(at_end(&[wanted(cause, after(1))]), Some(after(1)));
        assert_eq!(at_end(&[wanted(cause, after(1)), mended(after(2))]), None);
        assert_eq!(at_end(&[mended(after(2)), wanted(cause, after(1))]), None, "late");
        assert_eq!(
            at_end(&[mended(after(2)), wanted(cause, after(2))]),
            None,
            "both at once"
        );
        assert_eq!(at_end(&[mended(after(2)), wanted(cause, after(3))]), Some(after(3)));
        assert_eq!(
            at_end(&[wanted(cause, after(3)), mended(after(2))]),
            Some(after(3)),
            "late"
        );
        assert_eq!(
            at_end(&[mended(after(5)), mended(after(2)), wanted(cause, after(4))]),
            None
        );
        // A failure, another one, and the end of the first: in every order the second stays.
        let (first, second, end) = (wanted(cause, after(1)), wanted(cause, after(5)), mended(after(3)));
        for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
            let reports = order.map(|at| [first.clone(), second.clone(), end.clone()][at].clone());
            assert!(at_end(&reports).is_some(), "{order:?}");
            let all_over = [&reports[..], &[mended(after(5))]].concat();
            assert_eq!(at_end(&all_over), None, "{order:?}");
        }
        let other = MarkCause::PermissionMissing;
        assert_eq!(
            at_end(&[mended(after(5)), wanted(other, after(4))]),
            Some(after(4)),
            "it is another's mending"
        );
        assert_eq!(at_end(&[wanted(cause, after(900))]), Some(now), "a clock that is ahead");
        assert_eq!(at_end(&[mended(after(900)), wanted(cause, after(99))]), None);
    }

    #[test]
    fn a_report_ends_no_mark_for_a_permission_that_it_does_not_name() {
        let over = |cause| Report::Mended { cause, at: after(9) };
        let of = |cause, permission| marked(cause, permission).reported(&over(cause), LONG_AGO, after(9));
        for cause in [MarkCause::PermissionMissing, MarkCause::MakerPermissionMissing] {
            assert_eq!(of(cause, Some("read_location")).wanted.len(), 1);
            assert_eq!(of(cause, None).wanted, []);
        }
        assert_eq!(of(MarkCause::LogInFailed, Some("read_location")).wanted, []);
    }

    #[test]
    fn what_is_reported_again_with_the_same_time_changes_nothing() {
        let report = wanted(MarkCause::LogInFailed, after(1));
        let once = Marks::default().reported(&report, NOW, after(9));
        assert_eq!(once.wanted.first().unwrap().again_at, None);
        assert_eq!(once.reported(&report, NOW, after(9)), once);
        let later = once.reported(&wanted(MarkCause::LogInFailed, after(2)), NOW, after(9));
        assert_ne!(later, once);
        assert_eq!(later.reported(&report, NOW, after(9)), later);
    }

    #[test]
    fn what_was_mended_is_kept_as_well() {
        let marks = marked(MarkCause::LogInFailed, None);
        assert!(!marks.is_empty());
        let over = marks.after(&success("GET", "/location"), after(9));
        assert_eq!(over.wanted, []);
        assert!(!over.is_empty(), "what comes late has to meet it");
        assert!(Marks::default().is_empty());
    }

    #[test]
    fn what_was_found_before_the_owner_connected_marks_nothing() {
        let report = wanted(MarkCause::LogInFailed, NOW);
        assert!(Marks::default().reported(&report, after(1), after(9)).is_empty());
        assert_eq!(Marks::default().reported(&report, NOW, after(9)).since(), Some(NOW));
    }

    #[test]
    fn a_report_of_before_a_success_is_no_news() {
        let wanted = |cause, seconds| Report::Wanted {
            complaint: Complaint::reported(cause),
            at: after(seconds),
        };
        let works = success("GET", "/location");
        let marks = marked(MarkCause::LogInFailed, None).after(&works, after(10));
        assert!(marks.wanted.is_empty());
        for (seconds, is_news) in [(9, false), (10, false), (11, true)] {
            let marks = marks.reported(&wanted(MarkCause::LogInFailed, seconds), LONG_AGO, after(20));
            assert_eq!(!marks.wanted.is_empty(), is_news, "{seconds}");
        }
        // Of a permission it may be another one.
        let marks = marked(MarkCause::PermissionMissing, Some("read_location")).after(&works, after(10));
        assert!(marks.is_empty());
        let marks = marks.reported(&wanted(MarkCause::PermissionMissing, 9), LONG_AGO, after(20));
        assert_eq!(marks.wanted.len(), 1);
        // Nothing is noted, and so written, where nothing was wanted.
        assert!(Marks::default().after(&works, after(10)).is_empty());
    }

    #[test]
    fn a_success_ends_what_was_found_before_it_and_nothing_later() {
        let works = |seconds| Report::Succeeded {
            success: success("GET", "/location"),
            at: after(seconds),
        };
        let wanted_at = |seconds| wanted(MarkCause::LogInFailed, after(seconds));
        let at_end = |reports: &[Report]| {
            let all = reports.iter();
            all.fold(Marks::default(), |marks, report| {
                marks.reported(report, LONG_AGO, after(100))
            })
        };
        assert!(
            at_end(&[wanted_at(5), works(4)]).since().is_some(),
            "what was read before the failure"
        );
        assert_eq!(at_end(&[wanted_at(5), works(5)]).since(), None);
        assert_eq!(
            at_end(&[wanted_at(5), works(6), wanted_at(5)]).since(),
            None,
            "it is no news"
        );
        assert_eq!(at_end(&[wanted_at(5), works(6), wanted_at(7)]).since(), Some(after(7)));
        assert!(
            at_end(&[wanted_at(5), wanted_at(9), works(7)]).since().is_some(),
            "it was found again since"
        );
        // A mark of a clock that was ahead is ended by what succeeds now.
        assert_eq!(at_end(&[wanted_at(900), works(900)]).since(), None);
        let marks = marked(MarkCause::LogInFailed, None);
        let behind = marks.after(&success("GET", "/location"), LONG_AGO);
        assert!(behind.wanted.is_empty());
    }
}
