//! JavaScript glue for a compiled module, by the library behind the `wasm-bindgen` tool.

use std::{ffi::OsString, path::Path, path::PathBuf};

use anyhow::{Context, Result, bail};
use wasm_bindgen_cli_support::Bindgen;

/// The version of `wasm-bindgen-cli-support` in `Cargo.toml`; [`crate::lock::check`] compares it with `Cargo.lock`.
pub const VERSION: &str = "0.2.130";

/// Writes the glue of the browser module, `<stem>.js` and `<stem>_bg.wasm`, to `out`. Its types are written by hand: those that
/// would be generated need the DOM library, for what only the package itself calls.
///
/// The glue holds no address of the module: every entry of the package passes its own, so that a bundler meets
/// `new URL("….wasm", import.meta.url)` in one file only and copies the module once.
///
/// # Errors
/// When the module cannot be read or was compiled against another version of `wasm-bindgen`.
pub fn web(module: &Path, stem: &str, out: &Path) -> Result<()> {
    let mut bindgen = Bindgen::new();
    bindgen
        .input_path(module)
        .out_name(stem)
        .typescript(false)
        .omit_default_module_path(true)
        .web(true)?;
    bindgen
        .generate(out)
        .with_context(|| format!("`wasm-bindgen` failed on {}", module.display()))
}

/// Does what the command line tool does with these arguments.
///
/// # Errors
/// For an argument that `worker-build` does not pass today: ignoring it would change what is built without a word.
pub fn cli(arguments: impl Iterator<Item = OsString>) -> Result<()> {
    let mut bindgen = Bindgen::new();
    bindgen.typescript(true);
    let mut input = None;
    let mut out_dir = None;
    let mut arguments = arguments.map(|argument| argument.into_string().map_err(PathBuf::from));
    while let Some(argument) = arguments.next() {
        let argument = match argument {
            Ok(argument) => argument,
            Err(path) => {
                input = Some(path);
                continue;
            }
        };
        let mut value = || match arguments.next() {
            Some(Ok(value)) => Ok(value),
            Some(Err(path)) => bail!("`{argument}` cannot take {}", path.display()),
            None => bail!("`{argument}` needs a value"),
        };
        match argument.as_str() {
            "--version" | "-V" => {
                println!("wasm-bindgen {VERSION}");
                return Ok(());
            }
            "--out-dir" => out_dir = Some(PathBuf::from(value()?)),
            "--out-name" => {
                bindgen.out_name(&value()?);
            }
            "--target" => {
                let target = value()?;
                match target.as_str() {
                    "module" => bindgen.module(true)?,
                    "web" => bindgen.web(true)?,
                    "bundler" => bindgen.bundler(true)?,
                    _ => bail!("unknown `--target` {target}"),
                };
            }
            "--typescript" => {
                bindgen.typescript(true);
            }
            "--no-typescript" => {
                bindgen.typescript(false);
            }
            "--debug" => {
                bindgen.debug(true);
            }
            "--no-demangle" => {
                bindgen.demangle(false);
            }
            "--keep-debug" => {
                bindgen.keep_debug(true);
            }
            "--omit-default-module-path" => {
                bindgen.omit_default_module_path(true);
            }
            "--split-linked-modules" => {
                bindgen.split_linked_modules(true);
            }
            "--experimental-reset-state-function" => {
                bindgen.reset_state_function(true);
            }
            "--force-enable-abort-handler" => {
                bindgen.force_enable_abort_handler(true);
            }
            flag if flag.starts_with('-') => bail!("unknown option `{flag}`"),
            path => input = Some(PathBuf::from(path)),
        }
    }
    let (Some(input), Some(out_dir)) = (input, out_dir) else {
        bail!("usage: wasm-bindgen <module.wasm> --out-dir <directory> [options]");
    };
    bindgen
        .input_path(&input)
        .generate(&out_dir)
        .with_context(|| format!("failed on {}", input.display()))
}
