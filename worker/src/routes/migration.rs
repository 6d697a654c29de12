//! `GET` and `POST /internal/migration`: connections on the way from Smartcar's v2 to its v3.

use smartcar_connect::{
    edge::{
        MigrationPage, MigrationPlace, MigrationQuery, Operation, Problem, VaultReply, VaultRequest, moves_everybody,
        nothing_to_move, unknown_cursor,
    },
    http_api::ProblemCode,
    identity::Identity,
    seal::KvName,
    time::Millis,
};

use crate::{
    clock,
    context::RequestContext,
    http::HttpResponse,
    kv_namespace::{KvNamespace, ListedName, NamePage},
    settings, vault_client,
};

/// How long a page goes on with further vaults. The next page takes up what is left.
const PAGE_DEADLINE: Millis = Millis::from_secs(20);

pub(crate) async fn show(context: &RequestContext<'_>) -> Result<HttpResponse, Problem> {
    page(context, Operation::ShowMigration).await
}

pub(crate) async fn migrate(context: &RequestContext<'_>) -> Result<HttpResponse, Problem> {
    if context.config.migration.is_none() {
        return Err(nothing_to_move());
    }
    page(context, Operation::Migrate).await
}

/// Asks the vaults behind a page of names, one after the other.
async fn page(context: &RequestContext<'_>, operation: fn(String) -> Operation) -> Result<HttpResponse, Problem> {
    if context.identity.and_then(Identity::principal).is_some() {
        return Err(moves_everybody());
    }
    let query = MigrationQuery::parse(context.head.query().unwrap_or_default())?;
    let store = settings::tokens(context.env).map_err(|_| vault_client::unavailable())?;
    let NamePage { names, cursor } = list(&store, query.limit, &query.start).await?;
    let names: Vec<ListedName> = names
        .into_iter()
        .filter(|listed| !query.start.is_done(&listed.name))
        .collect();
    let count = u32::try_from(names.len()).unwrap_or(u32::MAX);
    let started = clock::now();
    let mut page = MigrationPage::new(query.start);
    for listed in names {
        if page.is_cut_short() || clock::now().since(started) >= PAGE_DEADLINE {
            break;
        }
        let Some(metadata) = listed.metadata.filter(|_| may_be_an_index(&listed.name)) else {
            page.passed(listed.name);
            continue;
        };
        let request = VaultRequest {
            caller: None,
            operation: operation(listed.name.clone()),
        };
        match vault_client::ask_by_id(context.env, &metadata.vault, &request).await {
            Ok(VaultReply::Migrated {
                connections,
                retry_after: None,
            }) => page.answered(listed.name, connections),
            // What was done of it is found done by the next page.
            Ok(VaultReply::Migrated {
                retry_after: Some(wait),
                ..
            }) => page.cut_short(wait),
            Ok(VaultReply::Done) => page.passed(listed.name),
            // There is no token to ask Smartcar with: no vault would fare better.
            Ok(VaultReply::Problem(problem)) if problem.code != ProblemCode::StorageUnavailable => return Err(problem),
            _ => page.unanswered(listed.name),
        }
    }
    Ok(HttpResponse::json(&page.into_answer(
        context.config.migration,
        count,
        cursor,
    )))
}

async fn list(store: &KvNamespace, limit: u32, start: &MigrationPlace) -> Result<NamePage, Problem> {
    let cursor = start.listed_after.as_deref();
    if let Ok(listed) = store.list(KvName::PREFIX, limit, cursor).await {
        return Ok(listed);
    }
    // If KV answers otherwise, it is the place that it does not know.
    let is_place = cursor.is_some() && store.list(KvName::PREFIX, 1, None).await.is_ok();
    Err(if is_place {
        unknown_cursor()
    } else {
        vault_client::unavailable()
    })
}

/// Look-ups that several vaults share have one more part in their names.
fn may_be_an_index(name: &str) -> bool {
    name.strip_prefix(KvName::PREFIX)
        .is_some_and(|rest| !rest.contains('/'))
}
