//! `/connections` and `/connections/{id}`.

use smartcar_connect::{
    edge::{Operation, Problem, VaultReply},
    time::UnixMillis,
    vault::{ConnectionId, Session},
};
use worker::Request;

use crate::{caller, dispatch::Work, http::Answer, vault_client};

pub(crate) async fn list(request: &Request, work: &Work<'_>, now: UnixMillis) -> Result<Answer, Problem> {
    match caller::session(request, &work.config, now) {
        Some(session) => ask(work, &session, now, None).await,
        None => Ok(Answer::json_text(r#"{"connections":[]}"#.to_owned())),
    }
}

pub(crate) async fn show(
    request: &Request,
    work: &Work<'_>,
    now: UnixMillis,
    id: ConnectionId,
) -> Result<Answer, Problem> {
    let session = caller::session(request, &work.config, now).ok_or_else(Problem::connection_not_found)?;
    ask(work, &session, now, Some(id)).await
}

async fn ask(
    work: &Work<'_>,
    session: &Session,
    now: UnixMillis,
    only: Option<ConnectionId>,
) -> Result<Answer, Problem> {
    let caller = caller::of_session(session, &work.config);
    match vault_client::ask(work.env, &caller, Operation::Connections(only)).await? {
        VaultReply::Body(body) => Ok(caller::remember(Answer::json_text(body), session, &work.config, now)),
        _ => Err(vault_client::unavailable()),
    }
}

pub(crate) async fn disconnect(
    request: &Request,
    work: &Work<'_>,
    now: UnixMillis,
    id: ConnectionId,
) -> Result<Answer, Problem> {
    let session = caller::session(request, &work.config, now).ok_or_else(Problem::connection_not_found)?;
    let caller = caller::of_session(&session, &work.config);
    vault_client::ask(work.env, &caller, Operation::Disconnect(id)).await?;
    Ok(Answer::empty(204))
}

pub(crate) async fn disconnect_all(request: &Request, work: &Work<'_>, now: UnixMillis) -> Result<Answer, Problem> {
    let Some(session) = caller::session(request, &work.config, now) else {
        return Ok(Answer::empty(204));
    };
    let caller = caller::of_session(&session, &work.config);
    vault_client::ask(work.env, &caller, Operation::DisconnectAll).await?;
    Ok(Answer::empty(204))
}
