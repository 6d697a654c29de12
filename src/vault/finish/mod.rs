//! A pending connection in the vault, and what a finish does to it.

mod ceiling;
mod pending;
mod progress;
mod step;

#[cfg(test)]
mod tests;

pub use ceiling::{MAX_ATTEMPTS, MAX_FINISHES, evicted};
pub use pending::{CallbackDigest, Consumed, ExchangeResult, PendingRecord, concluded, concluded_with};
pub use progress::{Progress, progress};
pub use step::{Step, step};
