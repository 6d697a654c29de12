//! The challenge by which Smartcar makes sure that a webhook's address is the app's.
//!
//! It is answered with an HMAC under the key that signs events, and nobody signs the challenge: whoever posts a forged event as
//! one would read back a good signature for it. So only what can never be an event is answered.

/// The longest challenge that is answered, in characters. Smartcar's are shorter.
const LONGEST: usize = 128;

/// What Smartcar wants to have signed: 1 to 128 characters of a token (RFC 6750 section 2.1), of which no JSON object can be
/// made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Challenge(String);

impl Challenge {
    /// Takes a challenge that may be answered; `None` for any other.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~+/=".contains(&byte);
        let is_answered = (1..=LONGEST).contains(&text.len()) && text.bytes().all(is_token);
        is_answered.then(|| Self(text.to_owned()))
    }

    /// The challenge.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_short_token_is_answered() {
        for good in [
            "challenge",
            "52f6e0bb-1369-45da-a61c-9e67d092d6db",
            "YWJj+/=",
            &"x".repeat(128),
        ] {
            assert!(Challenge::parse(good).is_some(), "{good}");
        }
        for bad in [
            "",
            "{}",
            r#"{"eventType":"VEHICLE_ERROR"}"#,
            "[1]",
            "\"text\"",
            "a b",
            "a\nb",
            "é",
            "a,b",
            "\u{200b}",
            &"x".repeat(129),
        ] {
            assert_eq!(Challenge::parse(bad), None, "{bad}");
        }
    }
}
