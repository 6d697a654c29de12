//! Starting and finishing a connection.

use std::rc::Rc;

use smartcar_connect::{
    connect::{
        Callback, CallbackError, ConnectionId, ExternalId, RedirectUri, StateError, StateFingerprint,
        UnverifiedCallback,
    },
    edge::{
        Caller, IssuedToken, RateLimit, VaultReply, attempt_reply, deleted_meanwhile, exchange_problem,
        unexpected_callback,
    },
    http_api::start::Asked,
    token::{self, TokenError, TokenRequest, TokenResult},
    vault::{
        Former, Live, Profile, Record,
        finish::{self, CallbackDigest, ExchangeResult, PendingRecord},
        life::RevokedBy,
    },
};

use super::{
    attempt::{self, NewAttempt},
    confirm, disconnect,
    driver::Driver,
    error::{Refusal, VaultError},
    handover, reconnect, settle, show,
    storage::Transaction,
};
use crate::{
    clock, random,
    single_flight::{Boarded, SingleFlight},
    smartcar,
    telemetry::{self, LogEvent},
    token_source::TokenSource,
};

/// The finishes that are under way, by the digest of their callback: who brings the same one meanwhile waits for its answer.
pub(super) type Finishes = SingleFlight<String, Result<String, Refusal>>;

/// The profile of a caller who comes to stay, in the transaction that may have to write it first.
pub(super) async fn welcome(driver: &Rc<Driver>, caller: Caller) -> Result<(Transaction<'_>, Profile), VaultError> {
    let storage = &driver.storage;
    let profile = driver.visit(&caller).await?;
    if let Some(profile) = profile.filter(|profile| profile.closing) {
        disconnect::close_everything(driver, &profile.principal).await?;
    }
    let mut transaction = storage.begin().await;
    let profile = match storage.profile().await? {
        Some(profile) if !profile.closing => profile,
        // Who had everything deleted is somebody new.
        _ => {
            let profile = Profile {
                principal: caller.principal,
                external_id: ExternalId::parse(&random::id()?).map_err(|_| VaultError::Corrupt)?,
                last_seen: clock::now(),
                session_ends_at: caller.session_ends_at,
                closing: false,
                claimed_by: None,
            };
            transaction.put_profile(&profile)?;
            profile
        }
    };
    Ok((transaction, profile))
}

/// A connection is started: the vault remembers the state's fingerprint for ten minutes.
pub(super) async fn start(
    driver: &Rc<Driver>,
    caller: Caller,
    fingerprint: StateFingerprint,
    redirect_uri: RedirectUri,
    asked: Asked,
) -> Result<VaultReply, Refusal> {
    let now = clock::now();
    let (mut transaction, profile) = welcome(driver, caller).await?;
    let new = NewAttempt {
        fingerprint,
        redirect_uri,
        asked,
        version: driver.config.access.new_connections(),
        reconnecting: None,
    };
    let expires_at = attempt::note(&driver.storage, &mut transaction, &profile.principal, new, now).await?;
    transaction.commit().await?;
    Ok(VaultReply::Started {
        external_id: profile.external_id,
        expires_at,
    })
}

/// A callback came. Its answer is the same however often it comes.
pub(super) async fn finish(
    driver: &Rc<Driver>,
    finishes: &Finishes,
    caller: &Caller,
    query: String,
) -> Result<VaultReply, Refusal> {
    let digest = CallbackDigest::of(&query);
    let is_new = finishes.under_way(&digest.as_str().to_owned()).is_none();
    if is_new && finishes.len() >= finish::MAX_FINISHES {
        return Err(RateLimit::Finish.exceeded().into());
    }
    let boarded = finishes.board(&digest.as_str().to_owned(), || {
        let (driver, caller) = (Rc::clone(driver), caller.clone());
        async move { finish_once(&driver, &caller, &query, &digest).await }
    });
    let flight = match boarded {
        Boarded::Joined(flight) => flight,
        Boarded::Started(flight) => {
            // A tab that is closed must not stop an exchange half-way.
            driver.see_to(&flight);
            flight
        }
    };
    Ok(VaultReply::Body(flight.await?))
}

async fn finish_once(
    driver: &Rc<Driver>,
    caller: &Caller,
    query: &str,
    digest: &CallbackDigest,
) -> Result<String, Refusal> {
    let problem = |error| Refusal::Refused(error);
    let callback = UnverifiedCallback::parse(query).map_err(|error| problem(error.into()))?;
    let Some(fingerprint) = callback.state().map(|state| state.fingerprint()) else {
        return Err(problem(StateError::Missing.into()));
    };
    let Some(profile) = driver.visit(caller).await? else {
        return Err(problem(StateError::Unknown.into()));
    };
    let principal = &profile.principal;
    let mut transaction = driver.storage.begin().await;
    let record = driver.storage.pending(principal, fingerprint.as_str()).await?;
    let (next, wanted, callback) = match finish::step(record.as_ref(), callback, query, digest, clock::now()) {
        finish::Step::Refuse(error) => return Err(problem(error.into())),
        finish::Step::OtherRedirectUri(difference) => {
            return Err(problem(CallbackError::OtherRedirectUri(difference).into()));
        }
        finish::Step::Unexpected => return Err(problem(unexpected_callback())),
        finish::Step::Replay {
            asked,
            outcome,
            replaced,
            callback,
        } => {
            drop(transaction);
            return show::respond(&driver.storage, principal, &outcome, &callback, &asked, &replaced).await;
        }
        finish::Step::ComeBack {
            next,
            connection_id,
            vehicle_id,
            callback,
        } => {
            reconnect::check(driver, principal, &connection_id, &vehicle_id).await?;
            transaction.put_pending(principal, &next)?;
            transaction.commit().await?;
            reconnect::came_back(driver, principal, &connection_id, &vehicle_id).await?;
            let outcome = ExchangeResult::CameBack(connection_id);
            return show::respond(&driver.storage, principal, &outcome, &callback, &next.asked, &[]).await;
        }
        finish::Step::Conclude {
            next,
            outcome,
            callback,
        } => {
            transaction.put_pending(principal, &next)?;
            transaction.commit().await?;
            return show::respond(&driver.storage, principal, &outcome, &callback, &next.asked, &[]).await;
        }
        finish::Step::Exchange {
            next,
            code,
            redirect_uri,
            callback,
        } => (next, TokenRequest::AuthorizationCode { code, redirect_uri }, callback),
        finish::Step::Confirm {
            next,
            user_id,
            mode,
            callback,
        } => {
            transaction.put_pending(principal, &next)?;
            transaction.commit().await?;
            return confirm::confirm(driver, &profile, &next, user_id, mode, &callback).await;
        }
    };
    transaction.put_pending(principal, &next)?;
    transaction.commit().await?;
    let started = clock::now();
    let outcome = smartcar::token(&driver.publisher.env, driver.config.access.owner_client(), &wanted).await;
    let code = token::outcome_code(&outcome);
    telemetry::record(&driver.publisher.env, LogEvent::Exchange, code, started, None);
    store_grant(driver, &profile, &next, outcome, &callback).await
}

/// What became of an attempt of the caller's.
pub(super) async fn attempt(
    driver: &Driver,
    caller: &Caller,
    fingerprint: &StateFingerprint,
) -> Result<VaultReply, Refusal> {
    let refused = |error: StateError| Refusal::Refused(error.into());
    let Some(profile) = driver.visit(caller).await? else {
        return Err(refused(StateError::Unknown));
    };
    let record = driver.storage.pending(&profile.principal, fingerprint.as_str()).await?;
    let progress = finish::progress(record.as_ref(), clock::now()).map_err(refused)?;
    let connections = show::connections(&driver.storage, &profile.principal).await?;
    let answer = attempt_reply(&progress, &connections)?;
    Ok(VaultReply::Body(serde_json::to_string(&answer)?))
}

/// Keeps what the exchange brought: first of all durably, then the vehicles and the user are asked for.
async fn store_grant(
    driver: &Rc<Driver>,
    started_by: &Profile,
    pending: &PendingRecord,
    outcome: TokenResult,
    callback: &Callback,
) -> Result<String, Refusal> {
    let principal = &started_by.principal;
    let mut transaction = driver.storage.begin().await;
    let is_forgotten = driver.has_forgotten(started_by).await?;
    let grant = outcome.and_then(|mut tokens| match tokens.refresh_token.take() {
        Some(refresh_token) => Ok((tokens, refresh_token)),
        None => Err(TokenError::UnreadableResponse),
    });
    let (tokens, refresh_token) = match grant {
        Ok((tokens, _)) if is_forgotten => {
            drop(transaction);
            revoke_orphaned_grant(driver, &started_by.external_id, tokens.access_token).await;
            return Err(deleted_meanwhile().into());
        }
        Err(error) if is_forgotten => return Err(exchange_problem(error).into()),
        Ok(grant) => grant,
        Err(error) => {
            let concluded = finish::concluded(pending, ExchangeResult::ExchangeFailed(error));
            transaction.put_pending(principal, &concluded)?;
            transaction.commit().await?;
            return Err(exchange_problem(error).into());
        }
    };
    let id = ConnectionId::from_random(random::bytes()?);
    let former = Former::all(&driver.storage.records(principal).await?);
    let record = Record::Live(Live::granted(tokens, refresh_token, clock::now()));
    transaction.put_record(principal, &id, &record)?;
    // Whatever the vehicles: the sweep of a rotation finds a connection that has ended by the index alone.
    transaction.mark_index_dirty(principal, None).await?;
    let result = ExchangeResult::Connected(id.clone());
    transaction.put_pending(principal, &finish::concluded(pending, result.clone()))?;
    transaction.commit().await?;
    futures_util::future::try_join(
        driver.list_vehicles(principal, &id),
        driver.identify_user(principal, &id),
    )
    .await?;
    let (result, replaced) = settle::settle(driver, principal, pending, &id, &former).await?;
    let answer = show::respond(&driver.storage, principal, &result, callback, &pending.asked, &replaced).await;
    handover::go_on_if_claimed(driver, id);
    answer
}

/// The owner had everything deleted while the code was being exchanged: the new grant is ended, not kept.
async fn revoke_orphaned_grant(driver: &Driver, external_id: &ExternalId, access_token: token::AccessToken) {
    let tokens = OrphanedToken(access_token);
    if let Some(vehicles) = smartcar::vehicles(&tokens, &driver.config.origins.api).await {
        let by = RevokedBy::Owner(tokens.0);
        driver.publisher.revoke(&by, external_id, &vehicles).await;
    }
}

/// A token that no connection has.
struct OrphanedToken(token::AccessToken);

impl TokenSource for OrphanedToken {
    type Token = IssuedToken;
    type Error = NoNewer;

    async fn current(&self) -> Result<IssuedToken, NoNewer> {
        Ok(IssuedToken {
            connection_id: ConnectionId::from_random([0; 16]),
            access_token: self.0.clone(),
            expires_at: clock::now(),
            generation: 1,
            is_marked: false,
        })
    }

    async fn newer(&self, _refused: &IssuedToken) -> Result<IssuedToken, NoNewer> {
        Err(NoNewer)
    }
}

/// There is no other token.
struct NoNewer;
