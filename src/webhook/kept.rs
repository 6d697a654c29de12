//! What the inbox keeps of an event between Smartcar's request and the app's answer.

use serde::{Deserialize, Serialize};

use super::received::ReceivedEvent;
use crate::{
    principal::Principal,
    time::{Millis, UnixMillis},
};

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

/// How often an errand is tried.
pub const ATTEMPTS: usize = WAITS.len();

/// With which attempt an event goes on to the app although nobody is found whose it is, or not everybody could be told: what
/// leads to a vault may be a minute late.
const WAITS_FOR_OWNER: u32 = 3;

/// What is still to be done for an event. Each errand is kept, tried and given up by itself, so that an app that does not
/// answer holds up no vault, and no vault the app.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Errand {
    /// The vaults of its owner have to hear of it, and the app has to be given it then.
    TellThenHandOn,
    /// The vaults of its owner have to hear of it.
    Tell,
    /// The app has to be given it.
    HandOn,
}

/// An event that is kept until its errand is done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InboxEvent {
    /// What came.
    pub event: ReceivedEvent,
    /// When it came.
    pub received_at: UnixMillis,
    /// What is to be done.
    pub errand: Errand,
    /// How many attempts have begun.
    pub attempts: u32,
    /// Whose it is, as far as is known.
    pub principals: Vec<Principal>,
}

/// What is left of an event after its vaults were told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AfterTelling {
    /// With its errand to the vaults, if not all have heard of it or its owner is still looked for.
    pub tell: Option<InboxEvent>,
    /// With its errand to the app, which is due at once.
    pub hand_on: Option<InboxEvent>,
}

impl Errand {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::TellThenHandOn, Self::Tell, Self::HandOn];

    /// What the names of its events begin with.
    #[must_use]
    pub const fn prefix(self) -> &'static str {
        match self {
            Self::TellThenHandOn | Self::Tell => TELL,
            Self::HandOn => HAND_ON,
        }
    }
}

/// What the names of events begin with that vaults have to hear of.
pub const TELL: &str = "tell/";
/// What the names of events begin with that the app has to be given.
pub const HAND_ON: &str = "hand_on/";

impl InboxEvent {
    /// An event that has just come. `hands_on` is whether the app is given it.
    #[must_use]
    pub const fn new(event: ReceivedEvent, hands_on: bool, now: UnixMillis) -> Self {
        Self {
            event,
            received_at: now,
            errand: if hands_on { Errand::TellThenHandOn } else { Errand::Tell },
            attempts: 0,
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

    /// What is left of it after the vaults were told that may keep its owner's connections: `all` of them heard of it, and these
    /// said that it is theirs.
    #[must_use]
    pub fn told(mut self, all: bool, principals: Vec<Principal>) -> AfterTelling {
        for principal in principals {
            if !self.principals.contains(&principal) {
                self.principals.push(principal);
            }
        }
        let is_patient = self.attempts < WAITS_FOR_OWNER;
        // Of an owner who has connected this minute KV may not know yet.
        let is_looked_for = self.principals.is_empty() && is_patient && self.event.names_somebody();
        let is_told = all && !is_looked_for;
        let hands_on = self.errand == Errand::TellThenHandOn && (is_told || !is_patient);
        let hand_on = hands_on.then(|| Self {
            errand: Errand::HandOn,
            attempts: 0,
            ..self.clone()
        });
        if hands_on {
            self.errand = Errand::Tell;
        }
        AfterTelling {
            tell: (!is_told).then_some(self),
            hand_on,
        }
    }
}

/// The name of an event that is due at `at`: those of the same kind of errand are listed in the order of time.
#[must_use]
pub fn event_name(errand: Errand, at: UnixMillis, key: &str) -> String {
    format!("{}{:015}/{key}", errand.prefix(), at.as_millis())
}

/// When the event of this name is due, and its key; `None` if it is none's.
#[must_use]
pub fn event_of(name: &str) -> Option<(UnixMillis, &str)> {
    let (_, at, key) = parts(name)?;
    Some((at, key))
}

/// The name of the same event when it is due at `at`; `None` if it is none's.
#[must_use]
pub fn event_put_off(name: &str, at: UnixMillis) -> Option<String> {
    let (prefix, _, key) = parts(name)?;
    Some(format!("{prefix}{:015}/{key}", at.as_millis()))
}

fn parts(name: &str) -> Option<(&'static str, UnixMillis, &str)> {
    let (prefix, due) = [TELL, HAND_ON]
        .into_iter()
        .find_map(|prefix| Some((prefix, name.strip_prefix(prefix)?)))?;
    let (at, key) = due.split_once('/')?;
    Some((prefix, UnixMillis::new(at.parse().ok()?), key))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::webhook::received::fixtures::{NOW, received};

    fn of_somebody() -> ReceivedEvent {
        received(r#"{"eventId":"e","eventType":"VEHICLE_STATE","data":{"user":{"id":"u1"}}}"#)
    }

    /// The event after an attempt to tell its vaults.
    fn after_attempt(event: &InboxEvent, all: bool, principals: &[Principal]) -> AfterTelling {
        event.begun(NOW).unwrap().0.told(all, principals.to_vec())
    }

    #[test]
    fn an_errand_is_tried_for_three_days_and_ever_more_seldom() {
        let mut event = InboxEvent::new(of_somebody(), true, NOW);
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
    fn what_the_vaults_have_heard_of_the_app_is_given_once() {
        let anna = Principal::user("anna").unwrap();
        let twice = [anna.clone(), anna.clone()];
        let event = InboxEvent::new(of_somebody(), true, NOW);
        let after = after_attempt(&event, true, &twice);
        let handed_on = after.hand_on.unwrap();
        assert_eq!(after.tell, None);
        assert_eq!(
            (handed_on.errand, handed_on.attempts, &handed_on.principals[..]),
            (Errand::HandOn, 0, &[anna.clone()][..])
        );
        let for_nobody = InboxEvent::new(of_somebody(), false, NOW);
        let nothing = AfterTelling {
            tell: None,
            hand_on: None,
        };
        assert_eq!(after_attempt(&for_nobody, true, &[anna]), nothing);
        let of_nobody = InboxEvent::new(received(r#"{"eventType":"NEW"}"#), true, NOW);
        let after = after_attempt(&of_nobody, true, &[]);
        assert!(after.tell.is_none() && after.hand_on.is_some());
    }

    #[test]
    fn an_owner_whom_nothing_leads_to_yet_is_looked_for_a_minute_and_no_longer() {
        let mut event = InboxEvent::new(of_somebody(), true, NOW);
        for attempt in 1..=3 {
            let after = after_attempt(&event, true, &[]);
            assert_eq!(after.hand_on.is_some(), attempt == 3, "{attempt}");
            match after.tell {
                Some(left) => event = left,
                None => assert_eq!(attempt, 3),
            }
        }
    }

    #[test]
    fn a_vault_that_does_not_hear_of_it_keeps_it_from_the_app_for_a_minute_and_is_told_all_the_same() {
        let mut event = InboxEvent::new(of_somebody(), true, NOW);
        let mut handed_on = Vec::new();
        for _ in 0..ATTEMPTS {
            let after = after_attempt(&event, false, &[]);
            handed_on.push(after.hand_on.is_some());
            event = after.tell.unwrap();
        }
        assert_eq!(handed_on.iter().position(|is| *is), Some(2));
        assert_eq!(handed_on.iter().filter(|is| **is).count(), 1);
        assert_eq!((event.errand, event.begun(NOW)), (Errand::Tell, None));
    }

    #[test]
    fn events_are_named_in_the_order_of_time_by_their_kind_of_errand() {
        for errand in Errand::ALL {
            let names = [9, 10, 1_790_000_000_000].map(|at| event_name(errand, UnixMillis::new(at), "k"));
            assert!(names.is_sorted());
            assert_eq!(event_of(&names[2]), Some((NOW, "k")));
            assert!(names.iter().all(|name| name.starts_with(errand.prefix())));
            assert_eq!(event_put_off(&names[0], NOW).as_ref(), Some(&names[2]));
        }
        assert_eq!(event_of("seen/1/k"), None);
    }
}
