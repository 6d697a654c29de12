//! The cookie that keeps, for the time at Connect, where the owner goes afterwards.
//!
//! It is nobody's credential: whose attempt a callback finishes, the session cookie and the vault decide. What is in it was checked,
//! and is checked again when it comes back, so that one that was planted leads to a page of the app's own too.

use base64ct::{Base64UrlUnpadded, Encoding as _};

use super::return_to::ReturnTo;
use crate::{
    connect::{ATTEMPT_LIFETIME, Origin, StateFingerprint},
    identity::{SessionCookie, cookie_values},
};

/// How many characters of the fingerprint are in the name: an attempt in another tab has another cookie.
const CHARS: usize = 16;

/// So many attempts that are under way keep theirs.
const MOST: usize = 4;

const ATTRIBUTES: &str = "; Path=/; HttpOnly; Secure; SameSite=Strict; Max-Age=";

/// The cookie of one attempt.
#[derive(Debug)]
pub struct ReturnCookie {
    name: String,
}

/// What the names of all begin with, behind the name of the deployment's session cookie.
fn start_of(cookie: &SessionCookie, port: Option<&str>) -> String {
    [&cookie.name(port), "-to-"].concat()
}

impl ReturnCookie {
    /// The cookie of the attempt with this fingerprint, at the deployment whose session cookie is `cookie`.
    #[must_use]
    pub fn of(cookie: &SessionCookie, port: Option<&str>, fingerprint: &StateFingerprint) -> Self {
        let start = fingerprint.as_str().get(..CHARS).unwrap_or_default();
        Self {
            name: [&start_of(cookie, port), start].concat(),
        }
    }

    /// The `Set-Cookie` header that keeps `return_to` as long as the attempt.
    #[must_use]
    pub fn keep(&self, return_to: &ReturnTo) -> String {
        let value = Base64UrlUnpadded::encode_string(return_to.as_str().as_bytes());
        [
            &self.name,
            "=",
            &value,
            ATTRIBUTES,
            &ATTEMPT_LIFETIME.as_secs().to_string(),
        ]
        .concat()
    }

    /// Where the owner goes, by a `Cookie` header; `None` if it does not say, or says it twice.
    #[must_use]
    pub fn find(&self, header: &str, prefix: &str, own: &Origin, allowed: &[Origin]) -> Option<ReturnTo> {
        let mut values = cookie_values(header, &self.name);
        let value = values.next()?;
        if values.next().is_some() {
            return None;
        }
        let value = String::from_utf8(Base64UrlUnpadded::decode_vec(value).ok()?).ok()?;
        ReturnTo::parse(&value, prefix, own, allowed).ok()
    }
}

/// The `Set-Cookie` headers that make room for one more: those of the attempts that were begun first are forgotten.
#[must_use]
pub fn too_many(header: &str, cookie: &SessionCookie, port: Option<&str>) -> Vec<String> {
    let start = start_of(cookie, port);
    // Browsers send the oldest first (RFC 6265bis section 5.8.3).
    let names = header
        .split(';')
        .filter_map(|pair| Some(pair.trim_matches([' ', '\t']).split_once('=')?.0));
    let is_ours = |name: &&str| {
        name.strip_prefix(&start).is_some_and(|rest| {
            rest.len() == CHARS
                && rest
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
        })
    };
    let ours: Vec<&str> = names.filter(is_ours).collect();
    let over = ours.len().saturating_sub(MOST.saturating_sub(1));
    let forget = |name: &&str| [*name, "=", ATTRIBUTES, "0"].concat();
    ours.iter().take(over).map(forget).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connect::{ApplicationId, State};

    fn deployment() -> SessionCookie {
        let id = ApplicationId::parse("8229df9f-91a0-4ff0-a1ae-a1f38ee24d07").unwrap();
        SessionCookie::of_deployment("/smartcar", &id)
    }

    fn own() -> Origin {
        Origin::parse("https://app.example").unwrap()
    }

    fn cookie(seed: u8) -> ReturnCookie {
        let fingerprint = State::from_random([seed; 32]).fingerprint();
        ReturnCookie::of(&deployment(), None, &fingerprint)
    }

    fn kept(cookie: &ReturnCookie, value: &str) -> String {
        let set = cookie.keep(&ReturnTo::parse(value, "/smartcar", &own(), &[]).unwrap());
        set.split(';').next().unwrap().to_owned()
    }

    fn found(cookie: &ReturnCookie, header: &str) -> Option<String> {
        let found = cookie.find(header, "/smartcar", &own(), &[]);
        found.map(|return_to| return_to.as_str().to_owned())
    }

    #[test]
    fn it_is_kept_for_its_attempt_alone_and_ten_minutes() {
        let set = cookie(1).keep(&ReturnTo::parse("/cars", "/smartcar", &own(), &[]).unwrap());
        assert!(set.starts_with("__Host-smartcar-connect-"), "{set}");
        assert!(
            set.ends_with("; Path=/; HttpOnly; Secure; SameSite=Strict; Max-Age=600"),
            "{set}"
        );
        let header = format!("a=b; {}; c=d", kept(&cookie(1), "/cars?x=1#y"));
        assert_eq!(found(&cookie(1), &header).as_deref(), Some("/cars?x=1#y"));
        assert_eq!(found(&cookie(2), &header), None);
    }

    #[test]
    fn a_planted_one_leads_nowhere_else() {
        let name = cookie(1).name;
        for value in [
            "//evil.example",
            "https://evil.example/",
            "javascript:alert(1)",
            "/smartcar/connect/login",
        ] {
            let header = format!("{name}={}", Base64UrlUnpadded::encode_string(value.as_bytes()));
            assert_eq!(found(&cookie(1), &header), None, "{value}");
        }
        for value in ["", "/cars", "%2Fcars", "_w"] {
            assert_eq!(found(&cookie(1), &format!("{name}={value}")), None, "{value}");
        }
        let one = kept(&cookie(1), "/cars");
        assert_eq!(found(&cookie(1), &format!("{one}; {one}")), None);
    }

    #[test]
    fn the_oldest_make_room() {
        let header: Vec<String> = (1..=6).map(|seed| kept(&cookie(seed), "/cars")).collect();
        let too_many = |header: &str| too_many(header, &deployment(), None);
        assert_eq!(too_many(&header[..3].join("; ")), Vec::<String>::new());
        let forgotten = too_many(&header.join("; "));
        let names: Vec<String> = forgotten
            .iter()
            .map(|set| set.split('=').next().unwrap().to_owned())
            .collect();
        assert_eq!(names, [cookie(1).name, cookie(2).name, cookie(3).name]);
        assert!(forgotten[0].ends_with("; Path=/; HttpOnly; Secure; SameSite=Strict; Max-Age=0"));
        let session = deployment().name(None);
        assert_eq!(
            too_many(&vec![format!("{session}-to-short=x"); 9].join("; ")),
            Vec::<String>::new()
        );
    }
}
