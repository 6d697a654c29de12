//! Variables and secrets, read as the Worker reads them.

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
};

use smartcar_connect::edge::Config;

use crate::{Deployment, Secrets, documented, finding::Finding};

/// Stands for a secret whose value nobody can read.
pub(crate) fn stand_in(name: &str) -> &'static str {
    match name {
        "SEALING_KEYS" => "k1:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
        "WEBHOOK_FORWARD_SECRET" => "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
        _ => "5f0c81d2a97b4e36180f2dc4b6e97a53",
    }
}

/// A variable as the Worker sees it: a number as it is written, the items of a list separated by commas.
fn as_text(value: &toml::Value) -> String {
    match value {
        toml::Value::String(text) => text.clone(),
        toml::Value::Array(items) => items.iter().map(as_text).collect::<Vec<_>>().join(","),
        toml::Value::Integer(number) => number.to_string(),
        toml::Value::Float(number) => number.to_string(),
        toml::Value::Boolean(flag) => flag.to_string(),
        toml::Value::Datetime(date) => date.to_string(),
        // As JavaScript writes one.
        toml::Value::Table(_) => "[object Object]".to_owned(),
    }
}

/// What was found, and the settings if they can be used.
pub(crate) fn examine(deployment: &Deployment) -> (Vec<Finding>, Option<Config>) {
    let secrets = documented::names_of("secret");
    let vars = deployment.wrangler.get("vars").and_then(toml::Value::as_table);
    let vars = vars
        .into_iter()
        .flatten()
        .map(|(name, value)| (name.clone(), as_text(value)));
    let mut values: BTreeMap<String, String> = vars.collect();
    let mut findings: Vec<Finding> = secrets
        .iter()
        .filter(|name| values.get(**name).is_some_and(|value| !value.is_empty()))
        .map(|name| {
            let remedy = format!("stands in {}, where everybody with the file reads it: take it out, make a new one, and set that by `npx wrangler secret put {name}`", deployment.syntax.section("vars"));
            Finding::bad(*name, remedy)
        })
        .collect();
    match &deployment.secrets {
        Secrets::Local(local) => values.extend(local.clone()),
        Secrets::Deployed(names) => {
            let stand_ins = names.iter().map(|name| (name.clone(), stand_in(name).to_owned()));
            values.extend(stand_ins);
        }
        Secrets::Unknown(reason) => {
            let text = format!(
                "could not be listed ({reason}): log in by `npx wrangler login`, deploy once, and run this again"
            );
            findings.push(Finding::note("secrets", text));
            // The secret of tokens counts beside their other settings alone, and in place of keys.
            let has = |name: &str| values.contains_key(name);
            let takes_secret = has("JWT_ISSUER") && !has("JWT_JWKS_URL") && !has("JWT_KEYS");
            // So does that of what the app receives, beside its address.
            let is_forwarded = has("WEBHOOK_FORWARD_URL");
            // And that of an API credential, beside its id.
            let has_credential = has("SMARTCAR_API_CLIENT_ID");
            values.extend(
                secrets
                    .iter()
                    .filter(|name| takes_secret || **name != "JWT_SECRET")
                    .filter(|name| is_forwarded || **name != "WEBHOOK_FORWARD_SECRET")
                    .filter(|name| has_credential || **name != "SMARTCAR_API_CLIENT_SECRET")
                    .map(|name| ((*name).to_owned(), stand_in(name).to_owned())),
            );
        }
    }
    let asked = RefCell::new(BTreeSet::new());
    let read = Config::read(|name| {
        asked.borrow_mut().insert(name.to_owned());
        values.get(name).cloned()
    });
    let asked = asked.into_inner();
    for name in values.keys().filter(|name| !asked.contains(*name)) {
        findings.push(Finding::bad(
            name,
            "is read by nothing: correct its name, or take it out; docs/configuration.md has all",
        ));
    }
    let wrong: BTreeMap<&str, &str> = match &read {
        Ok(_) => BTreeMap::new(),
        Err(error) => error
            .problems()
            .iter()
            .map(|(setting, reason)| (setting.name(), reason.as_str()))
            .collect(),
    };
    findings.extend(wrong.iter().map(|(name, reason)| Finding::bad(*name, *reason)));
    let is_unknown = |name: &str| matches!(deployment.secrets, Secrets::Unknown(_)) && secrets.contains(&name);
    let good = values.iter().filter(|(name, value)| {
        asked.contains(*name) && !value.trim().is_empty() && !wrong.contains_key(name.as_str()) && !is_unknown(name)
    });
    findings.extend(good.map(|(name, _)| Finding::good(name, "is set")));
    (findings, read.ok())
}
