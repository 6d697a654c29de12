//! `/api/v2.0/…` and `/api/v3/…`: Smartcar's own paths, with a token added that the caller never sees.

use smartcar_connect::{
    api::{ApiCall, ApiError, ApiTarget, BatchPart, findings, without_links},
    connect::UserId,
    edge::{
        ConnectionSelector, HANDED_ON, IssuedToken, Problem, RateKey, RateLimit, handed_on, is_json, smartcar_refused,
        smartcar_silent,
    },
    time::Millis,
    token::AccessToken,
};
use zeroize::Zeroizing;

use crate::{
    application_client::{Application, ApplicationTokens},
    clock,
    connection_tokens::ConnectionTokens,
    context::RequestContext,
    forward::{self, Forwarded},
    http::{self, HttpResponse},
    limits::{self, Place},
    rate_limit,
    token_source::{self, Answered as _, NoReply, TokenSource as _},
    vault_client,
    vehicle_news::{self, Through},
};

/// The longest answer that is handed on, in bytes.
const MAX_ANSWER_BYTES: u32 = 1024 * 1024;

/// What is read of an error, in bytes.
const MAX_ERROR_BYTES: u32 = 64 * 1024;

/// How much longer than Smartcar may take a request may be under way: a token may have to be had first.
const OTHER_WAITS: Millis = Millis::from_mins(2);

pub(crate) async fn pass_on(context: &RequestContext<'_>, target: &ApiTarget) -> Result<HttpResponse, Problem> {
    let settings = &context.config.api;
    let caller = context.caller()?;
    let body = if target.endpoint().takes_body {
        http::body(context.request).await?
    } else {
        Zeroizing::default()
    };
    let unit_system = context.request.headers().get("sc-unit-system").ok().flatten();
    let query = context.head.query();
    let call = ApiCall::read(target.clone(), query, unit_system.as_deref(), &body, &settings.allowed)?;
    rate_limit::admit(context.env, RateLimit::Api, &RateKey::caller(&caller.principal)).await?;
    let place = Place::take(&caller, settings.timeout.plus(OTHER_WAITS))?;
    let left = place.given_back();
    let origins = &context.config.origins;
    let send = async |token: &AccessToken, user_id: Option<&UserId>| {
        let bearer = forward::Bearer { token, user_id };
        let api = if target.is_of_v3() {
            &origins.vehicle
        } else {
            &origins.api
        };
        forward::send(context.request, api, &call, &bearer, settings.timeout, left.as_ref()).await
    };
    // The car is the caller's before anything is said of it.
    let (sent, through) = if target.is_of_v3() {
        let access = vault_client::access(context.env, &caller, target.vehicle()).await?;
        limits::check(target.vehicle())?;
        let tokens = ApplicationTokens { env: context.env };
        let first = tokens.current().await?;
        let send = async |token: &Application| send(&token.access_token, Some(&access.user_id)).await;
        let sent = token_source::with_token(&tokens, first, send).await?;
        (sent, Through::Application(Box::new(access)))
    } else {
        let tokens = ConnectionTokens {
            context,
            caller: &caller,
            select: ConnectionSelector::Vehicle(target.vehicle().clone()),
        };
        let first = tokens.current().await?;
        let connection_id = first.connection_id.clone();
        if first.is_marked {
            vehicle_news::hear_of_mark(&connection_id, target.vehicle());
        }
        limits::check(target.vehicle())?;
        let send = async |token: &IssuedToken| send(&token.access_token, None).await;
        let sent = token_source::with_token(&tokens, first, send).await?;
        (sent, Through::Owner(connection_id))
    };
    let answer = match sent {
        Ok(answer) => answer,
        Err(NoReply::TimedOut) => return Err(smartcar_silent(target.is_command(), "Smartcar did not answer in time")),
        Err(NoReply::ConnectionLost) => {
            return Err(smartcar_silent(
                target.is_command(),
                "the connection to Smartcar was lost",
            ));
        }
    };
    let answered = vehicle_news::Answered::new(context, &caller, through, target);
    if (200..=299).contains(&answer.status()) {
        hand_on(context, &call, answer, answered).await
    } else {
        let error = read_error(answer).await;
        limits::note(target.vehicle(), &error);
        answered.refused(&error);
        Err(smartcar_refused(&error))
    }
}

/// The answer to a request that succeeded.
async fn hand_on(
    context: &RequestContext<'_>,
    call: &ApiCall,
    answer: Forwarded,
    answered: vehicle_news::Answered,
) -> Result<HttpResponse, Problem> {
    let target = call.target();
    let is_command = target.is_command();
    // An answer of v3 says itself whether it is a success.
    answered.succeeded();
    let length = answer.header("content-length").and_then(|length| length.parse().ok());
    if length.is_some_and(|length: u64| length > u64::from(MAX_ANSWER_BYTES)) {
        answer.discard();
        return Err(smartcar_silent(is_command, "Smartcar's answer is too long"));
    }
    let headers: Vec<(&'static str, String)> = HANDED_ON
        .iter()
        .filter_map(|name| Some((*name, handed_on(&answer.header(name)?)?)))
        .collect();
    if answer.status() == 204 && target.endpoint().may_answer_nothing() {
        answer.discard();
        return Ok(HttpResponse {
            headers,
            ..HttpResponse::empty(204)
        });
    }
    // Of these there is no body, whatever they say.
    if matches!(answer.status(), 204 | 205) || !answer.header("content-type").as_deref().is_some_and(is_json) {
        answer.discard();
        return Err(smartcar_silent(is_command, "Smartcar's answer is no JSON"));
    }
    let status = answer.status();
    let mut response = if call.answers_with_link() {
        let bytes = answer.into_bytes(MAX_ANSWER_BYTES).await;
        let text = bytes.as_deref().and_then(|bytes| core::str::from_utf8(bytes).ok());
        let text = text.ok_or_else(|| smartcar_silent(is_command, "Smartcar's answer broke off or is too long"))?;
        if target.endpoint().is_batch() {
            note_batch(target, text, &answered);
        } else if target.is_of_v3() {
            note_findings(target, text.as_bytes(), &answered);
        }
        HttpResponse::json_text(without_links(text))
    } else {
        let stream = if target.is_of_v3() {
            // What it says may come minutes after its status, and be a failure.
            let (stream, whole) = answer.into_kept_stream(MAX_ANSWER_BYTES);
            let target = target.clone();
            context.platform.wait_until(async move {
                if let Some(bytes) = whole.await {
                    note_findings(&target, &bytes, &answered);
                }
            });
            stream
        } else {
            answer.into_stream(MAX_ANSWER_BYTES)
        };
        HttpResponse {
            stream: Some(stream),
            ..HttpResponse::json_text(String::new())
        }
    };
    response.status = status;
    response.headers.extend(headers);
    Ok(response)
}

/// Takes note of what the answers to the paths of a batch say.
fn note_batch(batch: &ApiTarget, text: &str, answered: &vehicle_news::Answered) {
    let parts = BatchPart::read_all(batch, text.as_bytes(), clock::now());
    for error in parts.iter().filter_map(|part| part.error.as_ref()) {
        limits::note(batch.vehicle(), error);
    }
    answered.batch(&parts);
}

/// Takes note of what an answer of v3 says inside.
fn note_findings(target: &ApiTarget, body: &[u8], answered: &vehicle_news::Answered) {
    let findings = findings(target, body, clock::now());
    for error in findings.iter().filter_map(|finding| finding.error.as_ref()) {
        limits::note(target.vehicle(), error);
    }
    answered.found(&findings);
}

/// What Smartcar refused.
async fn read_error(answer: Forwarded) -> ApiError {
    let status = answer.status();
    let named: Vec<(&str, Option<String>)> = ["sc-request-id", "retry-after"]
        .map(|name| (name, answer.header(name)))
        .into();
    let header = |wanted: &str| named.iter().find(|(name, _)| *name == wanted)?.1.clone();
    let body = answer.into_bytes(MAX_ERROR_BYTES).await.unwrap_or_default();
    ApiError::read(status, header, &body, clock::now())
}
