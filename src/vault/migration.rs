//! Moving a connection from Smartcar's v2 to its v3 without asking its owner: what Smartcar's list of connections has to say
//! before it is moved, and how far a connection is. The move itself is a step of its [`life`](crate::vault::life).
//!
//! A connection is moved if the list has every one of its vehicles with the Smartcar user who granted it. Where that user is not
//! known, the list has to have its vehicles with one user and no other, and v2 has to say after that that it honours the grant for
//! them: a car that was sold is listed with its new owner alone, whose it must not become by a grant that nobody honours.

use crate::{
    api::{ListedConnection, VehicleMode},
    connect::{ExternalId, UserId, VehicleId},
    http_api::migration::{MigrationMode, MigrationReason, MigrationState},
    time::UnixMillis,
    token::cycle::Policy,
    vault::record::{Access, Ended, Live, Record},
};

/// Smartcar lists cars on the road and simulated ones apart, and a grant of v2 does not say which kind it is about.
const MODES: [VehicleMode; 2] = [VehicleMode::Live, VehicleMode::Simulated];

/// A question to Smartcar's list of connections.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListQuestion {
    /// About cars of which kind.
    pub mode: VehicleMode,
    /// About those of one user.
    pub user_id: Option<UserId>,
    /// About one vehicle.
    pub vehicle_id: Option<VehicleId>,
}

/// A question and its answer.
#[derive(Clone, Debug)]
pub struct Listing {
    /// What was asked.
    pub question: ListQuestion,
    /// All that was listed.
    pub connections: Vec<ListedConnection>,
}

/// What a connection of v2 is held against.
#[derive(Clone, Debug)]
pub struct Evidence {
    /// What Smartcar's list says; `None` if it could not be had.
    pub listed: Option<Vec<Listing>>,
    /// What Smartcar knows the owner by, if it was told.
    pub external_id: ExternalId,
    /// Since when an answer of v2's counts as given in the same pass; `None` if v2 is not asked, as in a dry run.
    pub v2_asked_since: Option<UnixMillis>,
}

/// What v2 has said in this pass of the vehicles that a grant covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum V2Answer {
    /// It was not asked.
    NotAsked,
    /// It has not answered.
    Missing,
    /// It honours the grant for those that are known.
    Honoured,
    /// It lists none: those that are known are in doubt.
    Doubted,
}

/// What follows from the list for a connection of v2.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finding {
    /// It has all vehicles with this user: the connection can be moved.
    Confirmed {
        /// Which kind of cars they are.
        mode: VehicleMode,
        /// Whose they are.
        user_id: UserId,
    },
    /// The connection can't be moved, now or at all.
    NotMoved(MigrationReason),
}

impl Finding {
    /// Whether v2 has to say first which vehicles the grant covers: these may be others by now, and where the user is not known,
    /// v2 may not honour it any more.
    #[must_use]
    pub const fn needs_v2(&self) -> bool {
        matches!(
            self,
            Self::NotMoved(
                MigrationReason::VehicleNotListed
                    | MigrationReason::ListedWithAnotherUser
                    | MigrationReason::MoreThanOneUser
                    | MigrationReason::UserUnknown
            )
        )
    }
}

impl Evidence {
    fn v2_answer(&self, live: &Live, now: UnixMillis) -> V2Answer {
        match self.v2_asked_since {
            None => V2Answer::NotAsked,
            // Nor does a time count that only a clock that was ahead can have written.
            Some(since) if live.listed_at < since || live.listed_at > now => V2Answer::Missing,
            Some(_) if live.empty_since.is_some() => V2Answer::Doubted,
            Some(_) => V2Answer::Honoured,
        }
    }
}

/// What is asked next about a connection of v2, after these answers; `None` if [`judge`] has all that it can have.
#[must_use]
pub fn next_question(live: &Live, asked: &[Listing]) -> Option<ListQuestion> {
    if live.vehicles().is_empty() || matches!(of_list(live, asked, None), Finding::Confirmed { .. }) {
        return None;
    }
    let questions: Vec<ListQuestion> = match live.user_id.known() {
        Some(user_id) => {
            let of_user = MODES.map(|mode| ListQuestion {
                mode,
                user_id: Some(user_id.clone()),
                vehicle_id: None,
            });
            let is_missing = |vehicle: &&VehicleId| MODES.iter().all(|mode| users_of(asked, *mode, vehicle).is_empty());
            // Tells a car that nobody has connected any more from one that somebody else has.
            let of_missing = vehicles(live).find(is_missing).map(|vehicle| ListQuestion {
                mode: VehicleMode::Live,
                user_id: None,
                vehicle_id: Some(vehicle.clone()),
            });
            of_user.into_iter().chain(of_missing).collect()
        }
        None => MODES
            .iter()
            .flat_map(|mode| {
                vehicles(live).map(|vehicle| ListQuestion {
                    mode: *mode,
                    user_id: None,
                    vehicle_id: Some(vehicle.clone()),
                })
            })
            .collect(),
    };
    questions
        .into_iter()
        .find(|question| asked.iter().all(|listing| listing.question != *question))
}

/// What follows for a connection of v2. Whatever was asked, only what is listed with the same user and vehicle counts.
#[must_use]
pub fn judge(live: &Live, evidence: &Evidence, now: UnixMillis, policy: &Policy) -> Finding {
    // What a request brings that is under way, or can be had again within the grace, belongs to the way back.
    if live
        .owner_tokens()
        .is_some_and(|tokens| !tokens.is_at_rest(now, policy))
    {
        return Finding::NotMoved(MigrationReason::RefreshUnderWay);
    }
    let Some(listed) = &evidence.listed else {
        return Finding::NotMoved(of_vehicles(live).unwrap_or(MigrationReason::ListUnavailable));
    };
    let finding = of_list(live, listed, Some(&evidence.external_id));
    let is_known = live.user_id.known().is_some();
    match (&finding, evidence.v2_answer(live, now)) {
        (Finding::Confirmed { .. }, _) if is_known => finding,
        (Finding::Confirmed { .. }, V2Answer::Honoured) => finding,
        (Finding::Confirmed { .. }, _) => Finding::NotMoved(MigrationReason::UserUnknown),
        // The owner is not asked to act because v2 could not be asked.
        (Finding::NotMoved(_), V2Answer::Missing) if finding.needs_v2() => Finding::NotMoved(if is_known {
            MigrationReason::VehiclesUnknown
        } else {
            MigrationReason::UserUnknown
        }),
        (Finding::NotMoved(_), _) => finding,
    }
}

/// What Smartcar's list is asked about, if a connection whose grant is over may go on in v3.
#[must_use]
pub fn asked_about(ended: &Ended, now: UnixMillis) -> Option<Live> {
    let access = Access::Application {
        mode: VehicleMode::Live,
        moved: None,
    };
    ended.may_go_on_in_v3().then(|| ended.going_on(access, now))
}

/// As [`judge`], of a connection whose grant is over. v2 can't be asked whether the owner's consent still stands. So the list has to have
/// every vehicle with the same user **and** by name with the external id of this owner: the same user may have connected it since
/// elsewhere, and that is another consent.
#[must_use]
pub fn judge_ended(ended: &Ended, evidence: &Evidence, now: UnixMillis) -> Finding {
    let Some(live) = asked_about(ended, now) else {
        return Finding::NotMoved(MigrationReason::Ended);
    };
    let Some(listed) = &evidence.listed else {
        return Finding::NotMoved(MigrationReason::ListUnavailable);
    };
    let own = evidence.external_id.as_str();
    match of_list(&live, listed, Some(&evidence.external_id)) {
        Finding::Confirmed { mode, user_id } => {
            let is_own = |one: &ListedConnection| one.user_id == user_id && one.external_id.as_deref() == Some(own);
            let goes_on = |vehicle: &VehicleId| connections_of(listed, mode, vehicle).any(is_own);
            if vehicles(&live).all(goes_on) {
                Finding::Confirmed { mode, user_id }
            } else {
                Finding::NotMoved(MigrationReason::Ended)
            }
        }
        Finding::NotMoved(_) => Finding::NotMoved(MigrationReason::Ended),
    }
}

/// Why a connection is not moved whatever the list says.
fn of_vehicles(live: &Live) -> Option<MigrationReason> {
    match live.vehicles.known() {
        None => Some(MigrationReason::VehiclesUnknown),
        Some(known) if known.is_empty() => Some(MigrationReason::NoVehicles),
        Some(_) => None,
    }
}

/// What follows from the list alone. Where the user is not known, a connection that was made with another external id than `own`
/// is another owner's.
fn of_list(live: &Live, listed: &[Listing], own: Option<&ExternalId>) -> Finding {
    if let Some(reason) = of_vehicles(live) {
        return Finding::NotMoved(reason);
    }
    let reason = match live.user_id.known() {
        Some(user_id) => {
            let has_all = |mode| vehicles(live).all(|vehicle| users_of(listed, mode, vehicle).contains(&user_id));
            if let Some(mode) = MODES.into_iter().find(|mode| has_all(*mode)) {
                let user_id = user_id.clone();
                return Finding::Confirmed { mode, user_id };
            }
            let is_anothers = |vehicle: &VehicleId| {
                let mut users = MODES
                    .iter()
                    .flat_map(|mode| users_of(listed, *mode, vehicle))
                    .peekable();
                users.peek().is_some() && users.all(|user| user != user_id)
            };
            if vehicles(live).any(is_anothers) {
                MigrationReason::ListedWithAnotherUser
            } else {
                MigrationReason::VehicleNotListed
            }
        }
        None => {
            let mut reason = MigrationReason::VehicleNotListed;
            for mode in MODES {
                let of_each: Vec<Vec<&UserId>> =
                    vehicles(live).map(|vehicle| users_of(listed, mode, vehicle)).collect();
                let mut users: Vec<&UserId> = of_each.concat();
                users.sort_unstable_by_key(|user| user.as_str());
                users.dedup();
                match users.as_slice() {
                    [_] if own.is_some_and(|own| is_made_by_another(live, listed, mode, own)) => {
                        reason = MigrationReason::ListedWithAnotherUser;
                    }
                    [user_id] if of_each.iter().all(|users| !users.is_empty()) => {
                        let user_id = UserId::clone(user_id);
                        return Finding::Confirmed { mode, user_id };
                    }
                    [] | [_] => {}
                    _ => reason = MigrationReason::MoreThanOneUser,
                }
            }
            reason
        }
    };
    Finding::NotMoved(reason)
}

fn vehicles(live: &Live) -> impl Iterator<Item = &VehicleId> {
    live.vehicles().iter().map(|vehicle| &vehicle.id)
}

/// Whether a vehicle of the connection is listed as one of this kind with an external id that is not the owner's `own`.
fn is_made_by_another(live: &Live, listed: &[Listing], mode: VehicleMode, own: &ExternalId) -> bool {
    vehicles(live)
        .flat_map(|vehicle| connections_of(listed, mode, vehicle))
        .filter_map(|connection| connection.external_id.as_deref())
        .any(|external_id| external_id != own.as_str())
}

/// The users with whom a vehicle is listed as a car of this kind.
fn users_of<'a>(listed: &'a [Listing], mode: VehicleMode, vehicle: &'a VehicleId) -> Vec<&'a UserId> {
    connections_of(listed, mode, vehicle)
        .map(|connection| &connection.user_id)
        .collect()
}

fn connections_of<'a>(
    listed: &'a [Listing],
    mode: VehicleMode,
    vehicle: &'a VehicleId,
) -> impl Iterator<Item = &'a ListedConnection> {
    let of_mode = listed.iter().filter(move |listing| listing.question.mode == mode);
    of_mode
        .flat_map(|listing| &listing.connections)
        .filter(move |connection| connection.vehicle_id == *vehicle)
}

/// How far a connection is on the way to v3.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// How far.
    pub state: MigrationState,
    /// Why it was not moved.
    pub reason: Option<MigrationReason>,
    /// Until when there are tokens to go back with.
    pub reversible_until: Option<UnixMillis>,
}

impl Progress {
    const fn at(state: MigrationState) -> Self {
        Self {
            state,
            reason: None,
            reversible_until: None,
        }
    }

    /// What stands in the way.
    #[must_use]
    pub const fn hindered(reason: MigrationReason) -> Self {
        Self {
            reason: Some(reason),
            ..Self::at(reason.state())
        }
    }

    /// In a dry run, after this finding about a connection of v2.
    #[must_use]
    pub const fn dry(finding: &Finding) -> Self {
        match finding {
            Finding::Confirmed { .. } => Self::at(MigrationState::WouldMove),
            Finding::NotMoved(reason) => Self::hindered(*reason),
        }
    }
}

fn of_ended(ended: &Ended, mode: Option<MigrationMode>, now: UnixMillis) -> Progress {
    let reversible_until = ended.kept.as_ref().map(|kept| kept.pair.refresh_expires_at);
    let reversible_until = reversible_until.filter(|until| now < *until);
    let reason = match (mode, reversible_until) {
        (Some(MigrationMode::Reverse), Some(_)) => MigrationReason::RefreshFailing,
        _ => MigrationReason::Ended,
    };
    Progress {
        reversible_until,
        ..Progress::hindered(reason)
    }
}

/// How far the connection is that is stored as `record`, while the operator is at `mode`; `None` if its owner does not see it any
/// more.
#[must_use]
pub fn progress(record: &Record, mode: Option<MigrationMode>, now: UnixMillis) -> Option<Progress> {
    let live = match record {
        Record::Live(live) => live,
        Record::Ended(ended) => return Some(of_ended(ended, mode, now)),
        Record::Leaving(_) => return Some(Progress::hindered(MigrationReason::BeingClaimed)),
        Record::Closing(_) | Record::Tombstone(_) => return None,
    };
    let is_going_back = mode == Some(MigrationMode::Reverse);
    Some(match &live.access {
        Access::Application { moved: None, .. } => Progress::at(MigrationState::MadeForV3),
        Access::Application { moved: Some(moved), .. } => {
            let kept = moved.kept.as_ref().map(|kept| kept.pair.refresh_expires_at);
            let reversible_until = kept.filter(|until| now < *until);
            let progress = match reversible_until {
                _ if !is_going_back => Progress::at(MigrationState::Moved),
                Some(_) => Progress::hindered(MigrationReason::RefreshFailing),
                None => Progress::hindered(MigrationReason::TokensGone),
            };
            Progress {
                reversible_until,
                ..progress
            }
        }
        Access::Owner(_) => match (live.not_moved, mode) {
            (Some(not_moved), _) => Progress::hindered(not_moved.reason),
            (None, Some(MigrationMode::DryRun | MigrationMode::Move)) => Progress::hindered(MigrationReason::NotTried),
            (None, Some(MigrationMode::Reverse | MigrationMode::Finish) | None) => Progress::at(MigrationState::OnV2),
        },
    })
}
