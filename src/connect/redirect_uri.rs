//! The redirect URI.

use core::fmt;

use serde::{Deserialize, Serialize};

use super::{
    callback::parameter,
    error::{InvalidValue, Reason},
    origin::{self, Origin},
    url_parts::UrlParts,
};

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
    parts: UrlParts,
}

impl RedirectUri {
    /// Reads a redirect URI.
    ///
    /// # Errors
    /// The reason, if the value is relative, has a fragment, a user name or a password, is plain `http` off loopback or of
    /// another scheme, has a query parameter that Connect adds on its own or one that occurs twice (no callback to it could
    /// be told from a forged one), is not ASCII, or is longer than 2,048 bytes.
    pub fn parse(value: &str) -> Result<Self, InvalidValue> {
        let parts = origin::parse_absolute(value, MAX_BYTES)?;
        check(&parts)?;
        Ok(Self {
            original: value.to_owned(),
            parts,
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
        matches!(self.parts.scheme.as_str(), "https" | "http").then(|| Origin::of(&self.parts))
    }

    /// Whether the URL is this URI with nothing but query parameters added.
    pub(super) fn matches(&self, url: &UrlParts) -> bool {
        self.parts.origin == url.origin
            && self.parts.path == url.path
            && !url.has_credentials
            && self
                .parts
                .query_pairs()
                .all(|pair| url.query_pairs().any(|other| other == pair))
    }
}

fn check(parts: &UrlParts) -> Result<(), Reason> {
    match parts.scheme.as_str() {
        "https" => {}
        "http" if parts.is_loopback() => {}
        "http" => return Err(Reason::Insecure),
        scheme if scheme.len() > 2 && scheme.starts_with("sc") => {}
        _ => return Err(Reason::UnsupportedScheme),
    }
    if parts.has_fragment {
        return Err(Reason::HasFragment);
    }
    if parts.has_credentials {
        return Err(Reason::HasCredentials);
    }
    let mut seen: Vec<_> = Vec::new();
    for (name, _) in parts.query_pairs() {
        if parameter::known_name(&name).is_some() {
            return Err(Reason::ReservedParameter);
        }
        if seen.contains(&name) {
            return Err(Reason::RepeatedParameter);
        }
        seen.push(name);
    }
    Ok(())
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
    type Error = InvalidValue;

    fn try_from(value: String) -> Result<Self, InvalidValue> {
        Self::parse(&value)
    }
}

impl From<RedirectUri> for String {
    fn from(uri: RedirectUri) -> Self {
        uri.original
    }
}
