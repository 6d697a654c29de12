//! The session cookie (RFC 6265bis).

use zeroize::Zeroizing;

use crate::time::Millis;

/// The cookie's name. The prefix makes browsers refuse it from a subdomain, without `Secure` or for part of the paths.
pub const SESSION_COOKIE: &str = "__Host-smartcar-connect";

/// The value of the cookie called `name` in a `Cookie` header, whose pairs are separated by a semicolon and spaces or tabs
/// (RFC 6265bis section 4.2.1). Names and values count byte for byte: browsers let a page of a sibling host set a cookie
/// whose name is ours behind a Unicode space, which no prefix protects.
///
/// `None` if the cookie is there twice: one of the two was planted, and nothing says which.
#[must_use]
pub fn find_cookie<'a>(header: &'a str, name: &str) -> Option<&'a str> {
    let mut values = header.split(';').filter_map(|pair| {
        let (key, value) = pair.trim_matches([' ', '\t']).split_once('=')?;
        (key == name).then_some(value)
    });
    let value = values.next()?;
    values.next().is_none().then_some(value)
}

/// The `Set-Cookie` header of a session that lasts for `life` more.
#[must_use]
pub fn session_cookie(value: &str, life: Millis) -> Zeroizing<String> {
    let seconds = life.as_secs().to_string();
    let parts = [
        SESSION_COOKIE,
        "=",
        value,
        "; Path=/; HttpOnly; Secure; SameSite=Strict; Max-Age=",
        &seconds,
    ];
    Zeroizing::new(parts.concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cookie_is_found_by_its_whole_name() {
        let header = "a=1; x__Host-smartcar-connect=no; __Host-smartcar-connect=yes=; b";
        assert_eq!(find_cookie(header, SESSION_COOKIE), Some("yes="));
        assert_eq!(
            find_cookie("a=1;\t__Host-smartcar-connect=yes ;b", SESSION_COOKIE),
            Some("yes")
        );
        for header in [
            "",
            "__Host-smartcar-connect",
            "__host-smartcar-connect=no",
            "__Host-smartcar-connect =no",
            "__Host-smartcar-connect\u{a0}=no",
            "=__Host-smartcar-connect=no",
        ] {
            assert_eq!(find_cookie(header, SESSION_COOKIE), None, "{header:?}");
        }
    }

    #[test]
    fn a_name_behind_any_other_space_is_another_name() {
        // What Rust's `trim` takes off beyond the spaces and tabs of RFC 6265bis.
        let others = (char::MIN..=char::MAX).filter(|one| one.is_whitespace() && !matches!(one, ' ' | '\t'));
        for space in others {
            let planted = format!("{space}__Host-smartcar-connect=planted");
            assert_eq!(find_cookie(&planted, SESSION_COOKIE), None, "{space:?}");
            let both = format!("{planted}; __Host-smartcar-connect=own");
            assert_eq!(find_cookie(&both, SESSION_COOKIE), Some("own"), "{space:?}");
            let value = format!("__Host-smartcar-connect={space}own{space}");
            assert_eq!(
                find_cookie(&value, SESSION_COOKIE),
                Some(&*format!("{space}own{space}"))
            );
        }
    }

    #[test]
    fn a_cookie_that_is_there_twice_opens_nothing() {
        for header in [
            "__Host-smartcar-connect=planted; __Host-smartcar-connect=own",
            "__Host-smartcar-connect=own; a=1; __Host-smartcar-connect=planted",
            "__Host-smartcar-connect=same; __Host-smartcar-connect=same",
            "__Host-smartcar-connect=; __Host-smartcar-connect=own",
        ] {
            assert_eq!(find_cookie(header, SESSION_COOKIE), None, "{header}");
        }
    }

    #[test]
    fn no_script_and_no_other_site_gets_at_it() {
        assert_eq!(
            session_cookie("v", Millis::from_days(1)).as_str(),
            "__Host-smartcar-connect=v; Path=/; HttpOnly; Secure; SameSite=Strict; Max-Age=86400"
        );
    }
}
