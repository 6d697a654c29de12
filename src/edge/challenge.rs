//! Which credential would have counted, for an answer with 401.

use crate::{edge::problem::Problem, http_api::ProblemCode};

/// The value of `WWW-Authenticate`, which every answer with 401 has (RFC 9110 section 15.5.2); `None` for any other.
///
/// A service key is a bearer token, and so is a token of the app's log-in, where the settings take those (`takes_jwt`): the
/// challenge has an error only if one was shown (RFC 6750 section 3.1). No browser asks its user for any of the three.
#[must_use]
pub fn challenge(problem: &Problem, authorization: Option<&str>, cookie_name: &str, takes_jwt: bool) -> Option<String> {
    const BEARER: &str = r#"Bearer realm="smartcar-connect""#;
    const INVALID: &str = r#", error="invalid_token""#;
    match problem.code {
        ProblemCode::ServiceKeyRejected if shows_bearer(authorization) => Some([BEARER, INVALID].concat()),
        ProblemCode::ServiceKeyRejected => Some(BEARER.to_owned()),
        ProblemCode::SignatureRejected => Some(r#"SC-Signature realm="smartcar-connect""#.to_owned()),
        ProblemCode::InvalidToken => {
            // A description has no quotation mark and no backslash of its own.
            let description = problem.detail.replace(['"', '\\'], " ");
            Some([BEARER, INVALID, r#", error_description=""#, &description, "\""].concat())
        }
        ProblemCode::SessionMissing => {
            let bearer = if takes_jwt {
                [BEARER, ", "].concat()
            } else {
                String::new()
            };
            let cookie = [r#"Cookie realm="smartcar-connect", cookie-name=""#, cookie_name, "\""].concat();
            Some(bearer + &cookie)
        }
        _ => None,
    }
}

fn shows_bearer(authorization: Option<&str>) -> bool {
    let scheme = authorization.and_then(|value| value.split(' ').next());
    scheme.is_some_and(|scheme| scheme.eq_ignore_ascii_case("Bearer"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_401_has_one_and_nothing_else_has() {
        for code in ProblemCode::ALL {
            let challenge = challenge(&Problem::new(*code, "why"), None, "__Host-name", true);
            assert_eq!(challenge.is_some(), code.status() == 401, "{code:?}");
        }
    }

    #[test]
    fn a_key_that_was_shown_is_called_invalid_and_one_that_was_not_is_asked_for() {
        let problem = Problem::new(ProblemCode::ServiceKeyRejected, "why");
        let of = |authorization| challenge(&problem, authorization, "__Host-name", false).unwrap();
        for none in [None, Some(""), Some("Basic dXNlcjo="), Some("Bearerx y")] {
            assert_eq!(of(none), r#"Bearer realm="smartcar-connect""#, "{none:?}");
        }
        for shown in ["Bearer x", "bearer  x", "BEARER"] {
            assert_eq!(
                of(Some(shown)),
                r#"Bearer realm="smartcar-connect", error="invalid_token""#
            );
        }
    }

    #[test]
    fn a_session_is_shown_by_its_cookie_and_a_user_by_a_token_where_there_are_any() {
        let problem = Problem::new(ProblemCode::SessionMissing, "why");
        let cookie = r#"Cookie realm="smartcar-connect", cookie-name="__Host-name""#;
        assert_eq!(challenge(&problem, None, "__Host-name", false).unwrap(), cookie);
        assert_eq!(
            challenge(&problem, None, "__Host-name", true).unwrap(),
            [r#"Bearer realm="smartcar-connect", "#, cookie].concat()
        );
    }

    #[test]
    fn a_token_that_is_not_accepted_is_told_why() {
        let problem = Problem::new(ProblemCode::InvalidToken, r#"the "token" \ is old"#);
        assert_eq!(
            challenge(&problem, Some("Bearer x"), "__Host-name", true).unwrap(),
            r#"Bearer realm="smartcar-connect", error="invalid_token", error_description="the  token    is old""#
        );
    }
}
