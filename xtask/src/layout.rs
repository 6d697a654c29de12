//! Where things are.

use std::{
    ffi::OsStr,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, bail, ensure};
use cargo_metadata::{Metadata, MetadataCommand, Package};

/// What keeps wrangler from calling home, and lets it work offline.
const QUIET_WRANGLER: [(&str, &str); 4] = [
    ("CLOUDFLARE_CF_FETCH_ENABLED", "false"),
    ("WRANGLER_HIDE_BANNER", "true"),
    ("WRANGLER_SEND_ERROR_REPORTS", "false"),
    ("WRANGLER_SEND_METRICS", "false"),
];

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

    /// Where everything that can be shipped is put.
    #[must_use]
    pub fn dist(&self) -> PathBuf {
        self.root.join("dist")
    }

    /// Where `cargo package` and `cargo publish` leave a package of this workspace.
    ///
    /// # Errors
    /// When there is no such package.
    pub fn packed(&self, package: &str) -> Result<PathBuf> {
        let file = format!("{package}-{}.crate", self.version_of(package)?);
        Ok(self.target.join("package").join(file))
    }

    /// Where what the steps print is kept.
    #[must_use]
    pub fn logs(&self) -> PathBuf {
        self.target.join("log")
    }

    /// The same programs and packages for another checkout of the same sources.
    pub(crate) fn moved_to(&self, root: PathBuf, target: PathBuf) -> Self {
        Self {
            root,
            target,
            programs: self.programs.clone(),
            metadata: self.metadata.clone(),
        }
    }

    /// The version of a package of this workspace.
    ///
    /// # Errors
    /// When there is no such package.
    pub fn version_of(&self, package: &str) -> Result<String> {
        Ok(self.package(package)?.version.to_string())
    }

    /// What Cargo knows of a package of this workspace.
    ///
    /// # Errors
    /// When there is no such package.
    pub fn package(&self, name: &str) -> Result<&Package> {
        let mut packages = self.packages().iter();
        let found = packages.find(|found| found.name.as_str() == name);
        found.with_context(|| format!("the workspace has no package `{name}`"))
    }

    /// The packages of this workspace.
    #[must_use]
    pub fn packages(&self) -> &[Package] {
        &self.metadata.packages
    }

    /// A path as people read it: from the repository, if it is inside.
    #[must_use]
    pub fn for_people<'a>(&self, path: &'a Path) -> std::path::Display<'a> {
        path.strip_prefix(&self.root).unwrap_or(path).display()
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
    pub fn command(&self, program: impl AsRef<OsStr>) -> Result<Command> {
        let mut path = vec![self.root.join("node_modules/.bin")];
        path.extend(std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()));
        let mut command = Command::new(program);
        command
            .current_dir(&self.root)
            .env("PATH", std::env::join_paths(path)?)
            .envs(QUIET_WRANGLER);
        // It may be relative to a directory other than the command's.
        if std::env::var_os("CARGO_TARGET_DIR").is_some() {
            command.env("CARGO_TARGET_DIR", &self.target);
        }
        Ok(command)
    }

    /// Cargo, in the repository.
    ///
    /// # Errors
    /// When `PATH` cannot be extended.
    pub fn cargo<'a>(&self, arguments: impl IntoIterator<Item = &'a str>) -> Result<Command> {
        let mut command = self.command("cargo")?;
        command.args(arguments);
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
    bail!("{} is missing: run `make build`", path.display())
}
