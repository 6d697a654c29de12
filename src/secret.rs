//! Secrets: wiped on drop, printed as `[redacted]`, compared in constant time.

/// A secret string, for code that handles all of them alike.
pub trait Secret: Sized {
    /// Takes the secret over.
    fn from_string(secret: String) -> Self;

    /// The secret itself.
    fn as_exposed(&self) -> &str;
}

/// Defines a newtype for a secret string.
///
/// The type has no `Display`, no `PartialEq` and no `Serialize`: a secret leaves it through `expose` alone, which makes
/// every such place easy to find. `ct_eq` compares in time that depends on the lengths only.
macro_rules! secret_string {
    ($(#[$meta:meta])* $name:ident) => {
        $(#[$meta])*
        #[derive(Clone)]
        pub struct $name(zeroize::Zeroizing<String>);

        impl $name {
            /// Takes the secret over; the string is wiped when the value is dropped.
            #[must_use]
            pub fn new(secret: String) -> Self {
                Self(zeroize::Zeroizing::new(secret))
            }

            /// The secret itself. Never log, store or send it but where it has to go.
            #[must_use]
            pub fn expose(&self) -> &str {
                &self.0
            }

            /// Whether both are the same, in constant time for equal lengths.
            #[must_use]
            pub fn ct_eq(&self, other: &Self) -> bool {
                subtle::ConstantTimeEq::ct_eq(self.0.as_bytes(), other.0.as_bytes()).into()
            }
        }

        impl $crate::secret::Secret for $name {
            fn from_string(secret: String) -> Self {
                Self::new(secret)
            }

            fn as_exposed(&self) -> &str {
                self.expose()
            }
        }

        impl core::fmt::Debug for $name {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                f.write_str(concat!(stringify!($name), "([redacted])"))
            }
        }
    };
}

pub(crate) use secret_string;

/// Secrets in a message or record that is kept from everybody else: `#[serde(with = "secret::serde_exposed")]`. On a field
/// that is written to be read by anybody, it would be the leak that the types are there to prevent.
#[cfg(feature = "edge")]
pub(crate) mod serde_exposed {
    use serde::{Deserialize as _, Deserializer, Serializer};

    use super::Secret;

    pub(crate) fn serialize<S: Serializer, T: Secret>(secret: &T, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(secret.as_exposed())
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>, T: Secret>(deserializer: D) -> Result<T, D::Error> {
        String::deserialize(deserializer).map(T::from_string)
    }
}

#[cfg(test)]
mod tests {
    use crate::connect::AuthorizationCode;

    #[test]
    fn a_secret_prints_as_redacted() {
        assert_eq!(
            format!("{:?}", AuthorizationCode::new("hunter2".into())),
            "AuthorizationCode([redacted])"
        );
    }

    #[test]
    fn equality_needs_the_whole_secret() {
        let code = AuthorizationCode::new("hunter2".into());
        assert!(code.ct_eq(&AuthorizationCode::new("hunter2".into())));
        for other in ["hunter3", "hunter", "hunter22", ""] {
            assert!(!code.ct_eq(&AuthorizationCode::new(other.into())), "{other}");
        }
    }
}
