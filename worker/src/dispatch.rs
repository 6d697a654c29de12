//! From a request to its answer.

use std::rc::Rc;

use smartcar_connect::{
    edge::{Caller, Config, Problem, RequestHead, Resource, Routed, is_allowed_origin, may_change_state, route},
    http_api::ProblemCode,
    identity::Session,
    time::UnixMillis,
};
use worker::{Env, Request, Response};

use crate::{
    caller, clock,
    http::{self, Answer, header},
    random, routes, settings,
    telemetry::{self, Happened},
};

/// Everything that a route needs.
pub(crate) struct Work<'a> {
    pub(crate) config: Rc<Config>,
    pub(crate) env: &'a Env,
    pub(crate) own_origin: String,
    pub(crate) request_id: String,
    pub(crate) now: UnixMillis,
    /// The session that the request's cookie opens.
    pub(crate) session: Option<Session>,
}

impl Work<'_> {
    /// Whom the request speaks for; nobody without a session.
    pub(crate) fn caller(&self) -> Option<Caller> {
        self.session
            .as_ref()
            .map(|session| caller::of_session(session, &self.config))
    }
}

pub(crate) async fn respond(mut request: Request, env: &Env) -> worker::Result<Response> {
    let request_id = random::id().unwrap_or_default();
    let config = match settings::read(env) {
        Ok(config) => config,
        Err(misconfiguration) => {
            worker::console_error!("{misconfiguration}");
            let mut problem = Problem::new(ProblemCode::Misconfigured, misconfiguration.to_string());
            if let Some((setting, _)) = misconfiguration.problems().first() {
                problem = problem.with_field(setting.name());
            }
            return Answer::problem(&problem, &request_id).into_response(&request_id);
        }
    };
    let now = clock::now();
    let work = Work {
        own_origin: http::own_origin(&request),
        now,
        session: caller::session(&request, &config, now),
        config,
        env,
        request_id,
    };
    let origin = header(request.headers(), "origin");
    let method = request.inner().method();
    let routed = route(&work.config.prefix, &method, &request.path());
    let name = match &routed {
        Routed::To(resource) => resource.name(),
        _ => "none",
    };
    let answer = match answer(&mut request, &work, &method, routed).await {
        Ok(answer) => answer,
        Err(problem) => Answer::problem(&problem, &work.request_id),
    };
    let outcome = [name, " ", &answer.status.to_string()].concat();
    if answer.status < 400 {
        telemetry::count(env, Happened::Request, &outcome, now);
    } else {
        telemetry::record(env, Happened::Request, &outcome, now, Some(&work.request_id));
    }
    // A cookie made with a retired key is made anew whatever was asked.
    let answer = match &work.session {
        Some(session) => caller::remember(answer, session, &work.config, now),
        None => answer,
    };
    with_cors(answer, origin.as_deref(), &work).into_response(&work.request_id)
}

async fn answer(request: &mut Request, work: &Work<'_>, method: &str, routed: Routed) -> Result<Answer, Problem> {
    let resource = match routed {
        Routed::To(resource) => resource,
        Routed::Preflight { allow } => return Ok(preflight(request, allow, work)),
        Routed::MethodNotAllowed { allow } => {
            let detail = ["use ", allow].concat();
            let problem = Problem::new(ProblemCode::MethodNotAllowed, detail);
            return Ok(Answer::problem(&problem, &work.request_id).with_header("allow", allow));
        }
        Routed::NotFound | Routed::Outside => {
            let detail = [
                "there is no such route; all of the Worker's are below `",
                &work.config.prefix,
                "/`",
            ]
            .concat();
            return Err(Problem::new(ProblemCode::NotFound, detail));
        }
    };
    if resource.changes_state() {
        check_guard(request, method, work)?;
    }
    match resource {
        Resource::ConnectStart => routes::connect::start(request, work).await,
        Resource::ConnectFinish => routes::connect::finish(request, work).await,
        Resource::ListConnections => routes::connections::list(work).await,
        Resource::ShowConnection(id) => routes::connections::show(work, id).await,
        Resource::Disconnect(id) => routes::connections::disconnect(work, id).await,
        Resource::DisconnectAll => routes::connections::disconnect_all(work).await,
        Resource::ListVehicles => routes::vehicles::list(work).await,
        Resource::InternalToken => routes::token::issue(request, work).await,
        Resource::Rotation => routes::rotation::report(request, work).await,
        Resource::Health => Ok(Answer::json_text(r#"{"status":"ok"}"#.to_owned())),
    }
}

fn check_guard(request: &Request, method: &str, work: &Work<'_>) -> Result<(), Problem> {
    let headers = request.headers();
    let [origin, site, requested_with, content_type] =
        ["origin", "sec-fetch-site", "x-requested-with", "content-type"].map(|name| header(headers, name));
    let head = RequestHead {
        origin: origin.as_deref(),
        sec_fetch_site: site.as_deref(),
        requested_with: requested_with.as_deref(),
        content_type: content_type.as_deref(),
        has_body: method == "POST",
    };
    may_change_state(&head, &work.own_origin, &work.config.allowed_origins)
}

/// The answer to a preflight: a browser asks before it lets a page of another origin send our header.
fn preflight(request: &Request, allow: &'static str, work: &Work<'_>) -> Answer {
    let answer = Answer::empty(204).with_header("allow", allow);
    match header(request.headers(), "origin") {
        Some(origin) if is_allowed_origin(&origin, &work.own_origin, &work.config.allowed_origins) => answer
            .with_header("access-control-allow-methods", allow)
            .with_header("access-control-allow-headers", "content-type, x-requested-with")
            .with_header("access-control-max-age", "600"),
        _ => answer,
    }
}

/// Lets the pages of allowed origins read the answer.
fn with_cors(answer: Answer, origin: Option<&str>, work: &Work<'_>) -> Answer {
    let answer = answer.with_header("vary", "origin");
    match origin {
        Some(origin) if is_allowed_origin(origin, &work.own_origin, &work.config.allowed_origins) => answer
            .with_header("access-control-allow-origin", origin)
            .with_header("access-control-allow-credentials", "true")
            .with_header("access-control-expose-headers", "retry-after, x-request-id"),
        _ => answer,
    }
}
