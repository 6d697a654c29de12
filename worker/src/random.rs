//! Randomness of the platform's CSPRNG. It is not to be had outside a request, so nothing is drawn at start.

use base64ct::{Base64UrlUnpadded, Encoding as _};
use smartcar_connect::{edge::Problem, http_api::ProblemCode};

/// The platform gave no randomness: nothing secret may be made.
#[derive(Debug)]
pub(crate) struct NoRandomness;

/// What a request is told that needs some.
pub(crate) fn problem() -> Problem {
    Problem::new(
        ProblemCode::StorageUnavailable,
        "the platform gave no randomness; try again",
    )
}

pub(crate) fn bytes<const N: usize>() -> Result<[u8; N], NoRandomness> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|_| NoRandomness)?;
    Ok(bytes)
}

/// 22 characters of base64url.
pub(crate) fn id() -> Result<String, NoRandomness> {
    Ok(Base64UrlUnpadded::encode_string(&bytes::<16>()?))
}
