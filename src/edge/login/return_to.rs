//! Where the owner goes after the callback: a page of the app's own, whatever is asked for.

use crate::{
    connect::Origin,
    edge::problem::Problem,
    http_api::{ProblemCode, path},
};

/// The longest, in bytes. It is kept in a cookie meanwhile.
const MAX_BYTES: usize = 512;

/// What is said of a value that is refused.
const REMEDY: &str = "give a path that begins with one `/`, such as `/cars?tab=2`, on the Worker's own origin, or one of \
                      `ALLOWED_ORIGINS` and such a path; at most 512 bytes of visible ASCII without `\\`, `//`, `.`, `..` and their encodings";

/// A page of the app's own: a path, or one of the allowed origins and a path.
///
/// Nothing is parsed and put together again: the origin has to stand there byte for byte, and what follows it is a path in every
/// reading of it. So no two parsers can disagree on where it leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReturnTo(String);

impl ReturnTo {
    /// Reads a value, decoded once. `own` is the Worker's own origin.
    ///
    /// # Errors
    /// The [`Problem`] that names `return_to`.
    pub fn parse(value: &str, prefix: &str, own: &Origin, allowed: &[Origin]) -> Result<Self, Problem> {
        let is_good = |path: &str| is_path(path) && !is_ours(prefix, path);
        // One origin may begin as another does.
        let mut origins = core::iter::once(own).chain(allowed);
        let is_own = is_good(value) || origins.any(|origin| value.strip_prefix(origin.as_str()).is_some_and(is_good));
        if value.len() <= MAX_BYTES && is_own {
            Ok(Self(value.to_owned()))
        } else {
            Err(Problem::new(
                ProblemCode::InvalidParameter,
                ["`return_to` leaves the app: ", REMEDY].concat(),
            )
            .with_field("return_to"))
        }
    }

    /// As it was given.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The same page, told by the parameter `smartcar` what came of the connection, in place of what it said before.
    #[must_use]
    pub fn told(&self, outcome: &str) -> String {
        let (address, fragment) = split_at(&self.0, '#');
        let (address, query) = split_at(address, '?');
        let pairs = query.get(1..).unwrap_or_default().split('&');
        let is_other = |pair: &&str| {
            let name = form_urlencoded::parse(pair.as_bytes()).next();
            name.is_some_and(|(name, _)| name != PARAMETER)
        };
        let mut pairs: Vec<&str> = pairs.filter(is_other).collect();
        let told = [PARAMETER, "=", outcome].concat();
        pairs.push(&told);
        [address, "?", &pairs.join("&"), fragment].concat()
    }
}

/// The parameter that says what came of the connection.
const PARAMETER: &str = "smartcar";

/// The text before the character, and the rest from it on.
fn split_at(text: &str, at: char) -> (&str, &str) {
    text.find(at)
        .and_then(|at| text.split_at_checked(at))
        .unwrap_or((text, ""))
}

/// Whether it is a path on this very host in the reading of every browser, proxy and framework, with query and fragment if it has any.
fn is_path(text: &str) -> bool {
    let is_legal = |byte: u8| {
        byte.is_ascii_graphic() && !matches!(byte, b'\\' | b'"' | b'<' | b'>' | b'`' | b'{' | b'}' | b'|' | b'^')
    };
    let path = text.split(['?', '#']).next().unwrap_or_default();
    // Once decoded, as a framework does that takes the path for one to redirect to.
    let decoded = path.to_ascii_lowercase().replace("%2e", ".");
    let is_dotted = decoded.split('/').any(|segment| segment == "." || segment == "..");
    let hides = ["%2f", "%5c", "%0", "%1", "%7f", "//"];
    text.starts_with('/')
        && text.bytes().all(is_legal)
        && !is_dotted
        && !hides.iter().any(|hidden| decoded.contains(hidden))
}

/// Whether it would begin or end a connection in place of the page.
fn is_ours(prefix: &str, path: &str) -> bool {
    let path = path.split(['?', '#']).next().unwrap_or_default();
    path.strip_prefix(prefix)
        .is_some_and(|below| below == path::CONNECT_LOGIN || below == path::CONNECT_CALLBACK)
}

#[cfg(test)]
mod tests {
    use super::*;

    const CORPUS: &str = include_str!("../../../tests/conformance/open_redirects.json");

    fn parse(value: &str) -> Result<ReturnTo, Problem> {
        let origin = |text| Origin::parse(text).unwrap();
        let allowed = [origin("https://www.app.example")];
        ReturnTo::parse(value, "/smartcar", &origin("https://app.example"), &allowed)
    }

    fn cases(name: &str) -> Vec<String> {
        let corpus: serde_json::Value = serde_json::from_str(CORPUS).unwrap();
        serde_json::from_value(corpus[name].clone()).unwrap()
    }

    #[test]
    fn nothing_of_the_corpus_of_open_redirects_is_taken() {
        let refused = cases("refused");
        assert!(refused.len() >= 60, "{}", refused.len());
        for value in &refused {
            let problem = parse(value).expect_err(value);
            assert_eq!(problem.code, ProblemCode::InvalidParameter, "{value}");
            assert_eq!(problem.field.as_deref(), Some("return_to"), "{value}");
        }
        assert!(parse(&format!("/{}", "a".repeat(512))).is_err());
        assert!(parse(&format!("/{}", "a".repeat(511))).is_ok());
    }

    #[test]
    fn what_is_taken_leads_to_the_apps_own_origins_by_the_url_standard() {
        let base = url::Url::parse("https://app.example/smartcar/connect/callback").unwrap();
        for value in cases("taken") {
            let taken = parse(&value).unwrap_or_else(|_| panic!("{value}"));
            for address in [taken.as_str().to_owned(), taken.told("connected")] {
                let url = base.join(&address).unwrap();
                let origin = url.origin().ascii_serialization();
                assert!(
                    origin == "https://app.example" || origin == "https://www.app.example",
                    "{address}"
                );
            }
        }
    }

    #[test]
    fn the_page_is_told_once_what_came_of_it() {
        for (value, told) in [
            ("/", "/?smartcar=connected"),
            ("/cars?tab=2#top", "/cars?tab=2&smartcar=connected#top"),
            ("/cars?smartcar=denied&a=1&smartcar", "/cars?a=1&smartcar=connected"),
            ("/cars?#x?smartcar=1", "/cars?smartcar=connected#x?smartcar=1"),
            ("/cars?%73martcar=failed", "/cars?smartcar=connected"),
            (
                "https://www.app.example/a",
                "https://www.app.example/a?smartcar=connected",
            ),
        ] {
            assert_eq!(parse(value).unwrap().told("connected"), told, "{value}");
        }
    }
}
