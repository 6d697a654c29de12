//! Importing a grant whose refresh token the app has kept so far.

use std::rc::Rc;

use smartcar_connect::{
    connect::ConnectionId,
    edge::{Caller, VaultReply, import_over, token_reply},
    principal::Principal,
    vault::{
        Import, ImportStep, Record, is_of_use,
        life::{Event, Revocation},
    },
};

use super::{connect, driver::Driver, error::Refusal, show};
use crate::clock;

/// Keeps the grant, then has it refreshed and asks what it covers. Whatever ends this in the middle: who sends the same again goes on
/// with what is kept.
pub(super) async fn import(driver: &Rc<Driver>, caller: Caller, import: Import) -> Result<VaultReply, Refusal> {
    let (mut transaction, profile) = connect::welcome(driver, caller).await?;
    let principal = &profile.principal;
    let id = import.connection_id();
    let record = driver.storage.record(principal, &id).await?;
    match import.step(record.as_ref(), clock::now()) {
        ImportStep::Over => {
            drop(transaction);
            return forget(driver, principal, &id).await;
        }
        ImportStep::Here => drop(transaction),
        ImportStep::Store(live) => {
            transaction.put_record(principal, &id, &Record::Live(*live))?;
            transaction.mark_index_dirty(principal, None).await?;
            transaction.commit().await?;
        }
    }
    let reply = driver.token(principal, &id, None).await?;
    if let Err(problem) = token_reply(&id, reply, None) {
        return match driver.storage.record(principal, &id).await? {
            Some(record) if !is_of_use(&record) => forget(driver, principal, &id).await,
            _ => Err(problem.into()),
        };
    }
    futures_util::future::try_join(
        driver.list_vehicles(principal, &id),
        driver.identify_user(principal, &id),
    )
    .await?;
    show::show(&driver.storage, Some(principal), Some(&id)).await
}

/// Nobody could tell which cars a grant was for that is over before Smartcar was asked: nothing is left of it.
async fn forget(driver: &Rc<Driver>, principal: &Principal, id: &ConnectionId) -> Result<VaultReply, Refusal> {
    let revocation = Revocation::LocalOnly;
    driver
        .let_happen(principal, id, Event::DisconnectRequested { revocation })
        .await?;
    Err(import_over().into())
}
