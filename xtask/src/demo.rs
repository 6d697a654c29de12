//! The demo page's static files.

use anyhow::Result;

use crate::{files, process::Layout, process::present};

/// `dist/demo`: the page and the built package under `pkg/`.
///
/// # Errors
/// When the package was not built.
pub fn assemble(layout: &Layout) -> Result<()> {
    let package = present(layout.dist().join("package"))?;
    let staging = layout.dist().join("demo.new");
    files::empty(&staging)?;
    files::copy_tree(&layout.root.join("worker/demo"), &staging)?;
    files::copy_tree(&package, &staging.join("pkg"))?;
    files::replace(&staging, &layout.dist().join("demo"))
}
