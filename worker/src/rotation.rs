//! The sweep that seals again what retired keys sealed. A cron trigger runs it; it stops by itself when nothing is left.

use std::collections::HashMap;

use smartcar_connect::{
    edge::{Config, Operation, VaultReply, VaultRequest},
    seal::{KvName, ResealPage, ResealProgress},
    time::{Millis, UnixMillis},
};
use worker::Env;

use crate::{
    clock,
    kv_namespace::{KvError, KvNamespace, NamePage},
    settings,
    telemetry::{self, LogEvent},
    vault_client,
};

/// Where the progress is kept. It tells nothing that is not in the clear in KV anyway.
const PROGRESS: &str = "rotation";

/// How long a run may go on asking vaults: the platform ends it after a quarter of an hour.
const RUN_DEADLINE: Millis = Millis::from_mins(10);

/// How far the sweep is; `None` before its first run.
pub(crate) async fn progress(store: &KvNamespace) -> Result<Option<ResealProgress>, KvError> {
    let text = store.get(PROGRESS).await?;
    Ok(text.and_then(|text| serde_json::from_slice(text.as_bytes()).ok()))
}

/// Goes on with the sweep, as far as one run may.
pub(crate) async fn run(env: &Env) {
    let (config, store) = match settings::read(env).and_then(|config| Ok((config, settings::tokens(env)?))) {
        Ok(both) => both,
        Err(misconfiguration) => return worker::console_error!("{misconfiguration}"),
    };
    let started = clock::now();
    let Ok(stored) = progress(&store).await else {
        // Not from the start because of that: it may be almost through.
        return worker::console_error!("the progress of the rotation could not be read; the next run tries again");
    };
    let Some(mut rotation) = ResealProgress::due(stored, config.key_ring.active_id(), started) else {
        return;
    };
    let mut listed = names(&config, &store, &rotation).await;
    if listed.is_err() && rotation.cursor.is_some() {
        // KV may not know the place any more; if it answers otherwise, the pass starts anew.
        rotation = rotation.restarted(started);
        listed = names(&config, &store, &rotation).await;
    }
    let Ok(listed) = listed else {
        return worker::console_error!("the names in KV could not be listed; the next run tries again");
    };
    let page = page(env, &config, &store, listed, started).await;
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

/// The names that come next.
async fn names(config: &Config, store: &KvNamespace, rotation: &ResealProgress) -> Result<NamePage, KvError> {
    let cursor = rotation.cursor.as_deref();
    store.list(KvName::PREFIX, config.rotation_batch, cursor).await
}

/// Has the vaults behind retired records of a page seal them again.
async fn page(env: &Env, config: &Config, store: &KvNamespace, listed: NamePage, started: UnixMillis) -> ResealPage {
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
        if clock::now().since(started) >= RUN_DEADLINE {
            // Vaults that hang are for the next pass.
            failed = failed.saturating_add(records);
            continue;
        }
        let done = match vault_client::ask_by_id(env, &vault, &request).await {
            Ok(VaultReply::Resealed { failed }) => failed == 0,
            // The vault keeps nothing: these are copies of what was deleted, which a deletion that was lost has left.
            Ok(VaultReply::Done) => delete(store, &names).await,
            _ => false,
        };
        let count = if done { &mut resealed } else { &mut failed };
        *count = count.saturating_add(records);
    }
    ResealPage {
        scanned,
        resealed,
        failed,
        cursor: listed.cursor,
    }
}

async fn delete(store: &KvNamespace, names: &[String]) -> bool {
    for name in names {
        if store.delete(name).await.is_err() {
            return false;
        }
    }
    true
}
