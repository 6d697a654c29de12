//! Texts that only a Worker with the key ring can have made, for others to keep and to show again: cookies and tickets.

use base64ct::{Base64UrlUnpadded, Encoding as _};
use hmac::{Hmac, Mac as _};
use sha2::Sha256;
use zeroize::Zeroizing;

use super::{
    encoding::push_prefixed,
    key_ring::{KeyId, KeyRing, MacPurpose},
};

/// A form of such texts: `{version}.{key id}.{payload}.{HMAC-SHA-256}`, the latter two in base64url.
#[derive(Clone, Copy)]
pub(crate) struct AuthenticText<'a> {
    /// What the text begins with.
    pub(crate) version: &'static str,
    /// What its key is for.
    pub(crate) purpose: MacPurpose,
    /// What is authenticated with the payload and does not travel, if anything is.
    pub(crate) context: Option<&'a str>,
}

impl AuthenticText<'_> {
    /// The text with this payload, made with the active key. `None` never happens: the active key is in its ring.
    pub(crate) fn write(self, ring: &KeyRing, payload: &[u8]) -> Option<Zeroizing<String>> {
        let key_id = ring.active_id();
        let mac = self.mac(ring, key_id, payload)?.finalize().into_bytes();
        let parts = [
            self.version,
            key_id.as_str(),
            &Base64UrlUnpadded::encode_string(payload),
            &Base64UrlUnpadded::encode_string(&mac),
        ];
        Some(Zeroizing::new(parts.join(".")))
    }

    /// The payload of a text that is authentic, and the id of the key that made it.
    pub(crate) fn read(self, ring: &KeyRing, text: &str) -> Option<(KeyId, Zeroizing<Vec<u8>>)> {
        let text = text.strip_prefix(self.version)?.strip_prefix('.')?;
        let (head, mac) = text.rsplit_once('.')?;
        let (key_id, payload) = head.rsplit_once('.')?;
        let key_id = KeyId::parse(key_id)?;
        let payload = Zeroizing::new(Base64UrlUnpadded::decode_vec(payload).ok()?);
        let mac = Base64UrlUnpadded::decode_vec(mac).ok()?;
        self.mac(ring, &key_id, &payload)?.verify_slice(&mac).ok()?;
        Some((key_id, payload))
    }

    fn mac(self, ring: &KeyRing, key_id: &KeyId, payload: &[u8]) -> Option<Hmac<Sha256>> {
        let mut mac = ring.mac(key_id, self.purpose)?;
        let mut message = Zeroizing::new(Vec::new());
        push_prefixed(&mut message, key_id.as_str().as_bytes());
        if let Some(context) = self.context {
            push_prefixed(&mut message, context.as_bytes());
        }
        push_prefixed(&mut message, payload);
        mac.update(&message);
        Some(mac)
    }
}
