//! `xtask <command>`: one step of the build.
#![expect(clippy::print_stderr, reason = "errors of a command line tool")]

use std::{path::Path, process::ExitCode};

use xtask::{check, demo, lock, package, process::Layout, worker};

const USAGE: &str = "usage: xtask <command>

  package        build the browser module and the npm package: dist/package, dist/*.tgz
  worker TOOL    build the Worker with this `worker-build`: worker/build
  demo-assets    assemble the demo page: dist/demo
  check-lock     check the versions that have to agree in Cargo.lock
  check-build    check what was built: its sizes, nothing secret-bearing in the browser module";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &[&str]) -> anyhow::Result<()> {
    let layout = Layout::find()?;
    match arguments {
        ["package"] => package::build(&layout),
        ["worker", tool] => worker::build(&layout, Path::new(tool)),
        ["demo-assets"] => demo::assemble(&layout),
        ["check-lock"] => lock::check(&layout),
        ["check-build"] => check::all(&layout),
        _ => anyhow::bail!("{USAGE}"),
    }
}
