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

    /// In what the URL of a callback differs from this URI with parameters added; `None` if in nothing. A callback that is
    /// given as a path or a query alone does not say where it came to.
    #[must_use]
    pub fn callback_difference(&self, callback: &str) -> Option<Difference> {
        UrlParts::parse(callback).and_then(|url| self.difference(&url))
    }

    /// Whether the page at this URI can be known to the Worker as the browser that starts on `page`: what it is known by is
    /// the cookie of the Worker's host, which no page of another site sends. `shared_edge` is the Worker's origin if the app
    /// names it as one for all of its pages; without it, each page asks its own origin.
    #[must_use]
    pub fn can_finish(&self, page: &Origin, shared_edge: Option<&Origin>) -> bool {
        let Some(own) = self.origin() else { return false };
        own == *page || shared_edge.is_some_and(|edge| own.may_share_site(edge))
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

#[cfg(test)]
mod tests {
    use super::*;

    fn uri(value: &str) -> RedirectUri {
        RedirectUri::parse(value).unwrap()
    }

    fn origin(value: &str) -> Origin {
        Origin::parse(value).unwrap()
    }

    #[test]
    fn a_callback_that_says_where_it_came_to_came_to_the_redirect_uri() {
        let cars = uri("https://app.example.com/cars?tenant=7");
        for callback in [
            "https://app.example.com/cars?tenant=7&code=c&state=s",
            "https://app.example.com/cars?code=c&state=s&tenant=7#part",
            "https://app.example.com:443/x/../cars?code=c&tenant=7",
            // These do not say.
            "code=c&state=s",
            "?code=c&state=s",
            "/cars?code=c&state=s",
            "",
        ] {
            assert_eq!(cars.callback_difference(callback), None, "{callback}");
        }
        for callback in [
            "https://evil.example/cars?tenant=7&code=c&state=s",
            "https://app.example.com/cars/?tenant=7&code=c",
            "https://app.example.com/cars?tenant=8&code=c",
            "http://app.example.com/cars?tenant=7&code=c",
            "https://x@app.example.com/cars?tenant=7&code=c",
        ] {
            assert!(cars.callback_difference(callback).is_some(), "{callback}");
        }
    }

    #[test]
    fn each_page_that_asks_its_own_origin_finishes_what_it_started() {
        let page = origin("https://www.app.example.com");
        assert!(uri("https://www.app.example.com/cars").can_finish(&page, None));
        for elsewhere in [
            "https://app.example.com/cars",
            "https://www.app.example.com:8443/cars",
            "sc8229df9f-91a0-4ff0-a1ae-a1f38ee24d07://back",
        ] {
            assert!(!uri(elsewhere).can_finish(&page, None), "{elsewhere}");
        }
    }

    #[test]
    fn pages_of_one_site_finish_for_each_other_where_they_share_a_worker() {
        let page = origin("https://www.example.com");
        let edge = origin("https://api.example.com");
        for redirect in [
            "https://app.example.com/cars",
            "https://example.com/",
            "https://www.example.com/x",
        ] {
            assert!(uri(redirect).can_finish(&page, Some(&edge)), "{redirect}");
        }
        for redirect in [
            "https://example.org/cars",
            "http://localhost:5173/",
            "https://app.example.com.evil.test/",
        ] {
            assert!(!uri(redirect).can_finish(&page, Some(&edge)), "{redirect}");
        }
        let local = origin("http://localhost:5173");
        assert!(uri("http://localhost:3000/").can_finish(&local, Some(&origin("http://localhost:8787"))));
        assert!(!uri("http://127.0.0.1:3000/").can_finish(&local, Some(&origin("http://localhost:8787"))));
    }
}
