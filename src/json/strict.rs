//! The bodies of requests to the Worker.

use core::{fmt, marker::PhantomData};

use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor, value::MapAccessDeserializer},
};

/// Reads a body that is one JSON object, as its type has it.
///
/// # Errors
/// Whatever is not right: where, and what was expected. The text may quote the body, which may hold a secret.
pub fn read<'de, T: Deserialize<'de>>(body: &'de [u8]) -> Result<T, serde_json::Error> {
    let mut deserializer = serde_json::Deserializer::from_slice(body);
    let value = object(&mut deserializer)?;
    deserializer.end()?;
    Ok(value)
}

/// Reads an object. What `serde` derives for a struct also takes an array, whose items are the fields in their order: a field
/// that holds a struct needs `#[serde(deserialize_with = "object")]`, and a list of structs is one of [`Strict`].
///
/// # Errors
/// Those of the type, and whatever is no object.
pub fn object<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<T, D::Error> {
    deserializer.deserialize_map(Object(PhantomData))
}

/// What is read as an object wherever it stands, as by [`object`].
#[derive(Debug)]
pub struct Strict<T>(pub T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Strict<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        object(deserializer).map(Self)
    }
}

struct Object<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for Object<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<T, A::Error> {
        T::deserialize(MapAccessDeserializer::new(members))
    }
}

#[cfg(test)]
mod tests {
    use serde::de::DeserializeOwned;

    use super::*;
    use crate::http_api::{FinishRequest, StartRequest, token::TokenRequestBody};

    fn refuses_all_but_objects<T: DeserializeOwned>(object: &str, array: &str) {
        assert!(read::<T>(object.as_bytes()).is_ok(), "{object}");
        assert!(
            serde_json::from_str::<T>(array).is_ok(),
            "{array} is what an object is mistaken for"
        );
        for body in [
            array,
            &format!("[{object}]"),
            &format!("{object}{object}"),
            &format!("{object},"),
            &format!("\u{feff}{object}"),
            "[]",
            "null",
            "\"text\"",
            "1",
            "true",
            "",
            " ",
            "{",
        ] {
            assert!(read::<T>(body.as_bytes()).is_err(), "{body}");
        }
    }

    #[test]
    fn every_body_is_an_object() {
        refuses_all_but_objects::<FinishRequest>(r#" {"callback":"c"} "#, r#"["c"]"#);
        refuses_all_but_objects::<StartRequest>(r#"{"stateFingerprint":"f","redirectUri":"r"}"#, r#"["f","r"]"#);
        refuses_all_but_objects::<TokenRequestBody>(
            r#"{"session":"s","vehicleId":"v"}"#,
            r#"[null,"s",null,"v",null]"#,
        );
    }

    #[test]
    fn a_member_that_is_unknown_or_there_twice_is_refused() {
        for (body, said) in [
            (r#"{"callback":"c","state":"s"}"#, "unknown field `state`"),
            (r#"{"callback":"c","callback":"c"}"#, "duplicate field `callback`"),
            ("{}", "missing field `callback`"),
        ] {
            let error = read::<FinishRequest>(body.as_bytes()).unwrap_err();
            assert!(error.to_string().starts_with(said), "{error}");
            assert_eq!(error.line(), 1, "{error}");
        }
        assert!(read::<FinishRequest>(b"{\"callback\":\"caf\xe9\"}").is_err());
    }

    #[test]
    fn an_object_in_an_object_is_held_to_the_same() {
        #[derive(Deserialize)]
        struct Outer {
            #[serde(deserialize_with = "object")]
            inner: FinishRequest,
            #[serde(default)]
            list: Vec<Strict<FinishRequest>>,
        }
        let read = |body: &str| read::<Outer>(body.as_bytes());
        let outer = read(r#"{"inner":{"callback":"c"},"list":[{"callback":"d"}]}"#).unwrap();
        assert_eq!(
            (outer.inner.callback.as_str(), outer.list[0].0.callback.as_str()),
            ("c", "d")
        );
        for body in [r#"{"inner":["c"]}"#, r#"{"inner":{"callback":"c"},"list":[["d"]]}"#] {
            assert!(read(body).is_err(), "{body}");
        }
    }
}
