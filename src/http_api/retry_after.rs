//! The header `Retry-After`.

use crate::time::Millis;

/// The name of the header.
pub const RETRY_AFTER: &str = "Retry-After";

/// The longest wait that is believed: whoever names a longer one is asked again after this, and names it again.
pub const LONGEST_RETRY_AFTER: Millis = Millis::from_hours(1);

/// Reads a value in seconds (RFC 9110 section 10.2.3), at most [`LONGEST_RETRY_AFTER`]; `None` for anything else. Smartcar and
/// Cloudflare send no dates.
#[must_use]
pub fn read_retry_after(value: &str) -> Option<Millis> {
    let digits = value.trim();
    let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    // What does not fit is beyond the bound.
    is_number.then(|| Millis::from_secs(digits.parse().unwrap_or(u64::MAX)).min(LONGEST_RETRY_AFTER))
}

#[cfg(test)]
mod tests {
    use super::*;

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
        ] {
            assert_eq!(read_retry_after(value), Some(Millis::from_secs(seconds)), "{value}");
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
            "Wed, 21 Oct 2026 07:28:00 GMT",
        ] {
            assert_eq!(read_retry_after(value), None, "{value}");
        }
    }
}
