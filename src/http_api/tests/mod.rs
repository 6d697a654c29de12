//! The types that the Worker reads and sends, the tables of the browser module, and the type declarations of the npm package
//! say the same.

mod answers;
mod declarations;
mod typescript;

use serde_json::{Map, Value};

use super::schema::Json;

impl Json for Value {
    fn null() -> Self {
        Self::Null
    }

    fn text(text: &str) -> Self {
        Self::from(text)
    }

    fn object() -> Self {
        Self::Object(Map::new())
    }

    fn array(items: Vec<Self>) -> Self {
        Self::Array(items)
    }

    fn set(&mut self, name: &str, value: Self) {
        self[name] = value;
    }

    fn get(&self, name: &str) -> Self {
        self[name].clone()
    }

    fn items(&self) -> Option<Vec<Self>> {
        self.as_array().cloned()
    }

    fn as_text(&self) -> Option<String> {
        self.as_str().map(str::to_owned)
    }

    fn is_nothing(&self) -> bool {
        self.is_null()
    }

    fn is_number(&self) -> bool {
        Self::is_number(self)
    }

    fn is_flag(&self) -> bool {
        self.is_boolean()
    }

    fn is_object(&self) -> bool {
        Self::is_object(self)
    }
}
