//! The alarm: takes up whatever is due, and whatever a process that died has left.

use std::rc::Rc;

use smartcar_connect::{
    principal::Principal,
    time::{Millis, UnixMillis},
    vault::{Profile, is_vault_empty},
};

use super::{
    disconnect,
    driver::Driver,
    error::VaultError,
    sessions,
    storage::{self, Alarms},
};
use crate::{
    clock,
    telemetry::{self, LogEvent},
};

/// When an alarm that could not do its work is repeated.
const AFTER_ERROR: Millis = Millis::from_mins(1);

/// Does all that is due and sets the alarm again. Fails only if no alarm can be set.
pub(super) async fn on_alarm(driver: &Rc<Driver>) -> worker::Result<()> {
    let rearmed = match run_due(driver).await {
        Ok(()) => driver.storage.rearm(Millis::ZERO).await,
        Err(error) => {
            error.log();
            driver.storage.rearm(AFTER_ERROR).await
        }
    };
    let Err(error) = rearmed else { return Ok(()) };
    error.log();
    let pause = match error {
        VaultError::Sealed(_) => storage::SEALED_TRIED_AFTER,
        _ => AFTER_ERROR,
    };
    driver.storage.rearm_after(pause).await.map_err(|error| {
        error.log();
        worker::Error::from("the alarm could not be set")
    })
}

/// Does all that is due. The first error is reported when everything has had its turn.
async fn run_due(driver: &Rc<Driver>) -> Result<(), VaultError> {
    let Some(profile) = driver.storage.profile().await? else {
        // Nothing can be opened or looked after without its owner.
        return driver.storage.begin().await.delete_everything().await;
    };
    let now = clock::now();
    let alarms = driver.storage.alarms().await?;
    let is_due = |key: &str| alarms.get(key).is_some_and(|at| *at <= now);
    if profile.closing || is_due(storage::PROFILE) {
        return disconnect::delete_principal(driver, profile).await;
    }
    forget_attempts(driver, &profile.principal, &alarms, now).await?;
    let mut result = Ok(());
    for id in alarms
        .keys()
        .filter(|key| is_due(key))
        .filter_map(|key| storage::connection_of(key))
    {
        result = result.and(driver.wake(&profile.principal, &id).await);
    }
    if is_due(storage::SESSIONS) {
        result = result.and(sessions::forget(driver, &profile.principal).await);
    }
    if is_due(storage::INDEX) {
        result = result.and(driver.sync_index(&profile.principal).await);
    }
    result.and(delete_if_empty(driver, &profile).await)
}

/// A vault in which nothing was ever connected, or nothing is any more, is not kept.
async fn delete_if_empty(driver: &Driver, profile: &Profile) -> Result<(), VaultError> {
    let transaction = driver.storage.begin().await;
    let (has_attempts, has_records) = driver.storage.has_attempts_and_records().await?;
    let index = driver.storage.index_record(&profile.principal).await?;
    let has_sessions = driver
        .storage
        .sessions(&profile.principal)
        .await?
        .kept_until()
        .is_some();
    if is_vault_empty(has_attempts, has_records, index.as_ref()) && !has_sessions {
        transaction.delete_everything().await
    } else {
        Ok(())
    }
}

/// Forgets the attempts that are over. That nothing came back of one or several has a line: an error page at Smartcar, from which nobody
/// is sent back, shows in nothing else.
async fn forget_attempts(
    driver: &Driver,
    principal: &Principal,
    alarms: &Alarms,
    now: UnixMillis,
) -> Result<(), VaultError> {
    let due = alarms
        .iter()
        .filter(|(key, at)| **at <= now && storage::is_pending(key));
    let due: Vec<&String> = due.map(|(key, _)| key).collect();
    let mut transaction = driver.storage.begin().await;
    let attempts = match due.as_slice() {
        [] => Vec::new(),
        _ => driver.storage.pendings(principal).await?,
    };
    let unanswered = attempts
        .iter()
        .filter(|record| record.used.is_none() && record.kept_until(now) <= now);
    let unanswered_since = unanswered.map(|record| record.pending.started_at()).min();
    for key in due {
        transaction.delete_key(key);
    }
    transaction.commit().await?;
    if let Some(since) = unanswered_since {
        telemetry::record(&driver.publisher.env, LogEvent::Attempt, "unanswered", since, None);
    }
    Ok(())
}
