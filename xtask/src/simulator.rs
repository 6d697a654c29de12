//! The simulator, which stands in for Smartcar.

use anyhow::Result;

use crate::{layout::Layout, step::step};

/// Builds it beside this program.
///
/// # Errors
/// When it does not compile.
pub fn build(layout: &Layout) -> Result<()> {
    let mut command = layout.cargo(["build", "--locked", "--package", "smartcar-simulator"])?;
    Ok(step(layout, "Build the simulator", |log| log.run(&mut command))?)
}
