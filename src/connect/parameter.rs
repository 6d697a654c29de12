//! The values of Connect's parameters.

use super::{
    error::{InvalidParameter, Reason, check_text, check_visible_ascii},
    id::{checked_string, redacted_debug},
};

const MAX_VALUE_BYTES: usize = 128;
const REQUIRED: &str = "required:";

checked_string! {
    /// A permission such as `read_odometer`, or `required:read_odometer` if the owner must grant it to go on.
    ///
    /// Names that this crate does not know are legal: Smartcar adds permissions. Characters as RFC 6749 allows them in a scope:
    /// visible ASCII but `"` and `\`, at most 128.
    #[derive(Debug)]
    Scope, check_scope
}

impl Scope {
    /// The permission without the prefix `required:`.
    #[must_use]
    pub fn permission(&self) -> &str {
        self.as_str().strip_prefix(REQUIRED).unwrap_or(self.as_str())
    }

    /// Whether the owner must grant it.
    #[must_use]
    pub fn is_required(&self) -> bool {
        self.as_str().starts_with(REQUIRED)
    }

    /// The same permission with the prefix `required:`.
    #[must_use]
    pub fn required(self) -> Self {
        if self.is_required() {
            self
        } else {
            Self([REQUIRED, self.as_str()].concat())
        }
    }
}

checked_string! {
    /// A make in Smartcar's spelling, such as `TESLA`: upper case. Unknown ones are legal. At most 128 bytes without control
    /// characters.
    #[derive(Debug)]
    Make, check_make
}

checked_string! {
    /// A flag: `name:value`, such as `country:DE`, or a bare name. Visible ASCII, at most 128.
    #[derive(Debug)]
    Flag, check_flag
}

checked_string! {
    /// A vehicle identification number: 17 digits and capital letters, without I, O and Q (ISO 3779). The check digit, which
    /// many makes do not use, is not looked at.
    Vin, check_vin
}

redacted_debug!(Vin);

fn check_scope(value: &str) -> Result<(), InvalidParameter> {
    check_visible_ascii("scope", value, MAX_VALUE_BYTES)?;
    let permission = value.strip_prefix(REQUIRED).unwrap_or(value);
    if permission.is_empty() || permission.starts_with(REQUIRED) || value.contains(['"', '\\']) {
        let reason =
            Reason::Malformed("is not a permission; give a name such as `read_odometer` or `required:read_odometer`");
        return Err(InvalidParameter::new("scope", reason));
    }
    Ok(())
}

fn check_make(value: &str) -> Result<(), InvalidParameter> {
    check_text("make", value, MAX_VALUE_BYTES)
}

fn check_flag(value: &str) -> Result<(), InvalidParameter> {
    check_visible_ascii("flags", value, MAX_VALUE_BYTES)?;
    if value.starts_with(':') {
        return Err(InvalidParameter::new(
            "flags",
            Reason::Malformed("is a flag without a name; give `name:value`"),
        ));
    }
    Ok(())
}

fn check_vin(value: &str) -> Result<(), InvalidParameter> {
    const FIELD: &str = "single_select_vin";
    check_text(FIELD, value, MAX_VALUE_BYTES)?;
    let legal = |b: u8| b.is_ascii_digit() || (b.is_ascii_uppercase() && !matches!(b, b'I' | b'O' | b'Q'));
    if value.len() != 17 || !value.bytes().all(legal) {
        let reason = Reason::Malformed(
            "is not a vehicle identification number; it has 17 characters, digits and capital letters without I, O and Q",
        );
        return Err(InvalidParameter::new(FIELD, reason));
    }
    Ok(())
}

/// Defines an enum of the values that a parameter can have.
macro_rules! choice {
    ($(#[$meta:meta])* $name:ident($field:literal, $unknown:literal) { $($(#[$doc:meta])* $variant:ident = $text:literal,)+ }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $name {
            $($(#[$doc])* $variant,)+
        }

        impl $name {
            /// Reads the value as Smartcar spells it.
            ///
            /// # Errors
            /// Names the parameter and the legal values.
            pub fn parse(value: &str) -> Result<Self, $crate::connect::InvalidParameter> {
                match value {
                    $($text => Ok(Self::$variant),)+
                    _ => Err($crate::connect::InvalidParameter::new(
                        $field,
                        $crate::connect::error::Reason::UnknownValue(concat!("has a value that is unknown; use ", $unknown)),
                    )),
                }
            }

            /// The value as Smartcar spells it.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $text,)+
                }
            }
        }
    };
}

pub(super) use choice;

choice! {
    /// What the redirect back brings.
    ResponseType("response_type", "`code` or `none`") {
        /// An authorization code, to be exchanged for the owner's tokens.
        Code = "code",
        /// No code: for application tokens (v3), or to be told by webhook.
        None = "none",
    }
}

choice! {
    /// Whether an owner who has already consented is asked again.
    ApprovalPrompt("approval_prompt", "`auto` or `force`") {
        /// Only if something is asked for that was not granted yet; what Smartcar does if it is left out.
        Auto = "auto",
        /// Always: needed to widen an earlier grant.
        Force = "force",
    }
}

choice! {
    /// Which vehicles can be connected.
    Mode("mode", "`live`, `simulated` or `test`") {
        /// Real ones; what Smartcar does if it is left out.
        Live = "live",
        /// Simulated ones, which drive about.
        Simulated = "simulated",
        /// Test ones; deprecated by Smartcar in favour of `simulated`.
        Test = "test",
    }
}

/// Whether the owner chooses one vehicle or several.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SingleSelect {
    /// Several.
    No,
    /// One; the grant is for it alone.
    Yes,
    /// This one.
    Vin(Vin),
}
