//! JSON Web Tokens of the app's own log-in.
//!
//! A token goes three steps: [`UnverifiedJwt::parse`] reads it and holds it against the rules, the caller verifies its signature
//! with one of the candidates among the keys, and [`UnverifiedJwt::verdict`] says whom it speaks for.

mod algorithm;
mod error;
mod key;
mod rules;
mod secret;
mod subject;
mod token;

#[cfg(test)]
mod tests;

pub use algorithm::Algorithm;
pub use error::JwtError;
pub use key::{KeySet, KeySetError, MAX_KEY_SET_BYTES, UnusableKey, VerificationKey};
pub use rules::{JwtConfig, JwtRules, KeySource, ShownJwt};
pub use secret::{JwtSecret, verify_hs256};
pub use subject::Subject;
pub use token::{MAX_JWT_BYTES, UnverifiedJwt};
