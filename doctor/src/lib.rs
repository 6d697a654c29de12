//! What is right and wrong with a deployment's settings, each with what to do. Nothing here is read or asked: see `main.rs`.

mod bindings;
mod documented;
mod finding;
#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
pub mod javascript;
mod layout;
mod questions;
mod settings;
mod syntax;

use std::collections::BTreeMap;

pub use finding::{Finding, Mark};
pub use questions::{app_origin, redirect_uri_problem, setting_problem};
use serde::Deserialize;
pub use syntax::Syntax;

/// The secrets of the Worker.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Secrets {
    /// Those of the deployed one, by name: nobody can read their values.
    Deployed(Vec<String>),
    /// Those of `.dev.vars`, which counts on this machine alone, where nothing else is asked for.
    Local(BTreeMap<String, String>),
    /// They could not be listed, for this reason.
    Unknown(String),
}

/// The command that asks, as remedies name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
    /// `make doctor`, in the repository.
    Make,
    /// `npx smartcar-connect doctor`, of the npm package.
    Npx,
}

impl Command {
    /// The command that looks at redirect URIs too.
    const fn with_redirect_uri(self) -> &'static str {
        match self {
            Self::Make => "make doctor REDIRECT_URIS=https://app.example.com/cars",
            Self::Npx => "npx smartcar-connect doctor --redirect-uri https://app.example.com/cars",
        }
    }
}

/// What is looked at.
#[derive(Clone, Debug)]
pub struct Deployment {
    /// wrangler's configuration.
    pub wrangler: toml::Table,
    /// How it is written.
    pub syntax: Syntax,
    /// Who asks.
    pub command: Command,
    /// The secrets.
    pub secrets: Secrets,
    /// The redirect URIs that are registered with Smartcar.
    pub redirect_uris: Vec<String>,
}

impl Deployment {
    /// Whether it is for this machine alone.
    const fn is_local(&self) -> bool {
        matches!(self.secrets, Secrets::Local(_))
    }

    /// The blocks called `name`, such as `[[kv_namespaces]]`.
    fn blocks(&self, name: &str) -> Vec<&toml::Table> {
        let found = self.wrangler.get(name).and_then(toml::Value::as_array);
        found.into_iter().flatten().filter_map(toml::Value::as_table).collect()
    }
}

/// Looks at everything.
#[must_use]
pub fn examine(deployment: &Deployment) -> Vec<Finding> {
    let mut findings = bindings::examine(deployment);
    let (settings, config) = settings::examine(deployment);
    findings.extend(settings);
    match config {
        Some(config) => findings.extend(layout::examine(deployment, &config)),
        None => findings.push(Finding::note(
            "routes, origins, redirect URIs",
            "are looked at once the settings are right",
        )),
    }
    findings
}

#[cfg(test)]
mod tests;
