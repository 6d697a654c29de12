//! From a text to whom it speaks for (RFC 7515, RFC 7519, RFC 8725).

use core::fmt;

use base64ct::{Base64UrlUnpadded, Encoding as _};
use serde::Deserialize;

use super::{
    algorithm::Algorithm,
    error::JwtError,
    key::{KeySet, VerificationKey},
    rules::JwtRules,
};
use crate::{
    json::Members,
    principal::Principal,
    time::{Millis, UnixMillis},
};

/// The longest token, in bytes.
pub const MAX_JWT_BYTES: usize = 8 * 1024;

/// How far the clock of the log-in may be off.
const LEEWAY: Millis = Millis::from_secs(60);

/// A token that is as the rules say, and whose signature nobody has looked at yet: whom it speaks for is not told before.
///
/// What its header says of keys (`jwk`, `jku`, `x5c`, `x5u`) is not read: a token can't bring the key that it is verified with.
pub struct UnverifiedJwt<'a> {
    signed: &'a str,
    signature: Vec<u8>,
    algorithm: Algorithm,
    key_id: Option<String>,
    principal: Principal,
}

impl fmt::Debug for UnverifiedJwt<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UnverifiedJwt")
            .field("algorithm", &self.algorithm)
            .finish_non_exhaustive()
    }
}

impl<'a> UnverifiedJwt<'a> {
    /// Reads a token in the compact serialisation and holds it against the rules.
    ///
    /// # Errors
    /// The [`JwtError`], when it is not as they say.
    pub fn parse(token: &'a str, rules: &JwtRules, now: UnixMillis) -> Result<Self, JwtError> {
        if token.len() > MAX_JWT_BYTES {
            return Err(JwtError::TooLong);
        }
        let (signed, signature) = token.rsplit_once('.').ok_or(JwtError::NotCompact)?;
        let (header, claims) = signed.split_once('.').ok_or(JwtError::NotCompact)?;
        // A dot that is left is no base64url.
        let decoded = |part: &str| Base64UrlUnpadded::decode_vec(part).map_err(|_| JwtError::NotCompact);
        let (header, claims, signature) = (decoded(header)?, decoded(claims)?, decoded(signature)?);
        let (algorithm, key_id) = read_header(&header, rules)?;
        let principal = read_claims(&claims, rules, now)?;
        Ok(Self {
            signed,
            signature,
            algorithm,
            key_id,
            principal,
        })
    }

    /// The algorithm of its signature.
    #[must_use]
    pub const fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// What is signed.
    #[must_use]
    pub const fn signed(&self) -> &[u8] {
        self.signed.as_bytes()
    }

    /// The signature.
    #[must_use]
    pub fn signature(&self) -> &[u8] {
        &self.signature
    }

    /// The keys that may have signed it; none if its key is not known.
    pub fn candidates<'k>(&self, keys: &'k KeySet) -> impl Iterator<Item = &'k VerificationKey> {
        keys.candidates(self.algorithm, self.key_id.as_deref())
    }

    /// Whom it speaks for, if its signature was found to be that of one of the [candidates](Self::candidates).
    ///
    /// # Errors
    /// [`JwtError::NotAuthentic`] otherwise.
    pub fn verdict(self, is_authentic: bool) -> Result<Principal, JwtError> {
        if is_authentic {
            Ok(self.principal)
        } else {
            Err(JwtError::NotAuthentic)
        }
    }
}

/// The algorithm, and the name of the key.
fn read_header(json: &[u8], rules: &JwtRules) -> Result<(Algorithm, Option<String>), JwtError> {
    let header = Members::read(json).map_err(|_| JwtError::HeaderUnreadable)?;
    let text = |name: &str| header.get::<String>(name).map_err(|_| JwtError::HeaderUnreadable);
    if header.has("crit") {
        return Err(JwtError::Critical);
    }
    let name = text("alg")?.ok_or(JwtError::HeaderUnreadable)?;
    let algorithm = Algorithm::from_name(&name)
        .filter(|algorithm| rules.algorithms.contains(algorithm))
        .ok_or(JwtError::AlgorithmNotAccepted)?;
    let typ = text("typ")?.map(|typ| {
        let typ = typ.to_ascii_lowercase();
        typ.strip_prefix("application/").map(str::to_owned).unwrap_or(typ)
    });
    let is_wanted = match (&rules.typ, &typ) {
        (Some(wanted), typ) => typ.as_ref() == Some(wanted),
        (None, Some(typ)) => matches!(typ.as_str(), "jwt" | "at+jwt"),
        (None, None) => true,
    };
    if !is_wanted {
        return Err(JwtError::OtherType);
    }
    Ok((algorithm, text("kid")?))
}

/// Whom the claims speak for, if they are as the rules say.
fn read_claims(json: &[u8], rules: &JwtRules, now: UnixMillis) -> Result<Principal, JwtError> {
    let claims = Members::read(json).map_err(|_| JwtError::ClaimsUnreadable)?;
    let text = |name: &str| claims.get::<String>(name).map_err(|_| JwtError::ClaimsUnreadable);
    let time = |name: &str| {
        let seconds = claims.get::<f64>(name).map_err(|_| JwtError::ClaimsUnreadable)?;
        // From a float to an integer `as` saturates: what is before the epoch is the epoch.
        Ok(seconds.map(|seconds| UnixMillis::new((seconds * 1_000.0) as u64)))
    };
    if text("iss")?.as_deref() != Some(rules.issuer.as_str()) {
        return Err(JwtError::OtherIssuer);
    }
    let audience: Option<Audience> = claims.get("aud").map_err(|_| JwtError::ClaimsUnreadable)?;
    // RFC 7519 section 4.1.3: whoever is not named in it has to refuse the token.
    let is_for_us = match audience {
        Some(audience) => audience.names_any(&rules.audiences),
        None => rules.audiences.is_empty(),
    };
    if !is_for_us {
        return Err(JwtError::OtherAudience);
    }
    let party = text("azp")?;
    if !rules.authorized_parties.is_empty() && !party.is_some_and(|party| rules.authorized_parties.contains(&party)) {
        return Err(JwtError::OtherAuthorizedParty);
    }
    if time("exp")?.is_none_or(|end| now >= end.after(LEEWAY)) {
        return Err(JwtError::Expired);
    }
    if time("nbf")?.is_some_and(|start| now.after(LEEWAY) < start) {
        return Err(JwtError::NotYetValid);
    }
    Principal::user(&text("sub")?.unwrap_or_default()).map_err(|_| JwtError::NoSubject)
}

/// The claim `aud`, which is one text or several.
#[derive(Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Several(Vec<String>),
}

impl Audience {
    fn names_any(&self, ours: &[String]) -> bool {
        match self {
            Self::One(name) => ours.contains(name),
            Self::Several(names) => names.iter().any(|name| ours.contains(name)),
        }
    }
}
