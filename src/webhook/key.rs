//! The application management token, with which Smartcar signs what it sends.

use core::fmt;

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use subtle::{Choice, ConstantTimeEq as _};
use zeroize::Zeroizing;

use super::challenge::Challenge;
use crate::secret::secret_string;

secret_string! {
    /// The application management token of the Smartcar dashboard.
    ManagementToken
}

/// The tokens that count: the first is today's, the others are those of before or after a change.
#[derive(Clone, Debug)]
pub struct ManagementTokens {
    current: ManagementToken,
    others: Vec<ManagementToken>,
}

/// That a list of tokens has an empty entry. No token is repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EmptyEntryError;

impl fmt::Display for EmptyEntryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("has an empty entry: remove the comma at the start, at the end, or that is doubled")
    }
}

impl core::error::Error for EmptyEntryError {}

impl ManagementTokens {
    /// Reads tokens that are separated by commas; white space around them is ignored.
    ///
    /// # Errors
    /// [`EmptyEntryError`], for the whole list.
    pub fn parse(list: &str) -> Result<Self, EmptyEntryError> {
        let mut tokens = list.split(',').map(|token| match token.trim() {
            "" => Err(EmptyEntryError),
            token => Ok(ManagementToken::new(token.to_owned())),
        });
        Ok(Self {
            current: tokens.next().ok_or(EmptyEntryError)??,
            others: tokens.collect::<Result<_, _>>()?,
        })
    }

    /// Whether `signature`, the header `SC-Signature`, is that of `body` as it came, by any of the tokens. All are compared,
    /// each in constant time.
    #[must_use]
    pub fn have_signed(&self, body: &[u8], signature: Option<&str>) -> bool {
        let Some(signature) = signature.and_then(from_hex) else {
            return false;
        };
        let all = core::iter::once(&self.current).chain(&self.others);
        let found = all.fold(Choice::from(0), |found, token| {
            found | token.mac(body).ct_eq(signature.as_slice())
        });
        found.into()
    }

    /// What Smartcar wants to read in answer to a challenge: the proof that today's token is known here.
    #[must_use]
    pub fn answer(&self, challenge: &Challenge) -> String {
        to_hex(&self.current.mac(challenge.as_str().as_bytes()))
    }
}

impl ManagementToken {
    fn mac(&self, message: &[u8]) -> [u8; 32] {
        // A key of any length is taken.
        Hmac::<Sha256>::new_from_slice(self.expose().as_bytes()).map_or([0; 32], |mut mac| {
            mac.update(message);
            mac.finalize().into_bytes().into()
        })
    }
}

fn to_hex(bytes: &[u8]) -> String {
    let digit = |nibble: u8| char::from_digit(u32::from(nibble), 16).unwrap_or_default();
    bytes
        .iter()
        .flat_map(|byte| [digit(byte >> 4), digit(byte & 15)])
        .collect()
}

/// The 32 bytes that 64 hexadecimal digits stand for, in capitals or not.
fn from_hex(text: &str) -> Option<Zeroizing<Vec<u8>>> {
    let digits: Vec<u8> = text
        .chars()
        .map(|digit| digit.to_digit(16).and_then(|value| u8::try_from(value).ok()))
        .collect::<Option<_>>()?;
    if digits.len() != 64 {
        return None;
    }
    let bytes = digits.chunks_exact(2).filter_map(|pair| match pair {
        [high, low] => Some(high << 4 | low),
        _ => None,
    });
    Some(Zeroizing::new(bytes.collect()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const OLD: &str = "0b1c1a4e-5f0f-4dbb-9f55-1d6a4b8b7a10";
    const NEW: &str = "77a1f9d0-2ff0-4a0c-9b1e-6f6c0b1c9c22";

    fn sign(token: &str, body: &[u8]) -> String {
        to_hex(&ManagementToken::new(token.to_owned()).mac(body))
    }

    #[test]
    fn the_example_of_smartcars_sdk() {
        let signed = "2a596ed34b8c6f069492d952aa51f076fee7b1c662b6498e0217a0d41fd9b936";
        assert_eq!(sign("abc123abc123", b"9c9c9c9c"), signed);
        assert_ne!(sign("9c9c9c9c", b"abc123abc123"), signed, "key and message swapped");
    }

    #[test]
    fn during_a_change_both_tokens_count_and_the_first_answers() {
        let (old, new) = (sign(OLD, b"{}"), sign(NEW, b"{}"));
        for (list, old_counts, new_counts) in [
            (OLD.to_owned(), true, false),
            (format!("{NEW}, {OLD}"), true, true),
            (NEW.to_owned(), false, true),
        ] {
            let tokens = ManagementTokens::parse(&list).unwrap();
            assert_eq!(tokens.have_signed(b"{}", Some(&old)), old_counts, "{list}");
            assert_eq!(tokens.have_signed(b"{}", Some(&new)), new_counts, "{list}");
        }
        let tokens = ManagementTokens::parse(&format!("{NEW},{OLD}")).unwrap();
        let challenge = Challenge::parse("c1").unwrap();
        assert_eq!(tokens.answer(&challenge), sign(NEW, b"c1"));
    }

    #[test]
    fn what_is_no_signature_is_refused() {
        let tokens = ManagementTokens::parse(OLD).unwrap();
        let good = sign(OLD, b"{}");
        assert!(tokens.have_signed(b"{}", Some(&good.to_ascii_uppercase())));
        let others = [
            String::new(),
            good.chars().skip(1).collect(),
            format!("{good}0"),
            format!("{good}{good}"),
            format!(" {good}"),
            good.replace(|digit: char| digit.is_ascii_digit(), "g"),
            "é".repeat(32),
            "0".repeat(64),
        ];
        for other in &others {
            assert!(!tokens.have_signed(b"{}", Some(other)), "{other}");
        }
        assert!(!tokens.have_signed(b"{}", None));
    }

    #[test]
    fn a_list_of_tokens_is_read_as_a_whole() {
        for list in ["", ",", &format!("{OLD},"), &format!("{OLD}, ,{NEW}")] {
            assert_eq!(ManagementTokens::parse(list).unwrap_err(), EmptyEntryError, "{list}");
        }
        let tokens = ManagementTokens::parse(OLD).unwrap();
        assert!(!format!("{tokens:?}").contains(OLD));
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn a_signature_is_good_for_its_body_alone(body: Vec<u8>, other: Vec<u8>, at: prop::sample::Index, flip in 1_u8..) {
            let tokens = ManagementTokens::parse(OLD).unwrap();
            let signature = sign(OLD, &body);
            prop_assert!(tokens.have_signed(&body, Some(&signature)));
            prop_assert_eq!(tokens.have_signed(&other, Some(&signature)), other == body);
            let mut changed = [&body[..], b" "].concat();
            let at = at.index(changed.len());
            changed[at] ^= flip;
            prop_assert!(!tokens.have_signed(&changed, Some(&signature)));
            prop_assert!(!tokens.have_signed(body.get(1..).unwrap_or(b"x"), Some(&signature)));
        }
    }
}
