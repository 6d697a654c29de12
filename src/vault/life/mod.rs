//! The life of a connection: one pure function from what is stored, the time and an event to what is stored next and what
//! has to be done.
//!
//! Its driver keeps these rules, which the model in `tests/model` keeps as well, and shows that each is needed:
//! 1. every event is judged by what is stored when it happens, and what [`Step::next`] says is stored, durably, before
//!    any of [`Step::effects`] is carried out: if it can't be stored, nothing is carried out;
//! 2. of [`Effect::Refresh`] what [`token::cycle`](crate::token::cycle) says: one at a time for each connection, shared by
//!    everybody who waits, and with a deadline;
//! 3. for each connection, writes and deletions in KV happen one after the other, and a write takes what is stored when its
//!    turn comes: nothing is written for a record that is no longer [`Record::Live`].

mod closing;
mod ended;
mod event;
mod leaving;
mod live;
mod moving;
mod schedule;
mod step;
mod tombstone;

#[cfg(test)]
mod tests;

pub use event::{Event, Migration, Revocation};
pub use live::EMPTY_AT_FIRST_BELIEVED_AFTER;
pub use schedule::{next_alarm, next_alarm_by};
pub use step::{Effect, IndexChange, Next, RevokedBy, Step, TokenReply};

use crate::{
    connect::{ConnectionId, UserId, VehicleId},
    time::UnixMillis,
    token::cycle::Policy,
    vault::record::Record,
};

/// What of a record stands in the index, the look-ups and the list of those whose owner must act.
#[derive(PartialEq, Eq)]
struct Indexed {
    is_shown: bool,
    covered: Vec<VehicleId>,
    user_id: Option<UserId>,
    owner_must_act: bool,
    marked: Vec<VehicleId>,
}

impl Indexed {
    fn of(record: Option<&Record>) -> Self {
        let covered = record.and_then(Record::live).map_or(&[][..], |live| live.vehicles());
        Self {
            is_shown: record.is_some_and(Record::is_shown),
            covered: covered.iter().map(|vehicle| vehicle.id.clone()).collect(),
            user_id: record.and_then(Record::user_id).cloned(),
            owner_must_act: record.is_some_and(Record::owner_must_act),
            marked: covered
                .iter()
                .filter(|vehicle| vehicle.is_marked())
                .map(|vehicle| vehicle.id.clone())
                .collect(),
        }
    }
}

/// Decides what becomes of the connection `id`.
#[must_use]
pub fn step(id: &ConnectionId, record: Option<Record>, now: UnixMillis, event: Event, policy: &Policy) -> Step {
    let before = Indexed::of(record.as_ref());
    let clamped = record
        .as_ref()
        .and_then(|record| schedule::clamp_future_times(record, now));
    let record = clamped.clone().or(record);
    let mut step = match (record, event) {
        (Some(record), Event::Claimed { by, external_id }) => leaving::leave(id, record, by, external_id, now),
        (Some(record), event) => step_of(id, record, now, event, policy),
        (None, event) if event.asks_for_token() => Step::reply(TokenReply::Unknown),
        (None, _) => Step::keep(Vec::new()),
    };
    if let (Next::Keep, Some(clamped)) = (&step.next, clamped) {
        step.next = Next::Put(Box::new(clamped));
    }
    let after = match &step.next {
        Next::Keep => return step,
        Next::Put(record) => Indexed::of(Some(record)),
        Next::Remove => Indexed::of(None),
    };
    if after != before {
        step.index = IndexChange::Outdated;
    }
    step
}

fn step_of(id: &ConnectionId, record: Record, now: UnixMillis, event: Event, policy: &Policy) -> Step {
    match record {
        Record::Live(live) => live::step(id, live, now, event, policy),
        Record::Ended(ended) => ended::step(ended, now, event, policy),
        Record::Leaving(leaving) => leaving::step(id, leaving, now, event, policy),
        Record::Closing(closing) => closing::step(closing, now, &event),
        Record::Tombstone(tombstone) => tombstone::step(tombstone, now, &event),
    }
}
