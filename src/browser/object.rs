//! JavaScript's objects, by the names of their properties.

use js_sys::{Object, Reflect};
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
