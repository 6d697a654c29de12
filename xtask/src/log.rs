//! What a step prints, kept in a file.

use std::{
    fs::{self, File},
    io::Write as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context, Result, bail};

/// The log of one step.
#[derive(Debug)]
pub struct Log {
    path: PathBuf,
    file: File,
}

impl Log {
    /// Begins a log, in the place of an older one.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn begin(folder: &Path, name: &str) -> Result<Self> {
        fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))?;
        let path = folder.join(format!("{name}.log"));
        let file = File::create(&path).with_context(|| format!("cannot write {}", path.display()))?;
        Ok(Self { path, file })
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Everything in it up to now.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn text(&self) -> Result<String> {
        let bytes = fs::read(&self.path).with_context(|| format!("cannot read {}", self.path.display()))?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// Adds a line, or several; nothing when the text is empty.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn line(&self, text: &str) -> Result<()> {
        if !text.is_empty() {
            writeln!(&self.file, "{text}")?;
        }
        Ok(())
    }

    /// Runs a command to its end; what it prints is added.
    ///
    /// # Errors
    /// When it cannot be started or fails.
    pub fn run(&self, command: &mut Command) -> Result<()> {
        let program = Path::new(command.get_program());
        let name = program.file_name().unwrap_or(program.as_os_str());
        let name = format!("`{}`", name.to_string_lossy());
        let status = command
            .stdin(Stdio::null())
            .stdout(self.file.try_clone()?)
            .stderr(self.file.try_clone()?)
            .status()
            .with_context(|| format!("cannot start {name}"))?;
        if !status.success() {
            bail!("{name} failed: {status}");
        }
        Ok(())
    }
}
