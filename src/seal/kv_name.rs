//! Names in Workers KV: a dump of the namespace shows no principal, connection or vehicle.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::Mac as _;

use crate::{
    connect::ConnectionId,
    principal::Principal,
    seal::{KeyId, KeyRing, MacPurpose, push_prefixed},
    time::UnixMillis,
};

/// KV refuses a shorter life: <https://developers.cloudflare.com/kv/api/write-key-value-pairs/#expiring-keys>.
const SHORTEST_LIFE_SECS: u64 = 60;

/// The life to give to a record in KV that is worthless after `expires_at`, in seconds.
#[must_use]
pub fn kv_life_secs(expires_at: UnixMillis, now: UnixMillis) -> u64 {
    expires_at.since(now).as_secs().max(SHORTEST_LIFE_SECS)
}

/// A name in KV: `v1/` and an HMAC-SHA256 in base64url.
///
/// It depends on a key of the ring. After a rotation a reader tries the active key's name first and then the others';
/// the vault writes under the active one and deletes the rest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KvName(String);

impl KvName {
    /// The prefix of every name.
    pub const PREFIX: &'static str = "v1/";

    /// Where the grant is kept, for each key of the ring, the active one first.
    #[must_use]
    pub fn grant(ring: &KeyRing, principal: &Principal, id: &ConnectionId) -> Vec<Self> {
        Self::all(ring, MacPurpose::GrantName, principal, id.as_str())
    }

    /// Where the index of the principal is kept, for each key of the ring, the active one first.
    #[must_use]
    pub fn index(ring: &KeyRing, principal: &Principal) -> Vec<Self> {
        Self::all(ring, MacPurpose::IndexName, principal, "")
    }

    fn all(ring: &KeyRing, purpose: MacPurpose, principal: &Principal, item: &str) -> Vec<Self> {
        ring.ids()
            .filter_map(|id| Self::under(ring, id, purpose, principal, item))
            .collect()
    }

    fn under(ring: &KeyRing, key_id: &KeyId, purpose: MacPurpose, principal: &Principal, item: &str) -> Option<Self> {
        let mut mac = ring.mac(key_id, purpose)?;
        let mut message = Vec::new();
        push_prefixed(&mut message, principal.as_str().as_bytes());
        push_prefixed(&mut message, item.as_bytes());
        mac.update(&message);
        Some(Self(
            [Self::PREFIX, &URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes())].concat(),
        ))
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_life_is_shorter_than_kv_takes() {
        let now = UnixMillis::new(1_000_000);
        for (left_millis, secs) in [
            (0, 60),
            (59_999, 60),
            (60_999, 60),
            (61_000, 61),
            (5_184_000_000, 5_184_000),
        ] {
            assert_eq!(kv_life_secs(UnixMillis::new(1_000_000 + left_millis), now), secs);
        }
        assert_eq!(kv_life_secs(UnixMillis::EPOCH, now), 60, "what has expired already");
    }
}
