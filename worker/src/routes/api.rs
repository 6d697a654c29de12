//! `/api/v2.0/…`: Smartcar's own paths, with the caller's token added.

use std::cell::RefCell;

use smartcar_connect::{
    api::{ApiCall, ApiError, ApiTarget, BatchPart, RateLimits, UnderWay, without_links},
    edge::{
        ConnectionSelector, HANDED_ON, IssuedToken, Problem, RateKey, RateLimit, handed_on, is_json, limit_known,
        smartcar_refused, smartcar_silent, too_much_under_way,
    },
    time::Millis,
};
use wasm_bindgen::closure::Closure;
use zeroize::Zeroizing;

use crate::{
    clock,
    connection_tokens::ConnectionTokens,
    context::RequestContext,
    forward::{self, Forwarded},
    http::{self, HttpResponse},
    rate_limit,
    smartcar::{self, Answered as _, NoReply, TokenSource},
    vehicle_news,
};

/// The longest answer that is handed on, in bytes.
const MAX_ANSWER_BYTES: u32 = 1024 * 1024;

/// What is read of an error, in bytes.
const MAX_ERROR_BYTES: u32 = 64 * 1024;

/// How much longer than Smartcar may take a request may be under way: a token may have to be had first.
const OTHER_WAITS: Millis = Millis::from_mins(2);

thread_local! {
    /// The limits that Smartcar has named to this isolate.
    static LIMITS: RefCell<RateLimits> = const { RefCell::new(RateLimits::new()) };

    /// The requests of this isolate that are under way.
    static UNDER_WAY: RefCell<UnderWay> = const { RefCell::new(UnderWay::new()) };
}

/// A place among the requests that are under way.
struct Place(u64);

impl Drop for Place {
    fn drop(&mut self) {
        UNDER_WAY.with_borrow_mut(|under_way| under_way.end(self.0));
    }
}

pub(crate) async fn pass_on(context: &RequestContext<'_>, target: &ApiTarget) -> Result<HttpResponse, Problem> {
    let settings = &context.config.api;
    let caller = context.caller()?;
    let body = if target.endpoint().takes_body() {
        http::body(context.request).await?
    } else {
        Zeroizing::default()
    };
    let unit_system = context.request.headers().get("sc-unit-system").ok().flatten();
    let query = context.head.query();
    let call = ApiCall::read(target.clone(), query, unit_system.as_deref(), &body, &settings.allowed)?;
    rate_limit::admit(context.env, RateLimit::Api, &RateKey::caller(&caller.principal)).await?;
    let now = clock::now();
    let ends = now.after(settings.timeout).after(OTHER_WAITS);
    let begun = UNDER_WAY.with_borrow_mut(|under_way| under_way.begin(caller.principal.as_str(), now, ends));
    let place = Place(begun.ok_or_else(too_much_under_way)?);
    // When the caller goes away, nothing here goes on, and nothing is dropped.
    let number = place.0;
    let left = Closure::<dyn Fn()>::new(move || UNDER_WAY.with_borrow_mut(|under_way| under_way.end(number)));
    let tokens = ConnectionTokens {
        context,
        caller: &caller,
        select: ConnectionSelector::Vehicle(target.vehicle().clone()),
    };
    // The car is the caller's before anything is said of it.
    let first = tokens.current().await?;
    let connection_id = first.connection_id.clone();
    if first.is_marked {
        vehicle_news::hear_of_mark(&connection_id, target.vehicle());
    }
    if let Some((scope, wait)) = LIMITS.with_borrow(|limits| limits.met_by(target.vehicle(), clock::now())) {
        return Err(limit_known(scope, wait));
    }
    let send = async |token: &IssuedToken| {
        let api = &context.config.origins.api;
        forward::send(
            context.request,
            api,
            &call,
            &token.access_token,
            settings.timeout,
            left.as_ref(),
        )
        .await
    };
    let answer = match smartcar::with_token(&tokens, first, send).await? {
        Ok(answer) => answer,
        Err(NoReply::TimedOut) => return Err(smartcar_silent(target.is_command(), "Smartcar did not answer in time")),
        Err(NoReply::ConnectionLost) => {
            return Err(smartcar_silent(
                target.is_command(),
                "the connection to Smartcar was lost",
            ));
        }
    };
    let answered = vehicle_news::Answered {
        context,
        caller: &caller,
        connection_id: &connection_id,
        target,
    };
    if (200..=299).contains(&answer.status()) {
        answered.succeeded();
        hand_on(&call, answer, &answered).await
    } else {
        let error = read_error(answer).await;
        LIMITS.with_borrow_mut(|limits| limits.note(target.vehicle(), &error, clock::now()));
        answered.refused(&error);
        Err(smartcar_refused(&error))
    }
}

/// The answer to a request that succeeded.
async fn hand_on(
    call: &ApiCall,
    answer: Forwarded,
    answered: &vehicle_news::Answered<'_>,
) -> Result<HttpResponse, Problem> {
    let is_command = call.target().is_command();
    let length = answer.header("content-length").and_then(|length| length.parse().ok());
    if length.is_some_and(|length: u64| length > u64::from(MAX_ANSWER_BYTES)) {
        answer.discard();
        return Err(smartcar_silent(is_command, "Smartcar's answer is too long"));
    }
    // Of these there is no body, whatever they say.
    if matches!(answer.status(), 204 | 205) || !answer.header("content-type").as_deref().is_some_and(is_json) {
        answer.discard();
        return Err(smartcar_silent(is_command, "Smartcar's answer is no JSON"));
    }
    let headers: Vec<(&'static str, String)> = HANDED_ON
        .iter()
        .filter_map(|name| Some((*name, handed_on(&answer.header(name)?)?)))
        .collect();
    let status = answer.status();
    let mut response = if call.answers_with_link() {
        let bytes = answer.into_bytes(MAX_ANSWER_BYTES).await;
        let text = bytes.as_deref().and_then(|bytes| core::str::from_utf8(bytes).ok());
        let text = text.ok_or_else(|| smartcar_silent(is_command, "Smartcar's answer broke off or is too long"))?;
        if call.target().endpoint().is_batch() {
            note_batch(call.target(), text, answered);
        }
        HttpResponse::json_text(without_links(text))
    } else {
        HttpResponse {
            stream: Some(answer.into_stream(MAX_ANSWER_BYTES)),
            ..HttpResponse::json_text(String::new())
        }
    };
    response.status = status;
    response.headers.extend(headers);
    Ok(response)
}

/// Takes note of what the answers to the paths of a batch say.
fn note_batch(batch: &ApiTarget, text: &str, answered: &vehicle_news::Answered<'_>) {
    let now = clock::now();
    let parts = BatchPart::read_all(batch, text.as_bytes(), now);
    let errors = parts.iter().filter_map(|part| part.error.as_ref());
    LIMITS.with_borrow_mut(|limits| errors.for_each(|error| limits.note(batch.vehicle(), error, now)));
    answered.batch(&parts);
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
