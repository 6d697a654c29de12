//! What of the browser module can be tested without a browser: the codes of its errors against the type declarations and the
//! Worker's codes, and how a query string is cut.

/// The codes.
#[path = "../../src/browser/code.rs"]
pub mod code;
#[path = "../../src/browser/query.rs"]
mod query;

use code::ErrorCode;
use query::SplitQuery;

const TYPES: &str = include_str!("../../src/browser/types.d.ts");

/// The members of `ConnectErrorCode`.
fn declared() -> Vec<&'static str> {
    let mut lines = TYPES.lines().map(str::trim);
    lines.find(|line| *line == "export type ConnectErrorCode =");
    let members = lines.take_while(|line| !line.starts_with("export"));
    members
        .filter_map(|line| line.strip_prefix("| \"")?.trim_end_matches(';').strip_suffix('"'))
        .collect()
}

#[test]
fn the_types_list_every_code_in_order() {
    let codes: Vec<&str> = ErrorCode::ALL.iter().map(|code| code.as_str()).collect();
    assert!(codes.len() > 30, "{codes:?}");
    assert_eq!(declared(), codes);
}

#[test]
fn a_code_is_found_by_its_name() {
    for code in ErrorCode::ALL {
        assert_eq!(ErrorCode::parse(code.as_str()), Some(*code));
        assert!(
            code.as_str()
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte == b'_'),
            "{code:?}"
        );
    }
    assert_eq!(ErrorCode::parse("State_Used"), None);
    assert_eq!(ErrorCode::parse(""), None);
}

#[cfg(feature = "edge")]
#[test]
fn every_code_that_the_worker_sends_to_browsers_is_known() {
    use smartcar_connect::edge::ProblemCode;

    for code in ProblemCode::ALL {
        let known = ErrorCode::parse(code.as_str()).is_some();
        // Only the app's own back end sends service keys.
        assert_eq!(known, code != ProblemCode::ServiceKeyRejected, "{code:?}");
    }
}

fn split(query: &str) -> (String, String) {
    let SplitQuery { callback, rest } = query::split(query);
    (callback, rest)
}

#[test]
fn a_callback_is_cut_out_byte_for_byte() {
    for (query, callback, rest) in [
        ("", "", ""),
        ("code=1&state=s", "code=1&state=s", ""),
        ("tab=2&code=1&x=%2F+y&state=s&", "code=1&state=s", "tab=2&x=%2F+y&"),
        ("c%6fde=1&stat%65=s&Code=2", "c%6fde=1&stat%65=s", "Code=2"),
        (
            "vehicle_id=v&external_id=e&user_id=u&virtual_key_url=https%3A%2F%2Fa",
            "vehicle_id=v&external_id=e&user_id=u&virtual_key_url=https%3A%2F%2Fa",
            "",
        ),
        // Only an error has these; otherwise they are the app's own.
        (
            "make=a&vin=b&model=c&year=d&status_code=e&error_message=f&code=1",
            "code=1",
            "make=a&vin=b&model=c&year=d&status_code=e&error_message=f",
        ),
        (
            "make=a&error=x&vin=b&status_code=e&error_description=g&q",
            "make=a&error=x&vin=b&status_code=e&error_description=g",
            "q",
        ),
        ("code&state", "code&state", ""),
        // As published: the description has lost its name.
        (
            "error=x&the%20user%20did%20not&tab&state=s",
            "error=x&the%20user%20did%20not&state=s",
            "tab",
        ),
        ("the%20user&code=1", "code=1", "the%20user"),
    ] {
        assert_eq!(split(query), (callback.to_owned(), rest.to_owned()), "{query}");
    }
}

#[test]
fn a_callback_needs_a_state_and_something_to_vouch_for() {
    for query in [
        "code=1&state=s",
        "state=s&error=e",
        "state=&user_id=u",
        "a=b&vehicle_id=v&state=s",
    ] {
        assert!(query::is_callback(query), "{query}");
    }
    for query in [
        "",
        "code=1",
        "state=s",
        "state=s&make=TESLA",
        "State=s&Code=1",
        "error_description=d&state=s",
    ] {
        assert!(!query::is_callback(query), "{query}");
    }
}

#[test]
fn the_query_is_found_in_what_people_pass() {
    for (given, query) in [
        ("https://app.example/cars?code=1&state=s#part?x=1", "code=1&state=s"),
        ("https://app.example/cars", ""),
        ("https://app.example/cars#code=1", ""),
        ("/cars?code=1", "code=1"),
        ("/cars", ""),
        ("cars?code=1", "code=1"),
        ("?code=1#", "code=1"),
        ("?", ""),
        ("", ""),
        ("code=1&state=s", "code=1&state=s"),
        (
            "code=1&error_description=why?&state=s",
            "code=1&error_description=why?&state=s",
        ),
        (
            "virtual_key_url=https://a.example/?b&state=s",
            "virtual_key_url=https://a.example/?b&state=s",
        ),
    ] {
        assert_eq!(query::of(given), query, "{given}");
    }
}

#[test]
fn another_query_in_the_same_address() {
    for (href, rest, expected) in [
        ("https://a.example/x?code=1#h", "", "https://a.example/x#h"),
        (
            "https://a.example/x?code=1#h?y",
            "tab=2",
            "https://a.example/x?tab=2#h?y",
        ),
        ("https://a.example//b", "tab=2", "https://a.example//b?tab=2"),
        ("https://a.example/x?#", "", "https://a.example/x#"),
    ] {
        assert_eq!(query::with_query(href, rest), expected);
    }
}
