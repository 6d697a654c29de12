//! The types that the Worker reads and sends, the tables and the scripts of the npm package, and its type declarations
//! say the same.

mod answers;
mod declarations;
mod scripts;
mod tables;
mod typescript;

use serde_json::{Map, Value};

use super::schema::Json;

impl Json for Value {
    fn text(text: &str) -> Self {
        Self::from(text)
    }

    fn object() -> Self {
        Self::Object(Map::new())
    }

    fn set(&mut self, name: &str, value: Self) {
        self[name] = value;
    }
}
