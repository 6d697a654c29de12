//! What the build needs besides Rust and Node. Each is looked for first: nothing is installed twice.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::Command,
    time::SystemTime,
};

use anyhow::{Context, Result};

use crate::{layout::Layout, lock::Lock, step::step};

/// The target triple of both modules.
pub const WASM: &str = "wasm32-unknown-unknown";

const CARGO_CYCLONEDX: &str = "0.5.9";
const CARGO_DENY: &str = "0.20.2";
const CARGO_FUZZ: &str = "0.13.2";
const CARGO_MUTANTS: &str = "27.1.0";

const SCHEMATHESIS: &str = "4.32.5";
const ZIZMOR: &str = "1.32.0";

/// Everything that the build needs.
///
/// # Errors
/// When something cannot be installed.
pub fn all(layout: &Layout) -> Result<()> {
    wasm_target(layout)?;
    npm(layout)?;
    worker_build(layout)?;
    Ok(())
}

/// Rust's standard library for both modules.
///
/// # Errors
/// When it cannot be installed.
pub fn wasm_target(layout: &Layout) -> Result<()> {
    if knows_wasm(&mut layout.command("rustc")?)? {
        return Ok(());
    }
    let mut command = layout.command("rustup")?;
    command.args(["target", "add", WASM]);
    run(layout, "Add the wasm32 target", &mut command)
}

/// Another Rust than that of `rust-toolchain.toml`, with the standard library for both modules.
///
/// # Errors
/// When it cannot be installed.
pub fn toolchain(layout: &Layout, version: &str) -> Result<()> {
    let mut command = layout.command("rustup")?;
    if knows_wasm(command.args(["run", version, "rustc"]))? {
        return Ok(());
    }
    let mut command = layout.command("rustup")?;
    command.args([
        "toolchain",
        "install",
        version,
        "--profile",
        "minimal",
        "--target",
        WASM,
    ]);
    run(
        layout,
        &format!("Install Rust {version} (once)"),
        command.arg("--no-self-update"),
    )
}

/// Whether this `rustc` has the standard library for both modules.
fn knows_wasm(rustc: &mut Command) -> Result<bool> {
    let output = rustc.args(["--print", "target-libdir", "--target", WASM]).output();
    let output = output.with_context(|| format!("cannot start {}", rustc.get_program().to_string_lossy()))?;
    Ok(Path::new(String::from_utf8_lossy(&output.stdout).trim()).is_dir())
}

/// The tools in `package-lock.json`.
///
/// # Errors
/// When they cannot be installed.
pub fn npm(layout: &Layout) -> Result<()> {
    // npm writes it last.
    let installed = layout.root.join("node_modules/.package-lock.json");
    let changed = |file: &Path| file.metadata().and_then(|metadata| metadata.modified());
    let since = changed(&installed).ok();
    for file in ["package.json", "package-lock.json"] {
        let wanted = changed(&layout.root.join(file)).with_context(|| format!("cannot read {file}"))?;
        if since.is_none_or(|since| since < wanted) {
            // On the machine's Node: the one of the lock file is among what is replaced.
            let mut command = Command::new("npm");
            run(
                layout,
                "Install the npm tools",
                command.arg("ci").current_dir(&layout.root),
            )?;
            File::open(&installed)?.set_modified(SystemTime::now())?;
            break;
        }
    }
    Ok(())
}

/// `worker-build`, of the version of the crate `worker`.
///
/// # Errors
/// When it cannot be installed.
pub fn worker_build(layout: &Layout) -> Result<PathBuf> {
    let version = Lock::read(layout)?.version_of("worker")?;
    installed(layout, "worker-build", &version)
}

/// `cargo fuzz`.
///
/// # Errors
/// When it cannot be installed.
pub fn cargo_fuzz(layout: &Layout) -> Result<PathBuf> {
    installed(layout, "cargo-fuzz", CARGO_FUZZ)
}

/// `cargo deny`.
///
/// # Errors
/// When it cannot be installed.
pub fn cargo_deny(layout: &Layout) -> Result<PathBuf> {
    installed(layout, "cargo-deny", CARGO_DENY)
}

/// `cargo cyclonedx`.
///
/// # Errors
/// When it cannot be installed.
pub fn cargo_cyclonedx(layout: &Layout) -> Result<PathBuf> {
    installed(layout, "cargo-cyclonedx", CARGO_CYCLONEDX)
}

/// schemathesis.
///
/// # Errors
/// When it cannot be installed.
pub fn schemathesis(layout: &Layout) -> Result<PathBuf> {
    from_pypi(layout, "schemathesis", SCHEMATHESIS)
}

/// zizmor, which judges workflows.
///
/// # Errors
/// When it cannot be installed.
pub fn zizmor(layout: &Layout) -> Result<PathBuf> {
    from_pypi(layout, "zizmor", ZIZMOR)
}

/// `cargo mutants`.
///
/// # Errors
/// When it cannot be installed.
pub fn cargo_mutants(layout: &Layout) -> Result<PathBuf> {
    installed(layout, "cargo-mutants", CARGO_MUTANTS)
}

/// A program from PyPI, in a folder of its own under `target/tools/`.
fn from_pypi(layout: &Layout, name: &str, version: &str) -> Result<PathBuf> {
    let root = layout.target.join("tools").join(format!("{name}-{version}"));
    let program = root.join("bin").join(name);
    if !program.exists() {
        let script = "python3 -m venv --clear \"$1\" && \"$1/bin/pip\" install --quiet \"$2==$3\"";
        let mut command = Command::new("sh");
        command.args(["-c", script, "sh"]).arg(&root).args([name, version]);
        let title = format!("Install {name} {version} (once)");
        if let Err(error) = run(layout, &title, &mut command) {
            drop(fs::remove_dir_all(&root));
            return Err(error);
        }
    }
    Ok(program)
}

/// A program from crates.io, under `target/tools/`.
fn installed(layout: &Layout, name: &str, version: &str) -> Result<PathBuf> {
    let root = layout.target.join("tools").join(format!("{name}-{version}"));
    let program = root.join("bin").join(name);
    if !program.exists() {
        fs::create_dir_all(&root)?;
        let mut command = layout.cargo(["install", name, "--debug", "--locked", "--version", version, "--root"])?;
        command
            .arg(&root)
            .env("CARGO_PROFILE_DEV_DEBUG", "0")
            // What it compiles on the way is in nobody's interest afterwards.
            .env_remove("CARGO_TARGET_DIR");
        run(layout, &format!("Install {name} {version} (once)"), &mut command)?;
    }
    Ok(program)
}

fn run(layout: &Layout, title: &str, command: &mut Command) -> Result<()> {
    Ok(step(layout, title, |log| log.run(command))?)
}
