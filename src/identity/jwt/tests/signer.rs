//! Log-ins that sign tokens, and the Worker's part: verifying them.

use base64ct::{Base64UrlUnpadded, Encoding as _};
use ed25519_dalek::{Signer as _, Verifier as _};
use hmac::{Hmac, KeyInit as _, Mac as _};
use rsa::{BoxedUint, Pkcs1v15Sign};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::{
    identity::jwt::{Algorithm, JwtError, JwtRules, JwtSecret, KeySet, UnverifiedJwt, VerificationKey, verify_hs256},
    time::UnixMillis,
};

/// The time of every test, in seconds since the epoch.
pub(super) const NOW: u64 = 1_790_000_000;

pub(super) const SECRET: &str = "a-secret-of-the-log-in-0123456789";

const P: &str = "3kl6QW_0nMRFnRIhYJmwEh5kGyPsHqNC1Sog8ikXc0h9lEyNcB2oQYhFhG28CFPWU6N6IJlqbw39tCAm6Wk6MVK3GTQPPbB8cMQlse-8SoZ10qyu5Fnsk5LR3zPQVJpQh0WtfBi5GcLZixWCRoBLrFg_DGm7WklPnETaRNbmON8";
const Q: &str = "u_s7Ep5mwdHTbAxEEDnImHkZ0p7RPuKqFHWz1BX-jibsN7dpsKL5D9qUPS_Va9W-yS5nCdcKITQy2nTpjxeFEUZ2IYz3ODvTj9UO1Q9f30nLHYrCIxuNpROoDXc5HT5gvSmHFnbqcim_lNHUdoDrbD16DZNKIDYEn1oziBj01ms";

/// The modulus of [`P`] and [`Q`].
pub(super) const N: &str = "oznRo8TSs8cChlmMuMm7nl-IiUPu2jCXe0pMzgOuFEI_IG-y_xfIE2SNl9KIurIxBZ5jp7RaF2Uj3yvWLDH4v7l006VIzeWJ4TqI9MA4z9IuZpiIg5FeV-dgIMA_-l-f-BwEt3j5WqHF1uW5u6DuYPFYuL6v-aoJ88dBkL3VLdTyb5K0mSIhk7JAK2PcBD6INm7AqZ392NkM-A3vfLwKqz_drH_DCxVeEIrGl5TCuwa0c22TsVX_bjwNV17jClZZlvXJfAo_RBw1DpH9O5DIqTGLcB4_3H6y5CtjhMRt_2lPBS75N0I5f5oh3TR-Yn6Fi-JwmtXAuh7kB9KlYlAvNQ";

pub(super) fn base64url(bytes: impl AsRef<[u8]>) -> String {
    Base64UrlUnpadded::encode_string(bytes.as_ref())
}

fn bytes(text: &str) -> Vec<u8> {
    Base64UrlUnpadded::decode_vec(text).unwrap()
}

fn number(text: &str) -> BoxedUint {
    let bytes = bytes(text);
    BoxedUint::from_be_slice_vartime(&bytes)
}

fn ec_key(seed: u8) -> p256::ecdsa::SigningKey {
    p256::ecdsa::SigningKey::from_slice(&[seed; 32]).unwrap()
}

/// The signature of `signed` by this log-in's key of the algorithm. `seed` tells its elliptic keys from other ones.
pub(super) fn signature(algorithm: Algorithm, seed: u8, signed: &[u8]) -> Vec<u8> {
    match algorithm {
        Algorithm::Rs256 => {
            let key = rsa::PrivateKey::from_p_q(number(P), number(Q), number("AQAB")).unwrap();
            key.sign(Pkcs1v15Sign::new::<Sha256>(), &Sha256::digest(signed))
                .unwrap()
        }
        Algorithm::Es256 => {
            let signature: p256::ecdsa::Signature = ec_key(seed).sign(signed);
            signature.to_bytes().to_vec()
        }
        Algorithm::EdDsa => ed25519_dalek::SigningKey::from_bytes(&[seed; 32])
            .sign(signed)
            .to_bytes()
            .to_vec(),
        Algorithm::Hs256 => hs256(SECRET.as_bytes(), signed),
    }
}

pub(super) fn hs256(secret: &[u8], signed: &[u8]) -> Vec<u8> {
    let mac = Hmac::<Sha256>::new_from_slice(secret).unwrap();
    mac.chain_update(signed).finalize().into_bytes().to_vec()
}

/// The public key as a JSON Web Key, named after its algorithm.
pub(super) fn jwk(algorithm: Algorithm, seed: u8) -> Value {
    let mut jwk = match algorithm {
        Algorithm::Rs256 => json!({"kty": "RSA", "n": N, "e": "AQAB"}),
        Algorithm::Es256 => {
            let point = ec_key(seed).verifying_key().to_sec1_point(false);
            json!({"kty": "EC", "crv": "P-256", "x": base64url(point.x().unwrap()), "y": base64url(point.y().unwrap())})
        }
        Algorithm::EdDsa => {
            let key = ed25519_dalek::SigningKey::from_bytes(&[seed; 32]).verifying_key();
            json!({"kty": "OKP", "crv": "Ed25519", "x": base64url(key.as_bytes())})
        }
        Algorithm::Hs256 => json!({"kty": "oct", "k": base64url(SECRET)}),
    };
    jwk["kid"] = algorithm.as_str().into();
    jwk
}

pub(super) fn key_set(keys: &[Value]) -> KeySet {
    KeySet::parse(json!({ "keys": keys }).to_string().as_bytes()).unwrap()
}

/// The public keys of the log-in.
pub(super) fn all_keys() -> KeySet {
    key_set(&[
        jwk(Algorithm::Rs256, 7),
        jwk(Algorithm::Es256, 7),
        jwk(Algorithm::EdDsa, 7),
    ])
}

/// A token of this header and these claims, as text, signed by the log-in's key of the algorithm.
pub(super) fn signed(algorithm: Algorithm, header: &str, claims: &str) -> String {
    let signed = [base64url(header), base64url(claims)].join(".");
    let signature = signature(algorithm, 7, signed.as_bytes());
    [signed, base64url(signature)].join(".")
}

/// Whom a token speaks for: what the Worker does, with other cryptography.
pub(super) fn accepted(token: &str, rules: &JwtRules, keys: &KeySet) -> Result<String, JwtError> {
    let token = UnverifiedJwt::parse(token, rules, UnixMillis::new(NOW * 1_000))?;
    let is_authentic = if token.algorithm().is_symmetric() {
        verify_hs256(&JwtSecret::new(SECRET.to_owned()), token.signed(), token.signature())
    } else {
        let candidates: Vec<_> = token.candidates(keys).collect();
        if candidates.is_empty() {
            return Err(JwtError::UnknownKey);
        }
        candidates
            .iter()
            .any(|key| verifies(key, token.signed(), token.signature()))
    };
    token
        .verdict(is_authentic)
        .map(|principal| principal.as_str().to_owned())
}

fn verifies(key: &VerificationKey, signed: &[u8], signature: &[u8]) -> bool {
    let jwk: Value = serde_json::from_str(key.jwk()).unwrap();
    let member = |name: &str| jwk[name].as_str().unwrap();
    match key.algorithm() {
        Algorithm::Rs256 => {
            let key = rsa::PublicKey::new(number(member("n")), number(member("e"))).unwrap();
            let digest = Sha256::digest(signed);
            key.verify(Pkcs1v15Sign::new::<Sha256>(), &digest, signature).is_ok()
        }
        Algorithm::Es256 => {
            let point = [&[4][..], &bytes(member("x")), &bytes(member("y"))].concat();
            let key = p256::ecdsa::VerifyingKey::from_sec1_bytes(&point);
            let signature = p256::ecdsa::Signature::from_slice(signature);
            key.is_ok_and(|key| signature.is_ok_and(|signature| key.verify(signed, &signature).is_ok()))
        }
        Algorithm::EdDsa => {
            let key = ed25519_dalek::VerifyingKey::from_bytes(&bytes(member("x")).try_into().unwrap());
            let signature = ed25519_dalek::Signature::from_slice(signature);
            key.is_ok_and(|key| signature.is_ok_and(|signature| key.verify(signed, &signature).is_ok()))
        }
        Algorithm::Hs256 => false,
    }
}
