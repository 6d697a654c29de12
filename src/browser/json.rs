//! JavaScript's values as JSON: what the Worker answers and what the storage holds.

use js_sys::{JSON, Object, Reflect};
use wasm_bindgen::prelude::*;

use crate::http_api::schema::Json;

impl Json for JsValue {
    fn text(text: &str) -> Self {
        Self::from_str(text)
    }

    fn object() -> Self {
        Object::new().into()
    }

    fn set(&mut self, name: &str, value: Self) {
        set(self, name, &value);
    }
}

/// A property; `undefined` if there is none, or if the value is not an object.
pub(super) fn get(value: &JsValue, name: &str) -> JsValue {
    Reflect::get(value, &name.into()).unwrap_or(JsValue::UNDEFINED)
}

/// A property that is a text.
pub(super) fn text(value: &JsValue, name: &str) -> Option<String> {
    get(value, name).as_string()
}

/// Sets a property of an object of ours.
pub(super) fn set(object: &JsValue, name: &str, value: &JsValue) {
    // On a plain object it can't fail.
    drop(Reflect::set(object, &name.into(), value));
}

/// JSON, unless it is not an object.
pub(super) fn parse(text: &str) -> Option<JsValue> {
    JSON::parse(text).ok().filter(JsValue::is_object)
}

/// JSON of a plain object.
pub(super) fn stringify(object: &JsValue) -> String {
    // Without cycles and getters it can't fail.
    JSON::stringify(object).map(String::from).unwrap_or_default()
}
