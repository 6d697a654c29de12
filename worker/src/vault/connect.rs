//! Starting and finishing a connection.

use std::rc::Rc;

use futures_util::{
    FutureExt as _,
    future::{LocalBoxFuture, Shared},
};
use smartcar_connect::{
    api::{ApiRequest, VehiclePage},
    connect::{
        Attempt, Callback, ConnectionId, ExternalId, RedirectUri, StateError, StateFingerprint, UnverifiedCallback,
        VehicleId,
    },
    edge::{Caller, Problem, ProblemCode, VaultReply, finish_answer},
    http_api::Connection,
    principal::Principal,
    time::Millis,
    token::{self, AccessToken, Failure, TokenOutcome, TokenRequest},
    vault::{
        Answer, CallbackDigest, Effect, Event, Finish, FinishOutcome, FinishStep, GrantRecord, PendingRecord, Profile,
        granted, superseded,
    },
};

use super::{
    Fault, Inner,
    store::{self, Batch},
};
use crate::{
    clock, random,
    telemetry::{self, Happened},
    upstream,
};

/// How many connections of one principal may be unfinished at once; the oldest makes room.
const MOST_PENDING: usize = 16;

/// How many pages of vehicles are asked for: more than any owner has.
const MOST_PAGES: usize = 10;

/// A finish that is under way. Whoever brings the same callback meanwhile waits for its answer.
pub(super) type Finishing = Shared<LocalBoxFuture<'static, Result<Finished, Fault>>>;

/// What a finish is answered with.
type Finished = Result<String, Problem>;

impl Inner {
    pub(super) async fn start(
        self: &Rc<Self>,
        caller: Caller,
        fingerprint: StateFingerprint,
        redirect_uri: RedirectUri,
    ) -> Result<VaultReply, Fault> {
        let now = clock::now();
        let mut batch = Batch::default();
        if let Some(profile) = self.profile().await?.filter(|profile| profile.closing) {
            self.close_everything(&profile.principal).await?;
        }
        let _turn = self.turn.lock().await;
        let profile = match self.seen(&caller).await? {
            Some(profile) if !profile.closing => profile,
            // Whoever had everything deleted is somebody new.
            _ => {
                let profile = Profile {
                    principal: caller.principal,
                    external_id: ExternalId::parse(&random::id()?).map_err(|_| Fault::Corrupt)?,
                    last_seen: now,
                    session_ends_at: caller.session_ends_at,
                    closing: false,
                };
                self.put_profile(&mut batch, &profile)?;
                profile
            }
        };
        self.make_room(&mut batch, &profile.principal).await?;
        let pending = Attempt::new(fingerprint, redirect_uri, now);
        let expires_at = pending.expires_at();
        self.put_pending(&mut batch, &profile.principal, &PendingRecord { pending, used: None })?;
        self.commit(batch).await?;
        Ok(VaultReply::Started {
            external_id: profile.external_id,
            expires_at,
        })
    }

    async fn make_room(&self, batch: &mut Batch, principal: &Principal) -> Result<(), Fault> {
        let mut pendings = self.pendings(principal).await?;
        let surplus = pendings.len().saturating_add(1).saturating_sub(MOST_PENDING);
        pendings.retain(|record| !record.is_being_exchanged());
        for _ in 0..surplus {
            let started = pendings
                .iter()
                .enumerate()
                .map(|(at, record)| (record.pending.started_at(), at));
            let Some((_, oldest)) = started.min() else { break };
            let record = pendings.swap_remove(oldest);
            batch.delete(store::pending_key(record.pending.fingerprint().as_str()));
        }
        Ok(())
    }

    pub(super) async fn finish(self: &Rc<Self>, caller: &Caller, query: String) -> Result<VaultReply, Fault> {
        let digest = CallbackDigest::of(&query);
        let under_way = self.finishes.borrow().get(digest.as_str()).cloned();
        let finishing = match under_way {
            Some(finishing) => finishing,
            None => self.begin_finish(caller.clone(), query, digest),
        };
        Ok(match finishing.await? {
            Ok(answer) => VaultReply::Body(answer),
            Err(problem) => VaultReply::Problem(problem),
        })
    }

    fn begin_finish(self: &Rc<Self>, caller: Caller, query: String, digest: CallbackDigest) -> Finishing {
        let inner = Rc::clone(self);
        let key = digest.as_str().to_owned();
        let finishing = async move {
            let result = inner.finish_once(&caller, &query, &digest).await;
            inner.finishes.borrow_mut().remove(digest.as_str());
            result
        }
        .boxed_local()
        .shared();
        self.finishes.borrow_mut().insert(key, finishing.clone());
        // A tab that is closed must not stop an exchange half-way.
        self.in_background(finishing.clone().map(|_| ()));
        finishing
    }

    async fn finish_once(
        self: &Rc<Self>,
        caller: &Caller,
        query: &str,
        digest: &CallbackDigest,
    ) -> Result<Finished, Fault> {
        let callback = match UnverifiedCallback::parse(query) {
            Ok(callback) => callback,
            Err(error) => return Ok(Err(error.into())),
        };
        let Some(fingerprint) = callback.state().map(|state| state.fingerprint()) else {
            return Ok(Err(StateError::Missing.into()));
        };
        let Some(profile) = self.seen(caller).await? else {
            return Ok(Err(StateError::Unknown.into()));
        };
        let principal = &profile.principal;
        let turn = self.turn.lock().await;
        let record = self.pending(principal, fingerprint.as_str()).await?;
        let (next, wanted, callback) = match Finish::step(record.as_ref(), callback, digest, clock::now()) {
            FinishStep::Refuse(error) => return Ok(Err(error.into())),
            FinishStep::Replay { outcome, callback } => {
                drop(turn);
                return self.told(principal, &outcome, &callback).await;
            }
            FinishStep::Conclude {
                next,
                outcome,
                callback,
            } => {
                let mut batch = Batch::default();
                self.put_pending(&mut batch, principal, &next)?;
                self.commit(batch).await?;
                drop(turn);
                return self.told(principal, &outcome, &callback).await;
            }
            FinishStep::Exchange {
                next,
                code,
                redirect_uri,
                callback,
            } => (next, TokenRequest::AuthorizationCode { code, redirect_uri }, callback),
        };
        let mut batch = Batch::default();
        self.put_pending(&mut batch, principal, &next)?;
        self.commit(batch).await?;
        drop(turn);
        let started = clock::now();
        let outcome = upstream::token(&self.config()?.client, &wanted).await;
        telemetry::record(&self.env, Happened::Exchange, outcome.code(), started, None);
        self.exchanged(&profile, &next, outcome, &callback).await
    }

    /// Keeps what the exchange brought: first of all durably, then the vehicles are asked for.
    async fn exchanged(
        self: &Rc<Self>,
        started_by: &Profile,
        pending: &PendingRecord,
        outcome: TokenOutcome,
        callback: &Callback,
    ) -> Result<Finished, Fault> {
        let principal = &started_by.principal;
        let turn = self.turn.lock().await;
        // Whoever comes back after a deletion has another external id.
        let principal_stays = self
            .profile()
            .await?
            .is_some_and(|profile| !profile.closing && profile.external_id == started_by.external_id);
        let tokens = match outcome {
            TokenOutcome::Issued(tokens) if !principal_stays => {
                drop(turn);
                return self.give_back(&tokens.access_token).await;
            }
            TokenOutcome::Failed(failure) if !principal_stays => return Ok(Err(exchange_problem(failure))),
            TokenOutcome::Issued(tokens) => tokens,
            TokenOutcome::Failed(failure) => return self.exchange_failed(principal, pending, failure).await,
        };
        let Some(refresh_token) = tokens.refresh_token.clone() else {
            return self.exchange_failed(principal, pending, Failure::Unreadable).await;
        };
        let id = ConnectionId::from_random(random::bytes()?);
        let record = granted(tokens, refresh_token, clock::now());
        let mut batch = Batch::default();
        self.put_grant(&mut batch, principal, &id, &record)?;
        // Whatever the vehicles: the sweep of a rotation finds a connection that has ended by the index alone.
        self.owe_index(&mut batch, principal).await?;
        let outcome = FinishOutcome::Connected(id.clone());
        self.put_pending(&mut batch, principal, &Finish::concluded(pending, outcome.clone()))?;
        self.commit(batch).await?;
        drop(turn);
        let effects = self.list_vehicles(principal, &id).await?;
        self.carry_out(principal, &id, effects).await?;
        self.told(principal, &outcome, callback).await
    }

    async fn exchange_failed(
        &self,
        principal: &Principal,
        pending: &PendingRecord,
        failure: Failure,
    ) -> Result<Finished, Fault> {
        let mut batch = Batch::default();
        let concluded = Finish::concluded(pending, FinishOutcome::ExchangeFailed(failure));
        self.put_pending(&mut batch, principal, &concluded)?;
        self.commit(batch).await?;
        Ok(Err(exchange_problem(failure)))
    }

    /// The owner had everything deleted while the code was being exchanged: the new grant is ended, not kept.
    async fn give_back(&self, access_token: &AccessToken) -> Result<Finished, Fault> {
        if let Some(vehicles) = self.ask_for_vehicles(access_token).await? {
            self.tell_of(access_token, &vehicles).await?;
        }
        let detail = "everything of the owner was deleted while the connection was being made; start it again";
        Ok(Err(Problem::new(ProblemCode::ConnectionNotFound, detail)))
    }

    /// The answer for what a finish came to.
    async fn told(
        &self,
        principal: &Principal,
        outcome: &FinishOutcome,
        callback: &Callback,
    ) -> Result<Finished, Fault> {
        let connections = self.connections(principal).await?;
        let connection: Option<&Connection> = match (outcome, callback) {
            (FinishOutcome::Connected(id), _) => connections.iter().find(|connection| connection.id == *id),
            (FinishOutcome::AsCalledBack, Callback::Reauthenticated { vehicle_id, .. }) => connections
                .iter()
                .find(|connection| connection.vehicles.iter().any(|vehicle| vehicle.id == *vehicle_id)),
            (FinishOutcome::AsCalledBack, _) => None,
            (FinishOutcome::ExchangeFailed(failure), _) => return Ok(Err(exchange_problem(*failure))),
            (FinishOutcome::CodeMissing, _) => {
                let detail = "the callback was granted but has no `code`: open Connect with `response_type=code`";
                return Ok(Err(Problem::new(ProblemCode::CodeMissing, detail)));
            }
        };
        if connection.is_none() && matches!(outcome, FinishOutcome::Connected(_)) {
            let detail =
                "the connection that this callback made has been disconnected or replaced by a newer one since";
            return Ok(Err(Problem::new(ProblemCode::ConnectionNotFound, detail)));
        }
        Ok(Ok(finish_answer(callback, connection)))
    }

    pub(super) fn list_vehicles_in_background(self: &Rc<Self>, principal: &Principal, id: &ConnectionId) {
        let (inner, principal, id) = (Rc::clone(self), principal.clone(), id.clone());
        self.in_background(async move {
            match inner.list_vehicles(&principal, &id).await {
                Ok(_) => inner.write_kv_in_background(&principal, &id),
                Err(fault) => fault.log(),
            }
        });
    }

    /// Asks Smartcar which vehicles a grant covers.
    pub(super) async fn list_vehicles(
        self: &Rc<Self>,
        principal: &Principal,
        id: &ConnectionId,
    ) -> Result<Vec<Effect>, Fault> {
        let Some(GrantRecord::Live(grant)) = self.grant(principal, id).await? else {
            return Ok(Vec::new());
        };
        let vehicles = if token::is_fresh(grant.tokens.access_expires_at, clock::now()) {
            self.ask_for_vehicles(&grant.tokens.access_token).await?
        } else {
            match self.fresh_token(principal, id, None).await? {
                Answer::Token { access_token, .. } => self.ask_for_vehicles(&access_token).await?,
                _ => None,
            }
        };
        let effects = self.happen(principal, id, Event::VehiclesListed { vehicles }).await?;
        // If the process dies here, the index does it: it is owed since the list was stored.
        self.supersede(principal).await?;
        Ok(effects)
    }

    async fn ask_for_vehicles(&self, access_token: &AccessToken) -> Result<Option<Vec<VehicleId>>, Fault> {
        let api = &self.config()?.origins.api;
        let mut vehicles = Vec::new();
        let mut offset = Some(0);
        for _ in 0..MOST_PAGES {
            let Some(from) = offset else { break };
            let page = match upstream::api(&ApiRequest::vehicles(api, from), access_token.expose()).await {
                Ok(reply) if reply.status == 200 => VehiclePage::read(&reply.body, from),
                _ => None,
            };
            let Some(page) = page else { return Ok(None) };
            vehicles.extend(page.vehicles);
            offset = page.next;
        }
        Ok(Some(vehicles))
    }

    /// Grants give up the vehicles that a newer one covers: a car connected again replaces its former connection, whichever
    /// of the two was listed last.
    pub(super) async fn supersede(self: &Rc<Self>, principal: &Principal) -> Result<(), Fault> {
        for (id, vehicles) in superseded(&self.grants(principal).await?) {
            self.happen(principal, &id, Event::Superseded { vehicles }).await?;
            self.write_kv_in_background(principal, &id);
        }
        Ok(())
    }
}

fn exchange_problem(failure: Failure) -> Problem {
    match failure {
        Failure::Refused => Problem::new(
            ProblemCode::ExchangeRefused,
            "Smartcar refused the authorization code: it was used, is older than 10 minutes, or the redirect URI differs; \
             start the connection again",
        ),
        Failure::ClientRejected => Problem::new(
            ProblemCode::ClientRejected,
            "Smartcar does not accept the application: check `SMARTCAR_CLIENT_ID` and `SMARTCAR_CLIENT_SECRET`",
        ),
        failure => {
            let detail = [
                "Smartcar gave no tokens (",
                failure.code(),
                "); start the connection again",
            ]
            .concat();
            let retry_after = match failure {
                Failure::RateLimited {
                    retry_after: Some(span),
                } => span,
                _ => Millis::from_secs(1),
            };
            Problem::new(ProblemCode::UpstreamUnavailable, detail).with_retry_after(retry_after)
        }
    }
}
