//! Service keys: what the app's own back end shows.

use core::fmt;
use std::collections::BTreeSet;

use sha2::{Digest as _, Sha256};
use subtle::{Choice, ConstantTimeEq as _};

use super::bearer::bearer_token;
use crate::principal::Principal;

/// The shortest service key, in characters.
const SHORTEST: usize = 32;

/// How many different characters a service key has at least. Of 32 random digits, one in twenty million has fewer.
const FEWEST_DIFFERENT: usize = 6;

/// The keys that open every owner's tokens; none if nobody may.
#[derive(Clone, Debug, Default)]
pub struct ServiceKeys(Vec<KeyDigest>);

/// The SHA-256 of a key: equal lengths, so that the comparison takes the same time for every guess.
#[derive(Clone)]
struct KeyDigest([u8; 32]);

impl fmt::Debug for KeyDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

/// That a request has shown one of the service keys. Only [`ServiceKeys::shown_by`] makes it.
#[derive(Debug)]
pub struct ServiceKey(());

/// The app's own back end, and for whom it calls.
#[derive(Debug)]
pub struct BackEnd {
    /// That it has shown a service key.
    pub key: ServiceKey,
    /// The user whom the request speaks for; `None` if it names nobody.
    pub user: Option<Principal>,
}

/// Why a list of service keys is unusable. No key is repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ServiceKeyError {
    /// Two commas with nothing between them, or one at the start or the end.
    EmptyEntry,
    /// A key has fewer than 32 characters.
    TooShort,
    /// A key was not drawn at random: it has few different characters, repeats a part of itself, or goes through the alphabet.
    Guessable,
}

impl fmt::Display for ServiceKeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::EmptyEntry => "has an empty entry: remove the comma at the start, at the end, or that is doubled",
            Self::TooShort => "has a key of fewer than 32 characters: make one by `openssl rand -base64 32`",
            Self::Guessable => "has a key that can be guessed: make one by `openssl rand -base64 32`",
        })
    }
}

impl core::error::Error for ServiceKeyError {}

impl ServiceKeys {
    /// Reads keys that are separated by commas, each of 32 characters or more; white space around them is ignored.
    ///
    /// # Errors
    /// [`ServiceKeyError`], for the whole list.
    pub fn parse(list: &str) -> Result<Self, ServiceKeyError> {
        list.split(',')
            .map(|key| match key.trim() {
                "" => Err(ServiceKeyError::EmptyEntry),
                key if key.len() < SHORTEST => Err(ServiceKeyError::TooShort),
                key if is_guessable(key.as_bytes()) => Err(ServiceKeyError::Guessable),
                key => Ok(KeyDigest(Sha256::digest(key.as_bytes()).into())),
            })
            .collect::<Result<_, _>>()
            .map(Self)
    }

    /// Whether there is no key at all: then nobody is served by one.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Reads the header `Authorization`, which has to be `Bearer` and one of the keys.
    #[must_use]
    pub fn shown_by(&self, authorization: Option<&str>) -> Option<ServiceKey> {
        self.contains(bearer_token(authorization)?).then_some(ServiceKey(()))
    }

    /// Whether `key` is one of them. Every key is compared, each in constant time.
    #[must_use]
    pub fn contains(&self, key: &str) -> bool {
        let digest: [u8; 32] = Sha256::digest(key.as_bytes()).into();
        let found = self
            .0
            .iter()
            .fold(Choice::from(0), |found, one| found | one.0.ct_eq(&digest));
        found.into()
    }
}

/// Whether nobody's random generator has made the key.
fn is_guessable(key: &[u8]) -> bool {
    let different = key.iter().collect::<BTreeSet<_>>().len();
    let half = key.len() / 2;
    let repeats_itself = (1..=half).any(|period| key.iter().eq(key.iter().take(period).cycle().take(key.len())));
    let pairs = || key.iter().zip(key.iter().skip(1));
    // Most characters follow the one before in the alphabet, forwards or backwards.
    let in_order = pairs().filter(|(one, next)| one.abs_diff(**next) <= 1).count();
    different < FEWEST_DIFFERENT || repeats_itself || in_order.saturating_mul(4) > pairs().count().saturating_mul(3)
}

#[cfg(test)]
mod tests {
    use base64ct::{Base64, Encoding as _};
    use proptest::prelude::*;

    use super::*;

    /// As `openssl rand -hex 16` makes them.
    const KEY: &str = "5f0c81d2a97b4e36180f2dc4b6e97a53";

    #[test]
    fn a_key_that_is_in_the_list_twice_is_accepted() {
        assert!(ServiceKeys::parse(&format!("{KEY},{KEY}")).unwrap().contains(KEY));
    }

    #[test]
    fn just_random_enough_is_enough() {
        // 6 different characters, without a pattern; and 5.
        assert!(!is_guessable(b"ezkqtbqkzetbkezqbtkqezbtqkebztkq"));
        assert!(is_guessable(b"ezkqbzqkezbqkezqbkzqeqbkezqbkzeq"));
        // 24 of 32 pairs in order, which is three quarters; and one more.
        let [enough, too_few] = [25, 26].map(|in_order: u8| {
            let ordered = (0..in_order).map(|n| b'0'.saturating_add(n));
            let others = [b'z', b'!', b'x', b'#', b'v', b'%', b't', b'\''];
            let rest = 33_usize.saturating_sub(usize::from(in_order));
            ordered.chain(others.into_iter().take(rest)).collect::<Vec<u8>>()
        });
        assert!(!is_guessable(&enough));
        assert!(is_guessable(&too_few));
    }

    #[test]
    fn any_key_of_the_list_is_accepted() {
        let (new, old) = (KEY, "ICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj8=");
        let keys = ServiceKeys::parse(&format!("{new}, {old}")).unwrap();
        assert!(keys.contains(new) && keys.contains(old));
        assert!(!keys.is_empty());
        assert!(!keys.contains(&format!("{new}x")) && !keys.contains(&format!("{new}, {old}")));
    }

    #[test]
    fn without_a_key_nobody_is_accepted() {
        assert!(ServiceKeys::default().is_empty() && !ServiceKeys::default().contains(""));
        assert_eq!(ServiceKeys::parse("").unwrap_err(), ServiceKeyError::EmptyEntry);
        assert_eq!(ServiceKeys::parse("short").unwrap_err(), ServiceKeyError::TooShort);
    }

    #[test]
    fn a_key_is_shown_as_a_bearer_token() {
        let key = KEY.to_owned();
        let keys = ServiceKeys::parse(&key).unwrap();
        for shown in [
            format!("Bearer {key}"),
            format!("bearer {key}"),
            format!("BEARER {key}"),
            format!("Bearer    {key}"),
        ] {
            assert!(keys.shown_by(Some(&shown)).is_some(), "{shown}");
        }
        for other in [
            &key,
            &format!("Basic {key}"),
            &format!("Bearer{key}"),
            &format!("Bearer\t{key}"),
            &format!("Bearer {key}x"),
            &format!("Bearer {key} "),
            &format!("Bearer Bearer {key}"),
            "Bearer ",
            "Bearer",
            "",
        ] {
            assert!(keys.shown_by(Some(other)).is_none(), "{other}");
        }
        assert!(keys.shown_by(None).is_none());
        assert!(ServiceKeys::default().shown_by(Some("Bearer ")).is_none());
    }

    #[test]
    fn no_key_is_printed() {
        let keys = ServiceKeys::parse(&format!("{KEY}-hunter3")).unwrap();
        assert_eq!(format!("{keys:?}"), "ServiceKeys([[redacted]])");
    }

    #[test]
    fn a_key_that_nobody_drew_at_random_is_refused() {
        for key in [
            "n".repeat(32),
            "ab".repeat(20),
            "hunter3".repeat(5),
            "0123456789abcdef".repeat(2),
            "changeme-changeme-changeme-changeme".to_owned(),
            "abcdefghijklmnopqrstuvwxyz0123456789".to_owned(),
            "zyxwvutsrqponmlkjihgfedcba9876543210".to_owned(),
            "00000000000000000000000000000000000001".to_owned(),
            "aaaaaaaabbbbbbbbccccccccddddddddeeeeeeeeffffffff".to_owned(),
        ] {
            assert_eq!(
                ServiceKeys::parse(&key).unwrap_err(),
                ServiceKeyError::Guessable,
                "{key}"
            );
            assert_eq!(
                ServiceKeys::parse(&format!("{KEY},{key}")).unwrap_err(),
                ServiceKeyError::Guessable
            );
        }
    }

    proptest! {
        #[test]
        fn a_random_key_is_good(bytes in any::<[u8; 32]>(), digits in "[0-9]{32}") {
            let hex: String = bytes.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
            for key in [Base64::encode_string(&bytes), hex, digits] {
                prop_assert!(ServiceKeys::parse(&key).is_ok(), "{key}");
            }
        }
    }
}
