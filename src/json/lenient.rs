//! What Smartcar answers, or somebody in between: every member that can be read is, whatever stands beside it.
//!
//! As lenient as most libraries that read the same bytes: of members of one name the last counts, and a byte order mark is
//! skipped. More lenient in that bytes that are not UTF-8, control characters and escapes that JSON does not know take nothing
//! but their own place in a text, where U+FFFD stands for them. Only objects are read: no list stands for one.

use core::fmt;
use std::collections::BTreeMap;

use serde::{
    Deserialize, Deserializer,
    de::{self, MapAccess, Visitor},
};
use serde_json::value::RawValue;
use zeroize::Zeroizing;

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Calls `read` with the object that a body is, or with `None` if it is none.
pub(crate) fn with_object<R>(body: &[u8], read: impl FnOnce(Option<&Object<'_>>) -> R) -> R {
    let body = body.strip_prefix(BYTE_ORDER_MARK).unwrap_or(body);
    if let Ok(object) = serde_json::from_slice(body) {
        return read(Some(&object));
    }
    let repaired = repaired(body);
    let object = serde_json::from_str(&repaired);
    read(object.ok().as_ref())
}

/// The body with U+FFFD for what no JSON text has in a string. A string's end is never one of these.
fn repaired(body: &[u8]) -> Zeroizing<String> {
    // Wiped when it is dropped, as the body is: it must not grow, which would leave a copy behind.
    let mut out = Zeroizing::new(String::with_capacity(body.len().saturating_mul(3)));
    let mut chars = body
        .utf8_chunks()
        .flat_map(|chunk| {
            let replacement = (!chunk.invalid().is_empty()).then_some(char::REPLACEMENT_CHARACTER);
            chunk.valid().chars().chain(replacement)
        })
        .peekable();
    let mut in_string = false;
    while let Some(c) = chars.next() {
        match c {
            '"' => {
                in_string = !in_string;
                out.push(c);
            }
            '\\' if in_string => match chars.next_if(|escaped| "\"\\/bfnrtu".contains(*escaped)) {
                Some('u') => {
                    let mut digits = String::new();
                    while digits.len() < 4
                        && let Some(digit) = chars.next_if(char::is_ascii_hexdigit)
                    {
                        digits.push(digit);
                    }
                    if digits.len() == 4 {
                        out.push_str("\\u");
                    } else {
                        out.push(char::REPLACEMENT_CHARACTER);
                    }
                    out.push_str(&digits);
                }
                Some(escaped) => {
                    out.push(c);
                    out.push(escaped);
                }
                None => out.push(char::REPLACEMENT_CHARACTER),
            },
            c if in_string && c < ' ' => out.push(char::REPLACEMENT_CHARACTER),
            c => out.push(c),
        }
    }
    out
}

/// The members of an object, each as it stands in the body.
pub(crate) struct Object<'a>(BTreeMap<String, Value<'a>>);

impl<'a> Object<'a> {
    /// The member called `name`; `None` if it is missing or `null`.
    pub(crate) fn get(&self, name: &str) -> Option<Value<'a>> {
        self.0.get(name).copied().filter(|value| value.as_json() != "null")
    }

    /// The text of a member.
    pub(crate) fn text(&self, name: &str) -> Option<String> {
        self.get(name)?.text()
    }

    /// The number in a member, also in one that is a text.
    pub(crate) fn number(&self, name: &str) -> Option<f64> {
        self.get(name)?.number()
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Object<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;

        impl<'de> Visitor<'de> for Members {
            type Value = BTreeMap<String, Value<'de>>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Self::Value, A::Error> {
                let mut all = BTreeMap::new();
                while let Some((name, value)) = members.next_entry::<&RawValue, &RawValue>()? {
                    if let Some(name) = Value(name).text() {
                        all.insert(name, Value(value));
                    }
                }
                Ok(all)
            }
        }

        deserializer.deserialize_map(Members).map(Self)
    }
}

/// A value as it stands in the body.
#[derive(Clone, Copy)]
pub(crate) struct Value<'a>(&'a RawValue);

impl<'a> Value<'a> {
    /// The value as JSON.
    pub(crate) fn as_json(self) -> &'a str {
        self.0.get()
    }

    /// The text, if it is one. An escape for half a character stands for U+FFFD.
    pub(crate) fn text(self) -> Option<String> {
        struct Text;

        impl Visitor<'_> for Text {
            type Value = String;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text")
            }

            // As bytes `serde_json` also hands on a text that is not Unicode.
            fn visit_bytes<E: de::Error>(self, bytes: &[u8]) -> Result<String, E> {
                Ok(String::from_utf8_lossy(bytes).into_owned())
            }
        }

        serde_json::Deserializer::from_str(self.0.get())
            .deserialize_bytes(Text)
            .ok()
    }

    /// The number, in any notation that JSON has, also if it stands in a text. `None` for one beyond all bounds, and for the
    /// words that Rust takes for numbers: they stand for none that has bounds.
    pub(crate) fn number(self) -> Option<f64> {
        let text = self.text();
        let number = text.as_deref().unwrap_or(self.as_json()).trim();
        number.parse().ok().filter(|number: &f64| number.is_finite())
    }

    /// The members, if it is an object.
    pub(crate) fn object(self) -> Option<Object<'a>> {
        serde_json::from_str(self.0.get()).ok()
    }

    /// The items, if it is a list.
    pub(crate) fn items(self) -> Option<Vec<Self>> {
        let items: Vec<&RawValue> = serde_json::from_str(self.0.get()).ok()?;
        Some(items.into_iter().map(Self).collect())
    }
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*};
    use serde_json::Value as Json;

    use super::*;
    use crate::json::odd::{body, json, odd_member};

    /// What `read` makes of a body.
    fn text_of(body: &[u8], name: &str) -> Option<String> {
        with_object(body, |object| object?.text(name))
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn no_odd_member_hides_another(
            before in vec(odd_member(), 0..4),
            after in vec(odd_member(), 0..4),
            earlier in prop::option::of(json()),
            has_mark: bool,
        ) {
            let mut good: Vec<Vec<u8>> = earlier.iter().map(|json| format!("\"wanted\":{json}").into_bytes()).collect();
            good.push(br#""wanted":"the text""#.to_vec());
            let body = body(&before, &good, &after, has_mark);
            let read = text_of(&body, "wanted");
            prop_assert_eq!(read.as_deref(), Some("the text"), "{}", body.escape_ascii());
        }

        #[test]
        fn what_is_json_is_read_as_others_read_it(json in json()) {
            let body = json.to_string();
            with_object(body.as_bytes(), |object| {
                prop_assert_eq!(object.is_some(), json.is_object());
                for (name, value) in json.as_object().into_iter().flatten() {
                    let read = object.and_then(|object| object.get(name));
                    let read = read.map_or(Json::Null, |read| serde_json::from_str(read.as_json()).unwrap());
                    prop_assert_eq!(&read, value);
                    let text = object.and_then(|object| object.text(name));
                    prop_assert_eq!(text.as_deref(), value.as_str());
                }
                Ok(())
            })?;
            let same = repaired(body.as_bytes());
            prop_assert_eq!(same.as_str(), body, "nothing is to be repaired");
        }

        #[test]
        fn no_body_panics_and_none_grows_while_it_is_repaired(body in vec(any::<u8>(), 0..300)) {
            let _ = text_of(&body, "wanted");
            prop_assert_eq!(repaired(&body).capacity(), body.len().saturating_mul(3));
        }

        #[test]
        fn a_number_is_the_same_in_every_notation(number in -1e15..1e15_f64) {
            for written in [format!("{number}"), format!("{number:e}"), format!("\"{number:E}\""), format!("\" {number} \"")] {
                let body = format!("{{\"n\":{written}}}");
                prop_assert_eq!(with_object(body.as_bytes(), |object| object.unwrap().number("n")), Some(number), "{}", body);
            }
        }
    }

    #[test]
    fn only_one_object_is_an_object() {
        for body in [
            "",
            " ",
            "null",
            "7",
            "\"wanted\"",
            "[\"wanted\"]",
            "[{\"wanted\":\"x\"}]",
            "{\"wanted\":\"x\"",
            "{\"wanted\":\"x\"} {}",
            "{\"wanted\":\"x\",}",
            "{'wanted':'x'}",
            "<html>",
            "\u{feff}",
            "\u{feff}\u{feff}{}",
            "wanted=x",
        ] {
            assert!(with_object(body.as_bytes(), |object| object.is_none()), "{body}");
        }
    }

    #[test]
    fn a_text_keeps_what_can_be_read_of_it() {
        for (value, text) in [
            (&b"\"caf\xe9\""[..], "caf\u{fffd}"),
            (b"\"a\nb\"", "a\u{fffd}b"),
            (br#""\u0041\ud83d\ude00""#, "A\u{1f600}"),
            (br#""\x41\'""#, "\u{fffd}x41\u{fffd}'"),
            (br#""\u12 \uzz \u123""#, "\u{fffd}12 \u{fffd}zz \u{fffd}123"),
            (br#""a\\""#, "a\\"),
        ] {
            let body = [b"{\"wanted\":", value, b"}"].concat();
            assert_eq!(
                text_of(&body, "wanted").as_deref(),
                Some(text),
                "{}",
                body.escape_ascii()
            );
        }
        let half = text_of(br#"{"wanted":"Invalid code: \ud800"}"#, "wanted").unwrap();
        assert!(half.starts_with("Invalid code: \u{fffd}"), "{half}");
    }

    #[test]
    fn a_word_is_no_number_and_nor_is_what_has_no_bound() {
        for value in [
            "1e999", "-1e999", "\"inf\"", "\"NaN\"", "\"0x10\"", "\"\"", "\"1 2\"", "null", "true", "[1]", "{}",
        ] {
            let body = format!("{{\"n\":{value}}}");
            assert_eq!(
                with_object(body.as_bytes(), |object| object.unwrap().number("n")),
                None,
                "{value}"
            );
        }
    }
}
