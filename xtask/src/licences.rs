//! The licences of the crates that are compiled into an npm package: most ask for their text to travel along.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use anyhow::{Context as _, Result, bail};
use cargo_metadata::{DependencyKind, Metadata, MetadataCommand, Package, PackageId, TargetKind};

use crate::{layout::Layout, tools::WASM};

/// The name of the file in a package.
const FILE: &str = "THIRD-PARTY-LICENSES";

/// What the file that holds a licence or a notice begins with, in capital letters.
const NAMES: [&str; 5] = ["LICENSE", "LICENCE", "COPYING", "COPYRIGHT", "NOTICE"];

const RULE: &str = "--------------------------------------------------------------------------------";

/// Writes `THIRD-PARTY-LICENSES` into a package that these members of the workspace are compiled into.
pub(crate) fn write(layout: &Layout, members: &[&str], out: &Path) -> Result<()> {
    let mut command = MetadataCommand::new();
    command.manifest_path(layout.root.join("Cargo.toml"));
    let options = ["--locked", "--filter-platform", WASM].map(str::to_owned);
    let metadata = command.other_options(options).exec()?;
    let apache = fs::read_to_string(layout.root.join("LICENSE-APACHE"))?;
    // Each text once, with the crates that have it.
    let mut texts: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for package in compiled(&metadata, members)? {
        let named = format!(
            "{} ({})",
            package.name,
            package.license.as_deref().unwrap_or("no expression")
        );
        for text in texts_of(package, &apache)? {
            texts.entry(text).or_default().insert(named.clone());
        }
    }
    let standard = "Rust's standard library (MIT OR Apache-2.0)".to_owned();
    texts.entry(apache.trim().to_owned()).or_default().insert(standard);
    fs::write(out.join(FILE), listed(texts))?;
    Ok(())
}

/// The crates of others that are compiled into these members: not those that run at their build alone.
fn compiled<'a>(metadata: &'a Metadata, members: &[&str]) -> Result<Vec<&'a Package>> {
    let resolve = metadata.resolve.as_ref().context("`cargo metadata` resolves nothing")?;
    let mut left: Vec<&PackageId> = Vec::new();
    for member in members {
        let is_it = |package: &&&Package| package.name.as_str() == *member;
        let packages = metadata.workspace_packages();
        let package = packages.iter().find(is_it);
        left.push(&package.with_context(|| format!("there is no member `{member}`"))?.id);
    }
    let mut found: BTreeMap<&PackageId, &Package> = BTreeMap::new();
    while let Some(id) = left.pop() {
        let package = &metadata[id];
        let is_macro = package
            .targets
            .iter()
            .any(|target| target.kind.contains(&TargetKind::ProcMacro));
        if is_macro || found.insert(id, package).is_some() {
            continue;
        }
        for node in resolve.nodes.iter().filter(|node| node.id == *id) {
            let normal = node.deps.iter().filter(|dependency| {
                let mut kinds = dependency.dep_kinds.iter();
                kinds.any(|info| info.kind == DependencyKind::Normal)
            });
            left.extend(normal.map(|dependency| &dependency.pkg));
        }
    }
    Ok(found.into_values().filter(|package| package.source.is_some()).collect())
}

/// What stands in a crate's own files; of one that has none, the Apache License if that is among its licences.
fn texts_of(package: &Package, apache: &str) -> Result<BTreeSet<String>> {
    let folder = package.manifest_path.parent().context("a manifest is in a folder")?;
    let mut texts = BTreeSet::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().to_uppercase();
        if path.is_file() && NAMES.iter().any(|begin| name.starts_with(begin)) {
            texts.insert(fs::read_to_string(&path)?.trim().to_owned());
        }
    }
    let licence = package.license.as_deref().unwrap_or_default();
    if texts.is_empty() && licence.contains("Apache-2.0") {
        texts.insert(apache.trim().to_owned());
    }
    if texts.is_empty() {
        bail!(
            "the crate `{}` has no file with its licence, `{licence}`, which has to travel along",
            package.name
        );
    }
    Ok(texts)
}

fn listed(texts: BTreeMap<String, BTreeSet<String>>) -> String {
    let mut listed: Vec<(String, String)> = texts
        .into_iter()
        .map(|(text, crates)| (crates.into_iter().collect::<Vec<_>>().join("\n"), text))
        .collect();
    listed.sort();
    let mut out = "The compiled code in this package holds code of the following, under these licences.\n".to_owned();
    for (crates, text) in listed {
        out.extend(["\n", RULE, "\n", &crates, "\n", RULE, "\n\n", &text, "\n"]);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(members: &[&str]) -> String {
        let folder = tempfile::tempdir().unwrap();
        write(&Layout::find().unwrap(), members, folder.path()).unwrap();
        fs::read_to_string(folder.path().join(FILE)).unwrap()
    }

    #[test]
    fn what_is_compiled_in_is_there_with_its_copyright_and_what_runs_at_the_build_is_not() {
        let text = written(&["smartcar-connect", "smartcar-connect-worker"]);
        for there in [
            "\nsubtle (BSD-3-Clause)\n",
            "Copyright (c) 2016-2017 Isis Agora Lovecruft",
            "\naes-gcm (",
            "\nworker (",
            "\nRust's standard library (",
        ] {
            assert!(text.contains(there), "{there}");
        }
        for absent in [
            "\nsyn (",
            "\nserde_derive (",
            "\nproptest (",
            "\nsmartcar-connect",
            "\nanyhow (",
        ] {
            assert!(!text.contains(absent), "{absent}");
        }
        assert_eq!(
            text,
            written(&["smartcar-connect-worker", "smartcar-connect"]),
            "in whatever order"
        );
    }

    #[test]
    fn a_text_is_there_once() {
        let listed = listed(BTreeMap::from([
            ("MIT".to_owned(), BTreeSet::from(["b".to_owned(), "c".to_owned()])),
            ("Apache".to_owned(), BTreeSet::from(["a".to_owned()])),
        ]));
        let of_a = listed.find("\na\n").unwrap();
        assert!(listed.find("\nb\nc\n").unwrap() > of_a, "{listed}");
        assert_eq!(listed.matches("MIT").count(), 1);
    }
}
