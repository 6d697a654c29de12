//! What must hold for every input, one module for each fuzz target. `check` panics where it does not.
//!
//! Inputs are text wherever the real ones are, so that the corpus can be read. `tests/fuzz_corpus.rs` includes this file and
//! replays the corpus.

pub mod api;
pub mod callback;
pub mod configuration;
pub mod jwt;
pub mod odd_members;
pub mod record;
pub mod session;
pub mod token_response;
pub mod webhook;

use smartcar_connect::{seal::KeyRing, time::UnixMillis};

/// When everything happens.
pub const NOW: UnixMillis = UnixMillis::new(1_790_000_000_000);

/// A ring of one key, `k1`.
pub fn ring() -> KeyRing {
    KeyRing::parse("k1:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=").expect("a key ring")
}

/// The first line and the rest.
pub fn first_line(data: &[u8]) -> (&[u8], &[u8]) {
    match data.iter().position(|byte| *byte == b'\n') {
        Some(end) => (&data[..end], &data[end + 1..]),
        None => (data, &[]),
    }
}

/// As [`first_line`], the line as text; empty if it is none.
pub fn first_text_line(data: &[u8]) -> (&str, &[u8]) {
    let (line, rest) = first_line(data);
    (core::str::from_utf8(line).unwrap_or_default(), rest)
}
