//! What is worth keeping of the finds of long runs.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result};

use super::Fuzz;
use crate::{files, layout::Layout, step::step};

/// The longest input that is kept, in bytes.
const MAX_LEN: usize = 512;

/// How many are kept: enough to be replayed in a moment, few enough to be read.
const MOST: usize = 40;

/// Brings into `fuzz/corpus/`, for each target, the smallest finds that together reach everything that any of them reaches.
///
/// # Errors
/// When the targets cannot be built or looked at, or the files not be changed.
pub fn keep(layout: &Layout) -> Result<()> {
    let fuzz = Fuzz::find(layout)?;
    fuzz.build()?;
    for target in &fuzz.targets {
        let corpus = PathBuf::from("fuzz/corpus").join(target);
        let least = layout.target.join("fuzz-least").join(target);
        files::empty(&least)?;
        let mut command = fuzz.command("run")?;
        command.arg(target).args([&least, &corpus, &fuzz.finds(target)?]).args([
            "--",
            "-set_cover_merge=1",
            &format!("-max_len={MAX_LEN}"),
        ]);
        step(
            layout,
            &format!("Look for what reaches something new: {target}"),
            |log| {
                log.run(&mut command)?;
                replace(&layout.root.join(&corpus), &least)
            },
        )?;
    }
    Ok(())
}

/// Earlier finds are named by their hash, and were looked at again; what was written by hand has a name and stays.
fn replace(corpus: &Path, least: &Path) -> Result<()> {
    for (path, _) in files_in(corpus)? {
        if is_find(&path) {
            fs::remove_file(&path).with_context(|| format!("cannot remove {}", path.display()))?;
        }
    }
    let mut found = files_in(least)?;
    found.sort_by_key(|(path, bytes)| (*bytes, path.clone()));
    for (path, _) in found.into_iter().take(MOST) {
        files::copy(&path, &corpus.join(path.file_name().context("a file without a name")?))?;
    }
    Ok(())
}

/// Files and their sizes.
fn files_in(folder: &Path) -> Result<Vec<(PathBuf, u64)>> {
    let entries = fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    entries
        .map(|entry| {
            let entry = entry?;
            Ok((entry.path(), entry.metadata()?.len()))
        })
        .collect()
}

fn is_find(path: &Path) -> bool {
    path.file_name().is_some_and(|name| {
        let name = name.as_encoded_bytes();
        name.len() == 40 && name.iter().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use tempfile::TempDir;

    use super::{MOST, files_in, replace};

    #[test]
    fn the_smallest_finds_take_the_place_of_earlier_ones() {
        let (corpus, least) = (TempDir::new().unwrap(), TempDir::new().unwrap());
        let name = |number: usize| format!("{number:040x}");
        fs::write(corpus.path().join("by-hand"), "kept").unwrap();
        fs::write(corpus.path().join(name(0xfff)), "an earlier find").unwrap();
        for number in 0..=MOST {
            fs::write(least.path().join(name(number)), "x".repeat(number)).unwrap();
        }

        replace(corpus.path(), least.path()).unwrap();

        let mut kept: Vec<_> = files_in(corpus.path()).unwrap();
        kept.sort();
        let mut expected: Vec<_> = (0..MOST).map(|number| corpus.path().join(name(number))).collect();
        expected.push(corpus.path().join("by-hand"));
        assert_eq!(kept.into_iter().map(|(path, _)| path).collect::<Vec<_>>(), expected);
    }
}
