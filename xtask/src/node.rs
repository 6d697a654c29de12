//! The scripts that Node runs for a person to watch.

use std::{convert::Infallible, os::unix::process::CommandExt as _, process::Command};

use anyhow::{Context, Result, ensure};

use crate::layout::{Layout, present};

/// The simulator and the Worker, until Ctrl-C.
///
/// # Errors
/// When the simulator was not built, or Node cannot be started.
pub fn demo(layout: &Layout) -> Result<Infallible> {
    let simulator = present(layout.programs.join("smartcar-simulator"))?;
    let mut command = layout.command("node")?;
    become_it(command.arg("scripts/demo.mjs").arg(simulator))
}

/// The bench: a storm of requests, then what a single one costs.
///
/// # Errors
/// When Node cannot be started, or either part misses a demand.
pub fn bench(layout: &Layout) -> Result<()> {
    let part = |script: &str| {
        layout
            .command("node")?
            .arg(script)
            .status()
            .context("cannot start `node`")
    };
    let storm = part("tests/load/bench.mjs")?;
    println!();
    let request = part("tests/load/cpu.mjs")?;
    ensure!(
        storm.success() && request.success(),
        "not all demands were met; those that were not have a ✗"
    );
    Ok(())
}

/// Goes on as another program, which then has the terminal and its signals to itself.
fn become_it(command: &mut Command) -> Result<Infallible> {
    Err(command.exec()).context("cannot start `node`")
}
