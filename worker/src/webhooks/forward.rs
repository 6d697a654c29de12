//! Handing an event on to the app: by a queue if one is bound, otherwise by a signed request.

use smartcar_connect::{
    edge::Forward,
    time::Millis,
    token::USER_AGENT,
    webhook::{InboxEvent, message_body},
};
use wasm_bindgen::{JsCast as _, JsValue, prelude::wasm_bindgen};
use worker::{
    AbortController, Env, Fetch,
    js_sys::{Object, Reflect},
};

use super::Inbox;
use crate::{clock, http};

/// The name of the queue's binding.
const QUEUE: &str = "WEBHOOK_QUEUE";

/// How long the app may take to answer, or the queue to take a message.
const DEADLINE: Millis = Millis::from_secs(15);

#[wasm_bindgen(wasm_bindgen_futures = ::worker::wasm_bindgen_futures, js_sys = ::worker::js_sys)]
extern "C" {
    /// A queue: <https://developers.cloudflare.com/queues/configuration/javascript-apis/>.
    pub(super) type Queue;

    #[wasm_bindgen(method, catch)]
    async fn send(this: &Queue, body: &str, options: &Object) -> Result<JsValue, JsValue>;
}

/// The queue, if one is bound.
pub(super) fn queue(env: &Env) -> Option<Queue> {
    let queue = Reflect::get(env, &JsValue::from_str(QUEUE)).ok()?;
    queue.is_object().then(|| queue.unchecked_into())
}

/// Hands an event on. Returns whether the app has it.
pub(super) async fn hand_on(inbox: &Inbox, event: &InboxEvent) -> bool {
    if let Some(queue) = queue(&inbox.env) {
        return enqueue(&queue, event).await;
    }
    match inbox
        .config
        .webhooks
        .as_ref()
        .and_then(|webhooks| webhooks.forward.as_ref())
    {
        Some(forward) => call(forward, event).await,
        // The setting was taken away meanwhile: nobody wants it any more.
        None => true,
    }
}

async fn enqueue(queue: &Queue, event: &InboxEvent) -> bool {
    let options = Object::new();
    if Reflect::set(&options, &"contentType".into(), &"text".into()).is_err() {
        return false;
    }
    let body = message_body(event);
    matches!(clock::within(DEADLINE, queue.send(&body, &options)).await, Some(Ok(_)))
}

/// Calls the app. Only an answer of success counts, nothing of which is read; a redirect is none.
async fn call(forward: &Forward, event: &InboxEvent) -> bool {
    let message = forward.secrets.sign(event, clock::now());
    let headers = [
        ("content-type", "application/json"),
        ("user-agent", USER_AGENT),
        ("webhook-id", message.id.as_str()),
        ("webhook-timestamp", message.timestamp.as_str()),
        ("webhook-signature", message.signature.as_str()),
    ];
    let Ok(request) = http::outgoing("POST", &forward.url, &headers, Some(&message.body)) else {
        return false;
    };
    let controller = AbortController::default();
    let signal = controller.signal();
    let sent = clock::within(DEADLINE, Fetch::Request(request).send_with_signal(&signal)).await;
    let is_taken = matches!(&sent, Some(Ok(answer)) if (200..300).contains(&answer.status_code()));
    controller.abort();
    is_taken
}
