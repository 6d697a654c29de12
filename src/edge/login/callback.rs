//! The two visits of a callback.
//!
//! Connect's redirect comes from another site, so no browser sends the session cookie with it, which is `SameSite=Strict`. The
//! first visit is answered by a page that loads the same address once more from here; with that one the cookie comes.

use crate::{
    connect::{InvalidParameter, MAX_CALLBACK_BYTES, Origin, RedirectUri, normal_form},
    edge::problem::Problem,
    http_api::{ProblemCode, path},
};

/// What the address of the second visit has. It vouches for nothing: what counts is the session cookie.
const SECOND_VISIT: &str = "visit=2";

/// Where Connect sends the owner back to: the redirect URI that has to be registered at Smartcar.
///
/// # Errors
/// Names `redirectUri`, if the Worker's own address is none that Smartcar takes.
pub fn callback_uri(own: &Origin, prefix: &str) -> Result<RedirectUri, InvalidParameter> {
    let uri = [own.as_str(), prefix, path::CONNECT_CALLBACK].concat();
    RedirectUri::parse(&uri).map_err(|error| error.in_field("redirectUri"))
}

/// Whether this is the second visit.
#[must_use]
pub fn has_come_from_here(query: &str) -> bool {
    query.split('&').any(|pair| pair == SECOND_VISIT)
}

/// The address of the second visit: what Connect has sent, in the spelling that has no character with a meaning in HTML but `&`.
///
/// # Errors
/// The [`Problem`] of a callback that is too long to be one.
pub fn reload_here(prefix: &str, query: &str) -> Result<String, Problem> {
    if query.len() > MAX_CALLBACK_BYTES {
        let detail = "what came with the way back is too long to be Smartcar's; start the connection again";
        return Err(Problem::new(ProblemCode::CallbackTooLong, detail));
    }
    let query = normal_form(query);
    let between = if query.is_empty() { "" } else { "&" };
    Ok([prefix, path::CONNECT_CALLBACK, "?", &query, between, SECOND_VISIT].concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_redirect_uri_is_the_workers_own_address() {
        let own = Origin::parse("https://app.example").unwrap();
        let uri = callback_uri(&own, "/smartcar").unwrap();
        assert_eq!(uri.as_str(), "https://app.example/smartcar/connect/callback");
    }

    #[test]
    fn the_second_visit_brings_what_connect_sent_and_nothing_else() {
        let again = reload_here("/smartcar", "state=s&code=c&x=%22%3E%3Cscript%3E&utm=1").unwrap();
        assert_eq!(again, "/smartcar/connect/callback?code=c&state=s&visit=2");
        let odd = reload_here("", "error=%22'%3E<script>").unwrap();
        assert_eq!(odd, "/connect/callback?error=%22%27%3E%3Cscript%3E&visit=2");
        assert_eq!(reload_here("", "").unwrap(), "/connect/callback?visit=2");
        let long = "c".repeat(MAX_CALLBACK_BYTES + 1);
        assert_eq!(reload_here("", &long).unwrap_err().code, ProblemCode::CallbackTooLong);
    }

    #[test]
    fn only_the_second_visit_is_the_second_visit() {
        assert!(has_come_from_here("code=c&state=s&visit=2"));
        for query in ["", "code=c&state=s", "visit=1", "xvisit=2", "visit=20", "state=visit=2"] {
            assert!(!has_come_from_here(query), "{query}");
        }
    }
}
