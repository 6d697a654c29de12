//! What a caller is told whose token does not count.

use crate::{edge::problem::Problem, http_api::ProblemCode, identity::JwtError, time::Millis};

/// The token is not accepted. No other credential of the request counts in its place.
#[must_use]
pub fn invalid_token(error: JwtError) -> Problem {
    Problem::new(ProblemCode::InvalidToken, error.description())
}

/// Whether the token is good can't be told, since the keys of the log-in can't be had.
#[must_use]
pub fn keys_unavailable(retry_after: Millis) -> Problem {
    let detail = "the keys of the log-in can't be had from `JWT_JWKS_URL`; try again";
    Problem::new(ProblemCode::KeysUnavailable, detail).with_retry_after(retry_after)
}
