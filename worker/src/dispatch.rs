//! From a request to its answer.

use std::rc::Rc;

use smartcar_connect::{
    edge::{
        Config, Problem, RequestHead, Resource, Routed, allowed_headers, check_content_type, check_csrf, check_read,
        needs_csrf_check, needs_read_check, nothing_here, route,
    },
    http_api::{ProblemCode, header, health::HEALTHY},
    identity::Identity,
};
use worker::{Context, Env};

use crate::{
    clock,
    context::{self, RequestContext},
    http::{self, HttpResponse},
    identity, random, routes, settings, telemetry,
};

pub(crate) async fn respond(
    request: &web_sys::Request,
    env: &Env,
    platform: &Rc<Context>,
) -> worker::Result<web_sys::Response> {
    let request_id = random::id().unwrap_or_default();
    let config = match settings::read(env) {
        Ok(config) => config,
        Err(misconfiguration) => {
            let mut problem = Problem::new(ProblemCode::Misconfigured, misconfiguration.to_string());
            if let Some((setting, _)) = misconfiguration.problems().first() {
                problem = problem.with_field(setting.name());
            }
            return HttpResponse::problem(&problem, &request_id).into_response(&request_id);
        }
    };
    let now = clock::now();
    let head = http::head(request);
    let routed = route(&config.prefix, head.method(), head.path());
    let resource = match &routed {
        Routed::To(resource) => Some(resource),
        _ => None,
    };
    let identified = identity::identify(env, &head, &config, resource, now).await;
    let answer = match (&identified, resource) {
        (Err(problem), _) => Err(problem.clone()),
        (Ok(identity), Some(resource)) => {
            let context = RequestContext {
                config: config.clone(),
                env,
                platform,
                head: &head,
                resource,
                now,
                identity: identity.as_ref(),
                request,
            };
            answer(&context).await
        }
        (Ok(_), None) => without_resource(request, &routed, &head, &config, &request_id),
    };
    let is_page = resource.is_some_and(Resource::is_page);
    let answer = answer.unwrap_or_else(|problem| refusal(&problem, is_page, &head, &config, &request_id));
    let route = resource.map_or("none", Resource::name);
    telemetry::record_request(env, route, answer.status, now, &request_id);
    let answer = match identified {
        // Nothing is left that the session could open.
        Ok(Some(Identity::Session(_))) if resource == Some(&Resource::DisconnectAll) && answer.status == 204 => {
            identity::end_session(answer, &head, &config)
        }
        // They set the cookie themselves.
        Ok(_)
            if matches!(
                resource,
                Some(Resource::OpenSession | Resource::EndSession | Resource::ClaimSession)
            ) =>
        {
            answer
        }
        // The session has ended, and a newer one may be in its place by now.
        Ok(_) if answer.status == ProblemCode::SessionMissing.status() => answer,
        // A cookie made with a retired key is made again whatever was asked.
        Ok(Some(identity)) => identity::set_session_cookie(answer, &identity, &head, &config, now),
        _ => answer,
    };
    with_cors(answer, &head, &config).into_response(&request_id)
}

/// The answer to a request that has a problem.
fn refusal(problem: &Problem, is_page: bool, head: &RequestHead, config: &Config, request_id: &str) -> HttpResponse {
    let answer = match is_page {
        true => routes::login::problem_page(problem, &config.prefix),
        false => HttpResponse::problem(problem, request_id),
    };
    context::challenged(answer, problem, head, config)
}

/// The answer where there is nothing to ask for.
fn without_resource(
    request: &web_sys::Request,
    routed: &Routed,
    head: &RequestHead,
    config: &Config,
    request_id: &str,
) -> Result<HttpResponse, Problem> {
    match routed {
        Routed::Preflight { allow } => Ok(preflight(request, head, allow, config)),
        Routed::MethodNotAllowed { allow } => {
            let detail = ["use ", allow].concat();
            let problem = Problem::new(ProblemCode::MethodNotAllowed, detail);
            Ok(HttpResponse::problem(&problem, request_id).with_header("allow", *allow))
        }
        Routed::NotFound | Routed::Outside | Routed::To(_) => Err(nothing_here(&config.prefix, head.path())),
    }
}

async fn answer(context: &RequestContext<'_>) -> Result<HttpResponse, Problem> {
    let (head, allowed) = (context.head, &context.config.allowed_origins);
    if needs_csrf_check(context.resource, context.identity) {
        check_csrf(&head.csrf_headers(), head.own_origin().as_ref(), allowed)?;
    }
    if needs_read_check(context.resource, context.identity) {
        check_read(
            context.resource,
            &head.csrf_headers(),
            head.own_origin().as_ref(),
            allowed,
        )?;
    }
    // One rule for every body, whether the route takes one or not, but for one that counts by its signature alone.
    let is_read = !context.resource.is_signed();
    if is_read && (context.resource.takes_body() || (head.has_body() && http::has_content(context.request).await?)) {
        check_content_type(head.content_type())?;
    }
    match context.resource {
        Resource::ConnectStart => routes::connect::start(context).await,
        Resource::ConnectFinish => routes::connect::finish(context).await,
        Resource::ConnectLogin => routes::login::login(context, false).await,
        Resource::ConnectLoginForm => routes::login::login(context, true).await,
        Resource::ConnectCallback => routes::login::callback(context).await,
        Resource::ShowAttempt(fingerprint) => routes::connect::attempt(context, fingerprint.clone()).await,
        Resource::ListConnections => routes::connections::list(context).await,
        Resource::ShowConnection(id) => routes::connections::show(context, id.clone()).await,
        Resource::Disconnect(id) => routes::connections::disconnect(context, id.clone()).await,
        Resource::Reconnect(id) => routes::connections::reconnect(context, id.clone()).await,
        Resource::DisconnectAll => routes::connections::disconnect_all(context).await,
        Resource::ListVehicles => routes::vehicles::list(context).await,
        Resource::Api(target) => routes::api::pass_on(context, target).await,
        Resource::InternalToken => routes::token::issue(context).await,
        Resource::Rotation => routes::rotation::report(context).await,
        Resource::ShowMigration => routes::migration::show(context).await,
        Resource::Migrate => routes::migration::migrate(context).await,
        Resource::ListPrincipals => routes::principals::list(context).await,
        Resource::IssueTicket => routes::session::issue_ticket(context).await,
        Resource::Import => routes::import::import(context).await,
        Resource::OpenSession => routes::session::open(context).await,
        Resource::EndSession => routes::session::end(context).await,
        Resource::ClaimSession => routes::claim::claim(context).await,
        Resource::ReceiveWebhook => routes::webhooks::receive(context).await,
        Resource::OpenApi => Ok(routes::openapi::describe(context)),
        Resource::Health => Ok(HttpResponse::json_text(HEALTHY.to_owned())),
    }
}

/// The answer to a preflight: a browser asks before it lets a page of another origin send our header.
fn preflight(request: &web_sys::Request, head: &RequestHead, allow: &'static str, config: &Config) -> HttpResponse {
    let answer = HttpResponse::empty(204).with_header("allow", allow);
    let requested = request.headers().get("access-control-request-headers").ok().flatten();
    let headers = allowed_headers(requested.as_deref(), config.jwt.is_some());
    match head.origin() {
        Some(origin) if context::allows(head, config, origin) => answer
            .with_header("access-control-allow-methods", allow)
            .with_header("access-control-allow-headers", headers)
            .with_header("access-control-max-age", "600"),
        _ => answer,
    }
}

/// Lets the pages of allowed origins read the answer.
fn with_cors(answer: HttpResponse, head: &RequestHead, config: &Config) -> HttpResponse {
    match head.origin() {
        Some(origin) if context::allows(head, config, origin) => answer
            .with_header("access-control-allow-origin", origin)
            .with_header("access-control-allow-credentials", "true")
            .with_header("access-control-expose-headers", header::EXPOSED),
        _ => answer,
    }
}
