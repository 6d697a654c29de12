//! What can happen, and what comes of it.

use smartcar_connect::{
    time::UnixMillis,
    token::{
        TokenError, TokenResult,
        cycle::{CALL_DEADLINE, Policy},
    },
    vault::{
        Claimed, Handover, HandoverOutcome, KvOutcome, Leaving, Live, Reception, Record,
        life::{Effect, Event, Next, Revocation, TokenReply, next_alarm, step},
        receive,
    },
};
use stateright::{Model, Property};

use super::{
    ClaimDriver, ClaimProtocol,
    properties::{self, COMES_BACK, DEAD_TOKEN, FOR_SOMEBODY_ELSE, HONOURED_GRANT_LOST, LOST, TWO_REFRESH},
    world::{Call, ClaimWorld, Message, Side, claimant, external_id},
};
use crate::{
    stored::Stored,
    world::{BEFORE_THE_START, Stage, connection, number_of, pair},
};

/// Something that happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ClaimAct {
    /// Time passes, to the next moment.
    Pass,
    /// A user claims what the session has connected.
    Claim,
    /// A caller wants a token of a vault.
    Ask(Side),
    /// The alarm of a vault rings.
    Wake(Side),
    /// A request reaches Smartcar.
    Arrive(usize),
    /// An answer of Smartcar's arrives.
    Answer(usize),
    /// A request or its answer is lost, and its sender hears of it.
    Lose(usize),
    /// The deadline of a call passes.
    TimeOut(usize),
    /// The connection arrives at the claimant's vault.
    Receive(usize),
    /// The connection arrives, and does once more later.
    ReceiveTwice(usize),
    /// The vault that was claimed hears what came of it.
    Hear(usize),
    /// The connection, or the answer, is lost; the sender hears nothing, and waits no longer.
    Miss(usize),
    /// A process dies with all that it has under way.
    Die(Side),
    /// The claimant disconnects the car.
    Disconnect,
    /// The claimant has everything deleted, and comes back.
    DeleteEverything,
}

/// More is not under way at once within the bounds; a check that the model stays below.
const MOST_UNDER_WAY: usize = 4;

impl Model for ClaimProtocol {
    type State = ClaimWorld;
    type Action = ClaimAct;

    fn init_states(&self) -> Vec<ClaimWorld> {
        vec![ClaimWorld::new(self.budget.clone())]
    }

    fn actions(&self, world: &ClaimWorld, acts: &mut Vec<ClaimAct>) {
        if !world.broken.is_empty() {
            return;
        }
        if !world.is_claimed {
            acts.push(ClaimAct::Claim);
        }
        for side in [Side::Claimed, Side::Claimant] {
            // A caller joins a request that is under way.
            if world.budget.asks > 0 && !world.is_calling(side) {
                acts.push(ClaimAct::Ask(side));
            }
            let due = world.record(side).and_then(|record| next_alarm(&connection(), record));
            if due.is_some_and(|at| at <= world.now) && !world.is_calling(side) {
                acts.push(ClaimAct::Wake(side));
            }
            if world.budget.deaths > 0 {
                acts.push(ClaimAct::Die(side));
            }
        }
        for (place, call) in world.calls.iter().enumerate() {
            acts.push(if call.stage == Stage::Sent {
                ClaimAct::Arrive(place)
            } else {
                ClaimAct::Answer(place)
            });
            if call.awaited && world.budget.faults > 0 {
                acts.extend([ClaimAct::Lose(place), ClaimAct::TimeOut(place)]);
            }
        }
        for (place, message) in world.messages.iter().enumerate() {
            if message.answer.is_none() {
                acts.push(ClaimAct::Receive(place));
                if world.budget.losses > 0 {
                    acts.push(ClaimAct::ReceiveTwice(place));
                }
            } else {
                acts.push(ClaimAct::Hear(place));
            }
            if world.budget.losses > 0 {
                acts.push(ClaimAct::Miss(place));
            }
        }
        if world.budget.disconnections > 0 && matches!(world.record(Side::Claimant), Some(Record::Live(_))) {
            acts.push(ClaimAct::Disconnect);
        }
        if world.budget.deletions > 0 && world.is_claimed {
            acts.push(ClaimAct::DeleteEverything);
        }
        if self.may_pass(world) {
            acts.push(ClaimAct::Pass);
        }
    }

    fn next_state(&self, world: &ClaimWorld, act: ClaimAct) -> Option<ClaimWorld> {
        let mut next = world.clone();
        self.apply(&mut next, act)?;
        look(&mut next);
        Some(next)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        properties::all()
    }

    fn within_boundary(&self, world: &ClaimWorld) -> bool {
        world.calls.len() <= MOST_UNDER_WAY && world.messages.len() <= MOST_UNDER_WAY
    }
}

impl ClaimProtocol {
    /// Time passes while a call is under way by less than its deadline, and not past what is due at once.
    fn may_pass(&self, world: &ClaimWorld) -> bool {
        let Some(span) = self.moments.get(usize::from(world.moment)) else {
            return false;
        };
        let then = start(world).after(*span);
        world
            .calls
            .iter()
            .filter(|call| call.awaited)
            .all(|call| then.since(call.sent_at) < CALL_DEADLINE)
            && world.messages.iter().all(|message| !message.awaited)
    }

    fn apply(&self, world: &mut ClaimWorld, act: ClaimAct) -> Option<()> {
        match act {
            ClaimAct::Pass => {
                let span = self.moments.get(usize::from(world.moment))?;
                world.now = start(world).after(*span);
                world.moment = world.moment.checked_add(1)?;
            }
            ClaimAct::Claim => {
                world.is_claimed = true;
                let during = world.is_calling(Side::Claimed);
                if during {
                    world.seen.insert("a claim while a request is under way");
                }
                let event = Event::Claimed {
                    by: claimant(world.deletions)?,
                    external_id: external_id("e1")?,
                };
                self.happen(world, Side::Claimed, event);
                if during && self.driver == ClaimDriver::SendsDuringRequest {
                    let content = world.from.clone()?;
                    send(world, content);
                }
            }
            ClaimAct::Ask(side) => {
                world.budget.asks = world.budget.asks.checked_sub(1)?;
                self.happen(world, side, Event::TokenRequested { rejected: None });
            }
            ClaimAct::Wake(side) => self.happen(world, side, Event::AlarmFired),
            ClaimAct::Arrive(place) => self.arrive(world, place)?,
            ClaimAct::Answer(place) => {
                let call = world.calls.remove(place);
                // Who does not wait for it any more does not hear it.
                if call.awaited {
                    let outcome = outcome_of(world, &call);
                    self.answered(world, &call, outcome);
                }
            }
            ClaimAct::Lose(place) => {
                world.budget.faults = world.budget.faults.checked_sub(1)?;
                let call = world.calls.remove(place);
                self.answered(world, &call, Err(TokenError::ConnectionLost));
            }
            ClaimAct::TimeOut(place) => {
                world.budget.faults = world.budget.faults.checked_sub(1)?;
                let call = world.calls.get_mut(place)?;
                call.awaited = false;
                let call = call.clone();
                self.answered(world, &call, Err(TokenError::TimedOut));
            }
            ClaimAct::Receive(place) => self.receive(world, place)?,
            ClaimAct::ReceiveTwice(place) => {
                world.budget.losses = world.budget.losses.checked_sub(1)?;
                let again = world.messages.get(place)?.clone();
                self.receive(world, place)?;
                world.messages.push(Message {
                    awaited: false,
                    ..again
                });
            }
            ClaimAct::Hear(place) => {
                let message = world.messages.remove(place);
                if message.awaited {
                    let outcome = message.answer?;
                    self.happen(world, Side::Claimed, Event::HandedOver { outcome });
                }
            }
            ClaimAct::Miss(place) => {
                world.budget.losses = world.budget.losses.checked_sub(1)?;
                let message = world.messages.remove(place);
                if message.awaited {
                    let outcome = if self.driver == ClaimDriver::TakesSilenceForTaken {
                        HandoverOutcome::Taken
                    } else {
                        HandoverOutcome::Unknown
                    };
                    self.happen(world, Side::Claimed, Event::HandedOver { outcome });
                }
            }
            ClaimAct::Die(side) => {
                world.budget.deaths = world.budget.deaths.checked_sub(1)?;
                for call in world.calls.iter_mut().filter(|call| call.side == side) {
                    call.awaited = false;
                }
                if side == Side::Claimed {
                    for message in &mut world.messages {
                        message.awaited = false;
                    }
                }
            }
            ClaimAct::Disconnect => {
                world.budget.disconnections = world.budget.disconnections.checked_sub(1)?;
                world.was_given_up = true;
                let revocation = Revocation::AtSmartcar;
                self.happen(
                    world,
                    Side::Claimant,
                    Event::DisconnectRequested {
                        revocation,
                        external_id: None,
                    },
                );
            }
            ClaimAct::DeleteEverything => {
                world.budget.deletions = world.budget.deletions.checked_sub(1)?;
                world.deletions = world.deletions.checked_add(1)?;
                world.was_given_up = true;
                if world.to.take().is_some() {
                    world.smartcar.disconnect();
                }
                for call in world.calls.iter_mut().filter(|call| call.side == Side::Claimant) {
                    call.awaited = false;
                }
            }
        }
        Some(())
    }

    fn arrive(&self, world: &mut ClaimWorld, place: usize) -> Option<()> {
        let now = world.now;
        let call = world.calls.get_mut(place)?;
        let issued = world
            .smartcar
            .present(call.token, call.sent_at, now, self.grace, self.reissue);
        call.stage = issued.map_or(Stage::Refused, Stage::Issued);
        Some(())
    }

    fn answered(&self, world: &mut ClaimWorld, call: &Call, outcome: TokenResult) {
        let generation = call.generation;
        self.happen(world, call.side, Event::RefreshCompleted { generation, outcome });
    }

    /// The connection arrives at the claimant's vault, which stores it if it decides to, and answers.
    fn receive(&self, world: &mut ClaimWorld, place: usize) -> Option<()> {
        let message = world.messages.get(place)?.clone();
        let Record::Leaving(Leaving { claimed, to, .. }) = message.content.record().clone() else {
            return None;
        };
        let is_for_somebody_else = Some(&to) != claimant(world.deletions).as_ref();
        let handover = Handover {
            connection_id: connection(),
            claimed,
            to,
        };
        let known = match self.driver {
            ClaimDriver::TakesAgain => None,
            _ => world.record(Side::Claimant),
        };
        let deletions = match self.driver {
            ClaimDriver::TakesForAnybody => 0,
            _ => world.deletions,
        };
        let profile = world.profile(deletions);
        let answer = match receive(profile.as_ref(), known, handover, world.now) {
            Reception::Take(record) => {
                if is_for_somebody_else {
                    world.breaks(FOR_SOMEBODY_ELSE);
                }
                if world.to.is_some() {
                    world.breaks(COMES_BACK);
                }
                if world.is_calling(Side::Claimed) {
                    world.breaks(TWO_REFRESH);
                }
                world.to = Some(Stored::new(*record));
                self.published(world);
                HandoverOutcome::Taken
            }
            Reception::Known => {
                world.seen.insert("a connection that arrives a second time");
                HandoverOutcome::Taken
            }
            Reception::Refuse => {
                world.seen.insert("a connection that is refused");
                HandoverOutcome::Refused
            }
        };
        world.messages.get_mut(place)?.answer = Some(answer);
        Some(())
    }

    /// KV is the other model's: here a copy is written as soon as it is wanted.
    fn published(&self, world: &mut ClaimWorld) {
        let generation = world.record(Side::Claimant).map_or(0, Record::generation);
        let outcome = KvOutcome::Done;
        self.happen(world, Side::Claimant, Event::KvPutCompleted { generation, outcome });
    }

    /// Lets `event` happen in a vault: stores what it comes to, then begins what is to be done.
    fn happen(&self, world: &mut ClaimWorld, side: Side, event: Event) {
        let policy = Policy { grace: self.grace };
        let asked = matches!(event, Event::TokenRequested { .. } | Event::AlarmFired);
        let record = match (self.driver, world.record(side)) {
            (ClaimDriver::GoesOnAsBefore, Some(Record::Leaving(leaving))) if asked => {
                Some(as_record(leaving.claimed.clone()))
            }
            (_, record) => record.cloned(),
        };
        let decided = step(&connection(), record, world.now, event, &policy);
        let next = match decided.next {
            Next::Keep => None,
            Next::Put(record) => Some(Some(Stored::new(*record))),
            Next::Remove => Some(None),
        };
        if let Some(next) = next {
            self.store(world, side, next);
        }
        for effect in decided.effects {
            match effect {
                Effect::Refresh {
                    generation,
                    refresh_token,
                } => call(world, side, generation, number_of(&refresh_token)),
                Effect::HandOver(_) => {
                    if let Some(content) = world.from.clone() {
                        send(world, content);
                    }
                }
                Effect::PutKv => {
                    let generation = world.record(side).map_or(0, Record::generation);
                    let outcome = KvOutcome::Done;
                    self.happen(world, side, Event::KvPutCompleted { generation, outcome });
                }
                Effect::DeleteKv => {
                    let outcome = KvOutcome::Done;
                    self.happen(world, side, Event::KvDeleteCompleted { outcome });
                }
                Effect::Revoke { .. } => {
                    world.smartcar.disconnect();
                    self.happen(world, side, Event::SmartcarNotified);
                }
                Effect::ListVehicles => {
                    let asked_by = world.record(side).and_then(Record::live).map(Live::asked_by);
                    if let Some(asked_by) = asked_by {
                        let vehicles = crate::world::vehicles();
                        self.happen(world, side, Event::VehiclesListed { asked_by, vehicles });
                    }
                }
                Effect::IdentifyUser | Effect::Reply(_) => {
                    if let Effect::Reply(TokenReply::Token { .. }) = effect
                        && side == Side::Claimant
                    {
                        world.seen.insert("a token for the claimant");
                    }
                }
            }
        }
    }

    fn store(&self, world: &mut ClaimWorld, side: Side, next: Option<Stored>) {
        let held = world
            .stored(side)
            .and_then(tokens_of)
            .map(|tokens| number_of(&tokens.pair.refresh_token));
        let has_ended = |record: &Record| match record {
            Record::Ended(_) => true,
            Record::Leaving(leaving) => matches!(leaving.claimed, Claimed::Ended(_)),
            _ => false,
        };
        let ends = next.as_ref().is_some_and(|next| has_ended(next.record()));
        if ends && held.is_some_and(|held| world.smartcar.honours(held, world.now, self.grace)) {
            world.breaks(HONOURED_GRANT_LOST);
        }
        match side {
            Side::Claimed => world.from = next,
            Side::Claimant => world.to = next,
        }
    }
}

/// What must hold between any two acts.
fn look(world: &mut ClaimWorld) {
    let kept_here = world.record(Side::Claimed).is_some_and(Record::is_claimable);
    // Whatever the claimant did with it since.
    let arrived = world.to.is_some() || world.was_given_up;
    if !kept_here && !arrived {
        world.breaks(LOST);
    }
}

/// The first moment.
fn start(world: &ClaimWorld) -> UnixMillis {
    world.smartcar.granted_at().after(BEFORE_THE_START)
}

/// The tokens that a vault keeps, on their way or not.
pub(super) fn tokens_of(stored: &Stored) -> Option<&smartcar_connect::token::cycle::OwnerTokens> {
    match stored.record() {
        Record::Leaving(Leaving {
            claimed: Claimed::Live(live),
            ..
        }) => live.owner_tokens(),
        record => record.live()?.owner_tokens(),
    }
}

fn as_record(claimed: Claimed) -> Record {
    match claimed {
        Claimed::Live(live) => Record::Live(*live),
        Claimed::Ended(ended) => Record::Ended(*ended),
    }
}

fn send(world: &mut ClaimWorld, content: Stored) {
    // Two of the same are no more than one that arrives twice.
    for message in &mut world.messages {
        message.awaited = false;
    }
    world.messages.push(Message {
        content,
        answer: None,
        awaited: true,
    });
}

/// A vault presents a refresh token.
fn call(world: &mut ClaimWorld, side: Side, generation: u64, token: u8) {
    let other = match side {
        Side::Claimed => Side::Claimant,
        Side::Claimant => Side::Claimed,
    };
    let may_have_it = match side {
        Side::Claimed => world.to.is_some() || world.messages.iter().any(|message| message.answer.is_none()),
        Side::Claimant => world.is_calling(other),
    };
    if may_have_it {
        world.breaks(TWO_REFRESH);
    }
    let newer = [Side::Claimed, Side::Claimant]
        .iter()
        .filter_map(|side| world.stored(*side).and_then(tokens_of))
        .any(|tokens| world.smartcar.is_child(number_of(&tokens.pair.refresh_token), token));
    if newer {
        world.breaks(DEAD_TOKEN);
    }
    world.calls.push(Call {
        side,
        generation,
        token,
        sent_at: world.now,
        stage: Stage::Sent,
        awaited: true,
    });
}

fn outcome_of(world: &ClaimWorld, call: &Call) -> TokenResult {
    match call.stage {
        Stage::Issued(number) => Ok(pair(number, world.now)),
        Stage::Refused => Err(TokenError::InvalidGrant),
        Stage::TurnedAway => Err(TokenError::RateLimited { retry_after: None }),
        Stage::Sent => Err(TokenError::ConnectionLost),
    }
}
