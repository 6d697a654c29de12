//! The session cookie (RFC 6265bis).

use base64ct::{Base64UrlUnpadded, Encoding as _};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use crate::{connect::ApplicationId, seal::push_prefixed, time::Millis};

/// What every name begins with. `__Host-` makes browsers refuse the cookie from a subdomain, without `Secure` or for part of
/// the paths.
const PREFIX: &str = "__Host-smartcar-connect-";

/// How many bytes of the digest are in the name.
const DIGEST_BYTES: usize = 6;

const ATTRIBUTES: &str = "; Path=/; HttpOnly; Secure; SameSite=Strict; Max-Age=";

/// The session cookie of a deployment.
///
/// A host has one jar of cookies for all its ports and paths, and the last of several cookies of one name stays. So the name
/// follows from where the Worker is mounted and which application it serves, and ends in the port if the Worker has been asked
/// at one that is not the scheme's own: two deployments on one host do not overwrite each other's sessions. It does not follow
/// from the keys, which change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionCookie {
    /// The name without a port.
    name: String,
}

impl SessionCookie {
    /// The cookie of the Worker that is mounted at `path_prefix` and serves `application`.
    #[must_use]
    pub fn of_deployment(path_prefix: &str, application: &ApplicationId) -> Self {
        let mut facts = Vec::new();
        for fact in ["smartcar-connect/session-cookie/v1", path_prefix, application.as_str()] {
            push_prefixed(&mut facts, fact.as_bytes());
        }
        let digest: [u8; 32] = Sha256::digest(&facts).into();
        let start = digest.first_chunk::<DIGEST_BYTES>().copied().unwrap_or_default();
        Self {
            name: [PREFIX, &Base64UrlUnpadded::encode_string(&start)].concat(),
        }
    }

    /// The cookie's name where the Worker is asked at `port`; `None` for the scheme's own.
    #[must_use]
    pub fn name(&self, port: Option<&str>) -> String {
        match port {
            Some(port) => [&self.name, "-", port].concat(),
            None => self.name.clone(),
        }
    }

    /// The value of the cookie in a `Cookie` header; `None` if it is not there, or is there twice: one of the two was planted,
    /// and nothing says which.
    #[must_use]
    pub fn find<'a>(&self, header: &'a str, port: Option<&str>) -> Option<&'a str> {
        let mut values = pairs(header).filter_map(|(name, value)| (self.port_of(name)? == port).then_some(value));
        let value = values.next()?;
        values.next().is_none().then_some(value)
    }

    /// The values of the cookies of this deployment in a `Cookie` header, at whichever ports the Worker was asked: for those who
    /// hand on a header and not the address. A cookie that is there twice is left out.
    pub fn find_all<'a>(&self, header: &'a str) -> impl Iterator<Item = &'a str> {
        let ports = pairs(header).filter_map(|(name, _)| self.port_of(name));
        ports.filter_map(|port| self.find(header, port))
    }

    /// The port in a name of this cookie, if it has one.
    fn port_of<'a>(&self, name: &'a str) -> Option<Option<&'a str>> {
        let rest = name.strip_prefix(&self.name)?;
        if rest.is_empty() {
            return Some(None);
        }
        let port = rest.strip_prefix('-')?;
        let is_port = !port.is_empty() && port.len() <= 5 && port.bytes().all(|byte| byte.is_ascii_digit());
        is_port.then_some(Some(port))
    }
}

/// The values of the cookies of this name in a `Cookie` header.
pub(crate) fn values_of<'a>(header: &'a str, name: &str) -> impl Iterator<Item = &'a str> {
    pairs(header).filter_map(move |(one, value)| (one == name).then_some(value))
}

/// The names and values of a `Cookie` header, whose pairs are separated by a semicolon and spaces or tabs (RFC 6265bis section
/// 4.2.1). They count byte for byte: browsers let a page of a sibling host set a cookie whose name is ours behind a Unicode
/// space, which no prefix protects.
fn pairs(header: &str) -> impl Iterator<Item = (&str, &str)> {
    header
        .split(';')
        .filter_map(|pair| pair.trim_matches([' ', '\t']).split_once('='))
}

/// The `Set-Cookie` header of a session that lasts for `life` more.
#[must_use]
pub fn session_cookie(name: &str, value: &str, life: Millis) -> Zeroizing<String> {
    Zeroizing::new([name, "=", value, ATTRIBUTES, &life.as_secs().to_string()].concat())
}

/// The `Set-Cookie` header with which the browser forgets the session.
#[must_use]
pub fn ended_session_cookie(name: &str) -> String {
    [name, "=", ATTRIBUTES, "0"].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    const APPLICATION: &str = "8229df9f-91a0-4ff0-a1ae-a1f38ee24d07";
    const NAME: &str = "__Host-smartcar-connect-D92GIIh3";

    fn at(path_prefix: &str, application: &str) -> SessionCookie {
        SessionCookie::of_deployment(path_prefix, &ApplicationId::parse(application).unwrap())
    }

    fn find(header: &str) -> Option<&str> {
        at("/smartcar", APPLICATION).find(header, None)
    }

    #[test]
    fn the_name_follows_from_the_deployment() {
        let here = at("/smartcar", APPLICATION);
        assert_eq!(here.name(None), NAME);
        assert_eq!(here.name(Some("8787")), format!("{NAME}-8787"));
        assert_eq!(at("/smartcar", APPLICATION), here);
        let others = [
            at("/cars", APPLICATION),
            at("/smartca", "8229df9f-91a0-4ff0-a1ae-a1f38ee24d07"),
            at("/smartcar", "00000000-91a0-4ff0-a1ae-a1f38ee24d07"),
        ];
        for other in others {
            assert_ne!(other.name(None), NAME);
        }
    }

    #[test]
    fn deployments_on_one_host_do_not_see_each_others_sessions() {
        let (here, there) = (at("/smartcar", APPLICATION), at("/cars", APPLICATION));
        let header = [
            format!("{}=a", here.name(None)),
            format!("{}=b", here.name(Some("8787"))),
            format!("{}=c", here.name(Some("8788"))),
            format!("{}=d", there.name(None)),
        ]
        .join("; ");
        for (cookie, port, value) in [
            (&here, None, Some("a")),
            (&here, Some("8787"), Some("b")),
            (&here, Some("8788"), Some("c")),
            (&here, Some("87"), None),
            (&there, None, Some("d")),
            (&there, Some("8787"), None),
        ] {
            assert_eq!(cookie.find(&header, port), value, "{port:?}");
        }
        assert_eq!(here.find_all(&header).collect::<Vec<_>>(), ["a", "b", "c"]);
        assert_eq!(there.find_all(&header).collect::<Vec<_>>(), ["d"]);
    }

    #[test]
    fn of_all_cookies_those_that_are_there_twice_are_left_out() {
        let here = at("/smartcar", APPLICATION);
        let header = format!("{NAME}=planted; {NAME}-1=one; {NAME}=own; {NAME}-x=no; {NAME}-=no; {NAME}-123456=no");
        assert_eq!(here.find_all(&header).collect::<Vec<_>>(), ["one"]);
    }

    #[test]
    fn the_cookie_is_found_by_its_whole_name() {
        let header = format!("a=1; x{NAME}=no; {NAME}=yes=; b");
        assert_eq!(find(&header), Some("yes="));
        assert_eq!(find(&format!("a=1;\t{NAME}=yes ;b")), Some("yes"));
        for header in [
            String::new(),
            NAME.to_owned(),
            "__Host-smartcar-connect=no".to_owned(),
            format!("{}=no", NAME.to_lowercase()),
            format!("{NAME} =no"),
            format!("{NAME}x=no"),
            format!("{NAME}\u{a0}=no"),
            format!("={NAME}=no"),
        ] {
            assert_eq!(find(&header), None, "{header:?}");
        }
    }

    #[test]
    fn a_name_behind_any_other_space_is_another_name() {
        // What Rust's `trim` takes off beyond the spaces and tabs of RFC 6265bis.
        let others = (char::MIN..=char::MAX).filter(|one| one.is_whitespace() && !matches!(one, ' ' | '\t'));
        for space in others {
            let planted = format!("{space}{NAME}=planted");
            assert_eq!(find(&planted), None, "{space:?}");
            let both = format!("{planted}; {NAME}=own");
            assert_eq!(find(&both), Some("own"), "{space:?}");
            let value = format!("{NAME}={space}own{space}");
            assert_eq!(find(&value), Some(&*format!("{space}own{space}")));
        }
    }

    #[test]
    fn a_cookie_that_is_there_twice_opens_nothing() {
        for header in [
            format!("{NAME}=planted; {NAME}=own"),
            format!("{NAME}=own; a=1; {NAME}=planted"),
            format!("{NAME}=same; {NAME}=same"),
            format!("{NAME}=; {NAME}=own"),
        ] {
            assert_eq!(find(&header), None, "{header}");
        }
    }

    #[test]
    fn no_script_and_no_other_site_gets_at_it() {
        assert_eq!(
            session_cookie(NAME, "v", Millis::from_days(1)).as_str(),
            format!("{NAME}=v; Path=/; HttpOnly; Secure; SameSite=Strict; Max-Age=86400")
        );
        assert_eq!(
            ended_session_cookie(NAME),
            format!("{NAME}=; Path=/; HttpOnly; Secure; SameSite=Strict; Max-Age=0")
        );
    }
}
