//! Options from JavaScript, read by name: serde would take unknown names silently and could not say which one is wrong.

use js_sys::{Array, Reflect};
use wasm_bindgen::prelude::*;

use super::{
    error::{Error, Result},
    object, page,
};
use crate::{
    connect::{ApprovalPrompt, ConnectOptions, Flag, InvalidValue, Make, Mode, Scope, SingleSelect, UserId, Vin},
    time::UnixMillis,
};

#[wasm_bindgen(raw_module = "./client.js")]
extern "C" {
    /// A copy of the options, none of which is `undefined`, and the reading of which can't fail.
    #[wasm_bindgen(catch, js_name = knownOptions)]
    fn known_options(options: &JsValue, function: &str, known: &Array) -> core::result::Result<JsValue, JsValue>;

    /// A value as the messages call it.
    fn describe(value: &JsValue) -> String;
}

/// How a value is read.
pub(super) type Parse<T> = fn(&str) -> core::result::Result<T, InvalidValue>;

/// The options object of one call.
#[derive(Debug)]
pub(super) struct Options {
    object: JsValue,
}

impl Options {
    /// Takes the options of `function`, all of which are in `known`. No options at all are none set.
    pub(super) fn read(object: &JsValue, function: &str, known: &[&[&str]]) -> Result<Self> {
        let known: Array = known
            .iter()
            .copied()
            .flatten()
            .map(|name| JsValue::from_str(name))
            .collect();
        let object = known_options(object, function, &known).map_err(Error::thrown)?;
        Ok(Self { object })
    }

    /// Options that `knownOptions` has copied before.
    pub(super) fn of(object: &JsValue) -> Self {
        let object = object.clone();
        Self { object }
    }

    /// The value of `name`, unless it is absent or `undefined`.
    fn get(&self, name: &str) -> Option<JsValue> {
        let value = object::get(&self.object, name);
        (!value.is_undefined()).then_some(value)
    }

    #[inline(never)]
    pub(super) fn string(&self, name: &str) -> Result<Option<String>> {
        let Some(value) = self.get(name) else { return Ok(None) };
        value
            .as_string()
            .map(Some)
            .ok_or_else(|| wrong(name, "a string", &value))
    }

    /// A string that `parse` accepts.
    #[inline(never)]
    pub(super) fn parsed<T>(&self, name: &str, parse: Parse<T>) -> Result<Option<T>> {
        match self.string(name)? {
            Some(text) => parse(&text).map(Some).map_err(|reason| refused(name, reason)),
            None => Ok(None),
        }
    }

    /// A string that `parse` accepts, and that must be there.
    #[inline(never)]
    pub(super) fn required<T>(&self, name: &str, parse: Parse<T>) -> Result<T> {
        match self.string(name)? {
            Some(text) => parse(&text).map_err(|reason| refused(name, reason)),
            None => Err(missing(name)),
        }
    }

    /// Whether the option is set to `null`, where that has a meaning of its own.
    pub(super) fn is_null(&self, name: &str) -> bool {
        self.get(name).is_some_and(|value| value.is_null())
    }

    pub(super) fn boolean(&self, name: &str) -> Result<Option<bool>> {
        let Some(value) = self.get(name) else { return Ok(None) };
        value
            .as_bool()
            .map(Some)
            .ok_or_else(|| wrong(name, "true or false", &value))
    }

    /// An array of strings each of which `parse` accepts; empty if there is none.
    #[inline(never)]
    pub(super) fn list<T>(&self, name: &str, parse: Parse<T>) -> Result<Vec<T>> {
        let mut list = Vec::new();
        let Some(value) = self.get(name) else { return Ok(list) };
        if !Array::is_array(&value) {
            return Err(wrong(name, "an array of strings", &value));
        }
        for item in value.unchecked_ref::<Array>().iter() {
            match item.as_string() {
                Some(text) => list.push(parse(&text).map_err(|reason| refused(name, reason))?),
                None => return Err(wrong(name, "an array of strings, and has", &item)),
            }
        }
        Ok(list)
    }

    pub(super) fn time(&self, name: &str) -> Result<Option<UnixMillis>> {
        let Some(value) = self.get(name) else { return Ok(None) };
        let wanted = "a whole number of milliseconds since the epoch";
        page::time(&value).map(Some).ok_or_else(|| wrong(name, wanted, &value))
    }

    /// One of `values`, whose names are `names`.
    pub(super) fn choice<T: Copy>(&self, name: &str, values: &[T], names: &[&str]) -> Result<Option<T>> {
        let place = self.place(name, names)?;
        Ok(place.and_then(|place| values.get(place)).copied())
    }

    #[inline(never)]
    fn place(&self, name: &str, names: &[&str]) -> Result<Option<usize>> {
        let Some(value) = self.get(name) else { return Ok(None) };
        let given = value.as_string();
        let found = names.iter().position(|choice| given.as_deref() == Some(choice));
        found.map(Some).ok_or_else(|| {
            let wanted = ["one of \"", &names.join("\", \""), "\""].concat();
            wrong(name, &wanted, &value)
        })
    }

    /// Refuses each of `others` beside `name`.
    pub(super) fn refuse(&self, name: &str, others: &[&str]) -> Result<()> {
        for other in others {
            if self.get(other).is_some() {
                let message = ["`", other, "` is already in `", name, "`; leave one of them out"].concat();
                return Err(Error::option(other, &message));
            }
        }
        Ok(())
    }
}

/// The option has a value that is refused.
#[cold]
#[inline(never)]
pub(super) fn refused(name: &str, reason: InvalidValue) -> Error {
    Error::option(name, &["`", name, "` ", &reason.to_string()].concat())
}

#[cold]
#[inline(never)]
pub(super) fn missing(name: &str) -> Error {
    Error::option(name, &["`", name, "` is missing; give a string"].concat())
}

#[cold]
#[inline(never)]
fn wrong(name: &str, wanted: &str, value: &JsValue) -> Error {
    Error::option(
        name,
        &["`", name, "` must be ", wanted, ", not ", &describe(value)].concat(),
    )
}

/// A URL given as a string, a `URL` or a `Location`; `None` if there is none.
pub(super) fn url_argument(value: &JsValue) -> Result<Option<String>> {
    if value.is_undefined() {
        return Ok(None);
    }
    // Both objects have a `href`; anything else is not a URL.
    let href = || {
        value
            .is_object()
            .then(|| Reflect::get(value, &"href".into()).ok()?.as_string())
            .flatten()
    };
    match value.as_string().or_else(href) {
        Some(text) => Ok(Some(text)),
        None => Err(wrong("url", "a string or a URL", value)),
    }
}

/// The names of the options that [`connect_options`] reads.
pub(super) const CONNECT_OPTIONS: [&str; 8] = [
    "scope",
    "mode",
    "approvalPrompt",
    "make",
    "singleSelect",
    "singleSelectVin",
    "flags",
    "user",
];

/// The options that `start` and `authorizeUrl` share: what the owner is asked for in Connect.
pub(super) fn connect_options(options: &Options) -> Result<ConnectOptions> {
    Ok(ConnectOptions {
        scopes: options.list("scope", Scope::parse)?,
        mode: options.choice("mode", Mode::ALL, Mode::NAMES)?,
        approval_prompt: options.choice("approvalPrompt", ApprovalPrompt::ALL, ApprovalPrompt::NAMES)?,
        make: options.parsed("make", Make::parse)?,
        single_select: single_select(options)?,
        flags: options.list("flags", Flag::parse)?,
        user: options.parsed("user", UserId::parse)?,
    })
}

fn single_select(options: &Options) -> Result<Option<SingleSelect>> {
    let single = options.boolean("singleSelect")?;
    match (single, options.parsed("singleSelectVin", Vin::parse)?) {
        (Some(false), Some(_)) => Err(Error::option(
            "singleSelectVin",
            "`singleSelectVin` contradicts `singleSelect: false`; leave one of them out",
        )),
        (_, Some(vin)) => Ok(Some(SingleSelect::Vin(vin))),
        (Some(true), None) => Ok(Some(SingleSelect::Yes)),
        (Some(false), None) => Ok(Some(SingleSelect::No)),
        (None, None) => Ok(None),
    }
}
