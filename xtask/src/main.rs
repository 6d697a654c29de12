//! `xtask <command>`: one step of the build.
#![expect(clippy::print_stderr, reason = "errors of a command line tool")]

use std::process::ExitCode;

use xtask::{check, demo, lock, package, process::Layout, worker};

const USAGE: &str = "usage: xtask <command>

  package        build the browser module and the npm package: dist/package, dist/*.tgz
  worker         build the Worker: worker/build
  demo-assets    assemble the demo page: dist/demo
  check-lock     check the versions that have to agree in Cargo.lock
  check-build    check what was built: sizes within their budgets, nothing secret-bearing in the browser module";

fn main() -> ExitCode {
    let command = std::env::args().nth(1).unwrap_or_default();
    match run(&command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: &str) -> anyhow::Result<()> {
    let layout = Layout::find()?;
    match command {
        "package" => package::build(&layout),
        "worker" => worker::build(&layout),
        "demo-assets" => demo::assemble(&layout),
        "check-lock" => lock::check(&layout),
        "check-build" => check::all(&layout),
        _ => anyhow::bail!("{USAGE}"),
    }
}
