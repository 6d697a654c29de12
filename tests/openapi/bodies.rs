//! What requests hold, as their readers say it themselves.

use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use super::doc_comments::DocComments;

/// The schema of what is read as a `T` all of whose fields are texts.
///
/// A reader that meets a field that it does not know names all that it does; one that misses a field says which.
pub(crate) fn schema<T: DeserializeOwned>(comments: &DocComments) -> Value {
    let fields = fields::<T>();
    let full: Map<String, Value> = fields.iter().map(|name| (name.clone(), "text".into())).collect();
    assert!(
        serde_json::from_value::<T>(full.clone().into()).is_ok(),
        "{fields:?} are not all texts"
    );
    let is_required = |name: &String| {
        let mut less = full.clone();
        less.remove(name);
        serde_json::from_value::<T>(less.into()).is_err()
    };
    let required: Vec<&String> = fields.iter().filter(|name| is_required(name)).collect();
    let of = |name: &String| {
        let description = comments.of_field(&short_name::<T>(), name);
        let kind = if required.contains(&name) {
            json!("string")
        } else {
            json!(["string", "null"])
        };
        (name.clone(), json!({"type": kind, "description": description}))
    };
    let properties: Map<String, Value> = fields.iter().map(of).collect();
    let mut schema = json!({"type": "object", "properties": properties, "additionalProperties": false});
    if !required.is_empty() {
        schema["required"] = json!(required);
    }
    schema
}

fn short_name<T>() -> String {
    std::any::type_name::<T>().rsplit("::").next().unwrap().to_owned()
}

fn fields<T: DeserializeOwned>() -> Vec<String> {
    let error = serde_json::from_str::<T>(r#"{"no such field": 1}"#)
        .err()
        .unwrap()
        .to_string();
    let (_, known) = error.split_once("expected ").unwrap();
    let names: Vec<String> = known.split('`').skip(1).step_by(2).map(str::to_owned).collect();
    assert!(!names.is_empty(), "{error}");
    names
}
