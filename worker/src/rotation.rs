//! The sweep that seals again what retired keys sealed. A cron trigger runs it; it stops by itself when nothing is left.

use std::collections::HashMap;

use smartcar_connect::{
    edge::{Config, Operation, VaultReply, VaultRequest},
    seal::{KvName, ResealPage, ResealProgress},
};
use worker::Env;

use crate::{
    clock,
    kv_namespace::KvNamespace,
    settings,
    telemetry::{self, LogEvent},
    vault_client,
};

/// Where the progress is kept. It tells nothing that is not in the clear in KV anyway.
const PROGRESS: &str = "rotation";

/// How far the sweep is; `None` before its first run.
pub(crate) async fn progress(store: &KvNamespace) -> Option<ResealProgress> {
    let text = store.get(PROGRESS).await.ok()??;
    serde_json::from_slice(text.as_bytes()).ok()
}

/// Goes on with the sweep, as far as one run may.
pub(crate) async fn run(env: &Env) {
    let (config, store) = match settings::read(env).and_then(|config| Ok((config, settings::tokens(env)?))) {
        Ok(both) => both,
        Err(misconfiguration) => return worker::console_error!("{misconfiguration}"),
    };
    let started = clock::now();
    let Some(rotation) = ResealProgress::due(progress(&store).await, config.key_ring.active_id(), started) else {
        return;
    };
    let Some(page) = page(env, &config, &store, rotation.cursor.clone()).await else {
        return worker::console_error!("the names in KV could not be listed; the next run tries again");
    };
    let after = rotation.after(page, clock::now());
    let outcome = if after.complete { "complete" } else { "going_on" };
    telemetry::record(env, LogEvent::Reseal, outcome, started, None);
    let stored = match serde_json::to_string(&after) {
        Ok(text) => store.put(PROGRESS, &text, None).await.is_ok(),
        Err(_) => false,
    };
    if !stored {
        worker::console_error!("the progress of the rotation could not be stored; the next run repeats the page");
    }
}

/// Lists one page of names, and has the vaults behind retired records seal them again.
async fn page(env: &Env, config: &Config, store: &KvNamespace, cursor: Option<String>) -> Option<ResealPage> {
    let listed = store
        .list(KvName::PREFIX, config.rotation_batch, cursor.as_deref())
        .await
        .ok()?;
    let active = config.key_ring.active_id().as_str();
    let mut vaults: HashMap<String, Vec<String>> = HashMap::new();
    let (mut scanned, mut failed) = (0_u32, 0_u32);
    for listed in listed.names {
        scanned = scanned.saturating_add(1);
        match listed.metadata {
            Some(metadata) if metadata.key == active => {}
            Some(metadata) => vaults.entry(metadata.vault).or_default().push(listed.name),
            None => failed = failed.saturating_add(1),
        }
    }
    let mut resealed = 0_u32;
    for (vault, names) in vaults {
        let records = u32::try_from(names.len()).unwrap_or(u32::MAX);
        let request = VaultRequest {
            caller: None,
            operation: Operation::Reseal,
        };
        let done = match vault_client::ask_by_id(env, &vault, &request).await {
            Ok(VaultReply::Resealed { failed }) => failed == 0,
            // The vault keeps nothing: these are copies of what was deleted, which a deletion that was lost has left.
            Ok(VaultReply::Done) => delete(store, &names).await,
            _ => false,
        };
        let count = if done { &mut resealed } else { &mut failed };
        *count = count.saturating_add(records);
    }
    Some(ResealPage {
        scanned,
        resealed,
        failed,
        cursor: listed.cursor,
    })
}

async fn delete(store: &KvNamespace, names: &[String]) -> bool {
    for name in names {
        if store.delete(name).await.is_err() {
            return false;
        }
    }
    true
}
