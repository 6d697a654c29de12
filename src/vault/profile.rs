//! Who a vault belongs to.

use serde::{Deserialize, Serialize};

use crate::{
    connect::ExternalId,
    principal::Principal,
    time::{Millis, UnixMillis},
};

/// A visit is noted once in so long: every request would be a write.
const NOTED_EVERY: Millis = Millis::from_hours(12);

/// How long deleting everything may take before the alarm goes on with it, and how often the alarm tries.
const DELETION_LOST_AFTER: Millis = Millis::from_mins(1);

/// Who has claimed what an anonymous session had connected.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claimant {
    /// A user of the app.
    pub principal: Principal,
    /// The external id of that user at the time of the claim: who has everything deleted gets another one, and what was
    /// claimed before goes with what is deleted.
    pub external_id: ExternalId,
}

/// The first record of a vault. The alarm, which no request comes with, learns from it whose grants it looks after.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Profile {
    /// Whom every record of the vault belongs to.
    pub principal: Principal,
    /// What Smartcar knows the owner by: random, so that it tells nothing.
    pub external_id: ExternalId,
    /// When the owner was last seen, give or take half a day.
    pub last_seen: UnixMillis,
    /// When the owner's anonymous session ends; `None` for an owner known by the app.
    pub session_ends_at: Option<UnixMillis>,
    /// Set when everything of the owner is being deleted.
    pub closing: bool,
    /// Who has claimed everything of the owner. It is handed over before the vault is deleted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub claimed_by: Option<Claimant>,
}

impl Profile {
    /// The profile with the owner seen `now`; `None` if that need not be written.
    #[must_use]
    pub fn with_visit(&self, now: UnixMillis, session_ends_at: Option<UnixMillis>) -> Option<Self> {
        let noted = now.since(self.last_seen) < NOTED_EVERY && self.session_ends_at == session_ends_at;
        (!noted).then(|| Self {
            last_seen: now.max(self.last_seen),
            session_ends_at,
            ..self.clone()
        })
    }

    /// What the owner is looked up by. The look-up leads to the claimant, once there is one, whose vault looks after it.
    #[must_use]
    pub fn looked_up_by(&self) -> Option<&ExternalId> {
        self.claimed_by.is_none().then_some(&self.external_id)
    }

    /// Whether what is being connected when this is stored has nobody any more to belong to.
    #[must_use]
    pub const fn is_forsaken(&self) -> bool {
        self.closing && self.claimed_by.is_none()
    }

    /// When the alarm is needed: for the deletion that is under way, or when one is due.
    #[must_use]
    pub fn alarm(&self, retention: Millis, now: UnixMillis) -> UnixMillis {
        if self.closing {
            now.after(DELETION_LOST_AFTER)
        } else {
            // A visit under a clock that was ahead was today at the latest.
            let seen = Self {
                last_seen: self.last_seen.min(now),
                ..self.clone()
            };
            seen.deleted_at(retention)
        }
    }

    /// When everything of the owner is deleted: `retention` after the last visit, and no later than the end of the
    /// session, since nobody can come back to what an ended session kept.
    #[must_use]
    pub fn deleted_at(&self, retention: Millis) -> UnixMillis {
        let unseen = self.last_seen.after(retention);
        self.session_ends_at.map_or(unseen, |end| end.min(unseen))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixMillis = UnixMillis::new(1_790_000_000_000);

    fn profile() -> Profile {
        Profile {
            principal: Principal::anonymous(&[7; 32]),
            external_id: ExternalId::parse("e1").unwrap(),
            last_seen: NOW,
            session_ends_at: Some(NOW.after(Millis::from_days(90))),
            closing: false,
            claimed_by: None,
        }
    }

    #[test]
    fn a_visit_is_noted_twice_a_day() {
        let profile = profile();
        let end = profile.session_ends_at;
        assert!(profile.with_visit(NOW, end).is_none());
        assert!(profile.with_visit(NOW.after(Millis::new(43_199_999)), end).is_none());
        let seen = profile.with_visit(NOW.after(Millis::from_hours(12)), end).unwrap();
        assert_eq!(seen.last_seen, NOW.after(Millis::from_hours(12)));
        assert_eq!(seen.external_id, profile.external_id);
    }

    #[test]
    fn another_end_of_the_session_is_noted_at_once() {
        let seen = profile().with_visit(NOW, Some(NOW)).unwrap();
        assert_eq!((seen.last_seen, seen.session_ends_at), (NOW, Some(NOW)));
    }

    #[test]
    fn a_clock_that_was_set_back_makes_no_visit_older() {
        let early = UnixMillis::new(NOW.as_millis() - 50_000_000);
        assert!(profile().with_visit(early, profile().session_ends_at).is_none());
        assert_eq!(profile().with_visit(early, None).unwrap().last_seen, NOW);
    }

    #[test]
    fn nothing_is_kept_beyond_the_last_visit_or_the_session() {
        let days = Millis::from_days;
        assert_eq!(profile().deleted_at(days(30)), NOW.after(days(30)));
        assert_eq!(profile().deleted_at(days(180)), NOW.after(days(90)));
        let known = Profile {
            session_ends_at: None,
            ..profile()
        };
        assert_eq!(known.deleted_at(days(180)), NOW.after(days(180)));
    }

    #[test]
    fn the_alarm_is_for_the_deletion_that_is_due_or_under_way() {
        let days = Millis::from_days;
        assert_eq!(profile().alarm(days(30), NOW), NOW.after(days(30)));
        let closing = Profile {
            closing: true,
            ..profile()
        };
        assert_eq!(closing.alarm(days(30), NOW), NOW.after(Millis::from_mins(1)));
        let ahead = Profile {
            last_seen: NOW.after(days(300)),
            session_ends_at: None,
            ..profile()
        };
        assert_eq!(ahead.alarm(days(30), NOW), NOW.after(days(30)), "the clock was ahead");
    }

    #[test]
    fn the_look_up_of_a_claimed_owner_is_the_claimant_s() {
        let by = Claimant {
            principal: Principal::user("42").unwrap(),
            external_id: ExternalId::parse("e42").unwrap(),
        };
        let [closing, claimed] = [None, Some(by)].map(|claimed_by| Profile {
            closing: true,
            claimed_by,
            ..profile()
        });
        let own = profile().external_id;
        assert_eq!(profile().looked_up_by(), Some(&own));
        assert_eq!((closing.looked_up_by(), claimed.looked_up_by()), (Some(&own), None));
        assert_eq!(
            [profile(), closing, claimed].map(|profile| profile.is_forsaken()),
            [false, true, false]
        );
    }

    #[test]
    fn the_principal_is_not_printed() {
        let printed = format!("{:?}", profile());
        assert!(printed.contains("Principal([redacted])"), "{printed}");
        assert!(printed.contains("ExternalId([redacted])"), "{printed}");
    }
}
