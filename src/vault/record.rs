//! What is stored of a connection.

use serde::{Deserialize, Serialize};

use crate::{
    api::{ApiVersion, VehicleMode},
    connect::{ExternalId, UserId, VehicleId},
    http_api::{Cause, migration::MigrationReason},
    time::{Millis, UnixMillis},
    token::{
        AccessToken, RefreshToken, TokenSet,
        cycle::{CALL_LOST_AFTER, LONGEST_BACKOFF, OwnerTokens, TokenCycle as _, exponential_backoff},
    },
    vault::{
        known_vehicle::{KnownVehicle, are_same},
        profile::Claimant,
        publication::KvCopy,
    },
};

/// How the tokens of a connection are had.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Access {
    /// By a pair of tokens of its owner's: Smartcar's v2.
    Owner(OwnerTokens),
    /// By the application's own token, which the vault does not keep: Smartcar's v3.
    Application {
        /// Which kind of cars it is about: Smartcar lists them apart.
        mode: VehicleMode,
        /// That it was moved here from v2, if it was.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        moved: Option<Moved>,
    },
}

/// By what Smartcar is asked for the vehicles of a connection: what it says of another consent, or of v2 after a move to v3, says
/// nothing of this one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct AskedBy {
    /// When the owner connected.
    pub connected_at: UnixMillis,
    /// Which of Smartcar's APIs is asked.
    pub version: ApiVersion,
}

/// That a connection was moved from Smartcar's v2 to its v3.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Moved {
    /// When.
    pub at: UnixMillis,
    /// Goes on counting where the pairs of tokens ended.
    pub generation: u64,
    /// The vehicles that it had, less those that newer connections have taken over: it covers no others, and these again after a
    /// list that lacks them.
    pub covered: Vec<VehicleId>,
    /// The tokens of v2, as long as there is a way back: they are not refreshed but to go back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kept: Option<Box<OwnerTokens>>,
}

/// Why a connection of v2 was not moved when that was tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct NotMoved {
    /// Why.
    pub reason: MigrationReason,
    /// Since when it is that.
    pub since: UnixMillis,
}

/// How often Smartcar is asked in vain for what is known already, before that is left as it is.
const MOST_FAILURES_AGAIN: u32 = 8;

/// What Smartcar has to be asked for.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Learned<T> {
    /// Smartcar said this.
    Known(T),
    /// Smartcar said this, and is asked again: it may be another by now.
    Outdated {
        /// What Smartcar said.
        value: T,
        /// How often it was asked again without an answer.
        failures: u32,
        /// It is not asked again before this.
        retry_at: UnixMillis,
    },
    /// Smartcar has not said so yet.
    Unknown {
        /// How often it was asked without an answer.
        failures: u32,
        /// It is not asked again before this.
        retry_at: UnixMillis,
    },
}

impl<T> Learned<T> {
    /// For a caller that asks Smartcar at once; the alarm asks if that process dies.
    pub(super) const fn asking(now: UnixMillis) -> Self {
        Self::Unknown {
            failures: 0,
            retry_at: now.after(CALL_LOST_AFTER),
        }
    }

    /// What is known.
    #[must_use]
    pub const fn known(&self) -> Option<&T> {
        match self {
            Self::Known(value) | Self::Outdated { value, .. } => Some(value),
            Self::Unknown { .. } => None,
        }
    }

    /// What is known, taken out.
    #[must_use]
    pub fn into_known(self) -> Option<T> {
        match self {
            Self::Known(value) | Self::Outdated { value, .. } => Some(value),
            Self::Unknown { .. } => None,
        }
    }

    /// What Smartcar said, and is asked again from `at` on.
    pub(super) const fn doubted(value: T, at: UnixMillis) -> Self {
        Self::Outdated {
            value,
            failures: 0,
            retry_at: at,
        }
    }

    /// When Smartcar has to be asked although nobody wants to know.
    pub(super) const fn alarm(&self) -> Option<UnixMillis> {
        match self {
            Self::Known(_) => None,
            Self::Outdated { retry_at, .. } | Self::Unknown { retry_at, .. } => Some(*retry_at),
        }
    }
}

impl<T: Clone> Learned<T> {
    /// The same with a question begun, if one is due at `now`: the alarm does not fire for it meanwhile.
    pub(super) fn begun(&self, now: UnixMillis) -> Option<Self> {
        self.alarm()
            .filter(|retry_at| now >= *retry_at)
            .map(|_| self.retried_at(now.after(CALL_LOST_AFTER), self.failures()))
    }

    /// The same with a question begun although the answer is known: it may be another by now. `None` if Smartcar is being
    /// asked, or could not answer moments ago.
    pub(super) fn asked_again(&self, now: UnixMillis) -> Option<Self> {
        match self {
            Self::Known(value) => Some(Self::Outdated {
                value: value.clone(),
                failures: 0,
                retry_at: now.after(CALL_LOST_AFTER),
            }),
            Self::Outdated { .. } | Self::Unknown { .. } => self.begun(now),
        }
    }

    /// The same after a question that was not answered; `None` if nothing follows from that.
    pub(super) fn failed(&self, now: UnixMillis) -> Option<Self> {
        let failures = self.failures().saturating_add(1);
        match self {
            Self::Known(_) => None,
            Self::Outdated { value, .. } if failures >= MOST_FAILURES_AGAIN => Some(Self::Known(value.clone())),
            Self::Outdated { .. } | Self::Unknown { .. } => {
                let wait = exponential_backoff(Millis::from_secs(5), failures).min(LONGEST_BACKOFF);
                Some(self.retried_at(now.after(wait), failures))
            }
        }
    }

    /// The same without a time that only a clock that was ahead can have written; `None` if it has none.
    pub(super) fn clamped(&self, now: UnixMillis) -> Option<Self> {
        self.alarm()
            .filter(|retry_at| *retry_at > now.after(LONGEST_BACKOFF))
            .map(|_| self.retried_at(now, self.failures()))
    }

    const fn failures(&self) -> u32 {
        match self {
            Self::Known(_) => 0,
            Self::Outdated { failures, .. } | Self::Unknown { failures, .. } => *failures,
        }
    }

    /// Another value in its place; nothing changes of when Smartcar is asked again.
    pub(super) fn replaced(&self, value: T) -> Self {
        match self {
            Self::Outdated { failures, retry_at, .. } => Self::Outdated {
                value,
                failures: *failures,
                retry_at: *retry_at,
            },
            Self::Known(_) | Self::Unknown { .. } => Self::Known(value),
        }
    }

    fn retried_at(&self, retry_at: UnixMillis, failures: u32) -> Self {
        match self {
            Self::Known(_) => self.clone(),
            Self::Outdated { value, .. } => Self::Outdated {
                value: value.clone(),
                failures,
                retry_at,
            },
            Self::Unknown { .. } => Self::Unknown { failures, retry_at },
        }
    }
}

/// A connection whose grant Smartcar honours, as far as is known.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Live {
    /// How its tokens are had.
    pub access: Access,
    /// Smartcar's id of the owner: by it a webhook finds the connection, and v3 the owner.
    pub user_id: Learned<UserId>,
    /// The vehicles it covers.
    pub vehicles: Learned<Vec<KnownVehicle>>,
    /// When Smartcar last said which vehicles those are; when the owner connected, until it has.
    pub listed_at: UnixMillis,
    /// Since when Smartcar lists no vehicle any more. A list that is empty once is asked for again: what it lists no more is over
    /// when it says so twice, and the vehicles are those of the list before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub empty_since: Option<UnixMillis>,
    /// When the owner connected.
    pub connected_at: UnixMillis,
    /// What Smartcar knows the owner by, if that is not the owner's own external id: the connection was claimed, and this is
    /// that of the session that made it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_id: Option<ExternalId>,
    /// Why it was not moved to v3 when that was last tried.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_moved: Option<NotMoved>,
    /// How far its copy in KV is.
    pub kv: KvCopy,
}

impl Live {
    /// A connection whose tokens just arrived in answer to an authorization code.
    #[must_use]
    pub fn granted(tokens: TokenSet, refresh_token: RefreshToken, now: UnixMillis) -> Self {
        Self {
            access: Access::Owner(OwnerTokens::granted(tokens, refresh_token, now)),
            user_id: Learned::asking(now),
            vehicles: Learned::asking(now),
            listed_at: now,
            empty_since: None,
            connected_at: now,
            external_id: None,
            not_moved: None,
            kv: KvCopy::dirty(now),
        }
    }

    /// A connection whose refresh token the app has kept so far. Its access token is had by a refresh.
    #[must_use]
    pub fn imported(refresh_token: RefreshToken, external_id: Option<ExternalId>, now: UnixMillis) -> Self {
        let none = TokenSet {
            access_token: AccessToken::new(String::new()),
            access_expires_at: UnixMillis::new(0),
            refresh_token: None,
        };
        Self {
            external_id,
            ..Self::granted(none, refresh_token, now)
        }
    }

    /// A connection of Smartcar's v3 whose list of connections has `user_id` and these vehicles as the owner's.
    #[must_use]
    pub fn confirmed(mode: VehicleMode, user_id: UserId, vehicles: Vec<KnownVehicle>, now: UnixMillis) -> Self {
        Self {
            access: Access::Application { mode, moved: None },
            user_id: Learned::Known(user_id),
            vehicles: Learned::Known(vehicles),
            listed_at: now,
            empty_since: None,
            connected_at: now,
            external_id: None,
            not_moved: None,
            kv: KvCopy::dirty(now),
        }
    }

    /// The tokens of the owner, in Smartcar's v2.
    #[must_use]
    pub const fn owner_tokens(&self) -> Option<&OwnerTokens> {
        match &self.access {
            Access::Owner(tokens) => Some(tokens),
            Access::Application { .. } => None,
        }
    }

    /// That it was moved from v2 to v3, if it was.
    #[must_use]
    pub const fn moved(&self) -> Option<&Moved> {
        match &self.access {
            Access::Application { moved, .. } => moved.as_ref(),
            Access::Owner(_) => None,
        }
    }

    /// By what Smartcar is asked for its vehicles.
    #[must_use]
    pub const fn asked_by(&self) -> AskedBy {
        AskedBy {
            connected_at: self.connected_at,
            version: match self.access {
                Access::Owner(_) => ApiVersion::V2,
                Access::Application { .. } => ApiVersion::V3,
            },
        }
    }

    /// Whether a consent in v3 that this user gives here goes on with it. Not with one that was moved: that may cover more vehicles
    /// than the consent, and has its way back; the new connection takes over what it covers.
    #[must_use]
    pub fn is_given_again(&self, user_id: &UserId, mode: VehicleMode) -> bool {
        // One that was claimed is listed by another external id.
        let is_own = self.external_id.is_none() && self.user_id.known() == Some(user_id);
        is_own && matches!(self.access, Access::Application { mode: known, moved: None } if known == mode)
    }

    /// Counts the pairs of tokens, and moves between v2 and v3; 1 where there were none.
    #[must_use]
    pub fn generation(&self) -> u64 {
        match &self.access {
            Access::Owner(tokens) => tokens.generation(),
            Access::Application { moved, .. } => moved.as_ref().map_or(1, |moved| moved.generation),
        }
    }

    /// Since when its owner is asked to connect again because it can't be moved to v3, if that is so.
    #[must_use]
    pub fn cannot_move_since(&self) -> Option<UnixMillis> {
        let not_moved = self.not_moved.filter(|not_moved| not_moved.reason.asks_owner());
        not_moved.map(|not_moved| not_moved.since)
    }

    /// The vehicles that are known.
    #[must_use]
    pub fn vehicles(&self) -> &[KnownVehicle] {
        self.vehicles.known().map_or(&[], Vec::as_slice)
    }

    /// Whether it covers the same vehicles as `other`, in whichever order.
    #[must_use]
    pub fn covers_same(&self, other: &Self) -> bool {
        are_same(self.vehicles(), other.vehicles())
    }

    /// Whether Smartcar is still being asked which vehicles it covers: it has not said, or said "none" of a new grant once.
    #[must_use]
    pub fn is_unlisted(&self) -> bool {
        match self.vehicles.known() {
            Some(known) => known.is_empty() && self.empty_since.is_some(),
            None => true,
        }
    }

    /// Since when Smartcar lists none of its vehicles any more, if it had some.
    #[must_use]
    pub fn lost_since(&self) -> Option<UnixMillis> {
        self.empty_since.filter(|_| !self.vehicles().is_empty())
    }
}

/// A connection whose grant is over: the owner has to connect again. The tokens are gone, but for those of v2 of one that was moved;
/// what is left tells the owner which car it was.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Ended {
    /// What ended the grant; shown as the connection's `cause`.
    pub cause: Cause,
    /// When the grant was found to be over.
    pub since: UnixMillis,
    /// The generation that ended.
    pub generation: u64,
    /// Smartcar's id of the owner, if it was known.
    pub user_id: Option<UserId>,
    /// The vehicles it covered.
    pub vehicles: Vec<KnownVehicle>,
    /// When the owner had connected.
    pub connected_at: UnixMillis,
    /// When the refresh token expired or would have; `None` if there was none.
    pub refresh_expires_at: Option<UnixMillis>,
    /// As [`Live::external_id`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_id: Option<ExternalId>,
    /// As [`Moved::kept`]: that Smartcar's v3 lists none of its vehicles does not say that v2 does not honour the grant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kept: Option<Box<OwnerTokens>>,
    /// How far the deletion of its copy in KV is.
    pub kv: KvCopy,
}

#[cfg(test)]
impl Ended {
    /// A grant that Smartcar refuses since then, and of which nothing else is known: for tests.
    pub(crate) fn refused_since(since: UnixMillis) -> Self {
        Self {
            cause: Cause::InvalidGrant,
            since,
            generation: 1,
            user_id: None,
            vehicles: Vec::new(),
            connected_at: since,
            refresh_expires_at: None,
            external_id: None,
            kept: None,
            kv: KvCopy::dirty(since),
        }
    }
}

impl Ended {
    /// Whether it was made with v2, and by whom is known: Smartcar's list may have that the owner's consent goes on in v3.
    #[must_use]
    pub fn may_go_on_in_v3(&self) -> bool {
        let is_of_v2 = self.refresh_expires_at.is_some() || self.kept.is_some();
        is_of_v2 && self.user_id.is_some() && !self.vehicles.is_empty()
    }

    /// The connection as it is when it goes on, by `access`.
    #[must_use]
    pub fn going_on(&self, access: Access, now: UnixMillis) -> Live {
        Live {
            access,
            user_id: self
                .user_id
                .clone()
                .map_or_else(|| Learned::asking(now), Learned::Known),
            vehicles: Learned::Known(self.vehicles.clone()),
            listed_at: now,
            empty_since: None,
            connected_at: self.connected_at,
            external_id: self.external_id.clone(),
            not_moved: None,
            kv: KvCopy::dirty(now),
        }
    }
}

/// A connection that is being disconnected: nobody sees it any more.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Closing {
    /// The connection, until Smartcar has been told; `None` once it has, or need not or can't be.
    pub live: Option<Box<Live>>,
    /// The generation that is closed.
    pub generation: u64,
    /// When the disconnection was asked for.
    pub since: UnixMillis,
    /// How far the disconnection is: the next try, and once Smartcar has been told the deletion of the copy in KV.
    pub kv: KvCopy,
}

/// A connection that was disconnected. Kept for a day so that nothing late brings it back.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Tombstone {
    /// When its copy in KV was deleted.
    pub since: UnixMillis,
    /// The generation that was closed.
    pub generation: u64,
    /// How far the second deletion of the copy is, when every earlier write must have arrived.
    pub kv: KvCopy,
}

/// What a claimant's vault is given of a connection.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Claimed {
    /// Its grant is honoured.
    Live(Box<Live>),
    /// Its grant is over; the claimant sees which car has to be connected again.
    Ended(Box<Ended>),
}

impl Claimed {
    /// The version of its content.
    #[must_use]
    pub fn generation(&self) -> u64 {
        match self {
            Self::Live(live) => live.generation(),
            Self::Ended(ended) => ended.generation,
        }
    }

    /// The tokens of the owner, in Smartcar's v2.
    pub(super) fn owner_tokens(&self) -> Option<&OwnerTokens> {
        match self {
            Self::Live(live) => live.owner_tokens(),
            Self::Ended(_) => None,
        }
    }
}

/// A connection that was claimed and is on its way to the claimant's vault. Nobody sees it here any more. Its tokens are kept
/// until that vault has them, and once they were sent nothing is asked for with them here.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Leaving {
    /// What is sent.
    pub claimed: Claimed,
    /// To whom.
    pub to: Claimant,
    /// When it was claimed.
    pub since: UnixMillis,
    /// How often it was sent in vain.
    pub failures: u32,
    /// It is not sent (again) before this.
    pub retry_at: UnixMillis,
}

/// What is stored of a connection.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Record {
    /// Connected.
    Live(Live),
    /// The owner has to connect again.
    Ended(Ended),
    /// Claimed, and on its way to another vault.
    Leaving(Leaving),
    /// Being disconnected.
    Closing(Closing),
    /// Disconnected, or in another vault by now.
    Tombstone(Tombstone),
}

impl Record {
    /// The version of its content, which its sealed form is bound to.
    #[must_use]
    pub fn generation(&self) -> u64 {
        match self {
            Self::Live(live) => live.generation(),
            Self::Ended(ended) => ended.generation,
            Self::Leaving(leaving) => leaving.claimed.generation(),
            Self::Closing(closing) => closing.generation,
            Self::Tombstone(tombstone) => tombstone.generation,
        }
    }

    /// When the owner connected; of one that is not shown any more, since when it is not.
    #[must_use]
    pub const fn connected_at(&self) -> UnixMillis {
        match self {
            Self::Live(live) => live.connected_at,
            Self::Ended(ended) => ended.connected_at,
            Self::Leaving(leaving) => leaving.since,
            Self::Closing(closing) => closing.since,
            Self::Tombstone(tombstone) => tombstone.since,
        }
    }

    /// The vehicles of a connection that its owner sees.
    #[must_use]
    pub fn vehicles(&self) -> &[KnownVehicle] {
        match self {
            Self::Live(live) => live.vehicles(),
            Self::Ended(ended) => &ended.vehicles,
            Self::Leaving(_) | Self::Closing(_) | Self::Tombstone(_) => &[],
        }
    }

    /// The connection, if its grant is honoured.
    #[must_use]
    pub const fn live(&self) -> Option<&Live> {
        match self {
            Self::Live(live) => Some(live),
            Self::Ended(_) | Self::Leaving(_) | Self::Closing(_) | Self::Tombstone(_) => None,
        }
    }

    /// Smartcar's id of the owner of a connection that its owner sees, if it is known.
    #[must_use]
    pub const fn user_id(&self) -> Option<&UserId> {
        match self {
            Self::Live(live) => live.user_id.known(),
            Self::Ended(ended) => ended.user_id.as_ref(),
            Self::Leaving(_) | Self::Closing(_) | Self::Tombstone(_) => None,
        }
    }

    /// What Smartcar knows the owner of such a connection by, if that is not the owner's own external id.
    #[must_use]
    pub const fn external_id(&self) -> Option<&ExternalId> {
        match self {
            Self::Live(live) => live.external_id.as_ref(),
            Self::Ended(ended) => ended.external_id.as_ref(),
            Self::Leaving(_) | Self::Closing(_) | Self::Tombstone(_) => None,
        }
    }

    /// Whether a claimant is given it, or is being given it.
    #[must_use]
    pub const fn is_claimable(&self) -> bool {
        matches!(self, Self::Live(_) | Self::Ended(_) | Self::Leaving(_))
    }

    /// Whether its owner must act before it is well again, or while it is: log in at the car's maker, grant more, or connect again. That a refresh token is
    /// over counts once it is noted: there is an alarm for it.
    #[must_use]
    pub fn owner_must_act(&self) -> bool {
        match self {
            Self::Live(live) => {
                let is_marked = live.vehicles().iter().any(KnownVehicle::is_marked);
                is_marked || live.lost_since().is_some() || live.cannot_move_since().is_some()
            }
            Self::Ended(_) => true,
            Self::Leaving(_) | Self::Closing(_) | Self::Tombstone(_) => false,
        }
    }

    /// Whether its owner sees it.
    #[must_use]
    pub const fn is_shown(&self) -> bool {
        matches!(self, Self::Live(_) | Self::Ended(_))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixMillis = UnixMillis::new(1_790_000_000_000);

    #[test]
    fn only_a_wait_that_is_longer_than_the_longest_is_of_a_clock_that_was_ahead() {
        let waiting = |retry_at| Learned::<u8>::Unknown { failures: 3, retry_at };
        let longest = NOW.after(LONGEST_BACKOFF);
        assert_eq!(waiting(longest).clamped(NOW), None);
        assert_eq!(waiting(longest.after(Millis::new(1))).clamped(NOW), Some(waiting(NOW)));
        assert_eq!(Learned::Known(1).clamped(NOW), None);
    }

    fn live(cars: &[&str]) -> Live {
        let car = |id: &&str| KnownVehicle::new(VehicleId::parse(id).unwrap());
        let user = UserId::parse("u1").unwrap();
        Live::confirmed(VehicleMode::Live, user, cars.iter().map(car).collect(), NOW)
    }

    fn ended(generation: u64) -> Ended {
        Ended {
            generation,
            ..Ended::refused_since(NOW)
        }
    }

    #[test]
    fn it_covers_the_same_vehicles_in_whichever_order() {
        assert!(live(&["v1", "v2"]).covers_same(&live(&["v2", "v1"])));
        assert!(!live(&["v1", "v2"]).covers_same(&live(&["v1"])));
    }

    #[test]
    fn an_imported_connection_is_found_by_the_external_id_that_it_was_made_with() {
        let external_id = ExternalId::parse("e1").unwrap();
        let imported = Live::imported(RefreshToken::new("r".into()), Some(external_id.clone()), NOW);
        assert_eq!(imported.external_id, Some(external_id));
    }

    #[test]
    fn what_is_claimed_keeps_its_generation_on_its_way() {
        let claimed = Claimed::Ended(Box::new(ended(7)));
        assert_eq!(claimed.generation(), 7);
        let live = live(&["v1"]);
        assert_eq!(Claimed::Live(Box::new(live.clone())).generation(), live.generation());
    }

    #[test]
    fn what_is_disconnected_is_given_to_nobody() {
        let (kv, since, generation) = (KvCopy::dirty(NOW), NOW, 7);
        let closing = Closing {
            live: None,
            generation,
            since,
            kv,
        };
        let tombstone = Tombstone { since, generation, kv };
        for record in [Record::Closing(closing), Record::Tombstone(tombstone)] {
            assert!(!record.is_claimable(), "{record:?}");
        }
        for record in [Record::Live(live(&["v1"])), Record::Ended(ended(7))] {
            assert!(record.is_claimable(), "{record:?}");
        }
    }
}
