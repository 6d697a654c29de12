//! Tokens that are made and verified for real.

mod keys;
mod log_ins;
mod signer;
mod tokens;
