//! How far the copy in Workers KV of something that the vault keeps is: of a grant, of the index, or that there is none any
//! more. One machine for all of them.

use serde::{Deserialize, Serialize};

use crate::{
    time::{Millis, UnixMillis},
    token::cycle::{LONGEST_BACKOFF, exponential_backoff},
};

/// How long a write waits for the process that began it before the alarm takes it over.
pub(super) const WRITE_LOST_AFTER: Millis = Millis::from_secs(15);

/// Once KV has accepted a write so long ago, every location has the value, and no earlier write can arrive any more.
pub(super) const VISIBLE_AFTER: Millis = Millis::from_mins(2);

/// When a renewal that failed is tried again. The copy is good for a month more.
const RENEWAL_RETRY_AFTER: Millis = Millis::from_mins(5);

/// How a write or deletion in KV went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum KvOutcome {
    /// It was accepted.
    Done,
    /// It was refused (one write per second and key), failed, or did not end in time.
    Failed,
}

impl KvOutcome {
    /// The stable name, for logs.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Failed => "failed",
        }
    }
}

/// What becomes of a copy that KV has accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Upkeep {
    /// Nothing: it is written again before it is out of date.
    Written,
    /// It is written once more when no earlier write can arrive any more, since the first may be lost or overtaken.
    WrittenTwice,
    /// As `WrittenTwice`, and again each time so much has passed.
    Renewed(Millis),
}

impl Upkeep {
    fn renew_at(self, now: UnixMillis) -> Option<UnixMillis> {
        match self {
            Self::Renewed(every) => Some(now.after(every)),
            Self::Written | Self::WrittenTwice => None,
        }
    }
}

/// How far the copy in KV is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KvCopy {
    /// KV has yet to be written.
    Dirty {
        /// When what is kept changed.
        since: UnixMillis,
        /// Writes that failed in a row.
        failures: u32,
        /// KV is not written before this.
        retry_at: UnixMillis,
        /// Whether what is kept changed again while a write may have been under way: the next one to end is not the last.
        changed_during_write: bool,
    },
    /// KV accepted a write, and is written once more.
    Settling {
        /// When KV accepted it.
        since: UnixMillis,
        /// KV is not written again before this.
        rewrite_at: UnixMillis,
    },
    /// KV has what is kept.
    Synced {
        /// When KV accepted the latest write.
        since: UnixMillis,
        /// When the copy is written again although nothing has changed; `None` if it need not be.
        renew_at: Option<UnixMillis>,
    },
}

impl KvCopy {
    /// Something changed: the caller that changed it writes KV, and the alarm does if that process dies.
    #[must_use]
    pub const fn dirty(now: UnixMillis) -> Self {
        Self::dirty_for(now, WRITE_LOST_AFTER)
    }

    /// As [`dirty`](Self::dirty), for a write that takes so long until the alarm looks after it.
    pub(super) const fn dirty_for(now: UnixMillis, lost_after: Millis) -> Self {
        Self::Dirty {
            since: now,
            failures: 0,
            retry_at: now.after(lost_after),
            changed_during_write: false,
        }
    }

    /// Something changed that has no generation of its own. A write that is under way may miss it.
    pub(super) const fn changed(self, now: UnixMillis) -> Self {
        match self {
            Self::Synced { .. } | Self::Settling { .. } => Self::dirty(now),
            Self::Dirty { since, failures, .. } => Self::Dirty {
                since,
                failures,
                retry_at: now.after(WRITE_LOST_AFTER),
                changed_during_write: true,
            },
        }
    }

    /// When KV has to be written although nobody does; `None` if never.
    #[must_use]
    pub const fn alarm(&self) -> Option<UnixMillis> {
        match self {
            Self::Dirty { retry_at, .. } => Some(*retry_at),
            Self::Settling { rewrite_at, .. } => Some(*rewrite_at),
            Self::Synced { renew_at, .. } => *renew_at,
        }
    }

    /// Whether KV has what is kept and nothing is left to do for now.
    #[must_use]
    pub const fn is_synced(&self) -> bool {
        matches!(self, Self::Synced { .. })
    }

    /// The copy with a write begun, if the alarm has one to begin at `now`. It has until later to end: the alarm does not
    /// fire for it meanwhile.
    pub(super) fn begun(self, now: UnixMillis) -> Option<Self> {
        self.begun_for(now, WRITE_LOST_AFTER)
    }

    /// As [`begun`](Self::begun), for a write that takes so long until the alarm looks after it again.
    pub(super) fn begun_for(self, now: UnixMillis, lost_after: Millis) -> Option<Self> {
        let later = now.after(lost_after);
        match self {
            Self::Dirty {
                since,
                failures,
                retry_at,
                changed_during_write,
            } if now >= retry_at => Some(Self::Dirty {
                since,
                failures,
                retry_at: later,
                changed_during_write,
            }),
            Self::Settling { since, rewrite_at } if now >= rewrite_at => Some(Self::Settling {
                since,
                rewrite_at: later,
            }),
            Self::Synced {
                since,
                renew_at: Some(renew_at),
            } if now >= renew_at => Some(Self::Synced {
                since,
                renew_at: Some(later),
            }),
            _ => None,
        }
    }

    /// Whether the copy, of which somebody did not find a trace, must have been visible everywhere: then its write was lost,
    /// or overtaken by one of a process that is gone.
    pub(super) fn must_be_visible(&self, now: UnixMillis) -> bool {
        matches!(self, Self::Synced { since, .. } if now.since(*since) >= VISIBLE_AFTER)
    }

    /// The copy after a write or deletion ended.
    #[must_use]
    pub(super) fn after_write(self, outcome: KvOutcome, now: UnixMillis, upkeep: Upkeep) -> Self {
        match (self, outcome) {
            (
                Self::Dirty {
                    since,
                    failures,
                    retry_at,
                    changed_during_write: true,
                },
                KvOutcome::Done,
            ) => Self::Dirty {
                since,
                failures,
                retry_at,
                changed_during_write: false,
            },
            (Self::Dirty { .. }, KvOutcome::Done) => match upkeep {
                Upkeep::Written => Self::Synced {
                    since: now,
                    renew_at: None,
                },
                Upkeep::WrittenTwice | Upkeep::Renewed(_) => Self::Settling {
                    since: now,
                    rewrite_at: now.after(VISIBLE_AFTER),
                },
            },
            (
                Self::Dirty {
                    since,
                    failures,
                    changed_during_write,
                    ..
                },
                KvOutcome::Failed,
            ) => {
                let failures = failures.saturating_add(1);
                Self::Dirty {
                    since,
                    failures,
                    retry_at: now.after(kv_backoff(failures)),
                    changed_during_write,
                }
            }
            // A write that was begun before is not yet the second one. That is still to come, also after a clock that was
            // ahead, which leaves no pause before it.
            (Self::Settling { since, rewrite_at }, _) if now < since.after(VISIBLE_AFTER) => Self::Settling {
                since,
                rewrite_at: rewrite_at.max(since.after(VISIBLE_AFTER)),
            },
            (Self::Settling { since, .. }, KvOutcome::Failed) => Self::Settling {
                since,
                rewrite_at: now.after(VISIBLE_AFTER),
            },
            (Self::Settling { .. } | Self::Synced { .. }, KvOutcome::Done) => Self::Synced {
                since: now,
                renew_at: upkeep.renew_at(now),
            },
            (Self::Synced { since, renew_at }, KvOutcome::Failed) => Self::Synced {
                since,
                renew_at: renew_at.map(|at| at.max(now.after(RENEWAL_RETRY_AFTER))),
            },
        }
    }

    /// The copy without the times that only a clock that was ahead can have written; `None` if it has none.
    pub(super) fn clamped(self, now: UnixMillis) -> Option<Self> {
        let longest = now.after(LONGEST_BACKOFF);
        match self {
            Self::Dirty {
                since,
                failures,
                retry_at,
                changed_during_write,
            } if retry_at > longest => Some(Self::Dirty {
                since: since.min(now),
                failures,
                retry_at: now,
                changed_during_write,
            }),
            Self::Settling { since, rewrite_at } if rewrite_at > longest => Some(Self::Settling {
                since: since.min(now),
                rewrite_at: now,
            }),
            Self::Synced {
                since,
                renew_at: Some(_),
            } if since > now => Some(Self::Synced {
                since: now,
                renew_at: Some(now),
            }),
            _ => None,
        }
    }
}

/// KV takes one write per second and key: the first wait is a little longer than that.
fn kv_backoff(failures: u32) -> Millis {
    exponential_backoff(Millis::new(1_100), failures).min(Millis::from_mins(5))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixMillis = UnixMillis::new(1_790_000_000_000);
    const MONTH: Millis = Millis::from_days(30);
    const UPKEEPS: [Upkeep; 3] = [Upkeep::Written, Upkeep::WrittenTwice, Upkeep::Renewed(MONTH)];

    fn ago(millis: u64) -> UnixMillis {
        UnixMillis::new(NOW.as_millis().saturating_sub(millis))
    }

    fn ahead(millis: u64) -> UnixMillis {
        NOW.after(Millis::new(millis))
    }

    fn dirty(changed_during_write: bool, failures: u32, retry_at: UnixMillis) -> KvCopy {
        KvCopy::Dirty {
            since: ago(50_000),
            failures,
            retry_at,
            changed_during_write,
        }
    }

    fn settling(since: UnixMillis, rewrite_at: UnixMillis) -> KvCopy {
        KvCopy::Settling { since, rewrite_at }
    }

    fn synced(since: UnixMillis, renew_at: Option<UnixMillis>) -> KvCopy {
        KvCopy::Synced { since, renew_at }
    }

    #[test]
    fn a_write_that_ends_makes_of_a_copy_what_the_table_says() {
        let (old, minutes) = (ago(500_000), Millis::from_mins);
        let first = settling(NOW, NOW.after(minutes(2)));
        let (once, renewed) = (synced(NOW, None), synced(NOW, Some(NOW.after(MONTH))));
        let early = settling(ago(119_999), ahead(1));
        // What is kept, and what it is after a write that was accepted and after one that failed, for each upkeep.
        let table: [(KvCopy, [KvCopy; 3], [KvCopy; 3]); 8] = [
            (
                dirty(false, 2, ahead(7)),
                [once, first, first],
                [dirty(false, 3, ahead(4_400)); 3],
            ),
            (
                dirty(true, 2, ahead(7)),
                [dirty(false, 2, ahead(7)); 3],
                [dirty(true, 3, ahead(4_400)); 3],
            ),
            (early, [early; 3], [early; 3]),
            (
                settling(ago(120_000), NOW),
                [once, once, renewed],
                [settling(ago(120_000), NOW.after(minutes(2))); 3],
            ),
            (
                settling(old, ahead(15_000)),
                [once, once, renewed],
                [settling(old, NOW.after(minutes(2))); 3],
            ),
            (synced(old, None), [once, once, renewed], [synced(old, None); 3]),
            (
                synced(old, Some(ago(1))),
                [once, once, renewed],
                [synced(old, Some(NOW.after(minutes(5)))); 3],
            ),
            (
                synced(old, Some(ahead(300_001))),
                [once, once, renewed],
                [synced(old, Some(ahead(300_001))); 3],
            ),
        ];
        for (copy, done, failed) in table {
            for (outcome, expected) in [(KvOutcome::Done, done), (KvOutcome::Failed, failed)] {
                for (upkeep, expected) in UPKEEPS.into_iter().zip(expected) {
                    let after = copy.after_write(outcome, NOW, upkeep);
                    assert_eq!(after, expected, "{copy:?} after {outcome:?} with {upkeep:?}");
                }
            }
        }
    }

    #[test]
    fn a_write_that_fails_again_and_again_waits_for_up_to_five_minutes() {
        let mut copy = KvCopy::dirty(NOW);
        for wait in [
            1_100, 2_200, 4_400, 8_800, 17_600, 35_200, 70_400, 140_800, 281_600, 300_000, 300_000,
        ] {
            copy = copy.after_write(KvOutcome::Failed, NOW, Upkeep::Written);
            assert_eq!(copy.alarm(), Some(ahead(wait)));
        }
        let worst = dirty(false, u32::MAX, NOW).after_write(KvOutcome::Failed, NOW, Upkeep::Written);
        assert_eq!(worst, dirty(false, u32::MAX, ahead(300_000)));
    }

    #[test]
    fn a_change_while_a_write_may_be_under_way_takes_another_write() {
        let changed = KvCopy::dirty(ago(1_000)).changed(NOW);
        let expected = KvCopy::Dirty {
            since: ago(1_000),
            failures: 0,
            retry_at: ahead(15_000),
            changed_during_write: true,
        };
        assert_eq!(changed, expected);
        for upkeep in UPKEEPS {
            let after_first = changed.after_write(KvOutcome::Done, NOW, upkeep);
            assert!(
                matches!(after_first, KvCopy::Dirty { .. }),
                "the first may have missed it"
            );
            let after_second = after_first.after_write(KvOutcome::Done, NOW, upkeep);
            assert!(!matches!(after_second, KvCopy::Dirty { .. }));
        }
        for copy in [
            settling(ago(1), ahead(119_999)),
            synced(ago(1), None),
            synced(ago(1), Some(NOW)),
        ] {
            assert_eq!(copy.changed(NOW), KvCopy::dirty(NOW), "{copy:?}: no write is under way");
        }
    }

    #[test]
    fn the_alarm_begins_a_write_when_it_is_due_and_not_again_until_it_is_lost() {
        let later = ahead(15_000);
        let table = [
            (dirty(false, 3, NOW), Some(dirty(false, 3, later))),
            (dirty(true, 0, ago(1)), Some(dirty(true, 0, later))),
            (dirty(true, 0, ahead(1)), None),
            (settling(ago(120_000), NOW), Some(settling(ago(120_000), later))),
            (settling(ago(119_999), ahead(1)), None),
            (synced(ago(9), Some(NOW)), Some(synced(ago(9), Some(later)))),
            (synced(ago(9), Some(ahead(1))), None),
            (synced(ago(9), None), None),
        ];
        for (copy, expected) in table {
            assert_eq!(copy.begun(NOW), expected, "{copy:?}");
            let longer = copy.begun_for(NOW, Millis::from_secs(30));
            let alarms = (longer.and_then(|copy| copy.alarm()), expected.map(|_| ahead(30_000)));
            assert_eq!(alarms.0, alarms.1, "{copy:?}");
            if let Some(begun) = expected {
                assert_eq!(begun.begun(ahead(14_999)), None, "{copy:?} is being written");
            }
        }
    }

    #[test]
    fn only_a_clock_that_was_ahead_makes_a_wait_longer_than_the_longest() {
        let hour = LONGEST_BACKOFF.as_millis();
        let of_dirty = |since, retry_at| KvCopy::Dirty {
            since,
            failures: 4,
            retry_at,
            changed_during_write: true,
        };
        let table = [
            (of_dirty(ahead(1), ahead(hour)), None),
            (of_dirty(ahead(hour), ahead(hour + 1)), Some(of_dirty(NOW, NOW))),
            (of_dirty(ago(1), ahead(hour + 1)), Some(of_dirty(ago(1), NOW))),
            (settling(ahead(1), ahead(hour)), None),
            (settling(ahead(hour), ahead(hour + 1)), Some(settling(NOW, NOW))),
            (settling(ago(1), ahead(hour + 1)), Some(settling(ago(1), NOW))),
            (synced(NOW, Some(NOW.after(MONTH))), None),
            (synced(ahead(1), Some(NOW.after(MONTH))), Some(synced(NOW, Some(NOW)))),
            (synced(ahead(1), None), None),
        ];
        for (copy, expected) in table {
            assert_eq!(copy.clamped(NOW), expected, "{copy:?}");
            if let Some(clamped) = expected {
                assert_eq!(clamped.clamped(NOW), None, "{copy:?}");
            }
        }
    }

    #[test]
    fn a_copy_that_a_clock_ahead_settled_is_written_now_and_once_more_after_the_pause() {
        let far = NOW.after(MONTH);
        let clamped = settling(far, far.after(VISIBLE_AFTER)).clamped(NOW).unwrap();
        assert_eq!(clamped.alarm(), Some(NOW));
        for outcome in [KvOutcome::Done, KvOutcome::Failed] {
            let written = clamped.after_write(outcome, ahead(50), Upkeep::WrittenTwice);
            assert_eq!(
                written,
                settling(NOW, ahead(120_000)),
                "the alarm must not ring all the time"
            );
            let again = written.after_write(KvOutcome::Done, ahead(120_000), Upkeep::WrittenTwice);
            assert_eq!(again, synced(ahead(120_000), None));
        }
    }

    #[test]
    fn a_copy_must_be_visible_two_minutes_after_its_last_write_and_no_earlier() {
        for since in [ago(120_000), ago(500_000)] {
            for renew_at in [None, Some(ago(1)), Some(ahead(1))] {
                assert!(synced(since, renew_at).must_be_visible(NOW));
            }
        }
        for copy in [
            synced(ago(119_999), None),
            synced(ahead(1), None),
            settling(ago(500_000), ago(1)),
            dirty(false, 0, ago(1)),
            dirty(true, 0, ago(1)),
        ] {
            assert!(!copy.must_be_visible(NOW), "{copy:?}");
        }
    }

    #[test]
    fn only_a_synced_copy_that_is_not_renewed_needs_no_alarm() {
        for (copy, is_synced, alarm) in [
            (KvCopy::dirty(NOW), false, Some(ahead(15_000))),
            (dirty(true, 1, ahead(3)), false, Some(ahead(3))),
            (settling(NOW, ahead(4)), false, Some(ahead(4))),
            (synced(NOW, Some(ahead(5))), true, Some(ahead(5))),
            (synced(NOW, None), true, None),
        ] {
            assert_eq!((copy.is_synced(), copy.alarm()), (is_synced, alarm), "{copy:?}");
        }
    }

    #[test]
    fn outcomes_have_stable_names() {
        assert_eq!(
            [KvOutcome::Done, KvOutcome::Failed].map(KvOutcome::code),
            ["done", "failed"]
        );
    }
}
