//! Where things are, and running other programs.

use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context, Result, bail};

/// The target triple of both modules.
pub const WASM: &str = "wasm32-unknown-unknown";

/// The directories of the build.
#[derive(Debug)]
pub struct Layout {
    /// The repository.
    pub root: PathBuf,
    /// Cargo's target directory.
    pub target: PathBuf,
    /// The directory of this program, and of `bindgen` beside it.
    pub programs: PathBuf,
}

impl Layout {
    /// Finds the directories from where this program was built and lies.
    ///
    /// # Errors
    /// When this program was moved out of Cargo's target directory.
    pub fn find() -> Result<Self> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"))
            .parent()
            .context("the workspace is gone")?
            .to_owned();
        let programs = std::env::current_exe()?
            .parent()
            .context("no directory of this program")?
            .to_owned();
        let target = programs
            .parent()
            .context("this program is outside Cargo's target directory")?
            .to_owned();
        Ok(Self { root, target, programs })
    }

    /// Where everything that can be shipped is put.
    #[must_use]
    pub fn dist(&self) -> PathBuf {
        self.root.join("dist")
    }

    /// A tool that `npm ci` installed.
    ///
    /// # Errors
    /// When it is not there; says how to get it.
    pub fn npm_tool(&self, name: &str) -> Result<PathBuf> {
        present(self.root.join("node_modules/.bin").join(name))
    }

    /// A command in the repository, with the tools of `npm ci` first on its `PATH`: their scripts then run on the Node that
    /// the lock file names, not on the machine's.
    ///
    /// # Errors
    /// When `PATH` cannot be extended.
    pub fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Result<Command> {
        let mut path = vec![self.root.join("node_modules/.bin")];
        path.extend(std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()));
        let mut command = Command::new(program);
        command.current_dir(&self.root).env("PATH", std::env::join_paths(path)?);
        Ok(command)
    }
}

/// The path, if there is a file.
///
/// # Errors
/// When there is none; says how to get it.
pub fn present(path: PathBuf) -> Result<PathBuf> {
    if path.exists() {
        return Ok(path);
    }
    bail!("{} is missing: run `make tools`", path.display())
}

/// Runs a command to its end; what it prints goes to standard error.
///
/// # Errors
/// When it cannot be started or fails.
pub fn run(command: &mut Command) -> Result<()> {
    let name = describe(command);
    let status = command.stdin(Stdio::null()).stdout(std::io::stderr()).status();
    let status = status.with_context(|| format!("cannot start {name}"))?;
    if !status.success() {
        bail!("{name} failed: {status}");
    }
    Ok(())
}

/// Runs a command to its end and returns what it printed.
///
/// # Errors
/// When it cannot be started or fails; its output is in the error.
pub fn capture(command: &mut Command) -> Result<String> {
    let name = describe(command);
    let output = command
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("cannot start {name}"))?;
    let mut text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.push_str(&String::from_utf8_lossy(&output.stderr));
    if !output.status.success() {
        bail!("{name} failed: {}\n{text}", output.status);
    }
    Ok(text)
}

fn describe(command: &Command) -> String {
    let program = Path::new(command.get_program());
    format!(
        "`{}`",
        program.file_name().unwrap_or(command.get_program()).to_string_lossy()
    )
}
