//! The browser module and the npm package around it.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Result, ensure};
use base64::{Engine as _, engine::general_purpose::STANDARD};

use crate::{
    bindgen, files,
    layout::{Layout, present},
    licences,
    log::Log,
    machine_paths, scripts,
    step::step,
    tools::{self, WASM},
    wasm_opt,
};

/// The file names in the package: `connect.js`, `connect_bg.wasm`.
pub(crate) const STEM: &str = "connect";

/// The browser module, for Cargo.
pub(crate) const BROWSER: &[&str] = &["smartcar-connect", "--features", "browser"];

/// What stands in the template where the crate's version goes.
const PLACEHOLDER: &str = "\"version\": \"0.0.0\"";

/// How `wasm-opt` makes a module small. What becomes of the names of its functions is said beside it.
pub(crate) const SMALL: &[&str] = &["-Oz", "--strip-producers"];

/// What judges the settings of a deployment, for the package's commands: `doctor.js`, `doctor_bg.wasm`.
const DOCTOR: &str = "doctor";

/// Builds `dist/package`, with the Worker that [`crate::worker`] has built, and packs it to `dist/smartcar-connect-<version>.tgz`.
///
/// # Errors
/// When a step fails; the package that was there before then stays.
pub fn build(layout: &Layout) -> Result<()> {
    tools::wasm_target(layout)?;
    tools::npm(layout)?;
    Ok(step(layout, "Build the browser module and the package", |log| {
        package(layout, log)
    })?)
}

pub(crate) fn package(layout: &Layout, log: &Log) -> Result<()> {
    let staging = layout.dist().join("package.new");
    files::empty(&staging)?;
    let wasm = module(layout, log, BROWSER, STEM, &staging)?;
    // Only git reads it, and npm would leave out what it names.
    files::copy_tree_without(&layout.root.join("pkg-template"), &staging, &[".gitignore"])?;
    module(layout, log, &["smartcar-doctor"], DOCTOR, &staging.join("cli"))?;
    let worker = layout.root.join("worker");
    files::copy(&present(worker.join("entry.js"))?, &staging.join("worker/index.js"))?;
    let built = staging.join("worker/build");
    files::empty(&built)?;
    for file in ["index.js", "index_bg.wasm"] {
        files::copy(&present(worker.join("build").join(file))?, &built.join(file))?;
    }
    files::copy(&layout.root.join("src/browser/types.d.ts"), &staging.join("types.d.ts"))?;
    for file in ["CHANGELOG.md", "LICENSE-MIT", "LICENSE-APACHE"] {
        files::copy(&layout.root.join(file), &staging.join(file))?;
    }
    licences::write(
        layout,
        &["smartcar-connect", "smartcar-connect-worker", "smartcar-doctor"],
        &staging,
    )?;
    inline(&wasm, &staging.join(format!("{STEM}_bg.wasm.js")))?;
    scripts::shrink(layout, log, &staging)?;
    set_version(&one_version(layout)?, &staging.join("package.json"))?;
    files::replace(&staging, &layout.dist().join("package"))?;
    pack(layout, log, "smartcar-connect", "package")
}

/// Builds the library of a package, named first among the arguments for Cargo, to `<stem>.js` and `<stem>_bg.wasm`; returns the
/// path of the latter.
pub(crate) fn module(layout: &Layout, log: &Log, package: &[&str], stem: &str, out: &Path) -> Result<PathBuf> {
    let wasm = module_with_names(layout, log, package, stem, out)?;
    wasm_opt::run_on(layout, log, &wasm, &[SMALL, &["--strip-debug"]].concat())?;
    Ok(wasm)
}

/// As [`module`], but as big as rustc has made it, and with the names of its functions.
pub(crate) fn module_with_names(
    layout: &Layout,
    log: &Log,
    package: &[&str],
    stem: &str,
    out: &Path,
) -> Result<PathBuf> {
    // As `cdylib` alone: a crate type list with `rlib` in it silently turns link-time optimisation off.
    let arguments = "rustc --locked --lib --crate-type cdylib --release --package";
    let mut command = layout.cargo(arguments.split(' ').chain(package.iter().copied()))?;
    command.args(["--target", WASM]);
    machine_paths::leave_out(layout, &mut command)?;
    log.run(&mut command)?;
    let name = package.first().copied().unwrap_or_default().replace('-', "_");
    let compiled = layout
        .target
        .join(WASM)
        .join("release")
        .join(name)
        .with_extension("wasm");
    bindgen::web(&compiled, stem, out)?;
    Ok(out.join(format!("{stem}_bg.wasm")))
}

/// The version of the crate, which is the Worker's too: they travel together.
pub(crate) fn one_version(layout: &Layout) -> Result<String> {
    let version = layout.version_of("smartcar-connect")?;
    let worker = layout.version_of("smartcar-connect-worker")?;
    ensure!(
        version == worker,
        "the crate has version {version} and the Worker {worker}: give both the same"
    );
    Ok(version)
}

/// How a script makes bytes of its text: by the engine where that can, which takes a hundredth of the time.
const DECODE: &str = "() => {
  if (Uint8Array.fromBase64) return Uint8Array.fromBase64(text);
  const symbols = atob(text);
  const bytes = new Uint8Array(symbols.length);
  for (let at = 0; at < bytes.length; at += 1) bytes[at] = symbols.charCodeAt(at);
  return bytes;
}";

/// The module as a script: a function that returns its bytes, for where it cannot be fetched.
fn inline(wasm: &Path, out: &Path) -> Result<()> {
    let text = STANDARD.encode(fs::read(wasm)?);
    fs::write(out, format!("const text = \"{text}\";\nexport default {DECODE};\n"))?;
    Ok(())
}

/// One version, that of the crate, in every artefact.
pub(crate) fn set_version(version: &str, package: &Path) -> Result<()> {
    let text = fs::read_to_string(package)?;
    // As text: the order of the conditions in `exports` carries meaning and has to survive.
    ensure!(
        text.matches(PLACEHOLDER).count() == 1,
        "{} must hold {PLACEHOLDER} once",
        package.display()
    );
    fs::write(
        package,
        text.replace(PLACEHOLDER, &format!("\"version\": \"{version}\"")),
    )?;
    Ok(())
}

/// `npm pack` of a folder below `dist`, with the tarballs of older builds removed.
pub(crate) fn pack(layout: &Layout, log: &Log, name: &str, folder: &str) -> Result<()> {
    let is_older = |file: &str| {
        let version = file
            .strip_prefix(name)
            .and_then(|rest| rest.strip_prefix('-'))
            .and_then(|rest| rest.strip_suffix(".tgz"));
        version.is_some_and(|version| version.starts_with(|first: char| first.is_ascii_digit()))
    };
    for entry in fs::read_dir(layout.dist())? {
        let path = entry?.path();
        if path.file_name().and_then(|file| file.to_str()).is_some_and(is_older) {
            fs::remove_file(path)?;
        }
    }
    let mut command = layout.command("npm")?;
    log.run(
        command
            .args(["pack", "--ignore-scripts", "--pack-destination"])
            .arg(layout.dist())
            .arg(layout.dist().join(folder)),
    )
}
