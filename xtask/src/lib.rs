//! The build of both WebAssembly modules and of what is shipped with them, and its checks.
//!
//! Two programs use it: `xtask`, which `make` calls, and `bindgen`, which stands in for the command line tool `wasm-bindgen`
//! when `worker-build` asks for it. Building that tool takes minutes; this one is locked to the same `Cargo.lock` as
//! the modules, so the two can never disagree.
#![expect(clippy::print_stdout, reason = "what a build tool says is its output")]

pub mod bindgen;
pub mod check;
pub mod demo;
pub mod deny;
pub mod files;
pub mod fuzz;
pub mod layout;
mod licences;
pub mod lock;
pub mod log;
pub mod machine_paths;
pub mod mutants;
pub mod node;
pub mod package;
pub mod release;
pub mod reproducible;
pub mod sbom;
pub mod scripts;
pub mod shares;
pub mod simulator;
pub mod step;
pub mod test;
pub mod tools;
pub mod wasm_opt;
pub mod worker;
