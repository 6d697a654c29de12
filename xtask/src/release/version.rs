//! One version for everything: the crate, the Worker, both npm packages, and what names them.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result, ensure};
use serde::Deserialize;

use crate::{files, layout::Layout, lock::Lock};

/// The npm packages.
const PACKAGES: [&str; 2] = ["smartcar-connect", "smartcar-connect-simulator"];

/// Where somebody else's files are, or what was built.
const NOT_OURS: [&str; 6] = [".git", "artifacts", "build", "dist", "node_modules", "target"];

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Manifest {
    #[serde(default)]
    dependencies: Ranges,
    #[serde(default)]
    dev_dependencies: Ranges,
    #[serde(default)]
    peer_dependencies: Ranges,
}

type Ranges = std::collections::BTreeMap<String, String>;

/// Everything that names another version than this, each with its file.
///
/// # Errors
/// When a file cannot be read.
pub(super) fn disagreements(layout: &Layout, version: &str) -> Result<Vec<String>> {
    let mut found = Vec::new();
    for package in layout.packages() {
        let other = package.version.to_string();
        if other != version {
            found.push(format!(
                "the Rust package `{}` is {other}: give it `version.workspace = true`",
                package.name
            ));
        }
    }
    for file in files::below(&layout.root, &NOT_OURS)? {
        let name = file.strip_prefix(&layout.root).unwrap_or(&file).display().to_string();
        let read = || fs::read_to_string(&file).with_context(|| format!("cannot read {name}"));
        let wrong = match file.file_name().and_then(|name| name.to_str()) {
            Some("package.json") => ranges(&read()?, version).with_context(|| format!("cannot read {name}"))?,
            // What was so then stays so.
            Some("CHANGELOG.md") => Vec::new(),
            Some(other) if has_ending(other, "md") => tarballs(&read()?, version),
            _ => Vec::new(),
        };
        found.extend(wrong.into_iter().map(|wrong| format!("{name} has {wrong}")));
    }
    // Of the other lock file, Cargo itself says so before anything else runs.
    let locked = Lock::of(&layout.root.join("fuzz"))?.version_of("smartcar-connect")?;
    if locked != version {
        found.push(format!(
            "fuzz/Cargo.lock has {locked}: `cargo update --workspace --manifest-path fuzz/Cargo.toml`"
        ));
    }
    let description = Path::new("docs/openapi.json");
    let text = fs::read_to_string(layout.root.join(description)).context("cannot read docs/openapi.json")?;
    if !text.contains(&format!("\"version\": \"{version}\"")) {
        found.push(
            "docs/openapi.json has another version: `UPDATE_OPENAPI=1 cargo test --all-features --test openapi`".into(),
        );
    }
    Ok(found)
}

/// Holds what was built to the version.
///
/// # Errors
/// When a package is missing or another one's.
pub(super) fn built(layout: &Layout, version: &str) -> Result<Vec<PathBuf>> {
    let tarballs = PACKAGES.map(|name| layout.dist().join(format!("{name}-{version}.tgz")));
    for tarball in &tarballs {
        ensure!(
            tarball.exists(),
            "{} is missing: run `make package`",
            layout.for_people(tarball)
        );
    }
    Ok(tarballs.into())
}

fn has_ending(name: &str, ending: &str) -> bool {
    Path::new(name).extension().is_some_and(|found| found == ending)
}

/// Ranges for our packages that do not begin at this version. What is taken from a folder or a file has none.
fn ranges(text: &str, version: &str) -> Result<Vec<String>> {
    let manifest: Manifest = serde_json::from_str(text)?;
    let wanted = [format!("^{version}"), version.to_owned()];
    let named = [
        manifest.dependencies,
        manifest.dev_dependencies,
        manifest.peer_dependencies,
    ];
    Ok(named
        .into_iter()
        .flatten()
        .filter(|(name, range)| {
            PACKAGES.contains(&name.as_str()) && !range.starts_with("file:") && !wanted.contains(range)
        })
        .map(|(name, range)| format!("`{name}`: `{range}`, and not `^{version}`"))
        .collect())
}

/// Names of tarballs of another version.
fn tarballs(text: &str, version: &str) -> Vec<String> {
    let is_of_a_name = |symbol: char| symbol.is_ascii_alphanumeric() || "-.".contains(symbol);
    let ours = |word: &&str| {
        let rest = word.strip_suffix(".tgz")?.strip_prefix("smartcar-connect-")?;
        let of = rest.strip_prefix("simulator-").unwrap_or(rest);
        (of.starts_with(|first: char| first.is_ascii_digit()) && of != version).then(|| format!("`{word}`"))
    };
    text.split(|symbol| !is_of_a_name(symbol))
        .filter_map(|word| ours(&word))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{disagreements, ranges, tarballs};
    use crate::layout::Layout;

    #[test]
    fn everything_here_has_one_version() {
        let layout = Layout::find().unwrap();
        let version = layout.version_of("smartcar-connect").unwrap();
        assert_eq!(disagreements(&layout, &version).unwrap(), Vec::<String>::new());
    }

    #[test]
    fn the_next_version_is_missed_wherever_it_is_not_yet() {
        let layout = Layout::find().unwrap();
        let found = disagreements(&layout, "99.0.0").unwrap().join("\n");
        for place in [
            "`smartcar-connect-worker` is ",
            "pkg-template/template/package.json has ",
            "README.md has ",
            "tests/simulator/npm/README.md has ",
            "docs/openapi.json has ",
            "fuzz/Cargo.lock has ",
        ] {
            assert!(found.contains(place), "{place}: {found}");
        }
    }

    #[test]
    fn ranges_begin_at_the_version() {
        let package =
            |range: &str| format!(r#"{{"devDependencies": {{"smartcar-connect": "{range}", "vite": "^8.0.0"}}}}"#);
        for good in ["^1.2.3", "1.2.3", "file:../.."] {
            assert_eq!(ranges(&package(good), "1.2.3").unwrap(), Vec::<String>::new());
        }
        for bad in ["^1.2.2", "*", "latest"] {
            let found = ranges(&package(bad), "1.2.3").unwrap();
            assert_eq!(found, [format!("`smartcar-connect`: `{bad}`, and not `^1.2.3`")]);
        }
    }

    #[test]
    fn tarballs_are_of_the_version() {
        let text =
            "`npm install dist/smartcar-connect-1.2.2.tgz`, (smartcar-connect-simulator-1.2.3.tgz) other-0.1.0.tgz";
        assert_eq!(tarballs(text, "1.2.3"), ["`smartcar-connect-1.2.2.tgz`"]);
        assert_eq!(tarballs(text, "1.2.2"), ["`smartcar-connect-simulator-1.2.3.tgz`"]);
    }
}
