//! Options from JavaScript, read by name: serde would take unknown names silently and could not say which one is wrong.

use js_sys::{Array, Object, Reflect};
use wasm_bindgen::prelude::*;

use super::error::{Error, Result};

/// The options object of one call.
#[derive(Debug)]
pub(super) struct Options {
    object: JsValue,
}

impl Options {
    /// Takes the options of `function`, all of which are in `known`. No options at all are none set.
    pub(super) fn read(object: JsValue, function: &str, known: &[&str]) -> Result<Self> {
        if object.is_undefined() {
            return Ok(Self { object });
        }
        if !object.is_object() || Array::is_array(&object) {
            let got = describe(&object);
            return Err(Error::option(
                "options",
                format!("`{function}` takes an object of options, not {got}"),
            ));
        }
        for name in Object::keys(object.unchecked_ref::<Object>())
            .iter()
            .filter_map(|key| key.as_string())
        {
            if !known.contains(&name.as_str()) {
                let known = list(known);
                return Err(Error::option(
                    &name,
                    format!("`{name}` is not an option of `{function}`; it knows {known}"),
                ));
            }
        }
        Ok(Self { object })
    }

    /// Refuses those in `others` beside `name`.
    pub(super) fn refuse(&self, name: &str, others: &[&str]) -> Result<()> {
        for other in others {
            if self.get(other)?.is_some() {
                return Err(Error::option(
                    other,
                    format!("`{other}` is already in `{name}`; leave one of them out"),
                ));
            }
        }
        Ok(())
    }

    /// The value of `name`, unless it is absent or `undefined`.
    fn get(&self, name: &str) -> Result<Option<JsValue>> {
        if self.object.is_undefined() {
            return Ok(None);
        }
        match Reflect::get(&self.object, &name.into()) {
            Ok(value) if value.is_undefined() => Ok(None),
            Ok(value) => Ok(Some(value)),
            Err(thrown) => Err(Error::option(name, format!("`{name}` could not be read")).with_cause(thrown)),
        }
    }

    fn typed<T>(&self, name: &str, wanted: &str, convert: impl FnOnce(&JsValue) -> Option<T>) -> Result<Option<T>> {
        let Some(value) = self.get(name)? else { return Ok(None) };
        match convert(&value) {
            Some(converted) => Ok(Some(converted)),
            None => Err(Error::option(
                name,
                format!("`{name}` must be {wanted}, not {}", describe(&value)),
            )),
        }
    }

    pub(super) fn string(&self, name: &str) -> Result<Option<String>> {
        self.typed(name, "a string", JsValue::as_string)
    }

    pub(super) fn required_string(&self, name: &str) -> Result<String> {
        self.string(name)?.ok_or_else(|| missing(name))
    }

    /// A string, or `null` as a value of its own (the inner `None`).
    pub(super) fn string_or_null(&self, name: &str) -> Result<Option<Option<String>>> {
        self.typed(name, "a string or null", |value| {
            if value.is_null() {
                Some(None)
            } else {
                value.as_string().map(Some)
            }
        })
    }

    pub(super) fn boolean(&self, name: &str) -> Result<Option<bool>> {
        self.typed(name, "true or false", JsValue::as_bool)
    }

    pub(super) fn strings(&self, name: &str) -> Result<Option<Vec<String>>> {
        self.typed(name, "an array of strings", |value| {
            Array::is_array(value)
                .then(|| {
                    value
                        .unchecked_ref::<Array>()
                        .iter()
                        .map(|item| item.as_string())
                        .collect()
                })
                .flatten()
        })
    }

    /// Milliseconds since the epoch: a whole number that JavaScript holds exactly.
    pub(super) fn time(&self, name: &str) -> Result<Option<u64>> {
        self.typed(name, "a whole number of milliseconds since the epoch", |value| {
            // `as` is exact for the numbers let through.
            value
                .as_f64()
                .filter(|number| (0.0..=9_007_199_254_740_991.0).contains(number) && number.fract() == 0.0)
                .map(|number| number as u64)
        })
    }

    /// One of the named values.
    pub(super) fn choice<T: Copy>(&self, name: &str, choices: &[(&str, T)]) -> Result<Option<T>> {
        let Some(value) = self.get(name)? else { return Ok(None) };
        let given = value.as_string();
        let found = given
            .as_deref()
            .and_then(|given| choices.iter().find(|(choice, _)| *choice == given));
        if let Some((_, choice)) = found {
            return Ok(Some(*choice));
        }
        let names: Vec<String> = choices.iter().map(|(choice, _)| format!("\"{choice}\"")).collect();
        let names = names.join(", ");
        Err(Error::option(
            name,
            format!("`{name}` must be one of {names}, not {}", describe(&value)),
        ))
    }
}

pub(super) fn missing(name: &str) -> Error {
    Error::option(name, format!("`{name}` is missing"))
}

/// A URL given as a string, a `URL` or a `Location`; `None` if there is none.
pub(super) fn url_argument(value: &JsValue) -> Result<Option<String>> {
    if value.is_undefined() {
        return Ok(None);
    }
    let text = value.as_string().or_else(|| {
        // Both objects have it; anything else is not a URL.
        value
            .is_object()
            .then(|| Reflect::get(value, &"href".into()).ok()?.as_string())
            .flatten()
    });
    match text {
        Some(text) => Ok(Some(text)),
        None => Err(Error::option(
            "url",
            format!("`url` must be a string or a URL, not {}", describe(value)),
        )),
    }
}

fn list(names: &[&str]) -> String {
    if names.is_empty() {
        return "none".to_owned();
    }
    let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    names.join(", ")
}

/// A value as the messages call it: short, and quoted only where it is one word, so that no secret is repeated.
fn describe(value: &JsValue) -> String {
    if value.is_null() {
        return "null".to_owned();
    }
    if Array::is_array(value) {
        return "an array".to_owned();
    }
    if let Some(text) = value.as_string() {
        let word = text.len() <= 20 && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        return if word {
            format!("\"{text}\"")
        } else {
            "another string".to_owned()
        };
    }
    let kind = value.js_typeof().as_string().unwrap_or_default();
    match kind.as_str() {
        "object" => "an object".to_owned(),
        "undefined" => kind,
        _ => format!("a {kind}"),
    }
}
