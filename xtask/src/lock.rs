//! Versions that have to agree in `Cargo.lock`.

use std::{fs, path::Path};

use anyhow::{Context, Result, bail, ensure};
use serde::Deserialize;

use crate::{bindgen, layout::Layout, step::report};

/// The part of `Cargo.lock` that is looked at.
#[derive(Debug, Deserialize)]
pub struct Lock {
    package: Vec<Package>,
}

#[derive(Debug, Deserialize)]
struct Package {
    name: String,
    version: String,
}

impl Lock {
    /// Reads the lock file.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn read(layout: &Layout) -> Result<Self> {
        Self::of(&layout.root)
    }

    /// Reads the lock file of the workspace in this folder.
    pub(crate) fn of(folder: &Path) -> Result<Self> {
        let file = folder.join("Cargo.lock");
        let read = || format!("cannot read {}", file.display());
        let text = fs::read_to_string(&file).with_context(read)?;
        toml::from_str(&text).with_context(read)
    }

    /// The version of a package that there is once.
    ///
    /// # Errors
    /// When there is none, or more than one version.
    pub fn version_of(&self, name: &str) -> Result<String> {
        match self.versions(name).as_slice() {
            [version] => Ok((*version).to_owned()),
            other => bail!(
                "Cargo.lock has `{name}` {} times, but one version is needed",
                other.len()
            ),
        }
    }

    fn versions(&self, name: &str) -> Vec<&str> {
        let named = self.package.iter().filter(|package| package.name == name);
        named.map(|package| package.version.as_str()).collect()
    }
}

/// Checks what would otherwise show as a broken or a much bigger module.
///
/// # Errors
/// When versions disagree; the crate, what was found and what to do are printed.
pub fn check(layout: &Layout) -> Result<()> {
    Ok(report(layout, "Check the lock file", |_| {
        problems(&Lock::read(layout)?)?;
        Ok(format!("wasm-bindgen {}", bindgen::VERSION))
    })?)
}

fn problems(lock: &Lock) -> Result<()> {
    for name in ["wasm-bindgen", "wasm-bindgen-cli-support", "wasm-bindgen-shared"] {
        let found = lock.versions(name);
        ensure!(
            found == [bindgen::VERSION],
            "`{name}` is locked to {found:?}, but the build needs {} everywhere: the module and its glue must come from \
             one version",
            bindgen::VERSION
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{Lock, Package, problems};

    fn lock(packages: &[(&str, &str)]) -> Lock {
        let package = |&(name, version): &(&str, &str)| Package {
            name: name.to_owned(),
            version: version.to_owned(),
        };
        Lock {
            package: packages.iter().map(package).collect(),
        }
    }

    const GOOD: &[(&str, &str)] = &[
        ("wasm-bindgen", "0.2.130"),
        ("wasm-bindgen-cli-support", "0.2.130"),
        ("wasm-bindgen-shared", "0.2.130"),
    ];

    #[test]
    fn names_and_versions_are_read() {
        let text = "version = 4\n\n[[package]]\nname = \"a\"\nversion = \"1.2.3\"\nsource = \"x\"\ndependencies = [\n \
                    \"b\",\n]\n\n[[package]]\nname = \"b\"\nversion = \"0.1.0\"\n\n[[package]]\nname = \"b\"\nversion = \
                    \"0.2.0\"\n";
        let lock: Lock = toml::from_str(text).unwrap();
        assert_eq!(lock.versions("a"), ["1.2.3"]);
        assert_eq!(lock.versions("b"), ["0.1.0", "0.2.0"]);
        assert_eq!(lock.version_of("a").unwrap(), "1.2.3");
        for name in ["b", "c"] {
            assert!(lock.version_of(name).unwrap_err().to_string().contains(name));
        }
    }

    #[test]
    fn each_disagreement_is_named() {
        problems(&lock(GOOD)).unwrap();
        for (name, version) in [("wasm-bindgen", "0.2.131"), ("wasm-bindgen-cli-support", "0.2.129")] {
            let mut packages = GOOD.to_vec();
            packages.retain(|(other, _)| *other != name);
            packages.push((name, version));
            let message = problems(&lock(&packages)).unwrap_err().to_string();
            assert!(message.contains(name) && message.contains(version), "{message}");
        }
    }
}
