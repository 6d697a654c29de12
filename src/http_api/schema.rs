//! Tables of what JSON holds, by which the browser module checks and copies what the Worker answers. Only what a table names
//! is handed on, so that JavaScript gets what `types.d.ts` promises and nothing else.
//!
//! The tables work on any [`Json`]: on JavaScript's values in the browser, on those of `serde_json` in the tests.

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

/// A JSON value.
pub trait Json: Clone {
    /// `null`.
    fn null() -> Self;

    /// A text.
    fn text(text: &str) -> Self;

    /// An object without fields.
    fn object() -> Self;

    /// An array of these.
    fn array(items: Vec<Self>) -> Self;

    /// Sets a field of an object.
    fn set(&mut self, name: &str, value: Self);

    /// A field; `null` or `undefined` if there is none, or if the value is not an object.
    fn get(&self, name: &str) -> Self;

    /// The items, if it is an array.
    fn items(&self) -> Option<Vec<Self>>;

    /// The text, if it is one.
    fn as_text(&self) -> Option<String>;

    /// Whether it is `null` or `undefined`.
    fn is_nothing(&self) -> bool;

    /// Whether it is a finite number.
    fn is_number(&self) -> bool;

    /// Whether it is `true` or `false`.
    fn is_flag(&self) -> bool;

    /// Whether it is an object; an array may count as one.
    fn is_object(&self) -> bool;
}

/// A copy of the object with the fields of the schema, or `None` if it does not follow the schema.
pub fn validate<J: Json>(value: &J, schema: Schema) -> Option<J> {
    if !value.is_object() {
        return None;
    }
    let mut out = J::object();
    for field in schema {
        let found = value.get(field.name);
        let copied = match field.presence {
            Presence::Optional if found.is_nothing() => continue,
            Presence::Nullable if found.is_nothing() => J::null(),
            _ => validate_kind(&found, field.kind)?,
        };
        out.set(field.name, copied);
    }
    Some(out)
}

fn validate_kind<J: Json>(value: &J, kind: Kind) -> Option<J> {
    match kind {
        Kind::Text | Kind::Name(_) => value.as_text().map(|_| value.clone()),
        Kind::OneOf(texts) => texts.contains(&value.as_text()?.as_str()).then(|| value.clone()),
        Kind::Flag => value.is_flag().then(|| value.clone()),
        Kind::Number => value.is_number().then(|| value.clone()),
        Kind::Object(schema) => validate(value, schema),
        Kind::Array(schema) => {
            let items = value.items()?;
            let items: Option<Vec<J>> = items.iter().map(|item| validate(item, schema)).collect();
            items.map(J::array)
        }
    }
}

/// Like [`validate`], by the schema of the object's `kind`.
pub fn validate_variant<J: Json>(value: &J, variants: &[Variants]) -> Option<J> {
    let kind = value.get("kind").as_text()?;
    let mut all = variants.iter().copied().flatten();
    let (_, schema) = all.find(|(name, _)| *name == kind)?;
    validate(value, schema)
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
