//! The header `Retry-After`.

use crate::time::{Millis, UnixMillis};

/// The name of the header.
pub const RETRY_AFTER: &str = "Retry-After";

/// The longest wait that is believed: whoever names a longer one is asked again after this, and names it again.
pub const LONGEST_RETRY_AFTER: Millis = Millis::from_hours(1);

/// Reads a value that arrived `now` (RFC 9110 section 10.2.3), at most [`LONGEST_RETRY_AFTER`]; `None` for anything that is neither
/// a number of seconds nor, with feature `edge`, a date. Of several numbers, as of a header that is there twice, the largest counts.
#[must_use]
pub fn read_retry_after(value: &str, now: UnixMillis) -> Option<Millis> {
    let numbers = value.split(',').map(|number| read_seconds(number.trim()));
    let seconds = numbers
        .collect::<Option<Vec<u64>>>()
        .and_then(|all| all.into_iter().max());
    let wait = match seconds {
        Some(seconds) => Millis::from_secs(seconds),
        None => read_date(value.trim())?.since(now),
    };
    Some(wait.min(LONGEST_RETRY_AFTER))
}

/// A number of seconds; the largest there is for what does not fit, which is beyond the bound.
fn read_seconds(digits: &str) -> Option<u64> {
    let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| digits.parse().unwrap_or(u64::MAX))
}

/// A date in one of the three forms of HTTP (RFC 9110 section 5.6.7).
#[cfg(feature = "edge")]
fn read_date(value: &str) -> Option<UnixMillis> {
    let time = httpdate::parse_http_date(value).ok()?;
    let since_epoch = time.duration_since(std::time::UNIX_EPOCH).ok()?;
    u64::try_from(since_epoch.as_millis()).ok().map(UnixMillis::new)
}

/// Where there is a browser, it reads dates itself.
#[cfg(not(feature = "edge"))]
const fn read_date(_value: &str) -> Option<UnixMillis> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Wed, 21 Oct 2026 07:28:00 GMT
    const NOW: UnixMillis = UnixMillis::new(1_792_567_680_000);

    #[test]
    fn seconds_are_believed_up_to_an_hour() {
        for (value, seconds) in [
            ("0", 0),
            ("120", 120),
            (" 7 ", 7),
            ("3600", 3_600),
            ("3601", 3_600),
            ("86400", 3_600),
            ("18446744073709551615", 3_600),
            ("18446744073709551616", 3_600),
            ("99999999999999999999999999", 3_600),
            ("30, 30", 30),
            ("30,90 , 7", 90),
        ] {
            assert_eq!(
                read_retry_after(value, NOW),
                Some(Millis::from_secs(seconds)),
                "{value}"
            );
        }
    }

    #[test]
    fn anything_else_counts_as_nothing() {
        for value in [
            "",
            " ",
            "-1",
            "+1",
            "1.5",
            "soon",
            "1 2",
            ",",
            "30,",
            "30, soon",
            "Wed, 21 Oct 2026",
            "2026-10-21T07:28:00Z",
            "Wed, 99 Oct 2026 07:28:00 GMT",
        ] {
            assert_eq!(read_retry_after(value, NOW), None, "{value}");
        }
    }

    #[cfg(feature = "edge")]
    #[test]
    fn a_date_is_a_wait_from_now_on() {
        for (value, seconds) in [
            ("Wed, 21 Oct 2026 07:29:30 GMT", 90),
            (" Wed, 21 Oct 2026 07:28:01 GMT ", 1),
            ("Wednesday, 21-Oct-26 07:29:00 GMT", 60),
            ("Wed Oct 21 07:29:00 2026", 60),
            ("Wed, 21 Oct 2026 09:28:00 GMT", 3_600),
            ("Fri, 31 Dec 9999 23:59:59 GMT", 3_600),
            // It is over already.
            ("Wed, 21 Oct 2026 07:28:00 GMT", 0),
            ("Wed, 21 Oct 2015 07:28:00 GMT", 0),
        ] {
            assert_eq!(
                read_retry_after(value, NOW),
                Some(Millis::from_secs(seconds)),
                "{value}"
            );
        }
    }
}
