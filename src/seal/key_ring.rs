//! The keys that records are sealed with.

use core::fmt;

use base64ct::{Base64, Encoding as _};
use hkdf::Hkdf;
use hmac::{Hmac, KeyInit as _};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use subtle::ConstantTimeEq as _;
use zeroize::{Zeroize as _, Zeroizing};

use crate::seal::encoding::push_prefixed;

/// Names a key of the ring: 1 to 32 characters `A-Z a-z 0-9 . _ -`. It stands in the clear in every record.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct KeyId(String);

impl KeyId {
    /// The longest id, in bytes.
    pub const MAX_BYTES: usize = 32;

    /// Reads an id; `None` if it has other characters or another length.
    #[must_use]
    pub fn parse(id: &str) -> Option<Self> {
        let legal = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
        (!id.is_empty() && id.len() <= Self::MAX_BYTES && id.bytes().all(legal)).then(|| Self(id.to_owned()))
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

struct RingKey {
    id: KeyId,
    /// What HKDF extracts of the key: everything else follows from it.
    pseudorandom: Zeroizing<[u8; 32]>,
    macs: KeyedMacs,
}

/// The purposes of a key that are the same for every record: each has its HMAC keyed once, in place of a derivation for every
/// request. Like the key, they are wiped when the ring is dropped.
struct KeyedMacs {
    grant_name: Hmac<Sha256>,
    index_name: Hmac<Sha256>,
    external_id_name: Hmac<Sha256>,
    user_name: Hmac<Sha256>,
    must_act_name: Hmac<Sha256>,
    session: Hmac<Sha256>,
    ticket: Hmac<Sha256>,
}

/// What an HMAC that is keyed once is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MacPurpose {
    /// The name of a grant in KV.
    GrantName,
    /// The name of an index in KV.
    IndexName,
    /// The name of a look-up by external id in KV.
    ExternalIdName,
    /// What the names of the look-ups by a Smartcar user in KV begin with.
    UserName,
    /// What the names of the vaults in KV begin with whose owner must act.
    MustActName,
    /// The cookie of a session.
    Session,
    /// A ticket, which opens a session.
    Ticket,
}

impl MacPurpose {
    const fn name(self) -> &'static str {
        match self {
            Self::GrantName => "kv-name/grant",
            Self::IndexName => "kv-name/index",
            Self::ExternalIdName => "kv-name/external-id",
            Self::UserName => "kv-name/user-id",
            Self::MustActName => "kv-name/must-act",
            Self::Session => "session",
            Self::Ticket => "ticket",
        }
    }
}

impl RingKey {
    fn new(id: KeyId, pseudorandom: Zeroizing<[u8; 32]>) -> Option<Self> {
        let keyed = |purpose: MacPurpose| {
            let key = derive(&pseudorandom, purpose.name(), "")?;
            Hmac::new_from_slice(&*key).ok()
        };
        let macs = KeyedMacs {
            grant_name: keyed(MacPurpose::GrantName)?,
            index_name: keyed(MacPurpose::IndexName)?,
            external_id_name: keyed(MacPurpose::ExternalIdName)?,
            user_name: keyed(MacPurpose::UserName)?,
            must_act_name: keyed(MacPurpose::MustActName)?,
            session: keyed(MacPurpose::Session)?,
            ticket: keyed(MacPurpose::Ticket)?,
        };
        Some(Self { id, pseudorandom, macs })
    }
}

/// The keys, newest first: the first seals and opens, the rest only open.
pub struct KeyRing {
    active: RingKey,
    retired: Vec<RingKey>,
}

impl fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ids: Vec<&str> = self.ids().map(KeyId::as_str).collect();
        f.debug_struct("KeyRing").field("ids", &ids).finish_non_exhaustive()
    }
}

/// Why a key ring is unusable. The position counts from 1; the key itself is never repeated.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyRingError {
    /// There is no key at all.
    Empty,
    /// An entry is not `id:key`, or its id has illegal characters.
    MalformedEntry {
        /// Which entry.
        position: usize,
    },
    /// A key is not base64.
    NotBase64 {
        /// Which key.
        id: KeyId,
    },
    /// A key does not have 32 bytes.
    WrongLength {
        /// Which key.
        id: KeyId,
        /// How many bytes it has.
        bytes: usize,
    },
    /// A key of equal bytes: a placeholder, not a key.
    NotRandom {
        /// Which key.
        id: KeyId,
    },
    /// Two entries have the same id, or the same key.
    Duplicate {
        /// The second of them.
        id: KeyId,
    },
}

impl fmt::Display for KeyRingError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("it is empty: give it `id:key`, the key made by `openssl rand -base64 32`"),
            Self::MalformedEntry { position } => write!(
                f,
                "entry {position} is not `id:key` with an id of 1 to 32 characters A-Z, a-z, 0-9, `.`, `_` or `-`"
            ),
            Self::NotBase64 { id } => write!(f, "key `{}` is not base64", id.as_str()),
            Self::WrongLength { id, bytes } => {
                write!(
                    f,
                    "key `{}` has {bytes} bytes and needs 32: make one by `openssl rand -base64 32`",
                    id.as_str()
                )
            }
            Self::NotRandom { id } => {
                write!(
                    f,
                    "key `{}` is one byte repeated: make one by `openssl rand -base64 32`",
                    id.as_str()
                )
            }
            Self::Duplicate { id } => write!(f, "key `{}` is there twice, by its id or by its bytes", id.as_str()),
        }
    }
}

impl core::error::Error for KeyRingError {}

impl KeyRing {
    /// Reads `id:base64key[,id:base64key…]`; white space around entries is ignored.
    ///
    /// # Errors
    /// [`KeyRingError`] names the entry. No record is ever sealed or opened with part of a ring.
    pub fn parse(text: &str) -> Result<Self, KeyRingError> {
        let mut keys: Vec<RingKey> = Vec::new();
        if text.trim().is_empty() {
            return Err(KeyRingError::Empty);
        }
        for (position, entry) in (1..).zip(text.split(',')) {
            let (id, encoded) = entry
                .trim()
                .split_once(':')
                .ok_or(KeyRingError::MalformedEntry { position })?;
            let id = KeyId::parse(id.trim()).ok_or(KeyRingError::MalformedEntry { position })?;
            let pseudorandom = extract(&*decode(&id, encoded.trim())?);
            let seen = keys
                .iter()
                .any(|key| key.id == id || bool::from(key.pseudorandom.ct_eq(&*pseudorandom)));
            if seen {
                return Err(KeyRingError::Duplicate { id });
            }
            // `None` never happens: HMAC takes keys of any length.
            keys.push(RingKey::new(id, pseudorandom).ok_or(KeyRingError::MalformedEntry { position })?);
        }
        let mut keys = keys.into_iter();
        let active = keys.next().ok_or(KeyRingError::Empty)?;
        Ok(Self {
            active,
            retired: keys.collect(),
        })
    }

    /// The id of the key that seals.
    #[must_use]
    pub fn active_id(&self) -> &KeyId {
        &self.active.id
    }

    /// Every id, the active one first.
    pub fn ids(&self) -> impl Iterator<Item = &KeyId> {
        self.keys().map(|key| &key.id)
    }

    fn keys(&self) -> impl Iterator<Item = &RingKey> {
        core::iter::once(&self.active).chain(&self.retired)
    }

    /// The key named `id` for one purpose and context (HKDF-SHA256, RFC 5869): no two purposes share one.
    pub(crate) fn derive(&self, id: &KeyId, purpose: &str, context: &str) -> Option<Zeroizing<[u8; 32]>> {
        derive(&self.key(id)?.pseudorandom, purpose, context)
    }

    /// The HMAC of the key named `id` for one purpose, ready for its message.
    pub(crate) fn mac(&self, id: &KeyId, purpose: MacPurpose) -> Option<Hmac<Sha256>> {
        let macs = &self.key(id)?.macs;
        let mac = match purpose {
            MacPurpose::GrantName => &macs.grant_name,
            MacPurpose::IndexName => &macs.index_name,
            MacPurpose::ExternalIdName => &macs.external_id_name,
            MacPurpose::UserName => &macs.user_name,
            MacPurpose::MustActName => &macs.must_act_name,
            MacPurpose::Session => &macs.session,
            MacPurpose::Ticket => &macs.ticket,
        };
        Some(mac.clone())
    }

    fn key(&self, id: &KeyId) -> Option<&RingKey> {
        self.keys().find(|key| key.id == *id)
    }
}

fn derive(pseudorandom: &[u8; 32], purpose: &str, context: &str) -> Option<Zeroizing<[u8; 32]>> {
    let mut info = Vec::new();
    push_prefixed(&mut info, purpose.as_bytes());
    push_prefixed(&mut info, context.as_bytes());
    let mut derived = Zeroizing::new([0; 32]);
    let hkdf = Hkdf::<Sha256>::from_prk(pseudorandom).ok()?;
    hkdf.expand(&info, &mut *derived).ok().map(|()| derived)
}

fn extract(key: &[u8; 32]) -> Zeroizing<[u8; 32]> {
    let (mut pseudorandom, _) = Hkdf::<Sha256>::extract(Some(b"smartcar-connect/v1"), key);
    let kept = Zeroizing::new(pseudorandom.into());
    pseudorandom.as_mut_slice().zeroize();
    kept
}

fn decode(id: &KeyId, encoded: &str) -> Result<Zeroizing<[u8; 32]>, KeyRingError> {
    let decoded = Zeroizing::new(Base64::decode_vec(encoded).map_err(|_| KeyRingError::NotBase64 { id: id.clone() })?);
    let wrong_length = KeyRingError::WrongLength {
        id: id.clone(),
        bytes: decoded.len(),
    };
    let mut bytes = <[u8; 32]>::try_from(decoded.as_slice()).map_err(|_| wrong_length)?;
    let key = Zeroizing::new(bytes);
    bytes.zeroize();
    let first = key.first().copied().unwrap_or_default();
    if key.iter().all(|byte| *byte == first) {
        return Err(KeyRingError::NotRandom { id: id.clone() });
    }
    Ok(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
    const B: &str = "ICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj8=";

    fn refused(text: &str) -> String {
        KeyRing::parse(text).unwrap_err().to_string()
    }

    #[test]
    fn the_first_key_is_active() {
        let ring = KeyRing::parse(&format!("2026-11:{A}, old.1:{B}")).unwrap();
        assert_eq!(ring.active_id().as_str(), "2026-11");
        assert_eq!(ring.ids().map(KeyId::as_str).collect::<Vec<_>>(), ["2026-11", "old.1"]);
    }

    #[test]
    fn an_unusable_ring_says_why() {
        assert_eq!(
            refused(""),
            "it is empty: give it `id:key`, the key made by `openssl rand -base64 32`"
        );
        assert_eq!(refused("  "), refused(""));
        let malformed =
            "entry 2 is not `id:key` with an id of 1 to 32 characters A-Z, a-z, 0-9, `.`, `_` or `-`".to_owned();
        assert_eq!(refused(&format!("a:{A},")), malformed);
        assert_eq!(refused(&format!("a:{A},{B}")), malformed);
        assert_eq!(refused(&format!("a:{A},b c:{B}")), malformed);
        assert_eq!(refused("a:?"), "key `a` is not base64");
        assert_eq!(
            refused("a:c2hvcnQ="),
            "key `a` has 5 bytes and needs 32: make one by `openssl rand -base64 32`"
        );
        assert_eq!(
            refused(&format!("a:{A},a:{B}")),
            "key `a` is there twice, by its id or by its bytes"
        );
        assert_eq!(
            refused(&format!("a:{A},b:{A}")),
            "key `b` is there twice, by its id or by its bytes"
        );
        let zeros = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
        assert_eq!(
            refused(&format!("a:{zeros}")),
            "key `a` is one byte repeated: make one by `openssl rand -base64 32`"
        );
    }

    #[test]
    fn debug_shows_ids_only() {
        let ring = KeyRing::parse(&format!("k1:{A}")).unwrap();
        assert_eq!(format!("{ring:?}"), r#"KeyRing { ids: ["k1"], .. }"#);
    }

    #[test]
    fn purposes_and_contexts_do_not_share_keys() {
        let ring = KeyRing::parse(&format!("k1:{A},k2:{B}")).unwrap();
        let [k1, k2] = ["k1", "k2"].map(|id| KeyId::parse(id).unwrap());
        let derived = [
            ring.derive(&k1, "a", "bc"),
            ring.derive(&k1, "ab", "c"),
            ring.derive(&k1, "a", ""),
            ring.derive(&k2, "a", "bc"),
        ]
        .map(Option::unwrap);
        for (i, one) in derived.iter().enumerate() {
            assert!(derived[i + 1..].iter().all(|other| other != one));
        }
        assert!(ring.derive(&KeyId::parse("k3").unwrap(), "a", "bc").is_none());
    }
}
