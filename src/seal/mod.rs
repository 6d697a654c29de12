//! Sealing what is stored: the key ring, sealed records and the one place where each opens, texts that are authenticated for others to keep, names in Workers KV, and how far
//! a rotation of the keys is. `docs/storage.md` documents the formats, with test vectors.

mod authentic_text;
mod encoding;
mod key_ring;
mod kv_name;
mod record;
mod reseal_progress;

pub(crate) use authentic_text::AuthenticText;
pub(crate) use encoding::push_prefixed;
pub(crate) use key_ring::MacPurpose;
pub use key_ring::{KeyId, KeyRing, KeyRingError};
pub use kv_name::{KvName, kv_life_secs};
pub use record::{Nonce, OpenError, RecordBinding, RecordType, SealedRecord};
pub use reseal_progress::{ResealPage, ResealProgress};
