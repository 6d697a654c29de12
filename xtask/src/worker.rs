//! The Worker, built by `worker-build` with tools that are already here.

use std::path::Path;

use anyhow::{Result, ensure};

use crate::{
    layout::{Layout, present},
    log::Log,
    machine_paths,
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

/// Builds the hello world of the crate `worker`, which the bench sets the Worker against.
///
/// # Errors
/// When a tool is missing, was not used, or fails.
pub fn build_hello(layout: &Layout) -> Result<()> {
    tools::all(layout)?;
    Ok(step(layout, "Build the hello world of the crate worker", |log| {
        worker_build(layout, log, &layout.root.join("tests/load/peers/hello"))
    })?)
}

pub(crate) fn worker(layout: &Layout, log: &Log) -> Result<()> {
    worker_build(layout, log, &layout.root.join("worker"))?;
    // It keeps the names of all functions, a fifth of the upload. A panic is reported by its file and line without them.
    wasm_opt::run_on(
        layout,
        log,
        &layout.root.join("worker/build/index_bg.wasm"),
        &["--strip-debug"],
    )
}

fn worker_build(layout: &Layout, log: &Log, package: &Path) -> Result<()> {
    let used = [
        ("WASM_BINDGEN_BIN", layout.programs.join("bindgen")),
        ("WASM_OPT_BIN", layout.npm_tool("wasm-opt")?),
        ("ESBUILD_BIN", layout.npm_tool("esbuild")?),
    ];
    let mut command = layout.command(tools::worker_build(layout)?)?;
    command.current_dir(package).args(["--profile", "worker", "--locked"]);
    machine_paths::leave_out(layout, &mut command)?;
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
    Ok(())
}
