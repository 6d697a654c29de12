//! The id of a connection.

use core::fmt;

use base64ct::{Base64UrlUnpadded, Encoding as _};
use serde::{Deserialize, Serialize};

/// Names one connection (one grant) of one principal: 22 characters of base64url, random. It opens nothing by itself.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ConnectionId(String);

/// A text that is not a connection id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidConnectionId;

impl fmt::Display for InvalidConnectionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a connection id is 22 characters of base64url")
    }
}

impl core::error::Error for InvalidConnectionId {}

impl ConnectionId {
    /// An id of 16 random bytes.
    #[must_use]
    pub fn from_random(bytes: [u8; 16]) -> Self {
        Self(Base64UrlUnpadded::encode_string(&bytes))
    }

    /// Reads an id.
    ///
    /// # Errors
    /// [`InvalidConnectionId`] for anything that [`from_random`](Self::from_random) does not make.
    pub fn parse(text: &str) -> Result<Self, InvalidConnectionId> {
        match Base64UrlUnpadded::decode_vec(text) {
            Ok(bytes) if bytes.len() == 16 => Ok(Self(text.to_owned())),
            _ => Err(InvalidConnectionId),
        }
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for ConnectionId {
    type Error = InvalidConnectionId;

    fn try_from(text: String) -> Result<Self, InvalidConnectionId> {
        Self::parse(&text)
    }
}

impl From<ConnectionId> for String {
    fn from(id: ConnectionId) -> Self {
        id.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_minted_is_an_id() {
        let id = ConnectionId::from_random([7; 16]);
        assert_eq!(ConnectionId::parse(id.as_str()), Ok(id));
        for other in [
            "",
            "a",
            "../../etc/passwd",
            "BwcHBwcHBwcHBwcHBwcHBwc",
            "BwcHBwcHBwcHBwcHBwcHB+",
        ] {
            assert_eq!(ConnectionId::parse(other), Err(InvalidConnectionId), "{other}");
        }
    }
}
