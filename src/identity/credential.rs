//! Whom a request has shown itself to come from.

use zeroize::Zeroizing;

use super::{
    cookie::session_cookie,
    jwt::Subject,
    service_key::BackEnd,
    session::{Session, ShownSession},
};
use crate::{principal::Principal, seal::KeyRing, time::UnixMillis};

/// Who makes a request, by the credential that it shows.
#[derive(Debug)]
pub enum Identity {
    /// A visitor of a page, by the cookie of a session: an anonymous one, or one that a ticket of a user's has opened.
    Session(Session),
    /// A user of the app's own, by a token of its log-in.
    Subject(Subject),
    /// The app's own back end, by a service key. It may act for every principal, and names the one: in a header, or in the body
    /// of the requests that only it makes.
    Service(BackEnd),
}

impl Identity {
    /// Whom it speaks for by itself; nobody where the request has to name the principal.
    #[must_use]
    pub fn principal(&self) -> Option<Principal> {
        match self {
            Self::Session(session) => Some(session.principal()),
            Self::Subject(subject) => Some(subject.principal().clone()),
            Self::Service(back_end) => back_end.user.clone(),
        }
    }

    /// When the credential ends, and with it what it opens; `None` if the principal can come back by another one.
    #[must_use]
    pub fn ends_at(&self) -> Option<UnixMillis> {
        match self {
            Self::Session(session) => Some(session.ends_at()).filter(|_| session.principal().is_anonymous()),
            Self::Subject(_) | Self::Service(_) => None,
        }
    }

    /// The session that the request shows, if it shows one.
    #[must_use]
    pub fn shown_session(&self) -> Option<ShownSession> {
        match self {
            Self::Session(session) => Some(session.shown()),
            Self::Subject(_) | Self::Service(_) => None,
        }
    }

    /// Whether a browser sends the credential by itself, whichever page makes it send the request. Then the credential does
    /// not show that its owner wants what is asked.
    #[must_use]
    pub const fn is_ambient(&self) -> bool {
        match self {
            Self::Session(_) => true,
            Self::Subject(subject) => subject.is_ambient(),
            Self::Service(_) => false,
        }
    }

    /// The `Set-Cookie` header that the answer needs, for the cookie called `name`, if it needs one: for a session that is new,
    /// was renewed, or whose cookie was made with a key that is on its way out.
    #[must_use]
    pub fn set_cookie(&self, name: &str, ring: &KeyRing, now: UnixMillis) -> Option<Zeroizing<String>> {
        match self {
            Self::Session(session) if session.needs_cookie() => {
                let life = session.ends_at().since(now);
                Some(session_cookie(name, &session.to_cookie(ring)?, life))
            }
            Self::Session(_) | Self::Subject(_) | Self::Service(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        identity::{ServiceKeys, SessionLimits},
        time::Millis,
    };

    const NOW: UnixMillis = UnixMillis::new(1_790_000_000_000);
    const LIFETIME: Millis = Millis::from_days(180);
    const LIMITS: SessionLimits = SessionLimits {
        idle: LIFETIME,
        absolute: None,
    };

    fn ring(list: &str) -> KeyRing {
        KeyRing::parse(list).unwrap()
    }

    fn one() -> KeyRing {
        ring("k1:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=")
    }

    #[test]
    fn a_session_speaks_for_its_owner_until_it_ends_and_travels_by_itself() {
        let session = Session::start([7; 32], NOW, LIMITS);
        let (principal, shown) = (session.principal(), session.shown());
        let identity = Identity::Session(session);
        assert_eq!(identity.shown_session(), Some(shown));
        assert_eq!(identity.principal(), Some(principal));
        assert_eq!(identity.ends_at(), Some(NOW.after(LIFETIME)));
        assert!(identity.is_ambient());
    }

    #[test]
    fn a_new_session_sets_its_cookie_for_as_long_as_it_lasts() {
        let identity = Identity::Session(Session::start([7; 32], NOW, LIMITS));
        let later = NOW.after(Millis::from_days(1));
        let header = identity.set_cookie("__Host-name", &one(), later).unwrap();
        assert!(header.ends_with("; Max-Age=15465600"), "{}", 179 * 86_400);
    }

    #[test]
    fn a_cookie_is_set_again_when_its_key_is_retired_and_not_otherwise() {
        let value = Session::start([7; 32], NOW, LIMITS).to_cookie(&one()).unwrap();
        let rotated =
            ring("k2:ICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj8=,k1:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=");
        for (ring, is_set) in [(one(), false), (rotated, true)] {
            let session = Session::from_cookie(&ring, &value, NOW, LIMITS).unwrap();
            let set = Identity::Session(session).set_cookie("__Host-name", &ring, NOW);
            assert_eq!(set.is_some(), is_set);
        }
    }

    #[test]
    fn a_token_speaks_for_its_subject_whose_cars_outlive_it() {
        for is_ambient in [false, true] {
            let principal = Principal::user("42").unwrap();
            let identity = Identity::Subject(Subject::new(principal.clone(), is_ambient));
            assert_eq!(identity.principal(), Some(principal));
            assert_eq!(identity.ends_at(), None);
            assert_eq!(identity.shown_session(), None);
            assert_eq!(identity.is_ambient(), is_ambient);
            assert!(identity.set_cookie("__Host-name", &one(), NOW).is_none());
        }
    }

    #[test]
    fn a_service_key_speaks_for_the_user_that_it_names_and_no_browser_sends_it() {
        let key = "5f0c81d2a97b4e36180f2dc4b6e97a53";
        let keys = ServiceKeys::parse(key).unwrap();
        for user in [None, Some(Principal::user("42").unwrap())] {
            let identity = Identity::Service(BackEnd {
                key: keys.shown_by(Some(&format!("Bearer {key}"))).unwrap(),
                user: user.clone(),
            });
            assert_eq!(identity.principal(), user);
            assert_eq!(identity.ends_at(), None);
            assert!(!identity.is_ambient());
            assert!(identity.set_cookie("__Host-name", &one(), NOW).is_none());
        }
    }
}
