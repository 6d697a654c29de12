//! `GET` and `POST /internal/migration`: which connections were moved from Smartcar's v2 to its v3, and why others were not.

use core::fmt;

use serde::{Deserialize, Serialize};

use super::schema::{Kind, Schema, field};
use crate::{connect::ConnectionId, string_enum::string_enum, time::UnixMillis};

string_enum! {
    /// What `POST /internal/migration` does: the setting `SMARTCAR_MIGRATION`.
    MigrationMode {
        /// Asks Smartcar and says what would be moved. Nothing is.
        DryRun = "dry_run",
        /// Moves to v3 what Smartcar's list of connections confirms.
        Move = "move",
        /// Takes back to v2 what was moved.
        Reverse = "reverse",
        /// Forgets the tokens of v2 of what was moved: there is no way back from then on.
        Finish = "finish",
    }
}

string_enum! {
    /// How far a connection is.
    MigrationState {
        /// It was made for v3.
        MadeForV3 = "made_for_v3",
        /// It was moved to v3.
        Moved = "moved",
        /// It would be moved, were this not a dry run.
        WouldMove = "would_move",
        /// It is on v2, and nobody tries to move it.
        OnV2 = "on_v2",
        /// It may be moved, or taken back, the next time.
        Waiting = "waiting",
        /// It can't be moved, or taken back, as things are.
        Cannot = "cannot",
    }
}

string_enum! {
    /// Why a connection was not moved, or not taken back.
    MigrationReason {
        /// Nobody has tried.
        NotTried = "not_tried",
        /// Smartcar's list of connections could not be had.
        ListUnavailable = "list_unavailable",
        /// Its tokens are being refreshed, or may have been used up moments ago.
        RefreshUnderWay = "refresh_under_way",
        /// Smartcar has not said yet which vehicles it covers.
        VehiclesUnknown = "vehicles_unknown",
        /// Smartcar's id of its owner is not known, and v2 has not said that it still honours the grant.
        UserUnknown = "user_unknown",
        /// It is on its way to the vault of the user who has claimed it.
        BeingClaimed = "being_claimed",
        /// Its record does not open.
        Unreadable = "unreadable",
        /// Going back takes new tokens of v2, which could not be had.
        RefreshFailing = "refresh_failing",
        /// One of its vehicles is not in the list.
        VehicleNotListed = "vehicle_not_listed",
        /// One of its vehicles is in the list, but with another user.
        ListedWithAnotherUser = "listed_with_another_user",
        /// Smartcar's id of its owner is not known, and the list has its vehicles with more than one user.
        MoreThanOneUser = "more_than_one_user",
        /// It covers no vehicle.
        NoVehicles = "no_vehicles",
        /// Its grant is over.
        Ended = "ended",
        /// There are no tokens of v2 to go back with: they were forgotten, or Smartcar does not honour them any more.
        TokensGone = "tokens_gone",
    }
}

impl MigrationReason {
    /// What a connection is that was not moved for this reason.
    #[must_use]
    pub const fn state(self) -> MigrationState {
        match self {
            Self::NotTried
            | Self::ListUnavailable
            | Self::RefreshUnderWay
            | Self::VehiclesUnknown
            | Self::UserUnknown
            | Self::BeingClaimed
            | Self::Unreadable
            | Self::RefreshFailing => MigrationState::Waiting,
            Self::VehicleNotListed
            | Self::ListedWithAnotherUser
            | Self::MoreThanOneUser
            | Self::NoVehicles
            | Self::Ended
            | Self::TokensGone => MigrationState::Cannot,
        }
    }

    /// Whether a connection of v2 that was not moved for this reason asks its owner to connect again.
    #[must_use]
    pub const fn asks_owner(self) -> bool {
        matches!(
            self,
            Self::VehicleNotListed | Self::ListedWithAnotherUser | Self::MoreThanOneUser | Self::NoVehicles
        )
    }
}

/// A connection in the report.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MigratedConnection {
    /// Its id.
    pub id: ConnectionId,
    /// Whose it is, as in the answers of `POST /internal/token`.
    pub principal: String,
    /// The id that the app's log-in gives the user; `null` for the owner of an anonymous session.
    pub user: Option<String>,
    /// How far it is.
    pub state: MigrationState,
    /// Why it is `waiting`, or what stands in its way for good.
    pub reason: Option<MigrationReason>,
    /// Until when there are tokens of v2 to go back with; `null` where there are none.
    pub reversible_until: Option<UnixMillis>,
}

/// The table of [`MigratedConnection`].
pub const MIGRATED_CONNECTION: Schema = &[
    field("id", Kind::Text),
    field("principal", Kind::Text),
    field("user", Kind::Text).nullable(),
    field("state", Kind::OneOf(MigrationState::NAMES)),
    field("reason", Kind::OneOf(MigrationReason::NAMES)).nullable(),
    field("reversibleUntil", Kind::Number).nullable(),
];

impl fmt::Debug for MigratedConnection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MigratedConnection")
            .field("id", &self.id)
            .field("state", &self.state)
            .field("reason", &self.reason)
            .finish_non_exhaustive()
    }
}

/// How many connections there are of each state, from the first page to this one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct MigrationCounts {
    /// Made for v3.
    pub made_for_v3: u32,
    /// Moved to v3.
    pub moved: u32,
    /// That would be moved.
    pub would_move: u32,
    /// On v2.
    pub on_v2: u32,
    /// Waiting.
    pub waiting: u32,
    /// That can't be moved.
    pub cannot: u32,
    /// Vaults, of whatever many connections, that did not answer: the next pass asks them again.
    pub unanswered: u32,
    /// How many connections there are for each reason that there is one for.
    pub reasons: Vec<ReasonCount>,
}

/// The table of [`MigrationCounts`].
pub const MIGRATION_COUNTS: Schema = &[
    field("madeForV3", Kind::Number),
    field("moved", Kind::Number),
    field("wouldMove", Kind::Number),
    field("onV2", Kind::Number),
    field("waiting", Kind::Number),
    field("cannot", Kind::Number),
    field("unanswered", Kind::Number),
    field("reasons", Kind::Array(REASON_COUNT)),
];

/// How many connections were not moved for a reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReasonCount {
    /// The reason.
    pub reason: MigrationReason,
    /// How many.
    pub count: u32,
}

/// The table of [`ReasonCount`].
pub const REASON_COUNT: Schema = &[
    field("reason", Kind::OneOf(MigrationReason::NAMES)),
    field("count", Kind::Number),
];

impl MigrationCounts {
    /// Counts one more connection.
    pub fn add(&mut self, state: MigrationState, reason: Option<MigrationReason>) {
        let count = match state {
            MigrationState::MadeForV3 => &mut self.made_for_v3,
            MigrationState::Moved => &mut self.moved,
            MigrationState::WouldMove => &mut self.would_move,
            MigrationState::OnV2 => &mut self.on_v2,
            MigrationState::Waiting => &mut self.waiting,
            MigrationState::Cannot => &mut self.cannot,
        };
        *count = count.saturating_add(1);
        let Some(reason) = reason else { return };
        match self.reasons.iter_mut().find(|known| known.reason == reason) {
            Some(known) => known.count = known.count.saturating_add(1),
            None => self.reasons.push(ReasonCount { reason, count: 1 }),
        }
    }
}

/// A page of the report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MigrationResponse {
    /// The setting `SMARTCAR_MIGRATION`; `null` if it is not set.
    pub mode: Option<MigrationMode>,
    /// From the first page to this one.
    pub counts: MigrationCounts,
    /// The connections of this page, none perhaps, though others follow.
    pub connections: Vec<MigratedConnection>,
    /// Asks for the next page, as the parameter `cursor`; `null` after the last.
    pub cursor: Option<String>,
    /// For how many seconds Smartcar wants to be left alone, if it has said so: the page ends where that was.
    pub retry_after: Option<u64>,
}

/// The table of [`MigrationResponse`].
pub const MIGRATION_RESPONSE: Schema = &[
    field("mode", Kind::OneOf(MigrationMode::NAMES)).nullable(),
    field("counts", Kind::Object(MIGRATION_COUNTS)),
    field("connections", Kind::Array(MIGRATED_CONNECTION)),
    field("cursor", Kind::Text).nullable(),
    field("retryAfter", Kind::Number).nullable(),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_asks_its_owner_can_not_be_moved() {
        for reason in MigrationReason::ALL {
            if reason.asks_owner() {
                assert_eq!(reason.state(), MigrationState::Cannot, "{reason:?}");
            }
        }
    }

    #[test]
    fn connections_are_counted_by_state_and_reason() {
        let mut counts = MigrationCounts::default();
        for state in MigrationState::ALL {
            counts.add(*state, None);
        }
        for reason in MigrationReason::ALL.iter().chain(MigrationReason::ALL) {
            counts.add(reason.state(), Some(*reason));
        }
        assert_eq!(
            (counts.made_for_v3, counts.moved, counts.would_move, counts.on_v2),
            (1, 1, 1, 1)
        );
        assert_eq!((counts.waiting, counts.cannot, counts.unanswered), (17, 13, 0));
        assert_eq!(counts.reasons.len(), MigrationReason::ALL.len());
        assert!(counts.reasons.iter().all(|reason| reason.count == 2));
    }
}
