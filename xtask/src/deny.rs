//! What `deny.toml` holds the dependencies to.

use anyhow::Result;

use crate::{
    layout::Layout,
    step::{Failed, step},
    tools,
};

/// The licences of what is shipped, and where everything comes from; what must not be among it. Needs no network but the registry's.
///
/// # Errors
/// [`Failed`] when something is not allowed; what and where it comes from is printed.
pub fn check(layout: &Layout) -> Result<()> {
    let shipped = held(
        layout,
        "Licences, sources and bans",
        "Cargo.toml",
        &["licenses", "sources", "bans"],
    );
    // The fuzz targets have a lock file of their own, and are shipped to nobody.
    let fuzz = held(
        layout,
        "Sources and bans of the fuzz targets",
        "fuzz/Cargo.toml",
        &["sources", "bans"],
    );
    shipped.and(fuzz)
}

/// What is known against the dependencies. Fetches the database of `RustSec` from GitHub.
///
/// # Errors
/// [`Failed`] when something is known, or the database is not to be had; what, is printed.
pub fn advisories(layout: &Layout) -> Result<()> {
    let shipped = held(layout, "Advisories", "Cargo.toml", &["advisories"]);
    let fuzz = held(
        layout,
        "Advisories for the fuzz targets",
        "fuzz/Cargo.toml",
        &["advisories"],
    );
    shipped.and(fuzz)
}

fn held(layout: &Layout, title: &str, manifest: &str, checks: &[&str]) -> Result<()> {
    let mut command = layout.command(tools::cargo_deny(layout)?)?;
    command
        .args([
            "--locked",
            "--config",
            "deny.toml",
            "--manifest-path",
            manifest,
            "check",
        ])
        .args(checks);
    let outcome: Result<(), Failed> = step(layout, title, |log| log.run(&mut command));
    Ok(outcome?)
}
