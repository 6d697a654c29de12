//! The demo page's static files.

use anyhow::{Context, Result};

use crate::{
    check, files,
    layout::{Layout, present},
    step::step,
};

/// `dist/demo`: the page, and under `pkg/` what a browser loads of the package.
///
/// # Errors
/// When the package was not built.
pub fn assemble(layout: &Layout) -> Result<()> {
    Ok(step(layout, "Assemble the demo page", |_| page(layout))?)
}

fn page(layout: &Layout) -> Result<()> {
    let staging = layout.dist().join("demo.new");
    files::empty(&staging)?;
    files::copy_tree(&layout.root.join("worker/demo"), &staging)?;
    let package = staging.join("pkg");
    files::empty(&package)?;
    for file in check::DOWNLOADED.iter().flat_map(|shipped| shipped.files) {
        let file = present(layout.root.join(file))?;
        files::copy(&file, &package.join(file.file_name().context("a file without a name")?))?;
    }
    files::replace(&staging, &layout.dist().join("demo"))
}
