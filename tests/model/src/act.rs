//! What can happen, and what comes of it.

use std::collections::BTreeSet;

use smartcar_connect::{
    time::Millis,
    token::{TokenError, cycle::CALL_DEADLINE},
    vault::{
        Complaint, KvOutcome, MarkCause, Record, Report,
        life::{Event, Revocation, next_alarm},
    },
};
use stateright::{Model, Property};

use crate::{
    Driver, Protocol,
    properties::{self, NO_DEAD_TOKEN_PRESENTED, NO_REPORT_COSTS_A_TOKEN},
    stored::Stored,
    world::{Call, Closing, KvOperation, Stage, World, connection, vehicles},
};

/// A write in KV of a process that is gone arrives no later than this.
const KV_WRITE_ARRIVES_WITHIN: Millis = Millis::from_mins(2);

/// A request, or an answer, that is under way for longer never arrives.
const REQUEST_ARRIVES_WITHIN: Millis = Millis::from_mins(15);

/// More calls are not under way at once within the bounds; a check that the model stays below.
const MOST_CALLS: usize = 4;

/// Something that happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Act {
    /// Time passes, to the next moment.
    Pass,
    /// A caller finds no fresh token in KV, whatever is there, and asks the vault.
    Ask,
    /// A caller asks a process that was replaced and goes on.
    AskFormer,
    /// A caller comes back with the access token of this generation, from KV or the vault, that Smartcar refused.
    AskRejected(u64),
    /// A caller finds this generation in KV, and its token is fresh.
    Read(u64),
    /// The owner disconnects.
    Disconnect,
    /// It is reported that the owner of a vehicle is wanted, or not any more.
    Report(bool),
    /// The alarm rings.
    Wake,
    /// The disconnection goes on: Smartcar is told, or that it was told is stored.
    Close,
    /// A driver that does not store first stores.
    Store,
    /// A request reaches Smartcar.
    Arrive(usize),
    /// A request is lost on the way, and the sender hears of it.
    LoseRequest(usize),
    /// Smartcar turns a request away.
    TurnAway(usize),
    /// An answer arrives.
    Answer(usize),
    /// An answer is lost, and the sender hears of it.
    LoseAnswer(usize),
    /// The deadline of a call passes. Whatever becomes of it is late.
    TimeOut(usize),
    /// The next write in KV begins.
    BeginKv(usize),
    /// A write in KV ends: whether it took effect, and what the writer hears.
    EndKv {
        /// Which.
        place: usize,
        /// Whether it took effect.
        done: bool,
        /// Whether the writer is told that it did.
        told: bool,
    },
    /// A write of a process that is gone arrives, or never does.
    EndOrphan {
        /// Which.
        place: usize,
        /// Whether it arrives.
        arrives: bool,
    },
    /// The process dies or is replaced. What it sent may arrive at any later time, or never.
    Die,
}

impl Model for Protocol {
    type State = World;
    type Action = Act;

    fn init_states(&self) -> Vec<World> {
        vec![World::new(self.budget.clone(), self.after_outage)]
    }

    fn actions(&self, world: &World, acts: &mut Vec<Act>) {
        if !world.broken.is_empty() {
            return;
        }
        self.callers(world, acts);
        network(world, acts);
        self.kv(world, acts);
        if world.closing.is_some() {
            acts.push(Act::Close);
        }
        if !world.unstored.is_empty() {
            acts.push(Act::Store);
        }
        if world.budget.deaths > 0 {
            acts.push(Act::Die);
        }
        if self.may_pass(world) {
            acts.push(Act::Pass);
        }
    }

    fn next_state(&self, world: &World, act: Act) -> Option<World> {
        let mut next = world.clone();
        self.apply(&mut next, act)?;
        Some(next)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        properties::all()
    }

    fn within_boundary(&self, world: &World) -> bool {
        world.calls.len() <= MOST_CALLS
    }
}

fn network(world: &World, acts: &mut Vec<Act>) {
    for (place, call) in world.calls.iter().enumerate() {
        let sent = call.stage == Stage::Sent;
        if sent {
            acts.push(Act::Arrive(place));
            if call.awaited && world.budget.faults > 0 {
                acts.extend([Act::LoseRequest(place), Act::TurnAway(place)]);
            }
        } else {
            acts.push(Act::Answer(place));
            if call.awaited && world.budget.faults > 0 {
                acts.push(Act::LoseAnswer(place));
            }
        }
        if call.awaited && world.budget.faults > 0 {
            acts.push(Act::TimeOut(place));
        }
    }
}

impl Protocol {
    /// Whatever is reported, the tokens stay, and what is noted of their use.
    fn report(&self, world: &mut World, wanted: bool) -> Option<()> {
        let (cause, at) = (MarkCause::LogInFailed, world.now);
        let report = if wanted {
            let complaint = Complaint::reported(cause);
            Report::Wanted { complaint, at }
        } else {
            Report::Mended { cause, at }
        };
        let tokens = |world: &World| {
            let tokens = world.stored.as_ref().and_then(Stored::live);
            serde_json::to_string(&tokens).unwrap_or_default()
        };
        let before = tokens(world);
        let vehicle_id = vehicles()?.into_iter().next()?;
        self.happen(world, Event::Reported { vehicle_id, report }, None, None);
        if tokens(world) != before {
            world.breaks(NO_REPORT_COSTS_A_TOKEN);
        }
        Some(())
    }

    fn callers(&self, world: &World, acts: &mut Vec<Act>) {
        if world.budget.asks > 0 {
            acts.push(Act::Ask);
            if world.former.is_some() {
                acts.push(Act::AskFormer);
            }
            let fresh = |ends| smartcar_connect::token::is_fresh(ends, world.now);
            acts.extend(
                world
                    .kv_seen
                    .iter()
                    .filter(|(_, ends)| fresh(*ends))
                    .map(|(generation, _)| Act::Read(*generation)),
            );
            if world.budget.rejections > 0 && world.flights.is_empty() {
                let seen = world.kv_seen.iter().map(|(generation, _)| *generation);
                let generations: BTreeSet<u64> = seen.chain(world.record().map(Record::generation)).collect();
                acts.extend(generations.into_iter().map(Act::AskRejected));
            }
        }
        if world.budget.disconnections > 0 {
            acts.push(Act::Disconnect);
        }
        if world.budget.reports > 0 {
            acts.extend([true, false].map(Act::Report));
        }
        let due = world.record().and_then(|record| next_alarm(&connection(), record));
        if due.is_some_and(|at| at <= world.now) && world.flights.is_empty() && world.closing.is_none() {
            acts.push(Act::Wake);
        }
    }

    fn kv(&self, world: &World, acts: &mut Vec<Act>) {
        let one_at_a_time = self.driver != Driver::WritesKvOutOfTurn;
        if one_at_a_time {
            if world.kv_under_way.is_empty() && !world.kv_waiting.is_empty() {
                acts.push(Act::BeginKv(0));
            }
        } else {
            acts.extend((0..world.kv_waiting.len()).map(Act::BeginKv));
        }
        for place in 0..world.kv_under_way.len() {
            let end = |done, told| Act::EndKv { place, done, told };
            acts.push(end(true, true));
            if world.budget.kv_faults > 0 {
                acts.extend([end(false, false), end(true, false)]);
            }
            let deletes = is_deletion(world, place);
            let may_be_lost = if deletes {
                world.budget.lost_deletions
            } else {
                world.budget.kv_faults
            };
            if may_be_lost > 0 {
                acts.push(end(false, true));
            }
        }
        for place in 0..world.kv_orphans.len() {
            acts.extend([true, false].map(|arrives| Act::EndOrphan { place, arrives }));
        }
    }

    /// A process does not sleep over what it has to do: it would have died, or timed out. A call is no longer under way than
    /// its deadline.
    fn may_pass(&self, world: &World) -> bool {
        let next = self.moments.get(usize::from(world.moment));
        let idle = world.closing.is_none()
            && world.unstored.is_empty()
            && world.kv_under_way.is_empty()
            && world.kv_waiting.is_empty();
        next.is_some_and(|next| {
            let then = world.start().after(*next);
            let in_time = |call: &Call| !call.awaited || then.since(call.sent_at) < CALL_DEADLINE;
            let arrives = |write: &KvOperation| then.since(write.since) < KV_WRITE_ARRIVES_WITHIN;
            idle && world.calls.iter().all(in_time) && world.kv_orphans.iter().all(arrives)
        })
    }

    fn apply(&self, world: &mut World, act: Act) -> Option<()> {
        match act {
            Act::Pass => {
                let next = self.moments.get(usize::from(world.moment))?;
                world.now = world.start().after(*next);
                world.moment = world.moment.checked_add(1)?;
                let now = world.now;
                world
                    .calls
                    .retain(|call| now.since(call.sent_at) <= REQUEST_ARRIVES_WITHIN);
            }
            Act::Ask => {
                world.budget.asks = world.budget.asks.checked_sub(1)?;
                self.ask(world, None);
            }
            Act::AskRejected(generation) => {
                world.budget.asks = world.budget.asks.checked_sub(1)?;
                world.budget.rejections = world.budget.rejections.checked_sub(1)?;
                self.ask(world, Some(generation));
            }
            Act::AskFormer => {
                world.budget.asks = world.budget.asks.checked_sub(1)?;
                self.ask_former(world)?;
            }
            Act::Read(_) => {
                world.budget.asks = world.budget.asks.checked_sub(1)?;
                world.answered.insert("read");
            }
            Act::Disconnect => {
                world.budget.disconnections = world.budget.disconnections.checked_sub(1)?;
                let revocation = Revocation::AtSmartcar;
                self.happen(
                    world,
                    Event::DisconnectRequested {
                        revocation,
                        external_id: None,
                    },
                    None,
                    None,
                );
                world.disconnected = true;
            }
            Act::Report(wanted) => {
                world.budget.reports = world.budget.reports.checked_sub(1)?;
                self.report(world, wanted)?;
            }
            Act::Wake => self.take_off(world, Event::AlarmFired, 0),
            Act::Close => match world.closing.take()? {
                Closing::Tell => {
                    world.smartcar.disconnect();
                    world.closing = Some(Closing::Told);
                }
                Closing::Told => self.happen(world, Event::SmartcarNotified, None, None),
            },
            Act::Store => {
                let next = world.unstored.pop_front()?;
                self.store(world, next);
            }
            Act::Arrive(place) => self.arrive(world, place)?,
            Act::LoseRequest(place) => {
                world.budget.faults = world.budget.faults.checked_sub(1)?;
                self.answered(world, place);
            }
            Act::TurnAway(place) => {
                world.budget.faults = world.budget.faults.checked_sub(1)?;
                world.calls.get_mut(place)?.stage = Stage::TurnedAway;
            }
            Act::Answer(place) => self.answer_arrives(world, place)?,
            Act::LoseAnswer(place) => {
                world.budget.faults = world.budget.faults.checked_sub(1)?;
                let call = world.calls.get_mut(place)?;
                call.stage = Stage::Sent;
                self.answered(world, place);
            }
            Act::TimeOut(place) => {
                world.budget.faults = world.budget.faults.checked_sub(1)?;
                let call = world.calls.get_mut(place)?;
                call.awaited = false;
                if self.driver == Driver::TellsNobodyOfDeadlines {
                    return Some(());
                }
                let (number, generation, judged_by) = (call.number, call.generation, call.judged_by.clone());
                let outcome = Err(TokenError::TimedOut);
                self.call_ended(world, number, generation, outcome, judged_by.as_ref());
            }
            Act::BeginKv(place) => {
                let settled = world.kv_waiting.remove(place);
                let stored = world.stored.as_ref();
                let value = settled.unwrap_or_else(|| stored.and_then(Stored::live).map(|grant| grant.generation));
                if stored.is_some() || settled.is_some() {
                    let since = world.now;
                    world.kv_under_way.push(KvOperation { value, since });
                }
            }
            Act::EndKv { place, done, told } => {
                if !done && told && is_deletion(world, place) {
                    world.budget.lost_deletions = world.budget.lost_deletions.checked_sub(1)?;
                } else if !(done && told) {
                    world.budget.kv_faults = world.budget.kv_faults.checked_sub(1)?;
                }
                self.end_kv(world, place, done, told);
            }
            Act::EndOrphan { place, arrives } => {
                let write = world.kv_orphans.remove(place);
                if arrives {
                    take_effect(world, write.value);
                }
            }
            Act::Die => self.die(world)?,
        }
        Some(())
    }

    fn ask(&self, world: &mut World, rejected: Option<u64>) {
        world.unanswered = world.unanswered.saturating_add(1);
        match world.flights.first_mut() {
            Some(flight) if self.driver != Driver::SharesNoFlight => {
                flight.waiting = flight.waiting.saturating_add(1);
            }
            _ => self.take_off(world, Event::TokenRequested { rejected }, 1),
        }
    }

    fn arrive(&self, world: &mut World, place: usize) -> Option<()> {
        let call = world.calls.get(place)?;
        let (token, gone, late) = (call.token, call.process != world.process, !call.awaited);
        let sent_at = call.sent_at;
        if call.outdated && world.smartcar.is_past_grace(token, world.now, self.grace) {
            world.breaks(NO_DEAD_TOKEN_PRESENTED);
        }
        let issued = world
            .smartcar
            .present(token, sent_at, world.now, self.grace, self.reissue);
        // Nobody hears the answer to a process that is gone, nor a refusal that comes late.
        let unheard = gone || (late && issued.is_none() && self.driver != Driver::HearsLateRefusals);
        if unheard {
            world.calls.remove(place);
        } else {
            world.calls.get_mut(place)?.stage = issued.map_or(Stage::Refused, Stage::Issued);
        }
        Some(())
    }

    fn answer_arrives(&self, world: &mut World, place: usize) -> Option<()> {
        let call = world.calls.get(place)?;
        let brings_tokens = matches!(call.stage, Stage::Issued(_));
        if call.awaited || brings_tokens || self.driver == Driver::HearsLateRefusals {
            self.answered(world, place);
        } else {
            world.calls.remove(place);
        }
        Some(())
    }

    fn end_kv(&self, world: &mut World, place: usize, done: bool, told: bool) {
        let write = world.kv_under_way.remove(place);
        if done {
            take_effect(world, write.value);
        }
        let outcome = if told { KvOutcome::Done } else { KvOutcome::Failed };
        let event = match write.value {
            Some(generation) => Event::KvPutCompleted { generation, outcome },
            None => Event::KvDeleteCompleted { outcome },
        };
        self.happen(world, event, None, None);
    }

    /// What was stored stays; what was under way goes on without anybody to hear of it, or is gone.
    fn die(&self, world: &mut World) -> Option<()> {
        world.budget.deaths = world.budget.deaths.checked_sub(1)?;
        world.process = world.process.checked_add(1)?;
        if self.driver == Driver::ActsOnWhatItCouldNotStore {
            world.former.clone_from(&world.stored);
        }
        world.flights.clear();
        // Who asked a process that died asks again.
        world.unanswered = 0;
        world.unstored.clear();
        world.closing = None;
        world.kv_waiting.clear();
        let orphans = std::mem::take(&mut world.kv_under_way);
        world.kv_orphans.extend(orphans);
        world.calls.retain(|call| call.stage == Stage::Sent);
        for call in &mut world.calls {
            call.awaited = false;
        }
        Some(())
    }
}

/// Whether the write at this place deletes.
fn is_deletion(world: &World, place: usize) -> bool {
    world.kv_under_way.get(place).is_some_and(|write| write.value.is_none())
}

/// Readers may see the value from now on, and any earlier one.
fn take_effect(world: &mut World, value: Option<u64>) {
    world.kv = value;
    if let (Some(generation), Some(grant)) = (value, world.stored.as_ref().and_then(Stored::live))
        && grant.generation == generation
    {
        world.kv_seen.insert((generation, grant.pair.access_expires_at));
    }
}
