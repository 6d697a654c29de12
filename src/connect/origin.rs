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
    let (_, rest) = value.split_once("://").ok_or(not_absolute)?;
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

/// Whether only this very machine can answer at `url`.
pub(super) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}
