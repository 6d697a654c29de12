//! The session cookie (RFC 6265bis).

use zeroize::Zeroizing;

use crate::time::Millis;

/// The cookie's name. The prefix makes browsers refuse it from a subdomain, without `Secure` or for part of the paths.
pub const SESSION_COOKIE: &str = "__Host-smartcar-connect";

/// The value of `name` in a `Cookie` header. The first counts if it is there twice.
#[must_use]
pub fn find_cookie<'a>(header: &'a str, name: &str) -> Option<&'a str> {
    header
        .split(';')
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(key, _)| *key == name)
        .map(|(_, value)| value)
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
        let header = "a=1; x__Host-smartcar-connect=no; __Host-smartcar-connect=yes=; __Host-smartcar-connect=late; b";
        assert_eq!(find_cookie(header, SESSION_COOKIE), Some("yes="));
        assert_eq!(find_cookie("", SESSION_COOKIE), None);
        assert_eq!(find_cookie("__host-smartcar-connect=no", SESSION_COOKIE), None);
    }

    #[test]
    fn no_script_and_no_other_site_gets_at_it() {
        assert_eq!(
            session_cookie("v", Millis::from_days(1)).as_str(),
            "__Host-smartcar-connect=v; Path=/; HttpOnly; Secure; SameSite=Strict; Max-Age=86400"
        );
    }
}
