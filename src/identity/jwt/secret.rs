//! The secret that an app's log-in and the Worker share, for HS256.

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

use crate::secret::secret_string;

secret_string! {
    /// What signs the tokens of a log-in that uses HS256.
    JwtSecret
}

/// Whether `signature` is the secret's signature of `signed`, compared in constant time.
#[must_use]
pub fn verify_hs256(secret: &JwtSecret, signed: &[u8], signature: &[u8]) -> bool {
    Hmac::<Sha256>::new_from_slice(secret.expose().as_bytes())
        .is_ok_and(|mac| mac.chain_update(signed).verify_slice(signature).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_secret_s_own_signature_of_the_very_same_counts() {
        let secret = |text: &str| JwtSecret::new(text.to_owned());
        let mac = Hmac::<Sha256>::new_from_slice(b"one").map(|mac| mac.chain_update(b"signed"));
        let signature = mac.unwrap().finalize().into_bytes();
        assert!(verify_hs256(&secret("one"), b"signed", &signature));
        assert!(!verify_hs256(&secret("two"), b"signed", &signature));
        assert!(!verify_hs256(&secret("one"), b"other", &signature));
        for cut in [0, 1, 31] {
            assert!(!verify_hs256(&secret("one"), b"signed", &signature[..cut]), "{cut}");
        }
    }
}
