//! Members of which nobody needs anything, in all the ways in which they can be odd.

use serde_json::Value;

/// What a member nobody knows may look like, for a body that may not be UTF-8.
const ODD: [&[u8]; 12] = [
    b"\"unknown\":\"caf\xe9\"",
    b"\"unknown\":\"\xf0\x9f\"",
    b"\"\xff\":1",
    b"\"unknown\":\"two\nlines\0\x1b\"",
    br#""unknown":"\ud800""#,
    br#""\udfff":"""#,
    br#""unknown":"\x \' \u12""#,
    br#""unknown":1e999"#,
    br#""unknown":[[[{"error":"invalid_grant","access_token":"x"}]]]"#,
    br#""unknown":{"error":"invalid_grant"},"unknown":[]"#,
    br#""unknown":"\\\"""#,
    br#""unknown":null"#,
];

/// The body with each of them before its other members, and with a byte order mark; nothing for a body that is not one
/// JSON object.
pub fn with_odd_members(body: &[u8]) -> Vec<Vec<u8>> {
    let Ok(Value::Object(members)) = serde_json::from_slice(body) else {
        return Vec::new();
    };
    let Some(start) = body.iter().position(|byte| *byte == b'{') else {
        return Vec::new();
    };
    if members.contains_key("unknown") {
        return Vec::new();
    }
    let comma: &[u8] = if members.is_empty() { b"" } else { b"," };
    let mut all: Vec<Vec<u8>> = ODD
        .iter()
        .map(|odd| [&body[..=start], odd, comma, &body[start + 1..]].concat())
        .collect();
    all.push([b"\xef\xbb\xbf", body].concat());
    all
}
