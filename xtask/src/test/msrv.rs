//! Everything that is compiled, by the oldest Rust that `rust-version` promises.

use anyhow::{Context as _, Result};

use super::Run;
use crate::{
    layout::Layout,
    tools::{self, WASM},
};

/// Checks the workspace and both modules by that Rust, which rustup installs when it is missing.
///
/// # Errors
/// [`Failed`](crate::step::Failed) when something does not compile; all there is to say about it is printed.
pub fn msrv(layout: &Layout) -> Result<()> {
    let package = layout.package("smartcar-connect")?;
    let promised = package
        .rust_version
        .as_ref()
        .context("Cargo.toml names no `rust-version`")?;
    // Without the patch: the last one of that version is what rustup has.
    let version = format!("{}.{}", promised.major, promised.minor);
    let mut run = Run::new(layout);
    run.need(|| tools::toolchain(layout, &version));
    for (title, arguments) in [
        ("natively", "--workspace --all-features".to_owned()),
        (
            "browser module",
            format!("--package smartcar-connect --features browser --target {WASM}"),
        ),
        ("Worker", format!("--package smartcar-connect-worker --target {WASM}")),
    ] {
        let arguments = format!("run {version} cargo check --locked {arguments}");
        let mut command = layout.command("rustup")?;
        command
            .args(arguments.split(' '))
            // Its own, so that neither build throws the other's away.
            .env("CARGO_TARGET_DIR", layout.target.join("msrv"));
        run.command(&format!("Rust {version}, {title}"), &mut command);
    }
    run.end()
}
