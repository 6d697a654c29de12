//! Which requests are answered: none that another site's page can cause, if it changes anything or asks Smartcar.

use crate::{
    connect::Origin,
    edge::{problem::Problem, quote::quoted, route::Resource},
    http_api::{ProblemCode, header},
    identity::Identity,
    principal::Principal,
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
}

impl CsrfHeaders<'_> {
    /// Whether a page caused the request that may use the Worker.
    fn is_from_here(&self, own: Option<&Origin>, allowed: &[Origin]) -> bool {
        match self.origin {
            Some(origin) => is_allowed_origin(origin, own, allowed),
            // Browsers that leave `Origin` out send this instead; programs send neither and need an `Origin`.
            None => self.sec_fetch_site == Some("same-origin"),
        }
    }

    /// Whether it has the header that no page of an origin that is not allowed can send.
    fn has_our_header(&self) -> bool {
        self.requested_with == Some(header::REQUESTED_WITH_VALUE)
    }
}

/// Whether `origin`, a header's value, is the Worker's own or one of the allowed. Compared as a whole: no prefix counts.
#[must_use]
pub fn is_allowed_origin(origin: &str, own: Option<&Origin>, allowed: &[Origin]) -> bool {
    own.into_iter().chain(allowed).any(|one| one.as_str() == origin)
}

/// Whether [`check_csrf`] has to be asked: the request changes something, and its credential is one that a browser sends by
/// itself, or there is none yet. Any other credential is one that only its owner can send. A claim has two, of which the cookie
/// of the session is one.
#[must_use]
pub fn needs_csrf_check(resource: &Resource, identity: Option<&Identity>) -> bool {
    resource.changes_state() && (*resource == Resource::ClaimSession || identity.is_none_or(Identity::is_ambient))
}

/// Whether [`check_read`] has to be asked: the request tells what is the caller's, by a credential that a browser sends by
/// itself.
#[must_use]
pub fn needs_read_check(resource: &Resource, identity: Option<&Identity>) -> bool {
    resource.tells_own() && identity.is_some_and(Identity::is_ambient)
}

/// Refuses to read for a page of another origin, which can't see the answer: a page of a sibling host makes the browser send
/// the cookie, and each look costs. What asks Smartcar has to show that it is meant; any other look, only if the browser says
/// that a page elsewhere caused it, by `Origin` or `Sec-Fetch-Site`. `own` is the Worker's own origin, if pages can be served
/// from it.
///
/// # Errors
/// The [`Problem`] to answer with.
pub fn check_read(
    resource: &Resource,
    head: &CsrfHeaders<'_>,
    own: Option<&Origin>,
    allowed: &[Origin],
) -> Result<(), Problem> {
    let is_meant = head.has_our_header() || head.is_from_here(own, allowed);
    // Only a page makes a browser send `Origin`, and one that may use the Worker is meant already.
    let is_caused_elsewhere = head.origin.is_some() || matches!(head.sec_fetch_site, Some("same-site" | "cross-site"));
    if is_meant || !(resource.reads_from_smartcar() || is_caused_elsewhere) {
        Ok(())
    } else {
        Err(header_missing())
    }
}

/// Refuses what a page of another site may have caused. `own` is the Worker's own origin, if pages can be served from it.
///
/// # Errors
/// The [`Problem`] to answer with.
pub fn check_csrf(head: &CsrfHeaders<'_>, own: Option<&Origin>, allowed: &[Origin]) -> Result<(), Problem> {
    if !head.is_from_here(own, allowed) {
        let seen = match head.origin {
            Some(origin) => ["`Origin` is ", &quoted(origin)].concat(),
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
    if head.has_our_header() {
        Ok(())
    } else {
        Err(header_missing())
    }
}

fn header_missing() -> Problem {
    let detail = [
        "send the header `",
        header::REQUESTED_WITH,
        ": ",
        header::REQUESTED_WITH_VALUE,
        "`",
    ]
    .concat();
    Problem::new(ProblemCode::HeaderMissing, detail).with_field(header::REQUESTED_WITH)
}

/// Refuses a body that is not said to be JSON, whichever route it is sent to. A form can't say that of one.
///
/// # Errors
/// The [`Problem`] to answer with.
pub fn check_content_type(content_type: Option<&str>) -> Result<(), Problem> {
    if content_type.is_some_and(is_json) {
        return Ok(());
    }
    let detail = "send the body as `Content-Type: application/json`";
    Err(Problem::new(ProblemCode::UnsupportedMediaType, detail).with_field(header::CONTENT_TYPE))
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

/// What a back end is told that names nobody, where somebody has to be named.
#[must_use]
pub fn user_not_named() -> Problem {
    let detail = [
        "a service key speaks for nobody by itself: name the user in the header `",
        header::USER,
        "`",
    ]
    .concat();
    Problem::new(ProblemCode::InvalidParameter, detail).with_field(header::USER)
}

/// The user that a back end names.
///
/// # Errors
/// The [`Problem`] to answer with, if the header is no id of a user.
pub fn named_user(header: Option<&str>) -> Result<Option<Principal>, Problem> {
    let named = header.map(Principal::user).transpose();
    named.map_err(|error| error.in_field(header::USER).into())
}

/// Whether `DELETE /session` is to end every session of the caller, by the query of its address.
///
/// # Errors
/// The [`Problem`] to answer with, if the query says something else of it: whoever wants all sessions ended must not be told that
/// it is done while others go on.
pub fn sign_out_everywhere(query: &str) -> Result<bool, Problem> {
    match query {
        "" => Ok(false),
        "everywhere" | "everywhere=" | "everywhere=true" => Ok(true),
        _ => {
            let detail = "the query is either `everywhere` or empty";
            Err(Problem::new(ProblemCode::InvalidParameter, detail).with_field("everywhere"))
        }
    }
}

/// Whether a header `Content-Type` says JSON.
#[must_use]
pub fn is_json(content_type: &str) -> bool {
    let essence = content_type.split(';').next().unwrap_or_default().trim();
    essence.eq_ignore_ascii_case(header::JSON)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        connect::ConnectionId,
        identity::{BackEnd, ServiceKeys, Session, SessionLimits, Subject},
        principal::Principal,
        time::{Millis, UnixMillis},
    };

    const OWN: &str = "https://app.example";

    fn good() -> CsrfHeaders<'static> {
        CsrfHeaders {
            origin: Some(OWN),
            sec_fetch_site: Some("same-origin"),
            requested_with: Some("smartcar-connect"),
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

    const ONE_DAY: SessionLimits = SessionLimits {
        idle: Millis::from_days(1),
        absolute: None,
    };

    #[test]
    fn what_changes_something_is_checked_unless_its_credential_is_one_that_no_browser_sends_by_itself() {
        let id = || ConnectionId::from_random([7; 16]);
        let session = Identity::Session(Session::start([7; 32], UnixMillis::EPOCH, ONE_DAY));
        let key = "5f0c81d2a97b4e36180f2dc4b6e97a53";
        let keys = ServiceKeys::parse(key).unwrap();
        let service = Identity::Service(BackEnd {
            key: keys.shown_by(Some(&format!("Bearer {key}"))).unwrap(),
            user: None,
        });
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
    fn a_token_that_came_in_a_cookie_is_checked_like_a_session_and_a_bearer_token_is_not() {
        for is_ambient in [false, true] {
            let principal = Principal::user("42").unwrap();
            let subject = Identity::Subject(Subject::new(principal, is_ambient));
            assert_eq!(needs_csrf_check(&Resource::DisconnectAll, Some(&subject)), is_ambient);
            assert_eq!(needs_read_check(&Resource::ListVehicles, Some(&subject)), is_ambient);
        }
    }

    #[test]
    fn only_looks_at_what_is_the_owners_are_checked_and_only_with_a_cookie() {
        let id = || ConnectionId::from_random([7; 16]);
        let session = Identity::Session(Session::start([7; 32], UnixMillis::EPOCH, ONE_DAY));
        for resource in [
            Resource::ListConnections,
            Resource::ShowConnection(id()),
            Resource::ListVehicles,
        ] {
            assert!(needs_read_check(&resource, Some(&session)), "{resource:?}");
            assert!(!needs_read_check(&resource, None), "{resource:?}");
        }
        for resource in [
            Resource::ConnectStart,
            Resource::ConnectFinish,
            Resource::DisconnectAll,
            Resource::Disconnect(id()),
            Resource::InternalToken,
            Resource::Rotation,
            Resource::Health,
        ] {
            assert!(!needs_read_check(&resource, Some(&session)), "{resource:?}");
        }
    }

    #[test]
    fn no_page_elsewhere_causes_a_look() {
        let nothing = CsrfHeaders::default();
        let fetch = |site| CsrfHeaders {
            sec_fetch_site: Some(site),
            ..nothing
        };
        let from = |origin| CsrfHeaders {
            origin: Some(origin),
            ..fetch("cross-site")
        };
        // A browser that does not know `Sec-Fetch-Site`.
        let old = |origin| CsrfHeaders {
            origin: Some(origin),
            ..nothing
        };
        let with_header = |head| CsrfHeaders {
            requested_with: Some("smartcar-connect"),
            ..head
        };
        let id = ConnectionId::from_random([7; 16]);
        let other = [Resource::ListConnections, Resource::ShowConnection(id)];
        // The request, whether it may ask Smartcar, and whether it may look at what is kept here.
        for (head, asks, looks) in [
            (fetch("same-origin"), true, true),
            (from(OWN), true, true),
            (from("https://www.example"), true, true),
            (with_header(nothing), true, true),
            (with_header(fetch("same-site")), true, true),
            (nothing, false, true),
            (fetch("none"), false, true),
            (fetch("same-site"), false, false),
            (fetch("cross-site"), false, false),
            (from("https://evil.example"), false, false),
            (from("null"), false, false),
            (old("https://evil.example"), false, false),
            (old("null"), false, false),
            (old(OWN), true, true),
        ] {
            let may = |resource: &Resource| {
                check_read(resource, &head, Some(&origin(OWN)), &[origin("https://www.example")])
                    .map_err(|problem| assert_eq!(problem.code, ProblemCode::HeaderMissing))
                    .is_ok()
            };
            assert_eq!(may(&Resource::ListVehicles), asks, "{head:?}");
            for resource in &other {
                assert_eq!(may(resource), looks, "{resource:?} {head:?}");
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
    fn every_session_is_ended_if_the_query_says_so_and_nothing_else() {
        assert_eq!(sign_out_everywhere(""), Ok(false));
        for query in ["everywhere", "everywhere=", "everywhere=true"] {
            assert_eq!(sign_out_everywhere(query), Ok(true), "{query}");
        }
        for query in ["everywhere=false", "everywhere=1", "Everywhere", "x", "everywhere&x"] {
            assert!(sign_out_everywhere(query).is_err(), "{query}");
        }
    }

    #[test]
    fn a_back_end_names_a_user_or_is_told_how() {
        assert_eq!(named_user(None), Ok(None));
        assert_eq!(named_user(Some("42")), Ok(Some(Principal::user("42").unwrap())));
        for name in ["", "two words", "josé"] {
            let problem = named_user(Some(name)).unwrap_err();
            assert_eq!(problem.code, ProblemCode::InvalidParameter, "{name}");
            assert_eq!(problem.field.as_deref(), Some("Smartcar-Connect-User"));
        }
        assert!(user_not_named().detail.contains("`Smartcar-Connect-User`"));
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
    }

    #[test]
    fn a_body_is_json_and_says_so() {
        for content_type in [
            "application/json",
            "application/json; charset=utf-8",
            "Application/JSON ;x=y",
        ] {
            assert_eq!(check_content_type(Some(content_type)), Ok(()), "{content_type}");
        }
        for content_type in [
            None,
            Some("text/plain"),
            Some("text/plain; application/json"),
            Some("application/x-www-form-urlencoded"),
            Some("application/jsonx"),
            Some(""),
        ] {
            let problem = check_content_type(content_type).unwrap_err();
            assert_eq!(problem.code.as_str(), "unsupported_media_type", "{content_type:?}");
            assert_eq!(problem.field.as_deref(), Some("Content-Type"));
        }
    }
}
