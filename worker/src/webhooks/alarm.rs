//! The alarm of an inbox: tells the vaults, hands events on, and forgets what is over.

use futures_util::{StreamExt as _, stream};
use smartcar_connect::{time::Millis, webhook::InboxEvent};

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

/// How many events one alarm takes up.
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

async fn run_due(inbox: &Inbox) -> Result<(), InboxError> {
    let names = due(inbox).await?;
    let results: Vec<Result<(), InboxError>> = stream::iter(names)
        .map(|name| attempt(inbox, name))
        .buffer_unordered(AT_ONCE)
        .collect()
        .await;
    results.into_iter().collect()
}

/// What is due, by name.
async fn due(inbox: &Inbox) -> Result<Vec<String>, InboxError> {
    let now = clock::now();
    let transaction = inbox.storage.begin().await;
    transaction.forget(now).await?;
    let names = transaction.due(now, MOST).await?;
    transaction.commit().await?;
    Ok(names)
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
            telemetry::record(&inbox.env, LogEvent::Webhook, "given_up", event.received_at, None);
            None
        }
    };
    transaction.delete(name);
    transaction.commit().await?;
    Ok(begun)
}

/// Makes one attempt, and keeps what is left to do.
async fn attempt(inbox: &Inbox, name: String) -> Result<(), InboxError> {
    let Some((name, event)) = begin(inbox, name).await? else {
        return Ok(());
    };
    let before = event.clone();
    let mut event = if event.told {
        event
    } else {
        let (all, principals) = owners::tell(inbox, &event).await;
        event.told(all, principals)
    };
    if event.is_to_hand_on() {
        event.handed_on = forward::hand_on(inbox, &event).await;
        let outcome = if event.handed_on { "handed_on" } else { "not_handed_on" };
        telemetry::record(&inbox.env, LogEvent::Webhook, outcome, event.received_at, None);
    }
    let mut transaction = inbox.storage.begin().await;
    if event.is_done() {
        transaction.delete(name);
    } else if event != before {
        transaction.put_again(&name, &event)?;
    } else {
        return Ok(());
    }
    transaction.commit().await
}
