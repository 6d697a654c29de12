//! Sessions: a random id in a cookie, authenticated by the key ring; anonymous, or of a user of the app.

use core::fmt;

use base64ct::{Base64UrlUnpadded, Encoding as _};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use crate::{
    identity::ticket::Ticket,
    principal::Principal,
    seal::{AuthenticText, KeyRing, MacPurpose},
    time::{Millis, UnixMillis},
};

/// The value of the cookie.
const COOKIE: AuthenticText<'_> = AuthenticText {
    version: "v1",
    purpose: MacPurpose::Session,
    context: None,
};
const ID_BYTES: usize = 32;

/// How long after its latest renewal a visit renews a session again. A quarter of its life is enough for a short one.
const RENEWED_EVERY: Millis = Millis::from_days(1);

/// Renewals happen on the hour, so that requests that are made together tell the vault one end and not several.
const ON_THE_HOUR: Millis = Millis::from_hours(1);

/// How long sessions last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionLimits {
    /// After so long without a visit a session ends.
    pub idle: Millis,
    /// So long after its start a session ends whatever its visits, if this is set.
    pub absolute: Option<Millis>,
}

/// Names a session where it is kept, without opening it: a hash of its own id.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SessionId(String);

/// A session as a vault hears of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShownSession {
    /// Which session.
    pub id: SessionId,
    /// When it ends, unless a visit renews it before.
    pub ends_at: UnixMillis,
}

/// A session: of nobody but itself, or of a user of the app. Visits renew it.
pub struct Session {
    id: Zeroizing<[u8; ID_BYTES]>,
    /// The user whom it speaks for; `None` for an anonymous session.
    user: Option<Principal>,
    started_at: UnixMillis,
    renewed_at: UnixMillis,
    limits: SessionLimits,
    /// Whether the browser has a cookie that says all of this, made with the active key.
    is_set: bool,
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("started_at", &self.started_at)
            .field("renewed_at", &self.renewed_at)
            .finish_non_exhaustive()
    }
}

/// Why a cookie is no session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SessionError {
    /// It was not made by this Worker, or with a key that is no longer in the ring.
    NotAuthentic,
    /// The session is over.
    Ended,
}

impl Session {
    /// A new session of 32 random bytes.
    #[must_use]
    pub fn start(id: [u8; ID_BYTES], now: UnixMillis, limits: SessionLimits) -> Self {
        Self {
            id: Zeroizing::new(id),
            user: None,
            started_at: now,
            renewed_at: now,
            limits,
            is_set: false,
        }
    }

    /// A new session of 32 random bytes, which speaks for the user of a ticket.
    #[must_use]
    pub fn start_for(ticket: &Ticket, id: [u8; ID_BYTES], now: UnixMillis, limits: SessionLimits) -> Self {
        Self {
            user: Some(ticket.principal().clone()),
            ..Self::start(id, now, limits)
        }
    }

    /// Reads a cookie's value.
    ///
    /// # Errors
    /// [`SessionError`]; the caller then has no session.
    pub fn from_cookie(
        ring: &KeyRing,
        value: &str,
        now: UnixMillis,
        limits: SessionLimits,
    ) -> Result<Self, SessionError> {
        let session = Self::authenticate(ring, value, limits).ok_or(SessionError::NotAuthentic)?;
        if now >= session.ends_at() {
            Err(SessionError::Ended)
        } else {
            Ok(session)
        }
    }

    fn authenticate(ring: &KeyRing, value: &str, limits: SessionLimits) -> Option<Self> {
        let (key_id, payload) = COOKIE.read(ring, value)?;
        let (id, times) = payload.split_first_chunk::<ID_BYTES>()?;
        let (started_at, rest) = times.split_first_chunk()?;
        let (renewed_at, user) = rest.split_first_chunk()?;
        let user = match core::str::from_utf8(user).ok()? {
            "" => None,
            id => Some(Principal::user(id).ok()?),
        };
        Some(Self {
            id: Zeroizing::new(*id),
            user,
            started_at: UnixMillis::new(u64::from_be_bytes(*started_at)),
            renewed_at: UnixMillis::new(u64::from_be_bytes(*renewed_at)),
            limits,
            is_set: key_id == *ring.active_id(),
        })
    }

    /// The session after a visit at `now`: it ends later, and its cookie has to be set, unless a visit before did that.
    #[must_use]
    pub fn visited(self, now: UnixMillis) -> Self {
        let often = RENEWED_EVERY.min(Millis::new(self.limits.idle.as_millis() / 4));
        if now.since(self.renewed_at) < often {
            return self;
        }
        let past_the_hour = now.as_millis().checked_rem(ON_THE_HOUR.as_millis()).unwrap_or_default();
        Self {
            renewed_at: UnixMillis::new(now.as_millis().saturating_sub(past_the_hour)).max(self.renewed_at),
            is_set: false,
            ..self
        }
    }

    /// The cookie's value, made with the active key. `None` never happens: the active key is in its ring.
    #[must_use]
    pub fn to_cookie(&self, ring: &KeyRing) -> Option<Zeroizing<String>> {
        let mut payload = Zeroizing::new(self.id.to_vec());
        for time in [self.started_at, self.renewed_at] {
            payload.extend_from_slice(&time.as_millis().to_be_bytes());
        }
        let user = self.user.as_ref().and_then(Principal::user_id);
        payload.extend_from_slice(user.unwrap_or_default().as_bytes());
        COOKIE.write(ring, &payload)
    }

    /// Whether the cookie has to be set (again): the session is new, was renewed, or its cookie was made with a key that is on
    /// its way out.
    #[must_use]
    pub const fn needs_cookie(&self) -> bool {
        !self.is_set
    }

    /// When the session ends, unless a visit renews it before.
    #[must_use]
    pub fn ends_at(&self) -> UnixMillis {
        let idle = self.renewed_at.after(self.limits.idle);
        let absolute = self.limits.absolute.map(|limit| self.started_at.after(limit));
        absolute.map_or(idle, |absolute| absolute.min(idle))
    }

    /// Whom the session speaks for.
    #[must_use]
    pub fn principal(&self) -> Principal {
        match &self.user {
            Some(user) => user.clone(),
            None => Principal::anonymous(&self.id),
        }
    }

    /// The session as a vault hears of it.
    #[must_use]
    pub fn shown(&self) -> ShownSession {
        let hash = Sha256::new()
            .chain_update(b"smartcar-connect/session/v1\0")
            .chain_update(*self.id)
            .finalize();
        ShownSession {
            id: SessionId(Base64UrlUnpadded::encode_string(&hash)),
            ends_at: self.ends_at(),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*};

    use super::*;

    const NOW: UnixMillis = UnixMillis::new(1_790_000_000_000);
    const LIFETIME: Millis = Millis::from_days(180);
    const LIMITS: SessionLimits = SessionLimits {
        idle: LIFETIME,
        absolute: None,
    };
    const A: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
    const B: &str = "ICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj8=";

    fn ring(text: &str) -> KeyRing {
        KeyRing::parse(text).unwrap()
    }

    fn one() -> KeyRing {
        ring(&format!("2026.11:{A}"))
    }

    fn cookie(ring: &KeyRing) -> String {
        Session::start([7; 32], NOW, LIMITS)
            .to_cookie(ring)
            .unwrap()
            .to_string()
    }

    fn read(ring: &KeyRing, value: &str, now: UnixMillis) -> Result<Session, SessionError> {
        Session::from_cookie(ring, value, now, LIMITS)
    }

    #[test]
    fn a_cookie_opens_the_session_it_was_made_for() {
        let ring = one();
        let started = Session::start([7; 32], NOW, LIMITS);
        assert!(started.needs_cookie(), "a new session has to be set");
        let session = read(&ring, &cookie(&ring), NOW.after(Millis::from_days(3))).unwrap();
        assert_eq!(session.principal(), started.principal());
        assert_eq!(session.ends_at(), NOW.after(LIFETIME));
        assert!(!session.needs_cookie(), "one that is set has not");
        assert_ne!(session.principal(), Session::start([8; 32], NOW, LIMITS).principal());
    }

    #[test]
    fn a_session_without_visits_ends() {
        let ring = one();
        let value = cookie(&ring);
        let end = NOW.after(LIFETIME);
        assert!(read(&ring, &value, UnixMillis::new(end.as_millis() - 1)).is_ok());
        for now in [end, end.after(Millis::from_days(1_000)), UnixMillis::new(u64::MAX)] {
            assert_eq!(read(&ring, &value, now).unwrap_err(), SessionError::Ended);
        }
        let again = read(&ring, &value, NOW.after(Millis::from_days(100))).unwrap();
        assert_eq!(
            again.to_cookie(&ring).unwrap().as_str(),
            value,
            "reading it is no visit"
        );
    }

    #[test]
    fn visits_renew_a_session_once_a_day() {
        let ring = one();
        let mut value = cookie(&ring);
        let mut renewals = 0;
        let mut now = NOW;
        for _ in 0..400 {
            now = now.after(Millis::from_hours(9));
            let session = read(&ring, &value, now).unwrap().visited(now);
            assert!(session.ends_at() > now.after(Millis::from_days(178)));
            assert_eq!(session.principal(), read(&ring, &value, now).unwrap().principal());
            if session.needs_cookie() {
                renewals += 1;
                value = session.to_cookie(&ring).unwrap().to_string();
                assert!(
                    !read(&ring, &value, now).unwrap().visited(now).needs_cookie(),
                    "it is set"
                );
            }
        }
        assert!((130..=150).contains(&renewals), "{renewals} in 150 days");
    }

    #[test]
    fn a_visit_renews_a_session_when_a_day_is_over_and_not_before() {
        let day = NOW.after(Millis::from_days(1));
        for (now, renews) in [(UnixMillis::new(day.as_millis() - 1), false), (day, true)] {
            let session = read(&one(), &cookie(&one()), now).unwrap().visited(now);
            assert_eq!(session.needs_cookie(), renews, "{now:?}");
        }
    }

    #[test]
    fn visits_at_about_the_same_time_tell_one_end() {
        let ring = one();
        let value = cookie(&ring);
        let noon = UnixMillis::new(NOW.as_millis() / 3_600_000 * 3_600_000).after(Millis::from_days(3));
        let visited = |now| read(&ring, &value, now).unwrap().visited(now);
        assert_eq!(visited(noon).ends_at(), noon.after(LIFETIME));
        let later = noon.after(Millis::from_mins(59));
        assert_eq!(visited(later).ends_at(), noon.after(LIFETIME));
        let soon = NOW.after(Millis::from_hours(23));
        assert!(!visited(soon).needs_cookie(), "the start counts as a visit");
        let earlier = UnixMillis::new(NOW.as_millis() - 1);
        assert!(
            !visited(earlier).needs_cookie(),
            "a clock that was set back renews nothing"
        );
    }

    #[test]
    fn a_short_session_is_renewed_before_it_ends() {
        let limits = SessionLimits {
            idle: Millis::from_days(1),
            absolute: None,
        };
        let session = Session::start([7; 32], NOW, limits);
        let visited = session.visited(NOW.after(Millis::from_hours(7)));
        assert!(visited.ends_at() > NOW.after(Millis::from_hours(30)));
    }

    #[test]
    fn an_absolute_limit_ends_a_session_whatever_its_visits() {
        let ring = one();
        let limits = SessionLimits {
            idle: Millis::from_days(30),
            absolute: Some(Millis::from_days(90)),
        };
        let end = NOW.after(Millis::from_days(90));
        let mut session = Session::start([7; 32], NOW, limits);
        assert_eq!(session.ends_at(), NOW.after(Millis::from_days(30)));
        for day in (20..90).step_by(20) {
            let now = NOW.after(Millis::from_days(day));
            let value = session.to_cookie(&ring).unwrap();
            session = Session::from_cookie(&ring, &value, now, limits).unwrap().visited(now);
        }
        assert_eq!(session.ends_at(), end);
        let value = session.to_cookie(&ring).unwrap();
        let error = Session::from_cookie(&ring, &value, end, limits).unwrap_err();
        assert_eq!(error, SessionError::Ended);
        assert!(
            Session::from_cookie(&ring, &value, end, LIMITS).is_ok(),
            "the limit was taken away"
        );
    }

    #[test]
    fn a_cookie_of_another_key_opens_nothing() {
        let value = cookie(&one());
        for other in [format!("2026.11:{B}"), format!("other:{A}"), format!("k1:{B}")] {
            assert_eq!(
                read(&ring(&other), &value, NOW).unwrap_err(),
                SessionError::NotAuthentic,
                "{other}"
            );
        }
        let renamed = value.replace("2026.11", "2026.12");
        let both = ring(&format!("2026.11:{A},2026.12:{B}"));
        assert_eq!(read(&both, &renamed, NOW).unwrap_err(), SessionError::NotAuthentic);
    }

    #[test]
    fn the_session_of_a_user_speaks_for_the_user_in_every_browser() {
        let ring = one();
        let ticket = Ticket::issue([1; 16], "auth0|42", NOW, Millis::from_mins(5)).unwrap();
        let [one, other] = [[7; 32], [8; 32]].map(|id| Session::start_for(&ticket, id, NOW, LIMITS));
        assert_eq!(one.principal(), Principal::user("auth0|42").unwrap());
        assert_eq!(one.principal(), other.principal());
        assert_ne!(one.shown().id, other.shown().id);
        let value = one.to_cookie(&ring).unwrap();
        let read = read(&ring, &value, NOW).unwrap();
        assert_eq!((read.principal(), read.shown()), (one.principal(), one.shown()));
        let later = NOW.after(Millis::from_days(2));
        assert_eq!(read.visited(later).principal(), one.principal());
        let anonymous = Session::start([7; 32], NOW, LIMITS);
        assert!(anonymous.principal().is_anonymous() && anonymous.to_cookie(&ring).unwrap() != value);
        assert_eq!(anonymous.shown().id, one.shown().id, "the id says nothing of the user");
    }

    #[test]
    fn after_a_rotation_the_session_goes_on_under_the_active_key() {
        let value = cookie(&one());
        let rotated = ring(&format!("2026.12:{B},2026.11:{A}"));
        let session = read(&rotated, &value, NOW).unwrap();
        assert!(session.needs_cookie());
        let renewed = session.to_cookie(&rotated).unwrap();
        assert!(renewed.starts_with("v1.2026.12."));
        let retired = ring(&format!("2026.12:{B}"));
        let renewed = read(&retired, &renewed, NOW).unwrap();
        assert!(!renewed.needs_cookie());
        assert_eq!(renewed.principal(), session.principal());
        assert_eq!(renewed.ends_at(), session.ends_at());
    }

    #[test]
    fn no_cookie_cut_short_opens_anything() {
        let ring = one();
        let value = cookie(&ring);
        for end in 0..value.len() {
            let cut = value.get(..end).unwrap();
            assert_eq!(read(&ring, cut, NOW).unwrap_err(), SessionError::NotAuthentic, "{cut}");
        }
        for longer in [
            format!("{value}A"),
            format!("{value}."),
            format!("{value}="),
            format!(" {value}"),
        ] {
            assert_eq!(
                read(&ring, &longer, NOW).unwrap_err(),
                SessionError::NotAuthentic,
                "{longer}"
            );
        }
    }

    #[test]
    fn a_mac_over_another_payload_opens_nothing() {
        let ring = one();
        for payload in [Vec::new(), vec![7; 39], vec![7; 47], vec![7; 49], vec![7; 32]] {
            let value = COOKIE.write(&ring, &payload).unwrap();
            assert_eq!(read(&ring, &value, NOW).unwrap_err(), SessionError::NotAuthentic);
        }
    }

    #[test]
    fn neither_the_id_nor_the_cookie_is_printed() {
        let printed = format!("{:?}", Session::start([7; 32], NOW, LIMITS));
        assert_eq!(
            printed,
            "Session { started_at: UnixMillis(1790000000000), renewed_at: UnixMillis(1790000000000), .. }"
        );
        let principal = Session::start([7; 32], NOW, LIMITS).principal();
        assert!(!cookie(&one()).contains(principal.as_str().trim_start_matches("anonymous:")));
    }

    proptest! {
        #[test]
        fn no_forged_cookie_opens_anything(value in ".{0,200}", bytes in vec(any::<u8>(), 0..100)) {
            let ring = one();
            let forged = format!("v1.2026.11.{}.{}", Base64UrlUnpadded::encode_string(&bytes), Base64UrlUnpadded::encode_string(&[0; 32]));
            for value in [&value, &forged, &format!("v1.2026.11.{value}")] {
                prop_assert_eq!(read(&ring, value, NOW).unwrap_err(), SessionError::NotAuthentic);
            }
        }

        #[test]
        fn no_changed_character_goes_unnoticed(position in 0_usize..120, replacement in "[ -~]") {
            let ring = one();
            let value = cookie(&ring);
            prop_assume!(position < value.len());
            let mut changed = value.clone();
            changed.replace_range(position..=position, &replacement);
            prop_assume!(changed != value);
            prop_assert_eq!(read(&ring, &changed, NOW).unwrap_err(), SessionError::NotAuthentic);
        }
    }
}
