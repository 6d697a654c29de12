//! Whether what is shipped is the same wherever it is built.

use std::{fs, os::unix::fs::symlink, path::Path};

use anyhow::{Context as _, Result, bail};

use crate::{
    files,
    layout::Layout,
    package, simulator,
    step::{Failed, step},
    worker,
};

/// What is compared.
const BUILT: [&str; 8] = [
    "dist/package/connect_bg.wasm",
    "dist/package/connect.js",
    "dist/package/cli/doctor_bg.wasm",
    "dist/package/cli/doctor.js",
    "dist/simulator/simulator_bg.wasm",
    "dist/simulator/simulator.js",
    "worker/build/index_bg.wasm",
    "worker/build/index.js",
];

/// What is not taken along to the other folder: what was built or installed here.
const LEFT_HERE: [&str; 8] = [
    ".git",
    ".wrangler",
    "artifacts",
    "build",
    "dist",
    "node_modules",
    "package.new",
    "target",
];

/// Builds both modules again from a copy of the sources in another folder, and compares them with those that are there.
///
/// # Errors
/// When something cannot be built, or differs; why is printed.
pub fn check(layout: &Layout) -> Result<()> {
    let outcome: Result<(), Failed> = step(layout, "Build again in another folder, and compare", |log| {
        let other = copy(layout, "elsewhere/in-another-folder")?;
        worker::worker(&other, log)?;
        package::package(&other, log)?;
        simulator::packed(&other, log)?;
        let differing = differing(&layout.root, &other.root)?;
        if differing.is_empty() {
            return Ok(());
        }
        bail!(
            "built in {}, these differ: {}",
            other.root.display(),
            differing.join(", ")
        );
    });
    Ok(outcome?)
}

/// A checkout with the same sources in a folder below the target directory, so at a path of another length, and with the tools of
/// this one.
pub(crate) fn copy(layout: &Layout, folder: &str) -> Result<Layout> {
    let root = layout.target.join(folder);
    fs::create_dir_all(&root)?;
    for entry in fs::read_dir(&layout.root)? {
        let entry = entry?;
        let name = entry.file_name();
        if LEFT_HERE.iter().any(|left| name == *left) {
            continue;
        }
        let to = root.join(&name);
        if entry.file_type()?.is_dir() {
            if to.exists() {
                fs::remove_dir_all(&to)?;
            }
            files::copy_tree_without(&entry.path(), &to, &LEFT_HERE)?;
        } else {
            files::copy(&entry.path(), &to)?;
        }
    }
    let target = root.join("target");
    fs::create_dir_all(&target)?;
    link(&layout.root.join("node_modules"), &root.join("node_modules"))?;
    link(&layout.target.join("tools"), &target.join("tools"))?;
    fs::create_dir_all(root.join("dist"))?;
    Ok(layout.moved_to(root, target))
}

fn link(original: &Path, link: &Path) -> Result<()> {
    if !link.exists() {
        symlink(original, link).with_context(|| format!("cannot link {}", link.display()))?;
    }
    Ok(())
}

/// The built files that are not the same in both.
fn differing(one: &Path, other: &Path) -> Result<Vec<&'static str>> {
    let mut differing = Vec::new();
    for file in BUILT {
        let read =
            |root: &Path| fs::read(root.join(file)).with_context(|| format!("cannot read {file}: run `make build`"));
        if read(one)? != read(other)? {
            differing.push(file);
        }
    }
    Ok(differing)
}
