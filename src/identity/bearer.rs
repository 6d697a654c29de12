//! The header `Authorization` with a bearer token (RFC 6750 section 2.1).

/// The token after the scheme `Bearer`; empty if there is none behind it, and `None` if the header is missing or has another
/// scheme.
#[must_use]
pub(super) fn bearer_token(authorization: Option<&str>) -> Option<&str> {
    // RFC 9110, section 11: the scheme in any case, and one space or more.
    let header = authorization?;
    let (scheme, token) = header.split_once(' ').unwrap_or((header, ""));
    scheme
        .eq_ignore_ascii_case("Bearer")
        .then(|| token.trim_start_matches(' '))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bearer_token_is_what_stands_behind_its_scheme() {
        for (header, token) in [
            (Some("Bearer abc"), Some("abc")),
            (Some("bEARER    abc"), Some("abc")),
            (Some("Bearer abc def"), Some("abc def")),
            (Some("Bearer "), Some("")),
            (Some("Bearer"), Some("")),
            (Some("Bearer\tabc"), None),
            (Some("Basic abc"), None),
            (Some(" Bearer abc"), None),
            (Some(""), None),
            (None, None),
        ] {
            assert_eq!(bearer_token(header), token, "{header:?}");
        }
    }
}
