//! How many lines of the log requests that fail may have: whoever can reach the Worker can make them fail, and lines cost.

use std::collections::BTreeMap;

use crate::time::{Millis, UnixMillis};

/// How many lines requests of one outcome may have at once.
const BURST: u32 = 50;

/// How long it takes until there may be one more, in milliseconds.
const PAUSE_MS: u64 = 3_000;

/// What requests may still have of lines, by their outcomes: a route and a status.
#[derive(Debug, Default)]
pub struct LogBudget(BTreeMap<(&'static str, u16), Lines>);

#[derive(Debug)]
struct Lines {
    left: u32,
    /// Until when lines were added.
    added_until: UnixMillis,
    omitted: u32,
}

impl LogBudget {
    /// Whether a request of this outcome has a line: if so, how many before it had none since the last one that had.
    pub fn take(&mut self, route: &'static str, status: u16, now: UnixMillis) -> Option<u32> {
        let lines = self.0.entry((route, status)).or_insert(Lines {
            left: BURST,
            added_until: now,
            omitted: 0,
        });
        lines.add(now);
        if let Some(left) = lines.left.checked_sub(1) {
            lines.left = left;
            Some(core::mem::take(&mut lines.omitted))
        } else {
            lines.omitted = lines.omitted.saturating_add(1);
            None
        }
    }
}

impl Lines {
    fn add(&mut self, now: UnixMillis) {
        // A clock that was ahead must not keep the log silent.
        self.added_until = self.added_until.min(now);
        let pauses = now.since(self.added_until).as_millis() / PAUSE_MS;
        let more = u32::try_from(pauses).unwrap_or(u32::MAX);
        self.left = self.left.saturating_add(more).min(BURST);
        let used = Millis::new(pauses.saturating_mul(PAUSE_MS));
        self.added_until = self.added_until.after(used);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixMillis = UnixMillis::new(1_790_000_000_000);

    fn later(ms: u64) -> UnixMillis {
        NOW.after(Millis::new(ms))
    }

    #[test]
    fn a_flood_of_failures_has_few_lines_and_they_say_how_many_are_missing() {
        let mut budget = LogBudget::default();
        let shown: Vec<_> = (0..1_000).filter_map(|_| budget.take("none", 404, NOW)).collect();
        assert_eq!(shown, vec![0; 50]);
        assert_eq!(budget.take("none", 404, later(2_999)), None);
        assert_eq!(budget.take("none", 404, later(3_000)), Some(951));
        assert_eq!(budget.take("none", 404, later(3_000)), None);
        assert_eq!(budget.take("none", 404, later(6_000)), Some(1));
    }

    #[test]
    fn steady_failures_have_one_line_in_three_seconds() {
        let mut budget = LogBudget::default();
        let minute = (0..60_000).step_by(10).map(later);
        let shown = minute.filter_map(|now| budget.take("internal_token", 401, now)).count();
        assert!((69..=70).contains(&shown), "{shown}");
    }

    #[test]
    fn a_flood_of_one_outcome_hides_no_other() {
        let mut budget = LogBudget::default();
        for _ in 0..1_000 {
            budget.take("none", 404, NOW);
        }
        assert_eq!(budget.take("connect_finish", 404, NOW), Some(0));
        assert_eq!(budget.take("none", 405, NOW), Some(0));
    }

    #[test]
    fn after_a_while_all_lines_are_there_again_and_no_more() {
        let mut budget = LogBudget::default();
        let flood = |budget: &mut LogBudget, now| (0..100).filter_map(|_| budget.take("none", 404, now)).count();
        assert_eq!(flood(&mut budget, NOW), 50);
        assert_eq!(flood(&mut budget, later(86_400_000)), 50);
        // The clock was ahead, and is right again.
        assert_eq!(flood(&mut budget, NOW), 0);
        assert_eq!(flood(&mut budget, later(9_000)), 3);
    }
}
