//! The scripts of the npm package as pages download them: what always comes together in one file, and nothing that is for readers.

use std::{fs, path::Path};

use anyhow::{Context, Result};

use crate::{layout::Layout, log::Log};

/// What the package ships: what is loaded first, by platform, and what that loads when it is needed. They share what is in one of them.
const SHIPPED: &[&str] = &[
    "index",
    "inline",
    "node",
    "workerd",
    "errors",
    "connect",
    "client",
    "connections",
    "finish",
    "page",
    "popup",
    "session",
    "start",
    "vehicle",
    "store",
    "react",
    "react-button",
    "react-context",
    "vue",
    "svelte",
    "element",
];

/// What an app brings along that uses the entry for it.
const FRAMEWORKS: &[&str] = &["react", "vue"];

/// What is made part of them.
const ABSORBED: &[&str] = &[
    "answers",
    "api",
    "attempts",
    "callback",
    "finishing",
    "loader",
    "options",
    "signal",
];

/// The module, which stays a file of its own.
const MODULE: &[&str] = &["connect_bg.wasm", "connect_bg.wasm.js"];

/// The browsers and the Node of the stated floor: nothing that they cannot read may come out of an update of the tool.
const FLOOR: &str = "chrome96,firefox79,safari16.4,node20";

/// Shrinks the scripts in `package`, in place.
///
/// # Errors
/// When the tool is missing, or a script needs what the floor does not have.
pub fn shrink(layout: &Layout, log: &Log, package: &Path) -> Result<()> {
    let mut command = layout.command(layout.npm_tool("esbuild")?)?;
    command.args(SHIPPED.iter().map(|name| package.join(format!("{name}.js"))));
    let files = SHIPPED.iter().map(|name| format!("{name}.js"));
    let modules = MODULE.iter().map(|name| (*name).to_owned());
    command.args(files.chain(modules).map(|file| format!("--external:./{file}")));
    command.args(FRAMEWORKS.iter().map(|name| format!("--external:{name}")));
    command.args([
        "--bundle",
        "--minify",
        "--format=esm",
        "--legal-comments=none",
        "--log-level=warning",
    ]);
    command.arg(format!("--target={FLOOR}"));
    command.arg("--allow-overwrite");
    command.arg(format!("--outdir={}", package.display()));
    log.run(&mut command)?;
    for name in ABSORBED {
        let file = package.join(format!("{name}.js"));
        fs::remove_file(&file).with_context(|| format!("cannot remove {}", file.display()))?;
    }
    Ok(())
}
