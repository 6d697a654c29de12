//! Copying and replacing directories.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};

/// Copies a directory's files and folders into another, which is created if need be.
///
/// # Errors
/// When a file cannot be read or written.
pub fn copy_tree(from: &Path, to: &Path) -> Result<()> {
    copy_tree_without(from, to, &[])
}

/// Like [`copy_tree`], without the files and folders of these names, wherever they are.
///
/// # Errors
/// When a file cannot be read or written.
pub fn copy_tree_without(from: &Path, to: &Path, names: &[&str]) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from).with_context(|| format!("cannot read {}", from.display()))? {
        let entry = entry?;
        if names.iter().any(|name| entry.file_name() == *name) {
            continue;
        }
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy_tree_without(&entry.path(), &target, names)?;
        } else {
            copy(&entry.path(), &target)?;
        }
    }
    Ok(())
}

/// Every file below a directory, but for folders of these names.
///
/// # Errors
/// When a directory cannot be read.
pub fn below(directory: &Path, without: &[&str]) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).with_context(|| format!("cannot read {}", directory.display()))? {
        let entry = entry?;
        let kind = entry.file_type()?;
        if kind.is_file() {
            found.push(entry.path());
        } else if kind.is_dir() && !without.iter().any(|name| entry.file_name() == *name) {
            found.extend(below(&entry.path(), without)?);
        }
    }
    Ok(found)
}

/// Copies one file.
///
/// # Errors
/// When it cannot be read or written; names both.
pub fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::copy(from, to).with_context(|| format!("cannot copy {} to {}", from.display(), to.display()))?;
    Ok(())
}

/// Empties a directory, or creates it.
///
/// # Errors
/// When it cannot be changed.
pub fn empty(directory: &Path) -> Result<()> {
    if directory.exists() {
        fs::remove_dir_all(directory).with_context(|| format!("cannot empty {}", directory.display()))?;
    }
    fs::create_dir_all(directory).with_context(|| format!("cannot create {}", directory.display()))
}

/// Puts a finished directory in the place of an older one, so that a failed build leaves nothing half made.
///
/// # Errors
/// When the older one cannot be removed.
pub fn replace(finished: &Path, place: &Path) -> Result<()> {
    if place.exists() {
        fs::remove_dir_all(place).with_context(|| format!("cannot replace {}", place.display()))?;
    }
    fs::rename(finished, place).with_context(|| format!("cannot move to {}", place.display()))
}
