//! Where things are, and running other programs.

use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context, Result, bail, ensure};
use cargo_metadata::{Metadata, MetadataCommand};

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
    metadata: Metadata,
}

impl Layout {
    /// Finds the repository around the working directory. Nothing of it is compiled in: a checkout can be moved, or copied,
    /// with everything that was built in it.
    ///
    /// # Errors
    /// When there is no repository, or this program lies in the target directory of another.
    pub fn find() -> Result<Self> {
        let metadata = MetadataCommand::new()
            .no_deps()
            .exec()
            .context("cannot find out where the repository is: run this inside the repository")?;
        let program = std::env::current_exe()?.canonicalize()?;
        let programs = program.parent().context("no directory of this program")?.to_owned();
        let root = metadata.workspace_root.clone().into_std_path_buf();
        let target = metadata.target_directory.clone().into_std_path_buf();
        ensure!(
            target.canonicalize().is_ok_and(|target| program.starts_with(target)),
            "{} belongs to another checkout than {}, whose target directory is {}: run `cargo xtask`, which builds the \
             program of the checkout you are in",
            program.display(),
            root.display(),
            target.display()
        );
        Ok(Self {
            root,
            target,
            programs,
            metadata,
        })
    }

    /// The version of a package of this workspace.
    ///
    /// # Errors
    /// When there is no such package.
    pub fn version_of(&self, package: &str) -> Result<String> {
        let mut packages = self.metadata.packages.iter();
        let found = packages.find(|found| found.name.as_str() == package);
        Ok(found
            .with_context(|| format!("the workspace has no package `{package}`"))?
            .version
            .to_string())
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
        // It may be relative to a directory other than the command's.
        if std::env::var_os("CARGO_TARGET_DIR").is_some() {
            command.env("CARGO_TARGET_DIR", &self.target);
        }
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
