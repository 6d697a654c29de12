//! Identifiers.

use core::fmt;

use super::error::{Reason, ValueKind, check_text, check_visible_ascii};

/// Defines a newtype for a checked string, kept as given. It says nothing of `Debug`.
macro_rules! validated_string {
    ($(#[$meta:meta])* $name:ident, $check:path) => {
        $(#[$meta])*
        #[derive(Clone, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// Reads the value and keeps it exactly as given.
            ///
            /// # Errors
            /// The reason, if the value is not one that the type allows.
            pub fn parse(value: &str) -> Result<Self, $crate::connect::InvalidValue> {
                $check(value)?;
                Ok(Self(value.to_owned()))
            }

            /// The value as given.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = $crate::connect::InvalidValue;

            fn try_from(value: String) -> Result<Self, Self::Error> {
                $check(&value)?;
                Ok(Self(value))
            }
        }

        impl From<$name> for String {
            fn from(value: $name) -> Self {
                value.0
            }
        }
    };
}

/// Prints personal data as `[redacted]`.
macro_rules! redacted_debug {
    ($($name:ident),*) => {$(
        impl core::fmt::Debug for $name {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                f.write_str(concat!(stringify!($name), "([redacted])"))
            }
        }
    )*};
}

pub(super) use {redacted_debug, validated_string};

const MAX_ID_BYTES: usize = 128;
const MAX_EXTERNAL_ID_BYTES: usize = 256;

validated_string! {
    /// The application's id: a UUID from the Smartcar dashboard, at most 128 letters, digits, `-`, `_` and `.`.
    ///
    /// Its shape is not checked further, but the id of an API credential (`client_…`) is refused: Connect answers it with
    /// "Invalid parameter client_id" on a page that leads nowhere.
    #[derive(Debug)]
    ApplicationId, check_application_id
}

validated_string! {
    /// A vehicle's id at Smartcar: at most 128 letters, digits, `-`, `_` and `.`. It is safe in a path.
    #[derive(Debug)]
    VehicleId, check_path_safe_id
}

validated_string! {
    /// An owner's id: at Smartcar (`user_id`), or your own for Connect's analytics (`user`). Visible ASCII, at most 128 bytes.
    UserId, check_user_id
}

validated_string! {
    /// Your own id for the owner, which Connect stores and gives back. At most 256 bytes without control characters.
    ///
    /// The text `null` is refused: Smartcar reads it as the wish to forget the stored id, which is [`ExternalIdParam::Clear`].
    ExternalId, check_external_id
}

redacted_debug!(UserId, ExternalId);

fn check_path_safe_id(value: &str) -> Result<(), Reason> {
    check_visible_ascii(value, MAX_ID_BYTES, ValueKind::Single)?;
    let legal = value
        .bytes()
        .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'));
    if legal && value.bytes().any(|b| b != b'.') {
        Ok(())
    } else {
        Err(Reason::Malformed(
            "has a character that no id contains; give letters, digits, `-`, `_` and `.` only",
        ))
    }
}

fn check_application_id(value: &str) -> Result<(), Reason> {
    check_path_safe_id(value)?;
    if value
        .get(..7)
        .is_some_and(|start| start.eq_ignore_ascii_case("client_"))
    {
        return Err(Reason::WrongKindOfId);
    }
    Ok(())
}

fn check_user_id(value: &str) -> Result<(), Reason> {
    check_visible_ascii(value, MAX_ID_BYTES, ValueKind::Single)
}

fn check_external_id(value: &str) -> Result<(), Reason> {
    check_text(value, MAX_EXTERNAL_ID_BYTES)?;
    if value == "null" {
        return Err(Reason::ReservedValue(
            "is `null`, which Smartcar reads as the wish to clear the id; give another id",
        ));
    }
    Ok(())
}

/// What to do with the owner's external id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ExternalIdParam {
    /// Store this one, in place of one stored before.
    Set(ExternalId),
    /// Forget the stored one.
    Clear,
}

impl ExternalIdParam {
    pub(super) fn as_str(&self) -> &str {
        match self {
            Self::Set(id) => id.as_str(),
            Self::Clear => "null",
        }
    }
}

/// The name under which the application's id is sent. Smartcar accepts both.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum IdParam {
    /// `application_id`, the current name.
    #[default]
    ApplicationId,
    /// `client_id`, the former name, which Smartcar's back-end SDKs still send.
    ClientId,
}

impl IdParam {
    /// The parameter's name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ApplicationId => "application_id",
            Self::ClientId => "client_id",
        }
    }
}

impl fmt::Display for IdParam {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
