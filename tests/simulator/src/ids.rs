//! Identifiers that look like Smartcar's: random version 4 UUIDs.

use std::fmt::Write as _;

/// A fresh random UUID, 36 characters.
pub(crate) fn uuid() -> String {
    let mut bytes = [0_u8; 16];
    #[expect(clippy::expect_used, reason = "a simulator without randomness can do nothing useful")]
    getrandom::fill(&mut bytes).expect("the system's random number generator works");
    bytes[6] = (bytes[6] & 0x0f) | 0x40;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    let mut text = String::with_capacity(36);
    for (index, byte) in bytes.iter().enumerate() {
        if matches!(index, 4 | 6 | 8 | 10) {
            text.push('-');
        }
        // Writing to a `String` cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}
