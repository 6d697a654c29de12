//! The keys that verify tokens (RFC 7517), as the app's log-in publishes them.

use core::fmt;

use base64ct::{Base64UrlUnpadded, Encoding as _};
use serde_json::value::RawValue;

use super::algorithm::Algorithm;
use crate::json::Members;

/// The longest set of keys, in bytes. The longest of known log-ins has some 20 KiB, with certificates.
pub const MAX_KEY_SET_BYTES: usize = 128 * 1024;

/// How many keys a set has at most; more are left out. A log-in has a handful.
const MAX_KEYS: usize = 100;

/// How many keys are tried for one token: several may have one name, or the token may name none.
const MAX_TRIED: usize = 4;

/// RSA keys have as many bits at least (RFC 7518 section 3.3), and as many at most: verifying with a longer one takes too long.
const RSA_BITS: core::ops::RangeInclusive<usize> = 2_048..=8_192;

/// A public key that verifies signatures of one algorithm.
#[derive(Clone, PartialEq, Eq)]
pub struct VerificationKey {
    id: Option<String>,
    algorithm: Algorithm,
    /// Of this key's own members alone: whatever else the set says of it decides nothing further.
    jwk: String,
}

impl fmt::Debug for VerificationKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VerificationKey")
            .field("id", &self.id)
            .field("algorithm", &self.algorithm)
            .finish_non_exhaustive()
    }
}

/// Why a key of a set is left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnusableKey {
    /// It can't be read, or is for something else: another algorithm, encryption, a curve that is not supported.
    NotForThis,
    /// It is weak: RSA of fewer than 2048 bits, or with an exponent of 1.
    Weak,
    /// It is a secret or has its private part with it. Whoever can read the set can sign with it.
    Private,
}

impl VerificationKey {
    /// Reads a JSON Web Key.
    ///
    /// # Errors
    /// [`UnusableKey`], if it can't verify a token here.
    pub fn from_jwk(jwk: &str) -> Result<Self, UnusableKey> {
        let members = Members::read(jwk.as_bytes()).map_err(|_| UnusableKey::NotForThis)?;
        let text = |name: &str| members.get::<String>(name).map_err(|_| UnusableKey::NotForThis);
        let required = |name: &str| text(name)?.ok_or(UnusableKey::NotForThis);
        let kind = required("kty")?;
        if kind == "oct" || ["d", "k", "p", "q"].iter().any(|name| members.has(name)) {
            return Err(UnusableKey::Private);
        }
        let (algorithm, jwk) = match kind.as_str() {
            "RSA" => (Algorithm::Rs256, rsa(&required("n")?, &required("e")?)?),
            "EC" if required("crv")? == "P-256" => (Algorithm::Es256, p256(&required("x")?, &required("y")?)?),
            "OKP" if required("crv")? == "Ed25519" => (Algorithm::EdDsa, ed25519(&required("x")?)?),
            _ => return Err(UnusableKey::NotForThis),
        };
        let is_for_signatures = text("use")?.is_none_or(|used| used == "sig");
        let operations: Option<Vec<String>> = members.get("key_ops").map_err(|_| UnusableKey::NotForThis)?;
        let verifies = operations.is_none_or(|all| all.iter().any(|one| one == "verify"));
        // RFC 9864 calls EdDSA by the name of the curve.
        let is_for_this = text("alg")?
            .is_none_or(|name| name == algorithm.as_str() || (algorithm == Algorithm::EdDsa && name == "Ed25519"));
        if !(is_for_signatures && verifies && is_for_this) {
            return Err(UnusableKey::NotForThis);
        }
        let id = text("kid")?;
        Ok(Self { id, algorithm, jwk })
    }

    /// The algorithm that it verifies.
    #[must_use]
    pub const fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The JSON Web Key to import: its kind and its public numbers, and nothing else.
    #[must_use]
    pub fn jwk(&self) -> &str {
        &self.jwk
    }
}

fn rsa(modulus: &str, exponent: &str) -> Result<String, UnusableKey> {
    let bits = |bytes: &[u8]| match bytes {
        // Leading zeros would make a key look longer than it is.
        [0, ..] | [] => 0,
        [first, rest @ ..] => {
            let first = 8_usize.saturating_sub(first.leading_zeros() as usize);
            rest.len().saturating_mul(8).saturating_add(first)
        }
    };
    let (n, e) = (decoded(modulus)?, decoded(exponent)?);
    let is_odd = |bytes: &[u8]| bytes.last().is_some_and(|last| last % 2 == 1);
    // With an exponent of 1 everything is its own signature.
    let is_good_exponent = (2..=32).contains(&bits(&e)) && is_odd(&e);
    if !(RSA_BITS.contains(&bits(&n)) && is_odd(&n) && is_good_exponent) {
        return Err(UnusableKey::Weak);
    }
    Ok([r#"{"kty":"RSA","n":""#, modulus, r#"","e":""#, exponent, r#""}"#].concat())
}

fn p256(x: &str, y: &str) -> Result<String, UnusableKey> {
    if decoded(x)?.len() != 32 || decoded(y)?.len() != 32 {
        return Err(UnusableKey::NotForThis);
    }
    Ok([r#"{"kty":"EC","crv":"P-256","x":""#, x, r#"","y":""#, y, r#""}"#].concat())
}

fn ed25519(x: &str) -> Result<String, UnusableKey> {
    if decoded(x)?.len() != 32 {
        return Err(UnusableKey::NotForThis);
    }
    Ok([r#"{"kty":"OKP","crv":"Ed25519","x":""#, x, r#""}"#].concat())
}

/// What is base64url can stand between quotes as it is.
fn decoded(text: &str) -> Result<Vec<u8>, UnusableKey> {
    Base64UrlUnpadded::decode_vec(text).map_err(|_| UnusableKey::NotForThis)
}

/// The keys of a log-in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeySet {
    keys: Vec<VerificationKey>,
    has_private: bool,
}

/// Why a set of keys is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeySetError {
    /// It is no JSON object with a list `keys`, or too long.
    Unreadable,
    /// There is no key in it that verifies tokens.
    NoUsableKey,
}

impl KeySet {
    /// Reads a JSON Web Key Set. Keys that are not for signatures, not supported, weak or private are left out.
    ///
    /// # Errors
    /// [`KeySetError`], if no key is left or the set can't be read.
    pub fn parse(body: &[u8]) -> Result<Self, KeySetError> {
        if body.len() > MAX_KEY_SET_BYTES {
            return Err(KeySetError::Unreadable);
        }
        let members = Members::read(body).map_err(|_| KeySetError::Unreadable)?;
        let list: Option<Vec<&RawValue>> = members.get("keys").map_err(|_| KeySetError::Unreadable)?;
        let mut set = Self {
            keys: Vec::new(),
            has_private: false,
        };
        for jwk in list.ok_or(KeySetError::Unreadable)? {
            match VerificationKey::from_jwk(jwk.get()) {
                Ok(key) if set.keys.len() < MAX_KEYS => set.keys.push(key),
                Ok(_) | Err(UnusableKey::NotForThis | UnusableKey::Weak) => {}
                Err(UnusableKey::Private) => set.has_private = true,
            }
        }
        // An operator has to hear of a private key even if it is the only one.
        if set.keys.is_empty() && !set.has_private {
            return Err(KeySetError::NoUsableKey);
        }
        Ok(set)
    }

    /// Whether a key was left out because it is a secret or has its private part with it.
    #[must_use]
    pub const fn has_private(&self) -> bool {
        self.has_private
    }

    /// Whether no key is left.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// The keys that may have signed a token of this algorithm which names its key so, or names none: a few at most.
    pub fn candidates(&self, algorithm: Algorithm, key_id: Option<&str>) -> impl Iterator<Item = &VerificationKey> {
        let is_named = move |key: &VerificationKey| key_id.is_none() || key.id.as_deref() == key_id;
        let fits = move |key: &&VerificationKey| key.algorithm == algorithm && is_named(key);
        self.keys.iter().filter(fits).take(MAX_TRIED)
    }
}
