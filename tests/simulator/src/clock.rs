//! The simulator's clock: the system's, moved by an offset.

use std::time::{SystemTime, UNIX_EPOCH};

/// A point in time, in milliseconds since the Unix epoch.
pub(crate) type Millis = u64;

/// The system's time plus an offset.
#[derive(Clone, Debug, Default)]
pub(crate) struct Clock {
    offset_ms: i64,
}

impl Clock {
    /// The simulated time.
    pub(crate) fn now(&self) -> Millis {
        let system = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |elapsed| u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX));
        system.saturating_add_signed(self.offset_ms)
    }

    /// Moves the clock, back when `ms` is negative.
    pub(crate) fn advance(&mut self, ms: i64) {
        self.offset_ms = self.offset_ms.saturating_add(ms);
    }

    /// How far the clock was moved, in milliseconds.
    pub(crate) fn offset_ms(&self) -> i64 {
        self.offset_ms
    }
}

/// An RFC 3339 timestamp in UTC, as in Smartcar's headers.
#[expect(
    clippy::arithmetic_side_effects,
    reason = "every value is bounded by the division that yields it"
)]
pub(crate) fn rfc3339(at: Millis) -> String {
    let (days, ms_of_day) = (at / 86_400_000, at % 86_400_000);
    // Howard Hinnant's civil_from_days: the year begins in March, eras have 400 years.
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let march_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * march_month + 2) / 5 + 1;
    let month = if march_month < 10 {
        march_month + 3
    } else {
        march_month - 9
    };
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    let seconds = ms_of_day / 1_000;
    format!(
        "{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}.{:03}Z",
        seconds / 3_600,
        seconds / 60 % 60,
        seconds % 60,
        ms_of_day % 1_000
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timestamps() {
        assert_eq!(rfc3339(0), "1970-01-01T00:00:00.000Z");
        assert_eq!(rfc3339(951_782_400_000), "2000-02-29T00:00:00.000Z");
        assert_eq!(rfc3339(1_798_761_599_999), "2026-12-31T23:59:59.999Z");
    }

    #[test]
    fn moves_both_ways() {
        let mut clock = Clock::default();
        let before = clock.now();
        clock.advance(86_400_000);
        assert!(clock.now() >= before + 86_400_000);
        clock.advance(-86_400_000);
        assert!(clock.now() < before + 86_400_000);
        assert_eq!(clock.offset_ms(), 0);
    }
}
