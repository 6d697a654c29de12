//! What is wrong with a value, and with the parameter that holds it.

use core::fmt;

/// Why a value was refused, and what to do about it. Printed, it continues "`field` …".
///
/// The refused value is not part of the error: it may be personal data or a secret. Who knows under which name the value was
/// given adds it by [`in_field`](Self::in_field).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidValue(Reason);

impl InvalidValue {
    /// The error of the parameter called `field`, such as `redirectUri` or an environment variable.
    #[must_use]
    pub const fn in_field(self, field: &'static str) -> InvalidParameter {
        InvalidParameter { field, reason: self }
    }

    /// A stable name for the reason: `empty`, `too_long`, `control_character`, `contains_space`, `not_ascii`,
    /// `not_visible_ascii`, `malformed`, `unknown_value`, `wrong_kind_of_id`, `not_absolute`, `insecure`,
    /// `unsupported_scheme`, `has_fragment`, `has_credentials`, `not_an_origin`, `other_origin`, `reserved_parameter`,
    /// `repeated_parameter`, `reserved_value` or `conflict`.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self.0 {
            Reason::Empty => "empty",
            Reason::TooLong { .. } => "too_long",
            Reason::ControlCharacter => "control_character",
            Reason::ContainsSpace(_) => "contains_space",
            Reason::NotAscii(_) => "not_ascii",
            Reason::NotVisibleAscii => "not_visible_ascii",
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

impl From<Reason> for InvalidValue {
    fn from(reason: Reason) -> Self {
        Self(reason)
    }
}

impl fmt::Display for InvalidValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Reason::TooLong { max } => {
                f.write_str("is too long; give at most ")?;
                fmt::Display::fmt(&max, f)?;
                f.write_str(" bytes")
            }
            reason => f.write_str(reason.text()),
        }
    }
}

impl std::error::Error for InvalidValue {}

/// A parameter that was refused: which one, why, and what to do about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidParameter {
    field: &'static str,
    reason: InvalidValue,
}

impl InvalidParameter {
    pub(crate) const fn new(field: &'static str, reason: Reason) -> Self {
        InvalidValue(reason).in_field(field)
    }

    /// The parameter's name, as the caller knows it.
    #[must_use]
    pub const fn field(&self) -> &'static str {
        self.field
    }

    /// What is wrong with its value.
    #[must_use]
    pub const fn reason(&self) -> InvalidValue {
        self.reason
    }

    /// [`InvalidValue::code`].
    #[must_use]
    pub const fn code(&self) -> &'static str {
        self.reason.code()
    }
}

impl fmt::Display for InvalidParameter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("`")?;
        f.write_str(self.field)?;
        f.write_str("` ")?;
        fmt::Display::fmt(&self.reason, f)
    }
}

impl std::error::Error for InvalidParameter {}

/// Why a value was refused. The texts in it continue "`field` …".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reason {
    Empty,
    TooLong {
        max: usize,
    },
    ControlCharacter,
    ContainsSpace(ValueKind),
    NotAscii(ValueKind),
    #[cfg_attr(not(feature = "edge"), expect(dead_code, reason = "for names of principals"))]
    NotVisibleAscii,
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
            Self::ContainsSpace(ValueKind::Url) => "contains a space; write it as `%20`, or remove it",
            Self::ContainsSpace(ValueKind::Listed) => "contains a space; give each value on its own",
            Self::ContainsSpace(ValueKind::Single) => "contains a space; remove it",
            Self::NotAscii(ValueKind::Url) => {
                "contains a character outside ASCII; percent-encode it, or give the host in punycode"
            }
            Self::NotAscii(ValueKind::Listed | ValueKind::Single) => {
                "contains a character outside ASCII; give ASCII letters, digits and punctuation only"
            }
            Self::NotVisibleAscii => {
                "contains a character other than visible ASCII; give letters, digits and punctuation only"
            }
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

/// Refuses what no value may be: empty, longer than `max` bytes, or with a control character in it.
pub(super) fn check_text(value: &str, max: usize) -> Result<(), Reason> {
    if value.is_empty() {
        return Err(Reason::Empty);
    }
    if value.len() > max {
        return Err(Reason::TooLong { max });
    }
    if value.chars().any(char::is_control) {
        return Err(Reason::ControlCharacter);
    }
    Ok(())
}

/// What a value is, which decides what to do about a character that it must not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ValueKind {
    /// A URL, in which any character can be encoded.
    Url,
    /// One of a list, such as a permission.
    Listed,
    /// Any other.
    Single,
}

/// Like [`check_text`], and refuses everything but visible ASCII.
pub(super) fn check_visible_ascii(value: &str, max: usize, kind: ValueKind) -> Result<(), Reason> {
    check_text(value, max)?;
    if value.contains(' ') {
        return Err(Reason::ContainsSpace(kind));
    }
    if !value.is_ascii() {
        return Err(Reason::NotAscii(kind));
    }
    Ok(())
}
