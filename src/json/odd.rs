//! Answers that are odd in all the ways in which answers are, for tests: what is good in them has to be read all the same.

use proptest::{collection::vec, prelude::*, sample::select};
use serde_json::Value as Json;

/// JSON of all kinds, nested.
pub(crate) fn json() -> impl Strategy<Value = Json> {
    let leaf = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::from),
        any::<i32>().prop_map(|eighths| Json::from(f64::from(eighths) / 8.0)),
        any::<i64>().prop_map(Json::from),
        any::<String>().prop_map(Json::from),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Json::from),
            vec((any::<String>(), inner), 0..4).prop_map(|members| members.into_iter().collect()),
        ]
    })
}

/// What stands between the quotes of an odd text: all but a quote of its own.
fn odd_text() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        4 => vec(any::<u8>(), 0..6).prop_map(|mut bytes| {
            bytes.retain(|byte| !matches!(byte, b'"' | b'\\'));
            bytes
        }),
        1 => select(vec![r"\ud800", r"\udc00\ud800", r"\u12", r"\u", r"\x41", r"\'", r"\\", "\\\"", r"\n", r"\u0000"])
            .prop_map(|escape| escape.as_bytes().to_vec()),
        1 => select(vec!["\u{feff}", "\n", "\0", "\u{1b}", "}", "{", ",", ":"]).prop_map(|text| text.as_bytes().to_vec()),
    ];
    vec(piece, 0..5).prop_map(|pieces| pieces.concat())
}

/// A member that is odd in one way or another, and has a name that nobody asks for.
pub(crate) fn odd_member() -> impl Strategy<Value = Vec<u8>> {
    let value = prop_oneof![
        odd_text().prop_map(|text| [b"\"", &text[..], b"\""].concat()),
        json().prop_map(|json| json.to_string().into_bytes()),
        select(vec![
            "1e999",
            "-0",
            "[[[[[[]]]]]]",
            "{\"error\":\"invalid_grant\",\"wanted\":\"wrong\"}",
            "[\"wanted\"]"
        ])
        .prop_map(|json| json.as_bytes().to_vec()),
    ];
    (odd_text(), value).prop_map(|(name, value)| [b"\"odd ", &name[..], b"\": ", &value[..]].concat())
}

/// An object of these members in this order, perhaps after a byte order mark.
pub(crate) fn body(before: &[Vec<u8>], good: &[Vec<u8>], after: &[Vec<u8>], has_mark: bool) -> Vec<u8> {
    let mark: &[u8] = if has_mark { b"\xef\xbb\xbf" } else { b"" };
    let members = [before, good, after].concat();
    [mark, b" {", &members.join(&b","[..]), b"}\n"].concat()
}

/// The members of `good`, a JSON object, among odd ones.
pub(crate) fn among_odd_members(good: &str) -> impl Strategy<Value = Vec<u8>> + use<> {
    let inside = good.trim().strip_prefix('{').and_then(|rest| rest.strip_suffix('}'));
    let good = vec![inside.expect("an object").as_bytes().to_vec()];
    let some = || vec(odd_member(), 0..4);
    (some(), some(), any::<bool>()).prop_map(move |(before, after, has_mark)| body(&before, &good, &after, has_mark))
}
