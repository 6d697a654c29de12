//! The simulator in Node, which listens and hands every request on to here.

use std::ffi::OsString;

use axum::{
    Router,
    body::{Body, HttpBody as _},
    http::{HeaderName, HeaderValue, Request, Response, header},
};
use http_body_util::BodyExt as _;
use js_sys::{Array, Function, Promise, Uint8Array};
use tower::ServiceExt as _;
use wasm_bindgen::prelude::{JsValue, wasm_bindgen};
use wasm_bindgen_futures::JsFuture;

use crate::{
    args::{self, Command},
    visit::{self, Connection, End},
    world::Shared,
};

/// The text of `--help`.
#[wasm_bindgen]
#[must_use]
pub fn help() -> String {
    args::help("npx smartcar-connect-simulator")
}

/// A simulator that is set to what a command line says.
#[wasm_bindgen]
#[derive(Debug)]
pub struct Simulator {
    router: Router,
    port: u16,
}

#[wasm_bindgen]
impl Simulator {
    /// Takes the arguments after the program's name; `undefined` where they ask for the help.
    ///
    /// # Errors
    /// One sentence for the user.
    #[wasm_bindgen(js_name = fromArguments)]
    pub fn from_arguments(arguments: Vec<String>) -> Result<Option<Self>, String> {
        match args::parse(arguments.into_iter().map(OsString::from))? {
            Command::Help => Ok(None),
            Command::Run {
                port,
                config,
                state,
                verbose,
            } => {
                let shared = Shared::open(*config, state.as_deref())?;
                let router = visit::router(shared, verbose);
                Ok(Some(Self { router, port }))
            }
        }
    }

    /// Where to listen, 0 for any free port.
    #[wasm_bindgen(getter)]
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Answers a request. `headers` are names and values in turn; `gone` resolves when the client has hung up. `head` is called
    /// with the status and the headers, `part` with each part of the body. Returns how the connection is to end: `reset` or
    /// `close`; `undefined` if it need not.
    ///
    /// # Errors
    /// When this is no request of HTTP.
    #[expect(clippy::too_many_arguments, reason = "JavaScript hands over each as it has it")]
    pub async fn answer(
        &self,
        method: String,
        target: String,
        headers: Vec<String>,
        body: Vec<u8>,
        gone: Promise,
        head: Function,
        part: Function,
    ) -> Result<Option<String>, String> {
        let mut request = Request::builder().method(method.as_str()).uri(target);
        for pair in headers.chunks_exact(2) {
            if let [name, value] = pair
                && let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::from_bytes(&latin1(value)))
            {
                request = request.header(name, value);
            }
        }
        let mut request = request.body(Body::from(body)).map_err(|error| error.to_string())?;
        let (connection, mut ends) = Connection::new();
        request.extensions_mut().insert(connection);
        let serving = async {
            match self.router.clone().oneshot(request).await {
                Ok(response) => deliver(response, &head, &part).await,
                Err(never) => match never {},
            }
        };
        let end = tokio::select! {
            biased;
            Some(end) = ends.recv() => Some(end),
            end = serving => end,
            // What was under way is dropped, as with any server.
            _ = JsFuture::from(gone) => None,
        };
        Ok(end.map(|end| {
            let name = match end {
                End::Close => "close",
                End::Reset => "reset",
            };
            name.to_owned()
        }))
    }
}

/// Node reads a header's bytes as Latin-1.
fn latin1(value: &str) -> Vec<u8> {
    value.chars().map(|one| u8::try_from(one).unwrap_or(b'?')).collect()
}

async fn deliver(response: Response<Body>, head: &Function, part: &Function) -> Option<End> {
    let (parts, mut body) = response.into_parts();
    let list = Array::new();
    let push = |name: &str, value: &[u8]| {
        list.push(&JsValue::from_str(name));
        list.push(&JsValue::from_str(&String::from_utf8_lossy(value)));
    };
    for (name, value) in &parts.headers {
        push(name.as_str(), value.as_bytes());
    }
    if let (Some(length), false) = (
        body.size_hint().exact(),
        parts.headers.contains_key(header::CONTENT_LENGTH),
    ) {
        push(header::CONTENT_LENGTH.as_str(), length.to_string().as_bytes());
    }
    let status = JsValue::from(parts.status.as_u16());
    // Whoever has hung up is not told.
    let _ = head.call2(&JsValue::NULL, &status, &list);
    while let Some(frame) = body.frame().await {
        let Ok(frame) = frame else {
            return Some(End::Close);
        };
        if let Some(data) = frame.data_ref() {
            let _ = part.call1(&JsValue::NULL, &Uint8Array::from(data.as_ref()));
        }
    }
    None
}
