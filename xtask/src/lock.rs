//! Versions that have to agree in `Cargo.lock`.

use std::fs;

use anyhow::{Context, Result, bail, ensure};

use crate::{bindgen, process::Layout};

/// Checks what would otherwise show as a broken or a much bigger module.
///
/// # Errors
/// Names the crate, what was found and what to do.
pub fn check(layout: &Layout) -> Result<()> {
    let lock = fs::read_to_string(layout.root.join("Cargo.lock")).context("cannot read Cargo.lock")?;
    problems(&packages(&lock))?;
    println!("wasm-bindgen {}, idna_adapter 1.0.0", bindgen::VERSION);
    Ok(())
}

/// Name and version of every package in the lock file.
fn packages(lock: &str) -> Vec<(&str, &str)> {
    let field = |block: &'_ str, key: &str| -> Option<std::ops::Range<usize>> {
        let start = block
            .find(&format!("\n{key} = \""))?
            .checked_add(key.len())?
            .checked_add(5)?;
        let end = block.get(start..)?.find('"')?.checked_add(start)?;
        Some(start..end)
    };
    let mut found = Vec::new();
    for block in lock.split("[[package]]").skip(1) {
        if let (Some(name), Some(version)) = (field(block, "name"), field(block, "version"))
            && let (Some(name), Some(version)) = (block.get(name), block.get(version))
        {
            found.push((name, version));
        }
    }
    found
}

fn problems(packages: &[(&str, &str)]) -> Result<()> {
    let versions = |name: &str| -> Vec<&str> {
        packages
            .iter()
            .filter(|(found, _)| *found == name)
            .map(|(_, version)| *version)
            .collect()
    };
    for name in ["wasm-bindgen", "wasm-bindgen-cli-support", "wasm-bindgen-shared"] {
        let found = versions(name);
        ensure!(
            found == [bindgen::VERSION],
            "`{name}` is locked to {found:?}, but the build needs {} everywhere: the module and its glue must come from \
             one version",
            bindgen::VERSION
        );
    }
    let idna = versions("idna_adapter");
    ensure!(
        idna == ["1.0.0"],
        "`idna_adapter` is locked to {idna:?}: newer ones carry Unicode tables of 45 KB gzip; run \
         `cargo update -p idna_adapter --precise 1.0.0`"
    );
    if let Some(version) = versions("getrandom").iter().find(|version| version.starts_with("0.2.")) {
        bail!(
            "`getrandom` {version} is in the tree and does not build for the browser: `cargo tree -i getrandom@{version}`"
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{packages, problems};

    const GOOD: &[(&str, &str)] = &[
        ("wasm-bindgen", "0.2.130"),
        ("wasm-bindgen-cli-support", "0.2.130"),
        ("wasm-bindgen-shared", "0.2.130"),
        ("idna_adapter", "1.0.0"),
        ("getrandom", "0.4.3"),
    ];

    #[test]
    fn names_and_versions_are_read() {
        let lock = "version = 4\n\n[[package]]\nname = \"a\"\nversion = \"1.2.3\"\nsource = \"x\"\n\n[[package]]\nname = \"b\"\n\
                    version = \"0.1.0\"\n";
        assert_eq!(packages(lock), [("a", "1.2.3"), ("b", "0.1.0")]);
    }

    #[test]
    fn each_disagreement_is_named() {
        problems(GOOD).unwrap();
        for (name, version) in [
            ("wasm-bindgen", "0.2.131"),
            ("wasm-bindgen-cli-support", "0.2.129"),
            ("idna_adapter", "1.2.1"),
            ("getrandom", "0.2.16"),
        ] {
            let mut packages = GOOD.to_vec();
            packages.retain(|(other, _)| *other != name);
            packages.push((name, version));
            let message = problems(&packages).unwrap_err().to_string();
            assert!(message.contains(name) && message.contains(version), "{message}");
        }
    }
}
