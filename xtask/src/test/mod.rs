//! Everything that `make test` checks once both modules are built.

mod counts;
mod features;
mod minimal_versions;
mod msrv;
mod tally;

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, Result, ensure};

use crate::{
    check,
    layout::Layout,
    log::Log,
    step::{Failed, report, step},
    tools::{self, WASM},
};
pub use features::features;
pub use minimal_versions::minimal_versions;
pub use msrv::msrv;
use tally::Tally;

/// Every check and test. A failing one does not stop the others; the last line is the sum.
///
/// # Errors
/// [`Failed`] when something failed; all there is to say about it is printed.
pub fn everything(layout: &Layout) -> Result<()> {
    let mut run = Run::new(layout);
    run.need(|| tools::npm(layout));
    run.check(|| check::all(layout));
    lints(&mut run)?;
    in_rust(&mut run)?;
    of_workflows(&mut run)?;
    of_package(&mut run)?;
    in_browser(&mut run)?;
    in_workerd(&mut run)?;
    run.end()
}

/// The tests that need neither a browser nor the Worker.
///
/// # Errors
/// [`Failed`] when one failed; all there is to say about it is printed.
pub fn native(layout: &Layout) -> Result<()> {
    part(layout, |run| {
        in_rust(run)?;
        of_workflows(run)
    })
}

/// The npm package as its users meet it, and the code in the documentation, which uses it.
///
/// # Errors
/// [`Failed`] when a test failed; all there is to say about it is printed.
pub fn package(layout: &Layout) -> Result<()> {
    part(layout, |run| {
        run.check(|| check::all(layout));
        of_package(run)
    })
}

/// The browser module in Chromium.
///
/// # Errors
/// [`Failed`] when a test failed; all there is to say about it is printed.
pub fn browser(layout: &Layout) -> Result<()> {
    part(layout, in_browser)
}

/// The Worker in workerd.
///
/// # Errors
/// [`Failed`] when a test failed; all there is to say about it is printed.
pub fn edge(layout: &Layout) -> Result<()> {
    part(layout, in_workerd)
}

fn part(layout: &Layout, tests: impl FnOnce(&mut Run<'_>) -> Result<()>) -> Result<()> {
    let mut run = Run::new(layout);
    run.need(|| tools::npm(layout));
    tests(&mut run)?;
    run.end()
}

fn of_workflows(run: &mut Run<'_>) -> Result<()> {
    run.node("The workflows", "tests/workflows/*.test.mjs")
}

fn of_package(run: &mut Run<'_>) -> Result<()> {
    run.node("The package", "tests/package/*.test.mjs")?;
    run.node("The code in the documentation", "tests/docs/*.test.mjs")
}

fn in_browser(run: &mut Run<'_>) -> Result<()> {
    run.node("The browser module in Chromium", "tests/browser/*.test.mjs")
}

fn in_workerd(run: &mut Run<'_>) -> Result<()> {
    let layout = run.layout;
    let mut command = layout.command("node")?;
    command.arg(format!("--test-concurrency={}", at_once()));
    run.node_with("The Worker in workerd", &mut command, "tests/edge/**/*.test.mjs")?;
    let mut command = layout.command("wrangler")?;
    command
        .args(["deploy", "--dry-run", "--outdir"])
        .arg(layout.logs().join("deploy"));
    run.command("wrangler deploy --dry-run", &mut command);
    Ok(())
}

/// The workflows of `.github`, judged by zizmor, which comes from PyPI.
///
/// # Errors
/// [`Failed`] when it has something to say; that is printed.
pub fn workflows(layout: &Layout) -> Result<()> {
    let mut run = Run::new(layout);
    match tools::zizmor(layout) {
        Ok(program) => {
            let mut command = layout.command(program)?;
            command.args([
                "--offline",
                "--no-progress",
                "--persona",
                "pedantic",
                "--strict-collection",
                ".github",
            ]);
            run.command("The workflows, by zizmor", &mut command);
        }
        Err(error) => run.need(|| Err(error)),
    }
    run.end()
}

/// The package in projects with the frameworks that people use, and in a deployment: their packages come from the npm registry. And the
/// documentation as a site, whose tools do.
///
/// # Errors
/// [`Failed`] when one failed; all there is to say about it is printed.
pub fn consumers(layout: &Layout) -> Result<()> {
    let mut run = Run::new(layout);
    run.need(|| tools::npm(layout));
    run.node(
        "The package with what npm installs",
        "tests/package/consumers/*.test.mjs",
    )?;
    run.node("The documentation as a site", "tests/docs/site/*.test.mjs")?;
    run.end()
}

/// What schemathesis, which comes from PyPI, thinks of from the description of the HTTP API, asked of the Worker.
///
/// # Errors
/// [`Failed`] when something failed; all there is to say about it is printed.
pub fn openapi(layout: &Layout) -> Result<()> {
    let mut run = Run::new(layout);
    run.need(|| tools::npm(layout));
    match tools::schemathesis(layout) {
        Ok(program) => {
            let mut command = layout.command("node")?;
            run.node_with(
                "The HTTP API against its description",
                command.env("SCHEMATHESIS", program),
                "tests/openapi/*.test.mjs",
            )?;
        }
        Err(error) => run.need(|| Err(error)),
    }
    run.end()
}

/// A whole connection in the browsers that are not Chromium.
///
/// # Errors
/// [`Failed`] when one failed; all there is to say about it is printed.
pub fn browsers(layout: &Layout) -> Result<()> {
    let mut run = Run::new(layout);
    run.need(|| tools::npm(layout));
    run.node("A connection in Firefox and WebKit", "tests/browsers/*.test.mjs")?;
    run.end()
}

/// The checks of the sources alone.
///
/// # Errors
/// [`Failed`] when one failed; all there is to say about it is printed.
pub fn lint(layout: &Layout) -> Result<()> {
    let mut run = Run::new(layout);
    lints(&mut run)?;
    run.end()
}

fn lints(run: &mut Run<'_>) -> Result<()> {
    let layout = run.layout;
    run.need(|| tools::wasm_target(layout));
    run.cargo("rustfmt", "fmt --all --check")?;
    let native = "clippy --locked --workspace --all-targets --all-features -- -D warnings";
    run.cargo("clippy, natively", native)?;
    let browser =
        format!("clippy --locked --package smartcar-connect --lib --features browser --target {WASM} -- -D warnings");
    run.cargo("clippy, browser module", &browser)?;
    let doctor = format!("clippy --locked --package smartcar-doctor --lib --target {WASM} -- -D warnings");
    run.cargo("clippy, doctor in the npm package", &doctor)?;
    let simulator = format!("clippy --locked --package smartcar-simulator --lib --target {WASM} -- -D warnings");
    run.cargo("clippy, simulator in its npm package", &simulator)?;
    let worker = format!("clippy --locked --package smartcar-connect-worker --target {WASM} -- -D warnings");
    run.cargo("clippy, Worker", &worker)
}

/// How many files of the Worker's tests run at once. They wait for timers and for each other's processes most of the time; Node's own
/// choice leaves a core to nobody.
fn at_once() -> usize {
    std::thread::available_parallelism().map_or(2, |cores| cores.get().max(2))
}

/// By nextest, which cannot run the examples in the documentation, or by Cargo alone.
fn in_rust(run: &mut Run<'_>) -> Result<()> {
    let scope = "--locked --workspace --all-features --no-fail-fast";
    let layout = run.layout;
    let nextest = layout.cargo(["nextest", "--version"])?.output();
    if !nextest.is_ok_and(|output| output.status.success()) {
        let mut command = layout.cargo(format!("test {scope}").split(' '))?;
        run.suite("Rust tests", &mut command, |log| counts::libtest(&log.text()?));
        return Ok(());
    }
    let mut command = layout.cargo(format!("nextest run {scope} --profile default").split(' '))?;
    let config = format!("xtask:{}", layout.root.join("xtask/nextest.toml").display());
    command.args(["--tool-config-file", &config]);
    let junit = fresh(layout.target.join("nextest/default/junit.xml"))?;
    run.suite("Rust tests", &mut command, |_| counts::junit(&read(&junit)?));

    let mut command = layout.cargo(format!("test {scope} --doc").split(' '))?;
    run.suite("Rust examples in the documentation", &mut command, |log| {
        counts::libtest(&log.text()?)
    });
    Ok(())
}

/// Prints what went wrong, unless a step has said it.
fn went_well(outcome: &Result<()>) -> bool {
    if let Err(error) = outcome
        && !error.is::<Failed>()
    {
        println!("  ✗ {error:#}");
    }
    outcome.is_ok()
}

/// A report that is yet to be written: an older one must not be taken for it.
fn fresh(report: PathBuf) -> Result<PathBuf> {
    if report.exists() {
        fs::remove_file(&report).with_context(|| format!("cannot remove {}", report.display()))?;
    }
    Ok(report)
}

fn read(report: &Path) -> Result<String> {
    fs::read_to_string(report).with_context(|| format!("cannot read {}", report.display()))
}

/// The checks and tests of one run, and how many passed.
#[derive(Debug)]
pub(crate) struct Run<'a> {
    layout: &'a Layout,
    sum: Tally,
}

impl<'a> Run<'a> {
    pub(crate) fn new(layout: &'a Layout) -> Self {
        Self {
            layout,
            sum: Tally::default(),
        }
    }

    pub(crate) const fn layout(&self) -> &'a Layout {
        self.layout
    }

    /// Counts as one test.
    pub(crate) fn check(&mut self, check: impl FnOnce() -> Result<()>) {
        self.sum.add(Tally::of_one(went_well(&check())));
    }

    /// What the checks need, and which is one itself only when it is not to be had.
    pub(crate) fn need(&mut self, tool: impl FnOnce() -> Result<()>) {
        if !went_well(&tool()) {
            self.sum.add(Tally::of_one(false));
        }
    }

    pub(crate) fn command(&mut self, title: &str, command: &mut Command) {
        let layout = self.layout;
        self.check(|| Ok(step(layout, title, |log| log.run(command))?));
    }

    pub(crate) fn cargo(&mut self, title: &str, arguments: &str) -> Result<()> {
        let mut command = self.layout.cargo(arguments.split(' '))?;
        self.command(title, &mut command);
        Ok(())
    }

    /// A test runner, which counts by itself.
    fn suite(&mut self, title: &str, command: &mut Command, count: impl FnOnce(&Log) -> Result<Tally>) {
        let mut tally = Tally::default();
        let outcome = report(self.layout, title, |log| {
            let ended = log.run(command);
            let counted = count(log);
            tally = counted.as_ref().copied().unwrap_or_default().judged(ended.is_ok());
            ended?;
            ensure!(counted?.ran() > 0, "no test ran");
            Ok(tally.to_string())
        });
        if outcome.is_err() {
            println!("      {tally}");
        }
        self.sum.add(tally);
    }

    fn node(&mut self, title: &str, files: &str) -> Result<()> {
        let mut command = self.layout.command("node")?;
        self.node_with(title, &mut command, files)
    }

    /// By a Node that was told something.
    fn node_with(&mut self, title: &str, command: &mut Command, files: &str) -> Result<()> {
        let name = title
            .to_ascii_lowercase()
            .replace(|letter: char| !letter.is_ascii_alphanumeric(), "-");
        let counted = fresh(self.layout.logs().join(format!("counts-{name}.json")))?;
        command
            .args(["--test", "--test-reporter=spec", "--test-reporter-destination=stdout"])
            .arg("--test-reporter=./xtask/counts.mjs")
            .arg(format!("--test-reporter-destination={}", counted.display()))
            .arg(files);
        self.suite(title, command, |_| counts::node(&read(&counted)?));
        Ok(())
    }

    pub(crate) fn end(self) -> Result<()> {
        println!("\n{}", self.sum);
        if self.sum.failed > 0 {
            return Err(Failed.into());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use anyhow::bail;

    use super::{Run, Tally};
    use crate::{layout::Layout, step::Failed};

    /// What a runner that ends like this and counts like that adds to the sum.
    fn sum_after(title: &str, program: &str, counted: Result<Tally, &'static str>) -> Tally {
        let layout = Layout::find().unwrap();
        let mut run = Run::new(&layout);
        run.suite(title, &mut Command::new(program), |_| {
            counted.map_err(anyhow::Error::msg)
        });
        run.sum
    }

    const fn tally(passed: u64, failed: u64) -> Tally {
        Tally { passed, failed }
    }

    #[test]
    fn a_runner_is_believed_unless_it_ends_badly_or_runs_nothing() {
        assert_eq!(sum_after("Test: well", "true", Ok(tally(3, 0))), tally(3, 0));
        assert_eq!(sum_after("Test: two failed", "false", Ok(tally(3, 2))), tally(3, 2));
        assert_eq!(sum_after("Test: bad end", "false", Ok(tally(3, 0))), tally(3, 1));
        assert_eq!(sum_after("Test: nothing ran", "true", Ok(tally(0, 0))), tally(0, 1));
        assert_eq!(sum_after("Test: no report", "true", Err("no report")), tally(0, 1));
        assert_eq!(sum_after("Test: no program", "/nowhere", Err("no report")), tally(0, 1));
    }

    #[test]
    fn a_failure_does_not_stop_what_follows_but_fails_the_run() {
        let layout = Layout::find().unwrap();
        let mut run = Run::new(&layout);
        run.command("Test: a check that fails", &mut Command::new("false"));
        run.command("Test: a check after it", &mut Command::new("true"));
        assert_eq!(run.sum, tally(1, 1));
        assert!(run.end().unwrap_err().is::<Failed>());

        let mut run = Run::new(&layout);
        run.command("Test: a check alone", &mut Command::new("true"));
        run.need(|| Ok(()));
        assert_eq!(run.sum, tally(1, 0));
        run.end().unwrap();
    }

    #[test]
    fn what_is_not_to_be_had_fails_the_run() {
        let layout = Layout::find().unwrap();
        let mut run = Run::new(&layout);
        run.need(|| bail!("Test: there is no such tool"));
        assert_eq!(run.sum, tally(0, 1));
    }
}
