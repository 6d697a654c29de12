//! Which requests may change anything: no other site's page can cause one.

use crate::{
    connect::Origin,
    edge::problem::Problem,
    http_api::{ProblemCode, header},
};

/// What the guard looks at.
#[derive(Clone, Copy, Debug, Default)]
pub struct RequestHead<'a> {
    /// The header `Origin`.
    pub origin: Option<&'a str>,
    /// The header `Sec-Fetch-Site`.
    pub sec_fetch_site: Option<&'a str>,
    /// The header `X-Requested-With`.
    pub requested_with: Option<&'a str>,
    /// The header `Content-Type`.
    pub content_type: Option<&'a str>,
    /// Whether the request has to have a body.
    pub has_body: bool,
}

/// Whether `origin`, a header's value, is the Worker's own or one of the allowed. Compared as a whole: no prefix counts.
#[must_use]
pub fn is_allowed_origin(origin: &str, own: &str, allowed: &[Origin]) -> bool {
    origin == own || allowed.iter().any(|one| one.as_str() == origin)
}

/// Whether a request may change anything.
///
/// # Errors
/// The [`Problem`] to answer with.
pub fn may_change_state(head: &RequestHead<'_>, own: &str, allowed: &[Origin]) -> Result<(), Problem> {
    let from_here = match head.origin {
        Some(origin) => is_allowed_origin(origin, own, allowed),
        // Browsers that leave `Origin` out send this instead; programs send neither and need an `Origin`.
        None => head.sec_fetch_site == Some("same-origin"),
    };
    if !from_here {
        let seen = match head.origin.filter(|origin| is_printable(origin)) {
            Some(origin) => ["`Origin` is `", origin, "`"].concat(),
            None => "there is no `Origin`".to_owned(),
        };
        let detail = [
            seen.as_str(),
            "; allowed are `",
            own,
            "`, the Worker's own, and `ALLOWED_ORIGINS`: add the page's there if it is yours",
        ]
        .concat();
        return Err(Problem::new(ProblemCode::OriginNotAllowed, detail).with_field("Origin"));
    }
    if head.requested_with != Some(header::REQUESTED_WITH_VALUE) {
        let detail = [
            "send the header `",
            header::REQUESTED_WITH,
            ": ",
            header::REQUESTED_WITH_VALUE,
            "`",
        ]
        .concat();
        return Err(Problem::new(ProblemCode::HeaderMissing, detail).with_field(header::REQUESTED_WITH));
    }
    if head.has_body && !head.content_type.is_some_and(is_json) {
        let detail = "send the body as `Content-Type: application/json`";
        return Err(Problem::new(ProblemCode::UnsupportedMediaType, detail).with_field(header::CONTENT_TYPE));
    }
    Ok(())
}

/// Whether a value of a header may be repeated: an origin is short and visible ASCII.
fn is_printable(origin: &str) -> bool {
    origin.len() <= 128 && origin.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'`')
}

fn is_json(content_type: &str) -> bool {
    let essence = content_type.split(';').next().unwrap_or_default().trim();
    essence.eq_ignore_ascii_case(header::JSON)
}

#[cfg(test)]
mod tests {
    use super::*;

    const OWN: &str = "https://app.example";

    fn good() -> RequestHead<'static> {
        RequestHead {
            origin: Some(OWN),
            sec_fetch_site: Some("same-origin"),
            requested_with: Some("smartcar-connect"),
            content_type: Some("application/json; charset=utf-8"),
            has_body: true,
        }
    }

    fn code(head: &RequestHead<'_>) -> Option<&'static str> {
        let allowed = [Origin::parse("https://www.example").unwrap()];
        may_change_state(head, OWN, &allowed)
            .err()
            .map(|problem| problem.code.as_str())
    }

    #[test]
    fn our_own_pages_and_the_allowed_may() {
        assert_eq!(code(&good()), None);
        assert_eq!(
            code(&RequestHead {
                origin: Some("https://www.example"),
                sec_fetch_site: Some("cross-site"),
                ..good()
            }),
            None
        );
        assert_eq!(code(&RequestHead { origin: None, ..good() }), None);
        assert_eq!(
            code(&RequestHead {
                content_type: None,
                has_body: false,
                ..good()
            }),
            None
        );
    }

    #[test]
    fn other_sites_may_not() {
        for origin in [
            "https://evil.example",
            "https://app.example.evil",
            "https://app.exampl",
            "http://app.example",
            "https://app.example:8443",
            "https://www.example.org",
            "null",
            "",
        ] {
            assert_eq!(
                code(&RequestHead {
                    origin: Some(origin),
                    ..good()
                }),
                Some("origin_not_allowed"),
                "{origin}"
            );
        }
        for site in [None, Some("same-site"), Some("cross-site"), Some("none"), Some("")] {
            let head = RequestHead {
                origin: None,
                sec_fetch_site: site,
                ..good()
            };
            assert_eq!(code(&head), Some("origin_not_allowed"), "{site:?}");
        }
    }

    #[test]
    fn forms_may_not() {
        assert_eq!(
            code(&RequestHead {
                requested_with: None,
                ..good()
            }),
            Some("header_missing")
        );
        assert_eq!(
            code(&RequestHead {
                requested_with: Some("XMLHttpRequest"),
                ..good()
            }),
            Some("header_missing")
        );
        for content_type in [
            None,
            Some("text/plain"),
            Some("application/x-www-form-urlencoded"),
            Some("application/jsonx"),
            Some(""),
        ] {
            assert_eq!(
                code(&RequestHead { content_type, ..good() }),
                Some("unsupported_media_type"),
                "{content_type:?}"
            );
        }
    }
}
