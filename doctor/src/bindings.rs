//! What `wrangler.toml` binds and says of the Worker as a whole.

use crate::{Deployment, Secrets, Syntax, finding::Finding};

pub(crate) fn examine(deployment: &Deployment) -> Vec<Finding> {
    let mut findings = vec![
        date(deployment),
        vault(deployment),
        migration(deployment),
        tokens(deployment),
        cron(deployment),
    ];
    findings.push(finish_limit(deployment));
    findings.extend(application_token(deployment));
    findings.extend(inbox(deployment));
    findings
}

fn text<'a>(table: &'a toml::Table, name: &str) -> Option<&'a str> {
    table.get(name).and_then(toml::Value::as_str)
}

fn date(deployment: &Deployment) -> Finding {
    let about = "compatibility_date";
    let is_date = |date: &&str| {
        let parts: Vec<&str> = date.split('-').collect();
        let digits = |part: &&str| part.bytes().all(|byte| byte.is_ascii_digit());
        date.len() == 10 && parts.iter().map(|part| part.len()).eq([4, 2, 2]) && parts.iter().all(digits)
    };
    match text(&deployment.wrangler, about).filter(is_date) {
        Some(date) => Finding::good(about, date),
        None => Finding::bad(
            about,
            "is missing or no date: take the line of the configuration that you got, which is tested",
        ),
    }
}

/// The binding of a Durable Object.
fn durable_object<'a>(deployment: &'a Deployment, name: &str) -> Option<&'a toml::Table> {
    let objects = deployment
        .wrangler
        .get("durable_objects")
        .and_then(toml::Value::as_table);
    let bindings = objects
        .and_then(|objects| objects.get("bindings"))
        .and_then(toml::Value::as_array);
    let mut tables = bindings.into_iter().flatten().filter_map(toml::Value::as_table);
    tables.find(|table| text(table, "name") == Some(name))
}

fn class_name(deployment: &Deployment, class: &str) -> String {
    deployment.syntax.entry("class_name", &format!("\"{class}\""))
}

fn bind(deployment: &Deployment, name: &str, class: &str) -> String {
    let (name, class) = (format!("\"{name}\""), format!("\"{class}\""));
    let fields = [("name", name.as_str()), ("class_name", class.as_str())];
    deployment.syntax.add_to_list("durable_objects.bindings", &fields)
}

fn add_migration(deployment: &Deployment, tag: &str, class: &str) -> String {
    let classes = format!("[\"{class}\"]");
    let fields = [("tag", tag), ("new_sqlite_classes", classes.as_str())];
    deployment.syntax.add_to_list("migrations", &fields)
}

/// Whether a migration creates this class with SQLite.
fn is_created(deployment: &Deployment, class: &str) -> bool {
    deployment.blocks("migrations").iter().any(|table| {
        let classes = table.get("new_sqlite_classes").and_then(toml::Value::as_array);
        classes.is_some_and(|classes| classes.iter().any(|created| created.as_str() == Some(class)))
    })
}

/// A Durable Object that is needed only where `is_used`.
fn optional(deployment: &Deployment, name: &'static str, class: &str, is_used: bool) -> Option<Finding> {
    match durable_object(deployment, name) {
        None if !is_used => None,
        None => Some(Finding::bad(
            name,
            format!("is not bound: {}", bind(deployment, name, class)),
        )),
        Some(bound) if text(bound, "class_name") != Some(class) => Some(Finding::bad(
            name,
            format!("is bound to another class: give it {}", class_name(deployment, class)),
        )),
        Some(_) if !is_created(deployment, class) => Some(Finding::bad(
            name,
            format!(
                "is created by no migration: {}",
                add_migration(deployment, "\"a new one\"", class)
            ),
        )),
        Some(_) => Some(Finding::good(name, format!("is bound to the class `{class}`"))),
    }
}

/// Where webhooks are kept: needed only where they are received.
fn inbox(deployment: &Deployment) -> Option<Finding> {
    const TOKEN: &str = "SMARTCAR_MANAGEMENT_TOKEN";
    let is_received = match &deployment.secrets {
        Secrets::Local(local) => local.contains_key(TOKEN),
        Secrets::Deployed(names) => names.iter().any(|name| name == TOKEN),
        Secrets::Unknown(_) => false,
    };
    optional(deployment, "WEBHOOK_INBOX", "WebhookInbox", is_received)
}

/// Where the application's own token is kept: needed only with an API credential.
fn application_token(deployment: &Deployment) -> Option<Finding> {
    let variables = deployment.wrangler.get("vars").and_then(toml::Value::as_table);
    let has_credential = variables.is_some_and(|variables| variables.contains_key("SMARTCAR_API_CLIENT_ID"));
    optional(deployment, "APPLICATION_TOKEN", "ApplicationToken", has_credential)
}

fn vault(deployment: &Deployment) -> Finding {
    match durable_object(deployment, "VAULT") {
        Some(bound) if text(bound, "class_name") == Some("Vault") => {
            Finding::good("VAULT", "is bound to the class `Vault`")
        }
        Some(_) => Finding::bad(
            "VAULT",
            format!("is bound to another class: give it {}", class_name(deployment, "Vault")),
        ),
        None => Finding::bad("VAULT", format!("is not bound: {}", bind(deployment, "VAULT", "Vault"))),
    }
}

fn migration(deployment: &Deployment) -> Finding {
    let about = "migrations";
    let creates = |kind: &str| {
        let classes = |table: &&toml::Table| table.get(kind).and_then(toml::Value::as_array).cloned();
        let all: Vec<toml::Value> = deployment.blocks(about).iter().filter_map(classes).flatten().collect();
        all.iter().any(|class| class.as_str() == Some("Vault"))
    };
    if creates("new_sqlite_classes") {
        Finding::good(about, "create the class `Vault` with SQLite")
    } else if creates("new_classes") {
        Finding::bad(
            about,
            "create `Vault` without SQLite: name it in `new_sqlite_classes`; this cannot be changed once it is deployed",
        )
    } else {
        Finding::bad(
            about,
            format!(
                "do not create `Vault`: {}",
                add_migration(deployment, "\"v1\"", "Vault")
            ),
        )
    }
}

fn tokens(deployment: &Deployment) -> Finding {
    let about = "kv_namespaces";
    let blocks = deployment.blocks(about);
    let bound = blocks.iter().find(|table| text(table, "binding") == Some("TOKENS"));
    match bound {
        None => Finding::bad(
            "TOKENS",
            format!(
                "is not bound: {}",
                deployment.syntax.add_to_list(about, &[("binding", "\"TOKENS\"")])
            ),
        ),
        Some(table) if deployment.is_local() || text(table, "id").is_some_and(|id| !id.is_empty()) => {
            Finding::good("TOKENS", "is bound to a KV namespace")
        }
        Some(_) => Finding::note(
            "TOKENS",
            "has no `id`: `npx wrangler deploy` creates the namespace and writes its id down; keep that change",
        ),
    }
}

fn cron(deployment: &Deployment) -> Finding {
    let about = "triggers";
    let triggers = deployment.wrangler.get(about).and_then(toml::Value::as_table);
    let crons = triggers
        .and_then(|table| table.get("crons"))
        .and_then(toml::Value::as_array);
    if crons.is_some_and(|crons| !crons.is_empty()) {
        Finding::good(about, "run the sweep after a change of key")
    } else {
        Finding::bad(
            about,
            format!(
                "have no cron: add {} with {}, or no change of key ends",
                deployment.syntax.section(about),
                deployment.syntax.entry("crons", "[\"*/10 * * * *\"]")
            ),
        )
    }
}

fn finish_limit(deployment: &Deployment) -> Finding {
    let about = "FINISH_LIMIT";
    let blocks = deployment.blocks("ratelimits");
    let Some(limit) = blocks.iter().find(|table| text(table, "name") == Some(about)) else {
        return Finding::note(
            about,
            "is not bound: strangers together may send as many callbacks as they like; docs/operations.md, \"Limits\"",
        );
    };
    let simple = limit.get("simple").and_then(toml::Value::as_table);
    let of = |name: &str| {
        simple
            .and_then(|simple| simple.get(name))
            .and_then(toml::Value::as_integer)
    };
    let is_number = |id: &str| !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_digit());
    if !text(limit, "namespace_id").is_some_and(is_number) {
        Finding::bad(
            about,
            "has no `namespace_id`: give any number in quotation marks that your account uses for nothing else",
        )
    } else if of("limit").is_none_or(|limit| limit < 1) || !matches!(of("period"), Some(10 | 60)) {
        Finding::bad(
            about,
            format!(
                "needs {}: a limit of at least 1, and a period of 10 or 60 seconds",
                deployment.syntax.entry(
                    "simple",
                    match deployment.syntax {
                        Syntax::Toml => "{ limit = 100, period = 60 }",
                        Syntax::Jsonc => "{ \"limit\": 100, \"period\": 60 }",
                    }
                )
            ),
        )
    } else {
        Finding::good(about, "is bound")
    }
}
