//! Which part of the browser module a function belongs to, by its name.

use std::fmt;

/// How the names of our own functions begin.
const OURS: &str = "smartcar_connect::";

/// Whose code it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Part {
    /// Ours, with what was inlined into it.
    Ours,
    /// Between Rust and JavaScript.
    Bindings,
    /// Memory.
    Allocator,
    /// What comes with Rust.
    Std,
    /// Other crates.
    Crates,
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ours => "our code",
            Self::Bindings => "between Rust and JavaScript",
            Self::Allocator => "the allocator",
            Self::Std => "the standard library",
            Self::Crates => "other crates",
        })
    }
}

/// The part, and within it the module or the crate.
///
/// What is generic and was compiled for a type of ours is ours, where the name says so: it is there because we use it.
pub(super) fn of(name: &str) -> (Part, String) {
    if let Some((_, path)) = name.split_once(OURS) {
        let module: Vec<&str> = path.split("::").take(2).map(identifier).collect();
        return (Part::Ours, module.join("::"));
    }
    // What JavaScript calls, with everything that was inlined into it.
    if let Some((exported, _)) = name.split_once(' ').filter(|(_, kind)| kind.ends_with("shim"))
        && !exported.starts_with("__")
        && !exported.contains(':')
    {
        return (Part::Ours, format!("`{exported}`"));
    }
    let of_crate = crate_of(name);
    let part = match of_crate {
        "wasm_bindgen" | "js_sys" | "web_sys" => Part::Bindings,
        "dlmalloc" | "__rustc" => Part::Allocator,
        "core" | "alloc" | "std" | "hashbrown" | "rustc_demangle" => Part::Std,
        "" if name.starts_with("__") => Part::Bindings,
        "" => Part::Std,
        _ => Part::Crates,
    };
    let place = match (part, of_crate) {
        (Part::Std, "") => "without a name",
        (Part::Bindings, "") => "wasm_bindgen",
        (Part::Allocator, _) => "dlmalloc",
        (_, of_crate) => of_crate,
    };
    (part, place.to_owned())
}

/// The first crate in a name: of `<T as base64ct::encoding::Encoding>::encode` it is `base64ct`. Empty if there is none.
fn crate_of(name: &str) -> &str {
    let mut rest = name;
    while let Some(start) = rest.find(|letter: char| letter.is_ascii_alphabetic() || letter == '_') {
        let (_, from) = rest.split_at(start);
        let first = identifier(from);
        let (_, after) = from.split_at(first.len());
        // In the newer way to write names its hash follows in brackets.
        let path = after.strip_prefix('[').and_then(|after| after.split_once(']'));
        if path.map_or(after, |(_, after)| after).starts_with("::") {
            return first;
        }
        rest = after;
    }
    ""
}

/// The letters, digits and underscores that a text begins with.
fn identifier(text: &str) -> &str {
    let end = text.find(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_');
    text.split_at(end.unwrap_or(text.len())).0
}

#[cfg(test)]
mod tests {
    use super::{Part, of};

    #[test]
    fn each_name_has_its_part() {
        for (name, part, place) in [
            (
                "smartcar_connect::browser::new_attempt::NewAttempt::begin::h35ef",
                Part::Ours,
                "browser::new_attempt",
            ),
            (
                "smartcar_connect::browser::callback::read::{{closure}}::h1ab1",
                Part::Ours,
                "browser::callback",
            ),
            (
                "core::ptr::drop_in_place<smartcar_connect::connect::callback::Callback>::h83",
                Part::Ours,
                "connect::callback",
            ),
            (
                "<smartcar_connect::browser::error::Error as core::convert::From<x::Y>>::from::h",
                Part::Ours,
                "browser::error",
            ),
            (
                "checkCallback externref shim multivalue shim",
                Part::Ours,
                "`checkCallback`",
            ),
            ("createState multivalue shim", Part::Ours, "`createState`"),
            (
                "<dlmalloc[e24a]::dlmalloc::Dlmalloc<dlmalloc[e24a]::sys::System>>::malloc",
                Part::Allocator,
                "dlmalloc",
            ),
            ("__rustc[b797]::__rust_realloc", Part::Allocator, "dlmalloc"),
            (
                "<&str as core[c593]::str::pattern::Pattern>::is_contained_in",
                Part::Std,
                "core",
            ),
            ("<str>::is_ascii", Part::Std, "without a name"),
            ("alloc::str::join_generic_copy::h60d6", Part::Std, "alloc"),
            (
                "<T as base64ct::encoding::Encoding>::encode::h2600",
                Part::Crates,
                "base64ct",
            ),
            ("form_urlencoded::decode::he857", Part::Crates, "form_urlencoded"),
            ("js_sys::futures::queue::Queue::new::h3cd5", Part::Bindings, "js_sys"),
            ("__externref_table_alloc", Part::Bindings, "wasm_bindgen"),
            ("", Part::Std, "without a name"),
        ] {
            assert_eq!(of(name), (part, place.to_owned()), "{name}");
        }
    }
}
