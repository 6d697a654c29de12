//! The way of a request through recording, faults and answer.

use std::{future::pending, time::Duration};

use axum::{
    Extension, Router,
    body::{Body, to_bytes},
    extract::{Request as Incoming, State},
    http::{Response, StatusCode},
};
use tokio::sync::mpsc;

use crate::{
    control, deliver,
    endpoint::Endpoint,
    fault::{Fault, Kind},
    host::{self, sleep},
    http::{self, Answer, Request},
    log::Record,
    world::Shared,
};

/// More than any legitimate request has.
const MAX_BODY: usize = 1_024 * 1_024;

/// Answers every request that has a [`Connection`] among its extensions.
pub(crate) fn router(shared: Shared, verbose: bool) -> Router {
    Router::new()
        .nest("/_control", control::routes())
        .fallback(serve)
        .with_state(Simulator { shared, verbose })
}

#[derive(Clone, Debug)]
struct Simulator {
    shared: Shared,
    verbose: bool,
}

impl axum::extract::FromRef<Simulator> for Shared {
    fn from_ref(simulator: &Simulator) -> Self {
        simulator.shared.clone()
    }
}

/// How a connection ends before its request is answered.
#[derive(Clone, Copy, Debug)]
pub(crate) enum End {
    /// With a FIN.
    Close,
    /// With an RST.
    Reset,
}

/// Lets a handler end the connection that its request came over.
#[derive(Clone, Debug)]
pub(crate) struct Connection(mpsc::Sender<End>);

impl Connection {
    /// With what tells how it is to end.
    pub(crate) fn new() -> (Self, mpsc::Receiver<End>) {
        let (sender, receiver) = mpsc::channel(1);
        (Self(sender), receiver)
    }

    /// Never returns: the connection takes its handlers with it.
    async fn end(&self, end: End) -> Response<Body> {
        // A full channel means that the connection is about to end anyway.
        let _ = self.0.try_send(end);
        pending().await
    }
}

async fn serve(
    State(simulator): State<Simulator>,
    Extension(connection): Extension<Connection>,
    incoming: Incoming,
) -> Response<Body> {
    let (parts, body) = incoming.into_parts();
    let Ok(body) = to_bytes(body, MAX_BODY).await else {
        return deliver::send(
            None,
            http::answer(StatusCode::PAYLOAD_TOO_LARGE, "text/plain", Vec::new()),
        );
    };
    let request = Request {
        method: parts.method,
        path: parts.uri.path().to_owned(),
        query: parts.uri.query().unwrap_or_default().to_owned(),
        headers: parts.headers,
        body: body.to_vec(),
    };
    let visit = Visit::begin(&simulator.shared, &request);
    let answer = visit.answer(&simulator.shared, &request).await;
    visit.end(&simulator, &request, answer.as_ref());
    match answer {
        Ok(answer) => deliver::send(visit.fault.as_ref(), answer),
        Err(end) => connection.end(end).await,
    }
}

/// A recorded request that waits for its answer.
struct Visit {
    endpoint: Endpoint,
    fault: Option<Fault>,
    /// Passes before, and again after, the work is done.
    half_latency: Duration,
    generation: u64,
    index: usize,
}

impl Visit {
    fn begin(shared: &Shared, request: &Request) -> Self {
        let endpoint = Endpoint::of(request);
        let mut world = shared.lock();
        let fault = world.faults.take(endpoint);
        let mut record = Record::new(world.clock.now(), endpoint, request);
        if let Some(fault) = &fault {
            record.set_fault(&fault.kind_name());
        }
        world.records.push(record);
        let latency_ms = if endpoint.is_machine() {
            world.config.latency_ms
        } else {
            0
        };
        Self {
            endpoint,
            fault,
            half_latency: Duration::from_millis(latency_ms / 2),
            generation: world.generation,
            index: world.records.len().saturating_sub(1),
        }
    }

    async fn answer(&self, shared: &Shared, request: &Request) -> Result<Answer, End> {
        let act = |commit: bool| {
            let mut world = shared.lock();
            // A request from before a reset must not leave traces in the new world.
            let commit = commit && world.generation == self.generation;
            world.answer(self.endpoint, request, commit)
        };
        let half = self.half_latency;
        pause(half).await;
        let Some(fault) = &self.fault else {
            let answer = act(true);
            pause(half).await;
            return Ok(answer);
        };
        let late = Duration::from_millis(fault.ms.unwrap_or_default());
        let answer = match fault.kind {
            Kind::ResetBefore => return Err(End::Reset),
            Kind::ResetAfter => {
                act(true);
                pause(half).await;
                return Err(End::Reset);
            }
            Kind::Close => {
                act(fault.commits());
                pause(half).await;
                return Err(End::Close);
            }
            // Not committed means "not before the client has waited": whoever gives up has changed nothing.
            Kind::SlowHeaders if !fault.commits() => {
                sleep(late).await;
                act(true)
            }
            Kind::SlowHeaders => {
                let answer = act(true);
                sleep(late).await;
                answer
            }
            Kind::ApiError => {
                act(fault.commits());
                self.api_error(shared, fault, request)
            }
            _ => deliver::spoil(fault, act(fault.commits()), &request.origin()),
        };
        pause(half).await;
        Ok(answer)
    }

    fn api_error(&self, shared: &Shared, fault: &Fault, request: &Request) -> Answer {
        shared
            .lock()
            .api_error(fault.error.as_deref().unwrap_or_default(), request)
    }

    fn end(&self, simulator: &Simulator, request: &Request, answer: Result<&Answer, &End>) {
        let status = answer.map(|answer| answer.status().as_u16());
        let mut world = simulator.shared.lock();
        if let (Ok(status), true) = (status, world.generation == self.generation)
            && let Some(record) = world.records.get_mut(self.index)
        {
            record.set_status(status);
        }
        let saved = world.save();
        drop(world);
        if let Err(message) = saved {
            host::warn(&message);
        }
        if simulator.verbose {
            let fault = self.fault.as_ref().map(|fault| format!(" [{}]", fault.kind_name()));
            let status = status.map_or_else(|end| format!("{end:?}").to_lowercase(), |status| status.to_string());
            // Without the query: it may hold a code.
            host::warn(&format!(
                "{} {} {status}{}",
                request.method,
                request.path,
                fault.unwrap_or_default()
            ));
        }
    }
}

async fn pause(duration: Duration) {
    if !duration.is_zero() {
        sleep(duration).await;
    }
}
