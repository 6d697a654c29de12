//! The sessions of the principal: who is let in, and who signs in and out.

use std::rc::Rc;

use smartcar_connect::{
    edge::{Caller, Problem, VaultReply},
    http_api::ProblemCode,
    identity::{SessionId, ShownSession},
    principal::Principal,
    time::Millis,
    vault::{OpeningError, UsedTicket},
};

use super::{
    connect,
    driver::Driver,
    error::{Refusal, VaultError},
};
use crate::clock;

/// Refuses a session that was ended.
pub(super) async fn admit(driver: &Driver, caller: &Caller) -> Result<(), Refusal> {
    let Some(shown) = &caller.session else { return Ok(()) };
    let storage = &driver.storage;
    let is_empty = storage.profile().await?.is_none();
    if is_empty && caller.principal.is_anonymous() {
        // Nothing was ever kept of it, or nothing is any more.
        return Ok(());
    }
    let sessions = storage.sessions(&caller.principal).await?;
    if is_empty || !sessions.admit(&caller.principal, &shown.id) {
        return Err(ended());
    }
    if sessions.renewed(shown).is_none() {
        return Ok(());
    }
    let mut transaction = storage.begin().await;
    if let Some(renewed) = storage.sessions(&caller.principal).await?.renewed(shown) {
        transaction.put_sessions(&caller.principal, &renewed)?;
        transaction.commit().await?;
    }
    Ok(())
}

/// What a session is told that was ended.
pub(super) fn ended() -> Refusal {
    let detail = "the session was ended: open a new one, or make the browser forget it by `DELETE /session`";
    Problem::new(ProblemCode::SessionMissing, detail).into()
}

/// A ticket opens a session, once: what says so is durable before the browser hears of the session.
pub(super) async fn open(
    driver: &Rc<Driver>,
    caller: Caller,
    ticket: UsedTicket,
    session: ShownSession,
    replaced: Option<&SessionId>,
) -> Result<VaultReply, Refusal> {
    let (mut transaction, profile) = connect::welcome(driver, caller).await?;
    let sessions = driver.storage.sessions(&profile.principal).await?;
    let opened = sessions
        .opened(ticket, session, replaced, clock::now())
        .map_err(|error| match error {
            OpeningError::Used => Problem::new(
                ProblemCode::TicketRejected,
                "the ticket has opened a session before: ask your back end for a new one",
            ),
            OpeningError::TooMany => Problem::new(
                ProblemCode::TooManyRequests,
                "too many sessions of this user were opened within minutes",
            )
            .with_retry_after(Millis::from_mins(1)),
        })?;
    transaction.put_sessions(&profile.principal, &opened)?;
    transaction.commit().await?;
    Ok(VaultReply::Done)
}

/// Ends the session of the caller, or all sessions of the principal.
pub(super) async fn end(driver: &Driver, caller: &Caller, everywhere: bool) -> Result<VaultReply, Refusal> {
    let storage = &driver.storage;
    if driver.visit(caller).await?.is_none() {
        return Ok(VaultReply::Done);
    }
    let principal = &caller.principal;
    let mut transaction = storage.begin().await;
    let sessions = storage.sessions(principal).await?;
    let ended = match &caller.session {
        _ if everywhere => sessions.all_ended(principal),
        Some(shown) => sessions.ended(principal, &shown.id),
        None => return Ok(VaultReply::Done),
    };
    transaction.put_sessions(principal, &ended)?;
    transaction.commit().await?;
    Ok(VaultReply::Done)
}

/// Forgets the sessions and tickets that are over.
pub(super) async fn forget(driver: &Driver, principal: &Principal) -> Result<(), VaultError> {
    let storage = &driver.storage;
    let mut transaction = storage.begin().await;
    let left = storage.sessions(principal).await?.without_what_is_over(clock::now());
    transaction.put_sessions(principal, &left)?;
    transaction.commit().await
}
