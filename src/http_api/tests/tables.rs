//! What the npm package makes of an answer by its table (`pkg-template/answers.js`), on the values of `serde_json`.

use serde_json::Value;

use crate::http_api::schema::{Kind, Presence, Schema, Variants};

/// A copy of the object with the fields of the schema, or `None` if it does not follow the schema.
pub(super) fn validate(value: &Value, schema: Schema) -> Option<Value> {
    let object = value.as_object()?;
    let mut out = Value::Object(serde_json::Map::new());
    for field in schema {
        let found = object.get(field.name).unwrap_or(&Value::Null);
        out[field.name] = match field.presence {
            Presence::Optional if found.is_null() => continue,
            Presence::Nullable if found.is_null() => Value::Null,
            _ => validate_kind(found, field.kind)?,
        };
    }
    Some(out)
}

fn validate_kind(value: &Value, kind: Kind) -> Option<Value> {
    match kind {
        Kind::Text | Kind::Name(_) => value.is_string().then(|| value.clone()),
        Kind::OneOf(texts) => texts.contains(&value.as_str()?).then(|| value.clone()),
        Kind::Flag => value.is_boolean().then(|| value.clone()),
        Kind::Number => value.is_number().then(|| value.clone()),
        Kind::Object(schema) => validate(value, schema),
        Kind::Array(schema) => value.as_array()?.iter().map(|item| validate(item, schema)).collect(),
        Kind::Variants(variants) => validate_variant(value, variants),
    }
}

/// Like [`validate`], by the schema of the object's `kind`.
pub(super) fn validate_variant(value: &Value, variants: &[Variants]) -> Option<Value> {
    let kind = value["kind"].as_str()?;
    let (_, schema) = variants.iter().copied().flatten().find(|(name, _)| *name == kind)?;
    validate(value, schema)
}
