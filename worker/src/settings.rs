//! The settings of this Worker, from its variables and secrets.

use std::{cell::OnceCell, rc::Rc};

use smartcar_connect::edge::{Config, Misconfiguration};
use worker::Env;

use crate::kv_namespace::KvNamespace;

/// The Durable Object namespace of the vaults.
pub(crate) const VAULT: &str = "VAULT";
/// The KV namespace of the sealed tokens.
pub(crate) const TOKENS: &str = "TOKENS";

pub(crate) type Settings = Result<Rc<Config>, Misconfiguration>;

thread_local! {
    /// An isolate never sees its variables or secrets change: a new deployment starts new isolates.
    static SETTINGS: OnceCell<Settings> = const { OnceCell::new() };
}

/// The settings, read and checked once in an isolate's life. A Worker that lacks anything serves nothing.
pub(crate) fn read(env: &Env) -> Settings {
    SETTINGS.with(|settings| settings.get_or_init(|| check(env)).clone())
}

fn check(env: &Env) -> Settings {
    let config = Config::read(|name| env.var(name).ok().map(|value| value.to_string()))?;
    if env.durable_object(VAULT).is_err() {
        return Err(Misconfiguration::missing_binding(VAULT));
    }
    tokens(env)?;
    Ok(Rc::new(config))
}

pub(crate) fn tokens(env: &Env) -> Result<KvNamespace, Misconfiguration> {
    KvNamespace::bound(env, TOKENS).ok_or_else(|| Misconfiguration::missing_binding(TOKENS))
}
