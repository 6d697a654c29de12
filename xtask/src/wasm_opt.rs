//! `wasm-opt`, from npm's `binaryen`.

use std::path::Path;

use anyhow::Result;

use crate::{layout::Layout, log::Log};

/// What rustc and `wasm-bindgen` emit for this target, and nothing newer: an encoding that the browsers and the workerd of
/// the stated floor cannot read must never come out of an optimiser's update.
const FEATURES: &[&str] = &[
    "mutable-globals",
    "sign-ext",
    "nontrapping-float-to-int",
    "bulk-memory",
    "multivalue",
    "reference-types",
    "exception-handling",
];

/// Changes a module in place.
///
/// # Errors
/// When the tool is missing or fails.
pub fn run_on(layout: &Layout, log: &Log, module: &Path, passes: &[&str]) -> Result<()> {
    let mut command = layout.command(layout.npm_tool("wasm-opt")?)?;
    command
        .args(FEATURES.iter().map(|feature| format!("--enable-{feature}")))
        .args(passes)
        .args([module.as_os_str(), "-o".as_ref(), module.as_os_str()]);
    log.run(&mut command)
}
