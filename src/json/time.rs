//! Times, in each of the forms in which Smartcar has sent them.

use super::lenient::Object;
use crate::time::UnixMillis;

/// Below this a time is in seconds: as milliseconds it would be before 1974.
const LATEST_IN_SECONDS: f64 = 1e11;

/// A time in a member: milliseconds or seconds since the epoch, as a number or in a text, or as ISO 8601 has it.
pub(crate) fn time(object: &Object<'_>, name: &str) -> Option<UnixMillis> {
    let Some(number) = object.number(name) else {
        return iso(&object.text(name)?);
    };
    let millis = if number < LATEST_IN_SECONDS {
        number * 1_000.0
    } else {
        number
    };
    // From a float to an integer `as` saturates.
    (number >= 0.0).then(|| UnixMillis::new(millis as u64))
}

/// The time that `2026-01-02T03:04:05.678Z` stands for, in UTC alone and to the millisecond.
#[expect(
    clippy::arithmetic_side_effects,
    reason = "every part has bounds, and no date before 1970 is taken"
)]
fn iso(text: &str) -> Option<UnixMillis> {
    let (date, time) = text.strip_suffix('Z')?.split_once('T')?;
    let numbers = |text: &str, separator: char| -> Option<[u64; 3]> {
        let numbers: Option<Vec<u64>> = text.split(separator).map(|part| part.parse().ok()).collect();
        numbers?.try_into().ok()
    };
    let [year, month, day] = numbers(date, '-')?;
    let (time, fraction) = time.split_once('.').unwrap_or((time, "0"));
    let [hour, minute, second] = numbers(time, ':')?;
    if fraction.is_empty() || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let millis: u64 = fraction
        .chars()
        .chain("00".chars())
        .take(3)
        .collect::<String>()
        .parse()
        .ok()?;
    let is_date = (1970..=9999).contains(&year) && (1..=12).contains(&month) && (1..=31).contains(&day);
    if !is_date || hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    // Days by a calendar whose years begin in March: the leap day is the last.
    let (year, month) = if month > 2 {
        (year, month - 3)
    } else {
        (year - 1, month + 9)
    };
    let days = 365 * year + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 + day - 1;
    let seconds = ((days - 719_468) * 24 + hour) * 3_600 + minute * 60 + second;
    Some(UnixMillis::new(seconds * 1_000 + millis))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::lenient::with_object;

    fn read(json: &str) -> Option<u64> {
        let body = format!(r#"{{"at":{json}}}"#);
        with_object(body.as_bytes(), |members| time(members?, "at")).map(UnixMillis::as_millis)
    }

    #[test]
    fn a_time_is_read_in_each_of_its_forms() {
        for json in [
            "1790000000000",
            "\"1790000000000\"",
            "1790000000",
            "\"2026-09-21T14:13:20Z\"",
            "\"2026-09-21T14:13:20.0Z\"",
        ] {
            assert_eq!(read(json), Some(1_790_000_000_000), "{json}");
        }
        for (fraction, millis) in [("1", 100), ("12", 120), ("123", 123), ("123987", 123)] {
            let json = format!("\"2026-09-21T14:13:20.{fraction}Z\"");
            assert_eq!(read(&json), Some(1_790_000_000_000 + millis), "{json}");
        }
        for none in [
            "null",
            "-1",
            "\"\"",
            "\"yesterday\"",
            "\"2026-09-21T14:13:20\"",
            "\"2026-09-21T14:13:20.Z\"",
            "\"2026-09-21T14:13:20.1x3Z\"",
            "\"2026-13-21T14:13:20Z\"",
            "\"2026-09-21T24:13:20Z\"",
            "{}",
            "[1]",
        ] {
            assert_eq!(read(none), None, "{none}");
        }
    }
}
