//! What is wrong with a parameter.

use core::fmt;

/// A parameter that was refused: which one, why, and what to do about it.
///
/// The refused value is not part of the error: it may be personal data or a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidParameter {
    field: &'static str,
    reason: Reason,
}

impl InvalidParameter {
    pub(crate) const fn new(field: &'static str, reason: Reason) -> Self {
        Self { field, reason }
    }

    /// The parameter's name, as OAuth and Smartcar spell it (`redirect_uri`) unless [`renamed`](Self::renamed).
    #[must_use]
    pub const fn field(&self) -> &'static str {
        self.field
    }

    /// The same error under the name by which the caller knows the parameter, such as `redirectUri` or an environment
    /// variable.
    #[must_use]
    pub const fn renamed(self, field: &'static str) -> Self {
        Self { field, ..self }
    }

    /// A stable name for the reason: `empty`, `too_long`, `control_character`, `contains_space`, `not_ascii`, `malformed`,
    /// `unknown_value`, `wrong_kind_of_id`, `not_absolute`, `insecure`, `unsupported_scheme`, `has_fragment`,
    /// `has_credentials`, `not_an_origin`, `other_origin`, `reserved_parameter`, `repeated_parameter`, `reserved_value` or
    /// `conflict`.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self.reason {
            Reason::Empty => "empty",
            Reason::TooLong { .. } => "too_long",
            Reason::ControlCharacter => "control_character",
            Reason::ContainsSpace => "contains_space",
            Reason::NotAscii => "not_ascii",
            Reason::Malformed(_) => "malformed",
            Reason::UnknownValue(_) => "unknown_value",
            Reason::WrongKindOfId => "wrong_kind_of_id",
            Reason::NotAbsolute => "not_absolute",
            Reason::Insecure => "insecure",
            Reason::UnsupportedScheme => "unsupported_scheme",
            Reason::HasFragment => "has_fragment",
            Reason::HasCredentials => "has_credentials",
            Reason::NotAnOrigin => "not_an_origin",
            Reason::OtherOrigin => "other_origin",
            Reason::ReservedParameter => "reserved_parameter",
            Reason::RepeatedParameter => "repeated_parameter",
            Reason::ReservedValue(_) => "reserved_value",
            Reason::Conflict(_) => "conflict",
        }
    }
}

impl fmt::Display for InvalidParameter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("`")?;
        f.write_str(self.field)?;
        f.write_str("` ")?;
        match self.reason {
            Reason::TooLong { max } => {
                f.write_str("is too long; give at most ")?;
                fmt::Display::fmt(&max, f)?;
                f.write_str(" bytes")
            }
            reason => f.write_str(reason.text()),
        }
    }
}

impl std::error::Error for InvalidParameter {}

/// Why a parameter was refused. The texts in it continue "`field` …".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reason {
    Empty,
    TooLong { max: usize },
    ControlCharacter,
    ContainsSpace,
    NotAscii,
    Malformed(&'static str),
    UnknownValue(&'static str),
    WrongKindOfId,
    NotAbsolute,
    Insecure,
    UnsupportedScheme,
    HasFragment,
    HasCredentials,
    NotAnOrigin,
    OtherOrigin,
    ReservedParameter,
    RepeatedParameter,
    ReservedValue(&'static str),
    Conflict(&'static str),
}

impl Reason {
    const fn text(self) -> &'static str {
        match self {
            Self::Empty => "is empty; give a value",
            Self::TooLong { .. } => "is too long",
            Self::ControlCharacter => "contains a control character; remove it",
            Self::ContainsSpace => "contains a space; give each value on its own",
            Self::NotAscii => "contains a character outside ASCII; percent-encode it, or give the host in punycode",
            Self::WrongKindOfId => {
                "is the id of an API credential (`client_…`); give the application's own id, a UUID, from the Smartcar dashboard"
            }
            Self::NotAbsolute => "is not an absolute URL; start it with `https://` and a host",
            Self::Insecure => "is plain `http` off loopback; use `https`",
            Self::UnsupportedScheme => {
                "has a scheme that Smartcar does not redirect to; use `https`, or in a mobile app `sc` and the application's id"
            }
            Self::HasFragment => "has a fragment; remove the `#` and what follows it",
            Self::HasCredentials => "contains a user name or password; remove it",
            Self::NotAnOrigin => "is no origin, or more than one; give scheme (`https`), host and port only",
            Self::OtherOrigin => {
                "is not on the Connect origin; redirect only to a URL that Smartcar's own API has given"
            }
            Self::ReservedParameter => {
                "has a query parameter that Connect adds on its own, such as `code` or `state`; remove it"
            }
            Self::RepeatedParameter => "has the same query parameter more than once; give it once",
            Self::Malformed(text) | Self::UnknownValue(text) | Self::ReservedValue(text) | Self::Conflict(text) => text,
        }
    }
}

/// Refuses what no parameter may be: empty, longer than `max` bytes, or with a control character in it.
pub(super) fn check_text(field: &'static str, value: &str, max: usize) -> Result<(), InvalidParameter> {
    if value.is_empty() {
        return Err(InvalidParameter::new(field, Reason::Empty));
    }
    if value.len() > max {
        return Err(InvalidParameter::new(field, Reason::TooLong { max }));
    }
    if value.chars().any(char::is_control) {
        return Err(InvalidParameter::new(field, Reason::ControlCharacter));
    }
    Ok(())
}

/// Like [`check_text`], and refuses everything but visible ASCII.
pub(super) fn check_visible_ascii(field: &'static str, value: &str, max: usize) -> Result<(), InvalidParameter> {
    check_text(field, value, max)?;
    if value.contains(' ') {
        return Err(InvalidParameter::new(field, Reason::ContainsSpace));
    }
    if !value.is_ascii() {
        return Err(InvalidParameter::new(field, Reason::NotAscii));
    }
    Ok(())
}
