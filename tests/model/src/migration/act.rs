//! What can happen, and what comes of it.

use smartcar_connect::{
    api::{ListedConnection, VehicleAttributes, VehicleMode},
    connect::{ExternalId, UserId, VehicleId},
    http_api::Cause,
    time::UnixMillis,
    token::{
        TokenError, TokenResult,
        cycle::{CALL_DEADLINE, OwnerTokens, Policy},
    },
    vault::{
        Access, Ended, Evidence, KvCopy, KvOutcome, ListQuestion, Listing, Live, Moved, Record,
        life::{Effect, Event, Migration, Next, Revocation, TokenReply, next_alarm, step},
    },
};
use stateright::{Model, Property};

use super::{
    MigrationDriver, MigrationProtocol,
    properties::{
        self, AFTER_FINISH, BACK_IN_VAIN, BOTH, COMES_BACK, DURING_REQUEST, GOES_ON, LOST, REFRESHED, UNCONFIRMED,
    },
    world::{Call, Inquiry, MigrationWorld},
};
use crate::{
    stored::Stored,
    world::{BEFORE_THE_START, Stage, connection, number_of, pair},
};

/// Something that happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MigrationAct {
    /// Time passes, to the next moment.
    Pass,
    /// A caller wants a token.
    Ask,
    /// The alarm rings.
    Wake,
    /// A request reaches Smartcar.
    Arrive(usize),
    /// An answer of Smartcar's arrives.
    Answer(usize),
    /// A request or its answer is lost, and its sender hears of it.
    Lose(usize),
    /// The deadline of a call passes.
    TimeOut(usize),
    /// The process dies with all that it has under way.
    Die,
    /// The operator moves: Smartcar's list is asked.
    Inquire,
    /// Smartcar looks into its list.
    Look,
    /// The list arrives.
    Move,
    /// The list can't be had.
    FailList,
    /// The operator takes back.
    Reverse,
    /// The operator finishes.
    Finish,
    /// The owner disconnects.
    Disconnect,
    /// The owner takes the car back at Smartcar.
    Remove,
    /// v3 lists none of the owner's cars.
    ListNothing,
}

/// More is not under way at once within the bounds; a check that the model stays below.
const MOST_UNDER_WAY: usize = 4;

impl Model for MigrationProtocol {
    type State = MigrationWorld;
    type Action = MigrationAct;

    fn init_states(&self) -> Vec<MigrationWorld> {
        vec![MigrationWorld::new(self.budget.clone())]
    }

    fn actions(&self, world: &MigrationWorld, acts: &mut Vec<MigrationAct>) {
        if !world.broken.is_empty() {
            return;
        }
        let budget = &world.budget;
        // Whoever asks joins a request that is under way.
        if !world.is_calling() {
            if budget.asks > 0 {
                acts.push(MigrationAct::Ask);
            }
            let due = world.record().and_then(|record| next_alarm(&connection(), record));
            if due.is_some_and(|at| at <= world.now) {
                acts.push(MigrationAct::Wake);
            }
        }
        for (place, call) in world.calls.iter().enumerate() {
            acts.push(if call.stage == Stage::Sent {
                MigrationAct::Arrive(place)
            } else {
                MigrationAct::Answer(place)
            });
            if call.awaited && budget.faults > 0 {
                acts.extend([MigrationAct::Lose(place), MigrationAct::TimeOut(place)]);
            }
        }
        if budget.deaths > 0 {
            acts.push(MigrationAct::Die);
        }
        match &world.inquiry {
            None if budget.moves > 0 => acts.push(MigrationAct::Inquire),
            None => {}
            Some(inquiry) => {
                acts.push(match inquiry.has_cars {
                    None => MigrationAct::Look,
                    Some(_) => MigrationAct::Move,
                });
                if budget.faults > 0 {
                    acts.push(MigrationAct::FailList);
                }
            }
        }
        if budget.reverses > 0 {
            acts.push(MigrationAct::Reverse);
        }
        if budget.finishes > 0 {
            acts.push(MigrationAct::Finish);
        }
        if budget.disconnections > 0 && !world.is_disconnected {
            acts.push(MigrationAct::Disconnect);
            if !world.is_removed {
                acts.push(MigrationAct::Remove);
            }
        }
        if budget.empty_lists > 0 && world.moved().is_some() {
            acts.push(MigrationAct::ListNothing);
        }
        if self.may_pass(world) {
            acts.push(MigrationAct::Pass);
        }
    }

    fn next_state(&self, world: &MigrationWorld, act: MigrationAct) -> Option<MigrationWorld> {
        let mut next = world.clone();
        self.apply(&mut next, act)?;
        Some(next)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        properties::all()
    }

    fn within_boundary(&self, world: &MigrationWorld) -> bool {
        world.calls.len() <= MOST_UNDER_WAY
    }
}

impl MigrationProtocol {
    /// Time passes while a call is under way by less than its deadline, and not past what is due at once.
    fn may_pass(&self, world: &MigrationWorld) -> bool {
        let Some(span) = self.moments.get(usize::from(world.moment)) else {
            return false;
        };
        let then = start(world).after(*span);
        let mut awaited = world.calls.iter().filter(|call| call.awaited);
        awaited.all(|call| then.since(call.sent_at) < CALL_DEADLINE)
    }

    fn apply(&self, world: &mut MigrationWorld, act: MigrationAct) -> Option<()> {
        match act {
            MigrationAct::Pass => {
                let span = self.moments.get(usize::from(world.moment))?;
                world.now = start(world).after(*span);
                world.moment = world.moment.checked_add(1)?;
            }
            MigrationAct::Ask => {
                world.budget.asks = world.budget.asks.checked_sub(1)?;
                self.happen(world, Event::TokenRequested { rejected: None });
            }
            MigrationAct::Wake => self.happen(world, Event::AlarmFired),
            MigrationAct::Arrive(place) => {
                let (now, call) = (world.now, world.calls.get_mut(place)?);
                world.has_ghost |= !call.awaited;
                let presented = world
                    .smartcar
                    .present(call.token, call.sent_at, now, self.grace, self.reissue);
                call.stage = presented.map_or(Stage::Refused, Stage::Issued);
            }
            MigrationAct::Answer(place) => {
                let call = world.calls.remove(place);
                // Who does not wait for it any more does not hear it.
                if call.awaited {
                    let outcome = outcome_of(world, &call);
                    self.answered(world, &call, outcome);
                }
            }
            MigrationAct::Lose(place) => {
                world.budget.faults = world.budget.faults.checked_sub(1)?;
                let call = world.calls.remove(place);
                self.answered(world, &call, Err(TokenError::ConnectionLost));
            }
            MigrationAct::TimeOut(place) => {
                world.budget.faults = world.budget.faults.checked_sub(1)?;
                let call = world.calls.get_mut(place)?;
                call.awaited = false;
                let call = call.clone();
                self.answered(world, &call, Err(TokenError::TimedOut));
            }
            MigrationAct::Die => {
                world.budget.deaths = world.budget.deaths.checked_sub(1)?;
                world.inquiry = None;
                for call in &mut world.calls {
                    call.awaited = false;
                }
            }
            MigrationAct::Inquire => {
                world.budget.moves = world.budget.moves.checked_sub(1)?;
                world.inquiry = Some(Inquiry {
                    read: world.stored.clone(),
                    has_cars: None,
                });
            }
            MigrationAct::Look => {
                let is_removed = world.is_removed;
                world.inquiry.as_mut()?.has_cars = Some(!is_removed);
            }
            MigrationAct::Move => {
                let inquiry = world.inquiry.take()?;
                let has_cars = inquiry.has_cars?;
                self.moves(world, &inquiry, Some(listing(has_cars)?), has_cars);
            }
            MigrationAct::FailList => {
                world.budget.faults = world.budget.faults.checked_sub(1)?;
                let inquiry = world.inquiry.take()?;
                let listed = match self.driver {
                    MigrationDriver::TakesSilenceForYes => Some(listing(true)?),
                    _ => None,
                };
                self.moves(world, &inquiry, listed, false);
            }
            MigrationAct::Reverse => {
                world.budget.reverses = world.budget.reverses.checked_sub(1)?;
                self.reverse(world);
            }
            MigrationAct::Finish => {
                world.budget.finishes = world.budget.finishes.checked_sub(1)?;
                if world.was_moved() {
                    world.is_finished = true;
                    world.seen.insert("it is finished");
                }
                self.happen(world, Event::Migrate(Migration::Finish));
            }
            MigrationAct::Disconnect => {
                world.budget.disconnections = world.budget.disconnections.checked_sub(1)?;
                world.is_disconnected = true;
                let revocation = Revocation::AtSmartcar;
                self.happen(
                    world,
                    Event::DisconnectRequested {
                        revocation,
                        external_id: None,
                    },
                );
            }
            MigrationAct::Remove => {
                world.budget.disconnections = world.budget.disconnections.checked_sub(1)?;
                world.is_removed = true;
                world.smartcar.disconnect();
            }
            MigrationAct::ListNothing => {
                world.budget.empty_lists = world.budget.empty_lists.checked_sub(1)?;
                let asked_by = world.live()?.asked_by();
                let vehicles = Some(Vec::new());
                self.happen(world, Event::VehiclesListed { asked_by, vehicles });
                if let (MigrationDriver::ForgetsAtEnd, Some(Record::Ended(ended))) = (self.driver, world.record()) {
                    let ended = Ended {
                        kept: None,
                        ..ended.clone()
                    };
                    self.store(world, Some(Stored::new(Record::Ended(ended))));
                }
            }
        }
        Some(())
    }

    fn moves(&self, world: &mut MigrationWorld, inquiry: &Inquiry, listed: Option<Vec<Listing>>, has_cars: bool) {
        if world.is_calling() {
            world.seen.insert("a list answers while a refresh is under way");
        }
        if world.is_disconnected {
            world.seen.insert("a list answers after the owner has disconnected");
        }
        if listed.is_some() && !has_cars {
            world.seen.insert("a list has the cars no more");
        }
        let was_on_v3 = world.moved().is_some();
        let Ok(external_id) = ExternalId::parse("e1") else {
            return;
        };
        let evidence = Evidence {
            listed,
            external_id,
            v2_asked_since: None,
        };
        match self.driver {
            MigrationDriver::BelievesWhatItRead => {
                let now = world.stored.clone();
                world.stored.clone_from(&inquiry.read);
                self.happen(world, Event::Migrate(Migration::Move(evidence)));
                if world.moved().is_none() {
                    world.stored = now;
                }
                if world.is_disconnected && world.live().is_some() {
                    world.breaks(COMES_BACK);
                }
            }
            MigrationDriver::MovesDuringRequest => {
                let stored = world.stored.clone();
                world.stored = stored.as_ref().map(without_attempt);
                self.happen(world, Event::Migrate(Migration::Move(evidence)));
                if world.moved().is_none() {
                    world.stored = stored;
                }
            }
            _ => self.happen(world, Event::Migrate(Migration::Move(evidence))),
        }
        if world.moved().is_some() && !was_on_v3 && !has_cars {
            world.breaks(UNCONFIRMED);
        }
        if self.driver == MigrationDriver::ForgetsAtMove {
            self.happen(world, Event::Migrate(Migration::Finish));
        }
    }

    fn reverse(&self, world: &mut MigrationWorld) {
        let kept = world.kept().cloned();
        match (self.driver, kept, world.live().cloned()) {
            (MigrationDriver::GoesBackAtOnce, Some(kept), Some(live)) => {
                let live = Live {
                    access: Access::Owner(kept),
                    ..live
                };
                self.store(world, Some(Stored::new(Record::Live(live))));
            }
            _ => self.happen(world, Event::Migrate(Migration::Reverse)),
        }
    }

    fn answered(&self, world: &mut MigrationWorld, call: &Call, outcome: TokenResult) {
        let generation = call.generation;
        let is_refused = matches!(outcome, Err(TokenError::InvalidGrant));
        if is_refused && world.kept().is_some() {
            world.was_refused = true;
            world.seen.insert("its tokens are refused on the way back");
            if let (MigrationDriver::EndsWhenRefused, Some(live)) = (self.driver, world.live().cloned()) {
                self.store(world, Some(Stored::new(Record::Ended(ended(&live, world.now)))));
                return;
            }
        }
        self.happen(world, Event::RefreshCompleted { generation, outcome });
    }

    /// Lets `event` happen: stores what it comes to, then begins what is to be done.
    fn happen(&self, world: &mut MigrationWorld, event: Event) {
        let policy = Policy { grace: self.grace };
        let asked = matches!(event, Event::TokenRequested { .. } | Event::AlarmFired);
        let was_on_v3 = world.was_moved();
        let goes_back = matches!(event, Event::Migrate(Migration::Reverse))
            || world.kept().is_some_and(|kept| kept.attempt.is_some());
        let record = match (self.driver, world.kept(), world.live()) {
            (MigrationDriver::RefreshesAsBefore, Some(kept), Some(live)) if asked => Some(Record::Live(Live {
                access: Access::Owner(kept.clone()),
                ..live.clone()
            })),
            _ => world.record().cloned(),
        };
        let decided = step(&connection(), record, world.now, event, &policy);
        let next = match decided.next {
            Next::Keep => None,
            Next::Put(record) => Some(Some(Stored::new(*record))),
            Next::Remove => Some(None),
        };
        if let Some(next) = next {
            self.store(world, next);
        }
        for effect in decided.effects {
            match effect {
                Effect::Refresh {
                    generation,
                    refresh_token,
                } => {
                    if was_on_v3 && !goes_back {
                        world.breaks(REFRESHED);
                    }
                    world.calls.push(Call {
                        generation,
                        token: number_of(&refresh_token),
                        sent_at: world.now,
                        stage: Stage::Sent,
                        awaited: true,
                    });
                }
                Effect::PutKv => {
                    let generation = world.record().map_or(0, Record::generation);
                    let outcome = KvOutcome::Done;
                    self.happen(world, Event::KvPutCompleted { generation, outcome });
                }
                Effect::DeleteKv => {
                    let outcome = KvOutcome::Done;
                    self.happen(world, Event::KvDeleteCompleted { outcome });
                }
                Effect::Revoke { .. } => {
                    world.smartcar.disconnect();
                    self.happen(world, Event::SmartcarNotified);
                }
                Effect::ListVehicles => {
                    if let Some(asked_by) = world.live().map(Live::asked_by) {
                        let vehicles = crate::world::vehicles();
                        self.happen(world, Event::VehiclesListed { asked_by, vehicles });
                    }
                }
                Effect::Reply(reply) => replied(world, &reply),
                Effect::IdentifyUser | Effect::HandOver(_) => {}
            }
        }
    }

    fn store(&self, world: &mut MigrationWorld, next: Option<Stored>) {
        let before = world.stored.take();
        let live = |stored: &Option<Stored>| stored.as_ref().and_then(|stored| stored.record().live()).cloned();
        let (was, is) = (live(&before), live(&next));
        let ended = |stored: &Option<Stored>| match stored.as_ref().map(Stored::record) {
            Some(Record::Ended(ended)) => Some(ended.clone()),
            _ => None,
        };
        let (was_ended, is_ended) = (ended(&before), ended(&next));
        if let (Some(ended), Some(was)) = (is_ended, &was) {
            let held = was.owner_tokens().map(|tokens| number_of(&tokens.pair.refresh_token));
            let is_honoured = held.is_some_and(|held| world.smartcar.honours(held, world.now, self.grace));
            let kept = was.moved().and_then(|moved| moved.kept.as_ref());
            if is_honoured || (kept.is_some() && ended.kept.is_none()) {
                world.breaks(LOST);
            }
        }
        if is.is_some() && world.is_disconnected && was.is_none() {
            world.breaks(COMES_BACK);
        }
        if let (Some(was), Some(is)) = (was_ended, &is) {
            match is.moved() {
                None => {
                    world.seen.insert("what has ended on v3 goes back");
                    went_back(world, is, was.kept.as_deref(), self.grace);
                }
                Some(_) => {
                    let is_of_v3 = was.cause == Cause::NoVehicles;
                    world.seen.insert(if is_of_v3 {
                        "what has ended on v3 is moved again"
                    } else {
                        GOES_ON
                    });
                }
            }
        }
        if let (Some(was), Some(is)) = (was, is) {
            match (was.moved(), is.moved()) {
                (None, Some(moved)) => {
                    if world.is_calling() {
                        world.breaks(DURING_REQUEST);
                    }
                    let first = moved.generation == 2 || moved.generation == 3;
                    world
                        .seen
                        .insert(if first { "it is moved" } else { "it is moved again" });
                    if moved.kept.as_ref().is_some_and(|kept| kept.attempt.is_some()) {
                        world.seen.insert("it is moved after its tokens may have been used up");
                    }
                }
                (Some(Moved { kept, .. }), None) => went_back(world, &is, kept.as_deref(), self.grace),
                _ => {}
            }
        }
        world.stored = next;
    }
}

/// A connection has gone back to v2.
fn went_back(world: &mut MigrationWorld, is: &Live, kept: Option<&OwnerTokens>, grace: smartcar_connect::time::Millis) {
    let number = |tokens: &OwnerTokens| number_of(&tokens.pair.refresh_token);
    let Some(tokens) = is.owner_tokens() else { return };
    let has_new = kept.map(number) != Some(number(tokens));
    world.seen.insert(if has_new {
        "it goes back with new tokens"
    } else {
        "it goes back at once"
    });
    // An answer that was awaited when another request was not may be that of the older one.
    let is_good = world.smartcar.honours(number(tokens), world.now, grace);
    if !is_good && !world.is_removed && !world.has_ghost {
        world.breaks(BACK_IN_VAIN);
    }
    if world.is_finished {
        world.breaks(AFTER_FINISH);
    }
}

/// Somebody is given a token, or told to use the application's.
fn replied(world: &mut MigrationWorld, reply: &TokenReply) {
    let on_v3 = world.moved().is_some();
    let is_wrong = match reply {
        TokenReply::Token { .. } => on_v3,
        TokenReply::ApplicationToken { .. } => !on_v3,
        _ => false,
    };
    if is_wrong {
        world.breaks(BOTH);
    }
}

/// What Smartcar's list has of the owner's cars.
fn listing(has_cars: bool) -> Option<Vec<Listing>> {
    let user_id = UserId::parse("u1").ok()?;
    let of = |vehicle_id: VehicleId| ListedConnection {
        id: vehicle_id.clone(),
        user_id: user_id.clone(),
        external_id: Some("e1".to_owned()),
        vehicle_id,
        attributes: VehicleAttributes::default(),
        permissions: Vec::new(),
    };
    let cars = crate::world::vehicles()?.into_iter().filter(|_| has_cars);
    Some(vec![Listing {
        question: ListQuestion {
            mode: VehicleMode::Live,
            user_id: Some(user_id.clone()),
            vehicle_id: None,
        },
        connections: cars.map(of).collect(),
    }])
}

/// As if nothing had been presented.
fn without_attempt(stored: &Stored) -> Stored {
    match stored.record() {
        Record::Live(
            live @ Live {
                access: Access::Owner(tokens),
                ..
            },
        ) => Stored::new(Record::Live(Live {
            access: Access::Owner(OwnerTokens {
                attempt: None,
                ..tokens.clone()
            }),
            ..live.clone()
        })),
        _ => stored.clone(),
    }
}

fn ended(live: &Live, now: UnixMillis) -> Ended {
    Ended {
        cause: Cause::InvalidGrant,
        since: now,
        generation: live.generation(),
        user_id: None,
        vehicles: live.vehicles().to_vec(),
        connected_at: live.connected_at,
        refresh_expires_at: None,
        external_id: None,
        kept: None,
        kv: KvCopy::dirty(now),
    }
}

/// The first moment.
fn start(world: &MigrationWorld) -> UnixMillis {
    world.smartcar.granted_at().after(BEFORE_THE_START)
}

fn outcome_of(world: &MigrationWorld, call: &Call) -> TokenResult {
    match call.stage {
        Stage::Issued(number) => Ok(pair(number, world.now)),
        Stage::Refused => Err(TokenError::InvalidGrant),
        Stage::TurnedAway => Err(TokenError::RateLimited { retry_after: None }),
        Stage::Sent => Err(TokenError::ConnectionLost),
    }
}
