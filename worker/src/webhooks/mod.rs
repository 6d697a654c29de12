//! The Durable Object `WebhookInbox`: keeps each event of Smartcar's from before it is acknowledged until the vaults of its owner
//! have heard of it and the app has it.
//!
//! It decides nothing: `smartcar_connect::webhook` does. Its alarm does the work.

mod alarm;
mod forward;
mod owners;
mod storage;

use std::{fmt, rc::Rc};

use smartcar_connect::{
    edge::{Config, InboxReply, Misconfiguration},
    time::Millis,
    webhook::{Arrival, InboxEvent, ReceivedEvent},
};
use wasm_bindgen::{JsValue, prelude::wasm_bindgen};
use worker::{DurableObject, Env, Request, Response, State, durable_object};
use zeroize::Zeroizing;

use self::storage::{InboxError, Storage};
use crate::{clock, settings};

/// When an alarm is repeated that only an operator can let do its work.
const MISCONFIGURED_TRIED_AFTER: Millis = Millis::from_mins(10);

/// The Durable Object.
#[durable_object(alarm)]
pub struct WebhookInbox {
    state: Rc<State>,
    inbox: Result<Inbox, Misconfiguration>,
}

/// What lives as long as the process.
struct Inbox {
    storage: Storage,
    env: Env,
    config: Rc<Config>,
}

impl fmt::Debug for WebhookInbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WebhookInbox")
    }
}

impl DurableObject for WebhookInbox {
    fn new(state: State, env: Env) -> Self {
        let state = Rc::new(state);
        let inbox = settings::read(&env).map(|config| Inbox {
            storage: Storage::new(Rc::clone(&state), Rc::clone(&config)),
            env,
            config,
        });
        Self { state, inbox }
    }

    /// Its methods are called instead: see `receive`.
    async fn fetch(&self, _request: Request) -> worker::Result<Response> {
        Response::error("an inbox receives, and is not fetched", 405)
    }

    /// Fails only if no alarm can be set: the platform rings again then.
    async fn alarm(&self) -> worker::Result<Response> {
        match &self.inbox {
            Ok(inbox) => alarm::on_alarm(inbox).await?,
            Err(misconfiguration) => {
                worker::console_error!("{misconfiguration}");
                storage::ring_after(&self.state, MISCONFIGURED_TRIED_AFTER).await?;
            }
        }
        Response::empty()
    }
}

#[wasm_bindgen(wasm_bindgen_futures = ::worker::wasm_bindgen_futures, js_sys = ::worker::js_sys)]
impl WebhookInbox {
    /// Keeps a `ReceivedEvent`, as JSON, and answers with an `InboxReply` when it is durable.
    pub async fn receive(&self, event: String) -> Result<String, JsValue> {
        let event = Zeroizing::new(event);
        let reply = match (&self.inbox, serde_json::from_str::<ReceivedEvent>(&event)) {
            (Ok(inbox), Ok(event)) => inbox.receive(event).await.unwrap_or_else(|error| {
                error.log();
                InboxReply::Failed
            }),
            _ => InboxReply::Failed,
        };
        serde_json::to_string(&reply).map_err(|error| JsValue::from_str(&error.to_string()))
    }
}

impl Inbox {
    /// Whether the app wants events.
    fn hands_on(&self) -> bool {
        let forward = self
            .config
            .webhooks
            .as_ref()
            .and_then(|webhooks| webhooks.forward.as_ref());
        forward.is_some() || forward::queue(&self.env).is_some()
    }

    async fn receive(&self, event: ReceivedEvent) -> Result<InboxReply, InboxError> {
        let now = clock::now();
        let mut transaction = self.storage.begin().await;
        let known = transaction.known(&event, now).await?;
        let reply = match known.arrival(&event, self.hands_on(), now) {
            Arrival::NotWanted => return Ok(InboxReply::NotWanted),
            Arrival::Repeated => {
                transaction.note_receipt(&event, now);
                InboxReply::Repeated
            }
            Arrival::Kept { hands_on } => {
                transaction.note_receipt(&event, now);
                transaction.note_errors(&known)?;
                transaction.put(now, &InboxEvent::new(event, hands_on, now))?;
                InboxReply::Kept
            }
        };
        transaction.commit().await?;
        Ok(reply)
    }
}
