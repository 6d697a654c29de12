//! What is checked of everything that was built: its sizes, and that no secret-bearing code is in the browser.

use std::{fs, io::Write as _};

use anyhow::{Context, Result, bail};
use brotli::enc::BrotliEncoderParams;
use flate2::{Compression, write::GzEncoder};

use crate::{layout::Layout, machine_paths, step::report};

/// The name of the one parameter that no browser ever has a value for.
const SECRET: &[u8] = b"client_secret";

/// A size as it is and as a server sends it, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Size {
    /// On disk.
    pub raw: usize,
    /// After gzip at its best level.
    pub gzip: usize,
    /// After brotli at its best level, which takes longer than everything else that is checked: looked at only for what a
    /// page downloads.
    pub brotli: Option<usize>,
}

impl Size {
    /// Measures a file.
    ///
    /// # Errors
    /// Never in practice: writing to memory does not fail.
    pub fn of(bytes: &[u8], brotli: bool) -> Result<Self> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(bytes)?;
        Ok(Self {
            raw: bytes.len(),
            gzip: encoder.finish()?.len(),
            brotli: if brotli { Some(after_brotli(bytes)?) } else { None },
        })
    }

    fn plus(self, other: Self) -> Self {
        let both = self
            .brotli
            .into_iter()
            .chain(other.brotli)
            .reduce(usize::saturating_add);
        Self {
            raw: self.raw.saturating_add(other.raw),
            gzip: self.gzip.saturating_add(other.gzip),
            brotli: both,
        }
    }
}

/// What a server sends of these bytes, at the best level.
///
/// # Errors
/// Never in practice: writing to memory does not fail.
pub fn after_brotli(mut bytes: &[u8]) -> Result<usize> {
    let mut compressed = Vec::new();
    brotli::BrotliCompress(&mut bytes, &mut compressed, &BrotliEncoderParams::default())?;
    Ok(compressed.len())
}

/// What is shipped together, and how big it is when something must have gone wrong.
#[derive(Debug)]
pub struct Shipped {
    /// What it is, for people.
    pub name: &'static str,
    /// The files, relative to the repository.
    pub files: &'static [&'static str],
    /// The size of all of them after gzip, in bytes, above which the build fails.
    pub alarm: usize,
    /// Whether a page downloads them.
    pub downloaded: bool,
}

/// The browser module: what a page loads.
pub const BROWSER: Shipped = Shipped {
    name: "browser module",
    files: &["dist/package/connect_bg.wasm"],
    alarm: 50_000,
    downloaded: true,
};

/// What an import brings: all that a page without a callback loads.
pub const ENTRY: Shipped = Shipped {
    name: "browser import",
    files: &["dist/package/index.js", "dist/package/errors.js"],
    alarm: 4_500,
    downloaded: true,
};

/// The JavaScript that is loaded with the browser module.
pub const GLUE: Shipped = Shipped {
    name: "browser glue",
    files: &[
        "dist/package/connect.js",
        "dist/package/page.js",
        "dist/package/client.js",
        "dist/package/start.js",
    ],
    alarm: 13_000,
    downloaded: true,
};

/// The JavaScript that is loaded by its first call: lists, a window of its own, sessions, cars.
pub const PARTS: Shipped = Shipped {
    name: "browser parts",
    files: &[
        "dist/package/connections.js",
        "dist/package/finish.js",
        "dist/package/popup.js",
        "dist/package/session.js",
        "dist/package/vehicle.js",
    ],
    alarm: 7_500,
    downloaded: true,
};

/// All that a page downloads of the package, if it needs everything.
pub const DOWNLOADED: [Shipped; 4] = [ENTRY, BROWSER, GLUE, PARTS];

/// The Worker: what is uploaded.
pub const WORKER: Shipped = Shipped {
    name: "Worker",
    files: &["worker/entry.js", "worker/build/index.js", "worker/build/index_bg.wasm"],
    alarm: 1_000_000,
    downloaded: false,
};

/// What the package's commands judge a deployment's settings with.
pub const DOCTOR: Shipped = Shipped {
    name: "doctor",
    files: &["dist/package/cli/doctor.js", "dist/package/cli/doctor_bg.wasm"],
    alarm: 200_000,
    downloaded: false,
};

/// The stand-in for Smartcar, in its own package.
pub const SIMULATOR: Shipped = Shipped {
    name: "simulator",
    files: &["dist/simulator/simulator.js", "dist/simulator/simulator_bg.wasm"],
    alarm: 500_000,
    downloaded: false,
};

/// Prints the sizes of everything that is shipped, then complains about what must not be.
///
/// # Errors
/// When a file is missing, a size is far off, or the browser module holds what only feature `edge` brings.
pub fn all(layout: &Layout) -> Result<()> {
    Ok(report(layout, "Check what was built", |log| {
        let mut sizes = Vec::new();
        let mut problems = Vec::new();
        for shipped in SHIPPED {
            let each = measure(layout, &shipped)?;
            let size = each.iter().fold(Size::default(), |sum, (_, size)| sum.plus(*size));
            sizes.push(row(&shipped, size));
            if shipped.downloaded && each.len() > 1 {
                sizes.extend(
                    each.iter()
                        .map(|(file, size)| figures(&format!("  {}", file_name(file)), *size)),
                );
            }
            if size.gzip > shipped.alarm {
                problems.push(format!(
                    "the {} is above {} after gzip: something is in it that was not meant to be",
                    shipped.name,
                    kilobytes(shipped.alarm)
                ));
            }
        }
        for file in BROWSER.files {
            if holds(&read(layout, file)?, SECRET) {
                problems.push(format!(
                    "{file} holds the text `client_secret`: something of feature `edge` is in it"
                ));
            }
        }
        for file in SHIPPED.iter().flat_map(|shipped| shipped.files) {
            for (path, _) in machine_paths::all(layout)? {
                if holds(&read(layout, file)?, path.as_os_str().as_encoded_bytes()) {
                    problems.push(format!("{file} holds the path {} of this machine", path.display()));
                }
            }
        }
        let sizes = sizes.join("\n");
        if problems.is_empty() {
            return Ok(sizes);
        }
        log.line(&sizes)?;
        bail!("{}", problems.join("\n       "));
    })?)
}

const SHIPPED: [Shipped; 7] = [ENTRY, BROWSER, GLUE, PARTS, WORKER, DOCTOR, SIMULATOR];

fn holds(bytes: &[u8], text: &[u8]) -> bool {
    bytes.windows(text.len()).any(|window| window == text)
}

fn row(shipped: &Shipped, size: Size) -> String {
    let alarm = kilobytes(shipped.alarm);
    format!("{}; alarm at {alarm} gzip", figures(shipped.name, size))
}

fn figures(name: &str, size: Size) -> String {
    let brotli = size
        .brotli
        .map_or_else(String::new, |brotli| format!(", {:>9} brotli", kilobytes(brotli)));
    format!(
        "{name:<20}{:>9}, {:>9} gzip{brotli}",
        kilobytes(size.raw),
        kilobytes(size.gzip)
    )
}

fn file_name(path: &str) -> &str {
    path.rsplit_once('/').map_or(path, |(_, name)| name)
}

/// The size of each file that belongs to it.
fn measure(layout: &Layout, shipped: &Shipped) -> Result<Vec<(&'static str, Size)>> {
    let files = shipped.files.iter();
    files
        .map(|file| Ok((*file, Size::of(&read(layout, file)?, shipped.downloaded)?)))
        .collect()
}

pub(crate) fn read(layout: &Layout, file: &str) -> Result<Vec<u8>> {
    fs::read(layout.root.join(file)).with_context(|| format!("cannot read {file}: run `make build`"))
}

/// Kilobytes (1,000 bytes) with one decimal.
pub(crate) fn kilobytes(bytes: usize) -> String {
    let tenths = bytes.div_ceil(100);
    format!("{}.{} KB", tenths.div_euclid(10), tenths.rem_euclid(10))
}

#[cfg(test)]
mod tests {
    use super::{BROWSER, Size, WORKER, figures, file_name, kilobytes, row};

    #[test]
    fn kilobytes_round_up() {
        assert_eq!(kilobytes(0), "0.0 KB");
        assert_eq!(kilobytes(1), "0.1 KB");
        assert_eq!(kilobytes(60_000), "60.0 KB");
        assert_eq!(kilobytes(60_001), "60.1 KB");
    }

    #[test]
    fn figures_stand_in_columns() {
        let size = Size {
            raw: 135_000,
            gzip: 52_310,
            brotli: Some(44_000),
        };
        assert_eq!(
            row(&BROWSER, size),
            "browser module       135.0 KB,   52.4 KB gzip,   44.0 KB brotli; alarm at 50.0 KB gzip"
        );
    }

    #[test]
    fn a_script_stands_under_what_it_belongs_to() {
        let size = Size {
            raw: 7_718,
            gzip: 3_300,
            brotli: Some(2_950),
        };
        let line = figures(&format!("  {}", file_name("dist/package/index.js")), size);
        assert_eq!(line, "  index.js             7.8 KB,    3.3 KB gzip,    3.0 KB brotli");
    }

    #[test]
    fn repetition_compresses() {
        let size = Size::of(&[7; 10_000], true).unwrap();
        assert_eq!(size.raw, 10_000);
        assert!(size.gzip < 100 && size.brotli.unwrap() < size.gzip, "{size:?}");
        let twice = size.plus(size);
        assert_eq!(twice.brotli.unwrap(), 2 * size.brotli.unwrap());
    }

    #[test]
    fn brotli_is_only_for_what_a_page_downloads() {
        let size = Size::of(b"uploaded", false).unwrap();
        assert_eq!(size.plus(size).brotli, None);
        assert_eq!(
            row(&WORKER, size),
            "Worker                 0.1 KB,    0.1 KB gzip; alarm at 1000.0 KB gzip"
        );
    }
}
