//! Tokens that are made and verified for real.

mod keys;
mod signer;
mod tokens;
