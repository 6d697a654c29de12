//! The values of Connect's parameters.

use super::{
    error::{Reason, ValueKind, check_text, check_visible_ascii},
    id::{redacted_debug, validated_string},
};
use crate::string_enum::string_enum;

const MAX_VALUE_BYTES: usize = 128;
const REQUIRED: &str = "required:";

validated_string! {
    /// A permission such as `read_odometer`, or `required:read_odometer` if the owner must grant it to go on.
    ///
    /// Names that this crate does not know are legal: Smartcar adds permissions. Characters as RFC 6749 allows them in a scope:
    /// visible ASCII but `"` and `\`, at most 128.
    #[derive(Debug)]
    Scope, check_scope
}

validated_string! {
    /// A make in Smartcar's spelling, such as `TESLA`: upper case. Unknown ones are legal. At most 128 bytes without control
    /// characters.
    #[derive(Debug)]
    Make, check_make
}

validated_string! {
    /// A flag: `name:value`, such as `country:DE`, or a bare name. Visible ASCII, at most 128.
    #[derive(Debug)]
    Flag, check_flag
}

validated_string! {
    /// A vehicle identification number: 17 digits and capital letters, without I, O and Q (ISO 3779). The check digit, which
    /// many makes do not use, is not looked at.
    Vin, check_vin
}

redacted_debug!(Vin);

fn check_scope(value: &str) -> Result<(), Reason> {
    check_visible_ascii(value, MAX_VALUE_BYTES, ValueKind::Listed)?;
    let permission = value.strip_prefix(REQUIRED).unwrap_or(value);
    if permission.is_empty() || permission.starts_with(REQUIRED) || value.contains(['"', '\\']) {
        return Err(Reason::Malformed(
            "is not a permission; give a name such as `read_odometer` or `required:read_odometer`",
        ));
    }
    Ok(())
}

fn check_make(value: &str) -> Result<(), Reason> {
    check_text(value, MAX_VALUE_BYTES)
}

fn check_flag(value: &str) -> Result<(), Reason> {
    check_visible_ascii(value, MAX_VALUE_BYTES, ValueKind::Listed)?;
    if value.starts_with(':') {
        return Err(Reason::Malformed("is a flag without a name; give `name:value`"));
    }
    Ok(())
}

fn check_vin(value: &str) -> Result<(), Reason> {
    check_text(value, MAX_VALUE_BYTES)?;
    let legal = |b: u8| b.is_ascii_digit() || (b.is_ascii_uppercase() && !matches!(b, b'I' | b'O' | b'Q'));
    if value.len() != 17 || !value.bytes().all(legal) {
        return Err(Reason::Malformed(
            "is not a vehicle identification number; it has 17 characters, digits and capital letters without I, O and Q",
        ));
    }
    Ok(())
}

/// Reads a value of an enum as Smartcar spells it.
macro_rules! parse_known {
    ($name:ident, $known:literal) => {
        impl $name {
            /// Reads the value as Smartcar spells it.
            ///
            /// # Errors
            /// Names the legal values.
            pub fn parse(value: &str) -> Result<Self, $crate::connect::InvalidValue> {
                let unknown =
                    $crate::connect::error::Reason::UnknownValue(concat!("has a value that is unknown; use ", $known));
                Self::from_name(value).ok_or_else(|| unknown.into())
            }
        }
    };
}

pub(super) use parse_known;

string_enum! {
    /// What the redirect back brings.
    ResponseType {
        /// An authorization code, to be exchanged for the owner's tokens.
        Code = "code",
        /// No code: for application tokens (v3), or to be told by webhook.
        None = "none",
    }
}

parse_known!(ResponseType, "`code` or `none`");

string_enum! {
    /// Whether an owner who has already consented is asked again.
    ApprovalPrompt {
        /// Only if something is asked for that was not granted yet; what Smartcar does if it is left out.
        Auto = "auto",
        /// Always: needed to widen an earlier grant.
        Force = "force",
    }
}

parse_known!(ApprovalPrompt, "`auto` or `force`");

string_enum! {
    /// Which vehicles can be connected.
    Mode {
        /// Real ones; what Smartcar does if it is left out.
        Live = "live",
        /// Simulated ones, which drive about.
        Simulated = "simulated",
        /// Test ones; deprecated by Smartcar in favour of `simulated`.
        Test = "test",
    }
}

parse_known!(Mode, "`live`, `simulated` or `test`");

/// Whether the owner chooses one vehicle or several.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SingleSelect {
    /// Several.
    No,
    /// One; the grant is for it alone.
    Yes,
    /// The vehicle with this VIN.
    Vin(Vin),
}
