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

    /// In what the URL differs from this URI with nothing but query parameters added; `None` if in nothing.
    pub(super) fn difference(&self, url: &UrlParts) -> Option<Difference> {
        let own = &self.parts;
        if own.scheme != url.scheme {
            Some(Difference::Scheme)
        } else if own.host != url.host {
            Some(Difference::Host)
        } else if own.origin != url.origin {
            Some(Difference::Port)
        } else if url.path.strip_suffix('/') == Some(own.path.as_str()) {
            Some(Difference::SlashAdded)
        } else if own.path.strip_suffix('/') == Some(url.path.as_str()) {
            Some(Difference::SlashMissing)
        } else if own.path != url.path {
            Some(Difference::Path)
        } else if url.has_credentials {
            Some(Difference::Credentials)
        } else {
            let mut own_pairs = own.query_pairs();
            let has_all = own_pairs.all(|pair| url.query_pairs().any(|other| other == pair));
            (!has_all).then_some(Difference::Query)
        }
    }
}

/// In what a URL differs from the redirect URI that it has to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Difference {
    /// It is no absolute URL.
    NotAUrl,
    /// The scheme.
    Scheme,
    /// The host.
    Host,
    /// The port.
    Port,
    /// The path.
    Path,
    /// Its path has a slash at the end, and the redirect URI's has none.
    SlashAdded,
    /// Its path has no slash at the end, and the redirect URI's has one.
    SlashMissing,
    /// It has a user name or a password.
    Credentials,
    /// A query parameter of the redirect URI is missing, or has another value.
    Query,
}

impl Difference {
    /// What it is and what to do about it, as the end of a sentence.
    pub(super) const fn text(self) -> &'static str {
        match self {
            Self::NotAUrl => "it is no URL; give the whole one that Connect redirected to",
            Self::Scheme => "the scheme differs; behind a proxy, give the URL as the browser sees it",
            Self::Host => "the host differs; behind a proxy, give the URL as the browser sees it",
            Self::Port => "the port differs; behind a proxy, give the URL as the browser sees it",
            Self::Path => "the path differs; give the URL that Connect redirected to",
            Self::SlashAdded => "its path has a `/` at the end; use one spelling everywhere",
            Self::SlashMissing => "its path lacks the `/` at the end; use one spelling everywhere",
            Self::Credentials => "it has a user name or a password",
            Self::Query => "a query parameter of the redirect URI is missing or differs",
        }
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
