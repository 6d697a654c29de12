//! JavaScript's values as JSON: what the Worker answers and what the storage holds.

use js_sys::{Array, JSON, Object, Reflect};
use wasm_bindgen::prelude::*;

use crate::http_api::schema::Json;

impl Json for JsValue {
    fn null() -> Self {
        Self::NULL
    }

    fn text(text: &str) -> Self {
        Self::from_str(text)
    }

    fn object() -> Self {
        Object::new().into()
    }

    fn array(items: Vec<Self>) -> Self {
        items.iter().collect::<Array>().into()
    }

    fn set(&mut self, name: &str, value: Self) {
        set(self, name, &value);
    }

    fn get(&self, name: &str) -> Self {
        get(self, name)
    }

    fn items(&self) -> Option<Vec<Self>> {
        Array::is_array(self).then(|| self.unchecked_ref::<Array>().iter().collect())
    }

    fn as_text(&self) -> Option<String> {
        self.as_string()
    }

    fn is_nothing(&self) -> bool {
        self.is_undefined() || self.is_null()
    }

    fn is_number(&self) -> bool {
        self.as_f64().is_some_and(f64::is_finite)
    }

    fn is_flag(&self) -> bool {
        self.as_bool().is_some()
    }

    fn is_object(&self) -> bool {
        Self::is_object(self)
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
