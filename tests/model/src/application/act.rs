//! What can happen, and what comes of it.

use smartcar_connect::{
    time::Millis,
    token::{
        TokenError, TokenResult,
        cycle::{ApplicationTokens, CALL_DEADLINE, Decision, Policy, TokenCycle as _, Verdict},
    },
};
use stateright::{Model, Property};

use super::{
    ApplicationDriver, ApplicationProtocol,
    properties::{self, EXPIRED, NOT_STORED, REFUSED_AGAIN, TWO_REQUESTS, UNANSWERED},
    world::{ApplicationWorld, Call, Held, Kept, START, Stage, Waiting, issued, number_of},
};

/// Something that happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ApplicationAct {
    /// Time passes, to the next moment.
    Pass,
    /// A caller wants a token, having been refused that of this generation if there is one.
    Ask(Option<u64>),
    /// A request reaches Smartcar.
    Arrive(usize),
    /// A request reaches Smartcar, which turns it away.
    TurnAway(usize),
    /// An answer of Smartcar's arrives.
    Answer(usize),
    /// An answer arrives, what it comes to is stored, and the process dies before anybody is told.
    AnswerAndDie(usize),
    /// A request or its answer is lost, and its sender hears of it.
    Lose(usize),
    /// The deadline of a request passes.
    TimeOut(usize),
    /// The process dies with all that it has under way.
    Die,
    /// Smartcar accepts none of the tokens any more that there are.
    Revoke,
}

/// More is not under way at once within the bounds; a check that the model stays below.
const MOST_UNDER_WAY: usize = 4;

/// How often who waits goes on to another request before it gives up.
const MOST_ROUNDS: usize = 4;

impl Model for ApplicationProtocol {
    type State = ApplicationWorld;
    type Action = ApplicationAct;

    fn init_states(&self) -> Vec<ApplicationWorld> {
        vec![ApplicationWorld::new(self.budget.clone(), self.has_token)]
    }

    fn actions(&self, world: &ApplicationWorld, acts: &mut Vec<ApplicationAct>) {
        if !world.broken.is_empty() {
            return;
        }
        if world.budget.asks > 0 {
            acts.push(ApplicationAct::Ask(None));
            let refused = world.held.iter().filter(|held| held.number <= world.revoked);
            acts.extend(refused.map(|held| ApplicationAct::Ask(Some(held.generation))));
        }
        for (place, call) in world.calls.iter().enumerate() {
            if call.stage == Stage::Sent {
                acts.push(ApplicationAct::Arrive(place));
                if world.budget.faults > 0 {
                    acts.push(ApplicationAct::TurnAway(place));
                }
            } else {
                acts.push(ApplicationAct::Answer(place));
                if call.awaited && world.budget.deaths > 0 {
                    acts.push(ApplicationAct::AnswerAndDie(place));
                }
            }
            if call.awaited && world.budget.faults > 0 {
                acts.extend([ApplicationAct::Lose(place), ApplicationAct::TimeOut(place)]);
            }
        }
        if world.budget.deaths > 0 {
            acts.push(ApplicationAct::Die);
        }
        if world.budget.revocations > 0 && world.issued > world.revoked {
            acts.push(ApplicationAct::Revoke);
        }
        if self.may_pass(world) {
            acts.push(ApplicationAct::Pass);
        }
    }

    fn next_state(&self, world: &ApplicationWorld, act: ApplicationAct) -> Option<ApplicationWorld> {
        let mut next = world.clone();
        self.apply(&mut next, act)?;
        look(&mut next);
        Some(next)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        properties::all()
    }

    fn within_boundary(&self, world: &ApplicationWorld) -> bool {
        world.calls.len() <= MOST_UNDER_WAY
    }
}

impl ApplicationProtocol {
    /// Time passes while a request is under way by less than its deadline.
    fn may_pass(&self, world: &ApplicationWorld) -> bool {
        let Some(span) = self.moments.get(usize::from(world.moment)) else {
            return false;
        };
        let then = START.after(*span);
        let mut awaited = world.calls.iter().filter(|call| call.awaited);
        awaited.all(|call| then.since(call.sent_at) < CALL_DEADLINE)
    }

    fn apply(&self, world: &mut ApplicationWorld, act: ApplicationAct) -> Option<()> {
        match act {
            ApplicationAct::Pass => {
                world.now = START.after(*self.moments.get(usize::from(world.moment))?);
                world.moment = world.moment.checked_add(1)?;
            }
            ApplicationAct::Ask(rejected) => {
                world.budget.asks = world.budget.asks.checked_sub(1)?;
                self.board(world, rejected, 0);
            }
            ApplicationAct::Arrive(place) => {
                world.issued = world.issued.checked_add(1)?;
                let (number, now) = (world.issued, world.now);
                world.calls.get_mut(place)?.stage = Stage::Issued(number, now);
            }
            ApplicationAct::TurnAway(place) => {
                world.budget.faults = world.budget.faults.checked_sub(1)?;
                world.calls.get_mut(place)?.stage = Stage::TurnedAway;
            }
            ApplicationAct::Answer(place) => {
                let call = world.calls.remove(place);
                if call.awaited {
                    let outcome = outcome_of(&call);
                    self.ended(world, &call, outcome);
                } else {
                    world.seen.insert("an answer that nobody waits for any more");
                }
            }
            ApplicationAct::AnswerAndDie(place) => {
                world.budget.deaths = world.budget.deaths.checked_sub(1)?;
                let call = world.calls.remove(place);
                let ended = world
                    .known()
                    .ended(call.generation, outcome_of(&call), world.now, &Policy::default());
                if let Some(next) = ended.next {
                    self.keep(world, next);
                }
                die(world);
            }
            ApplicationAct::Lose(place) => {
                world.budget.faults = world.budget.faults.checked_sub(1)?;
                let call = world.calls.remove(place);
                self.ended(world, &call, Err(TokenError::ConnectionLost));
            }
            ApplicationAct::TimeOut(place) => {
                world.budget.faults = world.budget.faults.checked_sub(1)?;
                let call = world.calls.get_mut(place)?;
                call.awaited = false;
                let call = call.clone();
                self.ended(world, &call, Err(TokenError::TimedOut));
            }
            ApplicationAct::Die => {
                world.budget.deaths = world.budget.deaths.checked_sub(1)?;
                if world.is_calling() {
                    world.seen.insert("the object dies with a request under way");
                }
                die(world);
            }
            ApplicationAct::Revoke => {
                world.budget.revocations = world.budget.revocations.checked_sub(1)?;
                world.revoked = world.issued;
            }
        }
        Some(())
    }

    /// A caller joins the request that is under way, or has the machine asked.
    fn board(&self, world: &mut ApplicationWorld, rejected: Option<u64>, round: usize) {
        if self.driver == ApplicationDriver::HandsOutWhatIsInMemory
            && let Some(kept) = world.memory.clone()
            && kept.tokens().access_token().is_some()
        {
            self.tell(world, kept.tokens(), rejected);
            return;
        }
        if world.is_calling() && self.driver != ApplicationDriver::AsksForEach {
            if self.driver != ApplicationDriver::ForgetsWhoJoined {
                world.seen.insert("two callers wait for one request");
            }
            let joined = true;
            world.waiting.push(Waiting { rejected, joined });
            world.waiting.sort_unstable();
            return;
        }
        let joined = false;
        world.waiting.push(Waiting { rejected, joined });
        world.waiting.sort_unstable();
        let tokens = world.known();
        let tokens = tokens.clamped(world.now).unwrap_or(tokens);
        let verdict = tokens.want(rejected, world.now, &Policy::default());
        self.carry_out(world, tokens, verdict, round);
    }

    /// A request has ended, as far as the process knows.
    fn ended(&self, world: &mut ApplicationWorld, call: &Call, outcome: TokenResult) {
        let tokens = world.known();
        let is_first = tokens.attempt.is_some_and(|attempt| attempt.tries == 1);
        let verdict = tokens.ended(call.generation, outcome, world.now, &Policy::default());
        if is_first && verdict.decision == Decision::Request {
            world.seen.insert("a request is repeated at once");
        }
        if verdict.decision == Decision::Use {
            world.seen.insert("a token is used on although another can't be had");
        }
        self.carry_out(world, tokens, verdict, 0);
    }

    /// Stores what the machine is from now on, and then does what it says.
    fn carry_out(
        &self,
        world: &mut ApplicationWorld,
        tokens: ApplicationTokens,
        verdict: Verdict<ApplicationTokens>,
        round: usize,
    ) {
        let Verdict { next, decision } = verdict;
        let tokens = match next {
            Some(next) => {
                self.keep(world, next.clone());
                next
            }
            None => tokens,
        };
        if decision == Decision::Request {
            world.calls.push(Call {
                generation: tokens.generation(),
                sent_at: world.now,
                stage: Stage::Sent,
                awaited: true,
            });
            return;
        }
        if matches!(decision, Decision::Rejected { .. }) {
            world.seen.insert("another token is no remedy");
        }
        let is_token = matches!(decision, Decision::Use | Decision::Renewed);
        let mut waiting = core::mem::take(&mut world.waiting);
        if self.driver == ApplicationDriver::ForgetsWhoJoined {
            world.waiting.extend(waiting.extract_if(.., |one| one.joined));
        }
        for Waiting { rejected, joined } in waiting {
            if !is_token {
                continue;
            }
            let is_refused = rejected == Some(tokens.generation());
            let goes_on = joined && is_refused && self.driver != ApplicationDriver::SharesWhateverComes;
            if goes_on && round < MOST_ROUNDS {
                world
                    .seen
                    .insert("who was refused what came goes on to another request");
                self.board(world, rejected, round.saturating_add(1));
            } else if !is_refused || self.driver == ApplicationDriver::SharesWhateverComes {
                // Whoever was refused it is told that there is none.
                self.tell(world, &tokens, rejected);
            }
        }
    }

    fn keep(&self, world: &mut ApplicationWorld, tokens: ApplicationTokens) {
        let kept = Kept::new(tokens);
        if self.driver != ApplicationDriver::KeepsItInMemory {
            world.stored = Some(kept.clone());
        }
        world.memory = Some(kept);
    }

    /// A caller is given the token.
    fn tell(&self, world: &mut ApplicationWorld, tokens: &ApplicationTokens, rejected: Option<u64>) {
        let Some((token, expires_at)) = tokens.access_token() else {
            return;
        };
        if expires_at <= world.now {
            world.breaks(EXPIRED);
        }
        let held = Held {
            generation: tokens.generation(),
            number: number_of(token),
        };
        if rejected == Some(held.generation) {
            world.breaks(REFUSED_AGAIN);
        } else if rejected.is_some() {
            world.seen.insert("who was refused a token is given a newer one");
        }
        let stored = world.stored.as_ref().and_then(|kept| kept.tokens().access_token());
        if stored.is_none_or(|(stored, _)| !stored.ct_eq(token)) {
            world.breaks(NOT_STORED);
        }
        world.held.insert(held);
    }
}

/// A process ends: who waits is told that there is no answer, and nothing of what is under way is awaited.
fn die(world: &mut ApplicationWorld) {
    for call in &mut world.calls {
        call.awaited = false;
    }
    world.waiting.clear();
    world.memory = None;
}

/// What can be seen in a state.
fn look(world: &mut ApplicationWorld) {
    let awaited = world.calls.iter().filter(|call| call.awaited).count();
    if awaited > 1 {
        world.breaks(TWO_REQUESTS);
    }
    if awaited == 0 && !world.waiting.is_empty() {
        world.breaks(UNANSWERED);
    }
    if awaited == 1 && world.calls.len() > 1 {
        world
            .seen
            .insert("a successor asks while the request of a process that died is under way");
    }
}

fn outcome_of(call: &Call) -> TokenResult {
    match call.stage {
        Stage::Issued(number, at) => Ok(issued(number, at)),
        Stage::TurnedAway => Err(TokenError::RateLimited {
            retry_after: Some(Millis::from_secs(30)),
        }),
        Stage::Sent => Err(TokenError::ConnectionLost),
    }
}
