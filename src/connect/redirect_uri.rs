//! The redirect URI.

use core::fmt;

use super::{
    address::Address,
    callback,
    error::{InvalidParameter, Reason},
    origin::{self, Origin},
};
use serde::{Deserialize, Serialize};

const FIELD: &str = "redirect_uri";
const MAX_BYTES: usize = 2_048;

/// Where Connect sends the owner's browser back to.
///
/// Registered in the Smartcar dashboard and compared there character for character, also when the code is exchanged: the
/// string is kept exactly as given. Allowed are `https`, plain `http` on loopback, and `sc…://host`, the scheme of Smartcar's
/// mobile SDKs (`sc` followed by the application's id).
#[derive(Clone, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RedirectUri {
    original: String,
    address: Address,
}

impl RedirectUri {
    /// Reads a redirect URI.
    ///
    /// # Errors
    /// Names `redirect_uri` if the value is relative, has a fragment, a user name or a password, is plain `http` off loopback
    /// or of another scheme, has a query parameter that Connect adds on its own or one that occurs twice (no callback to it
    /// could be told from a forged one), is not ASCII, or is longer than 2,048 bytes.
    pub fn parse(value: &str) -> Result<Self, InvalidParameter> {
        let address = origin::parse_absolute(FIELD, value, MAX_BYTES)?;
        let fail = |reason| Err(InvalidParameter::new(FIELD, reason));
        match address.scheme.as_str() {
            "https" => {}
            "http" if address.is_loopback() => {}
            "http" => return fail(Reason::Insecure),
            scheme if scheme.len() > 2 && scheme.starts_with("sc") => {}
            _ => return fail(Reason::UnsupportedScheme),
        }
        if address.has_fragment {
            return fail(Reason::HasFragment);
        }
        if address.has_credentials {
            return fail(Reason::HasCredentials);
        }
        let mut seen: Vec<_> = Vec::new();
        for (name, _) in address.query_pairs() {
            if callback::known_name(&name).is_some() {
                return fail(Reason::ReservedParameter);
            }
            if seen.contains(&name) {
                return fail(Reason::RepeatedParameter);
            }
            seen.push(name);
        }
        Ok(Self {
            original: value.to_owned(),
            address,
        })
    }

    /// The URI exactly as given.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.original
    }

    /// The web origin of the URI; `None` for the custom scheme of a mobile app.
    #[must_use]
    pub fn origin(&self) -> Option<Origin> {
        matches!(self.address.scheme.as_str(), "https" | "http").then(|| Origin::of(&self.address))
    }

    /// Whether the address is this URI with nothing but query parameters added.
    pub(super) fn leads_to(&self, address: &Address) -> bool {
        self.address.origin == address.origin
            && self.address.path == address.path
            && !address.has_credentials
            && self
                .address
                .query_pairs()
                .all(|pair| address.query_pairs().any(|other| other == pair))
    }
}

impl PartialEq for RedirectUri {
    fn eq(&self, other: &Self) -> bool {
        self.original == other.original
    }
}

impl Eq for RedirectUri {}

impl core::hash::Hash for RedirectUri {
    fn hash<H: core::hash::Hasher>(&self, state: &mut H) {
        self.original.hash(state);
    }
}

impl fmt::Debug for RedirectUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("RedirectUri").field(&self.original).finish()
    }
}

impl fmt::Display for RedirectUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.original)
    }
}

impl TryFrom<String> for RedirectUri {
    type Error = InvalidParameter;

    fn try_from(value: String) -> Result<Self, InvalidParameter> {
        Self::parse(&value)
    }
}

impl From<RedirectUri> for String {
    fn from(uri: RedirectUri) -> Self {
        uri.original
    }
}
