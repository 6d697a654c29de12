//! `xtask <command>`: one step of the build, or several.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command line tool")]

use std::process::ExitCode;

use xtask::{
    check, demo, deny, fuzz, layout::Layout, lock, mutants, node, package, release, reproducible, sbom, shares,
    simulator, step::Failed, test, tools, worker,
};

const USAGE: &str = "usage: cargo xtask <command>

  tools              install what the build needs: the wasm32 target, the npm tools, worker-build
  package            build the browser module and the npm package with the Worker in it: dist/package, dist/*.tgz
  worker             build the Worker: worker/build
  hello              build the hello world of the crate `worker`, for the bench
  demo-assets        assemble the demo page: dist/demo
  simulator          build the simulator
  simulator-package  build the npm package of the simulator: dist/simulator, dist/*.tgz
  check-lock         check the versions that have to agree in Cargo.lock
  check-build        check what was built: its sizes, no paths of this machine, nothing secret-bearing in the browser
  shares             build the browser module, and print what each part takes of it; each function is in the log
  check-reproducible build both modules again in another folder, and compare
  test               every check and test; the last line is the sum
  test lint          the checks of the sources alone
  test native        the tests that need neither a browser nor the Worker
  test package       the npm package as its users meet it
  test browser       the browser module in Chromium
  test edge          the Worker in workerd
  test features      the crate with each set of its features, natively and as WebAssembly
  test msrv          everything that is compiled, by the oldest Rust that `rust-version` promises
  test minimal-versions  the crate with the oldest versions of its dependencies that Cargo.toml allows
  test workflows     the workflows of .github, by zizmor
  test openapi       ask the Worker what schemathesis thinks of from the description of its HTTP API
  test consumers     build and open the package in Next, React Router, vue-router, webpack and SvelteKit, and deploy it; open the
                     documentation's site, which `make docs` has built
  test browsers      a whole connection in Firefox and in WebKit
  deny               the licences of the dependencies, where they come from, and what must not be among them
  advisories         what is known against the dependencies; asks GitHub
  sbom               list what is in what is released: dist/sbom
  release-check      whether this can be released; leaves what is to be published in dist/release
  release-notes      what CHANGELOG.md says of this version
  fuzz [TARGET…]     fuzz these targets, or all, for FUZZ_SECONDS (60) each
  fuzz keep          bring into fuzz/corpus/ the smallest finds that reach something new
  mutants [PLACE…]   break these files or folders, or those in MUTANTS, or all that are to be held: a test has to notice
  demo               run what `make demo` has built
  bench              run the bench on what `make bench` has built
  bench browser      set the npm package against Smartcar's own, in Chromium and in Node
  load               many connections at once for a minute, on what `make load` has built";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Of a step, everything was said where it failed.
            if !error.is::<Failed>() {
                eprintln!("error: {error:#}");
            }
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &[&str]) -> anyhow::Result<()> {
    if let [] | ["help" | "--help" | "-h"] = arguments {
        println!("{USAGE}");
        return Ok(());
    }
    let layout = Layout::find()?;
    match arguments {
        ["tools"] => tools::all(&layout),
        ["package"] => package::build(&layout),
        ["worker"] => worker::build(&layout),
        ["hello"] => worker::build_hello(&layout),
        ["demo-assets"] => demo::assemble(&layout),
        ["simulator"] => simulator::build(&layout),
        ["simulator-package"] => simulator::package(&layout),
        ["check-lock"] => lock::check(&layout),
        ["check-build"] => check::all(&layout),
        ["shares"] => shares::print(&layout),
        ["check-reproducible"] => reproducible::check(&layout),
        ["test"] => test::everything(&layout),
        ["test", "lint"] => test::lint(&layout),
        ["test", "native"] => test::native(&layout),
        ["test", "package"] => test::package(&layout),
        ["test", "browser"] => test::browser(&layout),
        ["test", "edge"] => test::edge(&layout),
        ["test", "features"] => test::features(&layout),
        ["test", "msrv"] => test::msrv(&layout),
        ["test", "minimal-versions"] => test::minimal_versions(&layout),
        ["test", "workflows"] => test::workflows(&layout),
        ["deny"] => deny::check(&layout),
        ["advisories"] => deny::advisories(&layout),
        ["sbom"] => sbom::write(&layout),
        ["release-check"] => release::check(&layout),
        ["release-notes"] => release::notes(&layout),
        ["test", "openapi"] => test::openapi(&layout),
        ["test", "consumers"] => test::consumers(&layout),
        ["test", "browsers"] => test::browsers(&layout),
        ["fuzz", "keep"] => fuzz::keep(&layout),
        ["fuzz", targets @ ..] => fuzz::run(&layout, targets),
        ["mutants", places @ ..] => mutants::run(&layout, places),
        ["demo"] => match node::demo(&layout)? {},
        ["bench"] => node::bench(&layout),
        ["bench", "browser"] => node::bench_browser(&layout),
        ["load"] => node::load(&layout),
        _ => anyhow::bail!("there is no command `{}`\n\n{USAGE}", arguments.join(" ")),
    }
}
