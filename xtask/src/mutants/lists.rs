//! What `cargo mutants` found: lists with one mutant a line, `src/seal/record.rs:90:5: replace open with …`.

use std::{collections::BTreeSet, fmt, fs, io, path::Path};

use anyhow::{Context as _, Result};

/// Which mutants the tests caught, and which they missed. Those that cannot be built are in neither.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Lists {
    pub(super) caught: BTreeSet<String>,
    pub(super) missed: BTreeSet<String>,
}

impl Lists {
    /// Reads what a run left in its folder.
    pub(super) fn read(folder: &Path) -> Result<Self> {
        // A test that hangs has noticed.
        let mut caught = lines(&folder.join("caught.txt"))?;
        caught.append(&mut lines(&folder.join("timeout.txt"))?);
        let missed = lines(&folder.join("missed.txt"))?;
        Ok(Self { caught, missed })
    }

    /// Adds what a run with more tests found.
    pub(super) fn add(&mut self, more: Self) {
        self.caught.extend(more.caught);
        self.missed.extend(more.missed);
        self.missed.retain(|mutant| !self.caught.contains(mutant));
    }

    /// How many of a file, or of the files in a folder.
    pub(super) fn score(&self, place: &str) -> Score {
        let of = |mutants: &BTreeSet<String>| {
            let files = mutants.iter().filter_map(|mutant| mutant.split(':').next());
            files.filter(|file| Path::new(file).starts_with(place)).count()
        };
        Score {
            caught: of(&self.caught),
            missed: of(&self.missed),
        }
    }
}

/// The lines of a list; none when there is no such list.
fn lines(path: &Path) -> Result<BTreeSet<String>> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(text.lines().map(str::to_owned).collect()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(BTreeSet::new()),
        Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
    }
}

/// How many mutants were caught and missed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Score {
    caught: usize,
    missed: usize,
}

impl Score {
    pub(super) fn sum(scores: impl Iterator<Item = Self>) -> Self {
        scores.fold(Self::default(), |sum, score| Self {
            caught: sum.caught.saturating_add(score.caught),
            missed: sum.missed.saturating_add(score.missed),
        })
    }

    /// Whether so many of a hundred were caught. Of none at all, none was: that is no success.
    pub(super) fn reaches(self, percent: usize) -> bool {
        self.caught > 0 && self.caught.saturating_mul(100) >= self.built().saturating_mul(percent)
    }

    fn built(self) -> usize {
        self.caught.saturating_add(self.missed)
    }
}

impl fmt::Display for Score {
    /// "133 of 135, 98 %", rounded down: 94.9 is not yet 95.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:>4} of {:>4}", self.caught, self.built())?;
        match self.caught.saturating_mul(100).checked_div(self.built()) {
            Some(percent) => write!(f, ", {percent:>3} %"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::{Lists, Score};

    fn lists(caught: &[&str], missed: &[&str]) -> Lists {
        let owned = |mutants: &[&str]| mutants.iter().map(|&mutant| mutant.to_owned()).collect();
        Lists {
            caught: owned(caught),
            missed: owned(missed),
        }
    }

    #[test]
    fn what_a_run_left_is_read() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("caught.txt"), "src/a.rs:1:1: a\nsrc/a.rs:2:1: b\n").unwrap();
        fs::write(folder.path().join("timeout.txt"), "src/a.rs:3:1: c\n").unwrap();
        fs::write(folder.path().join("missed.txt"), "src/a.rs:4:1: d\n").unwrap();
        fs::write(folder.path().join("unviable.txt"), "src/a.rs:5:1: e\n").unwrap();
        let expected = lists(
            &["src/a.rs:1:1: a", "src/a.rs:2:1: b", "src/a.rs:3:1: c"],
            &["src/a.rs:4:1: d"],
        );
        assert_eq!(Lists::read(folder.path()).unwrap(), expected);
        assert_eq!(Lists::read(&folder.path().join("none")).unwrap(), Lists::default());
    }

    #[test]
    fn more_tests_catch_more() {
        let mut found = lists(&["a"], &["b", "c"]);
        found.add(lists(&["b"], &["c"]));
        assert_eq!(found, lists(&["a", "b"], &["c"]));
    }

    #[test]
    fn a_score_is_of_a_file_or_of_a_folder() {
        let found = lists(
            &[
                "src/seal/record.rs:1:1: a",
                "src/seal/record.rs:2:1: b",
                "src/sealed.rs:1:1: c",
            ],
            &["src/seal/encoding.rs:1:1: d"],
        );
        assert_eq!(found.score("src/seal").to_string(), "   2 of    3,  66 %");
        assert_eq!(found.score("src/seal/record.rs").to_string(), "   2 of    2, 100 %");
        assert_eq!(found.score("src/edge").to_string(), "   0 of    0");
        let all = Score::sum(
            ["src/seal", "src/sealed.rs"]
                .map(|place| found.score(place))
                .into_iter(),
        );
        assert_eq!(all.to_string(), "   3 of    4,  75 %");
    }

    #[test]
    fn just_too_few_are_too_few() {
        let score = |caught, missed| Score { caught, missed };
        assert!(score(95, 5).reaches(95));
        assert!(!score(949, 51).reaches(95));
        assert!(!score(0, 0).reaches(95));
    }
}
