//! Connections on their way to the vault of the user who has claimed them.

use std::rc::Rc;

use futures_util::{StreamExt as _, stream};
use smartcar_connect::{
    connect::ConnectionId,
    vault::{Profile, life::Event},
};

use super::{driver::Driver, error::VaultError};

/// How many connections are handed over at once.
const HANDED_OVER_AT_ONCE: usize = 3;

/// Everything of a vault that was claimed goes on its way. What fails is left to the alarm.
pub(super) async fn go_on_with_all(driver: Rc<Driver>, profile: Profile) {
    let Ok(records) = driver.storage.records(&profile.principal).await else {
        return worker::console_error!("what was claimed could not be read; the alarm goes on with it");
    };
    let (driver, profile) = (&driver, &profile);
    stream::iter(records)
        .for_each_concurrent(HANDED_OVER_AT_ONCE, async |(id, record)| {
            if record.is_shown()
                && let Err(error) = go_on(driver, profile, &id).await
            {
                error.log();
            }
        })
        .await;
}

/// A connection of a vault that was claimed goes on its way.
pub(super) async fn go_on(driver: &Rc<Driver>, profile: &Profile, id: &ConnectionId) -> Result<(), VaultError> {
    let Some(by) = profile.claimed_by.clone() else {
        return Ok(());
    };
    let external_id = profile.external_id.clone();
    let event = Event::Claimed { by, external_id };
    driver.let_happen(&profile.principal, id, event).await
}

/// A connection was made in a vault that may have been claimed meanwhile: then it goes on its way in the background.
pub(super) fn go_on_if_claimed(driver: &Rc<Driver>, id: ConnectionId) {
    let owned = Rc::clone(driver);
    driver.in_background(async move {
        let gone_on = match owned.storage.profile().await {
            Ok(Some(profile)) => go_on(&owned, &profile, &id).await,
            other => other.map(|_| ()),
        };
        if let Err(error) = gone_on {
            error.log();
        }
    });
}
