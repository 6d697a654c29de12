//! Which credential would have counted, for an answer with 401.

use crate::http_api::ProblemCode;

/// The value of `WWW-Authenticate`, which every answer with 401 has (RFC 9110 section 15.5.2); `None` for any other.
///
/// A service key is a bearer token: its challenge has an error only if one was shown (RFC 6750 section 3.1). No browser asks its
/// user for either of the two.
#[must_use]
pub fn challenge(code: ProblemCode, authorization: Option<&str>, cookie_name: &str) -> Option<String> {
    const BEARER: &str = r#"Bearer realm="smartcar-connect""#;
    match code {
        ProblemCode::ServiceKeyRejected if shows_bearer(authorization) => {
            Some([BEARER, r#", error="invalid_token""#].concat())
        }
        ProblemCode::ServiceKeyRejected => Some(BEARER.to_owned()),
        ProblemCode::SessionMissing => {
            Some([r#"Cookie realm="smartcar-connect", cookie-name=""#, cookie_name, "\""].concat())
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
            let challenge = challenge(*code, None, "__Host-name");
            assert_eq!(challenge.is_some(), code.status() == 401, "{code:?}");
        }
    }

    #[test]
    fn a_key_that_was_shown_is_called_invalid_and_one_that_was_not_is_asked_for() {
        let of = |authorization| challenge(ProblemCode::ServiceKeyRejected, authorization, "__Host-name").unwrap();
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
    fn a_session_is_shown_by_its_cookie() {
        assert_eq!(
            challenge(ProblemCode::SessionMissing, None, "__Host-name").unwrap(),
            r#"Cookie realm="smartcar-connect", cookie-name="__Host-name""#
        );
    }
}
