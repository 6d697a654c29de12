//! What `deny.toml` holds the dependencies to.

use std::{collections::BTreeMap, process::Command};

use anyhow::{Context as _, Result, ensure};
use serde::de::IgnoredAny;

use crate::{
    layout::Layout,
    step::{Failed, report, step},
    tools,
};

/// Whose dependencies are looked at, as arguments of `cargo deny`.
type Of = &'static [&'static str];

/// Everybody's in the workspace: by itself the crate at its root has nothing of the Worker's, the doctor's or the simulator's.
const ALL: Of = &["--manifest-path", "Cargo.toml", "--workspace"];

/// Those of what is shipped: the build tool is not.
const SHIPPED: Of = &["--manifest-path", "Cargo.toml", "--workspace", "--exclude", "xtask"];

/// The fuzz targets have a lock file of their own, and are shipped to nobody.
const FUZZ: Of = &["--manifest-path", "fuzz/Cargo.toml"];

/// What is shipped beside the crate, and what the Worker alone brings.
const KNOWN: [&str; 5] = [
    "smartcar-connect",
    "smartcar-connect-worker",
    "smartcar-doctor",
    "smartcar-simulator",
    "worker",
];

/// The licences of what is shipped, and where everything comes from; what must not be among it. Needs no network but the registry's.
///
/// # Errors
/// [`Failed`] when something is not allowed; what and where it comes from is printed.
pub fn check(layout: &Layout) -> Result<()> {
    let whole = whole(layout);
    let licences = held(layout, "Licences", SHIPPED, &["licenses"]);
    let sources = held(layout, "Sources and bans", ALL, &["sources", "bans"]);
    let fuzz = held(
        layout,
        "Sources and bans of the fuzz targets",
        FUZZ,
        &["sources", "bans"],
    );
    whole.and(licences).and(sources).and(fuzz)
}

/// What is known against the dependencies. Fetches the database of `RustSec` from GitHub.
///
/// # Errors
/// [`Failed`] when something is known, or the database is not to be had; what, is printed.
pub fn advisories(layout: &Layout) -> Result<()> {
    let all = held(layout, "Advisories", ALL, &["advisories"]);
    let fuzz = held(layout, "Advisories for the fuzz targets", FUZZ, &["advisories"]);
    all.and(fuzz)
}

fn held(layout: &Layout, title: &str, of: Of, checks: &[&str]) -> Result<()> {
    let mut command = cargo_deny(layout, of)?;
    command.arg("check").args(checks);
    let outcome: Result<(), Failed> = step(layout, title, |log| log.run(&mut command));
    Ok(outcome?)
}

/// Nothing that is shipped is left out: what is not looked at is allowed.
fn whole(layout: &Layout) -> Result<()> {
    let mut command = cargo_deny(layout, SHIPPED)?;
    command.args(["list", "--format", "json", "--layout", "crate"]);
    Ok(report(layout, "Packages whose licences are looked at", |log| {
        let output = command.output().context("cannot start `cargo-deny`")?;
        log.line(&String::from_utf8_lossy(&output.stderr))?;
        ensure!(output.status.success(), "`cargo-deny` failed: {}", output.status);
        let count = listed(&output.stdout)?;
        Ok(format!("{count} packages"))
    })?)
}

/// How many packages `cargo deny list` has found.
fn listed(json: &[u8]) -> Result<usize> {
    // As `worker 0.8.7 registry+https://…`.
    let listed: BTreeMap<String, IgnoredAny> =
        serde_json::from_slice(json).context("cannot read the answer of `cargo-deny list`")?;
    for known in KNOWN {
        ensure!(
            listed.keys().any(|package| package.split(' ').next() == Some(known)),
            "`{known}` is not among the packages that are looked at"
        );
    }
    Ok(listed.len())
}

fn cargo_deny(layout: &Layout, of: Of) -> Result<Command> {
    let mut command = layout.command(tools::cargo_deny(layout)?)?;
    command.args(["--locked", "--config", "deny.toml"]).args(of);
    Ok(command)
}

#[cfg(test)]
mod tests {
    use super::{KNOWN, listed};

    #[test]
    fn nothing_that_is_shipped_may_be_left_out() {
        let json = |names: &[&str]| {
            let each = names
                .iter()
                .map(|name| format!("\"{name} 1.0.0 somewhere\":{{\"licenses\":[]}}"));
            format!("{{{}}}", each.collect::<Vec<_>>().join(","))
        };
        assert_eq!(listed(json(&KNOWN).as_bytes()).unwrap(), KNOWN.len());
        for left_out in KNOWN {
            let others: Vec<&str> = KNOWN.into_iter().filter(|&name| name != left_out).collect();
            let message = listed(json(&others).as_bytes()).unwrap_err().to_string();
            assert!(message.contains(&format!("`{left_out}`")), "{message}");
        }
    }
}
