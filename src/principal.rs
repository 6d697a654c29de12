//! Whose record it is.

use core::fmt;

use base64ct::{Base64UrlUnpadded, Encoding as _};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::connect::{InvalidValue, Reason};

/// The one whom a request speaks for. Every record belongs to exactly one principal.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Principal(String);

/// The longest name of a principal, in bytes.
const MAX_BYTES: usize = 512;

/// What stands before the id of a user.
const USER: &str = "user:";

/// What stands before the hash of an anonymous session's id.
const ANONYMOUS: &str = "anonymous:";

impl Principal {
    /// The principal of an anonymous session. The session's id opens its cookie, so only its hash is kept.
    #[must_use]
    pub fn anonymous(session_id: &[u8; 32]) -> Self {
        let hash = Sha256::new()
            .chain_update(b"smartcar-connect/principal/v1\0")
            .chain_update(session_id)
            .finalize();
        Self([ANONYMOUS, &Base64UrlUnpadded::encode_string(&hash)].concat())
    }

    /// The principal of a user of the app's own, by the id that the app's log-in gives: visible ASCII, at most 507 bytes. No
    /// user's is that of an anonymous session.
    ///
    /// # Errors
    /// The reason, when the id is empty, too long or holds anything but visible ASCII.
    pub fn user(id: &str) -> Result<Self, InvalidValue> {
        if id.is_empty() {
            return Err(Reason::Empty.into());
        }
        let max = MAX_BYTES.saturating_sub(USER.len());
        if id.len() > max {
            return Err(Reason::TooLong { max }.into());
        }
        Self::parse(&[USER, id].concat())
    }

    /// Reads a principal's name, as `POST /internal/token` gives it: visible ASCII, at most 512 bytes.
    ///
    /// # Errors
    /// The reason, when it is empty, too long or holds anything but visible ASCII.
    pub fn parse(name: &str) -> Result<Self, InvalidValue> {
        if name.is_empty() {
            return Err(Reason::Empty.into());
        }
        if name.len() > MAX_BYTES {
            return Err(Reason::TooLong { max: MAX_BYTES }.into());
        }
        if !name.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(Reason::NotVisibleAscii.into());
        }
        Ok(Self(name.to_owned()))
    }

    /// Whether it is the principal of an anonymous session, which nobody but that session comes back to.
    #[must_use]
    pub fn is_anonymous(&self) -> bool {
        self.0.starts_with(ANONYMOUS)
    }

    /// The id that the app's log-in gives the user; `None` for anybody but a user of the app.
    #[must_use]
    pub fn user_id(&self) -> Option<&str> {
        self.0.strip_prefix(USER)
    }

    /// The name, which identifies a person to the app: keep it out of logs.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name of the principal's Durable Object: a hash, so that it does not depend on the key ring and survives
    /// every rotation.
    #[must_use]
    pub fn vault_name(&self) -> String {
        let hash = Sha256::new()
            .chain_update(b"smartcar-connect/vault/v1\0")
            .chain_update(self.0.as_bytes())
            .finalize();
        Base64UrlUnpadded::encode_string(&hash)
    }
}

impl fmt::Debug for Principal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Principal([redacted])")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_is_no_name_is_refused_with_the_reason() {
        let refused = |name: &str| Principal::parse(name).unwrap_err().code();
        assert_eq!(refused(""), "empty");
        assert_eq!(refused(&"p".repeat(513)), "too_long");
        for name in ["josé", "a b", "a\u{7f}", "a\n"] {
            assert_eq!(refused(name), "not_visible_ascii", "{name:?}");
        }
        assert_eq!(Principal::parse("user:42").unwrap().as_str(), "user:42");
    }

    #[test]
    fn a_user_is_named_by_its_id_and_is_nobody_anonymous() {
        let user = Principal::user("auth0|42").unwrap();
        assert_eq!((user.as_str(), user.user_id()), ("user:auth0|42", Some("auth0|42")));
        assert_eq!(Principal::anonymous(&[7; 32]).user_id(), None);
        assert_eq!(Principal::user("").unwrap_err().code(), "empty");
        assert_eq!(Principal::user("josé").unwrap_err().code(), "not_visible_ascii");
        assert!(Principal::user(&"4".repeat(507)).is_ok());
        assert_eq!(Principal::user(&"4".repeat(508)).unwrap_err().code(), "too_long");
        let anonymous = Principal::anonymous(&[7; 32]);
        assert_ne!(Principal::user(anonymous.as_str()).unwrap(), anonymous);
        assert!(anonymous.is_anonymous() && !Principal::user("anonymous:1").unwrap().is_anonymous());
    }
}
