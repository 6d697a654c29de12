//! Fuzzing, by `cargo fuzz` and libFuzzer.

mod keep;
mod statistics;

use std::{fs, path::PathBuf, process::Command};

use anyhow::{Context as _, Result, ensure};
use serde::Deserialize;

use crate::{
    layout::Layout,
    log::Log,
    step::{self, Failed, step},
    tools,
};
use statistics::Statistics;

pub use keep::keep;

/// The longest input that is tried, in bytes.
const MAX_LEN: usize = 4_096;

/// How long each target is fuzzed unless `FUZZ_SECONDS` says otherwise.
const SECONDS: u64 = 60;

/// Fuzzes these targets, or all of them when none is named.
///
/// # Errors
/// When one does not exist, cannot be built, or finds an input that fails; all there is to say about that is printed.
pub fn run(layout: &Layout, named: &[&str]) -> Result<()> {
    let fuzz = Fuzz::find(layout)?;
    let targets = fuzz.chosen(named)?;
    let seconds = match std::env::var("FUZZ_SECONDS") {
        Ok(given) => given
            .parse()
            .with_context(|| format!("`FUZZ_SECONDS` is `{given}`: give a number of seconds, such as 600"))?,
        Err(_) => SECONDS,
    };
    fuzz.build()?;
    let mut failed: usize = 0;
    for target in &targets {
        if !fuzz.run(target, seconds)? {
            failed = failed.saturating_add(1);
        }
    }
    println!("\n{} targets, {failed} failed", targets.len());
    if failed > 0 {
        return Err(Failed.into());
    }
    Ok(())
}

/// `cargo fuzz`, and the targets there are.
#[derive(Debug)]
struct Fuzz<'a> {
    layout: &'a Layout,
    targets: Vec<String>,
}

impl<'a> Fuzz<'a> {
    fn find(layout: &'a Layout) -> Result<Self> {
        #[derive(Deserialize)]
        struct Manifest {
            bin: Vec<Bin>,
        }
        #[derive(Deserialize)]
        struct Bin {
            name: String,
        }
        let text = fs::read_to_string(layout.root.join("fuzz/Cargo.toml")).context("cannot read fuzz/Cargo.toml")?;
        let manifest: Manifest = toml::from_str(&text).context("cannot read fuzz/Cargo.toml")?;
        Ok(Self {
            layout,
            targets: manifest.bin.into_iter().map(|bin| bin.name).collect(),
        })
    }

    fn chosen(&self, named: &[&str]) -> Result<Vec<String>> {
        for name in named {
            ensure!(
                self.targets.iter().any(|target| target == name),
                "there is no fuzz target `{name}`: there are {}",
                self.targets.join(", ")
            );
        }
        if named.is_empty() {
            return Ok(self.targets.clone());
        }
        Ok(named.iter().map(|&name| name.to_owned()).collect())
    }

    fn build(&self) -> Result<()> {
        tools::cargo_fuzz(self.layout)?;
        let mut command = self.command("build")?;
        Ok(step(self.layout, "Build the fuzz targets", |log| {
            log.run(&mut command)
        })?)
    }

    /// There is no unsafe code to sanitize, and without a sanitizer the stable toolchain serves.
    fn command(&self, subcommand: &str) -> Result<Command> {
        let mut command = self.layout.command(tools::cargo_fuzz(self.layout)?)?;
        command
            .args(["fuzz", subcommand, "-O", "--sanitizer", "none"])
            // Its own, so that neither build throws the other's away.
            .env("CARGO_TARGET_DIR", self.layout.target.join("fuzz"));
        Ok(command)
    }

    /// Everything that longer and longer runs found; what is worth keeping of it is in the repository.
    fn finds(&self, target: &str) -> Result<PathBuf> {
        let folder = self.layout.target.join("fuzz-corpus").join(target);
        fs::create_dir_all(&folder)?;
        Ok(folder)
    }

    /// Fuzzes one target and prints how it went; returns whether no input failed.
    fn run(&self, target: &str, seconds: u64) -> Result<bool> {
        step::under_way(&format!("{target:<16} {seconds} s"));
        let log = Log::begin(&self.layout.logs(), &format!("fuzz-{target}"))?;
        let mut command = self.command("run")?;
        command
            .arg(target)
            .arg(self.finds(target)?)
            .arg(format!("fuzz/corpus/{target}"))
            .args(["--", "-timeout=10", "-print_final_stats=1"])
            .args([format!("-max_total_time={seconds}"), format!("-max_len={MAX_LEN}")])
            .arg(format!("-dict=fuzz/dictionaries/{target}.dict"));
        let ended = log.run(&mut command);
        let printed = log.text()?;
        if ended.is_ok() {
            step::done(&format!("✓ {target:<16} {}", Statistics::read(&printed)));
            return Ok(true);
        }
        step::done(&format!("✗ {target:<16} failed"));
        let why = statistics::complaints(&printed);
        let all = format!("(all of it: {})", self.layout.for_people(log.path()));
        print!("{}", step::indented(why.into_iter().chain([all.as_str()])));
        Ok(false)
    }
}
