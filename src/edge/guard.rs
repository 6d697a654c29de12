//! Which requests may change anything: no other site's page can cause one.

use crate::{
    connect::Origin,
    edge::{problem::Problem, route::Resource},
    http_api::{ProblemCode, header},
    identity::Identity,
};

/// The headers that show whether another site's page caused a request (cross-site request forgery).
#[derive(Clone, Copy, Debug, Default)]
pub struct CsrfHeaders<'a> {
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
pub fn is_allowed_origin(origin: &str, own: Option<&Origin>, allowed: &[Origin]) -> bool {
    own.into_iter().chain(allowed).any(|one| one.as_str() == origin)
}

/// Whether [`check_csrf`] has to be asked: the request changes something, and its credential is one that a browser sends by
/// itself, or there is none yet. Any other credential is one that only its owner can send.
#[must_use]
pub fn needs_csrf_check(resource: &Resource, identity: Option<&Identity>) -> bool {
    resource.changes_state() && identity.is_none_or(Identity::is_ambient)
}

/// Refuses what a page of another site may have caused. `own` is the Worker's own origin, if pages can be served from it.
///
/// # Errors
/// The [`Problem`] to answer with.
pub fn check_csrf(head: &CsrfHeaders<'_>, own: Option<&Origin>, allowed: &[Origin]) -> Result<(), Problem> {
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
        let ours = own.map_or_else(String::new, |own| {
            ["`", own.as_str(), "`, the Worker's own, and "].concat()
        });
        let detail = [
            seen.as_str(),
            "; allowed are ",
            &ours,
            "`ALLOWED_ORIGINS`: add the page's there if it is yours",
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

/// What a request is told that needs an owner and shows no credential of one. To it there is no connection; a callback can
/// only be finished by the browser that started it, so that one is told what it lacks.
#[must_use]
pub fn without_identity(resource: &Resource) -> Problem {
    match resource {
        Resource::ShowConnection(_) | Resource::Disconnect(_) => Problem::connection_not_found(),
        _ => {
            let detail = "the session cookie is missing or has ended: start the connection again in this browser, \
                          and allow cookies";
            Problem::new(ProblemCode::SessionMissing, detail)
        }
    }
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
    use crate::{
        connect::ConnectionId,
        identity::{ServiceKeys, Session, SessionLimits},
        time::{Millis, UnixMillis},
    };

    const OWN: &str = "https://app.example";

    fn good() -> CsrfHeaders<'static> {
        CsrfHeaders {
            origin: Some(OWN),
            sec_fetch_site: Some("same-origin"),
            requested_with: Some("smartcar-connect"),
            content_type: Some("application/json; charset=utf-8"),
            has_body: true,
        }
    }

    fn origin(text: &str) -> Origin {
        Origin::parse(text).unwrap()
    }

    fn code(head: &CsrfHeaders<'_>) -> Option<&'static str> {
        check_csrf(head, Some(&origin(OWN)), &[origin("https://www.example")])
            .err()
            .map(|problem| problem.code.as_str())
    }

    #[test]
    fn our_own_pages_and_the_allowed_may() {
        assert_eq!(code(&good()), None);
        assert_eq!(
            code(&CsrfHeaders {
                origin: Some("https://www.example"),
                sec_fetch_site: Some("cross-site"),
                ..good()
            }),
            None
        );
        assert_eq!(code(&CsrfHeaders { origin: None, ..good() }), None);
        assert_eq!(
            code(&CsrfHeaders {
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
                code(&CsrfHeaders {
                    origin: Some(origin),
                    ..good()
                }),
                Some("origin_not_allowed"),
                "{origin}"
            );
        }
        for site in [None, Some("same-site"), Some("cross-site"), Some("none"), Some("")] {
            let head = CsrfHeaders {
                origin: None,
                sec_fetch_site: site,
                ..good()
            };
            assert_eq!(code(&head), Some("origin_not_allowed"), "{site:?}");
        }
    }

    #[test]
    fn without_an_origin_of_its_own_the_worker_takes_the_allowed_ones_alone() {
        let allowed = [origin("https://www.example")];
        assert!(!is_allowed_origin(OWN, None, &allowed) && is_allowed_origin("https://www.example", None, &allowed));
        let problem = check_csrf(&good(), None, &allowed).unwrap_err();
        assert!(
            problem
                .to_json("id")
                .contains("`Origin` is `https://app.example`; allowed are `ALLOWED_ORIGINS`")
        );
    }

    #[test]
    fn what_changes_something_is_checked_unless_its_credential_is_one_that_no_browser_sends_by_itself() {
        let id = || ConnectionId::from_random([7; 16]);
        let session = Identity::Session(Session::start(
            [7; 32],
            UnixMillis::EPOCH,
            SessionLimits {
                idle: Millis::from_days(1),
                absolute: None,
            },
        ));
        let key = "k".repeat(32);
        let keys = ServiceKeys::parse(&key).unwrap();
        let service = Identity::Service(keys.shown_by(Some(&format!("Bearer {key}"))).unwrap());
        for resource in [
            Resource::ConnectStart,
            Resource::ConnectFinish,
            Resource::DisconnectAll,
            Resource::Disconnect(id()),
        ] {
            assert!(needs_csrf_check(&resource, Some(&session)), "{resource:?}");
            assert!(needs_csrf_check(&resource, None), "a new visitor's {resource:?}");
            assert!(!needs_csrf_check(&resource, Some(&service)), "{resource:?}");
        }
        for resource in [
            Resource::ListConnections,
            Resource::ShowConnection(id()),
            Resource::ListVehicles,
            Resource::Health,
        ] {
            for identity in [None, Some(&session), Some(&service)] {
                assert!(!needs_csrf_check(&resource, identity), "{resource:?}");
            }
        }
    }

    #[test]
    fn whoever_shows_nothing_learns_of_no_connection() {
        let id = ConnectionId::from_random([7; 16]);
        for resource in [Resource::ShowConnection(id.clone()), Resource::Disconnect(id)] {
            assert_eq!(without_identity(&resource).code, ProblemCode::ConnectionNotFound);
        }
        assert_eq!(
            without_identity(&Resource::ConnectFinish).code,
            ProblemCode::SessionMissing
        );
    }

    #[test]
    fn forms_may_not() {
        assert_eq!(
            code(&CsrfHeaders {
                requested_with: None,
                ..good()
            }),
            Some("header_missing")
        );
        assert_eq!(
            code(&CsrfHeaders {
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
                code(&CsrfHeaders { content_type, ..good() }),
                Some("unsupported_media_type"),
                "{content_type:?}"
            );
        }
    }
}
