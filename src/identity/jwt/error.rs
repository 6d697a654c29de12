//! Why a token is not accepted.

use core::fmt;

/// Why a token does not show who calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum JwtError {
    /// It is longer than any token may be.
    TooLong,
    /// It is not header, claims and signature in base64url, with dots between them.
    NotCompact,
    /// The header is no JSON object with the members that RFC 7515 has, each once.
    HeaderUnreadable,
    /// The header has `crit`: it needs an extension that is not supported.
    Critical,
    /// The algorithm is not one of those that are accepted.
    AlgorithmNotAccepted,
    /// The header's `typ` says that it is another kind of token.
    OtherType,
    /// The claims are no JSON object with the claims that RFC 7519 has, each once.
    ClaimsUnreadable,
    /// Somebody else made it.
    OtherIssuer,
    /// It is meant for somebody else.
    OtherAudience,
    /// It was given to another client.
    OtherAuthorizedParty,
    /// It has no `exp`, or that is over.
    Expired,
    /// Its `nbf` lies in the future.
    NotYetValid,
    /// It has no `sub` that a user can be known by.
    NoSubject,
    /// None of the keys is the one that it names, or fits its algorithm.
    UnknownKey,
    /// The signature is not that of the key.
    NotAuthentic,
    /// The cookie is there twice: one of the two was planted, and nothing says which.
    CookieTwice,
}

impl JwtError {
    /// What is wrong, in characters that `error_description` may have (RFC 6750 section 3). Nothing of the token or of the
    /// settings is repeated.
    #[must_use]
    pub const fn description(self) -> &'static str {
        match self {
            Self::TooLong => "the token is longer than 8 KiB",
            Self::NotCompact => "the token is not a signed JWT: three parts of base64url with dots between them",
            Self::HeaderUnreadable => "the header of the token can't be read, or has a member twice",
            Self::Critical => "the header of the token has crit, and no extension is supported",
            Self::AlgorithmNotAccepted => "the token's algorithm is not one that is accepted here: see JWT_ALGORITHMS",
            Self::OtherType => "the token's typ is not that of the tokens that are accepted here: see JWT_TYP",
            Self::ClaimsUnreadable => "the claims of the token can't be read, or one is there twice",
            Self::OtherIssuer => "the token's iss is not the one that is accepted here: see JWT_ISSUER",
            Self::OtherAudience => "the token's aud is not the one that is accepted here: see JWT_AUDIENCE",
            Self::OtherAuthorizedParty => "the token's azp is not one that is accepted here: see JWT_AUTHORIZED_PARTY",
            Self::Expired => "the token has expired, or has no exp",
            Self::NotYetValid => "the token is not valid yet",
            Self::NoSubject => "the token has no sub of visible ASCII, at most 507 characters long",
            Self::UnknownKey => "the token is signed with a key that is not known",
            Self::NotAuthentic => "the token's signature is not that of its key",
            Self::CookieTwice => "the cookie with the token is there twice",
        }
    }
}

impl fmt::Display for JwtError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.description())
    }
}

impl core::error::Error for JwtError {}
