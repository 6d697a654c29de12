//! How many tests passed and failed.

use std::fmt;

/// A number of tests that passed, and of those that failed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    pub(super) passed: u64,
    pub(super) failed: u64,
}

impl Tally {
    /// One test.
    pub(super) fn of_one(passed: bool) -> Self {
        Self {
            passed: u64::from(passed),
            failed: u64::from(!passed),
        }
    }

    pub(super) const fn add(&mut self, other: Self) {
        self.passed = self.passed.saturating_add(other.passed);
        self.failed = self.failed.saturating_add(other.failed);
    }

    pub(super) const fn ran(self) -> u64 {
        self.passed.saturating_add(self.failed)
    }

    /// What a runner counted, with a failure more when it ended badly without a failed test, or when it ran none.
    pub(super) const fn judged(self, ended_well: bool) -> Self {
        if self.failed > 0 || (ended_well && self.passed > 0) {
            return self;
        }
        Self { failed: 1, ..self }
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} passed, {} failed", self.passed, self.failed)
    }
}

#[cfg(test)]
mod tests {
    use super::Tally;

    const fn tally(passed: u64, failed: u64) -> Tally {
        Tally { passed, failed }
    }

    #[test]
    fn a_runner_that_ended_well_is_believed() {
        assert_eq!(tally(9, 0).judged(true), tally(9, 0));
    }

    #[test]
    fn a_failed_test_is_counted_once() {
        assert_eq!(tally(9, 2).judged(false), tally(9, 2));
        assert_eq!(tally(9, 2).judged(true), tally(9, 2));
    }

    #[test]
    fn a_bad_end_without_a_failed_test_counts_as_one() {
        assert_eq!(tally(9, 0).judged(false), tally(9, 1));
        assert_eq!(tally(0, 0).judged(false), tally(0, 1));
    }

    #[test]
    fn no_test_counts_as_a_failure() {
        assert_eq!(tally(0, 0).judged(true), tally(0, 1));
    }

    #[test]
    fn sums_are_read_by_people() {
        let mut sum = tally(1, 0);
        sum.add(tally(9, 2));
        sum.add(Tally::of_one(true));
        sum.add(Tally::of_one(false));
        assert_eq!(sum.to_string(), "11 passed, 3 failed");
        assert_eq!(sum.ran(), 14);
    }
}
