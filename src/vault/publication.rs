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
    /// Nothing: whoever keeps it writes it again before it is out of date.
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
    /// Something changed: KV is written by whoever changed it, and by the alarm if that process dies.
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
            // A write that was begun before is not yet the second one.
            (Self::Settling { since, .. }, _) if now < since.after(VISIBLE_AFTER) => self,
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
