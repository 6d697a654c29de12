//! How an access token is had: pure machines that know no connection, no storage and no copy in Workers KV.
//!
//! A machine keeps what it needs to have a token. It is asked three things, and answers each with a [`Verdict`]: what it
//! is from now on, which has to be durable before anything else happens, and a [`Decision`]. Whoever drives a machine
//! keeps these rules:
//! 1. per machine, at most one request is under way in one process, and everybody who wants a token meanwhile waits for
//!    its answer;
//! 2. a request that takes longer than [`CALL_DEADLINE`] has timed out. What it brings later counts if it brings tokens,
//!    and is dropped if it is an error, for the next request is under way.
//!
//! [`OwnerTokens`] is the machine of Smartcar's v2: a pair of tokens for each owner, whose refresh token rotates. The
//! one application token of v3 will be another.
//!
//! Outside semantic versioning: see [what the version promises](crate#what-the-version-promises).

mod backoff;
mod owner;
mod verdict;

pub(crate) use backoff::{LONGEST_BACKOFF, exponential_backoff};
pub use owner::{OwnerTokens, RefreshAttempt, RefreshState, TokenPair};
pub use verdict::{CALL_DEADLINE, CALL_LOST_AFTER, Decision, Policy, TokenCycle, Unavailable, Verdict};
