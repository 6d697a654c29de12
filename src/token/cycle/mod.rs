//! How an access token is had: pure machines that know no connection, no storage and no copy in Workers KV.
//!
//! A machine keeps what it needs to have a token. It is told what happens, and answers with a [`Verdict`]: what it is from now
//! on, which has to be durable before anything else happens, and a [`Decision`]. Whoever drives a machine
//! keeps these rules:
//! 1. per machine, at most one request is under way in one process, and everybody who wants a token meanwhile waits for
//!    its answer;
//! 2. a request that takes longer than [`CALL_DEADLINE`] has timed out. What it brings later counts if it brings tokens,
//!    and is dropped if it is an error, for the next request is under way.
//!
//! [`OwnerTokens`] is the machine of Smartcar's v2: a pair of tokens for each owner, whose refresh token rotates.
//! [`ApplicationTokens`] is that of v3: one token for the whole application.
//!
//! Outside semantic versioning: see [what the version promises](crate#what-the-version-promises).

mod application;
mod backoff;
mod owner;
mod verdict;

pub use application::{ApplicationAttempt, ApplicationTokens, IssuedApplicationToken};
pub(crate) use backoff::{LONGEST_BACKOFF, exponential_backoff};
pub use owner::{OwnerTokens, RefreshAttempt, RefreshState, TokenPair};
pub use verdict::{CALL_DEADLINE, CALL_LOST_AFTER, Decision, Policy, TokenCycle, Unavailable, Verdict};
