//! Just enough TypeScript: type declarations as text, and tables as the types that they stand for.

use crate::http_api::schema::{Field, Kind, Presence, Schema, Variants};

/// Declarations without comments, and with one space for any white space.
pub(super) struct Declarations(String);

impl Declarations {
    pub(super) fn read(text: &str) -> Self {
        let mut out = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("/**") {
            out.push_str(before);
            rest = after.split_once("*/").unwrap().1;
        }
        out.push_str(rest);
        let words: Vec<&str> = out.split_whitespace().collect();
        Self(words.join(" "))
    }

    /// What `name` is declared as, with the names in it resolved.
    pub(super) fn resolved(&self, name: &str) -> String {
        let mut text = self.declared(name).unwrap_or_else(|| panic!("{name} is not declared"));
        loop {
            let reference = identifiers(&text).find_map(|word| Some((word.clone(), self.declared(&word)?)));
            let Some((word, definition)) = reference else {
                return text;
            };
            text = replace_word(&text, &word, &definition);
        }
    }

    fn declared(&self, name: &str) -> Option<String> {
        if let Some((_, rest)) = self.0.split_once(&format!("export interface {name} {{")) {
            let (fields, _) = rest.split_once("} export").unwrap_or((rest, ""));
            return Some(normal(&format!("{{ {} }}", fields.trim().trim_end_matches('}'))));
        }
        let (_, rest) = self.0.split_once(&format!("export type {name} ="))?;
        let (definition, _) = rest.split_once("; export").unwrap_or((rest, ""));
        Some(normal(definition.trim().trim_start_matches('|')))
    }
}

/// Words that begin with a capital, outside quotes.
fn identifiers(text: &str) -> impl Iterator<Item = String> {
    let outside: String = text.split('"').step_by(2).collect::<Vec<_>>().join(" ");
    let words = outside
        .split(|c: char| !c.is_ascii_alphanumeric())
        .filter(|word| word.starts_with(|c: char| c.is_ascii_uppercase()))
        .map(str::to_owned);
    words.collect::<Vec<_>>().into_iter()
}

fn replace_word(text: &str, word: &str, by: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once(word) {
        let joined = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric() || c == '_');
        let is_word = !joined(before.chars().next_back()) && !joined(after.chars().next());
        out.push_str(before);
        out.push_str(if is_word { by } else { word });
        rest = after;
    }
    out.push_str(rest);
    normal(&out)
}

/// One spelling: no space around punctuation, no `;` before a brace.
pub(super) fn normal(text: &str) -> String {
    let mut out = text.to_owned();
    for mark in ["{", "}", ";", ":", "|", "[", "]"] {
        for (from, to) in [(format!(" {mark}"), mark), (format!("{mark} "), mark)] {
            while out.contains(&from) {
                out = out.replace(&from, to);
            }
        }
    }
    out.replace(";}", "}").trim().to_owned()
}

/// The type that a table stands for.
pub(super) fn object(schema: Schema) -> String {
    let fields: Vec<String> = schema.iter().map(field).collect();
    format!("{{{}}}", fields.join(";"))
}

/// The type of an object whose kind is `name`.
pub(super) fn variant(name: &str, schema: Schema) -> String {
    object(schema).replacen("kind:string", &format!("kind:\"{name}\""), 1)
}

pub(super) fn union(variants: &[Variants]) -> String {
    let all = variants.iter().copied().flatten();
    let types: Vec<String> = all.map(|(name, schema)| variant(name, schema)).collect();
    types.join("|")
}

pub(super) fn texts(names: &[&str]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("\"{name}\"")).collect();
    quoted.join("|")
}

fn field(field: &Field) -> String {
    let kind = match field.kind {
        Kind::Text => "string".to_owned(),
        Kind::OneOf(names) | Kind::Name(names) => texts(names),
        Kind::Flag => "boolean".to_owned(),
        Kind::Number => "number".to_owned(),
        Kind::Object(schema) => object(schema),
        Kind::Array(schema) => format!("{}[]", object(schema)),
        Kind::Variants(variants) => union(variants),
    };
    let (mark, null) = match field.presence {
        Presence::Required => ("", ""),
        Presence::Optional => ("?", ""),
        Presence::Nullable => ("", "|null"),
    };
    format!("{}{mark}:{kind}{null}", field.name)
}
