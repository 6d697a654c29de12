//! How long tokens live, and when one is fresh enough to use.

use crate::time::{Millis, UnixMillis};

/// How long an access token lives unless the response says otherwise (`expires_in` 7200).
/// Source: <https://smartcar.com/docs/api-reference/authorization/auth-code-exchange>.
pub const ACCESS_LIFETIME: Millis = Millis::from_hours(2);

/// How long a refresh token lives from the response that brought it. No response says it: Smartcar documents 60 days,
/// and every official SDK counts them itself.
pub const REFRESH_LIFETIME: Millis = Millis::from_days(60);

/// An access token with less life left than this is refreshed before use: a slow call must not outlive its token, and
/// clocks differ.
pub const FRESH_MARGIN: Millis = Millis::from_mins(5);

/// An idle grant is refreshed half-way through its refresh token's life, give or take a jitter of its own.
pub const IDLE_REFRESH_AFTER: Millis = Millis::from_days(30);

/// The least life that is believed of an access token: with less than [`FRESH_MARGIN`] every request would refresh. If it
/// does die earlier, Smartcar's 401 says so.
const SHORTEST_ACCESS_LIFETIME: Millis = Millis::from_mins(10);

/// The longest life that is believed of an access token.
const LONGEST_ACCESS_LIFETIME: Millis = Millis::from_hours(24);

/// Whether an access token that expires at `expires_at` may still be used for a call that starts `now`.
#[must_use]
pub fn is_fresh(expires_at: UnixMillis, now: UnixMillis) -> bool {
    expires_at.since(now) > FRESH_MARGIN
}

/// The life to count with for `expires_in` seconds; `None` stands for a value that is missing or no number.
///
/// A token that came with nonsense is a token all the same: refusing it would lose the grant, since the old refresh
/// token is used up.
pub(crate) fn believable(expires_in: Option<i64>) -> Millis {
    match expires_in {
        Some(seconds) => Millis::from_secs(u64::try_from(seconds).unwrap_or_default())
            .clamp(SHORTEST_ACCESS_LIFETIME, LONGEST_ACCESS_LIFETIME),
        None => ACCESS_LIFETIME,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lifetimes_are_kept_within_reason() {
        for (given, seconds) in [
            (Some(7200), 7200),
            (Some(1800), 1800),
            (Some(599), 600),
            (Some(0), 600),
            (Some(-5), 600),
            (Some(i64::MAX), 86_400),
            (None, 7200),
        ] {
            assert_eq!(believable(given), Millis::from_secs(seconds), "{given:?}");
        }
    }

    #[test]
    fn whatever_arrives_is_fresh_for_a_while() {
        let now = UnixMillis::new(1_000_000);
        for given in [Some(-1), Some(0), Some(1), Some(i64::MAX), None] {
            let later = now.after(Millis::from_mins(4));
            assert!(is_fresh(now.after(believable(given)), later), "{given:?}");
        }
    }

    #[test]
    fn the_margin_is_excluded() {
        let now = UnixMillis::new(1_000_000);
        let margin = FRESH_MARGIN.as_millis();
        assert!(is_fresh(UnixMillis::new(1_000_000 + margin + 1), now));
        assert!(!is_fresh(UnixMillis::new(1_000_000 + margin), now));
        assert!(!is_fresh(UnixMillis::new(0), now));
    }
}
