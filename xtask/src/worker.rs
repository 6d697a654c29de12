//! The Worker, built by `worker-build` with tools that are already here.

use anyhow::{Result, ensure};

use crate::{
    layout::{Layout, present},
    log::Log,
    step::step,
    tools, wasm_opt,
};

/// Builds `worker/build`.
///
/// # Errors
/// When a tool is missing, was not used, or fails.
pub fn build(layout: &Layout) -> Result<()> {
    tools::all(layout)?;
    Ok(step(layout, "Build the Worker", |log| worker(layout, log))?)
}

fn worker(layout: &Layout, log: &Log) -> Result<()> {
    let used = [
        ("WASM_BINDGEN_BIN", layout.programs.join("bindgen")),
        ("WASM_OPT_BIN", layout.npm_tool("wasm-opt")?),
        ("ESBUILD_BIN", layout.npm_tool("esbuild")?),
    ];
    let mut command = layout.command(tools::worker_build(layout)?)?;
    command
        .current_dir(layout.root.join("worker"))
        .args(["--release", "--locked"]);
    for (variable, path) in &used {
        command.env(variable, present(path.clone())?);
    }
    log.run(&mut command)?;
    // A path that it does not like makes `worker-build` warn and download something else.
    let said = log.text()?;
    for (variable, _) in &used {
        ensure!(
            said.lines()
                .any(|line| line.contains("Using custom") && line.contains(variable)),
            "`worker-build` did not use `{variable}`"
        );
    }
    // It keeps the names of all functions, a fifth of the upload. A panic is reported by its file and line without them.
    wasm_opt::run_on(
        layout,
        log,
        &layout.root.join("worker/build/index_bg.wasm"),
        &["--strip-debug"],
    )
}
