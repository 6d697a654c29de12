//! What a release is made of, in one folder: `dist/release`.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result, ensure};

use super::version;
use crate::{
    files,
    layout::{Layout, present},
    log::Log,
    step::report,
};

/// Puts the crate, the npm packages, the Worker and the bills of materials together, with the Rust that compiled them and a list
/// of digests.
///
/// # Errors
/// When one was not built; says how to get it.
pub(super) fn assemble(layout: &Layout, version: &str) -> Result<()> {
    Ok(report(layout, "Put together what is to be published", |log| {
        let folder = layout.dist().join("release");
        files::empty(&folder)?;
        let mut parts = version::built(layout, version)?;
        // The dry run has compiled it, but leaves it nowhere.
        let options = "package --locked --no-verify --allow-dirty --package";
        log.run(&mut layout.cargo(options.split(' ').chain([super::CRATE]))?)?;
        parts.push(present(layout.packed(super::CRATE)?)?);
        parts.extend(files::below(&layout.dist().join("sbom"), &[])?);
        for part in &parts {
            files::copy(part, &folder.join(super::file_name(part)))?;
        }
        worker(
            layout,
            log,
            &folder.join(format!("smartcar-connect-worker-{version}.tar.gz")),
        )?;
        let rust = super::rust_version(layout)?;
        fs::write(folder.join("rust-version.txt"), format!("{rust}\n"))?;
        let mut names: Vec<String> = files::below(&folder, &[])?
            .iter()
            .map(|path| super::file_name(path))
            .collect();
        names.sort();
        let mut command = layout.command("sha256sum")?;
        let output = command.args(&names).current_dir(&folder).output();
        let output = output.context("cannot start `sha256sum`")?;
        ensure!(output.status.success(), "`sha256sum` failed: {}", output.status);
        fs::write(folder.join("SHA256SUMS"), &output.stdout)?;
        names.push("SHA256SUMS".to_owned());
        Ok(names.join("\n"))
    })?)
}

/// The Worker as it is deployed. The same from the same files: neither times nor owners are told.
fn worker(layout: &Layout, log: &Log, archive: &Path) -> Result<()> {
    let parts: [PathBuf; 5] = [
        "LICENSE-APACHE",
        "LICENSE-MIT",
        "worker/index.js",
        "worker/build/index.js",
        "worker/build/index_bg.wasm",
    ]
    .map(PathBuf::from);
    let package = layout.dist().join("package");
    for part in &parts {
        present(package.join(part))?;
    }
    let mut command = layout.command("tar")?;
    command
        .args([
            "--create",
            "--sort=name",
            "--format=ustar",
            "--mtime=@0",
            "--owner=0",
            "--group=0",
            "--numeric-owner",
        ])
        .args([
            "--mode=u=rw,go=r",
            "--use-compress-program=gzip --no-name --best",
            "--file",
        ])
        .arg(archive)
        .arg("--directory")
        .arg(&package)
        .args(&parts);
    log.run(&mut command)
}
