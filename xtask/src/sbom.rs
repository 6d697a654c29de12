//! What is in what is released, as CycloneDX: `dist/sbom/*.cdx.json`.
//!
//! The npm packages have no dependencies of npm's. What they do have are the crates that were compiled into their modules, so
//! their bills list both.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
    process::Command,
};

use anyhow::{Context as _, Result, ensure};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};

use crate::{
    files,
    layout::Layout,
    log::Log,
    reproducible,
    step::report,
    tools::{self, WASM},
};

/// One thing that is compiled: by itself in its workspace, because Cargo tells the features of all packages together.
struct Compiled {
    /// The members of the workspace beside the crate.
    members: &'static str,
    manifest: &'static str,
    arguments: &'static [&'static str],
}

const CRATE: Compiled = Compiled {
    members: "",
    manifest: "Cargo.toml",
    arguments: &["--all-features", "--target", "all"],
};
const BROWSER: Compiled = Compiled {
    members: "",
    manifest: "Cargo.toml",
    arguments: &["--features", "browser", "--target", WASM],
};
const WORKER: Compiled = Compiled {
    members: "\"worker\"",
    manifest: "worker/Cargo.toml",
    arguments: &["--target", WASM],
};
const DOCTOR: Compiled = Compiled {
    members: "\"doctor\"",
    manifest: "doctor/Cargo.toml",
    arguments: &["--target", WASM],
};
const SIMULATOR: Compiled = Compiled {
    members: "\"tests/simulator\"",
    manifest: "tests/simulator/Cargo.toml",
    arguments: &["--target", WASM],
};

/// The parts of a bill that are looked at; everything else stays as it is.
#[derive(Debug, Deserialize, Serialize)]
struct Bill {
    metadata: Metadata,
    #[serde(default)]
    components: Vec<Component>,
    #[serde(default)]
    dependencies: Vec<Dependency>,
    #[serde(flatten)]
    rest: Map<String, Value>,
}

#[derive(Debug, Deserialize, Serialize)]
struct Metadata {
    timestamp: String,
    component: Component,
    #[serde(flatten)]
    rest: Map<String, Value>,
}

#[derive(Clone, Debug, Deserialize, Serialize)]
struct Component {
    #[serde(rename = "bom-ref")]
    reference: String,
    name: String,
    #[serde(flatten)]
    rest: Map<String, Value>,
}

#[derive(Debug, Deserialize, Serialize)]
struct Dependency {
    #[serde(rename = "ref")]
    reference: String,
    #[serde(rename = "dependsOn", default)]
    on: BTreeSet<String>,
}

/// Writes the bills of the crate, the Worker and both npm packages.
///
/// # Errors
/// When a tool is missing or fails; why is printed.
pub fn write(layout: &Layout) -> Result<()> {
    tools::cargo_cyclonedx(layout)?;
    Ok(report(layout, "List what is in it (CycloneDX)", |log| {
        let source = Source::copy(layout, log)?;
        let worker = source.bill(&WORKER)?;
        let browser = source.bill(&BROWSER)?;
        ensure!(
            browser.components.iter().all(|component| component.name != "aes-gcm"),
            "the bill of the browser module lists `aes-gcm`, which only feature `edge` brings"
        );
        let package = [browser, source.bill(&WORKER)?, source.bill(&DOCTOR)?];
        let package = source.npm("package", "smartcar-connect", package)?;
        let simulator = source.npm("simulator", "smartcar-connect-simulator", [source.bill(&SIMULATOR)?])?;
        let folder = layout.dist().join("sbom");
        files::empty(&folder)?;
        let mut said = Vec::new();
        for (name, mut bill) in [
            ("smartcar-connect.crate", source.bill(&CRATE)?),
            ("smartcar-connect.npm", package),
            ("smartcar-connect-simulator.npm", simulator),
            ("smartcar-connect-worker", worker),
        ] {
            let number = source.serial_number(name);
            bill.rest.insert("serialNumber".to_owned(), number.into());
            identified(&bill).with_context(|| format!("the bill of {name}"))?;
            let text = serde_json::to_string_pretty(&bill)?;
            ensure!(
                !text.contains(&*layout.root.to_string_lossy()),
                "the bill of {name} holds paths of this machine"
            );
            fs::write(folder.join(format!("{name}.cdx.json")), text + "\n")?;
            said.push(format!(
                "{:<42}{:>4} components",
                format!("{name}.cdx.json"),
                bill.components.len()
            ));
        }
        Ok(said.join("\n"))
    })?)
}

/// A copy of the sources, whose workspace can be changed.
struct Source<'a> {
    layout: &'a Layout,
    log: &'a Log,
    copy: Layout,
    manifest: String,
    /// The commit, and its second, so that the same commit has the same bills.
    commit: String,
    since: String,
    version: String,
}

impl<'a> Source<'a> {
    fn copy(layout: &'a Layout, log: &'a Log) -> Result<Self> {
        let copy = reproducible::copy(layout, "sbom/of-this")?;
        let manifest = fs::read_to_string(layout.root.join("Cargo.toml"))?;
        let output = layout.command("git")?.args(["log", "-1", "--format=%H %ct"]).output()?;
        let commit = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        let (commit, since) = commit
            .split_once(' ')
            .context("cannot read the commit: `git log` failed")?;
        Ok(Self {
            layout,
            log,
            copy,
            manifest,
            commit: commit.to_owned(),
            since: since.to_owned(),
            version: layout.version_of("smartcar-connect")?,
        })
    }

    /// The number of a bill: neither npm's nor cargo-cyclonedx's is the same a second time.
    fn serial_number(&self, name: &str) -> String {
        serial_number(&[name, &self.version, &self.commit])
    }

    /// The bill of what is compiled.
    fn bill(&self, compiled: &Compiled) -> Result<Bill> {
        let manifest = with_members(&self.manifest, compiled.members)?;
        fs::write(self.copy.root.join("Cargo.toml"), manifest)?;
        let mut command = Command::new(tools::cargo_cyclonedx(self.layout)?);
        command
            .args([
                "cyclonedx",
                "--quiet",
                "--format",
                "json",
                "--spec-version",
                "1.5",
                "--no-build-deps",
            ])
            .args(["--override-filename", "bill", "--manifest-path"])
            .arg(self.copy.root.join(compiled.manifest))
            .args(compiled.arguments)
            .env("SOURCE_DATE_EPOCH", &self.since);
        self.log.run(&mut command)?;
        let written = self.copy.root.join(compiled.manifest).with_file_name("bill.json");
        let text = fs::read_to_string(&written).with_context(|| format!("cannot read {}", written.display()))?;
        read(&text, &self.copy.root)
    }

    /// The bill of a package in `dist/`, with that of the modules in it.
    fn npm(&self, folder: &str, name: &str, modules: impl IntoIterator<Item = Bill>) -> Result<Bill> {
        let mut command = self.layout.command("npm")?;
        let output = command
            .args(["sbom", "--sbom-format", "cyclonedx"])
            .current_dir(self.layout.dist().join(folder))
            .output()
            .context("cannot start `npm`")?;
        self.log.line(&String::from_utf8_lossy(&output.stderr))?;
        ensure!(output.status.success(), "`npm sbom` failed: {}", output.status);
        let mut bill: Bill = serde_json::from_slice(&output.stdout).context("cannot read the answer of `npm sbom`")?;
        // npm takes the folder's.
        name.clone_into(&mut bill.metadata.component.name);
        Ok(with_modules(bill, modules))
    }
}

fn with_members(manifest: &str, members: &str) -> Result<String> {
    let is_list = |line: &&str| line.starts_with("members = [") && line.ends_with(']');
    ensure!(
        manifest.lines().filter(is_list).count() == 1,
        "Cargo.toml must list the members of the workspace in one line"
    );
    let lines = manifest.lines().map(|line| {
        if is_list(&line) {
            format!("members = [{members}]\n")
        } else {
            format!("{line}\n")
        }
    });
    Ok(lines.collect())
}

/// A UUID of version 8, made of what the bill is of.
fn serial_number(of: &[&str]) -> String {
    let mut bytes = [0; 16];
    let digest = Sha256::digest(of.join("\n"));
    bytes.iter_mut().zip(digest).for_each(|(byte, of)| *byte = of);
    uuid::Builder::from_custom_bytes(bytes).into_uuid().urn().to_string()
}

/// Whether it has what `actions/attest` knows CycloneDX by: without, the release fails where it is attested.
fn identified(bill: &Bill) -> Result<()> {
    for field in ["bomFormat", "specVersion", "serialNumber"] {
        let value = bill.rest.get(field).and_then(Value::as_str).unwrap_or_default();
        ensure!(
            !value.is_empty(),
            "has no `{field}`, without which it can't be attested"
        );
    }
    Ok(())
}

/// A bill without the paths of this machine.
fn read(text: &str, root: &Path) -> Result<Bill> {
    let text = text.replace(&format!("file://{}", root.display()), "file://.");
    serde_json::from_str(&text).context("cannot read the bill of cargo-cyclonedx")
}

/// Adds what was compiled into the package.
fn with_modules(mut bill: Bill, modules: impl IntoIterator<Item = Bill>) -> Bill {
    let mut components: BTreeMap<String, Component> = BTreeMap::new();
    let mut dependencies: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for dependency in std::mem::take(&mut bill.dependencies) {
        dependencies
            .entry(dependency.reference)
            .or_default()
            .extend(dependency.on);
    }
    let package = dependencies
        .entry(bill.metadata.component.reference.clone())
        .or_default();
    let modules: Vec<Bill> = modules.into_iter().collect();
    package.extend(modules.iter().map(|module| module.metadata.component.reference.clone()));
    if let Some(module) = modules.first() {
        bill.metadata.timestamp.clone_from(&module.metadata.timestamp);
    }
    for module in modules {
        let mut itself = module.metadata.component;
        // Cargo's targets: here it is one module of WebAssembly.
        itself.rest.remove("components");
        for component in module.components.into_iter().chain([itself]) {
            components.entry(component.reference.clone()).or_insert(component);
        }
        for dependency in module.dependencies {
            dependencies
                .entry(dependency.reference)
                .or_default()
                .extend(dependency.on);
        }
    }
    bill.components.extend(components.into_values());
    bill.dependencies = dependencies
        .into_iter()
        .map(|(reference, on)| Dependency { reference, on })
        .collect();
    bill
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use serde_json::json;

    use super::{identified, read, serial_number, with_members, with_modules};

    fn bill(of: &str, components: &[&str]) -> super::Bill {
        let component = |name: &str| json!({"bom-ref": format!("path+file:///home/me/{name}"), "name": name});
        let text = json!({
            "bomFormat": "CycloneDX",
            "specVersion": "1.5",
            "serialNumber": "urn:uuid:1",
            "metadata": {"timestamp": format!("time of {of}"), "component": component(of)},
            "components": components.iter().map(|name| component(name)).collect::<Vec<_>>(),
            "dependencies": [{
                "ref": format!("path+file:///home/me/{of}"),
                "dependsOn": components.iter().map(|name| format!("path+file:///home/me/{name}")).collect::<Vec<_>>(),
            }],
        });
        read(&text.to_string(), Path::new("/home/me")).unwrap()
    }

    #[test]
    fn a_package_has_its_modules_and_what_is_in_them_once() {
        let bill = with_modules(
            bill("package", &[]),
            [bill("page", &["sha2"]), bill("worker", &["aes", "sha2", "page"])],
        );
        let names: Vec<&str> = bill
            .components
            .iter()
            .map(|component| component.name.as_str())
            .collect();
        assert_eq!(names, ["aes", "page", "sha2", "worker"]);
        let on = |name: &str| {
            let reference = format!("path+file://./{name}");
            let mut found = bill
                .dependencies
                .iter()
                .filter(|dependency| dependency.reference == reference);
            let on = &found.next().unwrap().on;
            assert!(found.next().is_none());
            on.iter()
                .map(|on| on.trim_start_matches("path+file://./"))
                .collect::<Vec<_>>()
        };
        assert_eq!(on("package"), ["page", "worker"]);
        assert_eq!(on("page"), ["sha2"]);
        assert_eq!(on("worker"), ["aes", "page", "sha2"]);
        assert_eq!(bill.metadata.timestamp, "time of page");
        let text = serde_json::to_string(&bill).unwrap();
        assert!(
            text.contains("\"bomFormat\":\"CycloneDX\"") && !text.contains("/home/me"),
            "{text}"
        );
    }

    #[test]
    fn a_bill_without_what_it_is_known_by_is_not_written() {
        identified(&bill("worker", &[])).unwrap();
        for field in ["bomFormat", "specVersion", "serialNumber"] {
            let mut bill = bill("worker", &[]);
            bill.rest.remove(field);
            assert!(identified(&bill).unwrap_err().to_string().contains(field));
        }
    }

    #[test]
    fn the_number_of_a_bill_is_that_of_its_name_version_and_commit() {
        let number = serial_number(&["worker", "0.1.0", "c0ffee"]);
        let groups: Vec<usize> = number
            .trim_start_matches("urn:uuid:")
            .split('-')
            .map(str::len)
            .collect();
        assert!(
            number.starts_with("urn:uuid:") && groups == [8, 4, 4, 4, 12],
            "{number}"
        );
        // Version 8 of the variant of RFC 9562.
        assert!(number.chars().nth(23) == Some('8'), "{number}");
        assert!(
            number.chars().nth(28).is_some_and(|digit| "89ab".contains(digit)),
            "{number}"
        );
        assert_eq!(number, serial_number(&["worker", "0.1.0", "c0ffee"]));
        for other in [
            ["crate", "0.1.0", "c0ffee"],
            ["worker", "0.1.1", "c0ffee"],
            ["worker", "0.1.0", "c0ffe"],
        ] {
            assert_ne!(number, serial_number(&other));
        }
    }

    #[test]
    fn a_workspace_is_left_with_the_members_that_are_wanted() {
        let manifest = "[workspace]\nmembers = [\"a\", \"b\"]\n\n[profile.dev]\n";
        assert_eq!(
            with_members(manifest, "\"b\"").unwrap(),
            "[workspace]\nmembers = [\"b\"]\n\n[profile.dev]\n"
        );
        assert!(with_members("[workspace]\nmembers = [\n\"a\"]\n", "").is_err());
        assert!(with_members("[package]\n", "").is_err());
    }
}
