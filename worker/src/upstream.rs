//! Requests to Smartcar: no redirect is followed, no answer is waited for longer than the deadline or read further than
//! the limit.

use futures_util::StreamExt as _;
use smartcar_connect::{
    api::{ApiRequest, Method as ApiMethod},
    time::Millis,
    token::{self, Client, TokenError, TokenRequest, TokenResult},
    vault::CALL_DEADLINE,
};
use worker::{AbortController, AbortSignal, Fetch, Headers};
use zeroize::Zeroizing;

use crate::{clock, http};

/// An answer, whatever its status.
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: Headers,
    pub(crate) body: Zeroizing<Vec<u8>>,
}

/// Why there is no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoReply {
    TimedOut,
    ConnectionLost,
}

/// Presents a code or refresh token.
pub(crate) async fn token(client: &Client, wanted: &TokenRequest) -> TokenResult {
    let outgoing = client.request(wanted);
    let headers: Vec<(&str, &str)> = outgoing
        .headers
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect();
    let reply = send("POST", &outgoing.url, &headers, Some(&outgoing.body), CALL_DEADLINE).await;
    match reply {
        Ok(reply) => {
            let retry_after = reply.headers.get("retry-after").ok().flatten();
            token::read_response(reply.status, retry_after.as_deref(), &reply.body, clock::now())
        }
        Err(NoReply::TimedOut) => Err(TokenError::TimedOut),
        Err(NoReply::ConnectionLost) => Err(TokenError::ConnectionLost),
    }
}

/// Calls the vehicle API.
pub(crate) async fn api(request: &ApiRequest, access_token: &str) -> Result<Reply, NoReply> {
    let bearer = Zeroizing::new(["Bearer ", access_token].concat());
    let headers = [("authorization", bearer.as_str()), ("accept", "application/json")];
    let method = match request.method {
        ApiMethod::Get => "GET",
        ApiMethod::Delete => "DELETE",
    };
    send(method, &request.url, &headers, None, CALL_DEADLINE).await
}

async fn send(
    method: &str,
    url: &str,
    headers: &[(&str, &str)],
    body: Option<&str>,
    deadline: Millis,
) -> Result<Reply, NoReply> {
    let controller = AbortController::default();
    let signal = controller.signal();
    let result = match clock::within(deadline, exchange(method, url, headers, body, &signal)).await {
        Some(result) => result.map_err(|_| NoReply::ConnectionLost),
        None => Err(NoReply::TimedOut),
    };
    if result.is_err() {
        controller.abort();
    }
    result
}

async fn exchange(
    method: &str,
    url: &str,
    headers: &[(&str, &str)],
    body: Option<&str>,
    signal: &AbortSignal,
) -> worker::Result<Reply> {
    let request = http::outgoing(method, url, headers, body)?;
    let mut response = Fetch::Request(request).send_with_signal(signal).await?;
    let mut body = Zeroizing::new(Vec::new());
    if let Ok(mut stream) = response.stream() {
        while let Some(chunk) = stream.next().await {
            body.extend_from_slice(&chunk?);
            if body.len() > token::MAX_BODY_BYTES {
                break;
            }
        }
    }
    Ok(Reply {
        status: response.status_code(),
        headers: response.headers().clone(),
        body,
    })
}
