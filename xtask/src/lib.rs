//! The build of both WebAssembly modules and of what is shipped with them.
//!
//! Two programs use it: `xtask`, which `make` calls, and `bindgen`, which stands in for the command line tool `wasm-bindgen`
//! when `worker-build` asks for it. Building that tool takes minutes; this one is locked to the same `Cargo.lock` as
//! the modules, so the two can never disagree.
#![expect(
    clippy::print_stdout,
    reason = "what a build tool says is its output: results on standard output, noise on standard error"
)]

pub mod bindgen;
pub mod check;
pub mod demo;
pub mod files;
pub mod lock;
pub mod package;
pub mod process;

pub mod wasm_opt;
pub mod worker;
