//! Absolute URLs, taken apart by a parser that follows the URL standard: the JavaScript host's own in the two
//! WebAssembly modules, the `url` crate's everywhere else.

/// A URL in its parts, each as the standard serialises it.
#[derive(Clone, Debug)]
pub(super) struct UrlParts {
    /// Scheme, host and, if it is not the scheme's own, port: no slash at the end.
    pub(super) origin: String,
    pub(super) scheme: String,
    pub(super) host: String,
    pub(super) path: String,
    /// Without the `?`; empty if there is none.
    pub(super) query: String,
    pub(super) has_fragment: bool,
    pub(super) has_credentials: bool,
}

impl UrlParts {
    /// Takes a URL apart; `None` if it is not absolute or has no host.
    #[cfg(not(all(target_arch = "wasm32", target_os = "unknown")))]
    pub(super) fn parse(text: &str) -> Option<Self> {
        let url = url::Url::parse(text).ok()?;
        let host = url.host_str()?.to_owned();
        let port = url.port().map(|port| port.to_string()).unwrap_or_default();
        Some(Self {
            origin: origin(url.scheme(), &host, &port),
            scheme: url.scheme().to_owned(),
            host,
            path: url.path().to_owned(),
            query: url.query().unwrap_or_default().to_owned(),
            has_fragment: url.fragment().is_some(),
            has_credentials: !url.username().is_empty() || url.password().is_some(),
        })
        .filter(|parts| !parts.host.is_empty())
    }

    /// Takes a URL apart; `None` if it is not absolute or has no host.
    #[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
    pub(super) fn parse(text: &str) -> Option<Self> {
        let url = web_sys::Url::new(text).ok()?;
        let (protocol, host, search) = (url.protocol(), url.hostname(), url.search());
        let scheme = protocol.strip_suffix(':')?;
        Some(Self {
            origin: origin(scheme, &host, &url.port()),
            scheme: scheme.to_owned(),
            host,
            path: url.pathname(),
            query: search.strip_prefix('?').unwrap_or_default().to_owned(),
            // An empty one leaves no trace in `hash`.
            has_fragment: text.contains('#'),
            has_credentials: !url.username().is_empty() || !url.password().is_empty(),
        })
        .filter(|parts| !parts.host.is_empty())
    }

    /// Whether only this very machine can answer there.
    pub(super) fn is_loopback(&self) -> bool {
        // A host that ends in a number is an IPv4 address, and its four parts are decimal by now.
        let is_ipv4 = self.host.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
        self.host == "localhost" || self.host == "[::1]" || (is_ipv4 && self.host.starts_with("127."))
    }

    /// The parameters of the query, decoded.
    pub(super) fn query_pairs(&self) -> form_urlencoded::Parse<'_> {
        form_urlencoded::parse(self.query.as_bytes())
    }
}

fn origin(scheme: &str, host: &str, port: &str) -> String {
    let colon = if port.is_empty() { "" } else { ":" };
    [scheme, "://", host, colon, port].concat()
}

/// Puts a query together: each value percent-encoded, so that none can bring a parameter of its own along.
pub(super) struct QueryBuilder(form_urlencoded::Serializer<'static, String>);

impl QueryBuilder {
    /// The query of the page at `path` on `origin`.
    pub(super) fn new(origin: &str, path: &str) -> Self {
        let base = [origin, path, "?"].concat();
        let end = base.len();
        Self(form_urlencoded::Serializer::for_suffix(base, end))
    }

    /// Adds a parameter, if there is a value.
    pub(super) fn set(&mut self, name: &str, value: Option<&str>) {
        if let Some(value) = value {
            self.0.append_pair(name, value);
        }
    }

    /// The whole URL.
    pub(super) fn finish(mut self) -> String {
        self.0.finish()
    }
}
