//! The alarm of an inbox: tells the vaults, hands events on, and forgets what is over.

use futures_util::{StreamExt as _, future, stream};
use smartcar_connect::{
    time::Millis,
    webhook::{Errand, InboxEvent},
};

use super::{
    Inbox, forward, owners,
    storage::{self, InboxError},
};
use crate::{
    clock,
    telemetry::{self, LogEvent},
};

/// When an alarm that could not do its work is repeated.
const AFTER_ERROR: Millis = Millis::from_mins(1);

/// For how long one alarm begins to call the app. What is left has its turn in the next, after the vaults of newer events.
const HANDING_ON: Millis = Millis::from_secs(15);

/// How many events of each kind of errand one alarm takes up.
const MOST: usize = 24;

/// How many of them at once: a Durable Object may have six connections open.
const AT_ONCE: usize = 4;

/// Does what is due and sets the alarm again. Fails only if no alarm can be set.
pub(super) async fn on_alarm(inbox: &Inbox) -> worker::Result<()> {
    let pause = match run_due(inbox).await {
        Ok(()) => Millis::ZERO,
        Err(error) => {
            error.log();
            AFTER_ERROR
        }
    };
    match inbox.storage.rearm(pause).await {
        Ok(()) => Ok(()),
        Err(error) => {
            error.log();
            storage::ring_after(inbox.storage.state(), AFTER_ERROR).await
        }
    }
}

/// The vaults first: an app that does not answer must not keep a mark from a car.
async fn run_due(inbox: &Inbox) -> Result<(), InboxError> {
    forget(inbox).await?;
    let told = stream::iter(due(inbox, Errand::Tell).await?)
        .map(|name| tell(inbox, name))
        .buffer_unordered(AT_ONCE)
        .collect::<Vec<_>>()
        .await;
    let until = clock::now().after(HANDING_ON);
    let handed_on = stream::iter(due(inbox, Errand::HandOn).await?)
        .take_while(|_| future::ready(clock::now() < until))
        .map(|name| hand_on(inbox, name))
        .buffer_unordered(AT_ONCE)
        .collect::<Vec<_>>()
        .await;
    told.into_iter().chain(handed_on).collect()
}

async fn forget(inbox: &Inbox) -> Result<(), InboxError> {
    let transaction = inbox.storage.begin().await;
    transaction.forget(clock::now()).await?;
    transaction.commit().await
}

/// What is due of a kind of errand, by name.
async fn due(inbox: &Inbox, errand: Errand) -> Result<Vec<String>, InboxError> {
    let transaction = inbox.storage.begin().await;
    transaction.due(errand, clock::now(), MOST).await
}

/// Notes an attempt of an event before it is made: one that ends the process each time is not tried without end, and takes no
/// attempt away from another. `None` when all were made.
async fn begin(inbox: &Inbox, name: String) -> Result<Option<(String, InboxEvent)>, InboxError> {
    let now = clock::now();
    let mut transaction = inbox.storage.begin().await;
    let Some(event) = transaction.event(&name, now).await? else {
        transaction.commit().await?;
        return Ok(None);
    };
    let begun = match event.begun(now) {
        Some((event, due)) => Some((transaction.put(due, &event)?, event)),
        None => {
            let outcome = match event.errand {
                Errand::TellThenHandOn | Errand::Tell => "owner_not_told",
                Errand::HandOn => "given_up",
            };
            log(inbox, outcome, &event);
            None
        }
    };
    transaction.delete(name);
    transaction.commit().await?;
    Ok(begun)
}

/// Tells the vaults of an event once, and keeps what is left to do.
async fn tell(inbox: &Inbox, name: String) -> Result<(), InboxError> {
    let Some((name, event)) = begin(inbox, name).await? else {
        return Ok(());
    };
    let (all, principals) = owners::tell(inbox, &event).await;
    let after = event.told(all, principals);
    let mut transaction = inbox.storage.begin().await;
    if let Some(event) = after.hand_on {
        transaction.put(clock::now(), &event)?;
    }
    match after.tell {
        Some(event) => transaction.put_again(&name, &event)?,
        None => transaction.delete(name),
    }
    transaction.commit().await
}

/// Hands an event on to the app once.
async fn hand_on(inbox: &Inbox, name: String) -> Result<(), InboxError> {
    let Some((name, event)) = begin(inbox, name).await? else {
        return Ok(());
    };
    if !forward::hand_on(inbox, &event).await {
        log(inbox, "not_handed_on", &event);
        return Ok(());
    }
    log(inbox, "handed_on", &event);
    let mut transaction = inbox.storage.begin().await;
    transaction.delete(name);
    transaction.commit().await
}

fn log(inbox: &Inbox, outcome: &'static str, event: &InboxEvent) {
    telemetry::record(&inbox.env, LogEvent::Webhook, outcome, event.received_at, None);
}
