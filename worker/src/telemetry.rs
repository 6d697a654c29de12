//! What operators see: a line of JSON for each event, but for requests that went well and floods of those that did not, and a data point for each where an
//! Analytics Engine dataset is bound as `METRICS`.
//!
//! Events, outcomes and times only: no token, code, state, VIN, and nothing that names an owner, a connection or a vehicle.

use std::cell::{Cell, OnceCell, RefCell};

use serde::Serialize;
use smartcar_connect::{
    edge::LogBudget,
    time::{Millis, UnixMillis},
};
use worker::{AnalyticsEngineDataPointBuilder, AnalyticsEngineDataset, Env};

use crate::clock;

/// What happened.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum LogEvent {
    /// A request was answered; the outcome is the route and the status.
    Request,
    /// An attempt was forgotten, and Smartcar had never sent its owner back; the time is since it began.
    Attempt,
    /// A code was exchanged.
    Exchange,
    /// A refresh token was presented.
    Refresh,
    /// The application's own token was asked for.
    ApplicationToken,
    /// Tokens came that are not called Bearer tokens.
    TokenType,
    /// A record was written to KV; the time is since it was durable.
    Publish,
    /// A connection was closed; the outcome is whether Smartcar was told.
    Disconnect,
    /// Records were sealed with the active key.
    Reseal,
    /// The keys of the app's log-in were asked for.
    Keys,
    /// A connection was looked at on the way from v2 to v3; the outcome is how far it is.
    Migrate,
    /// A connection was given to the vault of the user who has claimed it.
    Claim,
    /// An event of Smartcar's was handed on to the app, or not; the time is since it came.
    Webhook,
}

impl LogEvent {
    const fn name(self) -> &'static str {
        match self {
            Self::Request => "request",
            Self::Attempt => "attempt",
            Self::Exchange => "exchange",
            Self::Refresh => "refresh",
            Self::ApplicationToken => "application_token",
            Self::TokenType => "token_type",
            Self::Publish => "publish",
            Self::Disconnect => "disconnect",
            Self::Reseal => "reseal",
            Self::Keys => "keys",
            Self::Migrate => "migrate",
            Self::Claim => "claim",
            Self::Webhook => "webhook",
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Line<'a> {
    event: &'static str,
    outcome: &'a str,
    ms: Millis,
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<&'a str>,
    /// How many requests before this one were left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    omitted: Option<u32>,
}

impl Line<'_> {
    fn write(&self) {
        if let Ok(line) = serde_json::to_string(self) {
            worker::console_log!("{line}");
        }
    }
}

/// Logs and counts what happened since `since`.
pub(crate) fn record(env: &Env, happened: LogEvent, outcome: &str, since: UnixMillis, request_id: Option<&str>) {
    Line {
        event: happened.name(),
        outcome,
        ms: clock::now().since(since),
        request_id,
        omitted: None,
    }
    .write();
    count(env, happened, outcome, since);
}

/// Logs that Smartcar does not call its tokens Bearer tokens: once in the life of an isolate, since it would do so each time.
pub(crate) fn note_token_type(env: &Env) {
    thread_local! {
        static IS_NOTED: Cell<bool> = const { Cell::new(false) };
    }
    if !IS_NOTED.replace(true) {
        record(env, LogEvent::TokenType, "not_bearer", clock::now(), None);
    }
}

thread_local! {
    static BUDGET: RefCell<LogBudget> = RefCell::default();
}

/// Counts a request that came at `since`. It has a line if it failed, unless many do: one that went well is logged by the
/// platform anyway.
pub(crate) fn record_request(env: &Env, route: &'static str, status: u16, since: UnixMillis, request_id: &str) {
    let outcome = [route, " ", &status.to_string()].concat();
    let now = clock::now();
    let taken = (status >= 400).then(|| BUDGET.with_borrow_mut(|budget| budget.take(route, status, now)));
    if let Some(omitted) = taken.flatten() {
        Line {
            event: LogEvent::Request.name(),
            outcome: &outcome,
            ms: now.since(since),
            request_id: Some(request_id),
            omitted: Some(omitted).filter(|omitted| *omitted > 0),
        }
        .write();
    }
    count(env, LogEvent::Request, &outcome, since);
}

/// Counts what happened since `since`, without a line.
fn count(env: &Env, happened: LogEvent, outcome: &str, since: UnixMillis) {
    with_metrics(env, |metrics| {
        let ms = clock::now().since(since);
        let event = happened.name();
        let point = AnalyticsEngineDataPointBuilder::new()
            .indexes([event])
            .add_blob(event)
            .add_blob(outcome)
            .add_double(f64::from(u32::try_from(ms.as_millis()).unwrap_or(u32::MAX)));
        // A lost data point is no reason to fail a request.
        let _ = point.write_to(metrics);
    });
}

thread_local! {
    /// The dataset, if one is bound: an isolate never sees its bindings change.
    static METRICS: OnceCell<Option<AnalyticsEngineDataset>> = const { OnceCell::new() };
}

fn with_metrics(env: &Env, write: impl FnOnce(&AnalyticsEngineDataset)) {
    METRICS.with(|metrics| {
        if let Some(metrics) = metrics.get_or_init(|| env.analytics_engine("METRICS").ok()) {
            write(metrics);
        }
    });
}
