//! `POST /connect/start`, `POST /connect/finish` and `GET /connect/attempts/{fingerprint}`.

use smartcar_connect::{
    connect::{ExternalId, RedirectUri, StateFingerprint},
    edge::{Caller, Operation, Problem, RateKey, RateLimit, VaultReply},
    http_api::{
        FinishRequest, ProblemCode, StartRequest, StartResponse,
        start::{Asked, SessionOrigin},
    },
    identity::{Identity, Session},
    time::UnixMillis,
};

use crate::{
    context::RequestContext,
    http::HttpResponse,
    identity::{set_session_cookie, start_session},
    rate_limit, vault_client,
};

/// What is sent to begin an attempt.
pub(super) async fn attempt_body(
    context: &RequestContext<'_>,
) -> Result<(StateFingerprint, RedirectUri, Asked), Problem> {
    let body: StartRequest = context.json_body().await?;
    let fingerprint = StateFingerprint::parse(&body.state_fingerprint)
        .map_err(|error| error.in_field(StartRequest::STATE_FINGERPRINT))?;
    let redirect_uri =
        RedirectUri::parse(&body.redirect_uri).map_err(|error| error.in_field(StartRequest::REDIRECT_URI))?;
    // The callback brings the code: it may only come to pages that may use it.
    if !redirect_uri.origin().is_some_and(|origin| context.allows(&origin)) {
        let detail = "`redirectUri` belongs to neither the Worker's origin nor one of `ALLOWED_ORIGINS`";
        return Err(Problem::new(ProblemCode::InvalidParameter, detail).with_field(StartRequest::REDIRECT_URI));
    }
    Ok((fingerprint, redirect_uri, body.asked()?))
}

pub(crate) async fn start(context: &RequestContext<'_>) -> Result<HttpResponse, Problem> {
    let (fingerprint, redirect_uri, asked) = attempt_body(context).await?;
    let begun = begin(context, fingerprint, redirect_uri, asked).await?;
    let answer = HttpResponse::json(&StartResponse {
        application_id: context.config.application_id.clone(),
        connect_origin: context.config.origins.connect.as_str().to_owned(),
        external_id: begun.external_id,
        expires_at: begun.expires_at,
        session: match begun.session {
            Some(_) => SessionOrigin::Started,
            None => SessionOrigin::Resumed,
        },
    });
    Ok(match begun.session {
        Some(session) => {
            let identity = Identity::Session(session);
            set_session_cookie(answer, &identity, context.head, &context.config, context.now)
        }
        None => answer,
    })
}

/// An attempt that the vault has noted.
pub(super) struct Begun {
    pub(super) external_id: ExternalId,
    pub(super) expires_at: UnixMillis,
    /// The session that was opened for it, if the caller had none.
    pub(super) session: Option<Session>,
}

/// Notes an attempt with the vault of the caller, who gets a session if there is none.
pub(super) async fn begin(
    context: &RequestContext<'_>,
    fingerprint: StateFingerprint,
    redirect_uri: RedirectUri,
    asked: Asked,
) -> Result<Begun, Problem> {
    // An anonymous start makes a session and a vault, so that the caller is nothing to count by.
    let key = match context.caller() {
        Ok(caller) => RateKey::caller(&caller.principal),
        Err(_) => RateKey::address(
            context
                .request
                .headers()
                .get("cf-connecting-ip")
                .ok()
                .flatten()
                .as_deref(),
        ),
    };
    rate_limit::admit(context.env, RateLimit::Start, &key).await?;
    let started = match context.identity {
        Some(_) => None,
        None => Some(start_session(&context.config, context.now)?),
    };
    let caller = match &started {
        Some(session) => Caller::from_session(session),
        None => context.caller()?,
    };
    let start = Operation::Start {
        fingerprint,
        redirect_uri,
        asked,
    };
    let VaultReply::Started {
        external_id,
        expires_at,
    } = vault_client::ask(context.env, &caller, start).await?
    else {
        return Err(vault_client::unavailable());
    };
    Ok(Begun {
        external_id,
        expires_at,
        session: started,
    })
}

pub(crate) async fn finish(context: &RequestContext<'_>) -> Result<HttpResponse, Problem> {
    let body: FinishRequest = context.json_body().await?;
    let caller = context.caller()?;
    rate_limit::admit(context.env, RateLimit::Finish, &RateKey::everybody()).await?;
    let VaultReply::Body(answer) = vault_client::ask(context.env, &caller, Operation::Finish(body.callback)).await?
    else {
        return Err(vault_client::unavailable());
    };
    Ok(HttpResponse::json_text(answer))
}

pub(crate) async fn attempt(
    context: &RequestContext<'_>,
    fingerprint: StateFingerprint,
) -> Result<HttpResponse, Problem> {
    let caller = context.caller()?;
    let VaultReply::Body(answer) = vault_client::ask(context.env, &caller, Operation::Attempt(fingerprint)).await?
    else {
        return Err(vault_client::unavailable());
    };
    Ok(HttpResponse::json_text(answer))
}
