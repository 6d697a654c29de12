//! The simulator, which stands in for Smartcar.

use anyhow::Result;

use crate::{
    files,
    layout::Layout,
    licences,
    log::Log,
    package::{module, one_version, pack, set_version},
    step::step,
    tools,
};

/// Builds it beside this program.
///
/// # Errors
/// When it does not compile.
pub fn build(layout: &Layout) -> Result<()> {
    let mut command = layout.cargo(["build", "--locked", "--package", "smartcar-simulator"])?;
    Ok(step(layout, "Build the simulator", |log| log.run(&mut command))?)
}

/// Builds its npm package, `dist/simulator`, and packs it to `dist/smartcar-connect-simulator-<version>.tgz`.
///
/// # Errors
/// When a step fails; the package that was there before then stays.
pub fn package(layout: &Layout) -> Result<()> {
    tools::wasm_target(layout)?;
    tools::npm(layout)?;
    Ok(step(layout, "Build the simulator's package", |log| {
        packed(layout, log)
    })?)
}

pub(crate) fn packed(layout: &Layout, log: &Log) -> Result<()> {
    let staging = layout.dist().join("simulator.new");
    files::empty(&staging)?;
    module(layout, log, &["smartcar-simulator"], "simulator", &staging)?;
    files::copy_tree(&layout.root.join("tests/simulator/npm"), &staging)?;
    for file in ["LICENSE-MIT", "LICENSE-APACHE"] {
        files::copy(&layout.root.join(file), &staging.join(file))?;
    }
    licences::write(layout, &["smartcar-simulator"], &staging)?;
    set_version(&one_version(layout)?, &staging.join("package.json"))?;
    files::replace(&staging, &layout.dist().join("simulator"))?;
    pack(layout, log, "smartcar-connect-simulator", "simulator")
}
