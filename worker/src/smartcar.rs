//! The one way to call Smartcar: the headers, a deadline, a limit for what is read of an answer, and no redirects.

use futures_util::StreamExt as _;
use smartcar_connect::{
    api::{ApiError, ApiRequest, ConnectionFilter, ConnectionPage, Disconnected, ListedConnection},
    connect::{Origin, UserId, VehicleId},
    edge::{IssuedToken, Problem, not_asked},
    time::Millis,
    token::{self, AccessToken, Client, OutgoingRequest, TokenError, TokenRequest, TokenResult, cycle::CALL_DEADLINE},
};
use worker::{AbortController, AbortSignal, Env, Fetch, Headers};
use zeroize::Zeroizing;

use crate::{
    application_client::{Application, ApplicationTokens},
    clock, http, telemetry,
    token_source::{Answered, NoReply, TokenSource, with_token},
};

/// How many pages of vehicles are asked for: more than any owner has.
const MAX_PAGES: usize = 10;

/// What is read of an answer of the API, in bytes: a page of vehicles has no more.
const MAX_API_BODY_BYTES: usize = 64 * 1024;

/// The header that says whose cars a request with the application's token means.
pub(crate) const USER_ID: &str = "sc-user-id";

/// The status of an answer to one request too many.
pub(crate) const TOO_MANY_REQUESTS: u16 = 429;

/// How long Smartcar is left alone if it does not say how long.
const UNNAMED_WAIT: Millis = Millis::from_secs(30);

/// An answer, whatever its status.
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: Headers,
    pub(crate) body: Zeroizing<Vec<u8>>,
}

impl Answered for Reply {
    fn status(&self) -> u16 {
        self.status
    }

    fn discard(self) {}
}

/// Presents a code or refresh token. Without a client, which a deployment for Smartcar's v3 alone need not have, that is refused
/// here already.
pub(crate) async fn token(env: &Env, client: Option<&Client>, wanted: &TokenRequest) -> TokenResult {
    match client {
        Some(client) => token_at(env, &client.request(wanted)).await,
        None => Err(TokenError::InvalidClient),
    }
}

/// Asks a token endpoint.
pub(crate) async fn token_at(env: &Env, outgoing: &OutgoingRequest) -> TokenResult {
    let headers: Vec<(&str, &str)> = outgoing
        .headers
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect();
    let request = Outgoing {
        method: "POST",
        url: &outgoing.url,
        headers: &headers,
        body: Some(&outgoing.body),
        max_body_bytes: token::MAX_BODY_BYTES,
    };
    match send(&request, CALL_DEADLINE).await {
        Ok(reply) => {
            let retry_after = http::header(&reply.headers, "retry-after");
            let outcome = token::read_response(reply.status, retry_after.as_deref(), &reply.body, clock::now());
            if outcome.is_ok() && !token::says_bearer(&reply.body) {
                telemetry::note_token_type(env);
            }
            outcome
        }
        Err(NoReply::TimedOut) => Err(TokenError::TimedOut),
        Err(NoReply::ConnectionLost) => Err(TokenError::ConnectionLost),
    }
}

/// Calls the API with a token of `tokens`, and once more with a newer one if that is not accepted.
pub(crate) async fn call<S: TokenSource<Token = IssuedToken>>(
    tokens: &S,
    request: &ApiRequest,
) -> Result<Result<Reply, NoReply>, S::Error> {
    let current = tokens.current().await?;
    with_token(tokens, current, async |token: &IssuedToken| {
        api(request, &token.access_token).await
    })
    .await
}

/// Calls the API once.
async fn api(request: &ApiRequest, access_token: &AccessToken) -> Result<Reply, NoReply> {
    let bearer = Zeroizing::new(["Bearer ", access_token.expose()].concat());
    let mut headers = vec![
        ("authorization", bearer.as_str()),
        ("accept", "application/json"),
        ("user-agent", token::USER_AGENT),
    ];
    headers.extend(request.user_id.as_ref().map(|user_id| (USER_ID, user_id.as_str())));
    let request = Outgoing {
        method: request.method.as_str(),
        url: &request.url,
        headers: &headers,
        body: None,
        max_body_bytes: MAX_API_BODY_BYTES,
    };
    send(&request, CALL_DEADLINE).await
}

/// The vehicles that a grant covers; `None` if Smartcar does not say.
pub(crate) async fn vehicles<S: TokenSource<Token = IssuedToken>>(
    tokens: &S,
    origin: &Origin,
) -> Option<Vec<VehicleId>> {
    let mut vehicles = Vec::new();
    let mut offset = Some(0);
    for _ in 0..MAX_PAGES {
        let Some(from) = offset else { break };
        let reply = call(tokens, &ApiRequest::vehicles(origin, from)).await.ok()?.ok()?;
        let page = (reply.status == 200).then(|| smartcar_connect::api::VehiclePage::read(&reply.body, from))??;
        vehicles.extend(page.vehicles);
        offset = page.next;
    }
    Some(vehicles)
}

/// Smartcar's id of the owner; `None` if Smartcar does not say.
pub(crate) async fn user<S: TokenSource<Token = IssuedToken>>(tokens: &S, origin: &Origin) -> Option<UserId> {
    let reply = call(tokens, &ApiRequest::user(origin)).await.ok()?.ok()?;
    (reply.status == 200).then(|| smartcar_connect::api::read_user(&reply.body))?
}

/// Why Smartcar's list of connections can't be had, or not all of it.
#[derive(Clone, Debug)]
pub(crate) enum NoList {
    /// There is no token to ask with.
    NoToken(Problem),
    /// Smartcar wants to be left alone for so long, whatever it is asked.
    RateLimited(Millis),
    /// It does not say.
    Unavailable,
}

impl From<NoList> for Problem {
    fn from(why: NoList) -> Self {
        match why {
            NoList::NoToken(problem) => problem,
            NoList::RateLimited(retry_after) => not_asked(None).with_retry_after(retry_after),
            NoList::Unavailable => not_asked(None),
        }
    }
}

/// All of Smartcar's connections that `filter` lets through (v3).
///
/// # Errors
/// Why Smartcar does not say, or does not say all.
pub(crate) async fn connections(
    env: &Env,
    origin: &Origin,
    filter: &ConnectionFilter<'_>,
) -> Result<Vec<ListedConnection>, NoList> {
    let mut connections = Vec::new();
    let mut next = Some(1);
    for _ in 0..MAX_PAGES {
        let Some(number) = next else { break };
        let reply = as_application(env, &filter.request(origin, number)).await;
        let reply = reply.map_err(NoList::NoToken)?.ok_or(NoList::Unavailable)?;
        if reply.status == TOO_MANY_REQUESTS {
            return Err(NoList::RateLimited(left_alone_for(&reply)));
        }
        let page = (reply.status == 200).then(|| ConnectionPage::read(&reply.body, number));
        let page = page.flatten().ok_or(NoList::Unavailable)?;
        connections.extend(page.connections);
        next = page.next;
    }
    match next {
        None => Ok(connections),
        Some(_) => Err(NoList::Unavailable),
    }
}

/// How long Smartcar wants to be left alone that has answered 429.
fn left_alone_for(reply: &Reply) -> Millis {
    let header = |name: &str| http::header(&reply.headers, name);
    let error = ApiError::read(reply.status, header, &reply.body, clock::now());
    error.retry_after.unwrap_or(UNNAMED_WAIT)
}

/// Ends what the application may do with a vehicle of a user's (v3). Whether Smartcar knows of no such access any more.
pub(crate) async fn disconnect_user(env: &Env, origin: &Origin, disconnected: &Disconnected<'_>) -> bool {
    let mut all_told = true;
    for filter in disconnected.filters() {
        // The id of a connection is another after each consent.
        let Ok(listed) = connections(env, origin, &filter).await else {
            all_told = false;
            continue;
        };
        for connection in listed.iter().filter(|connection| disconnected.is(connection)) {
            let reply = as_application(env, &connection.deletion(origin)).await;
            all_told &= matches!(reply, Ok(Some(reply)) if matches!(reply.status, 200..=299 | 404));
        }
    }
    all_told
}

/// Calls the API with the application's own token, and once more with a newer one if that is not accepted. `None` if no answer
/// came.
pub(crate) async fn as_application(env: &Env, request: &ApiRequest) -> Result<Option<Reply>, Problem> {
    let tokens = ApplicationTokens { env };
    let send = async |token: &Application| api(request, &token.access_token).await;
    Ok(with_token(&tokens, tokens.current().await?, send).await?.ok())
}

/// Revokes the application's access to a vehicle, by a token that may be the last there is. Whether Smartcar knows of no such
/// access any more.
pub(crate) async fn disconnect(access_token: &AccessToken, origin: &Origin, vehicle: &VehicleId) -> bool {
    let reply = api(&ApiRequest::disconnect(origin, vehicle), access_token).await;
    reply.is_ok_and(|reply| matches!(reply.status, 200..=299 | 404))
}

/// A request to send.
struct Outgoing<'a> {
    method: &'a str,
    url: &'a str,
    headers: &'a [(&'a str, &'a str)],
    body: Option<&'a str>,
    /// Of the answer; what is longer is cut off one chunk beyond.
    max_body_bytes: usize,
}

async fn send(request: &Outgoing<'_>, deadline: Millis) -> Result<Reply, NoReply> {
    let controller = AbortController::default();
    let signal = controller.signal();
    let result = match clock::within(deadline, exchange(request, &signal)).await {
        Some(result) => result.map_err(|_| NoReply::ConnectionLost),
        None => Err(NoReply::TimedOut),
    };
    if result.is_err() {
        controller.abort();
    }
    result
}

async fn exchange(outgoing: &Outgoing<'_>, signal: &AbortSignal) -> worker::Result<Reply> {
    let request = http::outgoing(outgoing.method, outgoing.url, outgoing.headers, outgoing.body)?;
    let mut response = Fetch::Request(request).send_with_signal(signal).await?;
    let mut body = Zeroizing::new(Vec::new());
    if let Ok(mut stream) = response.stream() {
        while let Some(chunk) = stream.next().await {
            body.extend_from_slice(&chunk?);
            if body.len() > outgoing.max_body_bytes {
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
