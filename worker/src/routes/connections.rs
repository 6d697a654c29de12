//! `/connections` and `/connections/{id}`.

use smartcar_connect::{
    connect::ConnectionId,
    edge::{Caller, Operation, Problem, VaultReply},
    http_api::ConnectionList,
};

use crate::{dispatch::Work, http::Answer, vault_client};

pub(crate) async fn list(work: &Work<'_>) -> Result<Answer, Problem> {
    match work.caller() {
        Some(caller) => ask(work, &caller, None).await,
        None => Ok(Answer::json(&ConnectionList {
            connections: Vec::new(),
        })),
    }
}

pub(crate) async fn show(work: &Work<'_>, id: ConnectionId) -> Result<Answer, Problem> {
    let caller = work.caller().ok_or_else(Problem::connection_not_found)?;
    ask(work, &caller, Some(id)).await
}

async fn ask(work: &Work<'_>, caller: &Caller, only: Option<ConnectionId>) -> Result<Answer, Problem> {
    match vault_client::ask(work.env, caller, Operation::Connections(only)).await? {
        VaultReply::Body(body) => Ok(Answer::json_text(body)),
        _ => Err(vault_client::unavailable()),
    }
}

pub(crate) async fn disconnect(work: &Work<'_>, id: ConnectionId) -> Result<Answer, Problem> {
    let caller = work.caller().ok_or_else(Problem::connection_not_found)?;
    vault_client::ask(work.env, &caller, Operation::Disconnect(id)).await?;
    Ok(Answer::empty(204))
}

pub(crate) async fn disconnect_all(work: &Work<'_>) -> Result<Answer, Problem> {
    if let Some(caller) = work.caller() {
        vault_client::ask(work.env, &caller, Operation::DisconnectAll).await?;
    }
    Ok(Answer::empty(204))
}
