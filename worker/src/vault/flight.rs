//! One thing at a time for each connection: whoever wants a token while a refresh is under way waits for its answer.

use std::{collections::VecDeque, rc::Rc};

use futures_util::{
    FutureExt as _,
    future::{LocalBoxFuture, Shared},
};
use smartcar_connect::{
    connect::ConnectionId,
    principal::Principal,
    token::{self, TokenRequest},
    vault::{Answer, Effect, Event},
};

use super::{Fault, Inner};
use crate::{
    clock,
    telemetry::{self, Happened},
    upstream,
};

/// What is under way for a connection; `None` comes of it if nobody was to be answered.
pub(super) type Flight = Shared<LocalBoxFuture<'static, Result<Option<Answer>, Fault>>>;

/// How often a token is asked for, in case the flight that was joined was about something else.
const MOST_FLIGHTS: usize = 4;

impl Inner {
    /// A token that may be used now.
    pub(super) async fn fresh_token(
        self: &Rc<Self>,
        principal: &Principal,
        id: &ConnectionId,
        rejected: Option<u64>,
    ) -> Result<Answer, Fault> {
        for _ in 0..MOST_FLIGHTS {
            let under_way = self.flights.borrow().get(id).cloned();
            let joined = under_way.is_some();
            let flight = under_way.unwrap_or_else(|| self.fly(principal, id, Event::TokenWanted { rejected }));
            match flight.await? {
                Some(Answer::Token { generation, .. }) if joined && rejected == Some(generation) => {}
                Some(answer) => return Ok(answer),
                None => {}
            }
        }
        Err(Fault::Storage)
    }

    /// Starts a flight. There is none for this connection: no await lies between the look and this.
    pub(super) fn fly(self: &Rc<Self>, principal: &Principal, id: &ConnectionId, event: Event) -> Flight {
        let (inner, principal, id) = (Rc::clone(self), principal.clone(), id.clone());
        let key = id.clone();
        let flight = async move {
            let result = inner.travel(&principal, &id, event).await;
            inner.flights.borrow_mut().remove(&id);
            result
        }
        .boxed_local()
        .shared();
        self.flights.borrow_mut().insert(key, flight.clone());
        // A client that goes away must not stop a refresh half-way.
        self.in_background(flight.clone().map(|_| ()));
        flight
    }

    async fn travel(
        self: &Rc<Self>,
        principal: &Principal,
        id: &ConnectionId,
        event: Event,
    ) -> Result<Option<Answer>, Fault> {
        let effects = self.happen(principal, id, event).await?;
        self.carry_out(principal, id, effects).await
    }

    /// Carries effects out, and those that follow from them.
    pub(super) async fn carry_out(
        self: &Rc<Self>,
        principal: &Principal,
        id: &ConnectionId,
        effects: Vec<Effect>,
    ) -> Result<Option<Answer>, Fault> {
        let mut effects = VecDeque::from(effects);
        let mut answer = None;
        while let Some(effect) = effects.pop_front() {
            match effect {
                Effect::Answer(given) => answer = Some(given),
                Effect::Call {
                    generation,
                    refresh_token,
                } => {
                    let client = &self.config()?.client;
                    let started = clock::now();
                    let outcome = upstream::token(client, &TokenRequest::RefreshToken { refresh_token }).await;
                    telemetry::record(
                        &self.env,
                        Happened::Refresh,
                        token::outcome_code(&outcome),
                        started,
                        None,
                    );
                    effects.extend(
                        self.happen(principal, id, Event::CallEnded { generation, outcome })
                            .await?,
                    );
                }
                // Nobody who waits for a token waits for the list.
                Effect::ListVehicles => self.list_vehicles_in_background(principal, id),
                Effect::TellSmartcar { access_token, vehicles } => {
                    self.tell_smartcar(principal, id, &access_token, &vehicles).await?;
                    effects.extend(self.happen(principal, id, Event::SmartcarTold).await?);
                }
                Effect::Publish | Effect::Unpublish => self.write_kv_in_background(principal, id),
            }
        }
        Ok(answer)
    }
}
