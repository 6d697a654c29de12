//! The simulator's clock: the system's, moved by an offset.

use jiff::Timestamp;

use crate::host;

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
        host::now().saturating_add_signed(self.offset_ms)
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

/// An RFC 3339 timestamp in UTC, as in Smartcar's headers. What lies after the year 9999 becomes the library's last moment
/// of it.
pub(crate) fn rfc3339(at: Millis) -> String {
    let at = i64::try_from(at).unwrap_or(i64::MAX);
    let timestamp = Timestamp::from_millisecond(at).unwrap_or(Timestamp::MAX);
    format!("{timestamp:.3}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timestamps() {
        assert_eq!(rfc3339(0), "1970-01-01T00:00:00.000Z");
        assert_eq!(rfc3339(951_782_400_000), "2000-02-29T00:00:00.000Z");
        assert_eq!(rfc3339(1_798_761_599_999), "2026-12-31T23:59:59.999Z");
        assert_eq!(rfc3339(u64::MAX), "9999-12-30T22:00:00.999Z");
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
