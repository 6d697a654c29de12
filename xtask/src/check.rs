//! What is checked of everything that was built: sizes within their budgets, and no secret-bearing code in the browser.

use std::{fs, io::Write as _};

use anyhow::{Context, Result, ensure};
use flate2::{Compression, write::GzEncoder};

use crate::process::Layout;

/// The name of the one parameter that no browser ever has a value for.
const SECRET: &[u8] = b"client_secret";

/// A file's size as it is and as a server sends it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Size {
    /// Bytes on disk.
    pub raw: usize,
    /// Bytes after gzip at its best level.
    pub gzip: usize,
}

impl Size {
    /// Measures these bytes.
    ///
    /// # Errors
    /// Never in practice: writing to memory does not fail.
    pub fn of(bytes: &[u8]) -> Result<Self> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(bytes)?;
        Ok(Self {
            raw: bytes.len(),
            gzip: encoder.finish()?.len(),
        })
    }

    const fn plus(self, other: Self) -> Self {
        Self {
            raw: self.raw.saturating_add(other.raw),
            gzip: self.gzip.saturating_add(other.gzip),
        }
    }
}

/// What is shipped together, and how much of it there may be.
#[derive(Debug)]
pub struct Budget {
    /// What it is, for people.
    pub name: &'static str,
    /// The files, relative to the repository.
    pub files: &'static [&'static str],
    /// The most that all of them may be after gzip, in bytes.
    pub gzip: usize,
}

/// The browser module: what a page loads.
pub const BROWSER: Budget = Budget {
    name: "browser module",
    files: &["dist/package/connect_bg.wasm"],
    gzip: 60_000,
};

/// The JavaScript around the browser module.
pub const GLUE: Budget = Budget {
    name: "browser JavaScript",
    files: &[
        "dist/package/index.js",
        "dist/package/api.js",
        "dist/package/loader.js",
        "dist/package/connect.js",
        "dist/package/errors.js",
    ],
    gzip: 10_000,
};

/// The Worker: what is uploaded.
pub const WORKER: Budget = Budget {
    name: "Worker",
    files: &["worker/entry.js", "worker/build/index.js", "worker/build/index_bg.wasm"],
    gzip: 250_000,
};

/// Prints the sizes of everything that is shipped, then complains about what must not be.
///
/// # Errors
/// When a file is missing, a budget is exceeded, or the browser module holds what only feature `edge` brings.
pub fn all(layout: &Layout) -> Result<()> {
    let mut problems = Vec::new();
    for budget in [BROWSER, GLUE, WORKER] {
        let total = measure(layout, &budget)?;
        println!(
            "{:<20} {:>9}, {:>9} gzip; budget {:>9}",
            budget.name,
            kilobytes(total.raw),
            kilobytes(total.gzip),
            kilobytes(budget.gzip)
        );
        if total.gzip > budget.gzip {
            problems.push(format!(
                "the {} is above its budget of {} bytes after gzip",
                budget.name, budget.gzip
            ));
        }
    }
    for file in BROWSER.files {
        if read(layout, file)?.windows(SECRET.len()).any(|window| window == SECRET) {
            problems.push(format!(
                "{file} holds the text `client_secret`: something of feature `edge` is in it"
            ));
        }
    }
    ensure!(problems.is_empty(), "{}", problems.join("\n       "));
    Ok(())
}

fn measure(layout: &Layout, budget: &Budget) -> Result<Size> {
    let mut total = Size::default();
    for file in budget.files {
        total = total.plus(Size::of(&read(layout, file)?)?);
    }
    Ok(total)
}

fn read(layout: &Layout, file: &str) -> Result<Vec<u8>> {
    fs::read(layout.root.join(file)).with_context(|| format!("cannot read {file}: run `make build`"))
}

/// Kilobytes (1,000 bytes) with one decimal.
fn kilobytes(bytes: usize) -> String {
    let tenths = bytes.div_ceil(100);
    format!("{}.{} KB", tenths.div_euclid(10), tenths.rem_euclid(10))
}

#[cfg(test)]
mod tests {
    use super::{Size, kilobytes};

    #[test]
    fn kilobytes_round_up() {
        assert_eq!(kilobytes(0), "0.0 KB");
        assert_eq!(kilobytes(1), "0.1 KB");
        assert_eq!(kilobytes(60_000), "60.0 KB");
        assert_eq!(kilobytes(60_001), "60.1 KB");
    }

    #[test]
    fn repetition_compresses() {
        let size = Size::of(&[7; 10_000]).unwrap();
        assert_eq!(size.raw, 10_000);
        assert!(size.gzip < 100, "{size:?}");
    }
}
