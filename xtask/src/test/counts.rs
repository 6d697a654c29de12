//! What the test runners counted.

use anyhow::{Context as _, Result};
use quick_junit::Report;
use serde::Deserialize;

use super::tally::Tally;

/// From the `JUnit` report of nextest.
pub(super) fn junit(report: &str) -> Result<Tally> {
    let report = Report::deserialize_from_str(report).context("cannot read the report of nextest")?;
    let (tests, failed) = (report.tests, report.failures.saturating_add(report.errors));
    Ok(Tally {
        passed: u64::try_from(tests.saturating_sub(failed))?,
        failed: u64::try_from(failed)?,
    })
}

/// From what `cargo test` prints, one line a program: "test result: ok. 9 passed; 1 failed; …". Nothing else that it can
/// write is stable.
pub(super) fn libtest(printed: &str) -> Result<Tally> {
    let mut sum = Tally::default();
    for result in printed.lines().filter_map(|line| line.strip_prefix("test result: ")) {
        let of = |what: &str| -> Result<u64> {
            let count = result
                .split([';', '.'])
                .find_map(|part| part.trim().strip_suffix(what)?.trim_end().parse().ok());
            count.with_context(|| format!("cargo test does not say how many {what}: {result}"))
        };
        sum.add(Tally {
            passed: of("passed")?,
            failed: of("failed")?,
        });
    }
    Ok(sum)
}

/// From what `xtask/counts.mjs` writes for Node.
pub(super) fn node(counts: &str) -> Result<Tally> {
    #[derive(Deserialize)]
    struct Counts {
        passed: u64,
        failed: u64,
        cancelled: u64,
    }
    let counts: Counts = serde_json::from_str(counts).context("cannot read the report of node")?;
    Ok(Tally {
        passed: counts.passed,
        failed: counts.failed.saturating_add(counts.cancelled),
    })
}

#[cfg(test)]
mod tests {
    use super::{Tally, junit, libtest, node};

    const fn tally(passed: u64, failed: u64) -> Tally {
        Tally { passed, failed }
    }

    #[test]
    fn nextest_is_understood() {
        let report = r#"<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="nextest-run" tests="3" skipped="0" failures="1" errors="1" uuid="712fa506-7741-4170-aa1d-ed5738f7836a" timestamp="2026-11-28T14:34:48.344+00:00" time="0.171">
    <testsuite name="crate" tests="3" skipped="0" errors="1" failures="1">
        <testcase name="a" classname="crate" timestamp="2026-11-28T14:34:48.345+00:00" time="0.011"/>
        <testcase name="b" classname="crate" time="0.168">
            <failure message="panicked &apos;b&apos;" type="test failure with exit code 101">at src/lib.rs:2:16</failure>
        </testcase>
        <testcase name="c" classname="crate" time="0.1"><error type="execution failure"/></testcase>
    </testsuite>
</testsuites>"#;
        assert_eq!(junit(report).unwrap(), tally(1, 2));
        junit("").unwrap_err();
    }

    #[test]
    fn cargo_test_is_understood() {
        let printed = "\
running 2 tests
test a ... ok
test result: ok. 10 passed; 0 failed; 1 ignored; 0 measured; 2 filtered out; finished in 0.15s

running 1 test
test result: FAILED. 0 passed; 12 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.15s
error: 1 target failed
";
        assert_eq!(libtest(printed).unwrap(), tally(10, 12));
        assert_eq!(libtest("error: could not compile").unwrap(), tally(0, 0));
        libtest("test result: ok. everything is fine").unwrap_err();
    }

    #[test]
    fn node_is_understood() {
        let counts = r#"{"tests":6,"failed":1,"passed":3,"cancelled":2,"skipped":0,"todo":0,"topLevel":3,"suites":1}"#;
        assert_eq!(node(counts).unwrap(), tally(3, 3));
        node("").unwrap_err();
    }
}
