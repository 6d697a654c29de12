//! Who a vault belongs to.

use serde::{Deserialize, Serialize};

use super::Principal;
use crate::{
    connect::ExternalId,
    time::{Millis, UnixMillis},
};

/// A visit is noted once in so long: every request would be a write.
const NOTED_EVERY: Millis = Millis::from_hours(12);

/// The first record of a vault. The alarm, which no request comes with, learns from it whose grants it looks after.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Profile {
    /// The owner.
    pub principal: Principal,
    /// What Smartcar knows the owner by: random, so that it tells nothing.
    pub external_id: ExternalId,
    /// When the owner was last seen, give or take half a day.
    pub last_seen: UnixMillis,
    /// When the owner's anonymous session ends; `None` for an owner known by the app.
    pub session_ends_at: Option<UnixMillis>,
    /// Set when everything of the owner is being deleted.
    pub closing: bool,
}

impl Profile {
    /// The profile with the owner seen `now`; `None` if that need not be written.
    #[must_use]
    pub fn seen(&self, now: UnixMillis, session_ends_at: Option<UnixMillis>) -> Option<Self> {
        let noted = now.since(self.last_seen) < NOTED_EVERY && self.session_ends_at == session_ends_at;
        (!noted).then(|| Self {
            last_seen: now.max(self.last_seen),
            session_ends_at,
            ..self.clone()
        })
    }

    /// When everything of the owner is deleted: `retention` after the last visit, and no later than the end of the
    /// session, since nobody can come back to what an ended session kept.
    #[must_use]
    pub fn deleted_at(&self, retention: Millis) -> UnixMillis {
        let unseen = self.last_seen.after(retention);
        self.session_ends_at.map_or(unseen, |end| end.min(unseen))
    }
}
