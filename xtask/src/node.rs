//! The scripts that Node runs for a person to watch.

use std::{convert::Infallible, os::unix::process::CommandExt as _, process::Command};

use anyhow::{Context, Result, ensure};

use crate::layout::{Layout, present};

const NOT_MET: &str = "not all demands were met; those that were not have a ✗";

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
    let storm = demands_met(layout, "tests/load/bench.mjs")?;
    println!();
    let request = demands_met(layout, "tests/load/cpu.mjs")?;
    ensure!(storm && request, NOT_MET);
    Ok(())
}

/// What the npm package costs a page and a back end, set against Smartcar's own packages.
///
/// # Errors
/// When Node cannot be started, or anything does not work: no time is demanded.
pub fn bench_browser(layout: &Layout) -> Result<()> {
    let ended = demands_met(layout, "tests/load/browser/bench.mjs")?;
    ensure!(ended, "the bench of the browser did not come to its end");
    Ok(())
}

/// Many connections at once for a minute.
///
/// # Errors
/// When Node cannot be started, or a demand is missed.
pub fn load(layout: &Layout) -> Result<()> {
    ensure!(demands_met(layout, "tests/load/load.mjs")?, NOT_MET);
    Ok(())
}

fn demands_met(layout: &Layout, script: &str) -> Result<bool> {
    let status = layout.command("node")?.arg(script).status();
    Ok(status.context("cannot start `node`")?.success())
}

/// Goes on as another program, which then has the terminal and its signals to itself.
fn become_it(command: &mut Command) -> Result<Infallible> {
    Err(command.exec()).context("cannot start `node`")
}
