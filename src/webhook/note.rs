//! What an inbox notes of events that have come, to know them again, and under which names.

use serde::{Deserialize, Serialize};

use super::event::ErrorState;
use crate::time::{Millis, UnixMillis};

/// How long an event is known again, in days.
const RECEIPT_DAYS: u64 = 7;

/// The same as a span of time.
pub(super) const KNOWN_FOR: Millis = Millis::from_days(RECEIPT_DAYS);

/// How long the same error of the same vehicle counts as the same event, whatever Smartcar calls it.
pub(super) const SAME_ERROR: Millis = Millis::new(SAME_ERROR_MILLIS);

const SAME_ERROR_MILLIS: u64 = 3 * 60 * 1_000;

const DAY_MILLIS: u64 = 24 * 60 * 60 * 1_000;

/// What is kept of an error, to know it again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorNote {
    /// Whether it was there or over.
    pub state: ErrorState,
    /// When Smartcar sent it.
    pub at: UnixMillis,
}

/// What the names of all receipts of a day begin with.
fn receipt_prefix(day: u64) -> String {
    format!("{RECEIPTS}{day:06}/")
}

/// What the names of all errors noted in one span of time begin with.
fn error_prefix(span: u64) -> String {
    format!("{ERRORS}{span:010}/")
}

/// What the names of receipts begin with.
pub const RECEIPTS: &str = "seen/";
/// What the names of noted errors begin with.
pub const ERRORS: &str = "error/";
/// Under which names it may be noted that the event of this key has come: the first is that of today.
pub(super) fn receipt_names(key: &str, now: UnixMillis) -> Vec<String> {
    let days = (0..=RECEIPT_DAYS).map(|ago| today(now).saturating_sub(ago));
    days.map(|day| [&receipt_prefix(day), key].concat()).collect()
}

/// Under which names the error of this key may be noted: the first is that of now.
pub(super) fn error_names(key: &str, now: UnixMillis) -> [String; 2] {
    [0, 1].map(|ago| [&error_prefix(span(now).saturating_sub(ago)), key].concat())
}

/// Before which name receipts, and noted errors, are of no use any more.
#[must_use]
pub fn outdated(now: UnixMillis) -> [(&'static str, String); 2] {
    [
        (RECEIPTS, receipt_prefix(today(now).saturating_sub(RECEIPT_DAYS))),
        (ERRORS, error_prefix(span(now).saturating_sub(1))),
    ]
}

/// When the receipt of this name is of no use any more.
#[must_use]
pub fn receipt_ends_at(name: &str) -> Option<UnixMillis> {
    let day: u64 = name.strip_prefix(RECEIPTS)?.split('/').next()?.parse().ok()?;
    Some(UnixMillis::EPOCH.after(Millis::from_days(day.saturating_add(RECEIPT_DAYS).saturating_add(1))))
}

const fn today(now: UnixMillis) -> u64 {
    now.as_millis() / DAY_MILLIS
}

const fn span(now: UnixMillis) -> u64 {
    now.as_millis() / SAME_ERROR_MILLIS
}
