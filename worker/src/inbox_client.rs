//! Giving an event to its inbox.

use smartcar_connect::{edge::InboxReply, time::Millis, webhook::ReceivedEvent};
use wasm_bindgen::{JsValue, prelude::wasm_bindgen};
use worker::Env;
use zeroize::Zeroizing;

use crate::{clock, settings};

/// How long an inbox is waited for: Smartcar waits for 15 seconds.
const LONGEST_ANSWER: Millis = Millis::from_secs(10);

#[wasm_bindgen(wasm_bindgen_futures = ::worker::wasm_bindgen_futures, js_sys = ::worker::js_sys)]
extern "C" {
    /// A stub of our own Durable Object.
    type InboxStub;

    /// Calls the `receive` of `webhooks::WebhookInbox`.
    #[wasm_bindgen(method, catch)]
    async fn receive(this: &InboxStub, event: &str) -> Result<JsValue, JsValue>;
}

/// Gives an event to its inbox. Whatever goes wrong is a failure: Smartcar sends the event again.
pub(crate) async fn give(env: &Env, event: &ReceivedEvent) -> InboxReply {
    try_give(env, event).await.unwrap_or(InboxReply::Failed)
}

async fn try_give(env: &Env, event: &ReceivedEvent) -> Option<InboxReply> {
    let namespace = env.durable_object(settings::WEBHOOK_INBOX).ok()?;
    let stub = namespace.get_by_name(&event.inbox()).ok()?.into_rpc::<InboxStub>();
    let event = Zeroizing::new(serde_json::to_string(event).ok()?);
    let reply = clock::within(LONGEST_ANSWER, stub.receive(&event)).await?.ok()?;
    serde_json::from_str(&reply.as_string()?).ok()
}
