//! What a caller is told of a request to `/api/v2.0/…` that Smartcar did not answer with success.

use crate::{
    api::{ApiError, CallError, LimitScope, MOST_PATHS},
    edge::{problem::Problem, quote::quoted},
    http_api::{ProblemCode, problem::SmartcarError},
    time::Millis,
};

/// How soon a request more than there may be at once is worth making again.
const AGAIN_AFTER: Millis = Millis::from_secs(1);

/// How soon Smartcar is worth asking again that did not answer what only reads.
const READ_AGAIN_AFTER: Millis = Millis::from_secs(5);

/// The longest id of a request that is handed on, in bytes.
const LONGEST_REQUEST_ID: usize = 64;

impl From<CallError> for Problem {
    fn from(error: CallError) -> Self {
        let invalid = |detail: String| Self::new(ProblemCode::InvalidParameter, detail);
        let body = |detail: String| Self::new(ProblemCode::InvalidBody, detail);
        let path = |index: usize| format!("requests[{index}].path");
        match error {
            CallError::NotAllowed(sensitive, index) => {
                let detail = [
                    "what needs `",
                    sensitive.name(),
                    "` is passed on only if the setting `API_ALLOW` names it",
                ]
                .concat();
                let problem = Self::new(ProblemCode::EndpointNotAllowed, detail);
                match index {
                    Some(index) => problem.with_field(path(index)),
                    None => problem,
                }
            }
            CallError::Query([]) => invalid("this endpoint takes no query".to_owned()).with_field("query"),
            CallError::Query(names) => {
                let names = names.join("`, `");
                invalid(
                    [
                        "the query may have `",
                        &names,
                        "`, each once, with a number, a date or a coordinate",
                    ]
                    .concat(),
                )
                .with_field("query")
            }
            CallError::UnitSystem => {
                invalid("`sc-unit-system` is `metric` or `imperial`".to_owned()).with_field("sc-unit-system")
            }
            CallError::Body => body("the body is not one JSON object of the documented form".to_owned()),
            CallError::BatchSize => body(format!("a batch has from 1 to {MOST_PATHS} paths")).with_field("requests"),
            CallError::BatchPath(index) => body(
                "this is no path that a batch may read: the paths of the endpoints with `GET`, from the id on"
                    .to_owned(),
            )
            .with_field(path(index)),
        }
    }
}

/// What Smartcar's error is answered with. Its texts are left out, since they may repeat what they are about.
#[must_use]
pub fn smartcar_refused(error: &ApiError) -> Problem {
    let mut said = SmartcarError::new(error.status);
    said.r#type = error.error_type.as_deref().and_then(name);
    said.code = error.code.as_deref().and_then(name);
    said.resolution = error.resolution.as_ref().and_then(|one| name(one.name.as_deref()?));
    said.request_id = error.request_id.as_deref().and_then(request_id);
    let detail = match (&said.r#type, error.rejects_token()) {
        (_, true) => "Smartcar refuses the access token, and the newer one too".to_owned(),
        (Some(kind), _) => ["Smartcar answered ", &quoted(kind), "; `smartcar` says more"].concat(),
        (None, _) => format!("Smartcar answered with the status {}", error.status),
    };
    problem(detail, said, error.retry_after)
}

/// What a request is answered with that would meet a limit that Smartcar has named before: as Smartcar answers it.
#[must_use]
pub fn limit_known(scope: LimitScope, wait: Millis) -> Problem {
    let mut said = SmartcarError::new(429);
    said.r#type = Some("RATE_LIMIT".to_owned());
    said.code = Some(scope.code().to_owned());
    said.resolution = Some("RETRY_LATER".to_owned());
    let detail = match scope {
        LimitScope::Application => "Smartcar has had enough requests of this application; it was not asked again",
        LimitScope::Vehicle => "Smartcar has had enough requests for this vehicle; it was not asked again",
    };
    problem(detail.to_owned(), said, Some(wait))
}

fn problem(detail: String, said: SmartcarError, retry_after: Option<Millis>) -> Problem {
    Problem {
        smartcar: Some(Box::new(said)),
        retry_after,
        ..Problem::new(ProblemCode::SmartcarError, detail)
    }
}

/// What no answer of Smartcar's is answered with, or one that is none.
#[must_use]
pub fn smartcar_silent(is_command: bool, what: &str) -> Problem {
    if is_command {
        let detail = [
            what,
            ": the command may have been carried out; read what it changes before you repeat it",
        ]
        .concat();
        Problem::new(ProblemCode::OutcomeUnknown, detail)
    } else {
        Problem::new(ProblemCode::UpstreamUnavailable, [what, "; try again later"].concat())
            .with_retry_after(READ_AGAIN_AFTER)
    }
}

/// More requests are under way already than there may be.
#[must_use]
pub fn too_much_under_way() -> Problem {
    let detail = "too many requests to Smartcar are under way; wait for one of them";
    Problem::new(ProblemCode::TooManyRequests, detail).with_retry_after(AGAIN_AFTER)
}

/// A name of Smartcar's: letters, digits and `_`, at most 64 of them. Anything else is no name.
fn name(text: &str) -> Option<String> {
    let is_name =
        (1..=64).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    is_name.then(|| text.to_owned())
}

fn request_id(text: &str) -> Option<String> {
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b':');
    let is_id = (1..=LONGEST_REQUEST_ID).contains(&text.len()) && text.bytes().all(legal);
    is_id.then(|| text.to_owned())
}

/// The headers of Smartcar's answers that are handed on.
pub const HANDED_ON: [&str; 4] = ["sc-request-id", "sc-data-age", "sc-fetched-at", "sc-unit-system"];

/// The value of one of them, if it is an id, a time or a name: nothing that could be anything else.
#[must_use]
pub fn handed_on(value: &str) -> Option<String> {
    request_id(value)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{api::Sensitive, time::UnixMillis};

    fn refused(status: u16, body: &str) -> Problem {
        let header = |name: &str| (name == "sc-request-id").then(|| "r1".to_owned());
        smartcar_refused(&ApiError::read(status, header, body.as_bytes(), UnixMillis::EPOCH))
    }

    #[test]
    fn smartcars_status_stays_where_it_means_something_to_the_caller() {
        for (status, answered) in [
            (400, 400),
            (401, 502),
            (403, 403),
            (404, 404),
            (405, 502),
            (409, 409),
            (415, 502),
            (429, 429),
            (430, 430),
            (500, 502),
            (501, 501),
            (502, 502),
            (503, 503),
            (504, 504),
            (302, 502),
            (999, 502),
        ] {
            let problem = refused(status, "");
            assert_eq!(problem.status(), answered, "{status}");
            assert_eq!(problem.smartcar.unwrap().status, status);
        }
    }

    #[test]
    fn names_are_told_and_texts_are_not() {
        let problem = refused(
            400,
            r#"{"type":"CONNECTED_SERVICES_ACCOUNT","code":"AUTHENTICATION_FAILED","description":"hunter2 is no token",
                "resolution":{"type":"REAUTHENTICATE","url":"https://connect.smartcar.com/?token=hunter2"},
                "suggestedUserMessage":"hunter2"}"#,
        );
        let body: serde_json::Value = serde_json::from_str(&problem.to_json("own")).unwrap();
        assert_eq!(
            body["smartcar"],
            serde_json::json!({
                "status": 400, "type": "CONNECTED_SERVICES_ACCOUNT", "code": "AUTHENTICATION_FAILED",
                "resolution": "REAUTHENTICATE", "requestId": "r1",
            })
        );
        assert_eq!(
            (&body["status"], &body["code"]),
            (&400.into(), &"smartcar_error".into())
        );
        assert!(!body.to_string().contains("hunter2"));
        let odd = refused(
            409,
            r#"{"type":"<b>hunter2</b>","code":"hunter2 ","resolution":{"type":"a b"}}"#,
        );
        assert!(!odd.to_json("own").contains("hunter2"));
    }

    #[test]
    fn a_known_limit_is_answered_as_smartcar_would() {
        let problem = limit_known(LimitScope::Vehicle, Millis::new(1_500));
        let body: serde_json::Value = serde_json::from_str(&problem.to_json("own")).unwrap();
        assert_eq!((&body["status"], &body["retryAfter"]), (&429.into(), &2.into()));
        assert_eq!(body["smartcar"]["code"], "VEHICLE");
        assert_eq!(body["smartcar"]["requestId"], serde_json::Value::Null);
    }

    #[test]
    fn a_command_without_an_answer_is_not_to_be_repeated_blindly() {
        let command = smartcar_silent(true, "Smartcar did not answer");
        assert_eq!((command.status(), command.retry_after), (504, None));
        let read = smartcar_silent(false, "Smartcar did not answer");
        assert_eq!((read.status(), read.retry_after), (503, Some(Millis::from_secs(5))));
    }

    #[test]
    fn what_is_not_passed_on_is_told_why() {
        for (error, status, field, text) in [
            (CallError::NotAllowed(Sensitive::Pin, None), 403, None, "`control_pin`"),
            (
                CallError::NotAllowed(Sensitive::UserProfile, Some(3)),
                403,
                Some("requests[3].path"),
                "`API_ALLOW`",
            ),
            (CallError::Query(&[]), 400, Some("query"), "no query"),
            (
                CallError::Query(&["limit", "offset"]),
                400,
                Some("query"),
                "`limit`, `offset`",
            ),
            (CallError::UnitSystem, 400, Some("sc-unit-system"), "`imperial`"),
            (CallError::Body, 400, None, "JSON object"),
            (CallError::BatchSize, 400, Some("requests"), "from 1 to 50"),
            (CallError::BatchPath(7), 400, Some("requests[7].path"), "no path"),
        ] {
            let problem = Problem::from(error);
            assert_eq!((problem.status(), problem.field.as_deref()), (status, field));
            assert!(problem.detail.contains(text), "{}", problem.detail);
        }
    }

    proptest! {
        #[test]
        fn a_header_is_handed_on_only_if_it_is_plain(value: String) {
            if let Some(handed_on) = handed_on(&value) {
                prop_assert_eq!(&handed_on, &value);
                prop_assert!(value.len() <= 64 && !value.contains(|c: char| !c.is_ascii_graphic()));
            }
        }
    }

    #[test]
    fn times_and_ids_are_handed_on() {
        for value in [
            "2026-11-28T23:00:00.000Z",
            "26c14915-0c26-43c5-8e42-9edfc2a66a0f",
            "metric",
        ] {
            assert_eq!(handed_on(value).as_deref(), Some(value));
        }
        for value in ["", "a b", "a\r\nset-cookie: x", "a,b", "a;b=c", &"x".repeat(65)] {
            assert_eq!(handed_on(value), None, "{value}");
        }
    }
}
