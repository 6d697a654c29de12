//! The Worker, built by `worker-build` with tools that are already here.

use std::path::Path;

use anyhow::{Result, ensure};

use crate::{
    process::{Layout, capture, present},
    wasm_opt,
};

/// Builds `worker/build` with this `worker-build`.
///
/// # Errors
/// When a tool is missing, was not used, or fails.
pub fn build(layout: &Layout, worker_build: &Path) -> Result<()> {
    let tools = [
        ("WASM_BINDGEN_BIN", layout.programs.join("bindgen")),
        ("WASM_OPT_BIN", layout.npm_tool("wasm-opt")?),
        ("ESBUILD_BIN", layout.npm_tool("esbuild")?),
    ];
    let mut command = layout.command(present(layout.root.join(worker_build))?)?;
    command
        .current_dir(layout.root.join("worker"))
        .args(["--release", "--locked"]);
    for (variable, path) in &tools {
        command.env(variable, present(path.clone())?);
    }
    let output = capture(&mut command)?;
    // A path that it does not like makes `worker-build` warn and download something else.
    for (variable, _) in &tools {
        ensure!(
            output
                .lines()
                .any(|line| line.contains("Using custom") && line.contains(variable)),
            "`worker-build` did not use `{variable}`:\n{output}"
        );
    }
    // It keeps the names of all functions, a fifth of the upload. A panic is reported by its file and line without them.
    wasm_opt::run_on(
        layout,
        &layout.root.join("worker/build/index_bg.wasm"),
        &["--strip-debug"],
    )
}
