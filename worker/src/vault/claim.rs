//! Claiming: what an anonymous session has connected goes to the vault of the user who has signed in.

use std::rc::Rc;

use futures_util::FutureExt as _;
use smartcar_connect::{
    edge::{Caller, VaultReply},
    principal::Principal,
    time::Millis,
    vault::{
        Claim, Claimant, Handover, HandoverOutcome, Reception, claim,
        finish::{self, PendingRecord},
        receive,
    },
};

use super::{
    connect,
    driver::Driver,
    error::{Refusal, VaultError},
    handover, sessions,
};
use crate::clock;

/// How long a claim waits for connections to arrive. What takes longer arrives later.
const CLAIM_DEADLINE: Millis = Millis::from_secs(5);

/// Somebody is about to claim what a session has connected: what Smartcar is to know that user by.
pub(super) async fn welcome(driver: &Rc<Driver>, caller: Caller) -> Result<VaultReply, Refusal> {
    let (transaction, profile) = connect::welcome(driver, caller).await?;
    transaction.commit().await?;
    Ok(VaultReply::Welcomed(profile.external_id))
}

/// Everything here is claimed. From here on the session opens nothing any more.
pub(super) async fn begin(driver: &Rc<Driver>, caller: &Caller, by: Claimant) -> Result<VaultReply, Refusal> {
    let storage = &driver.storage;
    let mut transaction = storage.begin().await;
    let profile = storage.profile().await?;
    if profile
        .as_ref()
        .is_some_and(|profile| profile.principal != caller.principal)
    {
        return Err(VaultError::WrongPrincipal.into());
    }
    let decided = claim(profile.as_ref(), &by);
    match decided {
        Claim::GoesOn => drop(transaction),
        Claim::ByAnother => return Err(sessions::ended()),
        Claim::Nothing => {
            drop(transaction);
            sessions::admit(driver, caller).await?;
            return Ok(VaultReply::Claimed {
                connections: 0,
                attempts: Vec::new(),
            });
        }
        Claim::Begins(profile) => {
            let known = storage.sessions(&caller.principal).await?;
            if caller
                .session
                .as_ref()
                .is_none_or(|shown| !known.admit(&caller.principal, &shown.id))
            {
                return Err(sessions::ended());
            }
            transaction.put_sessions(&caller.principal, &known.all_ended(&caller.principal))?;
            transaction.put_profile(&profile)?;
            transaction.give_up_external_ids(&caller.principal).await?;
            transaction.commit().await?;
        }
    }
    let Some(profile) = storage.profile().await? else {
        return Err(VaultError::Storage.into());
    };
    let records = storage.records(&profile.principal).await?;
    let claimed = records.iter().filter(|(_, record)| record.is_claimable());
    let connections = u32::try_from(claimed.count()).unwrap_or(u32::MAX);
    let pendings = storage.pendings(&profile.principal).await?;
    let attempts = pendings.into_iter().filter(|pending| pending.used.is_none()).collect();
    let handed_over = handover::go_on_with_all(Rc::clone(driver), profile)
        .boxed_local()
        .shared();
    driver.see_to(&handed_over);
    let _ = clock::within(CLAIM_DEADLINE, handed_over).await;
    Ok(VaultReply::Claimed { connections, attempts })
}

/// A connection arrives that was claimed for this vault.
pub(super) async fn take(
    driver: &Rc<Driver>,
    principal: &Principal,
    handover: Handover,
) -> Result<VaultReply, Refusal> {
    let storage = &driver.storage;
    let id = handover.connection_id.clone();
    let mut transaction = storage.begin().await;
    let profile = storage.profile().await?;
    let known = storage.record(principal, &id).await?;
    let record = match receive(profile.as_ref(), known.as_ref(), handover, clock::now()) {
        Reception::Take(record) => record,
        Reception::Known => return Ok(VaultReply::HandedOver(HandoverOutcome::Taken)),
        Reception::Refuse => return Ok(VaultReply::HandedOver(HandoverOutcome::Refused)),
    };
    transaction.put_record(principal, &id, &record)?;
    transaction.mark_index_dirty(principal, Some(&record)).await?;
    transaction.commit().await?;
    driver.publish_in_background(principal, &id);
    Ok(VaultReply::HandedOver(HandoverOutcome::Taken))
}

/// Attempts that were begun before the log-in can be finished after it.
pub(super) async fn take_attempts(
    driver: &Rc<Driver>,
    caller: Caller,
    attempts: Vec<PendingRecord>,
) -> Result<VaultReply, Refusal> {
    let (mut transaction, profile) = connect::welcome(driver, caller).await?;
    let principal = &profile.principal;
    let mut known = driver.storage.pendings(principal).await?;
    for attempt in attempts {
        let fingerprint = attempt.pending.fingerprint().as_str();
        if driver.storage.pending(principal, fingerprint).await?.is_none() {
            for evicted in finish::evicted(&known) {
                known.retain(|pending| *pending.pending.fingerprint() != evicted);
                transaction.delete_pending(evicted.as_str());
            }
            transaction.put_pending(principal, &attempt)?;
            known.push(attempt);
        }
    }
    transaction.commit().await?;
    Ok(VaultReply::Done)
}
