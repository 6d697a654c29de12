//! Values from outside, checked against tables: what the Worker answers and what the storage holds. Only what a table names
//! is handed on, so that JavaScript gets what `types.d.ts` promises and nothing else.
//!
//! Tables and not serde: its errors alone, which nobody would see, bring a quarter of the module's size along.

use js_sys::{Array, JSON, Object, Reflect};
use wasm_bindgen::prelude::*;

/// The fields of an object.
pub(super) type Shape = &'static [Field];

/// One field of an object.
#[derive(Clone, Copy, Debug)]
pub(super) struct Field {
    name: &'static str,
    presence: Presence,
    kind: Kind,
}

#[derive(Clone, Copy, Debug)]
enum Presence {
    Required,
    /// May be missing or `null`, and is then left out.
    Optional,
    /// May be missing or `null`, and is then `null`.
    Nullable,
}

/// What a field can be.
#[derive(Clone, Copy, Debug)]
pub(super) enum Kind {
    Text,
    /// One of these texts.
    OneOf(&'static [&'static str]),
    Number,
    Object(Shape),
    /// An array of such objects.
    Objects(Shape),
}

/// A field that must be there.
pub(super) const fn field(name: &'static str, kind: Kind) -> Field {
    Field {
        name,
        presence: Presence::Required,
        kind,
    }
}

impl Field {
    /// The field may be missing.
    pub(super) const fn optional(self) -> Self {
        Self {
            presence: Presence::Optional,
            ..self
        }
    }

    /// The field is `null` if there is nothing.
    pub(super) const fn nullable(self) -> Self {
        Self {
            presence: Presence::Nullable,
            ..self
        }
    }
}

/// A copy of the object with the fields of the shape, or `None` if it is not of that shape.
pub(super) fn copy(value: &JsValue, shape: Shape) -> Option<JsValue> {
    if !value.is_object() {
        return None;
    }
    let out = Object::new();
    for field in shape {
        let found = get(value, field.name);
        let copied = match field.presence {
            Presence::Optional if is_nothing(&found) => continue,
            Presence::Nullable if is_nothing(&found) => JsValue::NULL,
            _ => copy_kind(&found, field.kind)?,
        };
        set(&out, field.name, &copied);
    }
    Some(out.into())
}

fn copy_kind(value: &JsValue, kind: Kind) -> Option<JsValue> {
    match kind {
        Kind::Text => value.is_string().then(|| value.clone()),
        Kind::OneOf(texts) => texts.contains(&value.as_string()?.as_str()).then(|| value.clone()),
        Kind::Number => value.as_f64().is_some_and(f64::is_finite).then(|| value.clone()),
        Kind::Object(shape) => copy(value, shape),
        Kind::Objects(shape) => {
            if !Array::is_array(value) {
                return None;
            }
            let out = Array::new();
            for item in value.unchecked_ref::<Array>().iter() {
                out.push(&copy(&item, shape)?);
            }
            Some(out.into())
        }
    }
}

/// A property; `undefined` if there is none, or if the value is no object.
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

/// JSON, unless it is no object.
pub(super) fn parse(text: &str) -> Option<JsValue> {
    JSON::parse(text).ok().filter(JsValue::is_object)
}

/// JSON of a plain object.
pub(super) fn stringify(object: &JsValue) -> String {
    // Without cycles and getters it can't fail.
    JSON::stringify(object).map(String::from).unwrap_or_default()
}

fn is_nothing(value: &JsValue) -> bool {
    value.is_undefined() || value.is_null()
}
