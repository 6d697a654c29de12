//! What is said of a body that can't be read.

use crate::{
    edge::{problem::Problem, quote::quoted},
    http_api::ProblemCode,
};

/// The problem of a body that is not the JSON that is documented.
#[must_use]
pub fn invalid_json(error: &serde_json::Error) -> Problem {
    let text = error.to_string();
    let what = if text.starts_with("missing field") {
        text
    } else if let Some((name, rest)) = unknown_field(&text) {
        ["unknown field ", &quoted(name), rest].concat()
    } else {
        // Other messages repeat a value, which may be a secret; the place is enough of them.
        format!("see line {}, column {}", error.line(), error.column())
    };
    Problem::new(
        ProblemCode::InvalidBody,
        ["the body is not a JSON object with the documented fields: ", &what].concat(),
    )
}

/// The name of the field that is unknown, which is whatever the sender likes, and what follows it.
fn unknown_field(text: &str) -> Option<(&str, &str)> {
    let rest = text.strip_prefix("unknown field `")?;
    let end = rest.rfind("`, expected ")?;
    Some((rest.get(..end)?, rest.get(end..)?.strip_prefix('`')?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http_api::{FinishRequest, StartRequest};

    fn start(body: &str) -> String {
        let error = serde_json::from_str::<StartRequest>(body).unwrap_err();
        invalid_json(&error).detail
    }

    #[test]
    fn a_field_that_is_missing_or_unknown_is_named() {
        assert!(start("{}").contains("missing field `stateFingerprint`"));
        let detail = start(r#"{"stateFingerprint":"a","redirectUri":"b","extra":1}"#);
        assert!(
            detail
                .contains("unknown field `extra`, expected one of `stateFingerprint`, `redirectUri`, `scope`, `mode`"),
            "{detail}"
        );
        let error = serde_json::from_str::<FinishRequest>(r#"{"x":1}"#).unwrap_err();
        assert!(
            invalid_json(&error)
                .detail
                .contains("unknown field `x`, expected `callback`")
        );
    }

    #[test]
    fn the_name_of_an_unknown_field_is_repeated_short_and_printable() {
        for name in [
            "x".repeat(9_000),
            "\\u001b[31m".repeat(20),
            "\\u202e\\u2066evil".to_owned(),
            "`, expected `nothing`, ".repeat(100),
            "\\u0000\\ud83d\\ude00".to_owned(),
        ] {
            let detail = start(&format!(r#"{{"{name}":1}}"#));
            assert!(detail.len() < 350, "{detail}");
            assert!(
                detail.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic()),
                "{detail:?}"
            );
            assert!(
                detail.contains("expected one of `stateFingerprint`, `redirectUri`, `scope`, `mode`"),
                "{detail}"
            );
        }
    }

    #[test]
    fn no_value_is_repeated() {
        for body in [
            r#"{"stateFingerprint":"a","redirectUri":4815162342}"#,
            r#"{"stateFingerprint":["hunter2"]}"#,
            r#""hunter2""#,
            "hunter2",
        ] {
            let detail = start(body);
            assert!(detail.contains("see line 1, column "), "{detail}");
            assert!(
                !detail.contains("hunter2") && !detail.contains("4815162342"),
                "{detail}"
            );
        }
    }
}
