//! The origins of Smartcar, each of which is configuration.

use core::fmt;

use super::{
    error::{InvalidValue, Reason, ValueKind, check_visible_ascii},
    url_parts::UrlParts,
};

const MAX_BYTES: usize = 300;

/// A web origin: scheme, host and, if it is not the scheme's own, port.
///
/// `https`, or plain `http` on loopback (`localhost`, `127.0.0.0/8`, `[::1]`) for local work.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Origin(String);

impl Origin {
    /// Reads an origin, with or without a slash at its end.
    ///
    /// # Errors
    /// The reason, if the value is not an absolute URL, is plain `http` off loopback, has anything beyond scheme, host and
    /// port, or is not ASCII (give the host in punycode).
    pub fn parse(value: &str) -> Result<Self, InvalidValue> {
        let parts = parse_absolute(value, MAX_BYTES)?;
        match parts.scheme.as_str() {
            "https" => {}
            "http" if parts.is_loopback() => {}
            "http" => return Err(Reason::Insecure.into()),
            _ => return Err(Reason::NotAnOrigin.into()),
        }
        // `@` and `?` alone leave no trace in the parsed URL.
        if parts.path != "/" || value.contains(['@', '?', '#']) {
            return Err(Reason::NotAnOrigin.into());
        }
        Ok(Self(parts.origin))
    }

    /// The origin of `url`, whatever else the URL has; `None` if it is not absolute, or is plain `http` off loopback.
    #[must_use]
    pub fn of_url(url: &str) -> Option<Self> {
        let parts = UrlParts::parse(url)?;
        let is_secure = parts.scheme == "https" || (parts.scheme == "http" && parts.is_loopback());
        is_secure.then_some(Self(parts.origin))
    }

    /// The origin of a URL that was already found to be good.
    pub(super) fn of(parts: &UrlParts) -> Self {
        Self(parts.origin.clone())
    }

    /// Where Connect runs: `https://connect.smartcar.com`.
    #[must_use]
    pub fn connect() -> Self {
        Self::production("https://connect.smartcar.com")
    }

    /// The token endpoint of per-owner tokens (v2): `https://auth.smartcar.com`.
    #[must_use]
    pub fn auth() -> Self {
        Self::production("https://auth.smartcar.com")
    }

    /// The vehicle API of version 2: `https://api.smartcar.com`.
    #[must_use]
    pub fn api() -> Self {
        Self::production("https://api.smartcar.com")
    }

    /// The token endpoint of the application's own token (v3): `https://iam.smartcar.com`.
    #[must_use]
    pub fn iam() -> Self {
        Self::production("https://iam.smartcar.com")
    }

    /// The vehicle API of version 3: `https://vehicle.api.smartcar.com`.
    #[must_use]
    pub fn vehicle() -> Self {
        Self::production("https://vehicle.api.smartcar.com")
    }

    fn production(origin: &'static str) -> Self {
        Self(origin.to_owned())
    }

    /// The origin as a browser writes it: lower-case, without a slash at its end.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether pages of both may be of one site, so that a browser sends the cookies of one to the other: the schemes are equal,
    /// and the hosts are, or end in the same two labels. Whether such a site may be had by anybody (`co.uk`) is not known
    /// here: in doubt, they may, and a browser can be asked about the [domain that they share](Self::shared_domain).
    #[must_use]
    pub fn may_share_site(&self, other: &Self) -> bool {
        let (Some((scheme, host)), Some((other_scheme, other_host))) =
            (self.scheme_and_host(), other.scheme_and_host())
        else {
            return false;
        };
        let site = |host: &str| -> Option<String> {
            let mut labels = host.rsplit('.');
            let (last, before) = (labels.next()?, labels.next()?);
            // The last label of an address is a number, and addresses share no site.
            (!last.bytes().all(|byte| byte.is_ascii_digit())).then(|| [before, ".", last].concat())
        };
        let has_same_site = || site(host).is_some_and(|own| site(other_host) == Some(own));
        scheme == other_scheme && (host == other_host || has_same_site())
    }

    /// The longest domain that both hosts are at or below, if they are two hosts. They are of one site unless it is one below which
    /// anybody may have a host.
    #[must_use]
    pub fn shared_domain(&self, other: &Self) -> Option<&str> {
        let ((_, host), (_, other)) = (self.scheme_and_host()?, other.scheme_and_host()?);
        let is_within = |host: &str, domain: &str| {
            let below = host.strip_suffix(domain);
            below.is_some_and(|below| below.is_empty() || below.ends_with('.'))
        };
        let ends = host
            .match_indices('.')
            .filter_map(|(dot, _)| host.get(dot.checked_add(1)?..));
        let shared = [host].into_iter().chain(ends).find(|domain| is_within(other, domain));
        shared.filter(|_| host != other)
    }

    fn scheme_and_host(&self) -> Option<(&str, &str)> {
        let (scheme, rest) = split_scheme(&self.0)?;
        let host = match rest.rsplit_once(':') {
            Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
            _ => rest,
        };
        Some((scheme, host))
    }

    /// Whether the URL is on this origin and carries no user name or password.
    pub(super) fn has(&self, parts: &UrlParts) -> bool {
        parts.origin == self.0 && !parts.has_credentials
    }
}

impl fmt::Debug for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Origin").field(&self.as_str()).finish()
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Every origin of Smartcar that this crate speaks to. The default is production.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Origins {
    /// Where Connect runs.
    pub connect: Origin,
    /// The token endpoint of per-owner tokens (v2).
    pub auth: Origin,
    /// The vehicle API of version 2.
    pub api: Origin,
    /// The token endpoint of the application's own token (v3).
    pub iam: Origin,
    /// The vehicle API of version 3.
    pub vehicle: Origin,
}

impl Default for Origins {
    fn default() -> Self {
        Self {
            connect: Origin::connect(),
            auth: Origin::auth(),
            api: Origin::api(),
            iam: Origin::iam(),
            vehicle: Origin::vehicle(),
        }
    }
}

/// Reads `scheme://host…` strictly. A browser's parser repairs much on the way (`https:host`, `\`, spaces), after which two
/// parties may disagree on what was meant.
pub(super) fn parse_absolute(value: &str, max: usize) -> Result<UrlParts, Reason> {
    check_visible_ascii(value, max, ValueKind::Url)?;
    let (_, rest) = split_scheme(value).ok_or(Reason::NotAbsolute)?;
    if rest.starts_with(['/', '\\']) {
        return Err(Reason::NotAbsolute);
    }
    if value.contains('\\') {
        return Err(Reason::Malformed(
            "contains a backslash; use `/`, or `%5C` for the character",
        ));
    }
    UrlParts::parse(value).ok_or(Reason::NotAbsolute)
}

/// The scheme and what follows `://`.
fn split_scheme(text: &str) -> Option<(&str, &str)> {
    let (scheme, rest) = text.split_once(':')?;
    Some((scheme, rest.strip_prefix("//")?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin(value: &str) -> Origin {
        Origin::parse(value).unwrap()
    }

    #[test]
    fn production() {
        let origins = Origins::default();
        for (origin, expected) in [
            (&origins.connect, "https://connect.smartcar.com"),
            (&origins.auth, "https://auth.smartcar.com"),
            (&origins.api, "https://api.smartcar.com"),
            (&origins.iam, "https://iam.smartcar.com"),
            (&origins.vehicle, "https://vehicle.api.smartcar.com"),
        ] {
            assert_eq!(origin.as_str(), expected);
            assert_eq!(*origin, self::origin(expected));
        }
    }

    #[test]
    fn one_spelling_for_each_origin() {
        for value in ["https://a.example", "https://a.example/", "HTTPS://A.Example:443"] {
            assert_eq!(origin(value).as_str(), "https://a.example");
        }
        assert_eq!(origin("http://localhost:8787/").to_string(), "http://localhost:8787");
        assert_eq!(origin("http://[::1]:9").as_str(), "http://[::1]:9");
        assert_eq!(
            format!("{:?}", origin("https://a.example/")),
            "Origin(\"https://a.example\")"
        );
    }

    #[test]
    fn only_this_machine_is_loopback() {
        for value in [
            "http://localhost",
            "http://127.0.0.1:8787",
            "http://127.255.255.254",
            "http://127.1",
            "http://0x7f.1",
            "http://[::1]:9",
        ] {
            assert!(
                Origin::parse(value).is_ok() && Origin::of_url(value).is_some(),
                "{value}"
            );
        }
        for value in [
            "http://127.evil.example",
            "http://127.0.0.1.evil.example",
            "http://localhost.evil.example",
            "http://128.0.0.1",
            "http://12.7.0.0",
            "http://[::2]",
            "http://evil.example",
        ] {
            assert_eq!(Origin::parse(value).unwrap_err().code(), "insecure", "{value}");
            assert_eq!(Origin::of_url(value), None, "{value}");
        }
    }

    #[test]
    fn what_may_be_of_one_site() {
        let shares = |one: &str, other: &str| origin(one).may_share_site(&origin(other));
        for (one, other) in [
            ("https://app.example.com", "https://app.example.com:8443"),
            ("https://app.example.com", "https://api.example.com"),
            ("https://example.com", "https://a.b.example.com"),
            ("http://localhost:1", "http://localhost:2"),
            ("http://127.0.0.1:1", "http://127.0.0.1:2"),
            ("http://[::1]:1", "http://[::1]"),
        ] {
            assert!(shares(one, other) && shares(other, one), "{one} {other}");
        }
        for (one, other) in [
            ("https://example.com", "https://example.org"),
            ("https://a.example", "https://b.example.com"),
            ("http://localhost:1", "http://127.0.0.1:1"),
            ("http://127.0.0.1", "http://127.1.0.1"),
            ("http://localhost:1", "https://localhost:1"),
            ("http://[::1]:1", "http://localhost:1"),
        ] {
            assert!(!shares(one, other) && !shares(other, one), "{one} {other}");
        }
    }

    #[test]
    fn two_hosts_share_the_longest_domain_that_both_are_below() {
        for (one, other, shared) in [
            ("https://a.co.uk", "https://b.co.uk", Some("co.uk")),
            (
                "https://app.example.com",
                "https://api.eu.example.com:8443",
                Some("example.com"),
            ),
            ("https://example.com", "https://app.example.com", Some("example.com")),
            (
                "https://a.b.example.com",
                "https://c.b.example.com",
                Some("b.example.com"),
            ),
            ("https://notexample.com", "https://example.com", Some("com")),
            ("https://example.com", "https://example.org", None),
            ("https://app.example.com", "https://app.example.com:8443", None),
            ("http://localhost:1", "http://127.0.0.1:1", None),
        ] {
            assert_eq!(origin(one).shared_domain(&origin(other)), shared, "{one} {other}");
            assert_eq!(origin(other).shared_domain(&origin(one)), shared, "{other} {one}");
        }
    }

    #[test]
    fn what_is_on_an_origin() {
        let contains = |url: &str| Origin::connect().has(&UrlParts::parse(url).unwrap());
        assert!(contains("https://connect.smartcar.com/a?b#c"));
        assert!(contains("https://connect.smartcar.com:443"));
        for url in [
            "http://connect.smartcar.com/",
            "https://connect.smartcar.com:444/",
            "https://connect.smartcar.com.evil.test/",
            "https://connect.smartcar.com@evil.test/",
            "https://user@connect.smartcar.com/",
            "https://:password@connect.smartcar.com/",
        ] {
            assert!(!contains(url), "{url}");
        }
    }
}
