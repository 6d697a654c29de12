//! Anonymous sessions: a random id in a cookie, authenticated by the key ring.

use core::fmt;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use zeroize::Zeroizing;

use super::{KeyId, KeyRing, Principal, key_ring::push_prefixed};
use crate::time::{Millis, UnixMillis};

const PURPOSE: &str = "session";
const VERSION: &str = "v1.";
const ID_BYTES: usize = 32;

/// An anonymous session. It ends a fixed time after its start, however often it is used.
pub struct Session {
    id: Zeroizing<[u8; ID_BYTES]>,
    started_at: UnixMillis,
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
pub enum SessionError {
    /// It was not made by this Worker, or with a key that is no longer in the ring.
    NotAuthentic,
    /// The session is over.
    Ended,
}

impl Session {
    /// A new session of 32 random bytes.
    #[must_use]
    pub fn start(id: [u8; ID_BYTES], now: UnixMillis) -> Self {
        Self {
            id: Zeroizing::new(id),
            started_at: now,
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
            sealed_with_active_key: key_id == *ring.active_id(),
            ..session
        };
        if now >= session.ends_at(lifetime) {
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
            sealed_with_active_key: false,
        };
        Some((session, key_id))
    }

    fn mac(ring: &KeyRing, key_id: &KeyId, payload: &[u8]) -> Option<Hmac<Sha256>> {
        let key = ring.derive(key_id, PURPOSE, "")?;
        let mut mac = Hmac::<Sha256>::new_from_slice(&*key).ok()?;
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
    pub fn wants_cookie(&self) -> bool {
        !self.sealed_with_active_key
    }

    /// When the session ends.
    #[must_use]
    pub fn ends_at(&self, lifetime: Millis) -> UnixMillis {
        self.started_at.after(lifetime)
    }

    /// Whom the session speaks for.
    #[must_use]
    pub fn principal(&self) -> Principal {
        Principal::anonymous(&self.id)
    }
}
