//! The crate with the oldest versions of its dependencies that `Cargo.toml` allows.

use std::{fs::OpenOptions, io::Write as _};

use anyhow::{Context as _, Result};

use super::Run;
use crate::{
    files,
    layout::Layout,
    step::{Failed, step},
    tools::{self, WASM},
};

const CRATE: &str = "smartcar-connect";

/// Checks the crate as it is published, in a folder of its own: this checkout's lock file stays as it is.
///
/// # Errors
/// [`Failed`] when it does not compile; all there is to say about it is printed.
pub fn minimal_versions(layout: &Layout) -> Result<()> {
    let mut run = Run::new(layout);
    run.need(|| tools::wasm_target(layout));
    let folder = layout.target.join("minimal-versions");
    let manifest = folder
        .join(format!("{CRATE}-{}", layout.version_of(CRATE)?))
        .join("Cargo.toml");
    run.need(|| {
        let outcome: Result<(), Failed> = step(layout, "Unpack the crate, with the oldest versions", |log| {
            log.run(&mut layout.cargo([
                "package",
                "--locked",
                "--no-verify",
                "--allow-dirty",
                "--package",
                CRATE,
            ])?)?;
            files::empty(&folder)?;
            let packed = layout.packed(CRATE)?;
            let mut command = layout.command("tar")?;
            log.run(
                command
                    .arg("--extract")
                    .arg("--file")
                    .arg(packed)
                    .arg("--directory")
                    .arg(&folder),
            )?;
            // It lies in the target directory of a workspace that does not know it.
            let mut file = OpenOptions::new()
                .append(true)
                .open(&manifest)
                .context("cannot write its manifest")?;
            file.write_all(b"\n[workspace]\n")?;
            let mut command = layout.cargo(["update", "-Z", "direct-minimal-versions", "--manifest-path"])?;
            // Nothing that is compiled depends on the option, so that it serves with the stable toolchain too.
            log.run(command.arg(&manifest).env("RUSTC_BOOTSTRAP", "1"))
        });
        Ok(outcome?)
    });
    for (title, arguments) in [
        ("the crate, natively", "--all-features".to_owned()),
        ("the browser module", format!("--features browser --target {WASM}")),
        ("for the Worker", format!("--features edge --target {WASM}")),
    ] {
        let arguments = format!("check --locked --lib {arguments} --manifest-path");
        let mut command = layout.cargo(arguments.split(' '))?;
        command.arg(&manifest).env("CARGO_TARGET_DIR", folder.join("target"));
        run.command(&format!("With the oldest versions, {title}"), &mut command);
    }
    run.end()
}
