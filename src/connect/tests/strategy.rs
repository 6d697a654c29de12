//! Strings that try to break out of where they are put.

use proptest::{collection::vec, option, prelude::*};

const FRAGMENTS: &[&str] = &[
    "&",
    "=",
    "?",
    "#",
    "+",
    "%",
    "%26",
    "%3D",
    "%00",
    "%ff",
    "%",
    " ",
    ":",
    ";",
    "/",
    "\\",
    "\"",
    "\u{0}",
    "\r\n",
    "ü",
    "🚗",
    "\u{fffd}",
    "a",
    "null",
    "required:",
    "&state=forged",
    "&client_secret=x",
    "#error=",
    "://",
    "code",
    "state",
    "error",
];

/// Any string, more often one made of what has a meaning in a URL.
pub(super) fn hostile() -> impl Strategy<Value = String> {
    prop_oneof![
        1 => any::<String>(),
        3 => vec(prop::sample::select(FRAGMENTS), 0..8).prop_map(|parts| parts.concat()),
    ]
}

/// What `parse` makes of hostile strings, where it takes them; sometimes nothing.
pub(super) fn parsed<T: core::fmt::Debug, E>(parse: fn(&str) -> Result<T, E>) -> impl Strategy<Value = Option<T>> {
    option::of(hostile().prop_filter_map("refused", move |text| parse(&text).ok()))
}

/// A list of what `parse` makes of hostile strings.
pub(super) fn list<T: core::fmt::Debug, E>(parse: fn(&str) -> Result<T, E>) -> impl Strategy<Value = Vec<T>> {
    vec(parsed(parse), 0..4).prop_map(|list| list.into_iter().flatten().collect())
}
