//! How long to wait before something that failed is tried again.

use crate::time::Millis;

/// The longest wait between two attempts.
pub(crate) const LONGEST_BACKOFF: Millis = Millis::from_hours(1);

/// A request that failed faster than this is repeated at once, so that those who wait for it do not fail.
pub(super) const RETRY_AT_ONCE_WITHIN: Millis = Millis::from_secs(4);

/// `first` after the first failure, and twice as much after each further one.
pub(crate) fn exponential_backoff(first: Millis, failures: u32) -> Millis {
    let times = 1_u64.checked_shl(failures.saturating_sub(1)).unwrap_or(u64::MAX);
    Millis::new(first.as_millis().saturating_mul(times))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wait_doubles_and_never_overflows() {
        for (failures, seconds) in [(0, 5), (1, 5), (2, 10), (3, 20), (11, 5_120)] {
            let wait = exponential_backoff(Millis::from_secs(5), failures);
            assert_eq!(wait, Millis::from_secs(seconds), "{failures}");
        }
        assert_eq!(exponential_backoff(Millis::new(2), u32::MAX), Millis::new(u64::MAX));
    }
}
