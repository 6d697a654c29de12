//! Links that carry a token of Smartcar's, in answers that are passed on.

/// The parameter of such a link.
const TOKEN: &str = "token=";

/// The JSON with `null` in place of every text that has a link with a token in it. Whoever has the link can speak for the owner
/// at Smartcar. What is no JSON is cut where it stops being any.
#[must_use]
pub fn without_links(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    let mut rest = json;
    while let Some(start) = rest.find('"') {
        let (before, from) = rest.split_at(start);
        out.push_str(before);
        let Some(end) = end_of_text(from) else {
            return out;
        };
        let (text, after) = from.split_at(end);
        let is_name = after.trim_start().starts_with(':');
        if has_link(text) {
            out.push_str(if is_name { "\"\"" } else { "null" });
        } else {
            out.push_str(text);
        }
        rest = after;
    }
    out.push_str(rest);
    out
}

/// How long the text is that `from` begins with, in bytes, its quotation marks included.
fn end_of_text(from: &str) -> Option<usize> {
    let mut is_escaped = false;
    for (at, byte) in from.bytes().enumerate().skip(1) {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' => is_escaped = true,
            b'"' => return at.checked_add(1),
            _ => {}
        }
    }
    None
}

fn has_link(text: &str) -> bool {
    // As it reads, whatever is written as an escape.
    let read: String = serde_json::from_str(text).unwrap_or_else(|_| text.to_owned());
    let decoded = read.to_ascii_lowercase().replace("%3d", "=");
    decoded.contains(TOKEN)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_link_with_a_token_is_taken_out_and_the_rest_stays_as_it_was() {
        let body = r#"{"capacity": {"nominal":80.9}, "url": "https://connect.smartcar.com/battery-capacity?vehicle_id=x&token=hunter2" , "a\"b":1.0}"#;
        assert_eq!(
            without_links(body),
            r#"{"capacity": {"nominal":80.9}, "url": null , "a\"b":1.0}"#
        );
        for hidden in [
            r"\u0074oken=hunter2",
            "TOKEN=hunter2",
            "token%3Dhunter2",
            r"to\u006ben\u003dhunter2",
        ] {
            let body = format!(r#"[{{"url":"{hidden}"}}]"#);
            assert_eq!(without_links(&body), r#"[{"url":null}]"#);
        }
        assert_eq!(without_links(r#"{"token=hunter2":1}"#), r#"{"":1}"#);
        assert_eq!(without_links(r#"{"url":"token=hunter2"#), r#"{"url":"#);
    }

    proptest! {
        #[test]
        fn what_has_no_link_is_not_touched(text in "[^=]{0,40}", number: i64) {
            let body = serde_json::json!({ "text": text, "number": number, "list": [text] }).to_string();
            prop_assert_eq!(without_links(&body), body);
        }

        #[test]
        fn no_link_gets_through(before: String, after: String) {
            let body = serde_json::json!({ "url": format!("{before}token={after}"), "next": "stays" }).to_string();
            let read: serde_json::Value = serde_json::from_str(&without_links(&body)).unwrap();
            prop_assert_eq!(read, serde_json::json!({ "url": null, "next": "stays" }));
        }
    }
}
