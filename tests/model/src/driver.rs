//! How decisions are carried out: as the Worker does, or wrongly in one way.

use smartcar_connect::{
    token::{TokenError, TokenResult, cycle::Policy, is_fresh},
    vault::{
        KvOutcome, Live, Record,
        life::{Effect, Event, Next, Step, TokenReply, step},
    },
};

use crate::{
    Protocol,
    properties::{
        HONOURED_GRANT_LOST, NEVER_BACK_FROM_DISCONNECTION, NO_GOOD_PAIR_OVERWRITTEN, NO_NEEDLESS_REFRESH,
        NO_PAIR_THROWN_AWAY, NO_TOKEN_AFTER_DISCONNECTION,
    },
    stored::Stored,
    world::{Call, Closing, Flight, Stage, World, connection, number_of, pair, vehicles},
};

/// How decisions are carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Driver {
    /// As the rules say.
    Faithful,
    /// The refresh token is presented before the attempt is stored.
    CallsBeforeIntent,
    /// An answer counts as one to what is stored, whichever generation was presented.
    IgnoresGenerations,
    /// Everybody who wants a token starts a call.
    SharesNoFlight,
    /// An answer is judged by what was stored when the call was sent.
    JudgesByOldRecord,
    /// A refusal counts although it came after the deadline.
    HearsLateRefusals,
    /// Writes in KV are begun at once, with what was stored when they were decided on.
    WritesKvOutOfTurn,
    /// A process that was replaced goes on by what it knows: what it stores is refused, but not what it does then.
    ActsOnWhatItCouldNotStore,
    /// A request that was turned away counts as a token that was refused.
    TakesTurningAwayForRefusal,
    /// The deadline of a call passes, and whoever waits for the call goes on waiting.
    TellsNobodyOfDeadlines,
    /// An answer is for one of those who wait for it.
    AnswersOnlyOne,
    /// Whichever access token was refused, it counts as the one that is stored.
    IgnoresWhichWasRefused,
    /// A deletion in KV that the alarm asks for counts as done: it was done before.
    DeletesOnce,
}

impl Protocol {
    /// Lets `event` happen to the flight at this place, or to none: stores what it comes to, then begins what is to be done.
    ///
    /// A process that dies right after that is one whose requests never arrive.
    pub(crate) fn happen(&self, world: &mut World, event: Event, judged_by: Option<&Stored>, flight: Option<usize>) {
        let policy = Policy { grace: self.grace };
        let woken = matches!(event, Event::AlarmFired);
        let good_token_stored = match &event {
            Event::TokenRequested { rejected } => world.stored.as_ref().and_then(Stored::live).is_some_and(|grant| {
                *rejected != Some(grant.generation) && is_fresh(grant.pair.access_expires_at, world.now)
            }),
            _ => false,
        };
        let event = self.maybe_forged(world, event);
        let before = judged_by
            .or(world.stored.as_ref())
            .map(|stored| stored.record().clone());
        let Step { next, effects, .. } = step(&connection(), before, world.now, event, &policy);
        let next = match next {
            Next::Keep => None,
            Next::Put(record) => Some(Some(Stored::new(*record))),
            Next::Remove => Some(None),
        };
        let calls = effects.iter().any(|effect| matches!(effect, Effect::Refresh { .. }));
        if calls && good_token_stored {
            world.breaks(NO_NEEDLESS_REFRESH);
        }
        match next {
            Some(next) if calls && self.driver == Driver::CallsBeforeIntent => world.unstored.push_back(next),
            Some(next) => self.store(world, next),
            None => {}
        }
        for effect in effects {
            match effect {
                Effect::Refresh {
                    generation,
                    refresh_token,
                } => self.call(world, flight, generation, number_of(&refresh_token)),
                Effect::Revoke { .. } => world.closing = Some(Closing::Tell),
                Effect::DeleteKv if woken && self.driver == Driver::DeletesOnce => {
                    let outcome = KvOutcome::Done;
                    self.happen(world, Event::KvDeleteCompleted { outcome }, None, None);
                }
                Effect::PutKv | Effect::DeleteKv => self.owe_kv(world),
                Effect::Reply(answer) => self.answer_all(world, flight, &answer),
                // Smartcar says at once that nothing has changed: what else can come of it concerns no token.
                Effect::ListVehicles => {
                    let asked_by = world.record().and_then(Record::live).map(Live::asked_by);
                    if let Some(asked_by) = asked_by {
                        let vehicles = vehicles();
                        self.happen(world, Event::VehiclesListed { asked_by, vehicles }, None, None);
                    }
                }
                // Nobody claims anything here.
                Effect::IdentifyUser | Effect::HandOver(_) => {}
            }
        }
    }

    fn call(&self, world: &mut World, flight: Option<usize>, generation: u64, token: u8) {
        let number = world.calls_made;
        world.calls_made = number.wrapping_add(1);
        let judges_by_old_record = self.driver == Driver::JudgesByOldRecord;
        world.calls.push(Call {
            number,
            generation,
            token,
            sent_at: world.now,
            stage: Stage::Sent,
            process: world.process,
            awaited: true,
            outdated: world
                .pairs_stored
                .iter()
                .any(|pair| world.smartcar.is_child(*pair, token)),
            judged_by: judges_by_old_record.then(|| world.stored.clone()).flatten(),
        });
        if let Some(flight) = flight.and_then(|place| world.flights.get_mut(place)) {
            flight.call = Some(number);
        }
    }

    /// Makes a record durable, and checks what its change means.
    pub(crate) fn store(&self, world: &mut World, next: Option<Stored>) {
        let before_stored = std::mem::replace(&mut world.stored, next);
        if let Some(grant) = world.stored.as_ref().and_then(Stored::live) {
            world.pairs_stored.insert(number_of(&grant.pair.refresh_token));
        }
        let now = world.now;
        let honoured = |world: &World, token: u8| world.smartcar.honours(token, now, self.grace);
        let before = before_stored.as_ref().map(Stored::record);
        let after_stored = world.stored.clone();
        let after = after_stored.as_ref().map(Stored::record);
        let after_tokens = after_stored.as_ref().and_then(Stored::live);
        if matches!(after, Some(Record::Live(_))) && (world.disconnected || !matches!(before, Some(Record::Live(_)))) {
            world.breaks(NEVER_BACK_FROM_DISCONNECTION);
        }
        let Some(before) = before_stored.as_ref().and_then(Stored::live) else {
            return;
        };
        let held = number_of(&before.pair.refresh_token);
        match (after, after_tokens) {
            (Some(Record::Ended(_)), _) if honoured(world, held) => world.breaks(HONOURED_GRANT_LOST),
            (_, Some(after)) => {
                let new = number_of(&after.pair.refresh_token);
                let was_good = honoured(world, held) && !world.smartcar.is_used(held);
                if new != held && was_good && !honoured(world, new) {
                    world.breaks(NO_GOOD_PAIR_OVERWRITTEN);
                }
            }
            _ => {}
        }
    }

    /// The answer to the call at `place` arrives, in time or late.
    pub(crate) fn answered(&self, world: &mut World, place: usize) {
        let call = world.calls.remove(place);
        let outcome = match call.stage {
            Stage::Issued(number) => Ok(pair(number, world.now)),
            Stage::Refused => Err(TokenError::InvalidGrant),
            Stage::TurnedAway if self.driver == Driver::TakesTurningAwayForRefusal => Err(TokenError::InvalidGrant),
            Stage::TurnedAway => Err(TokenError::RateLimited { retry_after: None }),
            Stage::Sent => Err(TokenError::ConnectionLost),
        };
        let in_time = call.awaited && matches!(call.stage, Stage::Issued(_));
        if in_time && matches!(world.record(), Some(Record::Ended(_))) {
            world.breaks(NO_PAIR_THROWN_AWAY);
        }
        self.call_ended(world, call.number, call.generation, outcome, call.judged_by.as_ref());
    }

    /// The flight that waits for a call goes on; a late answer has none.
    pub(crate) fn call_ended(
        &self,
        world: &mut World,
        number: u8,
        generation: u64,
        outcome: TokenResult,
        judged_by: Option<&Stored>,
    ) {
        let mut place = world.flights.iter().position(|flight| flight.call == Some(number));
        match place.and_then(|place| world.flights.get_mut(place)) {
            Some(flight) => flight.call = None,
            // Who waits for another call hears of a late answer, too.
            None => place = (!world.flights.is_empty()).then_some(0),
        }
        self.happen(world, Event::RefreshCompleted { generation, outcome }, judged_by, place);
        self.land(world);
    }

    /// Ends the flights that wait for nothing. Who still waits asks again.
    fn land(&self, world: &mut World) {
        while let Some(place) = world.flights.iter().position(|flight| flight.call.is_none()) {
            let landed = world.flights.remove(place);
            if landed.waiting > 0 {
                self.take_off(world, Event::TokenRequested { rejected: None }, landed.waiting);
            }
        }
    }

    /// Starts a flight for an event.
    pub(crate) fn take_off(&self, world: &mut World, event: Event, waiting: u8) {
        let place = world.flights.len();
        world.flights.push(Flight { call: None, waiting });
        self.happen(world, event, None, Some(place));
        self.land(world);
    }

    /// Somebody asks a process that was replaced, which goes by what was stored then.
    pub(crate) fn ask_former(&self, world: &mut World) -> Option<()> {
        let policy = Policy { grace: self.grace };
        let former = world.former.as_ref().map(|stored| stored.record().clone());
        let event = Event::TokenRequested { rejected: None };
        for effect in step(&connection(), former, world.now, event, &policy).effects {
            if let Effect::Refresh {
                generation,
                refresh_token,
            } = effect
            {
                self.call(world, None, generation, number_of(&refresh_token));
                let call = world.calls.last_mut()?;
                call.process = call.process.checked_sub(1)?;
                call.awaited = false;
            }
        }
        Some(())
    }

    fn owe_kv(&self, world: &mut World) {
        if self.driver == Driver::WritesKvOutOfTurn {
            let value = world
                .stored
                .as_ref()
                .and_then(Stored::live)
                .map(|grant| grant.generation);
            world.kv_waiting.push(Some(value));
        } else if world.kv_waiting.len() < 2 {
            // A third one would write the same as the second.
            world.kv_waiting.push(None);
        }
    }

    fn maybe_forged(&self, world: &World, event: Event) -> Event {
        match (self.driver, event) {
            (Driver::IgnoresGenerations, Event::RefreshCompleted { generation, outcome }) => Event::RefreshCompleted {
                generation: world.record().map_or(generation, Record::generation),
                outcome,
            },
            (Driver::IgnoresWhichWasRefused, Event::TokenRequested { rejected: Some(_) }) => Event::TokenRequested {
                rejected: world.record().map(Record::generation),
            },
            (_, event) => event,
        }
    }

    fn answer_all(&self, world: &mut World, flight: Option<usize>, answer: &TokenReply) {
        let name = match answer {
            TokenReply::Token { .. } => "token",
            TokenReply::Unavailable(_) => "unavailable",
            TokenReply::Rejected { .. } => "rejected",
            TokenReply::Ended(_) => "ended",
            TokenReply::ApplicationToken { .. } => "application",
            TokenReply::Unknown => "unknown",
        };
        if name == "token" && world.disconnected {
            world.breaks(NO_TOKEN_AFTER_DISCONNECTION);
        }
        if let Some(flight) = flight.and_then(|flight| world.flights.get_mut(flight))
            && flight.waiting > 0
        {
            let told = if self.driver == Driver::AnswersOnlyOne {
                1
            } else {
                flight.waiting
            };
            flight.waiting = 0;
            world.unanswered = world.unanswered.saturating_sub(told);
            world.answered.insert(name);
        }
    }
}
