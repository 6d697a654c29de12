//! Moving a connection from Smartcar's v2 to its v3 without asking its owner: what Smartcar's list of connections has to say
//! before it is moved, and how far a connection is. The move itself is a step of its [`life`](crate::vault::life).
//!
//! A connection is moved if the list has every one of its vehicles with the Smartcar user who granted it. Where that user is not
//! known, the list has to have its vehicles with one user and no other.

use crate::{
    api::{ListedConnection, VehicleMode},
    connect::{UserId, VehicleId},
    http_api::migration::{MigrationMode, MigrationReason, MigrationState},
    time::UnixMillis,
    token::cycle::Policy,
    vault::record::{Access, Live, Record},
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
    /// Whether it may be that the grant covers other vehicles by now: then it is worth asking v2 first.
    #[must_use]
    pub const fn doubts_vehicles(&self) -> bool {
        matches!(
            self,
            Self::NotMoved(MigrationReason::VehicleNotListed | MigrationReason::ListedWithAnotherUser)
        )
    }
}

/// What is asked next about a connection of v2, after these answers; `None` if [`judge`] has all that it can have.
#[must_use]
pub fn next_question(live: &Live, asked: &[Listing]) -> Option<ListQuestion> {
    if live.vehicles().is_empty() || matches!(of_list(live, Some(asked)), Finding::Confirmed { .. }) {
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

/// What follows from the list for a connection of v2; `listed` is `None` if the list could not be had. Whatever was asked, only
/// what is listed with the same user and vehicle counts.
#[must_use]
pub fn judge(live: &Live, listed: Option<&[Listing]>, now: UnixMillis, policy: &Policy) -> Finding {
    // What a request brings that is under way, or can be had again within the grace, belongs to the way back.
    match live.owner_tokens() {
        Some(tokens) if !tokens.is_at_rest(now, policy) => Finding::NotMoved(MigrationReason::RefreshUnderWay),
        _ => of_list(live, listed),
    }
}

fn of_list(live: &Live, listed: Option<&[Listing]>) -> Finding {
    match live.vehicles.known() {
        None => return Finding::NotMoved(MigrationReason::VehiclesUnknown),
        Some(known) if known.is_empty() => return Finding::NotMoved(MigrationReason::NoVehicles),
        Some(_) => {}
    }
    let Some(listed) = listed else {
        return Finding::NotMoved(MigrationReason::ListUnavailable);
    };
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

/// The users with whom a vehicle is listed as a car of this kind.
fn users_of<'a>(listed: &'a [Listing], mode: VehicleMode, vehicle: &VehicleId) -> Vec<&'a UserId> {
    let of_mode = listed.iter().filter(|listing| listing.question.mode == mode);
    let of_vehicle = of_mode
        .flat_map(|listing| &listing.connections)
        .filter(|connection| connection.vehicle_id == *vehicle);
    of_vehicle.map(|connection| &connection.user_id).collect()
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

/// How far the connection is that is stored as `record`, while the operator is at `mode`; `None` if its owner does not see it any
/// more.
#[must_use]
pub fn progress(record: &Record, mode: Option<MigrationMode>, now: UnixMillis) -> Option<Progress> {
    let live = match record {
        Record::Live(live) => live,
        Record::Ended(_) => return Some(Progress::hindered(MigrationReason::Ended)),
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
