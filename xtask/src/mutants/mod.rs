//! Mutation testing by `cargo mutants`: each line where an error could cost a car's owner something is broken once, and a
//! test has to notice.

mod lists;

use std::{fs, path::Path, process::Command, thread};

use anyhow::{Context as _, Result, bail, ensure};

use crate::{
    layout::Layout,
    step::{Failed, indented},
    tools,
};
use lists::{Lists, Score};

/// What is broken unless `MUTANTS` says otherwise: what a callback is recognised by, and everything that keeps, seals or
/// hands out a token.
const AREAS: [&str; 5] = [
    "src/connect/state.rs",
    "src/identity",
    "src/seal",
    "src/vault",
    "src/edge",
];

/// The crate's other tests that try what an area does, and not how the repository is kept. Those of the model are another package's:
/// `cargo mutants` first runs what is not broken, and only of the package that it breaks.
const TESTS: [&str; 2] = ["conformance", "storage"];

/// How many mutants of a hundred the tests have to catch.
const DEMAND: usize = 95;

/// How long the tests of one mutant may take before it counts as caught, in seconds. Whole minutes, so that a busy machine
/// is not taken for a loop without an end.
const TIMEOUT: &str = "300";

/// Breaks each line of these files and folders, or of those in `MUTANTS`, or of all areas, and prints how many of the
/// mutants the tests catch. `MUTANTS_SHARD`, such as `0/4`, takes a part of them that is spread over all: a sample.
///
/// First with the unit tests alone, which catch most; then, for what they missed, with the crate's other tests.
///
/// # Errors
/// When one is not inside an area, the tests fail on what is not broken, or fewer are caught than demanded; what there is to
/// say about that is printed.
pub fn run(layout: &Layout, named: &[&str]) -> Result<()> {
    let given = std::env::var("MUTANTS").unwrap_or_default();
    let given: Vec<&str> = given.split_whitespace().collect();
    let places = chosen(layout, if named.is_empty() { &given } else { named })?;
    let shard = std::env::var("MUTANTS_SHARD").ok().filter(|shard| !shard.is_empty());
    let out = layout.target.join("mutants");
    // What an earlier run caught may have been another code's.
    let lists = out.join("mutants.out");
    if lists.exists() {
        fs::remove_dir_all(&lists)?;
    }
    fs::create_dir_all(&out)?;

    println!("  With the unit tests:");
    attempt(&mut with_unit_tests(layout, &places, shard.as_deref(), &out)?)?;
    let mut found = Lists::read(&lists)?;
    if !found.missed.is_empty() {
        println!("\n  With the tests of storage and conformance, what those missed:");
        attempt(&mut with_other_tests(layout, &places, &found, &out)?)?;
        found.add(Lists::read(&lists)?);
    }
    if let Some(shard) = shard {
        println!("\n  This is a sample: part {shard} of all.");
    }
    report(&places, &found)
}

/// What is to be broken: files or folders of the areas.
fn chosen(layout: &Layout, named: &[&str]) -> Result<Vec<String>> {
    if named.is_empty() {
        return Ok(AREAS.map(str::to_owned).into());
    }
    let mut places = Vec::new();
    for name in named {
        let place = name.trim_end_matches('/');
        ensure!(
            AREAS.iter().any(|area| Path::new(place).starts_with(area)) && layout.root.join(place).exists(),
            "`{name}` is not among what `make mutants` breaks: give files or folders of {}",
            AREAS.join(", ")
        );
        places.push(place.to_owned());
    }
    Ok(places)
}

fn with_unit_tests(layout: &Layout, places: &[String], shard: Option<&str>, out: &Path) -> Result<Command> {
    let mut command = command(layout, places, out)?;
    if let Some(shard) = shard {
        command.args(["--sharding", "round-robin", "--shard", shard]);
    }
    // Of the build as well: otherwise each mutant is compiled into every integration test.
    command.args(["--test-package", "smartcar-connect", "--cargo-arg=--lib"]);
    Ok(command)
}

fn with_other_tests(layout: &Layout, places: &[String], found: &Lists, out: &Path) -> Result<Command> {
    let mut command = command(layout, places, out)?;
    // By their names: what `--iterate` leaves out is only known of a whole.
    for mutant in &found.missed {
        command.args(["--re", &exactly(mutant)]);
    }
    command.args(["--test-package", "smartcar-connect"]);
    command.args(TESTS.map(|test| ["--cargo-arg=--test=", test].concat()));
    Ok(command)
}

/// The regular expression of this text.
fn exactly(text: &str) -> String {
    let escaped = text.chars().flat_map(|one| {
        let is_special = r"\.+*?()|[]{}^$#&-~".contains(one);
        is_special.then_some('\\').into_iter().chain([one])
    });
    format!("^{}$", escaped.collect::<String>())
}

/// One mutant for each core: compiling one crate uses little more than one. Each has a copy of the sources, and what it compiled there
/// for one mutant serves for the next.
fn command(layout: &Layout, places: &[String], out: &Path) -> Result<Command> {
    let mut command = layout.command(tools::cargo_mutants(layout)?)?;
    command
        .args(["mutants", "--package", "smartcar-connect", "--all-features"])
        .args(["--timeout", TIMEOUT, "--build-timeout", TIMEOUT, "--output"])
        .arg(out)
        .args(["--jobs", &thread::available_parallelism()?.to_string()])
        // They would wait for each other there.
        .env_remove("CARGO_TARGET_DIR")
        .env("CARGO_PROFILE_DEV_DEBUG", "0")
        // Each mutant is tested by all of them. A mutant that so few cases do not catch has too dull a test.
        .env("PROPTEST_CASES", "16");
    for place in places {
        let folder = layout.root.join(place).is_dir();
        command.args(["--file", &if folder { format!("{place}/**") } else { place.clone() }]);
    }
    Ok(command)
}

/// Runs it to its end; what it prints is for people.
fn attempt(command: &mut Command) -> Result<()> {
    let status = command.status().context("cannot start `cargo mutants`")?;
    match status.code() {
        // All caught, some missed, some timed out.
        Some(0 | 2 | 3) => Ok(()),
        Some(4) => bail!("the tests fail although nothing is broken: see target/mutants/mutants.out/log/baseline.log"),
        _ => bail!("`cargo mutants` failed: {status}"),
    }
}

/// Prints how many were caught in each area and in all, and what was missed.
fn report(places: &[String], found: &Lists) -> Result<()> {
    println!("\n  Caught, of the mutants that can be built:");
    for place in places {
        println!("    {place:<28} {}", found.score(place));
    }
    let all = Score::sum(places.iter().map(|place| found.score(place)));
    println!("    {:<28} {all}", "all");
    if !found.missed.is_empty() {
        println!("\n  No test noticed:");
        print!("{}", indented(found.missed.iter().map(String::as_str)));
    }
    if all.reaches(DEMAND) {
        return Ok(());
    }
    println!("\n  fewer than {DEMAND} % were caught");
    Err(Failed.into())
}

#[cfg(test)]
mod tests {
    use super::exactly;

    #[test]
    fn a_mutant_is_named_exactly() {
        let named = "src/seal/record.rs:9:1: replace == with != in open -> Result<(), E>";
        let expected = r"^src/seal/record\.rs:9:1: replace == with != in open \-> Result<\(\), E>$";
        assert_eq!(exactly(named), expected);
    }
}
