//! The functions of a module by their names.

use std::{collections::BTreeMap, ops::Range};

use anyhow::{Result, ensure};
use wasmparser::{KnownCustom, Name, Parser, Payload, TypeRef};

/// A module as it is shipped, without names, and what each of its functions was called.
#[derive(Debug)]
pub(super) struct Named {
    bytes: Vec<u8>,
    functions: Vec<(Range<usize>, String)>,
    data: Range<usize>,
}

impl Named {
    /// Of a module with names.
    ///
    /// # Errors
    /// When it is no module, or has no names.
    pub(super) fn of(with_names: &[u8]) -> Result<Self> {
        let module = Module::read(with_names)?;
        ensure!(!module.names.is_empty(), "the module has no names of its functions");
        let called = |index: u32| {
            let name = module.names.get(&index.saturating_add(module.imported));
            name.cloned().unwrap_or_default()
        };
        let functions = module.bodies.into_iter().zip(0..);
        Ok(Self {
            functions: functions.map(|(body, index)| (body, called(index))).collect(),
            data: module.data,
            // Nothing that is looked at comes after the names.
            bytes: cut(with_names, [module.name_section].into_iter()),
        })
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub(super) fn data(&self) -> &[u8] {
        self.bytes.get(self.data.clone()).unwrap_or_default()
    }

    /// The size of each function and its name, empty where it has none.
    pub(super) fn functions(&self) -> impl Iterator<Item = (usize, &str)> {
        self.functions.iter().map(|(body, name)| (body.len(), name.as_str()))
    }

    pub(super) fn biggest_first(&self) -> Vec<(usize, &str)> {
        let mut functions: Vec<_> = self.functions().collect();
        functions.sort_by_key(|(size, _)| std::cmp::Reverse(*size));
        functions
    }

    /// The bytes without those of some functions: no module any more, but what can be compressed to see what they cost.
    pub(super) fn without(&self, is_left_out: impl Fn(&str) -> bool) -> Vec<u8> {
        let left_out = self.functions.iter().filter(|(_, name)| is_left_out(name));
        cut(&self.bytes, left_out.map(|(body, _)| body.clone()))
    }

    pub(super) fn without_data(&self) -> Vec<u8> {
        cut(&self.bytes, [self.data.clone()].into_iter())
    }
}

/// The bytes without these ranges, which are in order.
fn cut(bytes: &[u8], ranges: impl Iterator<Item = Range<usize>>) -> Vec<u8> {
    let mut kept = Vec::new();
    let mut from = 0;
    for range in ranges {
        kept.extend_from_slice(bytes.get(from..range.start).unwrap_or_default());
        from = range.end;
    }
    kept.extend_from_slice(bytes.get(from..).unwrap_or_default());
    kept
}

/// What is read of a module.
#[derive(Debug, Default)]
struct Module {
    /// How many functions are imported: they have the first indices.
    imported: u32,
    bodies: Vec<Range<usize>>,
    data: Range<usize>,
    names: BTreeMap<u32, String>,
    name_section: Range<usize>,
}

impl Module {
    fn read(bytes: &[u8]) -> Result<Self> {
        let mut module = Self::default();
        let mut ended = 0;
        for payload in Parser::new(0).parse_all(bytes) {
            let payload = payload?;
            // A section's own range begins after its kind and length.
            let before = ended;
            if let Some((_, range)) = payload.as_section() {
                ended = range.end;
            }
            match payload {
                Payload::ImportSection(imports) => {
                    for import in imports.into_imports() {
                        if let TypeRef::Func(_) | TypeRef::FuncExact(_) = import?.ty {
                            module.imported = module.imported.saturating_add(1);
                        }
                    }
                }
                Payload::CodeSectionEntry(body) => module.bodies.push(body.range()),
                Payload::DataSection(data) => module.data = data.range(),
                Payload::CustomSection(section) => {
                    if let KnownCustom::Name(names) = section.as_known() {
                        module.name_section = before..section.range().end;
                        for name in names {
                            if let Name::Function(functions) = name? {
                                for function in functions {
                                    let function = function?;
                                    module.names.insert(function.index, function.name.to_owned());
                                }
                            }
                        }
                    }
                }
                _ => {}
            }
        }
        Ok(module)
    }
}

#[cfg(test)]
mod tests {
    use super::Named;

    /// A module that imports a function and has two and the text "hi".
    const MODULE: &[&[u8]] = &[
        b"\0asm\x01\0\0\0",
        b"\x01\x04\x01\x60\0\0",
        b"\x02\x07\x01\x01a\x01b\0\0",
        b"\x03\x03\x02\0\0",
        b"\x0a\x08\x02\x02\0\x0b\x03\0\x01\x0b",
        b"\x0b\x05\x01\x01\x02hi",
    ];
    const NAMES: &[u8] = b"\0\x12\x04name\x01\x0b\x02\x01\x03one\x02\x03two";

    fn named() -> Named {
        Named::of(&[MODULE.concat().as_slice(), NAMES].concat()).unwrap()
    }

    #[test]
    fn a_function_has_its_own_name_and_size() {
        let named = named();
        assert_eq!(named.functions().collect::<Vec<_>>(), [(2, "one"), (3, "two")]);
        assert_eq!(named.biggest_first(), [(3, "two"), (2, "one")]);
        assert!(named.data().ends_with(b"hi"), "{:?}", named.data());
        assert_eq!(named.bytes(), MODULE.concat());
    }

    #[test]
    fn a_part_can_be_left_out() {
        let named = named();
        let all = named.bytes().len();
        let without = named.without(|name| name == "two");
        assert_eq!(without.len(), all - 3);
        assert!(without.ends_with(b"hi") && !named.without_data().ends_with(b"hi"));
        assert_eq!(named.without(|_| false), named.bytes());
    }

    #[test]
    fn a_module_without_names_is_refused() {
        let error = Named::of(&MODULE.concat()).unwrap_err();
        assert!(error.to_string().contains("has no names"), "{error}");
        assert!(Named::of(b"no module").is_err());
    }
}
