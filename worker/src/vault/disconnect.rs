//! Disconnecting a car, and forgetting an owner.

use std::rc::Rc;

use futures_util::{FutureExt as _, StreamExt as _, stream};
use smartcar_connect::{
    connect::ConnectionId,
    principal::Principal,
    token::cycle::CALL_DEADLINE,
    token::is_fresh,
    vault::{
        Learned, Live, Profile, Record, is_forgotten,
        life::{Effect, Event, Revocation},
    },
};

use super::{driver::Driver, error::VaultError, handover};
use crate::{
    clock,
    telemetry::{self, LogEvent},
};

/// How many connections are closed at once.
const CLOSED_AT_ONCE: usize = 3;

/// Closes a connection; `false` if there is none. From the first write on nobody gets a token of it any more.
pub(super) async fn close(driver: &Rc<Driver>, principal: &Principal, id: &ConnectionId) -> Result<bool, VaultError> {
    let record = driver.storage.record(principal, id).await?;
    let was_live = matches!(record, Some(Record::Live(_)));
    match record {
        Some(Record::Live(live)) => {
            // Goes on in the background: a record is never left half-way, and what Smartcar sends late still counts.
            let ready = prepare_revocation(Rc::clone(driver), principal.clone(), id.clone(), live);
            let ready = ready.boxed_local().shared();
            driver.see_to(&ready);
            let _ = clock::within(CALL_DEADLINE, ready).await;
        }
        Some(Record::Ended(_)) => {}
        Some(Record::Leaving(_) | Record::Closing(_) | Record::Tombstone(_)) | None => return Ok(false),
    }
    let started = clock::now();
    let event = Event::DisconnectRequested {
        revocation: Revocation::AtSmartcar,
        external_id: driver.storage.profile().await?.map(|profile| profile.external_id),
    };
    let effects = driver.apply(principal, id, event).await?;
    if was_live && matches!(effects.as_slice(), [Effect::DeleteKv]) {
        // There is no access token to tell Smartcar with, or its list of vehicles did not come.
        telemetry::record(&driver.publisher.env, LogEvent::Disconnect, "not_told", started, None);
    }
    finish_closing(driver, principal, id, effects).await?;
    Ok(true)
}

/// Gets what Smartcar is told with: an access token, and the lists of the vehicles that this connection covers and the
/// others do. Where that fails the grant is deleted all the same.
async fn prepare_revocation(driver: Rc<Driver>, principal: Principal, id: ConnectionId, live: Live) {
    let is_fresh = |at| is_fresh(at, clock::now());
    let tokens = live.owner_tokens();
    if tokens.is_some_and(|tokens| !is_fresh(tokens.pair.access_expires_at)) {
        let _ = driver.token(&principal, &id, None).await;
    }
    if let Err(error) = list_all(&driver, &principal).await {
        error.log();
    }
}

async fn list_all(driver: &Rc<Driver>, principal: &Principal) -> Result<(), VaultError> {
    for (id, record) in driver.storage.records(principal).await? {
        if let Record::Live(live) = record
            && matches!(live.vehicles, Learned::Unknown { .. })
        {
            driver.list_vehicles(principal, &id).await?;
        }
    }
    Ok(())
}

/// Like running the effects, but with KV written before the answer.
async fn finish_closing(
    driver: &Rc<Driver>,
    principal: &Principal,
    id: &ConnectionId,
    effects: Vec<Effect>,
) -> Result<(), VaultError> {
    for effect in effects {
        if let Effect::Revoke { by, vehicles } = effect {
            driver.revoke_uncovered(principal, id, &by, &vehicles).await?;
            driver.apply(principal, id, Event::SmartcarNotified).await?;
        }
    }
    driver.sync_kv(principal, id).await
}

/// Closes a connection that is to be deleted, hands it over if it was claimed, or goes on with what was begun.
async fn resume_closing(
    driver: &Rc<Driver>,
    profile: &Profile,
    id: &ConnectionId,
    record: &Record,
) -> Result<(), VaultError> {
    let principal = &profile.principal;
    match record {
        Record::Live(_) | Record::Ended(_) if profile.claimed_by.is_some() => {
            handover::go_on(driver, profile, id).await
        }
        Record::Leaving(_) => driver.wake(principal, id).await,
        Record::Live(_) | Record::Ended(_) => close(driver, principal, id).await.map(|_| ()),
        Record::Closing(_) => {
            let effects = driver.apply(principal, id, Event::AlarmFired).await?;
            finish_closing(driver, principal, id, effects).await
        }
        Record::Tombstone(_) => {
            if driver.apply(principal, id, Event::AlarmFired).await?.is_empty() {
                Ok(())
            } else {
                driver.sync_kv(principal, id).await
            }
        }
    }
}

/// Disconnects everything of the principal. The vault is deleted when that has been over for some minutes: until then
/// tombstones look after what may still arrive in KV. If this is interrupted or KV fails, the alarm goes on with it.
pub(super) async fn delete_principal(driver: &Rc<Driver>, profile: Profile) -> Result<(), VaultError> {
    let storage = &driver.storage;
    let principal = &profile.principal;
    begin_deletion(driver, &profile).await?;
    let closed: Vec<Result<(), VaultError>> = stream::iter(storage.records(principal).await?)
        .map(|(id, record)| {
            let profile = &profile;
            async move { resume_closing(driver, profile, &id, &record).await }
        })
        .buffer_unordered(CLOSED_AT_ONCE)
        .collect()
        .await;
    // Not before all are through: none is stopped half-way because of another.
    closed.into_iter().collect::<Result<(), VaultError>>()?;
    let rest = driver.publisher.delete_rest(storage, &profile).await?;
    let transaction = storage.begin().await;
    let profile = storage.profile().await?;
    // A ticket that was used must be known to have been for as long as it lives.
    let sessions = storage.sessions(principal).await?.without_what_is_over(clock::now());
    if is_forgotten(profile.as_ref(), &storage.records(principal).await?, rest) && sessions.kept_until().is_none() {
        transaction.delete_everything().await
    } else {
        // The owner came back, or the alarm goes on with it.
        Ok(())
    }
}

/// Marks every connection as closed, and goes on with that in the background: the owner is back before a deletion that
/// was begun came to its end.
pub(super) async fn close_everything(driver: &Rc<Driver>, principal: &Principal) -> Result<(), VaultError> {
    // Whoever comes back has another one.
    let external_id = driver.storage.profile().await?.map(|profile| profile.external_id);
    for (id, _) in driver.storage.records(principal).await? {
        let event = Event::DisconnectRequested {
            revocation: Revocation::AtSmartcar,
            external_id: external_id.clone(),
        };
        let effects = driver.apply(principal, &id, event).await?;
        let (owned, principal) = (Rc::clone(driver), principal.clone());
        driver.in_background(async move {
            if let Err(error) = finish_closing(&owned, &principal, &id, effects).await {
                error.log();
            }
        });
    }
    Ok(())
}

/// From here on nothing can be connected that was started before.
async fn begin_deletion(driver: &Driver, profile: &Profile) -> Result<(), VaultError> {
    let mut transaction = driver.storage.begin().await;
    transaction.delete_pendings().await?;
    if !profile.principal.is_anonymous() {
        let ended = driver
            .storage
            .sessions(&profile.principal)
            .await?
            .all_ended(&profile.principal);
        transaction.put_sessions(&profile.principal, &ended.without_what_is_over(clock::now()))?;
    }
    transaction.put_profile(&Profile {
        closing: true,
        ..profile.clone()
    })?;
    transaction.commit().await
}
