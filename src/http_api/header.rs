//! Headers that requests to the Worker need.

/// A header that every request that changes something must have. A form can't send it, and a script of another origin must
/// ask by a preflight first.
pub const REQUESTED_WITH: &str = "X-Requested-With";

/// The value of [`REQUESTED_WITH`].
pub const REQUESTED_WITH_VALUE: &str = "smartcar-connect";

/// The header that says what a body is.
pub const CONTENT_TYPE: &str = "Content-Type";

/// The [`CONTENT_TYPE`] of every body.
pub const JSON: &str = "application/json";

/// The content type of a [problem](super::problem).
pub const PROBLEM_JSON: &str = "application/problem+json";
