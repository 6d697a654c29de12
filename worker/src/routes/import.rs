//! `POST /internal/import`: takes over a grant whose refresh token the app's back end has kept so far.

use smartcar_connect::{
    edge::{Operation, Problem, VaultReply, nothing_to_import, read_import},
    http_api::import::ImportRequest,
};

use crate::{context::RequestContext, http::HttpResponse, vault_client};

pub(crate) async fn import(context: &RequestContext<'_>) -> Result<HttpResponse, Problem> {
    let body: ImportRequest = context.json_body().await?;
    let caller = context.caller()?;
    let import = read_import(body)?;
    if context.config.access.owner_client().is_none() {
        return Err(nothing_to_import());
    }
    match vault_client::ask(context.env, &caller, Operation::Import(import)).await? {
        VaultReply::Body(connection) => Ok(HttpResponse::json_text(connection)),
        _ => Err(vault_client::unavailable()),
    }
}
