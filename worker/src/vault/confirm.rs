//! Finishing a connection of Smartcar's v3: nothing is exchanged. Smartcar's list of connections has to say that the user whom the
//! callback names has connected cars with the owner's external id.

use std::rc::Rc;

use smartcar_connect::{
    api::{ApiVersion, ConnectionFilter, ListedConnection, Ownership, VehicleMode},
    connect::{Callback, ConnectionId, UserId},
    edge::{CONFIRMATION_WAITS, Problem, deleted_meanwhile, not_confirmed},
    time::Millis,
    vault::{
        Former, Live, Profile, Record, covered_vehicles,
        finish::{self, ExchangeResult, PendingRecord},
        life::RevokedBy,
    },
};

use super::{
    driver::Driver,
    error::{Refusal, VaultError},
    handover, settle, show,
};
use crate::{clock, random, smartcar};

/// Keeps what Smartcar confirms: durably, and then it is told.
pub(super) async fn confirm(
    driver: &Rc<Driver>,
    started_by: &Profile,
    pending: &PendingRecord,
    user_id: UserId,
    mode: VehicleMode,
    callback: &Callback,
) -> Result<String, Refusal> {
    let principal = &started_by.principal;
    let connected = ask(driver, started_by, &user_id, mode).await?;
    let vehicles = covered_vehicles(&connected);
    let mut transaction = driver.storage.begin().await;
    let is_forgotten = driver.has_forgotten(started_by).await?;
    if is_forgotten {
        drop(transaction);
        let ids: Vec<_> = vehicles.into_iter().map(|vehicle| vehicle.id).collect();
        let by = RevokedBy::Application {
            user_id,
            mode,
            external_id: None,
            made_with: ApiVersion::V3,
        };
        driver.publisher.revoke(&by, &started_by.external_id, &ids).await;
        return Err(deleted_meanwhile().into());
    }
    let id = match connection_of(driver, started_by, &user_id, mode).await? {
        Some(id) => id,
        None => ConnectionId::from_random(random::bytes()?),
    };
    let former = Former::all(&driver.storage.records(principal).await?);
    let live = Live::confirmed(mode, user_id, vehicles, clock::now());
    let record = Record::Live(live);
    transaction.put_record(principal, &id, &record)?;
    // The newest one: it takes its vehicles from older ones. Its user is noted before KV is, so that it is deleted there too.
    transaction.mark_index_dirty(principal, Some(&record)).await?;
    let result = ExchangeResult::Connected(id.clone());
    transaction.put_pending(principal, &finish::concluded(pending, result.clone()))?;
    transaction.commit().await?;
    driver.supersede(principal).await?;
    driver.publish_in_background(principal, &id);
    let (result, replaced) = settle::settle(driver, principal, pending, &id, &former).await?;
    let answer = show::respond(&driver.storage, principal, &result, callback, &pending.asked, &replaced).await;
    handover::go_on_if_claimed(driver, id);
    answer
}

/// The connection that this user has here already: a consent that is given again goes on with it.
async fn connection_of(
    driver: &Driver,
    profile: &Profile,
    user_id: &UserId,
    mode: VehicleMode,
) -> Result<Option<ConnectionId>, VaultError> {
    let records = driver.storage.records(&profile.principal).await?;
    let is_same = |record: &Record| record.live().is_some_and(|live| live.is_given_again(user_id, mode));
    Ok(records
        .into_iter()
        .find(|(_, record)| is_same(record))
        .map(|(id, _)| id))
}

/// Asks Smartcar's list, and again if the consent is not in it yet.
async fn ask(
    driver: &Driver,
    profile: &Profile,
    user_id: &UserId,
    mode: VehicleMode,
) -> Result<Vec<ListedConnection>, Problem> {
    for wait in [Millis::ZERO].into_iter().chain(CONFIRMATION_WAITS) {
        clock::sleep(wait).await;
        match ask_once(driver, profile, user_id, mode).await? {
            Ownership::Confirmed(connected) => return Ok(connected),
            Ownership::NoSuchConnection | Ownership::Unproven(_) => {}
        }
    }
    Err(not_confirmed())
}

async fn ask_once(
    driver: &Driver,
    profile: &Profile,
    user_id: &UserId,
    mode: VehicleMode,
) -> Result<Ownership, Problem> {
    let list = async |external_id: &str| {
        let filter = ConnectionFilter {
            user_id: Some(user_id),
            external_id: Some(external_id),
            vehicle_id: None,
            mode,
        };
        smartcar::connections(&driver.publisher.env, &driver.config.origins.vehicle, &filter).await
    };
    let external_id = &profile.external_id;
    let ownership = Ownership::judge(list(external_id.as_str()).await?, user_id, external_id);
    let Ownership::Unproven(listed) = ownership else {
        return Ok(ownership);
    };
    let nobody = random::id().map_err(|_| Problem::from(VaultError::NoRandomness))?;
    let control = Ownership::of_user(list(&nobody).await?, user_id);
    Ok(Ownership::proven(listed, &control))
}
