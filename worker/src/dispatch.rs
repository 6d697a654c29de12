//! From a request to its answer.

use smartcar_connect::{
    edge::{Config, Problem, RequestHead, Resource, Routed, check_csrf, needs_csrf_check, route},
    http_api::ProblemCode,
};
use worker::Env;

use crate::{
    clock,
    context::{self, RequestContext},
    http::{self, Answer},
    identity, random, routes, settings,
    telemetry::{self, LogEvent},
};

pub(crate) async fn respond(request: &web_sys::Request, env: &Env) -> worker::Result<web_sys::Response> {
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
    let head = http::head(request);
    let routed = route(&config.prefix, head.method(), head.path());
    let resource = match &routed {
        Routed::To(resource) => Some(resource),
        _ => None,
    };
    let identified = identity::identify(&head, &config, resource, now).await;
    let answer = match (&identified, resource) {
        (Err(problem), _) => Err(problem.clone()),
        (Ok(identity), Some(resource)) => {
            let context = RequestContext {
                config: config.clone(),
                env,
                head: &head,
                resource,
                now,
                identity: identity.as_ref(),
                request,
            };
            answer(&context).await
        }
        (Ok(_), None) => without_resource(&routed, &head, &config, &request_id),
    };
    let answer = answer.unwrap_or_else(|problem| Answer::problem(&problem, &request_id));
    let outcome = [resource.map_or("none", Resource::name), " ", &answer.status.to_string()].concat();
    if answer.status < 400 {
        telemetry::count(env, LogEvent::Request, &outcome, now);
    } else {
        telemetry::record(env, LogEvent::Request, &outcome, now, Some(&request_id));
    }
    // A cookie made with a retired key is made again whatever was asked.
    let answer = match identified {
        Ok(Some(identity)) => identity::set_session_cookie(answer, &identity, &config, now),
        _ => answer,
    };
    with_cors(answer, &head, &config).into_response(&request_id)
}

/// The answer where there is nothing to ask for.
fn without_resource(routed: &Routed, head: &RequestHead, config: &Config, request_id: &str) -> Result<Answer, Problem> {
    match routed {
        Routed::Preflight { allow } => Ok(preflight(head, allow, config)),
        Routed::MethodNotAllowed { allow } => {
            let detail = ["use ", allow].concat();
            let problem = Problem::new(ProblemCode::MethodNotAllowed, detail);
            Ok(Answer::problem(&problem, request_id).with_header("allow", *allow))
        }
        Routed::NotFound | Routed::Outside | Routed::To(_) => {
            let detail = [
                "there is no such route; all of the Worker's are below `",
                &config.prefix,
                "/`",
            ]
            .concat();
            Err(Problem::new(ProblemCode::NotFound, detail))
        }
    }
}

async fn answer(context: &RequestContext<'_>) -> Result<Answer, Problem> {
    if needs_csrf_check(context.resource, context.identity) {
        let own = context.head.own_origin();
        check_csrf(
            &context.head.csrf_headers(),
            own.as_ref(),
            &context.config.allowed_origins,
        )?;
    }
    match context.resource {
        Resource::ConnectStart => routes::connect::start(context).await,
        Resource::ConnectFinish => routes::connect::finish(context).await,
        Resource::ShowAttempt(fingerprint) => routes::connect::attempt(context, fingerprint.clone()).await,
        Resource::ListConnections => routes::connections::list(context).await,
        Resource::ShowConnection(id) => routes::connections::show(context, id.clone()).await,
        Resource::Disconnect(id) => routes::connections::disconnect(context, id.clone()).await,
        Resource::DisconnectAll => routes::connections::disconnect_all(context).await,
        Resource::ListVehicles => routes::vehicles::list(context).await,
        Resource::InternalToken => routes::token::issue(context).await,
        Resource::Rotation => routes::rotation::report(context).await,
        Resource::Health => Ok(Answer::json_text(r#"{"status":"ok"}"#.to_owned())),
    }
}

/// The answer to a preflight: a browser asks before it lets a page of another origin send our header.
fn preflight(head: &RequestHead, allow: &'static str, config: &Config) -> Answer {
    let answer = Answer::empty(204).with_header("allow", allow);
    match head.origin() {
        Some(origin) if context::allows(head, config, origin) => answer
            .with_header("access-control-allow-methods", allow)
            .with_header("access-control-allow-headers", "content-type, x-requested-with")
            .with_header("access-control-max-age", "600"),
        _ => answer,
    }
}

/// Lets the pages of allowed origins read the answer.
fn with_cors(answer: Answer, head: &RequestHead, config: &Config) -> Answer {
    let answer = answer.with_header("vary", "origin");
    match head.origin() {
        Some(origin) if context::allows(head, config, origin) => answer
            .with_header("access-control-allow-origin", origin)
            .with_header("access-control-allow-credentials", "true")
            .with_header("access-control-expose-headers", "retry-after, x-request-id"),
        _ => answer,
    }
}
