//! Anonymous sessions: a random id in a cookie, authenticated by the key ring.

use core::fmt;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, Mac as _};
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::{
    principal::Principal,
    seal::{KeyId, KeyRing, MacPurpose, push_prefixed},
    time::{Millis, UnixMillis},
};

const VERSION: &str = "v1.";
const ID_BYTES: usize = 32;

/// An anonymous session. It ends a fixed time after its start, however often it is used.
pub struct Session {
    id: Zeroizing<[u8; ID_BYTES]>,
    started_at: UnixMillis,
    lifetime: Millis,
    sealed_with_active_key: bool,
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("started_at", &self.started_at)
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
    pub fn start(id: [u8; ID_BYTES], now: UnixMillis, lifetime: Millis) -> Self {
        Self {
            id: Zeroizing::new(id),
            started_at: now,
            lifetime,
            sealed_with_active_key: false,
        }
    }

    /// Reads a cookie's value.
    ///
    /// # Errors
    /// [`SessionError`]; the caller then has no session.
    pub fn from_cookie(ring: &KeyRing, value: &str, now: UnixMillis, lifetime: Millis) -> Result<Self, SessionError> {
        let (session, key_id) = Self::authenticate(ring, value).ok_or(SessionError::NotAuthentic)?;
        let session = Self {
            lifetime,
            sealed_with_active_key: key_id == *ring.active_id(),
            ..session
        };
        if now >= session.ends_at() {
            Err(SessionError::Ended)
        } else {
            Ok(session)
        }
    }

    fn authenticate(ring: &KeyRing, value: &str) -> Option<(Self, KeyId)> {
        let (head, mac) = value.strip_prefix(VERSION)?.rsplit_once('.')?;
        let (key_id, payload) = head.rsplit_once('.')?;
        let key_id = KeyId::parse(key_id)?;
        let payload = Zeroizing::new(URL_SAFE_NO_PAD.decode(payload).ok()?);
        let mac = URL_SAFE_NO_PAD.decode(mac).ok()?;
        Self::mac(ring, &key_id, &payload)?.verify_slice(&mac).ok()?;
        let (id, started_at) = payload.split_first_chunk::<ID_BYTES>()?;
        let started_at = u64::from_be_bytes(started_at.try_into().ok()?);
        let session = Self {
            id: Zeroizing::new(*id),
            started_at: UnixMillis::new(started_at),
            lifetime: Millis::ZERO,
            sealed_with_active_key: false,
        };
        Some((session, key_id))
    }

    fn mac(ring: &KeyRing, key_id: &KeyId, payload: &[u8]) -> Option<Hmac<Sha256>> {
        let mut mac = ring.mac(key_id, MacPurpose::Session)?;
        let mut message = Zeroizing::new(Vec::new());
        push_prefixed(&mut message, key_id.as_str().as_bytes());
        push_prefixed(&mut message, payload);
        mac.update(&message);
        Some(mac)
    }

    /// The cookie's value, made with the active key. `None` never happens: the active key is in its ring.
    #[must_use]
    pub fn to_cookie(&self, ring: &KeyRing) -> Option<Zeroizing<String>> {
        let key_id = ring.active_id();
        let mut payload = Zeroizing::new(self.id.to_vec());
        payload.extend_from_slice(&self.started_at.as_millis().to_be_bytes());
        let mac = Self::mac(ring, key_id, &payload)?.finalize().into_bytes();
        let parts = [
            key_id.as_str(),
            &URL_SAFE_NO_PAD.encode(&*payload),
            &URL_SAFE_NO_PAD.encode(mac),
        ];
        Some(Zeroizing::new([VERSION, &parts.join(".")].concat()))
    }

    /// Whether the cookie has to be set (again): it is new, or was made with a key that is on its way out.
    #[must_use]
    pub fn needs_cookie(&self) -> bool {
        !self.sealed_with_active_key
    }

    /// When the session ends.
    #[must_use]
    pub fn ends_at(&self) -> UnixMillis {
        self.started_at.after(self.lifetime)
    }

    /// Whom the session speaks for.
    #[must_use]
    pub fn principal(&self) -> Principal {
        Principal::anonymous(&self.id)
    }
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*};

    use super::*;

    const NOW: UnixMillis = UnixMillis::new(1_790_000_000_000);
    const LIFETIME: Millis = Millis::from_days(180);
    const A: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
    const B: &str = "ICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj8=";

    fn ring(text: &str) -> KeyRing {
        KeyRing::parse(text).unwrap()
    }

    fn one() -> KeyRing {
        ring(&format!("2026.11:{A}"))
    }

    fn cookie(ring: &KeyRing) -> String {
        Session::start([7; 32], NOW, LIFETIME)
            .to_cookie(ring)
            .unwrap()
            .to_string()
    }

    fn read(ring: &KeyRing, value: &str, now: UnixMillis) -> Result<Session, SessionError> {
        Session::from_cookie(ring, value, now, LIFETIME)
    }

    #[test]
    fn a_cookie_opens_the_session_it_was_made_for() {
        let ring = one();
        let started = Session::start([7; 32], NOW, LIFETIME);
        assert!(started.needs_cookie(), "a new session has to be set");
        let session = read(&ring, &cookie(&ring), NOW.after(Millis::from_days(3))).unwrap();
        assert_eq!(session.principal(), started.principal());
        assert_eq!(session.ends_at(), NOW.after(LIFETIME));
        assert!(!session.needs_cookie(), "one that is set has not");
        assert_ne!(session.principal(), Session::start([8; 32], NOW, LIFETIME).principal());
    }

    #[test]
    fn a_session_ends_however_often_it_was_used() {
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
            "making it again does not move its start"
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
        let key_id = ring.active_id().clone();
        for payload in [Vec::new(), vec![7; 39], vec![7; 41], vec![7; 32]] {
            let mac = Session::mac(&ring, &key_id, &payload).unwrap().finalize().into_bytes();
            let parts = [
                key_id.as_str(),
                &URL_SAFE_NO_PAD.encode(&payload),
                &URL_SAFE_NO_PAD.encode(mac),
            ];
            let value = format!("v1.{}", parts.join("."));
            assert_eq!(read(&ring, &value, NOW).unwrap_err(), SessionError::NotAuthentic);
        }
    }

    #[test]
    fn neither_the_id_nor_the_cookie_is_printed() {
        let printed = format!("{:?}", Session::start([7; 32], NOW, LIFETIME));
        assert_eq!(printed, "Session { started_at: UnixMillis(1790000000000), .. }");
        let principal = Session::start([7; 32], NOW, LIFETIME).principal();
        assert!(!cookie(&one()).contains(principal.as_str().trim_start_matches("anonymous:")));
    }

    proptest! {
        #[test]
        fn no_forged_cookie_opens_anything(value in ".{0,200}", bytes in vec(any::<u8>(), 0..100)) {
            let ring = one();
            let forged = format!("v1.2026.11.{}.{}", URL_SAFE_NO_PAD.encode(&bytes), URL_SAFE_NO_PAD.encode([0; 32]));
            for value in [&value, &forged, &format!("v1.2026.11.{value}")] {
                prop_assert_eq!(read(&ring, value, NOW).unwrap_err(), SessionError::NotAuthentic);
            }
        }

        #[test]
        fn no_changed_character_goes_unnoticed(position in 0_usize..110, replacement in "[ -~]") {
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
