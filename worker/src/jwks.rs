//! The keys of the app's log-in, fetched from its address: at most once at a time in an isolate, and seldom.

use std::{cell::RefCell, rc::Rc, time::Duration};

use futures_util::StreamExt as _;
use smartcar_connect::{
    edge::{Problem, keys_unavailable},
    identity::{FETCH_DEADLINE, JwksCache, JwksStep, KeySet, MAX_KEY_SET_BYTES, UnverifiedJwt},
    token::USER_AGENT,
};
use worker::{AbortController, AbortSignal, Delay, Env, Fetch};

use crate::{
    clock, http,
    telemetry::{self, LogEvent},
};

/// How often a request looks whether the keys are there that another one fetches. It can't await what the other one awaits: the
/// platform ties each call to the request that made it, and ends it with that.
const LOOK_EVERY: Duration = Duration::from_millis(20);

thread_local! {
    /// The address is a setting, and an isolate never sees its settings change.
    static CACHE: RefCell<JwksCache> = RefCell::default();
}

/// The keys with which the token is to be verified.
///
/// # Errors
/// The problem to answer with, if there are none and they can't be fetched.
pub(crate) async fn keys_for(env: &Env, url: &str, token: &UnverifiedJwt<'_>) -> Result<Rc<KeySet>, Problem> {
    let has_key = |keys: &KeySet| token.candidates(keys).next().is_some();
    loop {
        match CACHE.with_borrow_mut(|cache| cache.step(has_key, clock::now())) {
            JwksStep::Use(keys) => return Ok(keys),
            JwksStep::Wait => Delay::from(LOOK_EVERY).await,
            JwksStep::Fetch => refill(env, url).await,
            JwksStep::Unavailable(retry_after) => return Err(keys_unavailable(retry_after)),
        }
    }
}

async fn refill(env: &Env, url: &str) {
    let started_at = clock::now();
    let fetched = fetch(url).await;
    let outcome = fetched.as_ref().err().copied().unwrap_or("fetched");
    telemetry::record(env, LogEvent::Keys, outcome, started_at, None);
    CACHE.with_borrow_mut(|cache| match fetched {
        Ok(keys) => cache.fetched(keys, clock::now()),
        Err(_) => cache.failed(),
    });
}

/// The keys at `url`, or the reason why there are none.
async fn fetch(url: &str) -> Result<KeySet, &'static str> {
    let controller = AbortController::default();
    let signal = controller.signal();
    let result = match clock::within(FETCH_DEADLINE, body(url, &signal)).await {
        Some(Ok(body)) => body,
        Some(Err(_)) => Err("connection_lost"),
        None => Err("timed_out"),
    };
    if result.is_err() {
        controller.abort();
    }
    let keys = KeySet::parse(&result?).map_err(|_| "unreadable")?;
    if keys.is_empty() { Err("unreadable") } else { Ok(keys) }
}

async fn body(url: &str, signal: &AbortSignal) -> worker::Result<Result<Vec<u8>, &'static str>> {
    let headers = [("accept", "application/json"), ("user-agent", USER_AGENT)];
    let request = http::outgoing("GET", url, &headers, None)?;
    let mut response = Fetch::Request(request).send_with_signal(signal).await?;
    if response.status_code() != 200 {
        return Ok(Err("other_status"));
    }
    let mut body = Vec::new();
    let mut stream = response.stream()?;
    while let Some(chunk) = stream.next().await {
        body.extend_from_slice(&chunk?);
        if body.len() > MAX_KEY_SET_BYTES {
            return Ok(Err("too_large"));
        }
    }
    Ok(Ok(body))
}
