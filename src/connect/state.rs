//! The `state` parameter: what ties a callback to the browser that started it.

use core::fmt;

use base64ct::{Base64UrlUnpadded, Encoding as _};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use super::error::{InvalidValue, Reason, ValueKind, check_text};

const MAX_STATE_BYTES: usize = 512;
const FINGERPRINT_CHARS: usize = 43;

/// What each state minted here begins with, so that a page can tell its callbacks from those of another log-in.
pub const STATE_MARK: &str = "smartcar-connect.";

/// What each state of a connection begins with that is finished without JavaScript: no page takes its callback for one of its own.
#[cfg(feature = "edge")]
const LOGIN_STATE_MARK: &str = "smartcar-connect-login.";

/// The `state` of one connection, a secret until it is used (RFC 6749, section 10.12).
///
/// Not comparable with `==` and printed as `[redacted]`. What is stored and sent to the Worker is its
/// [fingerprint](Self::fingerprint).
#[derive(Clone)]
pub struct State(Zeroizing<String>);

impl State {
    /// The state made of 32 bytes from the platform's cryptographic random source: [`STATE_MARK`] and their base64url without
    /// padding, 60 characters.
    #[must_use]
    pub fn from_random(random: [u8; 32]) -> Self {
        let mut state = Zeroizing::new(STATE_MARK.to_owned());
        state.push_str(&Zeroizing::new(Base64UrlUnpadded::encode_string(&random)));
        Self(state)
    }

    /// The state of a connection that is finished without JavaScript, made of 32 bytes as [`from_random`](Self::from_random) takes them.
    /// It has a mark of its own, by which a page leaves its callback alone.
    #[cfg(feature = "edge")]
    #[must_use]
    pub fn for_login(random: [u8; 32]) -> Self {
        let mut state = Zeroizing::new(LOGIN_STATE_MARK.to_owned());
        state.push_str(&Zeroizing::new(Base64UrlUnpadded::encode_string(&random)));
        Self(state)
    }

    /// Reads a state, also one that another back end has minted.
    ///
    /// # Errors
    /// The reason, if the value is not 1 to 512 characters of printable ASCII.
    pub fn parse(value: &str) -> Result<Self, InvalidValue> {
        check_text(value, MAX_STATE_BYTES)?;
        if !value.is_ascii() {
            return Err(Reason::NotAscii(ValueKind::Single).into());
        }
        Ok(Self(Zeroizing::new(value.to_owned())))
    }

    /// Whether it has the mark of those that are minted here. Anybody can write the mark: it says whose callback it is to be,
    /// and vouches for nothing.
    #[must_use]
    pub fn is_marked(&self) -> bool {
        self.0.starts_with(STATE_MARK)
    }

    /// The state itself. It belongs into the Connect URL and nowhere else.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// SHA-256 of the state: enough to recognise it, useless for forging a callback.
    #[must_use]
    pub fn fingerprint(&self) -> StateFingerprint {
        StateFingerprint(Base64UrlUnpadded::encode_string(&Sha256::digest(self.0.as_bytes())))
    }

    /// Whether both are the same, in constant time for equal lengths.
    #[must_use]
    pub fn ct_eq(&self, other: &Self) -> bool {
        self.0.as_bytes().ct_eq(other.0.as_bytes()).into()
    }
}

impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("State([redacted])")
    }
}

/// The SHA-256 of a [`State`], base64url without padding: 43 characters.
///
/// Not a secret. `==` compares in constant time all the same, so that no comparison can be the wrong one.
#[derive(Clone, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct StateFingerprint(String);

impl StateFingerprint {
    /// Reads a fingerprint.
    ///
    /// # Errors
    /// The reason, if the value is not the base64url of 32 bytes.
    pub fn parse(value: &str) -> Result<Self, InvalidValue> {
        // The decoder refuses padding and stray bits, so each fingerprint has one spelling.
        let good = value.len() == FINGERPRINT_CHARS && Base64UrlUnpadded::decode_vec(value).is_ok();
        if good {
            Ok(Self(value.to_owned()))
        } else {
            Err(Reason::Malformed(
                "is not the fingerprint of a state; give the base64url of its SHA-256, 43 characters",
            )
            .into())
        }
    }

    /// The fingerprint as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether both are the same, in constant time.
    #[must_use]
    pub fn ct_eq(&self, other: &Self) -> bool {
        self.0.as_bytes().ct_eq(other.0.as_bytes()).into()
    }
}

impl PartialEq for StateFingerprint {
    fn eq(&self, other: &Self) -> bool {
        self.ct_eq(other)
    }
}

impl Eq for StateFingerprint {}

impl fmt::Debug for StateFingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("StateFingerprint").field(&self.0).finish()
    }
}

impl TryFrom<String> for StateFingerprint {
    type Error = InvalidValue;

    fn try_from(value: String) -> Result<Self, InvalidValue> {
        Self::parse(&value)
    }
}

impl From<StateFingerprint> for String {
    fn from(fingerprint: StateFingerprint) -> Self {
        fingerprint.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_answers() {
        let state = State::from_random([0xff; 32]);
        assert_eq!(
            state.expose(),
            "smartcar-connect.__________________________________________8"
        );
        let zeros = format!("smartcar-connect.{}", "A".repeat(43));
        assert_eq!(State::from_random([0; 32]).expose(), zeros);
        // `printf abc | openssl dgst -sha256 -binary | base64`, in the URL-safe alphabet.
        let fingerprint = State::parse("abc").unwrap().fingerprint();
        assert_eq!(fingerprint.as_str(), "ungWv48Bz-pBQUDeXa4iI7ADYaOWF3qctBD_YfIAFa0");
    }

    #[test]
    fn only_a_fingerprint_is_printed() {
        let state = State::parse("abc").unwrap();
        assert_eq!(format!("{state:?}"), "State([redacted])");
        assert_eq!(
            format!("{:?}", state.fingerprint()),
            r#"StateFingerprint("ungWv48Bz-pBQUDeXa4iI7ADYaOWF3qctBD_YfIAFa0")"#
        );
    }

    #[test]
    fn states_and_fingerprints_are_compared_whole() {
        let [abc, abd, ab] = ["abc", "abd", "ab"].map(|state| State::parse(state).unwrap());
        assert!(abc.ct_eq(&abc.clone()));
        assert!(!abc.ct_eq(&abd) && !abc.ct_eq(&ab));
        assert!(abc.fingerprint().ct_eq(&abc.fingerprint()));
        assert!(!abc.fingerprint().ct_eq(&abd.fingerprint()));
        assert!(abc.fingerprint() != abd.fingerprint());
    }

    #[test]
    fn what_is_no_state_is_refused() {
        for text in ["", "caf\u{e9}", "line\nbreak", &"s".repeat(513)] {
            assert!(State::parse(text).is_err(), "{text}");
        }
        // 43 characters, but not of the alphabet; and 32 of it.
        for text in ["+".repeat(43), "A".repeat(32)] {
            assert!(StateFingerprint::parse(&text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_fingerprint_is_read_back() {
        let fingerprint = State::from_random([1; 32]).fingerprint();
        assert_eq!(StateFingerprint::parse(fingerprint.as_str()).unwrap(), fingerprint);
        assert_ne!(fingerprint, State::from_random([2; 32]).fingerprint());
        let json = serde_json::to_string(&fingerprint).unwrap();
        assert_eq!(serde_json::from_str::<StateFingerprint>(&json).unwrap(), fingerprint);
        assert!(serde_json::from_str::<StateFingerprint>("\"short\"").is_err());
    }

    #[test]
    fn other_back_ends_states_are_legal() {
        for state in [
            "0facda3319",
            "eyJpbnN0YW5jZUlkIjoiMSJ9+/==",
            "with space",
            &"s".repeat(512),
        ] {
            assert_eq!(State::parse(state).unwrap().expose(), state);
        }
    }

    #[cfg(feature = "edge")]
    #[test]
    fn no_page_takes_a_state_of_a_log_in_without_javascript_for_one_of_its_own() {
        let state = State::for_login([0; 32]);
        assert_eq!(state.expose(), format!("smartcar-connect-login.{}", "A".repeat(43)));
        assert!(!state.is_marked());
        assert!(!crate::connect::is_callback(&format!(
            "code=c&state={}",
            state.expose()
        )));
    }

    #[test]
    fn only_a_state_that_was_minted_here_has_the_mark() {
        assert!(State::from_random([1; 32]).is_marked());
        for state in [
            "0facda3319",
            &"A".repeat(43),
            "Smartcar-connect.A",
            "smartcar-connect",
            " smartcar-connect.",
        ] {
            assert!(!State::parse(state).unwrap().is_marked(), "{state}");
        }
    }
}
