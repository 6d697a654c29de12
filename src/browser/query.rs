//! Which part of a query string is Connect's callback and which is the app's own.

use url::form_urlencoded;

/// The parameters that Connect adds to the redirect URI, whatever the outcome.
const CALLBACK: [&str; 8] = [
    "code",
    "error",
    "error_description",
    "external_id",
    "state",
    "user_id",
    "vehicle_id",
    "virtual_key_url",
];

/// Those that it adds to an `error` alone. Without one, a `make` or `year` is the app's own.
const ERROR_DETAILS: [&str; 6] = ["error_message", "make", "model", "status_code", "vin", "year"];

/// A query string, cut in two. Neither part has the leading `?`; each pair is kept byte for byte.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct SplitQuery {
    /// Connect's parameters.
    pub(super) callback: String,
    /// Everything else.
    pub(super) rest: String,
}

/// Cuts a query string in two.
#[must_use]
pub(super) fn split(query: &str) -> SplitQuery {
    let pairs = || query.split('&');
    let has_error = pairs().any(|pair| has_name(pair, &["error"]));
    let is_callback = |pair: &&str| {
        has_name(pair, &CALLBACK) || (has_error && (has_name(pair, &ERROR_DETAILS) || is_text_without_name(pair)))
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

/// Whether the parameters are those of a callback: a `state` and something that it vouches for.
#[must_use]
pub(super) fn is_callback(query: &str) -> bool {
    let has = |names: &[&str]| query.split('&').any(|pair| has_name(pair, names));
    has(&["state"]) && has(&["code", "error", "user_id", "vehicle_id"])
}

/// The query of a URL, or of a string that is one already, without the leading `?`.
#[must_use]
pub(super) fn of(url_or_query: &str) -> &str {
    let text = url_or_query.split_once('#').map_or(url_or_query, |(before, _)| before);
    match text.split_once('?') {
        // A bare query may have a `?` in a value; there the part before it has a `=` and is no address.
        Some((before, _)) if before.contains('=') && !is_address(before) => text,
        Some((_, query)) => query,
        None if is_address(text) => "",
        None => text,
    }
}

/// The address with the query `rest` in place of its own.
#[must_use]
pub(super) fn with_query(href: &str, rest: &str) -> String {
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
    let is_scheme = |scheme: &str| {
        scheme
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
    };
    let scheme = text
        .split_once(':')
        .filter(|(_, rest)| rest.starts_with('/'))
        .map(|(scheme, _)| scheme);
    text.starts_with('/') || scheme.is_some_and(is_scheme)
}

/// Smartcar's documentation shows a description that lost its name: words with spaces and no `=`
/// (<https://smartcar.com/docs/errors/connect-errors/oem-login-cancelled>).
fn is_text_without_name(pair: &str) -> bool {
    !pair.contains('=') && (pair.contains("%20") || pair.contains('+'))
}

fn has_name(pair: &str, names: &[&str]) -> bool {
    form_urlencoded::parse(pair.as_bytes())
        .next()
        .is_some_and(|(name, _)| names.contains(&name.as_ref()))
}
