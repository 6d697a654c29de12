//! Service keys: what the app's own back end shows.

use core::fmt;

use sha2::{Digest as _, Sha256};
use subtle::{Choice, ConstantTimeEq as _};

/// The shortest service key, in characters.
const SHORTEST: usize = 32;

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

/// Why a list of service keys is unusable. No key is repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ServiceKeyError {
    /// Two commas with nothing between them, or one at the start or the end.
    EmptyEntry,
    /// A key has fewer than 32 characters.
    TooShort,
}

impl fmt::Display for ServiceKeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::EmptyEntry => "has an empty entry: remove the comma at the start, at the end, or that is doubled",
            Self::TooShort => "has a key of fewer than 32 characters: make one by `openssl rand -base64 32`",
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
        let key = authorization?.strip_prefix("Bearer ")?;
        self.contains(key).then_some(ServiceKey(()))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_key_of_the_list_is_accepted() {
        let (new, old) = ("n".repeat(32), "o".repeat(44));
        let keys = ServiceKeys::parse(&format!("{new}, {old}")).unwrap();
        assert!(keys.contains(&new) && keys.contains(&old));
        assert!(!keys.contains(&"n".repeat(33)) && !keys.contains(&format!("{new}, {old}")));
    }

    #[test]
    fn without_a_key_nobody_is_accepted() {
        assert!(ServiceKeys::default().is_empty() && !ServiceKeys::default().contains(""));
        assert_eq!(ServiceKeys::parse("").unwrap_err(), ServiceKeyError::EmptyEntry);
        assert_eq!(ServiceKeys::parse("short").unwrap_err(), ServiceKeyError::TooShort);
    }

    #[test]
    fn a_key_is_shown_as_a_bearer_token() {
        let key = "k".repeat(32);
        let keys = ServiceKeys::parse(&key).unwrap();
        assert!(keys.shown_by(Some(&format!("Bearer {key}"))).is_some());
        for other in [
            &key,
            &format!("Basic {key}"),
            &format!("Bearer {key}x"),
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
        let keys = ServiceKeys::parse(&"hunter3".repeat(5)).unwrap();
        assert_eq!(format!("{keys:?}"), "ServiceKeys([[redacted]])");
    }
}
