//! Keeping grants: the state machines that decide what becomes of a grant, and what is stored of one.
//!
//! Nothing here does I/O. The Durable Object `Vault` carries the decisions out; the same functions drive the model that
//! is checked in the tests.

mod connection;
mod finish;
mod grant;
mod index;
mod life;
mod profile;

pub use connection::connection;
pub use finish::{CallbackDigest, Finish, FinishOutcome, FinishStep, PendingRecord, Used};
pub use grant::{Cause, Grant, GrantRecord, Health, Intent, Published, Tokens, Vehicles};
pub use index::{VehicleIndex, superseded, to_be_told};
pub use life::{
    Answer, CALL_DEADLINE, Effect, Event, KvOutcome, Next, Policy, Step, Unwell, Upstream, granted, step, wake_at,
};
pub use profile::Profile;
