//! `/connections` and `/connections/{id}`.

use smartcar_connect::{
    edge::{Problem, ProblemCode, VaultReply, VaultRequest},
    time::UnixMillis,
    vault::{Connection, ConnectionId},
};
use worker::Request;

use crate::{caller, dispatch::Work, http::Answer, vault_client};

/// The caller's connections; none without a session.
pub(crate) async fn all(request: &Request, work: &Work<'_>, now: UnixMillis) -> Result<Vec<Connection>, Problem> {
    let Some(session) = caller::session(request, &work.config, now) else {
        return Ok(Vec::new());
    };
    let caller = caller::of_session(&session, &work.config);
    match vault_client::ask(work.env, &caller, &VaultRequest::Connections { caller: caller.clone() }).await? {
        VaultReply::Connections { connections } => Ok(connections),
        _ => Err(vault_client::unavailable()),
    }
}

pub(crate) async fn list(request: &Request, work: &Work<'_>, now: UnixMillis) -> Result<Answer, Problem> {
    let connections = all(request, work, now).await?;
    Ok(Answer::json(&serde_json::json!({ "connections": connections })))
}

pub(crate) async fn show(
    request: &Request,
    work: &Work<'_>,
    now: UnixMillis,
    id: &ConnectionId,
) -> Result<Answer, Problem> {
    let connections = all(request, work, now).await?;
    connections
        .iter()
        .find(|connection| connection.id == *id)
        .map(Answer::json)
        .ok_or_else(not_found)
}

pub(crate) async fn disconnect(
    request: &Request,
    work: &Work<'_>,
    now: UnixMillis,
    id: ConnectionId,
) -> Result<Answer, Problem> {
    let session = caller::session(request, &work.config, now).ok_or_else(not_found)?;
    let caller = caller::of_session(&session, &work.config);
    vault_client::ask(
        work.env,
        &caller,
        &VaultRequest::Disconnect {
            caller: caller.clone(),
            id,
        },
    )
    .await?;
    Ok(Answer::empty(204))
}

pub(crate) async fn disconnect_all(request: &Request, work: &Work<'_>, now: UnixMillis) -> Result<Answer, Problem> {
    let Some(session) = caller::session(request, &work.config, now) else {
        return Ok(Answer::empty(204));
    };
    let caller = caller::of_session(&session, &work.config);
    vault_client::ask(
        work.env,
        &caller,
        &VaultRequest::DisconnectAll { caller: caller.clone() },
    )
    .await?;
    Ok(Answer::empty(204))
}

fn not_found() -> Problem {
    Problem::new(
        ProblemCode::ConnectionNotFound,
        "the connection does not exist or is not the caller's",
    )
}
