//! Sealing again, with the active key, what a retired one sealed.

use std::rc::Rc;

use smartcar_connect::edge::VaultReply;

use super::{driver::Driver, error::VaultError};

/// Seals this vault with the active key and writes all of KV again: storage does not tell which key sealed a copy there.
pub(super) async fn reseal(driver: &Rc<Driver>) -> Result<VaultReply, VaultError> {
    let Some(profile) = driver.storage.profile().await? else {
        return Ok(VaultReply::Done);
    };
    let principal = &profile.principal;
    let failed = driver.reseal(principal).await?;
    let mut transaction = driver.storage.begin().await;
    if driver.storage.profile().await?.is_none() {
        // Deleted while this waited for its turn: nobody would look after an index.
        return Ok(VaultReply::Done);
    }
    transaction.mark_index_dirty(principal, None).await?;
    transaction.commit().await?;
    for (id, _) in driver.storage.records(principal).await? {
        driver.sync_kv(principal, &id).await?;
    }
    driver.sync_index(principal).await?;
    Ok(VaultReply::Resealed { failed })
}
