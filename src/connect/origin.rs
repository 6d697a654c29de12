//! The origins of Smartcar, each of which is configuration.

use core::fmt;

use url::{Host, Url};

use super::error::{InvalidParameter, Reason, check_visible_ascii};

const MAX_BYTES: usize = 300;

/// A web origin: scheme, host and, if it is not the scheme's own, port.
///
/// `https`, or plain `http` on loopback (`localhost`, `127.0.0.0/8`, `[::1]`) for local work.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Origin(Url);

impl Origin {
    /// Reads an origin, with or without a slash at its end.
    ///
    /// # Errors
    /// Names `field` if the value is not an absolute URL, is plain `http` off loopback, has anything beyond scheme, host and
    /// port, or is not ASCII (give the host in punycode).
    pub fn parse(field: &'static str, value: &str) -> Result<Self, InvalidParameter> {
        let url = parse_absolute(field, value, MAX_BYTES)?;
        let fail = |reason| Err(InvalidParameter::new(field, reason));
        match url.scheme() {
            "https" => {}
            "http" if is_loopback(&url) => {}
            "http" => return fail(Reason::Insecure),
            _ => return fail(Reason::NotAnOrigin),
        }
        // `@` and `?` alone leave no trace in the parsed URL.
        if url.path() != "/" || value.contains(['@', '?', '#']) {
            return fail(Reason::NotAnOrigin);
        }
        Ok(Self(url))
    }

    /// The origin of a URL that was already found to be good.
    pub(super) fn of(url: &Url) -> Self {
        let mut origin = url.clone();
        origin.set_path("");
        origin.set_query(None);
        origin.set_fragment(None);
        Self(origin)
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

    /// The token endpoint of application tokens (v3): `https://iam.smartcar.com`.
    #[must_use]
    pub fn iam() -> Self {
        Self::production("https://iam.smartcar.com")
    }

    /// The vehicle API of version 2: `https://api.smartcar.com`.
    #[must_use]
    pub fn api() -> Self {
        Self::production("https://api.smartcar.com")
    }

    /// The vehicle API of version 3: `https://vehicle.api.smartcar.com`.
    #[must_use]
    pub fn vehicle_api() -> Self {
        Self::production("https://vehicle.api.smartcar.com")
    }

    /// The management API: `https://management.smartcar.com`.
    #[must_use]
    pub fn management() -> Self {
        Self::production("https://management.smartcar.com")
    }

    #[expect(clippy::expect_used, reason = "six constants, each of which a test reads")]
    fn production(origin: &'static str) -> Self {
        Self(Url::parse(origin).expect("a constant"))
    }

    /// The origin as a browser writes it: lower-case, without a slash at its end.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str().strip_suffix('/').unwrap_or(self.0.as_str())
    }

    /// The URL of a path on this origin. What would end a path (`?`, `#`) is percent-encoded.
    #[must_use]
    pub fn url(&self, path: &str) -> Url {
        let mut url = self.0.clone();
        url.set_path(path);
        url
    }

    /// Whether `url` is on this origin and carries no user name or password.
    #[must_use]
    pub fn contains(&self, url: &Url) -> bool {
        url.scheme() == self.0.scheme()
            && url.host() == self.0.host()
            && url.port_or_known_default() == self.0.port_or_known_default()
            && url.username().is_empty()
            && url.password().is_none()
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
pub struct Origins {
    /// Where Connect runs.
    pub connect: Origin,
    /// The token endpoint of per-owner tokens (v2).
    pub auth: Origin,
    /// The token endpoint of application tokens (v3).
    pub iam: Origin,
    /// The vehicle API of version 2.
    pub api: Origin,
    /// The vehicle API of version 3.
    pub vehicle_api: Origin,
    /// The management API.
    pub management: Origin,
}

impl Default for Origins {
    fn default() -> Self {
        Self {
            connect: Origin::connect(),
            auth: Origin::auth(),
            iam: Origin::iam(),
            api: Origin::api(),
            vehicle_api: Origin::vehicle_api(),
            management: Origin::management(),
        }
    }
}

/// Reads `scheme://host…` strictly. A browser's parser repairs much on the way (`https:host`, `\`, spaces), after which two
/// parties may disagree on what was meant.
pub(super) fn parse_absolute(field: &'static str, value: &str, max: usize) -> Result<Url, InvalidParameter> {
    check_visible_ascii(field, value, max)?;
    let not_absolute = InvalidParameter::new(field, Reason::NotAbsolute);
    let (_, rest) = split_scheme(value).ok_or(not_absolute)?;
    if rest.starts_with(['/', '\\']) {
        return Err(not_absolute);
    }
    if value.contains('\\') {
        return Err(InvalidParameter::new(
            field,
            Reason::Malformed("contains a backslash; use `/`, or `%5C` for the character"),
        ));
    }
    let url = Url::parse(value).map_err(|_| not_absolute)?;
    if url.host_str().is_none_or(str::is_empty) {
        return Err(not_absolute);
    }
    Ok(url)
}

/// The scheme and what follows `://`.
pub(super) fn split_scheme(text: &str) -> Option<(&str, &str)> {
    let (scheme, rest) = text.split_once(':')?;
    Some((scheme, rest.strip_prefix("//")?))
}

/// Whether only this very machine can answer at `url`.
pub(super) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin(value: &str) -> Origin {
        Origin::parse("origin", value).unwrap()
    }

    #[test]
    fn production() {
        let origins = Origins::default();
        for (origin, expected) in [
            (&origins.connect, "https://connect.smartcar.com"),
            (&origins.auth, "https://auth.smartcar.com"),
            (&origins.iam, "https://iam.smartcar.com"),
            (&origins.api, "https://api.smartcar.com"),
            (&origins.vehicle_api, "https://vehicle.api.smartcar.com"),
            (&origins.management, "https://management.smartcar.com"),
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
    fn a_path_stays_a_path() {
        let api = Origin::api();
        assert_eq!(
            api.url("/v2.0/vehicles").as_str(),
            "https://api.smartcar.com/v2.0/vehicles"
        );
        assert_eq!(api.url("/a?b#c").as_str(), "https://api.smartcar.com/a%3Fb%23c");
        assert_eq!(api.url("//evil.test/").as_str(), "https://api.smartcar.com//evil.test/");
    }

    #[test]
    fn what_is_on_an_origin() {
        let contains = |url: &str| Origin::connect().contains(&Url::parse(url).unwrap());
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
