//! What a new connection means for those before it, and whether there is anything in it: known before the page is answered.

use std::rc::Rc;

use smartcar_connect::{
    connect::ConnectionId,
    http_api::Replaced,
    principal::Principal,
    time::Millis,
    vault::{
        Former, Record,
        finish::{self, ExchangeResult, PendingRecord},
        life::EMPTY_AT_FIRST_BELIEVED_AFTER,
        replaced,
    },
};

use super::{driver::Driver, error::VaultError};
use crate::clock;

/// Later than the list is believed by any clock.
const MARGIN: Millis = Millis::new(100);

/// Settles the connection `id`, which was made and listed just now. Returns what the finish came to, and what the connection has
/// changed of the `former` ones; both are durable.
pub(super) async fn settle(
    driver: &Rc<Driver>,
    principal: &Principal,
    pending: &PendingRecord,
    id: &ConnectionId,
    former: &[Former],
) -> Result<(ExchangeResult, Vec<Replaced>), VaultError> {
    if !has_vehicles(driver, principal, id).await? {
        return conclude(driver, principal, pending, ExchangeResult::NoVehicles, Vec::new()).await;
    }
    // Smartcar may have ended with the new grant what the same user had granted before.
    driver.list_siblings(principal, id).await?;
    let replaced = replaced(former, &driver.storage.records(principal).await?, id);
    let result = ExchangeResult::Connected(id.clone());
    if replaced.is_empty() {
        return Ok((result, replaced));
    }
    conclude(driver, principal, pending, result, replaced).await
}

/// Whether there is a vehicle in a new connection, or may be one. A list that is empty is asked for again; if it still is, nothing is
/// kept of the connection.
async fn has_vehicles(driver: &Rc<Driver>, principal: &Principal, id: &ConnectionId) -> Result<bool, VaultError> {
    let is_empty = async || {
        let record = driver.storage.record(principal, id).await?;
        let live = record.as_ref().and_then(Record::live);
        Ok::<_, VaultError>(live.is_some_and(|live| live.vehicles.known().is_some() && live.is_unlisted()))
    };
    if !is_empty().await? {
        return Ok(true);
    }
    clock::sleep(Millis::new(
        EMPTY_AT_FIRST_BELIEVED_AFTER
            .as_millis()
            .saturating_add(MARGIN.as_millis()),
    ))
    .await;
    driver.list_vehicles(principal, id).await?;
    let record = driver.storage.record(principal, id).await?;
    let is_kept = record.as_ref().is_some_and(Record::is_claimable);
    if !is_kept {
        driver.publish_in_background(principal, id);
    }
    Ok(is_kept)
}

async fn conclude(
    driver: &Driver,
    principal: &Principal,
    pending: &PendingRecord,
    result: ExchangeResult,
    replaced: Vec<Replaced>,
) -> Result<(ExchangeResult, Vec<Replaced>), VaultError> {
    let mut transaction = driver.storage.begin().await;
    // Everything may have been deleted meanwhile: then nothing is written down any more.
    let fingerprint = pending.pending.fingerprint().as_str();
    if driver.storage.pending(principal, fingerprint).await?.is_some() {
        let concluded = finish::concluded_with(pending, result.clone(), replaced.clone());
        transaction.put_pending(principal, &concluded)?;
        transaction.commit().await?;
    }
    Ok((result, replaced))
}
