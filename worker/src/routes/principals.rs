//! `GET /internal/connections`: whose owner has to act.

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use smartcar_connect::{
    edge::{MustActPage, MustActQuery, Operation, Problem, VaultReply, VaultRequest, not_of_one_user, unknown_cursor},
    http_api::principal::{PrincipalConnections, PrincipalList},
    identity::Identity,
};

use crate::{
    context::RequestContext,
    http::HttpResponse,
    kv_namespace::KvNamespace,
    settings,
    vault_client::{self, NoReply},
};

/// How many vaults are asked at once.
const ASKED_AT_ONCE: usize = 6;

pub(crate) async fn list(context: &RequestContext<'_>) -> Result<HttpResponse, Problem> {
    if context.identity.and_then(Identity::principal).is_some() {
        return Err(not_of_one_user());
    }
    let ring = &context.config.key_ring;
    let query = MustActQuery::parse(context.head.query().unwrap_or_default(), ring)?;
    let store = settings::tokens(context.env).map_err(|_| vault_client::unavailable())?;
    let mut page = MustActPage::new(&query, ring);
    fill(&mut page, &store).await?;
    let asked = stream::iter(page.vaults()).map(|vault| ask(context, vault, &query));
    let answers: Vec<Option<PrincipalConnections>> = asked.buffered(ASKED_AT_ONCE).try_collect().await?;
    Ok(HttpResponse::json(&PrincipalList {
        principals: answers.into_iter().flatten().collect(),
        cursor: page.cursor(),
    }))
}

/// Lists the names that make the page.
async fn fill(page: &mut MustActPage<'_>, store: &KvNamespace) -> Result<(), Problem> {
    while let Some(wanted) = page.wanted() {
        let cursor = wanted.cursor.as_deref();
        let Ok(listed) = store.list(&wanted.prefix, wanted.limit, cursor).await else {
            // If KV answers otherwise, it is the place that it does not know.
            let is_place = cursor.is_some() && store.list(&wanted.prefix, 1, None).await.is_ok();
            return Err(if is_place {
                unknown_cursor()
            } else {
                vault_client::unavailable()
            });
        };
        page.listed(listed.names.into_iter().map(|listed| listed.name), listed.cursor);
    }
    Ok(())
}

/// The connections of a vault whose owner has to act; `None` if there is none by now.
async fn ask(
    context: &RequestContext<'_>,
    vault: &str,
    query: &MustActQuery,
) -> Result<Option<PrincipalConnections>, Problem> {
    let request = VaultRequest {
        caller: None,
        operation: Operation::MustAct(query.statuses.clone()),
    };
    match vault_client::ask_by_id(context.env, vault, &request).await {
        Ok(VaultReply::MustAct(of_principal)) => Ok(Some(of_principal)),
        Ok(VaultReply::Done) => Ok(None),
        Ok(VaultReply::Problem(problem)) => Err(problem),
        Err(NoReply::NoVault) => {
            worker::console_error!("a name in KV of an owner who must act leads to no vault");
            Ok(None)
        }
        _ => Err(vault_client::unavailable()),
    }
}
