//! What a token has to be like, as the settings say.

use super::{algorithm::Algorithm, error::JwtError, key::KeySet, secret::JwtSecret};
use crate::identity::{bearer::bearer_token, cookie::values_of};

/// What the claims and the header of a token have to say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JwtRules {
    /// The `iss`, to the letter.
    pub issuer: String,
    /// One of these has to be in `aud`. If there is none, the token may have no `aud` at all.
    pub audiences: Vec<String>,
    /// `azp` has to be one of these, if there are any.
    pub authorized_parties: Vec<String>,
    /// The algorithms that count.
    pub algorithms: Vec<Algorithm>,
    /// The `typ`, in small letters and without `application/`. If there is none: `jwt`, `at+jwt`, or no `typ`.
    pub typ: Option<String>,
}

/// Where the keys are that verify tokens.
#[derive(Clone, Debug)]
pub enum KeySource {
    /// At this address, as a JSON Web Key Set.
    Url(String),
    /// In the settings.
    Inline(KeySet),
    /// The log-in signs with a secret.
    Secret(JwtSecret),
}

/// How callers show themselves by tokens of the app's log-in.
#[derive(Clone, Debug)]
pub struct JwtConfig {
    /// What a token has to be like.
    pub rules: JwtRules,
    /// What verifies it.
    pub keys: KeySource,
    /// The cookie that has the token, where there is no bearer token.
    pub cookie: Option<String>,
}

/// A token that a request brought, unread.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct ShownJwt<'a> {
    /// The token.
    pub token: &'a str,
    /// Whether a browser has sent it by itself.
    pub is_ambient: bool,
}

impl core::fmt::Debug for ShownJwt<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("ShownJwt")
            .field("is_ambient", &self.is_ambient)
            .finish_non_exhaustive()
    }
}

impl JwtConfig {
    /// The token that a request with these headers shows: whatever is called a bearer token, or else what is in the cookie.
    ///
    /// # Errors
    /// [`JwtError::CookieTwice`].
    pub fn shown_by<'a>(
        &self,
        authorization: Option<&'a str>,
        cookies: Option<&'a str>,
    ) -> Result<Option<ShownJwt<'a>>, JwtError> {
        if let Some(token) = bearer_token(authorization) {
            let is_ambient = false;
            return Ok(Some(ShownJwt { token, is_ambient }));
        }
        let Some((name, header)) = self.cookie.as_deref().zip(cookies) else {
            return Ok(None);
        };
        let mut values = values_of(header, name);
        let first = values.next();
        if values.next().is_some() {
            return Err(JwtError::CookieTwice);
        }
        // A log-out may leave an empty one behind.
        let token = first.filter(|token| !token.is_empty());
        Ok(token.map(|token| ShownJwt {
            token,
            is_ambient: true,
        }))
    }
}
