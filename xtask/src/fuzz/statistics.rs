//! What libFuzzer prints about a run. It has no other form than text for people.

use std::fmt;

/// How many of the lines around a failure are shown.
const SHOWN: usize = 20;

/// What there is to say of a run that found nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Statistics {
    inputs: u64,
    edges: u64,
    kept: u64,
}

impl Statistics {
    /// From "#4194304 pulse cov: 811 ft: 3203 corp: 640/58Kb lim: 4096 …", of which the last counts, and from
    /// "stat::number_of_executed_units: 5000000" at the end.
    pub(super) fn read(printed: &str) -> Self {
        let mut found = Self::default();
        for line in printed.lines() {
            let mut words = line.split_whitespace();
            while let Some(word) = words.next() {
                let place = match word {
                    "stat::number_of_executed_units:" => &mut found.inputs,
                    "cov:" => &mut found.edges,
                    "corp:" => &mut found.kept,
                    _ => continue,
                };
                let number = words.next().and_then(|word| word.split('/').next()?.parse().ok());
                *place = number.unwrap_or(*place);
            }
        }
        found
    }
}

impl fmt::Display for Statistics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { inputs, edges, kept } = self;
        write!(
            f,
            "{inputs:>12} inputs, {edges:>5} edges reached, {kept:>5} inputs kept"
        )
    }
}

/// The lines that say what went wrong, each with the one after it.
pub(super) fn complaints(printed: &str) -> Vec<&str> {
    const SIGNS: [&str; 6] = [
        "panicked at",
        "Test unit written",
        "SUMMARY",
        "assertion",
        "left:",
        "right:",
    ];
    let mut shown = Vec::new();
    let mut follows = false;
    for line in printed.lines() {
        let sign = SIGNS.iter().any(|sign| line.contains(sign));
        if sign || follows {
            shown.push(line);
        }
        follows = sign;
    }
    if shown.is_empty() {
        // It did not get as far as an input.
        let lines = printed.lines().count();
        return printed.lines().skip(lines.saturating_sub(SHOWN)).collect();
    }
    shown.truncate(SHOWN);
    shown
}

#[cfg(test)]
mod tests {
    use super::{Statistics, complaints};

    #[test]
    fn the_last_figures_are_read() {
        let printed = "\
INFO: Seed: 2044
#2	INITED cov: 310 ft: 311 corp: 1/1b exec/s: 0 rss: 45Mb
#4194304	pulse  cov: 811 ft: 3203 corp: 640/58Kb lim: 4096 exec/s: 1398101 rss: 480Mb
#5000000	DONE   cov: 812 ft: 3210 corp: 641/59Kb lim: 4096 exec/s: 1250000 rss: 480Mb
Done 5000000 runs in 4 second(s)
stat::number_of_executed_units: 5000000
stat::average_exec_per_sec:     1250000
";
        let statistics = Statistics::read(printed);
        assert_eq!(
            statistics,
            Statistics {
                inputs: 5_000_000,
                edges: 812,
                kept: 641
            }
        );
        assert_eq!(
            statistics.to_string(),
            "     5000000 inputs,   812 edges reached,   641 inputs kept"
        );
    }

    #[test]
    fn what_went_wrong_is_found() {
        let printed = "noise\nthread panicked at src/a.rs:1:1:\nthe reason\nmore noise\nTest unit written to crash-1\n";
        assert_eq!(
            complaints(printed),
            [
                "thread panicked at src/a.rs:1:1:",
                "the reason",
                "Test unit written to crash-1"
            ]
        );
        assert_eq!(complaints("error: no such file\n"), ["error: no such file"]);
    }
}
