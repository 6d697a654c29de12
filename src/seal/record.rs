//! Sealed records: the byte layout, sealing and opening. `docs/storage.md` documents both, with test vectors.

use core::fmt;

use aes_gcm::{
    Aes256Gcm, KeyInit as _,
    aead::{Aead as _, Payload},
};
use base64ct::{Base64UrlUnpadded, Encoding as _};
use zeroize::Zeroizing;

use crate::{
    connect::{ConnectionId, ExternalId, UserId},
    principal::Principal,
    seal::{
        encoding::push_prefixed,
        key_ring::{KeyId, KeyRing},
    },
};

/// The version of the layout that is written.
const VERSION: u8 = 1;
const NONCE_BYTES: usize = 12;
const TAG_BYTES: usize = 16;

/// 96 random bits, never used twice with one key. From the platform's CSPRNG.
pub type Nonce = [u8; NONCE_BYTES];

/// What a record holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RecordType {
    /// Who a vault belongs to.
    Profile,
    /// A pending connection and what came of it.
    Pending,
    /// A grant with its tokens.
    Grant,
    /// Which connections and vehicles a principal has.
    Index,
    /// How far the index in KV is.
    Publication,
    /// An access token for readers of KV.
    AccessToken,
    /// Which vault an external id or a Smartcar user leads to, or the list of those whose owner must act.
    Lookup,
    /// Which sessions of a principal are open.
    Sessions,
    /// The application's own token.
    ApplicationToken,
    /// An event of Smartcar's on its way to the app.
    Webhook,
}

impl RecordType {
    const fn name(self) -> &'static str {
        match self {
            Self::Profile => "profile",
            Self::Pending => "pending",
            Self::Grant => "grant",
            Self::Index => "index",
            Self::Publication => "publication",
            Self::AccessToken => "access_token",
            Self::Lookup => "lookup",
            Self::Sessions => "sessions",
            Self::ApplicationToken => "application_token",
            Self::Webhook => "webhook",
        }
    }
}

/// The one place where a record may be opened: with the key's id and the generation it is the record's associated data.
#[derive(Clone, Debug)]
pub struct RecordBinding {
    record_type: RecordType,
    owner: String,
    item: String,
}

impl RecordBinding {
    /// A grant of `principal`.
    #[must_use]
    pub fn grant(principal: &Principal, id: &ConnectionId) -> Self {
        Self {
            record_type: RecordType::Grant,
            owner: principal.as_str().to_owned(),
            item: id.as_str().to_owned(),
        }
    }

    /// The access token of a grant of `principal`, for readers of KV.
    #[must_use]
    pub fn access_token(principal: &Principal, id: &ConnectionId) -> Self {
        Self {
            record_type: RecordType::AccessToken,
            owner: principal.as_str().to_owned(),
            item: id.as_str().to_owned(),
        }
    }

    /// The look-up of the vault that knows its owner by this external id.
    #[must_use]
    pub fn external_id_lookup(external_id: &ExternalId) -> Self {
        Self {
            record_type: RecordType::Lookup,
            owner: ["external_id:", external_id.as_str()].concat(),
            item: String::new(),
        }
    }

    /// The look-up of one of the vaults that keep a connection of this Smartcar user's.
    #[must_use]
    pub fn user_lookup(user_id: &UserId, vault_id: &str) -> Self {
        Self {
            record_type: RecordType::Lookup,
            owner: ["user_id:", user_id.as_str()].concat(),
            item: vault_id.to_owned(),
        }
    }

    /// That the owner of this vault must act.
    #[must_use]
    pub fn must_act(vault_id: &str) -> Self {
        Self {
            record_type: RecordType::Lookup,
            owner: "must_act:".to_owned(),
            item: vault_id.to_owned(),
        }
    }

    /// The pending connection of `principal` with this state fingerprint.
    #[must_use]
    pub fn pending(principal: &Principal, fingerprint: &str) -> Self {
        Self {
            record_type: RecordType::Pending,
            owner: principal.as_str().to_owned(),
            item: fingerprint.to_owned(),
        }
    }

    /// The index of `principal`.
    #[must_use]
    pub fn index(principal: &Principal) -> Self {
        Self {
            record_type: RecordType::Index,
            owner: principal.as_str().to_owned(),
            item: String::new(),
        }
    }

    /// How far the index of `principal` in KV is.
    #[must_use]
    pub fn publication(principal: &Principal) -> Self {
        Self {
            record_type: RecordType::Publication,
            owner: principal.as_str().to_owned(),
            item: String::new(),
        }
    }

    /// The sessions of `principal`.
    #[must_use]
    pub fn sessions(principal: &Principal) -> Self {
        Self {
            record_type: RecordType::Sessions,
            owner: principal.as_str().to_owned(),
            item: String::new(),
        }
    }

    /// The application's own token in the Durable Object with this id, as it was had by the API credential `client_id`: that of
    /// another application is none of this one's.
    #[must_use]
    pub fn application_token(object_id: &str, client_id: &str) -> Self {
        Self {
            record_type: RecordType::ApplicationToken,
            owner: ["application:", object_id].concat(),
            item: client_id.to_owned(),
        }
    }

    /// The event with this key in the inbox with this id.
    #[must_use]
    pub fn webhook(inbox_id: &str, key: &str) -> Self {
        Self {
            record_type: RecordType::Webhook,
            owner: ["inbox:", inbox_id].concat(),
            item: key.to_owned(),
        }
    }

    /// The profile in the Durable Object with this id. It names the principal, so it can't be bound to it.
    #[must_use]
    pub fn profile(vault_id: &str) -> Self {
        Self {
            record_type: RecordType::Profile,
            owner: ["vault:", vault_id].concat(),
            item: String::new(),
        }
    }

    /// Everything that the record is bound to, each field after its length.
    fn associated_data(&self, key_id: &KeyId, generation: u64) -> Vec<u8> {
        let mut data = Vec::new();
        push_prefixed(&mut data, b"smartcar-connect");
        push_prefixed(&mut data, &[VERSION]);
        push_prefixed(&mut data, key_id.as_str().as_bytes());
        push_prefixed(&mut data, self.record_type.name().as_bytes());
        push_prefixed(&mut data, self.owner.as_bytes());
        push_prefixed(&mut data, self.item.as_bytes());
        push_prefixed(&mut data, &generation.to_be_bytes());
        data
    }

    fn cipher(&self, ring: &KeyRing, key_id: &KeyId) -> Option<Aes256Gcm> {
        let key = ring.derive(key_id, self.record_type.name(), &self.owner)?;
        Some(Aes256Gcm::new((&*key).into()))
    }
}

/// Why a record does not open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum OpenError {
    /// It is cut short, or not in the layout at all.
    Malformed,
    /// A version of the layout that this program does not know.
    UnknownVersion(u8),
    /// The key that sealed it is not in the ring any more.
    UnknownKey,
    /// It was changed, or belongs to another binding.
    NotAuthentic,
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed => f.write_str("the record is cut short or not a sealed record"),
            Self::UnknownVersion(version) => write!(f, "the record has layout version {version}, this program knows 1"),
            Self::UnknownKey => f.write_str("the key that sealed the record is not in `SEALING_KEYS`"),
            Self::NotAuthentic => f.write_str("the record was changed or belongs to another binding"),
        }
    }
}

impl core::error::Error for OpenError {}

/// A sealed record: safe to store anywhere.
///
/// Layout: version (1 byte), length of the key id (1), key id, generation (8, big-endian), nonce (12), ciphertext, tag
/// (16).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealedRecord {
    key_id: KeyId,
    generation: u64,
    nonce: Nonce,
    ciphertext: Vec<u8>,
}

impl SealedRecord {
    /// Seals `plaintext` for `binding` with the active key.
    ///
    /// # Errors
    /// [`OpenError::Malformed`] if the plaintext is beyond what AES-GCM can seal (64 GiB).
    pub fn seal(
        ring: &KeyRing,
        binding: &RecordBinding,
        generation: u64,
        nonce: Nonce,
        plaintext: &[u8],
    ) -> Result<Self, OpenError> {
        let key_id = ring.active_id().clone();
        let cipher = binding.cipher(ring, &key_id).ok_or(OpenError::UnknownKey)?;
        let aad = binding.associated_data(&key_id, generation);
        let ciphertext = cipher
            .encrypt(
                (&nonce).into(),
                Payload {
                    msg: plaintext,
                    aad: &aad,
                },
            )
            .map_err(|_| OpenError::Malformed)?;
        Ok(Self {
            key_id,
            generation,
            nonce,
            ciphertext,
        })
    }

    /// Opens the record, if `binding` is its own.
    ///
    /// # Errors
    /// [`OpenError::UnknownKey`] and [`OpenError::NotAuthentic`].
    pub fn open(&self, ring: &KeyRing, binding: &RecordBinding) -> Result<Zeroizing<Vec<u8>>, OpenError> {
        let cipher = binding.cipher(ring, &self.key_id).ok_or(OpenError::UnknownKey)?;
        let aad = binding.associated_data(&self.key_id, self.generation);
        let payload = Payload {
            msg: &self.ciphertext,
            aad: &aad,
        };
        cipher
            .decrypt((&self.nonce).into(), payload)
            .map(Zeroizing::new)
            .map_err(|_| OpenError::NotAuthentic)
    }

    /// The key that sealed it.
    #[must_use]
    pub fn key_id(&self) -> &KeyId {
        &self.key_id
    }

    /// Which version of its content this is: the higher is the newer. Authenticated.
    #[must_use]
    pub fn generation(&self) -> u64 {
        self.generation
    }

    /// The record as bytes.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let id = self.key_id.as_str().as_bytes();
        let mut bytes = vec![VERSION, u8::try_from(id.len()).unwrap_or(u8::MAX)];
        bytes.extend_from_slice(id);
        bytes.extend_from_slice(&self.generation.to_be_bytes());
        bytes.extend_from_slice(&self.nonce);
        bytes.extend_from_slice(&self.ciphertext);
        bytes
    }

    /// Reads a record from bytes. Says nothing about its authenticity.
    ///
    /// # Errors
    /// [`OpenError::Malformed`] and [`OpenError::UnknownVersion`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, OpenError> {
        let (&version, rest) = bytes.split_first().ok_or(OpenError::Malformed)?;
        if version != VERSION {
            return Err(OpenError::UnknownVersion(version));
        }
        let (&id_bytes, rest) = rest.split_first().ok_or(OpenError::Malformed)?;
        let (id, rest) = rest
            .split_at_checked(usize::from(id_bytes))
            .ok_or(OpenError::Malformed)?;
        let id = core::str::from_utf8(id)
            .ok()
            .and_then(KeyId::parse)
            .ok_or(OpenError::Malformed)?;
        let (generation, rest) = rest.split_first_chunk().ok_or(OpenError::Malformed)?;
        let (nonce, ciphertext) = rest.split_first_chunk().ok_or(OpenError::Malformed)?;
        if ciphertext.len() < TAG_BYTES {
            return Err(OpenError::Malformed);
        }
        Ok(Self {
            key_id: id,
            generation: u64::from_be_bytes(*generation),
            nonce: *nonce,
            ciphertext: ciphertext.to_vec(),
        })
    }

    /// The record as text: base64url without padding.
    #[must_use]
    pub fn to_text(&self) -> String {
        Base64UrlUnpadded::encode_string(&self.to_bytes())
    }

    /// Reads a record from text.
    ///
    /// # Errors
    /// As [`from_bytes`](Self::from_bytes).
    pub fn from_text(text: &str) -> Result<Self, OpenError> {
        Self::from_bytes(&Base64UrlUnpadded::decode_vec(text).map_err(|_| OpenError::Malformed)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_reason_why_a_record_does_not_open_is_told_apart() {
        let said = [
            (OpenError::Malformed, "cut short"),
            (OpenError::UnknownVersion(7), "version 7"),
            (OpenError::UnknownKey, "`SEALING_KEYS`"),
            (OpenError::NotAuthentic, "changed"),
        ];
        for (error, words) in said {
            assert!(error.to_string().contains(words), "{error}");
        }
    }
}
