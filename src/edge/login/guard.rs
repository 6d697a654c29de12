//! Which navigations may begin a connection: those that a page of the app's own has caused.

use crate::{
    connect::Origin,
    edge::{
        guard::{CsrfHeaders, is_allowed_origin},
        problem::Problem,
    },
    http_api::ProblemCode,
    identity::Identity,
};

/// What a browser says of how a request came to be (Fetch Metadata).
#[derive(Clone, Copy, Debug, Default)]
pub struct NavigationHeaders<'a> {
    /// The header `Sec-Fetch-Mode`.
    pub mode: Option<&'a str>,
    /// The header `Sec-Fetch-Dest`.
    pub dest: Option<&'a str>,
    /// The header `Sec-Purpose`.
    pub purpose: Option<&'a str>,
}

/// Whether [`check_login`] has to be asked, as for all that changes something: the credential is one that a browser sends by
/// itself, or there is none yet.
#[must_use]
pub fn needs_login_check(identity: Option<&Identity>) -> bool {
    identity.is_none_or(Identity::is_ambient)
}

/// Refuses a start that no page of the app's own has caused, or that is not a page for the owner to see.
///
/// A link (`by_form` is false) has no `Origin`, so only `Sec-Fetch-Site: same-origin` vouches for it, and the browser has to say that it
/// is a page that it loads. A form has an `Origin`, also in older browsers, and may stand on an allowed origin of the same site; from
/// another site the session cookie would not come, and a new one would take its place.
///
/// # Errors
/// The [`Problem`] to answer with.
pub fn check_login(
    by_form: bool,
    head: &CsrfHeaders<'_>,
    navigation: &NavigationHeaders<'_>,
    own: Option<&Origin>,
    allowed: &[Origin],
) -> Result<(), Problem> {
    let is_own_page = head.sec_fetch_site == Some("same-origin");
    let is_meant = match head.origin {
        // A page that keeps its address to itself sends `null`.
        None | Some("null") => is_own_page,
        Some(origin) if by_form => is_allowed_origin(origin, own, allowed) && head.sec_fetch_site != Some("cross-site"),
        Some(origin) => is_own_page && is_allowed_origin(origin, own, allowed),
    };
    let says = |header: Option<&str>, wanted| header.map_or(by_form, |value| value == wanted);
    let is_page = says(navigation.mode, "navigate") && says(navigation.dest, "document");
    let is_ahead = navigation.purpose.is_some();
    if is_meant && is_page && !is_ahead {
        return Ok(());
    }
    let detail = "a connection begins on a page of the app's own: by a link on the Worker's origin, or by a form there or on one of \
                  `ALLOWED_ORIGINS` of the same site";
    Err(Problem::new(ProblemCode::OriginNotAllowed, detail).with_field("Origin"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::{BackEnd, ServiceKeys};

    const OWN: &str = "https://app.example";
    const ALLOWED: &str = "https://www.app.example";
    const PAGE: NavigationHeaders<'static> = NavigationHeaders {
        mode: Some("navigate"),
        dest: Some("document"),
        purpose: None,
    };

    fn admits(by_form: bool, origin: Option<&str>, site: Option<&str>, navigation: NavigationHeaders<'_>) -> bool {
        let head = CsrfHeaders {
            origin,
            sec_fetch_site: site,
            requested_with: None,
        };
        let allowed = [Origin::parse(ALLOWED).unwrap()];
        let checked = check_login(
            by_form,
            &head,
            &navigation,
            Some(&Origin::parse(OWN).unwrap()),
            &allowed,
        );
        checked
            .map_err(|problem| assert_eq!(problem.code, ProblemCode::OriginNotAllowed))
            .is_ok()
    }

    #[test]
    fn a_back_end_that_names_its_user_is_not_asked_for_a_page() {
        let key = "5f0c81d2a97b4e36180f2dc4b6e97a53";
        let keys = ServiceKeys::parse(key).unwrap();
        let back_end = Identity::Service(BackEnd {
            key: keys.shown_by(Some(&format!("Bearer {key}"))).unwrap(),
            user: None,
        });
        assert!(!needs_login_check(Some(&back_end)));
        assert!(needs_login_check(None));
    }

    #[test]
    fn a_link_counts_on_a_page_of_the_workers_own_origin_alone() {
        assert!(admits(false, None, Some("same-origin"), PAGE));
        assert!(admits(false, Some(OWN), Some("same-origin"), PAGE));
        for site in [None, Some("same-site"), Some("cross-site"), Some("none"), Some("")] {
            assert!(!admits(false, None, site, PAGE), "{site:?}");
            assert!(!admits(false, Some(OWN), site, PAGE), "{site:?}");
        }
        assert!(!admits(false, Some("https://evil.example"), Some("same-origin"), PAGE));
    }

    #[test]
    fn a_form_counts_by_its_origin() {
        for (origin, site) in [
            (Some(OWN), Some("same-origin")),
            (Some(OWN), None),
            (Some(ALLOWED), Some("same-site")),
            (Some(ALLOWED), None),
            (Some("null"), Some("same-origin")),
            (None, Some("same-origin")),
        ] {
            assert!(admits(true, origin, site, PAGE), "{origin:?} {site:?}");
            assert!(
                admits(true, origin, site, NavigationHeaders::default()),
                "{origin:?} {site:?}"
            );
        }
        for (origin, site) in [
            (Some(ALLOWED), Some("cross-site")),
            (Some(OWN), Some("cross-site")),
            (Some("https://evil.example"), Some("same-origin")),
            (Some("https://evil.app.example"), Some("same-site")),
            (Some("https://app.example.evil"), None),
            (Some("null"), Some("cross-site")),
            (Some("null"), None),
            (Some(""), Some("same-origin")),
            (None, Some("same-site")),
            (None, Some("none")),
            (None, None),
        ] {
            assert!(!admits(true, origin, site, PAGE), "{origin:?} {site:?}");
        }
    }

    #[test]
    fn what_the_owner_does_not_see_begins_nothing() {
        for by_form in [false, true] {
            for (mode, dest) in [
                ("no-cors", "image"),
                ("navigate", "iframe"),
                ("navigate", "frame"),
                ("navigate", "empty"),
                ("cors", "empty"),
                ("same-origin", "document"),
                ("nested-navigate", "document"),
            ] {
                let navigation = NavigationHeaders {
                    mode: Some(mode),
                    dest: Some(dest),
                    purpose: None,
                };
                assert!(!admits(by_form, None, Some("same-origin"), navigation), "{mode} {dest}");
            }
            let ahead = NavigationHeaders {
                purpose: Some("prefetch;prerender"),
                ..PAGE
            };
            assert!(!admits(by_form, None, Some("same-origin"), ahead));
        }
        // What says nothing of itself is an old browser's form, and never a link.
        assert!(!admits(false, None, Some("same-origin"), NavigationHeaders::default()));
    }

    #[test]
    fn who_shows_what_no_browser_sends_by_itself_is_not_asked() {
        assert!(needs_login_check(None));
    }
}
