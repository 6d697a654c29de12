//! `/connections`, `/connections/{id}` and `/connections/{id}/reconnect`.

use smartcar_connect::{
    connect::ConnectionId,
    edge::{Caller, Operation, Problem, RateKey, RateLimit, VaultReply},
    http_api::ConnectionList,
};

use super::connect::attempt_body;
use crate::{context::RequestContext, http::HttpResponse, rate_limit, vault_client};

pub(crate) async fn list(context: &RequestContext<'_>) -> Result<HttpResponse, Problem> {
    match context.known_caller()? {
        Some(caller) => ask(context, &caller, None).await,
        None => Ok(HttpResponse::json(&ConnectionList {
            connections: Vec::new(),
        })),
    }
}

pub(crate) async fn show(context: &RequestContext<'_>, id: ConnectionId) -> Result<HttpResponse, Problem> {
    let caller = context.caller()?;
    ask(context, &caller, Some(id)).await
}

async fn ask(
    context: &RequestContext<'_>,
    caller: &Caller,
    only: Option<ConnectionId>,
) -> Result<HttpResponse, Problem> {
    match vault_client::ask(context.env, caller, Operation::Connections(only)).await? {
        VaultReply::Body(body) => Ok(HttpResponse::json_text(body)),
        _ => Err(vault_client::unavailable()),
    }
}

pub(crate) async fn reconnect(context: &RequestContext<'_>, id: ConnectionId) -> Result<HttpResponse, Problem> {
    let (fingerprint, redirect_uri, asked) = attempt_body(context).await?;
    let caller = context.caller()?;
    rate_limit::admit(context.env, RateLimit::Start, &RateKey::caller(&caller.principal)).await?;
    let reconnect = Operation::Reconnect {
        id,
        fingerprint,
        redirect_uri,
        asked,
    };
    match vault_client::ask(context.env, &caller, reconnect).await? {
        VaultReply::Body(body) => Ok(HttpResponse::json_text(body)),
        _ => Err(vault_client::unavailable()),
    }
}

pub(crate) async fn disconnect(context: &RequestContext<'_>, id: ConnectionId) -> Result<HttpResponse, Problem> {
    let caller = context.caller()?;
    vault_client::ask(context.env, &caller, Operation::Disconnect(id)).await?;
    Ok(HttpResponse::empty(204))
}

pub(crate) async fn disconnect_all(context: &RequestContext<'_>) -> Result<HttpResponse, Problem> {
    if let Some(caller) = context.known_caller()? {
        vault_client::ask(context.env, &caller, Operation::DisconnectAll).await?;
    }
    Ok(HttpResponse::empty(204))
}
