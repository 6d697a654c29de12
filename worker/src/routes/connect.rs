//! `POST /connect/start` and `POST /connect/finish`.

use smartcar_connect::{
    connect::{RedirectUri, StateFingerprint},
    edge::{Operation, Problem, VaultReply, is_allowed_origin},
    http_api::{FinishRequest, ProblemCode, StartRequest, StartResponse},
};
use worker::Request;

use crate::{
    caller,
    dispatch::Work,
    http::{self, Answer},
    vault_client,
};

pub(crate) async fn start(request: &mut Request, work: &Work<'_>) -> Result<Answer, Problem> {
    let body: StartRequest = http::json_body(request).await?;
    let fingerprint = StateFingerprint::parse(&body.state_fingerprint)
        .map_err(|error| error.in_field(StartRequest::STATE_FINGERPRINT))?;
    let redirect_uri =
        RedirectUri::parse(&body.redirect_uri).map_err(|error| error.in_field(StartRequest::REDIRECT_URI))?;
    // The callback brings the code: it may only come to pages that may use it.
    let allowed = redirect_uri
        .origin()
        .is_some_and(|origin| is_allowed_origin(origin.as_str(), &work.own_origin, &work.config.allowed_origins));
    if !allowed {
        let detail = "`redirectUri` belongs to neither the Worker's origin nor one of `ALLOWED_ORIGINS`";
        return Err(Problem::new(ProblemCode::InvalidParameter, detail).with_field(StartRequest::REDIRECT_URI));
    }
    let started = match work.session {
        Some(_) => None,
        None => Some(caller::start_session(work.now)?),
    };
    let caller = match (&started, work.caller()) {
        (None, Some(caller)) => caller,
        (Some(session), _) => caller::of_session(session, &work.config),
        (None, None) => return Err(vault_client::unavailable()),
    };
    let start = Operation::Start {
        fingerprint,
        redirect_uri,
    };
    let VaultReply::Started {
        external_id,
        expires_at,
    } = vault_client::ask(work.env, &caller, start).await?
    else {
        return Err(vault_client::unavailable());
    };
    let answer = Answer::json(&StartResponse {
        application_id: work.config.application_id.clone(),
        connect_origin: work.config.origins.connect.as_str().to_owned(),
        external_id,
        expires_at,
    });
    Ok(match &started {
        Some(session) => caller::remember(answer, session, &work.config, work.now),
        None => answer,
    })
}

pub(crate) async fn finish(request: &mut Request, work: &Work<'_>) -> Result<Answer, Problem> {
    let body: FinishRequest = http::json_body(request).await?;
    let caller = work.caller().ok_or_else(|| {
        let detail = "the session cookie is missing or has ended: start the connection again in this browser, \
                      and allow cookies";
        Problem::new(ProblemCode::SessionMissing, detail)
    })?;
    let VaultReply::Body(answer) = vault_client::ask(work.env, &caller, Operation::Finish(body.callback)).await? else {
        return Err(vault_client::unavailable());
    };
    Ok(Answer::json_text(answer))
}
