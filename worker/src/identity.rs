//! Who makes a request: the one place where credentials are read.

use smartcar_connect::{
    edge::{Config, Problem, RequestHead, Resource, named_user},
    http_api::ProblemCode,
    identity::{BackEnd, Identity, ServiceKey, Session, ended_session_cookie},
    time::UnixMillis,
};
use worker::Env;

use crate::{http::HttpResponse, jwt, random};

/// Reads the credential that `resource` takes: a service key where only the app's own back end calls; anywhere else a service
/// key, if one is shown or the header that belongs to it; otherwise a token of the app's log-in if the settings take those, and a
/// session where no token is shown. With a service key no token and no cookie counts.
///
/// # Errors
/// The problem to answer with, where a credential is demanded and none that counts is shown, and where a token is shown that does
/// not count.
pub(crate) async fn identify(
    env: &Env,
    head: &RequestHead,
    config: &Config,
    resource: Option<&Resource>,
    now: UnixMillis,
) -> Result<Option<Identity>, Problem> {
    match resource {
        // Its signature alone counts.
        Some(resource) if resource.is_signed() => Ok(None),
        Some(resource) if resource.is_internal() || shows_service_key(head, config) => {
            let key = service_key(head, config)?;
            let user = named_user(head.user())?;
            Ok(Some(Identity::Service(BackEnd { key, user })))
        }
        None | Some(Resource::Health | Resource::OpenApi) => Ok(session(head, config, now).map(Identity::Session)),
        Some(_) => match jwt::subject(env, head, config, now).await? {
            Some(subject) => Ok(Some(Identity::Subject(subject))),
            None => Ok(session(head, config, now).map(Identity::Session)),
        },
    }
}

/// Whether a back end calls: the header that names a user counts beside a service key alone, so that a request that has it
/// without one is refused and does not become a visitor's.
fn shows_service_key(head: &RequestHead, config: &Config) -> bool {
    head.user().is_some() || config.service_keys.shown_by(head.authorization()).is_some()
}

fn service_key(head: &RequestHead, config: &Config) -> Result<ServiceKey, Problem> {
    config.service_keys.shown_by(head.authorization()).ok_or_else(|| {
        let detail = if config.service_keys.is_empty() {
            "the Worker has no `SERVICE_KEYS`: set one by `wrangler secret put SERVICE_KEYS`"
        } else {
            "send `Authorization: Bearer` and one of the Worker's `SERVICE_KEYS`"
        };
        Problem::new(ProblemCode::ServiceKeyRejected, detail).with_field("Authorization")
    })
}

/// A session that is missing, has ended or is not ours is none.
pub(crate) fn session(head: &RequestHead, config: &Config, now: UnixMillis) -> Option<Session> {
    let value = config.session_cookie.find(head.cookie()?, head.port())?;
    let session = Session::from_cookie(&config.key_ring, value, now, config.session_limits).ok()?;
    Some(session.visited(now))
}

/// A session that starts now.
pub(crate) fn start_session(config: &Config, now: UnixMillis) -> Result<Session, Problem> {
    let id = random::bytes().map_err(|_| random::problem())?;
    Ok(Session::start(id, now, config.session_limits))
}

/// The answer with the cookie of the identity, if it has to be set.
pub(crate) fn set_session_cookie(
    answer: HttpResponse,
    identity: &Identity,
    head: &RequestHead,
    config: &Config,
    now: UnixMillis,
) -> HttpResponse {
    let name = config.session_cookie.name(head.port());
    match identity.set_cookie(&name, &config.key_ring, now) {
        Some(cookie) => answer.with_header("set-cookie", cookie.as_str()),
        None => answer,
    }
}

/// The answer that ends the session in the browser.
pub(crate) fn end_session(answer: HttpResponse, head: &RequestHead, config: &Config) -> HttpResponse {
    let name = config.session_cookie.name(head.port());
    answer.with_header("set-cookie", ended_session_cookie(&name))
}
