//! The head of a request, as the Worker's JavaScript hands it over: in one piece, since each way between JavaScript and
//! WebAssembly costs more than what is done with what came.

use core::fmt;

use zeroize::Zeroizing;

use crate::{connect::Origin, edge::guard::CsrfHeaders};

/// Method, URL, the headers that the Worker reads, and whether there is a body, a line each. Before the value of a header that
/// is there stands a colon, since a value may be empty. No part of a request's head can hold a line feed.
///
/// Wiped on drop, and printed without credentials: `Cookie` and `Authorization` are among the headers.
pub struct RequestHead(Zeroizing<String>);

/// The lines. `worker/src/http.js` writes them in this order.
#[derive(Clone, Copy)]
enum Line {
    Method,
    Url,
    Authorization,
    ContentType,
    Cookie,
    Origin,
    SecFetchSite,
    RequestedWith,
    User,
    ScSignature,
    Body,
}

impl RequestHead {
    /// Takes the lines over.
    #[must_use]
    pub fn from_lines(lines: String) -> Self {
        Self(Zeroizing::new(lines))
    }

    fn line(&self, line: Line) -> Option<&str> {
        self.0.split('\n').nth(line as usize)
    }

    fn header(&self, line: Line) -> Option<&str> {
        self.line(line)?.strip_prefix(':')
    }

    /// The method, in capitals where it is one of HTTP's own.
    #[must_use]
    pub fn method(&self) -> &str {
        self.line(Line::Method).unwrap_or_default()
    }

    fn url(&self) -> &str {
        self.line(Line::Url).unwrap_or_default()
    }

    /// The path, percent-encoded as it was sent. The platform gives URLs as the standard serialises them: the first slash
    /// after the host begins the path, and no `?` or `#` is left in it.
    #[must_use]
    pub fn path(&self) -> &str {
        let after_host = self.url().split_once("://").map_or("", |(_, rest)| rest);
        let path = after_host.find('/').and_then(|start| after_host.get(start..));
        path.and_then(|path| path.split(['?', '#']).next()).unwrap_or("/")
    }

    /// What follows the first question mark of the URL, as it was sent, without a fragment; `None` if there is no question mark.
    #[must_use]
    pub fn query(&self) -> Option<&str> {
        let before_fragment = self.url().split('#').next().unwrap_or_default();
        before_fragment.split_once('?').map(|(_, query)| query)
    }

    /// The origin that the request was sent to; `None` over plain `http` off loopback, where no browser keeps the session.
    #[must_use]
    pub fn own_origin(&self) -> Option<Origin> {
        Origin::of_url(self.url())
    }

    /// The port that the request was sent to, if it is not the scheme's own.
    #[must_use]
    pub fn port(&self) -> Option<&str> {
        let authority = self.url().split_once("://")?.1.split(['/', '?', '#']).next()?;
        let (_, port) = authority.rsplit_once(':')?;
        // An address of IPv6 has colons of its own, in brackets.
        (!port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit())).then_some(port)
    }

    /// Whether a body comes with the request; it may be empty.
    #[must_use]
    pub fn has_body(&self) -> bool {
        self.header(Line::Body).is_some()
    }

    /// The header `Authorization`.
    #[must_use]
    pub fn authorization(&self) -> Option<&str> {
        self.header(Line::Authorization)
    }

    /// The header `Cookie`.
    #[must_use]
    pub fn cookie(&self) -> Option<&str> {
        self.header(Line::Cookie)
    }

    /// The header `Origin`.
    #[must_use]
    pub fn origin(&self) -> Option<&str> {
        self.header(Line::Origin)
    }

    /// The header that names the user for whom a back end calls.
    #[must_use]
    pub fn user(&self) -> Option<&str> {
        self.header(Line::User)
    }

    /// The header `SC-Signature`, with which Smartcar signs webhooks.
    #[must_use]
    pub fn sc_signature(&self) -> Option<&str> {
        self.header(Line::ScSignature)
    }

    /// The header `Content-Type`.
    #[must_use]
    pub fn content_type(&self) -> Option<&str> {
        self.header(Line::ContentType)
    }

    /// What `check_csrf` looks at.
    #[must_use]
    pub fn csrf_headers(&self) -> CsrfHeaders<'_> {
        CsrfHeaders {
            origin: self.origin(),
            sec_fetch_site: self.header(Line::SecFetchSite),
            requested_with: self.header(Line::RequestedWith),
        }
    }
}

impl fmt::Debug for RequestHead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RequestHead")
            .field("method", &self.method())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(url: &str) -> RequestHead {
        RequestHead::from_lines(format!("GET\n{url}\n\n\n\n\n\n\n"))
    }

    #[test]
    fn the_path_is_what_is_between_host_and_query() {
        for (url, path) in [
            ("https://app.example/", "/"),
            ("https://app.example/smartcar/healthz", "/smartcar/healthz"),
            ("https://app.example:8443/smartcar/healthz?a=/b#c", "/smartcar/healthz"),
            ("https://app.example/a%3F%23%2Fb?c", "/a%3F%23%2Fb"),
            ("https://app.example/a//b/", "/a//b/"),
            ("https://app.example/#/b?c", "/"),
            ("https://app.example", "/"),
            ("", "/"),
        ] {
            assert_eq!(at(url).path(), path, "{url}");
        }
    }

    #[test]
    fn the_query_is_what_follows_the_path() {
        for (url, query) in [
            ("https://app.example/a", None),
            ("https://app.example/a?", Some("")),
            ("https://app.example/a?b=c&d", Some("b=c&d")),
            ("https://app.example/a?b?c#d", Some("b?c")),
            ("https://app.example/a#b?c", None),
        ] {
            assert_eq!(at(url).query(), query, "{url}");
        }
    }

    #[test]
    fn the_own_origin_is_as_a_browser_writes_it() {
        for (url, origin) in [
            (
                "https://app.example/smartcar/healthz?x=https://evil.example",
                Some("https://app.example"),
            ),
            ("https://app.example:8443/", Some("https://app.example:8443")),
            ("http://127.0.0.1:8787/", Some("http://127.0.0.1:8787")),
            ("http://app.example/", None),
            ("", None),
        ] {
            let own = at(url).own_origin();
            assert_eq!(own.as_ref().map(Origin::as_str), origin, "{url}");
        }
    }

    #[test]
    fn the_port_is_what_the_url_says() {
        for (url, port) in [
            ("http://localhost:8787/a:1", Some("8787")),
            ("https://app.example/", None),
            ("https://app.example/?x=y:80", None),
            ("http://[::1]:8787/", Some("8787")),
            ("http://[::1]/", None),
            ("http://localhost:8787", Some("8787")),
            ("", None),
        ] {
            assert_eq!(at(url).port(), port, "{url}");
        }
    }

    #[test]
    fn an_empty_header_is_there_and_a_missing_one_is_not() {
        let lines =
            "POST\nhttps://app.example/\n:Bearer k\n:application/json\n:a=1; b=2\n:\n:same-origin\n:x\n:42\n:ab\n:";
        let head = RequestHead::from_lines(lines.to_owned());
        assert_eq!(head.method(), "POST");
        assert_eq!(head.authorization(), Some("Bearer k"));
        assert_eq!(head.cookie(), Some("a=1; b=2"));
        assert_eq!(head.origin(), Some(""));
        let CsrfHeaders {
            origin,
            sec_fetch_site,
            requested_with,
        } = head.csrf_headers();
        assert_eq!(origin, Some(""));
        assert_eq!(sec_fetch_site, Some("same-origin"));
        assert_eq!(requested_with, Some("x"));
        assert_eq!(head.content_type(), Some("application/json"));
        assert_eq!((head.user(), head.sc_signature()), (Some("42"), Some("ab")));
        assert!(head.has_body());
        let bare = at("https://app.example/");
        assert_eq!((bare.authorization(), bare.cookie(), bare.origin()), (None, None, None));
        assert_eq!((bare.content_type(), bare.user()), (None, None));
        assert!(!bare.has_body());
    }

    #[test]
    fn no_credential_is_printed() {
        let head = RequestHead::from_lines("GET\nhttps://app.example/?code=hunter2\n:Bearer hunter2".to_owned());
        assert_eq!(format!("{head:?}"), r#"RequestHead { method: "GET", .. }"#);
    }
}
