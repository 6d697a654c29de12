//! What the sources say of each type and field, for those who read the description and not the crate.

use std::{collections::BTreeMap, fs, path::Path};

/// The comments of types by their names, and of fields by the names of their type or variant and their own in JSON.
pub(crate) struct DocComments(BTreeMap<(String, String), String>);

impl DocComments {
    /// Reads these files, and all of folders.
    pub(crate) fn read(paths: &[&str]) -> Self {
        let mut comments = Self(BTreeMap::new());
        for path in paths.iter().map(Path::new) {
            if path.is_dir() {
                for entry in fs::read_dir(path).unwrap() {
                    let path = entry.unwrap().path();
                    if path.is_file() {
                        comments.add(&fs::read_to_string(path).unwrap());
                    }
                }
            } else {
                comments.add(&fs::read_to_string(path).unwrap());
            }
        }
        comments
    }

    pub(crate) fn of_type(&self, name: &str) -> &str {
        self.of_field(name, "")
    }

    pub(crate) fn of_field(&self, of: &str, field: &str) -> &str {
        let key = (of.to_owned(), field.to_owned());
        self.0
            .get(&key)
            .unwrap_or_else(|| panic!("`{of}` has no commented field `{field}`"))
    }

    fn add(&mut self, source: &str) {
        let mut container = String::new();
        let mut comment: Vec<&str> = Vec::new();
        for line in source.lines().map(str::trim) {
            if let Some(text) = line.strip_prefix("///") {
                comment.push(text.trim());
            } else if !line.starts_with('#') {
                let said = plain(&comment.join(" "));
                comment.clear();
                if let Some(name) = container_of(line) {
                    container = name.to_owned();
                    self.0.entry((container.clone(), String::new())).or_insert(said);
                } else if let Some(name) = field_of(line).filter(|_| !said.is_empty()) {
                    self.0.entry((container.clone(), camel_case(name))).or_insert(said);
                }
            }
        }
    }
}

/// The name of the type or variant whose fields follow.
fn container_of(line: &str) -> Option<&str> {
    let rest = line
        .strip_prefix("pub struct ")
        .or_else(|| line.strip_prefix("pub enum "));
    let is_variant = line.ends_with(" {") && line.starts_with(|first: char| first.is_ascii_uppercase());
    let name = rest.or(is_variant.then_some(line))?;
    name.split(|c: char| !c.is_ascii_alphanumeric()).next()
}

/// The name of the field of a struct or variant.
fn field_of(line: &str) -> Option<&str> {
    let (name, _) = line.strip_suffix(',')?.split_once(": ")?;
    let name = name.strip_prefix("pub ").unwrap_or(name);
    let name = name.strip_prefix("r#").unwrap_or(name);
    name.bytes()
        .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
        .then_some(name)
}

/// As JSON has the names of Rust.
pub(crate) fn camel_case(name: &str) -> String {
    let mut words = name.split('_');
    let first = words.next().unwrap_or_default().to_owned();
    words.fold(first, |name, word| name + &capitalised(word))
}

pub(crate) fn capitalised(word: &str) -> String {
    let mut chars = word.chars();
    chars
        .next()
        .map(|first| first.to_ascii_uppercase())
        .into_iter()
        .chain(chars)
        .collect()
}

/// Without the links of rustdoc: only what they show.
fn plain(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('[') {
        let Some((shown, after)) = after.split_once(']') else {
            break;
        };
        out.push_str(before);
        out.push_str(shown);
        let target = after.strip_prefix('(').and_then(|target| target.split_once(')'));
        rest = target.map_or(after, |(_, after)| after);
    }
    // What Rust calls nothing.
    (out + rest).replace("`None`", "`null`")
}
