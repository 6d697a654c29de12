//! A stand-in for Smartcar's Connect, token endpoint and vehicle API, for tests and demos.

use std::process::ExitCode;

fn main() -> ExitCode {
    smartcar_simulator::program::main()
}
