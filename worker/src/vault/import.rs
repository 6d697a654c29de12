//! Importing a grant whose refresh token the app has kept so far.

use std::rc::Rc;

use smartcar_connect::{
    connect::{ConnectionId, VehicleId},
    edge::{Caller, VaultReply, import_over, token_reply},
    http_api::ProblemCode,
    principal::Principal,
    vault::{
        Import, ImportStep, Record, VehicleIndex, is_of_use,
        life::{Event, Revocation},
    },
};

use super::{connect, driver::Driver, error::Refusal, show};
use crate::{clock, smartcar};

/// Keeps the grant, then has it refreshed and asks what it covers. Whatever ends this in the middle: who sends the same again goes on
/// with what is kept.
pub(super) async fn import(driver: &Rc<Driver>, caller: Caller, import: Import) -> Result<VaultReply, Refusal> {
    let (mut transaction, profile) = connect::welcome(driver, caller).await?;
    let principal = &profile.principal;
    let id = import.connection_id();
    let records = driver.storage.records(principal).await?;
    let record = driver.storage.record(principal, &id).await?;
    match import.step(record.as_ref(), &records, clock::now()) {
        ImportStep::Over => {
            drop(transaction);
            return forget(driver, principal, &id).await;
        }
        ImportStep::Here => drop(transaction),
        ImportStep::Store(live) => {
            let record = Record::Live(*live);
            transaction.put_record(principal, &id, &record)?;
            // Its external id is noted before it stands in KV, so that it is deleted there too.
            transaction.mark_index_dirty(principal, Some(&record)).await?;
            transaction.commit().await?;
        }
    }
    let Some(Record::Live(live)) = driver.storage.record(principal, &id).await? else {
        return show_own(driver, principal, &id).await;
    };
    // One that was moved to v3 since has no tokens of its own.
    if live.owner_tokens().is_some() {
        let reply = driver.token(principal, &id, None).await?;
        if let Err(problem) = token_reply(&id, reply, None) {
            return match driver.storage.record(principal, &id).await? {
                Some(record) if !is_of_use(&record) => forget(driver, principal, &id).await,
                _ => Err(problem.into()),
            };
        }
        let tokens = driver.tokens(principal, &id);
        let vehicles = smartcar::vehicles(&tokens, &driver.config.origins.api).await;
        let covered = vehicles.clone().unwrap_or_default();
        let event = Event::VehiclesListed {
            asked_by: live.asked_by(),
            vehicles,
        };
        driver.let_happen(principal, &id, event).await?;
        driver.supersede(principal).await?;
        driver.identify_user(principal, &id).await?;
        return show_covering(driver, principal, &id, &covered).await;
    }
    show_own(driver, principal, &id).await
}

/// The connection that came of it; where newer ones have all of its cars already, the one that has the first.
async fn show_covering(
    driver: &Rc<Driver>,
    principal: &Principal,
    id: &ConnectionId,
    covered: &[VehicleId],
) -> Result<VaultReply, Refusal> {
    let records = driver.storage.records(principal).await?;
    let is_shown = records.iter().any(|(known, record)| known == id && record.is_shown());
    let index = VehicleIndex::of(&records);
    let newer = covered.iter().find_map(|vehicle| index.connection_of(vehicle));
    let shown = newer.filter(|_| !is_shown).unwrap_or(id);
    show_own(driver, principal, shown).await
}

async fn show_own(driver: &Rc<Driver>, principal: &Principal, id: &ConnectionId) -> Result<VaultReply, Refusal> {
    let shown = show::show(&driver.storage, Some(principal), Some(id)).await;
    // It has ended while it was looked at: Smartcar lists no car of it.
    shown.map_err(|refusal| match refusal {
        Refusal::Refused(problem) if problem.code == ProblemCode::ConnectionNotFound => import_over().into(),
        other => other,
    })
}

/// Nobody could tell which cars a grant was for that is over before Smartcar was asked: nothing is left of it.
async fn forget(driver: &Rc<Driver>, principal: &Principal, id: &ConnectionId) -> Result<VaultReply, Refusal> {
    let event = Event::DisconnectRequested {
        revocation: Revocation::LocalOnly,
        external_id: None,
    };
    driver.let_happen(principal, id, event).await?;
    Err(import_over().into())
}
