//! The pages that the Worker shows where there is no page of the app's own to go to: plain HTML, with a style and no script.

use base64ct::{Base64, Encoding as _};
use sha2::{Digest as _, Sha256};

use super::{outcome::LoginOutcome, return_to::ReturnTo};
use crate::{
    edge::problem::Problem,
    http_api::{ProblemCode, path},
};

const STYLE: &str = include_str!("style.css");

/// The `Content-Security-Policy` of the pages: this very style, and nothing else.
#[must_use]
pub fn page_policy() -> String {
    let hash = Base64::encode_string(&Sha256::digest(STYLE.as_bytes()));
    [
        "default-src 'none'; style-src 'sha256-",
        &hash,
        "'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    ]
    .concat()
}

/// A page for the owner.
#[derive(Clone, Debug)]
pub struct LoginPage {
    /// What it is about, for programs: an outcome, or the code of a problem.
    code: &'static str,
    words: Words,
    /// For the people who run the app, who will be asked.
    detail: Option<String>,
    /// Where the page goes by itself.
    reload: Option<String>,
    /// Links: what they say and where they lead.
    links: Vec<(&'static str, String)>,
}

/// Tone, title and text.
type Words = (&'static str, &'static str, &'static str);

const AGAIN: &str = "Connect again";

impl LoginPage {
    /// The page between the two visits of a callback: it goes on to `href` by itself.
    #[must_use]
    pub fn coming_back(href: String) -> Self {
        Self {
            code: "coming_back",
            words: (
                "info",
                "One moment…",
                "You are coming back from Smartcar. If nothing happens, use the button.",
            ),
            detail: None,
            reload: Some(href.clone()),
            links: vec![("Go on", href)],
        }
    }

    /// What came of a connection, where the app has named no page of its own.
    #[must_use]
    pub fn of_outcome(outcome: LoginOutcome, prefix: &str) -> Self {
        let is_done = matches!(outcome.as_str(), "connected" | "reauthenticated");
        Self {
            code: outcome.as_str(),
            words: outcome_words(outcome.as_str()),
            detail: None,
            reload: None,
            links: if is_done {
                Vec::new()
            } else {
                vec![(AGAIN, again(prefix, None))]
            },
        }
    }

    /// What went wrong. `return_to` is the app's page, if it is known; `reload` the address that is worth asking for again.
    #[must_use]
    pub fn of_problem(problem: &Problem, prefix: &str, return_to: Option<&ReturnTo>, reload: Option<String>) -> Self {
        let mut links = Vec::new();
        if let Some(reload) = reload.filter(|_| is_passing(problem.code)) {
            links.push(("Try again", reload));
        } else if starts_anew(problem.code) {
            links.push((AGAIN, again(prefix, return_to)));
        }
        if let Some(return_to) = return_to {
            links.push(("Back to the app", return_to.as_str().to_owned()));
        }
        Self {
            code: problem.code.as_str(),
            words: problem_words(problem.code),
            detail: Some(problem.detail.clone()),
            reload: None,
            links,
        }
    }

    /// The page as HTML. Whatever came from outside is text in it.
    #[must_use]
    pub fn to_html(&self) -> String {
        let (tone, title, text) = self.words;
        let mut out = String::from("<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">");
        out.push_str("<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">");
        out.push_str("<meta name=\"robots\" content=\"noindex\">");
        if let Some(href) = &self.reload {
            push(
                &mut out,
                &["<meta http-equiv=\"refresh\" content=\"0;url=", &escaped(href), "\">"],
            );
        }
        push(
            &mut out,
            &["<title>", title, "</title><style>", STYLE, "</style></head>"],
        );
        push(
            &mut out,
            &["<body><main class=\"", tone, "\" data-outcome=\"", self.code, "\">"],
        );
        push(&mut out, &["<h1>", title, "</h1><p>", text, "</p>"]);
        if let Some(detail) = &self.detail {
            let code = self.code;
            push(
                &mut out,
                &[
                    "<p class=\"detail\">For the people who run this app: ",
                    &escaped(detail),
                    " (",
                    code,
                    ")</p>",
                ],
            );
        }
        if !self.links.is_empty() {
            out.push_str("<nav>");
            for (label, href) in &self.links {
                push(&mut out, &["<a href=\"", &escaped(href), "\">", label, "</a>"]);
            }
            out.push_str("</nav>");
        }
        out.push_str("</main></body></html>\n");
        out
    }
}

fn push(out: &mut String, parts: &[&str]) {
    for part in parts {
        out.push_str(part);
    }
}

/// Text as it stands in HTML, between tags and in quotation marks.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for one in text.chars() {
        match one {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            other => out.push(other),
        }
    }
    out
}

/// The link that begins anew. It stands on a page of the Worker's own, so it counts.
fn again(prefix: &str, return_to: Option<&ReturnTo>) -> String {
    let mut href = [prefix, path::CONNECT_LOGIN].concat();
    if let Some(return_to) = return_to {
        href.push('?');
        let end = href.len();
        let mut query = form_urlencoded::Serializer::for_suffix(href, end);
        query.append_pair("return_to", return_to.as_str());
        return query.finish();
    }
    href
}

/// Whether the same address is worth asking for once more.
const fn is_passing(code: ProblemCode) -> bool {
    matches!(
        code,
        ProblemCode::StorageUnavailable
            | ProblemCode::TooManyRequests
            | ProblemCode::KeysUnavailable
            | ProblemCode::ConnectionNotConfirmed
    )
}

/// Whether the owner can help it by starting anew.
const fn starts_anew(code: ProblemCode) -> bool {
    !matches!(
        code,
        ProblemCode::InvalidClient
            | ProblemCode::InvalidParameter
            | ProblemCode::Misconfigured
            | ProblemCode::OriginNotAllowed
            | ProblemCode::ServiceKeyRejected
    )
}

const TELL_US: &str = "Trying again won't help: please tell the people who run this app.";
const FROM_THE_START: &str = "Nothing was connected. Please start again.";

fn outcome_words(outcome: &str) -> Words {
    match outcome {
        "connected" => (
            "good",
            "You're connected",
            "You can close this page and go back to the app.",
        ),
        "reauthenticated" => (
            "good",
            "Your car is connected again",
            "Thank you. Nothing else is needed: you can close this page and go back to the app.",
        ),
        "access_denied" => (
            "info",
            "You didn't give access",
            "Nothing was connected. If you change your mind, start again and allow access on the last page.",
        ),
        "vehicle_incompatible" => (
            "warn",
            "This car can't be connected",
            "It may be too old, or its maker may not support it. If you have another car, try that one.",
        ),
        "invalid_subscription" => (
            "warn",
            "The car's online services are not active",
            "Activate the car's subscription in the car maker's own app, then connect again.",
        ),
        "no_vehicles" => (
            "warn",
            "There is no car in that account",
            "Add the car in the car maker's own app, or log in with the account that has it.",
        ),
        "configuration_error" => ("bad", "This app isn't set up correctly", TELL_US),
        "server_error" => (
            "bad",
            "Something went wrong at Smartcar",
            "Nothing was connected. Wait a few minutes, then try again.",
        ),
        "oem_cancelled_login" => (
            "info",
            "The log-in wasn't finished",
            "You left the car maker's log-in page, so nothing was connected. You can start again at any time.",
        ),
        "user_manually_returned_to_application" => (
            "info",
            "You came back early",
            "Nothing was connected yet. You can start again at any time.",
        ),
        "user_cancelled" => (
            "info",
            "You cancelled",
            "Nothing was connected. You can start again at any time.",
        ),
        "failed" => (
            "bad",
            "The connection didn't work",
            "Nothing was connected. Wait a moment, then start again.",
        ),
        _ => ("bad", "Smartcar reported a problem", FROM_THE_START),
    }
}

fn problem_words(code: ProblemCode) -> Words {
    match code {
        ProblemCode::OriginNotAllowed => (
            "warn",
            "Please start in the app",
            "A connection begins on a page of the app itself. Go there and use its button; nothing has happened so far.",
        ),
        ProblemCode::SessionMissing => (
            "warn",
            "We don't know this browser any more",
            "Nothing was connected. Cookies may be switched off, or you began in another browser or signed out. Please start again here.",
        ),
        ProblemCode::StateUnknown | ProblemCode::StateMissing | ProblemCode::CallbackOtherRedirectUri => (
            "warn",
            "This connection wasn't started here",
            "Nothing was connected. It may have been begun in another browser, or by somebody else. If you want to connect your car, start again here.",
        ),
        ProblemCode::StateExpired => (
            "warn",
            "That took too long",
            "Nothing was connected: a connection has to be finished within ten minutes. Please start again.",
        ),
        ProblemCode::StateUsed => (
            "info",
            "This connection is already finished",
            "Go back to the app to see your cars. If yours is not there, start again.",
        ),
        ProblemCode::TooManyRequests => (
            "warn",
            "There is a crowd just now",
            "Please wait a few seconds, then try again.",
        ),
        ProblemCode::ConnectionNotConfirmed => (
            "info",
            "Nearly there",
            "Smartcar does not list your car yet. Please wait a few seconds, then try again.",
        ),
        ProblemCode::StorageUnavailable | ProblemCode::KeysUnavailable => (
            "bad",
            "Something went wrong on our side",
            "Please wait a few seconds, then try again.",
        ),
        ProblemCode::InvalidClient | ProblemCode::InvalidParameter | ProblemCode::Misconfigured => {
            ("bad", "This app isn't set up correctly", TELL_US)
        }
        ProblemCode::InvalidToken => (
            "warn",
            "Please sign in again",
            "The app's log-in has ended. Sign in there, then start again.",
        ),
        ProblemCode::ExchangeRefused
        | ProblemCode::UpstreamUnavailable
        | ProblemCode::CodeMissing
        | ProblemCode::UserIdMissing
        | ProblemCode::ConnectionNotFound => outcome_words("failed"),
        _ => ("bad", "The connection didn't work", FROM_THE_START),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connect::Origin;

    fn return_to(value: &str) -> ReturnTo {
        ReturnTo::parse(value, "/smartcar", &Origin::parse("https://app.example").unwrap(), &[]).unwrap()
    }

    #[test]
    fn every_outcome_and_every_problem_has_words_of_its_own_kind() {
        let mut titles = std::collections::BTreeSet::new();
        for word in LoginOutcome::all() {
            let (_, title, text) = outcome_words(word);
            assert!(text.ends_with('.') && !title.ends_with('.'), "{word}");
            titles.insert(title);
        }
        assert_eq!(titles.len(), LoginOutcome::all().count());
        for code in ProblemCode::ALL {
            let html = LoginPage::of_problem(&Problem::new(*code, "why"), "/smartcar", None, None).to_html();
            assert!(html.contains(&format!("data-outcome=\"{}\"", code.as_str())), "{html}");
        }
    }

    #[test]
    fn who_can_do_something_about_it_is_told_what() {
        let page = |code| {
            let again = "/smartcar/connect/callback?code=c".to_owned();
            LoginPage::of_problem(&Problem::new(code, "why"), "/smartcar", None, Some(again)).to_html()
        };
        for (code, title, is_passing) in [
            (
                ProblemCode::SessionMissing,
                "We don't know this browser any more",
                false,
            ),
            (ProblemCode::OriginNotAllowed, "Please start in the app", false),
            (ProblemCode::StateUnknown, "This connection wasn't started here", false),
            (ProblemCode::StateUsed, "This connection is already finished", false),
            (ProblemCode::ExchangeRefused, "Wait a moment, then start again", false),
            (ProblemCode::StateExpired, "That took too long", false),
            (ProblemCode::InvalidToken, "Please sign in again", false),
            (ProblemCode::TooManyRequests, "There is a crowd just now", true),
            (
                ProblemCode::StorageUnavailable,
                "Something went wrong on our side",
                true,
            ),
            (ProblemCode::ConnectionNotConfirmed, "Nearly there", true),
        ] {
            let html = page(code).replace("&#39;", "'");
            assert!(html.contains(title), "{code:?}: {html}");
            assert_eq!(html.contains("Try again"), is_passing, "{code:?}");
        }
    }

    #[test]
    fn what_came_from_outside_is_text() {
        let problem = Problem::new(
            ProblemCode::InvalidParameter,
            "`\"><script>alert('1')</script>&` is no parameter",
        );
        let html = LoginPage::of_problem(&problem, "/smartcar", Some(&return_to("/a?b='&c=1")), None).to_html();
        assert!(!html.contains("<script"), "{html}");
        assert!(
            html.contains("`&quot;&gt;&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;&amp;`"),
            "{html}"
        );
        assert!(html.contains("href=\"/a?b=&#39;&amp;c=1\""), "{html}");
        let href = "/smartcar/connect/callback?code=\"><b>&state=s&visit=2".to_owned();
        let html = LoginPage::coming_back(href).to_html();
        assert!(
            html.contains(
                "content=\"0;url=/smartcar/connect/callback?code=&quot;&gt;&lt;b&gt;&amp;state=s&amp;visit=2\""
            )
        );
        assert!(!html.contains("<b>"));
    }

    #[test]
    fn it_says_what_to_do() {
        let problem = |code| Problem::new(code, "why");
        let known = return_to("/cars?a=1&b=2");
        let html =
            LoginPage::of_problem(&problem(ProblemCode::StateExpired), "/smartcar", Some(&known), None).to_html();
        assert!(
            html.contains("href=\"/smartcar/connect/login?return_to=%2Fcars%3Fa%3D1%26b%3D2\">Connect again"),
            "{html}"
        );
        assert!(html.contains("href=\"/cars?a=1&amp;b=2\">Back to the app"), "{html}");
        let passing = problem(ProblemCode::StorageUnavailable);
        let html = LoginPage::of_problem(&passing, "/smartcar", None, Some("/again".to_owned())).to_html();
        assert!(html.contains("<nav><a href=\"/again\">Try again</a></nav>"), "{html}");
        let html = LoginPage::of_problem(&problem(ProblemCode::InvalidClient), "/smartcar", None, None).to_html();
        assert!(
            !html.contains("<nav>") && html.contains("tell the people who run this app"),
            "{html}"
        );
        let done = LoginPage::of_outcome(LoginOutcome::of_answer("{\"kind\":\"connected\"}"), "/smartcar");
        assert!(!done.to_html().contains("<nav>"));
        let denied = LoginPage::of_outcome(LoginOutcome::of_answer("{\"kind\":\"access_denied\"}"), "/smartcar");
        assert!(
            denied
                .to_html()
                .contains("href=\"/smartcar/connect/login\">Connect again")
        );
    }

    #[test]
    fn the_policy_allows_the_style_that_is_there_and_no_script() {
        let html = LoginPage::coming_back(String::new()).to_html();
        let style = html
            .split("<style>")
            .nth(1)
            .and_then(|rest| rest.split("</style>").next())
            .unwrap();
        let hash = Base64::encode_string(&Sha256::digest(style.as_bytes()));
        assert!(page_policy().contains(&format!("style-src 'sha256-{hash}'")));
        assert!(page_policy().starts_with("default-src 'none'") && !page_policy().contains("script"));
        assert!(!STYLE.contains('<') && !STYLE.contains("url("));
    }
}
