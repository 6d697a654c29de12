//! What keeps the folders of this machine out of what is shipped: it is the same wherever it is built.

use std::{path::PathBuf, process::Command};

use anyhow::{Context as _, Result};

use crate::{layout::Layout, tools::WASM};

/// The folders whose paths rustc would write into a module, each with what is written in its place.
///
/// # Errors
/// When it is not known where Cargo keeps what it has downloaded.
pub fn all(layout: &Layout) -> Result<[(PathBuf, &'static str); 3]> {
    // Of several that fit, rustc takes the last.
    Ok([
        (cargo_home()?, "/cargo"),
        (layout.root.clone(), "/smartcar-connect"),
        (layout.target.clone(), "/target"),
    ])
}

fn cargo_home() -> Result<PathBuf> {
    let given = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    let usual = || Some(std::env::home_dir()?.join(".cargo"));
    given
        .or_else(usual)
        .context("there is neither `CARGO_HOME` nor a home directory")
}

/// Has Cargo, or a program that hands its arguments on to Cargo, leave them out.
///
/// The flags are added to those of `.cargo/config.toml`. `RUSTFLAGS` in the environment would replace them all, and with them
/// how the modules encrypt: it does not reach what is shipped.
///
/// # Errors
/// When a path is not UTF-8, or Cargo's own is not known.
pub fn leave_out(layout: &Layout, command: &mut Command) -> Result<()> {
    let mut flags = Vec::new();
    for (path, instead) in all(layout)? {
        let path = path.to_str().context("a path that is not UTF-8")?;
        flags.push(format!("--remap-path-prefix={path}={instead}"));
    }
    // A list of texts is the same in JSON and in TOML.
    let flags = serde_json::to_string(&flags)?;
    command
        .arg("--config")
        .arg(format!("target.{WASM}.rustflags={flags}"))
        .env_remove("RUSTFLAGS")
        .env_remove("CARGO_ENCODED_RUSTFLAGS");
    Ok(())
}
