//! Objects whose members are asked for by name, and of which none may be there twice.

use core::fmt;
use std::collections::BTreeMap;

use serde::{
    Deserialize, Deserializer,
    de::{Error as _, MapAccess, Visitor},
};
use serde_json::value::RawValue;

use super::strict;

/// The members of a JSON object, unread. Whoever reads only some of them, and leaves the rest alone, can still be sure that no
/// other reader takes the second of two for the one that counts.
#[derive(Debug)]
pub struct Members<'a>(BTreeMap<String, &'a RawValue>);

impl<'a> Members<'a> {
    /// Reads a text that is one JSON object.
    ///
    /// # Errors
    /// Whatever is no object, or has a member twice. The text may quote what was read.
    pub fn read(text: &'a [u8]) -> Result<Self, serde_json::Error> {
        strict::read(text)
    }

    /// Whether there is a member of this name.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// The member called `name`, as its type has it; `None` if there is none.
    ///
    /// # Errors
    /// Those of the type. `null` is a value like any other.
    pub fn get<T: Deserialize<'a>>(&self, name: &str) -> Result<Option<T>, serde_json::Error> {
        let raw = self.0.get(name);
        raw.map(|raw| serde_json::from_str(raw.get())).transpose()
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Each;

        impl<'de> Visitor<'de> for Each {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Members<'de>, A::Error> {
                let mut all = BTreeMap::new();
                while let Some((name, value)) = members.next_entry::<String, &'de RawValue>()? {
                    if all.insert(name, value).is_some() {
                        return Err(A::Error::custom("a member is there twice"));
                    }
                }
                Ok(Members(all))
            }
        }

        deserializer.deserialize_map(Each)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_are_read_when_they_are_asked_for() {
        let members = Members::read(br#" {"a": "x", "b": [1, {"c": null}], "d": null} "#).unwrap();
        assert_eq!(members.get::<String>("a").unwrap().as_deref(), Some("x"));
        assert!(members.get::<u8>("a").is_err());
        assert_eq!(members.get::<String>("c").unwrap(), None);
        assert!(members.get::<String>("d").is_err(), "null is no text");
        assert!(members.has("d") && !members.has("c"));
        let deep = ["{\"a\":", &"[".repeat(100_000), &"]".repeat(100_000), "}"].concat();
        let members = Members::read(deep.as_bytes()).unwrap();
        assert!(members.get::<serde_json::Value>("a").is_err(), "too deep to be read");
    }

    #[test]
    fn whichever_member_is_there_twice_the_object_is_refused() {
        for text in [
            r#"{"a":1,"a":1}"#,
            r#"{"a":1,"b":2,"\u0061":3}"#,
            r#"{"":1,"":2}"#,
            "[]",
            "null",
            "{}{}",
            "{",
            "",
            "\u{feff}{}",
            r#"{"a":1,}"#,
        ] {
            assert!(Members::read(text.as_bytes()).is_err(), "{text}");
        }
        assert!(Members::read(b"{\"a\":\"\xff\"}").is_err());
    }
}
