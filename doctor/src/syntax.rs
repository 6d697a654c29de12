//! How wrangler's configuration is written, and how a remedy says what to write there.

use serde::Deserialize;

/// One of the two languages of wrangler's configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Syntax {
    /// `wrangler.toml`.
    Toml,
    /// `wrangler.jsonc` and `wrangler.json`.
    Jsonc,
}

impl Syntax {
    /// Reads a configuration.
    ///
    /// # Errors
    /// What is wrong with it, for people.
    pub fn read(self, text: &str) -> Result<toml::Table, String> {
        match self {
            Self::Toml => toml::from_str(text).map_err(|error| error.to_string()),
            Self::Jsonc => {
                let options = jsonc_parser::ParseOptions::default();
                let value: Option<serde_json::Value> =
                    jsonc_parser::parse_to_serde_value(text, &options).map_err(|error| error.to_string())?;
                let value = without_null(value.unwrap_or(serde_json::Value::Null));
                toml::Table::try_from(value).map_err(|_| "it is no object".to_owned())
            }
        }
    }

    /// What is under this name at the top, as in "take it out of `[vars]`".
    pub(crate) fn section(self, name: &str) -> String {
        match self {
            Self::Toml => format!("`[{name}]`"),
            Self::Jsonc => format!("`{name}`"),
        }
    }

    /// "name = value" of one setting; `value` is written alike in both.
    pub(crate) fn entry(self, name: &str, value: &str) -> String {
        match self {
            Self::Toml => format!("`{name} = {value}`"),
            Self::Jsonc => format!("`\"{name}\": {value}`"),
        }
    }

    /// What to do to have a block with these fields in a list, whose name may have a dot.
    pub(crate) fn add_to_list(self, list: &str, fields: &[(&str, &str)]) -> String {
        match self {
            Self::Toml => {
                let fields: Vec<String> = fields.iter().map(|(name, value)| self.entry(name, value)).collect();
                format!("add `[[{list}]]` with {}", fields.join(" and "))
            }
            Self::Jsonc => {
                let fields: Vec<String> = fields
                    .iter()
                    .map(|(name, value)| format!("\"{name}\": {value}"))
                    .collect();
                format!("add `{{ {} }}` to the list `{list}`", fields.join(", "))
            }
        }
    }
}

/// TOML has no null, and wrangler takes one for a setting that is not there.
fn without_null(value: serde_json::Value) -> serde_json::Value {
    use serde_json::Value;
    match value {
        Value::Array(items) => items
            .into_iter()
            .filter(|item| !item.is_null())
            .map(without_null)
            .collect(),
        Value::Object(fields) => {
            let fields = fields.into_iter().filter(|(_, value)| !value.is_null());
            Value::Object(fields.map(|(name, value)| (name, without_null(value))).collect())
        }
        other => other,
    }
}
