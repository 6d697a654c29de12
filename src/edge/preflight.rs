//! Which headers a page of an allowed origin may send.

use crate::http_api::header::{self, ALLOWED};

/// The longest list that is looked at, in bytes.
const LONGEST: usize = 2_048;

/// What no page may send, whatever it asks: it says for whom a back end calls, or would have to be a credential.
const WITHHELD: [&str; 3] = ["authorization", "cookie", header::USER];

/// The value of `Access-Control-Allow-Headers` for a page of an allowed origin that asks for `requested`, its
/// `Access-Control-Request-Headers`.
///
/// A page's monitoring puts headers of its own on each request, there are ever new ones, and a browser that may not send them sends
/// nothing. None of them is read here, so all may come. `takes_bearer` says whether a token counts as a credential.
#[must_use]
pub fn allowed_headers(requested: Option<&str>, takes_bearer: bool) -> String {
    let requested = requested.filter(|list| list.len() <= LONGEST).unwrap_or_default();
    let is_withheld = |name: &str| WITHHELD.iter().any(|withheld| withheld.eq_ignore_ascii_case(name));
    let more = requested.split(',').map(str::trim).filter(|name| {
        let is_known = ALLOWED.split(", ").any(|known| known.eq_ignore_ascii_case(name));
        is_name(name) && !is_known && !is_withheld(name)
    });
    let bearer = takes_bearer.then_some("authorization");
    let all: Vec<&str> = [ALLOWED].into_iter().chain(bearer).chain(more).collect();
    all.join(", ")
}

/// Whether it is the name of a header (RFC 9110 section 5.1). `*` is one, and stands for any: it is none here.
fn is_name(name: &str) -> bool {
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'+-.^_`|~".contains(&byte);
    !name.is_empty() && name.bytes().all(legal)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn more(requested: &str) -> String {
        let allowed = allowed_headers(Some(requested), false);
        allowed.strip_prefix(ALLOWED).unwrap().to_owned()
    }

    #[test]
    fn whatever_follows_a_request_may_come_with_it() {
        assert_eq!(allowed_headers(None, false), ALLOWED);
        assert_eq!(more("content-type,traceparent,x-requested-with"), "");
        assert_eq!(
            more("content-type,x-dtpc, x-honeycomb-trace ,X-Correlation-Id"),
            ", x-dtpc, x-honeycomb-trace, X-Correlation-Id"
        );
    }

    #[test]
    fn what_speaks_for_somebody_may_not() {
        assert_eq!(
            more("authorization,Authorization,cookie,smartcar-connect-user,x-a"),
            ", x-a"
        );
        let allowed = allowed_headers(Some("authorization"), true);
        assert_eq!(allowed.strip_prefix(ALLOWED), Some(", authorization"));
    }

    #[test]
    fn what_is_no_name_is_left_out() {
        for odd in [
            "",
            ",",
            "*",
            "a b",
            "a\u{e9}",
            "a\r\nx: y",
            "a:b",
            "\"a\"",
            &"a".repeat(2_049),
        ] {
            assert_eq!(more(odd), "", "{odd:?}");
        }
    }
}
