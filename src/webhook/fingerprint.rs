//! Names that tell nothing of what they stand for.

use base64ct::{Base64UrlUnpadded, Encoding as _};
use sha2::{Digest as _, Sha256};

use crate::seal::push_prefixed;

/// The first 22 characters of the base64url of a SHA-256 of these parts, each after its length.
#[must_use]
pub(super) fn fingerprint(parts: &[&[u8]]) -> String {
    let mut all = Vec::new();
    for part in parts {
        push_prefixed(&mut all, part);
    }
    let mut name = Base64UrlUnpadded::encode_string(&Sha256::digest(&all));
    name.truncate(22);
    name
}
