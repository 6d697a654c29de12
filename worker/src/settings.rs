//! The settings of this Worker, from its variables and secrets.

use std::{cell::OnceCell, rc::Rc};

use smartcar_connect::edge::{Config, Misconfiguration};
use wasm_bindgen::JsValue;
use worker::{
    Env,
    js_sys::{Array, Reflect},
};

use crate::kv_namespace::KvNamespace;

/// The Durable Object namespace of the vaults.
pub(crate) const VAULT: &str = "VAULT";
/// The Durable Object namespace of the application's token.
pub(crate) const APPLICATION_TOKEN: &str = "APPLICATION_TOKEN";
/// The Durable Object namespace of the inboxes for webhooks.
pub(crate) const WEBHOOK_INBOX: &str = "WEBHOOK_INBOX";
/// The KV namespace of the sealed tokens.
pub(crate) const TOKENS: &str = "TOKENS";

pub(crate) type Settings = Result<Rc<Config>, Misconfiguration>;

thread_local! {
    /// An isolate never sees its variables or secrets change: a new deployment starts new isolates.
    static SETTINGS: OnceCell<Settings> = const { OnceCell::new() };
}

/// The settings, read and checked once in an isolate's life. A Worker that lacks anything serves nothing.
pub(crate) fn read(env: &Env) -> Settings {
    SETTINGS.with(|settings| settings.get_or_init(|| say_what_is_wrong(check(env))).clone())
}

/// Once in an isolate's life: every request is told as well.
fn say_what_is_wrong(settings: Settings) -> Settings {
    if let Err(misconfiguration) = &settings {
        worker::console_error!("{misconfiguration}");
    }
    settings
}

fn check(env: &Env) -> Settings {
    let config = Config::read(|name| variable(env, name))?;
    if env.durable_object(VAULT).is_err() {
        return Err(Misconfiguration::missing_binding(VAULT));
    }
    if config.access.application_client().is_some() && env.durable_object(APPLICATION_TOKEN).is_err() {
        return Err(Misconfiguration::missing_binding(APPLICATION_TOKEN));
    }
    if config.webhooks.is_some() && env.durable_object(WEBHOOK_INBOX).is_err() {
        return Err(Misconfiguration::missing_binding(WEBHOOK_INBOX));
    }
    tokens(env)?;
    Ok(Rc::new(config))
}

/// A variable or secret as text. `wrangler.toml` may say `SESSION_DAYS = 30` or give a list of origins: a number counts as it is
/// written, the items of a list are separated by commas.
fn variable(env: &Env, name: &str) -> Option<String> {
    let value = Reflect::get(env.as_ref(), &JsValue::from_str(name)).ok()?;
    let is_there = !value.is_undefined() && !value.is_null();
    is_there.then(|| String::from(Array::of1(&value).join(",")))
}

pub(crate) fn tokens(env: &Env) -> Result<KvNamespace, Misconfiguration> {
    KvNamespace::bound(env, TOKENS).ok_or_else(|| Misconfiguration::missing_binding(TOKENS))
}
