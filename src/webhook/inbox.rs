//! What the inbox keeps of an event between Smartcar's request and the app's answer, and which events it has had already.

use serde::{Deserialize, Serialize};

use super::{
    event::{ErrorState, EventKind, ReportedError, WebhookEvent},
    fingerprint::fingerprint,
};
use crate::{
    connect::{ExternalId, UserId, VehicleId},
    principal::Principal,
    time::{Millis, UnixMillis},
    vault::{Complaint, MarkCause, Report, VehicleReport},
};

/// How many inboxes there are: enough that none is a bottleneck, and few enough to be known by name.
const INBOXES: u8 = 32;

/// How long an attempt is followed by nothing, by how many there were. The last one is made after three days; what it waits for
/// is its own end.
const WAITS: [Millis; 11] = [
    Millis::from_secs(5),
    Millis::from_mins(1),
    Millis::from_mins(5),
    Millis::from_mins(30),
    Millis::from_hours(2),
    Millis::from_hours(5),
    Millis::from_hours(10),
    Millis::from_hours(10),
    Millis::from_hours(20),
    Millis::from_hours(24),
    Millis::from_mins(5),
];

/// How often an event is tried to be handed on.
pub const ATTEMPTS: usize = WAITS.len();

/// From which attempt on an event is handed on although nobody is found whose it is, or not everybody could be told: what leads
/// to a vault may be a minute late.
const WAITS_FOR_OWNER: u32 = 3;

/// How long an event is known again, in days.
const RECEIPT_DAYS: u64 = 7;

/// How long the same error of the same vehicle counts as the same event, whatever Smartcar calls it.
const SAME_ERROR: Millis = Millis::new(SAME_ERROR_MILLIS);

const SAME_ERROR_MILLIS: u64 = 3 * 60 * 1_000;

const DAY_MILLIS: u64 = 24 * 60 * 60 * 1_000;

/// How far ahead of ours Smartcar's clock may be.
const CLOCK_SKEW: Millis = Millis::from_mins(5);

/// An event as the route hands it to an inbox.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReceivedEvent {
    /// Smartcar's id of the event.
    pub id: String,
    /// Smartcar's id of the owner.
    pub user_id: Option<UserId>,
    /// What the app knows the owner by.
    pub external_id: Option<ExternalId>,
    /// The vehicle.
    pub vehicle_id: Option<VehicleId>,
    /// When Smartcar sent it, as far as that can be believed; otherwise when it came.
    pub at: UnixMillis,
    /// What it is called, in small letters.
    pub name: String,
    /// The errors in it.
    pub errors: Vec<ReportedError>,
    /// The body as it came.
    pub body: String,
}

/// An event that is kept until the vaults of its owner have heard of it and the app has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InboxEvent {
    /// What came.
    pub event: ReceivedEvent,
    /// When it came.
    pub received_at: UnixMillis,
    /// How many attempts have begun.
    pub attempts: u32,
    /// Whether every vault has heard of it.
    pub told: bool,
    /// Whether the app has it, or wants none.
    pub handed_on: bool,
    /// Whose it is, as far as is known.
    pub principals: Vec<Principal>,
}

/// What is kept of an error, to know it again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorNote {
    /// Whether it was there or over.
    pub state: ErrorState,
    /// When Smartcar sent it.
    pub at: UnixMillis,
}

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
    /// It is the same event once more.
    Repeated,
    /// Nobody has to hear of it.
    NotWanted,
    /// It is kept, and handed on to the app if that is said.
    Kept {
        /// Whether the app is given it.
        hands_on: bool,
    },
}

impl ReceivedEvent {
    /// The event in `body`, which came at `now`; `None` if it can't be handed on as it is.
    #[must_use]
    pub fn new(event: WebhookEvent, body: &[u8], now: UnixMillis) -> Option<Self> {
        let errors = match event.kind {
            EventKind::VehicleError(errors) => errors,
            EventKind::Verify(_) | EventKind::VehicleState | EventKind::Other => Vec::new(),
        };
        Some(Self {
            id: event.id,
            user_id: event.user_id,
            external_id: event.external_id,
            vehicle_id: event.vehicle_id,
            at: event.sent_at.filter(|at| *at <= now.after(CLOCK_SKEW)).unwrap_or(now),
            name: event.name,
            errors,
            body: core::str::from_utf8(body)
                .ok()
                .filter(|_| WebhookEvent::is_json(body))?
                .to_owned(),
        })
    }

    /// The name of the inbox that receives it: all events of one Smartcar user come to the same.
    #[must_use]
    pub fn inbox(&self) -> String {
        let of = self.user_id.as_ref().map_or(self.id.as_str(), UserId::as_str);
        let first = fingerprint(&[of.as_bytes()]).bytes().fold(0_u8, u8::wrapping_add);
        format!("inbox-{:02}", first % INBOXES)
    }

    /// What its record and the message to the app are called.
    #[must_use]
    pub fn key(&self) -> String {
        fingerprint(&[b"event", self.id.as_bytes()])
    }

    /// What a vault is told of it.
    #[must_use]
    pub fn report(&self) -> VehicleReport {
        VehicleReport {
            user_id: self.user_id.clone(),
            vehicle_id: self.vehicle_id.clone(),
            reports: self.reports(),
        }
    }

    /// What it says of the vehicle's owner, each cause once. An error beside one that is over counts more.
    fn reports(&self) -> Vec<Report> {
        let causes = |state| {
            let errors = self.errors.iter().filter(move |error| error.state == state);
            let mut causes: Vec<MarkCause> = Vec::new();
            for cause in errors.filter_map(ReportedError::cause) {
                if !causes.contains(&cause) {
                    causes.push(cause);
                }
            }
            causes
        };
        let (wanted, mut mended) = (causes(ErrorState::Error), causes(ErrorState::Resolved));
        mended.retain(|cause| !wanted.contains(cause));
        let at = self.at;
        let wanted = wanted.into_iter().map(|cause| Report::Wanted {
            complaint: Complaint::reported(cause),
            at,
        });
        let mended = mended.into_iter().map(|cause| Report::Mended { cause, at });
        wanted.chain(mended).collect()
    }

    /// Under which names it is noted that this event has come: the first is that of today.
    #[must_use]
    pub fn receipts(&self, now: UnixMillis) -> Vec<String> {
        let key = self.key();
        let days = (0..=RECEIPT_DAYS).map(|ago| today(now).saturating_sub(ago));
        days.map(|day| [&receipt_prefix(day), key.as_str()].concat()).collect()
    }

    /// Under which names each of its errors may be noted, with what is to be noted: the first of both is written. Those of no
    /// vehicle are not told from each other.
    #[must_use]
    pub fn error_notes(&self, now: UnixMillis) -> Vec<([String; 2], ErrorNote)> {
        if self.vehicle_id.is_none() {
            return Vec::new();
        }
        let text = |id: Option<&str>| id.unwrap_or_default().as_bytes().to_vec();
        let (user, vehicle) = (
            text(self.user_id.as_ref().map(UserId::as_str)),
            text(self.vehicle_id.as_ref().map(VehicleId::as_str)),
        );
        let note = |error: &ReportedError| {
            let code = text(error.code.as_deref());
            let mut parts = vec![&user[..], &vehicle, error.error_type.as_bytes(), &code];
            parts.extend(error.signals.iter().map(String::as_bytes));
            let key = fingerprint(&parts);
            let names = [0, 1].map(|ago| [&error_prefix(span(now).saturating_sub(ago)), key.as_str()].concat());
            let (state, at) = (error.state, self.at);
            (names, ErrorNote { state, at })
        };
        self.errors.iter().map(note).collect()
    }
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
    pub fn arrival(&self, event: &ReceivedEvent, hands_on: bool) -> Arrival {
        let is_news = self.errors.is_empty() || !self.errors.iter().all(KnownError::is_repeated);
        let concerns_vaults = !event.reports().is_empty();
        match (self.is_received, hands_on && is_news) {
            (true, _) => Arrival::Repeated,
            (false, true) => Arrival::Kept { hands_on: true },
            (false, false) if concerns_vaults => Arrival::Kept { hands_on: false },
            (false, false) if is_news => Arrival::NotWanted,
            (false, false) => Arrival::Repeated,
        }
    }
}

impl InboxEvent {
    /// An event that has just come. `hands_on` is whether the app wants events.
    #[must_use]
    pub const fn new(event: ReceivedEvent, hands_on: bool, now: UnixMillis) -> Self {
        Self {
            event,
            received_at: now,
            attempts: 0,
            told: false,
            handed_on: !hands_on,
            principals: Vec::new(),
        }
    }

    /// The event with a further attempt, which is noted before it is made, and when the one after that is due; `None` when all
    /// were made.
    #[must_use]
    pub fn begun(&self, now: UnixMillis) -> Option<(Self, UnixMillis)> {
        let wait = WAITS.get(usize::try_from(self.attempts).ok()?)?;
        let begun = Self {
            attempts: self.attempts.saturating_add(1),
            ..self.clone()
        };
        Some((begun, now.after(*wait)))
    }

    /// Whether nothing is left to do for it.
    #[must_use]
    pub const fn is_done(&self) -> bool {
        self.told && self.handed_on
    }

    /// The event after the vaults were told that may keep its owner's connections: `all` of them heard of it, and these said
    /// that it is theirs.
    #[must_use]
    pub fn told(self, all: bool, principals: Vec<Principal>) -> Self {
        let mut known = self.principals;
        for principal in principals {
            if !known.contains(&principal) {
                known.push(principal);
            }
        }
        // Of an owner who has connected this minute KV may not know yet.
        let is_looked_for = known.is_empty() && self.attempts < WAITS_FOR_OWNER && self.event.names_somebody();
        Self {
            told: all && !is_looked_for,
            principals: known,
            ..self
        }
    }

    /// Whether the app is given it now.
    #[must_use]
    pub const fn is_to_hand_on(&self) -> bool {
        !self.handed_on && (self.told || self.attempts >= WAITS_FOR_OWNER)
    }
}

impl ReceivedEvent {
    const fn names_somebody(&self) -> bool {
        self.user_id.is_some() || self.external_id.is_some()
    }
}

/// What the names of all receipts of a day begin with.
fn receipt_prefix(day: u64) -> String {
    format!("{RECEIPTS}{day:06}/")
}

/// What the names of all errors noted in one span of time begin with.
fn error_prefix(span: u64) -> String {
    format!("{ERRORS}{span:010}/")
}

/// What the names of receipts begin with.
pub const RECEIPTS: &str = "seen/";
/// What the names of noted errors begin with.
pub const ERRORS: &str = "error/";
/// What the names of kept events begin with.
pub const EVENTS: &str = "due/";

/// The name of an event that is due at `at`: they are listed in the order of time.
#[must_use]
pub fn event_name(at: UnixMillis, key: &str) -> String {
    format!("{EVENTS}{:015}/{key}", at.as_millis())
}

/// When the event of this name is due, and its key; `None` if it is none's.
#[must_use]
pub fn event_of(name: &str) -> Option<(UnixMillis, &str)> {
    let (at, key) = name.strip_prefix(EVENTS)?.split_once('/')?;
    Some((UnixMillis::new(at.parse().ok()?), key))
}

/// Before which name receipts, and noted errors, are of no use any more.
#[must_use]
pub fn outdated(now: UnixMillis) -> [(&'static str, String); 2] {
    [
        (RECEIPTS, receipt_prefix(today(now).saturating_sub(RECEIPT_DAYS))),
        (ERRORS, error_prefix(span(now).saturating_sub(1))),
    ]
}

/// When the receipt of this name is of no use any more.
#[must_use]
pub fn receipt_ends_at(name: &str) -> Option<UnixMillis> {
    let day: u64 = name.strip_prefix(RECEIPTS)?.split('/').next()?.parse().ok()?;
    Some(UnixMillis::EPOCH.after(Millis::from_days(day.saturating_add(RECEIPT_DAYS).saturating_add(1))))
}

const fn today(now: UnixMillis) -> u64 {
    now.as_millis() / DAY_MILLIS
}

const fn span(now: UnixMillis) -> u64 {
    now.as_millis() / SAME_ERROR_MILLIS
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixMillis = UnixMillis::new(1_790_000_000_000);

    fn received(body: &str) -> ReceivedEvent {
        let event = WebhookEvent::read(body.as_bytes()).unwrap();
        ReceivedEvent::new(event, body.as_bytes(), NOW).unwrap()
    }

    fn error(id: &str, state: &str) -> ReceivedEvent {
        received(&format!(
            r#"{{"eventId":"{id}","eventType":"VEHICLE_ERROR","data":{{"user":{{"id":"u1"}},"vehicle":{{"id":"v1"}},
            "errors":[{{"type":"CONNECTED_SERVICES_ACCOUNT","code":"AUTHENTICATION_FAILED","state":"{state}"}}]}}}}"#
        ))
    }

    #[test]
    fn an_event_is_tried_for_three_days_and_ever_more_seldom() {
        let mut event = InboxEvent::new(error("e", "ERROR"), true, NOW);
        let (mut now, mut attempts) = (NOW, 0);
        let mut last = Millis::ZERO;
        let mut last_made = NOW;
        while let Some((begun, due)) = event.begun(now) {
            last_made = now;
            attempts += 1;
            assert!(due.since(now) >= last || attempts == ATTEMPTS, "{attempts}");
            (last, now, event) = (due.since(now), due, begun);
        }
        assert_eq!(attempts, ATTEMPTS);
        let tried_for = last_made.since(NOW);
        assert!(tried_for > Millis::from_hours(71) && tried_for <= Millis::from_days(3));
    }

    #[test]
    fn an_owner_whom_nothing_leads_to_yet_is_looked_for_a_minute_and_no_longer() {
        let event = InboxEvent::new(error("e", "ERROR"), true, NOW);
        let mut handed_on = Vec::new();
        let mut event = event;
        for _ in 0..4 {
            event = event.begun(NOW).unwrap().0.told(true, Vec::new());
            handed_on.push(event.is_to_hand_on());
        }
        assert_eq!(handed_on, [false, false, true, true]);
        let anna = Principal::user("anna").unwrap();
        let found = InboxEvent::new(error("e", "ERROR"), true, NOW).told(true, vec![anna.clone(), anna.clone()]);
        assert!(found.is_to_hand_on() && found.told);
        assert_eq!(found.principals, [anna]);
        let of_nobody = InboxEvent::new(received(r#"{"eventType":"NEW"}"#), true, NOW).told(true, Vec::new());
        assert!(of_nobody.is_to_hand_on());
        let failing = InboxEvent::new(error("e", "ERROR"), true, NOW).told(false, Vec::new());
        assert!(!failing.is_to_hand_on());
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
            match known.arrival(&event, true) {
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
            assert_eq!(known(false, &before).arrival(&event, hands_on), kept);
            assert_eq!(known(true, &before).arrival(&event, hands_on), Arrival::Repeated);
            assert_eq!(known(false, &[]).arrival(&event, hands_on), Arrival::Kept { hands_on });
        }
        let asleep = received(
            r#"{"eventType":"VEHICLE_ERROR","data":{"vehicle":{"id":"v1"},"errors":[{"type":"VEHICLE_STATE","state":"ERROR"}]}}"#,
        );
        assert_eq!(known(false, &before).arrival(&asleep, true), Arrival::Repeated);
        assert_eq!(
            known(false, &[]).arrival(&asleep, true),
            Arrival::Kept { hands_on: true }
        );
        assert_eq!(known(false, &[]).arrival(&asleep, false), Arrival::NotWanted);
        let nothing = Known {
            is_received: false,
            errors: Vec::new(),
        };
        assert_eq!(nothing.arrival(&received("{}"), false), Arrival::NotWanted);
        assert_eq!(nothing.arrival(&received("{}"), true), Arrival::Kept { hands_on: true });
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

    #[test]
    fn events_are_named_in_the_order_of_time() {
        let names = [9, 10, 1_790_000_000_000].map(|at| event_name(UnixMillis::new(at), "k"));
        assert!(names.is_sorted());
        assert_eq!(event_of(&names[2]), Some((NOW, "k")));
        assert_eq!(event_of("seen/1/k"), None);
    }

    #[test]
    fn what_is_said_of_the_owner_is_told_and_nothing_else() {
        let of = |errors: &str| {
            let body = format!(r#"{{"eventType":"VEHICLE_ERROR","data":{{"errors":[{errors}]}}}}"#);
            received(&body).report().reports
        };
        let at = received("{}").at;
        let wanted = |cause| {
            let complaint = Complaint::reported(cause);
            Report::Wanted { complaint, at }
        };
        let mended = |cause| Report::Mended { cause, at };
        let failed = r#"{"type":"CONNECTED_SERVICES_ACCOUNT","code":"AUTHENTICATION_FAILED","state":"ERROR"}"#;
        let over = r#"{"type":"CONNECTED_SERVICES_ACCOUNT","code":"AUTHENTICATION_FAILED","state":"RESOLVED"}"#;
        let asleep = r#"{"type":"VEHICLE_STATE","code":"ASLEEP","state":"RESOLVED"}"#;
        let permission = r#"{"type":"PERMISSION","code":null,"state":"ERROR","resolution":{"type":"REAUTHENTICATE"}}"#;
        let granted = r#"{"type":"PERMISSION","code":null,"state":"RESOLVED"}"#;
        assert_eq!(of(failed), [wanted(MarkCause::LogInFailed)]);
        assert_eq!(of(over), [mended(MarkCause::LogInFailed)]);
        assert_eq!(of(&format!("{over},{failed}")), [wanted(MarkCause::LogInFailed)]);
        assert_eq!(of(&format!("{failed},{failed}")), [wanted(MarkCause::LogInFailed)]);
        assert_eq!(of(permission), [wanted(MarkCause::PermissionMissing)]);
        assert_eq!(
            of(&format!("{granted},{failed}")),
            [wanted(MarkCause::LogInFailed), mended(MarkCause::PermissionMissing)]
        );
        for nothing in [asleep, ""] {
            assert_eq!(of(nothing), [], "{nothing}");
        }
    }

    #[test]
    fn a_time_that_cannot_be_is_that_of_the_arrival() {
        let at = |millis: u64| received(&format!(r#"{{"meta":{{"deliveredAt":{millis}}}}}"#)).at;
        assert_eq!(at(NOW.as_millis() - 1), UnixMillis::new(NOW.as_millis() - 1));
        assert_eq!(at(NOW.as_millis() + 60_000), UnixMillis::new(NOW.as_millis() + 60_000));
        assert_eq!(at(NOW.as_millis() * 2), NOW);
    }

    #[test]
    fn events_of_one_user_come_to_one_inbox_and_those_of_many_to_all() {
        let of = |user: &str| {
            let body = format!(r#"{{"eventId":"x","data":{{"user":{{"id":"{user}"}}}}}}"#);
            received(&body).inbox()
        };
        assert_eq!(of("u1"), of("u1"));
        let all: std::collections::BTreeSet<String> = (0..500).map(|n| of(&format!("user-{n}"))).collect();
        assert_eq!(all.len(), usize::from(INBOXES));
    }
}
