//! Tables of what JSON holds, by which the npm package checks and copies what the Worker answers. Only what a table names is handed on,
//! so that JavaScript gets what `types.d.ts` promises and nothing else.
//!
//! The package has them in `pkg-template/answers.js`, which a test writes and compares.

/// The fields of an object.
pub type Schema = &'static [Field];

/// One field of an object.
#[derive(Clone, Copy, Debug)]
pub struct Field {
    /// Its name.
    pub name: &'static str,
    /// Whether it can be missing.
    pub presence: Presence,
    /// What it holds.
    pub kind: Kind,
}

/// Whether a field can be missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    /// It must be there.
    Required,
    /// It may be missing or `null`, and is then left out.
    Optional,
    /// It may be missing or `null`, and is then `null`.
    Nullable,
}

/// What a field can hold.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Kind {
    /// A text.
    Text,
    /// One of these texts.
    OneOf(&'static [&'static str]),
    /// One of these texts, or one that a newer Worker has added.
    Name(&'static [&'static str]),
    /// `true` or `false`.
    Flag,
    /// A number that is neither infinite nor `NaN`.
    Number,
    /// An object.
    Object(Schema),
    /// An array of such objects.
    Array(Schema),
    /// An object of one of these kinds.
    Variants(&'static [Variants]),
}

/// Objects of several kinds, told apart by their field `kind`.
pub type Variants = &'static [(&'static str, Schema)];

/// A field that must be there.
#[must_use]
pub const fn field(name: &'static str, kind: Kind) -> Field {
    Field {
        name,
        presence: Presence::Required,
        kind,
    }
}

impl Field {
    /// The field may be missing.
    #[must_use]
    pub const fn optional(self) -> Self {
        Self {
            presence: Presence::Optional,
            ..self
        }
    }

    /// The field is `null` if there is nothing.
    #[must_use]
    pub const fn nullable(self) -> Self {
        Self {
            presence: Presence::Nullable,
            ..self
        }
    }
}

/// A JSON value that can be made.
pub trait Json {
    /// A text.
    fn text(text: &str) -> Self;

    /// An object without fields.
    fn object() -> Self;

    /// Sets a field of an object.
    fn set(&mut self, name: &str, value: Self);
}

/// The object of the schema whose texts are `text`'s, by their names. What has no text is left out.
pub fn build<J: Json>(schema: Schema, text: &dyn Fn(&str) -> Option<String>) -> J {
    let mut out = J::object();
    for field in schema {
        if let Kind::Object(inner) = field.kind {
            if inner.iter().any(|field| text(field.name).is_some()) {
                out.set(field.name, build(inner, text));
            }
        } else if let Some(text) = text(field.name) {
            out.set(field.name, J::text(&text));
        }
    }
    out
}
