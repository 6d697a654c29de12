//! The browser module and the npm package around it.

use std::{fs, path::Path};

use anyhow::{Result, ensure};
use base64::{Engine as _, engine::general_purpose::STANDARD};

use crate::{
    bindgen, files,
    layout::Layout,
    log::Log,
    machine_paths, scripts,
    step::step,
    tools::{self, WASM},
    wasm_opt,
};

/// The file names in the package: `connect.js`, `connect_bg.wasm`.
const STEM: &str = "connect";

/// What stands in the template where the crate's version goes.
const PLACEHOLDER: &str = "\"version\": \"0.0.0\"";

/// Builds `dist/package` and packs it to `dist/smartcar-connect-<version>.tgz`.
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
    compile(layout, log)?;
    let module = layout.target.join(WASM).join("release/smartcar_connect.wasm");
    bindgen::web(&module, STEM, &staging)?;
    let wasm = staging.join(format!("{STEM}_bg.wasm"));
    wasm_opt::run_on(layout, log, &wasm, &["-Oz", "--strip-debug", "--strip-producers"])?;
    files::copy_tree(&layout.root.join("pkg-template"), &staging)?;
    files::copy(&layout.root.join("src/browser/types.d.ts"), &staging.join("types.d.ts"))?;
    for file in ["CHANGELOG.md", "LICENSE-MIT", "LICENSE-APACHE"] {
        files::copy(&layout.root.join(file), &staging.join(file))?;
    }
    inline(&wasm, &staging.join(format!("{STEM}_bg.wasm.js")))?;
    scripts::shrink(layout, log, &staging)?;
    set_version(&layout.version_of("smartcar-connect")?, &staging.join("package.json"))?;
    files::replace(&staging, &layout.dist().join("package"))?;
    pack(layout, log)
}

/// As `cdylib` alone: a crate type list with `rlib` in it silently turns link-time optimisation off.
fn compile(layout: &Layout, log: &Log) -> Result<()> {
    let arguments = "rustc --locked --package smartcar-connect --lib --crate-type cdylib --features browser --release";
    let mut command = layout.cargo(arguments.split(' '))?;
    command.args(["--target", WASM]);
    machine_paths::leave_out(layout, &mut command)?;
    log.run(&mut command)
}

/// The module as a script: a function that returns its bytes, for where it cannot be fetched.
fn inline(wasm: &Path, out: &Path) -> Result<()> {
    let text = STANDARD.encode(fs::read(wasm)?);
    let bytes = format!("Uint8Array.from(atob(\"{text}\"), (symbol) => symbol.charCodeAt(0))");
    fs::write(out, format!("export default () => {bytes};\n"))?;
    Ok(())
}

/// One version, that of the crate, in every artefact.
fn set_version(version: &str, package: &Path) -> Result<()> {
    let text = fs::read_to_string(package)?;
    // As text: the order of the conditions in `exports` carries meaning and has to survive.
    ensure!(
        text.matches(PLACEHOLDER).count() == 1,
        "pkg-template/package.json must hold {PLACEHOLDER} once"
    );
    fs::write(
        package,
        text.replace(PLACEHOLDER, &format!("\"version\": \"{version}\"")),
    )?;
    Ok(())
}

/// `npm pack`, with the tarballs of older builds removed.
fn pack(layout: &Layout, log: &Log) -> Result<()> {
    for entry in fs::read_dir(layout.dist())? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "tgz") {
            fs::remove_file(path)?;
        }
    }
    let mut command = layout.command("npm")?;
    log.run(
        command
            .args(["pack", "--ignore-scripts", "--pack-destination"])
            .arg(layout.dist())
            .arg(layout.dist().join("package")),
    )
}
