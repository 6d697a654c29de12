//! What is known of a request while it is answered.

use std::rc::Rc;

use serde::de::DeserializeOwned;
use smartcar_connect::{
    connect::Origin,
    edge::{
        Caller, Config, Problem, RequestHead, Resource, challenge, is_allowed_origin, user_not_named, without_identity,
    },
    identity::Identity,
    time::UnixMillis,
};
use worker::{Context, Env};

use crate::http::{self, HttpResponse};

/// Everything that a route needs.
pub(crate) struct RequestContext<'a> {
    pub(crate) config: Rc<Config>,
    pub(crate) env: &'a Env,
    /// What goes on after the answer is handed to it.
    pub(crate) platform: &'a Rc<Context>,
    pub(crate) head: &'a RequestHead,
    pub(crate) resource: &'a Resource,
    pub(crate) now: UnixMillis,
    /// Who makes the request; `None` if it shows no credential that counts.
    pub(crate) identity: Option<&'a Identity>,
    pub(crate) request: &'a web_sys::Request,
}

impl RequestContext<'_> {
    /// Whom the request speaks for.
    ///
    /// # Errors
    /// What the resource tells a caller without a credential.
    pub(crate) fn caller(&self) -> Result<Caller, Problem> {
        self.known_caller()?.ok_or_else(|| without_identity(self.resource))
    }

    /// As `caller`; `None` if no credential is shown that counts.
    ///
    /// # Errors
    /// The problem of a back end that names no user.
    pub(crate) fn known_caller(&self) -> Result<Option<Caller>, Problem> {
        match self.identity {
            Some(identity) => Caller::of(identity).map(Some).ok_or_else(user_not_named),
            None => Ok(None),
        }
    }

    /// The body, if it is JSON of the wanted form.
    pub(crate) async fn json_body<T: DeserializeOwned>(&self) -> Result<T, Problem> {
        http::json_body(self.request).await
    }

    /// Whether pages of this origin may use the Worker.
    pub(crate) fn allows(&self, origin: &Origin) -> bool {
        allows(self.head, &self.config, origin.as_str())
    }
}

/// Whether a page of `origin`, as a browser writes it, may use the Worker.
pub(crate) fn allows(head: &RequestHead, config: &Config, origin: &str) -> bool {
    is_allowed_origin(origin, head.own_origin().as_ref(), &config.allowed_origins)
}

/// The answer with the challenge that belongs to the problem, if one does.
pub(crate) fn challenged(answer: HttpResponse, problem: &Problem, head: &RequestHead, config: &Config) -> HttpResponse {
    let cookie_name = config.session_cookie.name(head.port());
    match challenge(problem, head.authorization(), &cookie_name, config.jwt.is_some()) {
        Some(challenge) => answer.with_header("www-authenticate", challenge),
        None => answer,
    }
}
