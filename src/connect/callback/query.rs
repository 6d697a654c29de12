//! Where the query is in what people pass, and which part of it is Connect's callback and which the app's own.

use std::borrow::Cow;

use super::parameter;
use crate::connect::state::STATE_MARK;

/// A query string, cut in two. Neither part has the leading `?`; each pair is kept byte for byte.
#[derive(Debug, PartialEq, Eq)]
pub struct SplitQuery {
    /// Connect's parameters.
    pub callback: String,
    /// Everything else.
    pub rest: String,
}

/// Cuts a query string, without its `?`, in two.
#[must_use]
pub fn split(query: &str) -> SplitQuery {
    let pairs = || query.split('&');
    let has_error = pairs().any(|pair| name_of(pair) == "error");
    let is_callback = |pair: &&str| {
        let name = name_of(pair);
        let is_known = parameter::known_name(&name).is_some();
        let is_detail = parameter::comes_with_error_only(&name);
        (is_known && !is_detail) || (has_error && (is_detail || is_text_without_name(pair)))
    };
    let join = |wanted: bool| {
        let chosen: Vec<&str> = pairs().filter(|pair| is_callback(pair) == wanted).collect();
        chosen.join("&")
    };
    SplitQuery {
        callback: join(true),
        rest: join(false),
    }
}

/// Whether the parameters are those of a callback of ours: a `state` that was [minted here](crate::connect::State::from_random),
/// whatever has become of it, and something that it vouches for. The callbacks of the app's own log-in are none.
#[must_use]
pub fn is_callback(query: &str) -> bool {
    let has = |names: &[&str]| query.split('&').any(|pair| names.contains(&name_of(pair).as_ref()));
    has_our_state(query) && has(&["code", "error", "user_id", "vehicle_id"])
}

/// Whether there is a `state` that was [minted here](crate::connect::State::from_random): the parameters are ours to read and to
/// take away.
#[must_use]
pub fn has_our_state(query: &str) -> bool {
    form_urlencoded::parse(query.as_bytes()).any(|(name, value)| name == "state" && value.starts_with(STATE_MARK))
}

/// One spelling for each callback, however its query was written: Connect's parameters alone, in the order of their names.
/// Those without a value count as absent, but for `error`.
#[must_use]
pub fn normal_form(query: &str) -> String {
    let callback = split(query).callback;
    let mut pairs = Vec::new();
    // Not `sort`, which is 2 KB of the browser module (brotli): there are a dozen at most.
    for pair in form_urlencoded::parse(callback.as_bytes()) {
        if !pair.1.is_empty() || pair.0 == "error" {
            pairs.insert(pairs.partition_point(|other| *other <= pair), pair);
        }
    }
    form_urlencoded::Serializer::new(String::new())
        .extend_pairs(pairs)
        .finish()
}

/// The query in a URL, in a path, or in a string that is a query already, without the leading `?`.
///
/// A query can have `?` and `://` in a value: the text before a `?` is an address unless it has a `=` or `&` and does not begin as
/// a URL or a path does.
#[must_use]
pub fn query_of(url_or_query: &str) -> &str {
    let text = url_or_query.split_once('#').map_or(url_or_query, |(before, _)| before);
    match text.split_once('?') {
        Some((before, _)) if before.contains(['=', '&']) && !is_address(before) => text,
        Some((_, query)) => query,
        None if is_address(text) => "",
        None => text,
    }
}

/// The address with the query `rest` in place of its own.
#[must_use]
pub fn with_query(href: &str, rest: &str) -> String {
    let (address, hash) = match href.split_once('#') {
        Some((address, hash)) => (address, Some(hash)),
        None => (href, None),
    };
    let mut out = address.split_once('?').map_or(address, |(before, _)| before).to_owned();
    if !rest.is_empty() {
        out.push('?');
        out.push_str(rest);
    }
    if let Some(hash) = hash {
        out.push('#');
        out.push_str(hash);
    }
    out
}

fn is_address(text: &str) -> bool {
    let scheme = text
        .split_once(':')
        .filter(|(_, rest)| rest.starts_with('/'))
        .map(|(scheme, _)| scheme);
    text.starts_with('/') || scheme.is_some_and(is_scheme)
}

fn is_scheme(text: &str) -> bool {
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.');
    !text.is_empty() && text.bytes().all(legal)
}

/// Smartcar's documentation shows a description that lost its name: words with spaces and no `=`
/// (<https://smartcar.com/docs/errors/connect-errors/oem-login-cancelled>).
fn is_text_without_name(pair: &str) -> bool {
    !pair.contains('=') && (pair.contains("%20") || pair.contains('+'))
}

fn name_of(pair: &str) -> Cow<'_, str> {
    let first = form_urlencoded::parse(pair.as_bytes()).next();
    first.map(|(name, _)| name).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::{SplitQuery, has_our_state, is_callback, normal_form, query_of, with_query};

    fn split(query: &str) -> (String, String) {
        let SplitQuery { callback, rest } = super::split(query);
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
            "code=1&state=smartcar-connect.s",
            "state=smartcar-connect.s&error=e",
            "state=smartcar-connect%2Es&user_id=u",
            "a=b&vehicle_id=v&st%61te=smartcar-connect.",
            "state=s&code=1&state=smartcar-connect.s",
        ] {
            assert!(is_callback(query), "{query}");
        }
        for query in [
            "",
            "code=1",
            "state=smartcar-connect.s",
            "state=smartcar-connect.s&make=TESLA",
            "State=smartcar-connect.s&Code=1",
            "error_description=d&state=smartcar-connect.s",
        ] {
            assert!(!is_callback(query), "{query}");
        }
    }

    #[test]
    fn what_another_log_in_sends_back_is_not_ours() {
        for query in [
            "code=abc&state=xyz123",
            "code=abc&state=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
            "error=login_required&state=xyz123",
            "code=1&state=",
            "code=1&state=x.smartcar-connect.s",
            "code=1&xstate=smartcar-connect.s",
        ] {
            assert!(!is_callback(query) && !has_our_state(query), "{query}");
        }
    }

    #[test]
    fn a_callback_has_one_normal_form() {
        let one = "code=a+b%26&state=s";
        for query in [
            "code=a%20b%26&state=s",
            "state=s&code=a+b%26",
            "c%6fde=a+b%26&&state=s&",
            "state=s&code=a+b%26&tab=2&make=own&user_id=",
        ] {
            assert_eq!(normal_form(query), one, "{query}");
        }
        for query in [
            "code=a+b&state=s",
            "code=a+b%26&state=t",
            "code=a+b%26&state=s&user_id=u",
            "code=a+b%26&state=s&error=",
            "code=a%2Bb%26&state=s",
        ] {
            assert_ne!(normal_form(query), one, "{query}");
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
            ("sc1:/x?code=1", "code=1"),
            ("/a=b?code=1", "code=1"),
            ("flag&x?y=1&code=1", "flag&x?y=1&code=1"),
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
            assert_eq!(query_of(given), query, "{given}");
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
            assert_eq!(with_query(href, rest), expected);
        }
    }
}
