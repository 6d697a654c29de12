//! Which events an inbox has had already.

use super::{
    note::{ErrorNote, SAME_ERROR},
    received::ReceivedEvent,
};
use crate::time::UnixMillis;

/// What is known of an event when it comes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    /// Whether it has come before, by its id.
    pub is_received: bool,
    /// Its errors.
    pub errors: Vec<KnownError>,
}

/// An error of an event that has come, and what was noted of the same one before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownError {
    /// Under which name it is noted.
    pub name: String,
    /// What the event says of it.
    pub note: ErrorNote,
    /// What was noted.
    pub before: Vec<ErrorNote>,
}

/// What becomes of an event that has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrival {
    /// It is the same event once more, or so old that nobody can tell any more.
    Repeated,
    /// Nobody has to hear of it.
    NotWanted,
    /// It is kept, and handed on to the app if that is said.
    Kept {
        /// Whether the app is given it.
        hands_on: bool,
    },
}

impl KnownError {
    /// The latest that was noted.
    fn latest(&self) -> Option<ErrorNote> {
        self.before.iter().copied().max_by_key(|note| note.at)
    }

    /// Whether the same was said a short time ago, by Smartcar's clock. Three minutes after it was noted it is news again.
    #[must_use]
    pub fn is_repeated(&self) -> bool {
        self.latest()
            .is_some_and(|latest| latest.state == self.note.state && self.note.at.since(latest.at) < SAME_ERROR)
    }

    /// What is to be noted: nothing that is no news, and nothing that is older than what is known.
    #[must_use]
    pub fn to_note(&self) -> Option<ErrorNote> {
        let is_late = self.latest().is_some_and(|latest| self.note.at < latest.at);
        (!is_late && !self.is_repeated()).then_some(self.note)
    }
}

impl Known {
    /// What becomes of the event. `hands_on` is whether the app wants events.
    ///
    /// The same error under another id is not handed on again. The vaults hear of it all the same: what they know goes by the
    /// time of each error, and a success may have ended a mark meanwhile.
    #[must_use]
    pub fn arrival(&self, event: &ReceivedEvent, hands_on: bool, now: UnixMillis) -> Arrival {
        let is_news = self.errors.is_empty() || !self.errors.iter().all(KnownError::is_repeated);
        let concerns_vaults = !event.reports().is_empty();
        match (self.is_received || event.is_outdated(now), hands_on && is_news) {
            (true, _) => Arrival::Repeated,
            (false, true) => Arrival::Kept { hands_on: true },
            (false, false) if concerns_vaults => Arrival::Kept { hands_on: false },
            (false, false) if is_news => Arrival::NotWanted,
            (false, false) => Arrival::Repeated,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        time::Millis,
        webhook::{
            ErrorState,
            note::{outdated, receipt_ends_at},
            received::fixtures::{NOW, received},
        },
    };

    fn error(id: &str, state: &str) -> ReceivedEvent {
        received(&format!(
            r#"{{"eventId":"{id}","eventType":"VEHICLE_ERROR","data":{{"user":{{"id":"u1"}},"vehicle":{{"id":"v1"}},
            "errors":[{{"type":"CONNECTED_SERVICES_ACCOUNT","code":"AUTHENTICATION_FAILED","state":"{state}"}}]}}}}"#
        ))
    }

    fn later(secs: u64) -> UnixMillis {
        NOW.after(Millis::from_secs(secs))
    }

    fn noted(state: ErrorState, secs: u64) -> ErrorNote {
        let at = later(secs);
        ErrorNote { state, at }
    }

    const THERE: ErrorState = ErrorState::Error;
    const OVER: ErrorState = ErrorState::Resolved;

    #[test]
    fn the_same_error_is_no_news_for_three_minutes_unless_it_was_over_meanwhile() {
        for (before, note, is_repeated) in [
            (vec![], noted(THERE, 0), false),
            (vec![noted(THERE, 0)], noted(THERE, 179), true),
            (vec![noted(THERE, 0)], noted(THERE, 180), false),
            (vec![noted(THERE, 0)], noted(OVER, 1), false),
            (vec![noted(THERE, 0), noted(OVER, 1)], noted(THERE, 2), false),
            (vec![noted(OVER, 1), noted(THERE, 0)], noted(OVER, 2), true),
            (vec![noted(THERE, 9)], noted(THERE, 0), true),
        ] {
            let name = "n".to_owned();
            let error = KnownError { name, note, before };
            assert_eq!(error.is_repeated(), is_repeated, "{error:?}");
        }
        let [(one, _)] = &error("e1", "ERROR").error_notes(NOW)[..] else {
            panic!("one error")
        };
        let [(other, _)] = &error("e2", "RESOLVED").error_notes(NOW)[..] else {
            panic!("one error")
        };
        assert_eq!(one, other, "whatever the event is called");
        let soon = error("e3", "ERROR").error_notes(later(180))[0].0.clone();
        assert_eq!(soon[1], one[0], "the span before is looked at");
        let of_no_car = received(r#"{"eventType":"VEHICLE_ERROR","data":{"errors":[{"type":"X","state":"ERROR"}]}}"#);
        assert_eq!(of_no_car.errors.len(), 1);
        assert_eq!(of_no_car.error_notes(NOW), []);
    }

    /// What arrives, each with its id, state and time sent in seconds; what the app is given of it.
    fn handed_on<'a>(arriving: &[(&'a str, &str, u64)]) -> Vec<(&'a str, u64)> {
        let (mut ids, mut notes, mut given) = (Vec::new(), Vec::new(), Vec::new());
        for (id, state, secs) in arriving {
            let event = ReceivedEvent {
                at: later(*secs),
                ..error(id, state)
            };
            let [(names, note)] = &event.error_notes(NOW)[..] else {
                panic!("one error")
            };
            let error = KnownError {
                name: names[0].clone(),
                note: *note,
                before: notes.clone(),
            };
            let known = Known {
                is_received: ids.contains(id),
                errors: vec![error],
            };
            match known.arrival(&event, true, NOW) {
                Arrival::Repeated => continue,
                Arrival::Kept { hands_on } => given.extend(hands_on.then_some((*id, *secs))),
                Arrival::NotWanted => panic!("a vault has to hear of it"),
            }
            ids.push(*id);
            // One name has one note: the latest that was written.
            if let Some(note) = known.errors[0].to_note() {
                notes = vec![note];
            }
        }
        given
    }

    #[test]
    fn an_error_that_stays_is_news_every_three_minutes() {
        let ids: Vec<String> = (0..10).map(|n| format!("e{n}")).collect();
        let every_two_minutes: Vec<_> = (0..10).map(|n| (ids[n].as_str(), "ERROR", 120 * n as u64)).collect();
        let given: Vec<u64> = handed_on(&every_two_minutes).into_iter().map(|(_, at)| at).collect();
        assert_eq!(given, [0, 240, 480, 720, 960]);
    }

    #[test]
    fn what_is_delivered_again_or_late_hides_nothing_that_is_new() {
        let again = [
            ("e1", "ERROR", 0),
            ("e2", "RESOLVED", 1),
            ("e1", "ERROR", 0),
            ("e3", "ERROR", 60),
        ];
        assert_eq!(handed_on(&again), [("e1", 0), ("e2", 1), ("e3", 60)]);
        let over_again = [
            ("e1", "RESOLVED", 0),
            ("e2", "ERROR", 1),
            ("e1", "RESOLVED", 0),
            ("e3", "RESOLVED", 60),
        ];
        assert_eq!(handed_on(&over_again), [("e1", 0), ("e2", 1), ("e3", 60)]);
        let late = [("e2", "RESOLVED", 5), ("e1", "ERROR", 3), ("e3", "ERROR", 60)];
        assert_eq!(handed_on(&late), [("e2", 5), ("e1", 3), ("e3", 60)]);
    }

    #[test]
    fn vaults_hear_of_an_error_that_the_app_is_not_given_again() {
        let event = error("e2", "ERROR");
        let known = |is_received, before: &[ErrorNote]| Known {
            is_received,
            errors: vec![KnownError {
                name: "n".to_owned(),
                note: ErrorNote {
                    state: THERE,
                    at: event.at,
                },
                before: before.to_vec(),
            }],
        };
        let before = [noted(THERE, 0)];
        for hands_on in [true, false] {
            let kept = Arrival::Kept { hands_on: false };
            assert_eq!(known(false, &before).arrival(&event, hands_on, NOW), kept);
            assert_eq!(known(true, &before).arrival(&event, hands_on, NOW), Arrival::Repeated);
            assert_eq!(
                known(false, &[]).arrival(&event, hands_on, NOW),
                Arrival::Kept { hands_on }
            );
        }
        let asleep = received(
            r#"{"eventType":"VEHICLE_ERROR","data":{"vehicle":{"id":"v1"},"errors":[{"type":"VEHICLE_STATE","state":"ERROR"}]}}"#,
        );
        assert_eq!(known(false, &before).arrival(&asleep, true, NOW), Arrival::Repeated);
        assert_eq!(
            known(false, &[]).arrival(&asleep, true, NOW),
            Arrival::Kept { hands_on: true }
        );
        assert_eq!(known(false, &[]).arrival(&asleep, false, NOW), Arrival::NotWanted);
        let nothing = Known {
            is_received: false,
            errors: Vec::new(),
        };
        assert_eq!(nothing.arrival(&received("{}"), false, NOW), Arrival::NotWanted);
        assert_eq!(
            nothing.arrival(&received("{}"), true, NOW),
            Arrival::Kept { hands_on: true }
        );
    }

    #[test]
    fn a_receipt_is_found_for_seven_days() {
        let event = error("e1", "ERROR");
        let written = event.receipts(NOW)[0].clone();
        for (days, found) in [(0, true), (7, true), (8, false)] {
            let at = NOW.after(Millis::from_days(days));
            assert_eq!(event.receipts(at).contains(&written), found, "{days}");
            let [(_, receipts), _] = outdated(at);
            assert_eq!(written >= receipts, found, "{days}");
        }
        let ends = receipt_ends_at(&written).unwrap();
        let [(_, receipts), _] = outdated(ends);
        assert!(written < receipts && ends.since(NOW) >= Millis::from_days(7));
        assert!(!error("e2", "ERROR").receipts(NOW).contains(&written));
    }
}
