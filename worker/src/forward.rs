//! A request to Smartcar for a caller who waits for the answer: with the caller's own end, a deadline of its own, and a body that
//! is handed on as it comes.

use smartcar_connect::{
    api::ApiCall,
    connect::{Origin, UserId},
    time::Millis,
    token::{self, AccessToken},
};
use wasm_bindgen::{JsCast as _, JsValue, prelude::wasm_bindgen};
use worker::js_sys::Uint8Array;
use zeroize::Zeroizing;

use crate::{
    smartcar,
    token_source::{Answered, NoReply},
};

#[wasm_bindgen(
    module = "/src/forward.js",
    wasm_bindgen_futures = ::worker::wasm_bindgen_futures,
    js_sys = ::worker::js_sys
)]
extern "C" {
    type Answer;

    #[wasm_bindgen(method, getter)]
    fn status(this: &Answer) -> u16;

    #[wasm_bindgen(method)]
    fn header(this: &Answer, name: &str) -> Option<String>;

    #[wasm_bindgen(method)]
    fn stream(this: &Answer, limit: u32) -> JsValue;

    #[wasm_bindgen(method, js_name = keptStream)]
    fn kept_stream(this: &Answer, limit: u32) -> JsValue;

    #[wasm_bindgen(method, catch)]
    async fn kept(this: &Answer) -> Result<JsValue, JsValue>;

    #[wasm_bindgen(method)]
    fn discard(this: &Answer);

    #[wasm_bindgen(method, catch)]
    async fn bytes(this: &Answer, limit: u32) -> Result<JsValue, JsValue>;

    #[wasm_bindgen(catch)]
    async fn forward(
        caller: &web_sys::Request,
        method: &str,
        url: &str,
        fields: &str,
        body: Option<&str>,
        deadline: u32,
        left: &JsValue,
    ) -> Result<JsValue, JsValue>;
}

/// An answer whose body has not been read. It has to be read, or discarded: until then its connection is open.
pub(crate) struct Forwarded(Answer);

impl Forwarded {
    /// A header; one that can't be read counts as absent.
    pub(crate) fn header(&self, name: &str) -> Option<String> {
        self.0.header(name)
    }

    /// The body as the platform's stream, which breaks off beyond `limit` bytes.
    pub(crate) fn into_stream(self, limit: u32) -> JsValue {
        self.0.stream(limit)
    }

    /// As `into_stream`, and the whole of it once it has come; `None` if it breaks off.
    pub(crate) fn into_kept_stream(
        self,
        limit: u32,
    ) -> (JsValue, impl Future<Output = Option<Zeroizing<Vec<u8>>>> + 'static) {
        let stream = self.0.kept_stream(limit);
        (stream, async move { read(self.0.kept().await) })
    }

    /// The whole body; `None` if it is longer than `limit` bytes or breaks off.
    pub(crate) async fn into_bytes(self, limit: u32) -> Option<Zeroizing<Vec<u8>>> {
        read(self.0.bytes(limit).await)
    }
}

fn read(bytes: Result<JsValue, JsValue>) -> Option<Zeroizing<Vec<u8>>> {
    let bytes = bytes.ok()?.dyn_into::<Uint8Array>().ok()?;
    Some(Zeroizing::new(bytes.to_vec()))
}

/// As whom a call is made.
pub(crate) struct Bearer<'a> {
    /// Its access token.
    pub(crate) token: &'a AccessToken,
    /// Whose cars are meant, where the token is the application's.
    pub(crate) user_id: Option<&'a UserId>,
}

impl Answered for Forwarded {
    fn status(&self) -> u16 {
        self.0.status()
    }

    fn discard(self) {
        self.0.discard();
    }
}

/// Sends a call with an access token. The function `left` is called at once if the caller goes away.
pub(crate) async fn send(
    caller: &web_sys::Request,
    api: &Origin,
    call: &ApiCall,
    bearer: &Bearer<'_>,
    deadline: Millis,
    left: &JsValue,
) -> Result<Forwarded, NoReply> {
    // No value has a line feed: a token and an id are visible ASCII, and the others are ours.
    let mut fields = Zeroizing::new(
        [
            "authorization\nBearer ",
            bearer.token.expose(),
            "\naccept\napplication/json\nuser-agent\n",
            token::USER_AGENT,
        ]
        .concat(),
    );
    if let Some(user_id) = bearer.user_id {
        for part in ["\n", smartcar::USER_ID, "\n", user_id.as_str()] {
            fields.push_str(part);
        }
    }
    if let Some(units) = call.unit_system() {
        fields.push_str("\nsc-unit-system\n");
        fields.push_str(units.as_str());
    }
    if call.body().is_some() {
        fields.push_str("\ncontent-type\napplication/json");
    }
    let deadline = u32::try_from(deadline.as_millis()).unwrap_or(u32::MAX);
    let method = call.target().endpoint().method.as_str();
    let sent = forward(caller, method, &call.url(api), &fields, call.body(), deadline, left).await;
    let answer = sent.map_err(|_| NoReply::ConnectionLost)?;
    match answer.as_string().as_deref() {
        None => Ok(Forwarded(answer.unchecked_into())),
        Some("timed_out") => Err(NoReply::TimedOut),
        Some(_) => Err(NoReply::ConnectionLost),
    }
}
