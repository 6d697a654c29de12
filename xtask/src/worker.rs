//! The Worker, built by `worker-build` with tools that are already here.

use anyhow::{Result, ensure};

use crate::process::{Layout, capture, present};

/// The version of `worker-build`: the one that belongs to the `worker` crate.
pub const WORKER_BUILD: &str = "0.8.7";

/// Builds `worker/build`.
///
/// # Errors
/// When a tool is missing, was not used, or fails.
pub fn build(layout: &Layout) -> Result<()> {
    let worker_build = layout
        .target
        .join(format!("tools/worker-build-{WORKER_BUILD}/bin/worker-build"));
    let tools = [
        ("WASM_BINDGEN_BIN", layout.programs.join("bindgen")),
        ("WASM_OPT_BIN", layout.npm_tool("wasm-opt")?),
        ("ESBUILD_BIN", layout.npm_tool("esbuild")?),
    ];
    let mut command = layout.command(present(worker_build)?)?;
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
    Ok(())
}
