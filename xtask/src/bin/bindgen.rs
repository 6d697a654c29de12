//! A stand-in for the `wasm-bindgen` command line tool, with the flags that `worker-build` passes.
#![expect(clippy::print_stderr, reason = "errors of a command line tool")]

use std::process::ExitCode;

fn main() -> ExitCode {
    match xtask::bindgen::cli(std::env::args_os().skip(1)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
