//! What the answer to a batch says, path by path.

use super::{call::ApiTarget, error::ApiError};
use crate::{
    json::lenient::{Object, Value, with_object},
    time::UnixMillis,
};

/// The answer to one path of a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BatchPart {
    /// What the path asks for, of the batch's vehicle.
    pub target: ApiTarget,
    /// Smartcar's error; `None` if it succeeded.
    pub error: Option<ApiError>,
}

impl BatchPart {
    /// Reads the answer to `batch` that arrived `now`. What is no answer to a path that a batch may have is left out.
    #[must_use]
    pub fn read_all(batch: &ApiTarget, answer: &[u8], now: UnixMillis) -> Vec<Self> {
        with_object(answer, |members| {
            let items = members.and_then(|members| members.get("responses")?.items());
            let responses = items.into_iter().flatten().filter_map(Value::object);
            responses
                .filter_map(|response| Self::read(batch, &response, now))
                .collect()
        })
    }

    fn read(batch: &ApiTarget, response: &Object<'_>, now: UnixMillis) -> Option<Self> {
        let target = batch.part(&response.text("path")?)?;
        let code = response.number("code").filter(|code| code.fract() == 0.0)?;
        if (200.0..300.0).contains(&code) {
            return Some(Self { target, error: None });
        }
        if !(400.0..600.0).contains(&code) {
            return None;
        }
        let headers = response.get("headers").and_then(Value::object);
        let header = |name: &str| headers.as_ref()?.text(name);
        let body = response.get("body").map(Value::as_json).unwrap_or_default();
        Some(Self {
            target,
            error: Some(ApiError::read(code as u16, header, body.as_bytes(), now)),
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::api::Found;

    const NOW: UnixMillis = UnixMillis::new(1_790_000_000_000);

    fn target(method: &str, below: &str) -> ApiTarget {
        match ApiTarget::find(method, &format!("/v2.0/vehicles/v1{below}")) {
            Found::Target(target) => target,
            other => panic!("{other:?}"),
        }
    }

    fn read(answer: &str) -> Vec<BatchPart> {
        BatchPart::read_all(&target("POST", "/batch"), answer.as_bytes(), NOW)
    }

    #[test]
    fn each_path_has_its_own_answer() {
        let failed = json!({"type": "CONNECTED_SERVICES_ACCOUNT", "code": "AUTHENTICATION_FAILED"});
        let parts = read(
            &json!({"responses": [
                {"path": "/odometer", "code": 200, "headers": {"sc-unit-system": "metric"}, "body": {"distance": 1}},
                {"path": "/", "code": 200, "body": {"make": "TESLA"}},
                {"path": "/tesla/compass", "code": 400, "headers": {"sc-request-id": "r1"}, "body": failed},
                {"path": "/fuel", "code": 429, "headers": {"retry-after": "7"}, "body": {"type": "RATE_LIMIT"}},
            ]})
            .to_string(),
        );
        let below = ["/odometer", "", "/tesla/compass", "/fuel"];
        assert_eq!(
            parts.iter().map(|part| part.target.clone()).collect::<Vec<_>>(),
            below.map(|below| target("GET", below))
        );
        assert_eq!((&parts[0].error, &parts[1].error), (&None, &None));
        let error = parts[2].error.as_ref().unwrap();
        assert_eq!(
            (error.status, error.code.as_deref(), error.request_id.as_deref()),
            (400, Some("AUTHENTICATION_FAILED"), Some("r1"))
        );
        let limited = parts[3].error.as_ref().unwrap();
        assert_eq!(
            (limited.status, limited.retry_after.map(|wait| wait.as_millis())),
            (429, Some(7_000))
        );
    }

    #[test]
    fn what_is_no_answer_to_a_path_of_a_batch_is_left_out_and_hides_no_other() {
        let good = json!({"path": "/odometer", "code": 200});
        for odd in [
            json!(null),
            json!("x"),
            json!([]),
            json!({}),
            json!({"code": 200}),
            json!({"path": "/odometer"}),
            json!({"path": 1, "code": 200}),
            json!({"path": "/odometer", "code": "x"}),
            json!({"path": "/odometer", "code": 200.5}),
            json!({"path": "/odometer", "code": 302}),
            json!({"path": "/odometer", "code": 0}),
            json!({"path": "/odometer", "code": 99999}),
            json!({"path": "/odometer", "code": -400}),
            json!({"path": "", "code": 200}),
            json!({"path": "odometer", "code": 200}),
            json!({"path": "/application", "code": 404}),
            json!({"path": "/navigation/destination", "code": 404}),
            json!({"path": "/batch", "code": 200}),
            json!({"path": "/../v2/odometer", "code": 200}),
        ] {
            let parts = read(&json!({"responses": [odd, good]}).to_string());
            assert_eq!(parts.len(), 1, "{odd}");
        }
        for none in [
            "",
            "[]",
            "{}",
            "null",
            r#"{"responses":{}}"#,
            r#"{"responses":"x"}"#,
            "<html>",
        ] {
            assert_eq!(read(none), [], "{none}");
        }
    }

    #[test]
    fn an_error_without_a_body_is_one_all_the_same() {
        let parts = read(r#"{"responses":[{"path":"/odometer","code":500},{"path":"/vin","code":403,"body":null}]}"#);
        let statuses: Vec<_> = parts.iter().map(|part| part.error.as_ref().unwrap().status).collect();
        assert_eq!(statuses, [500, 403]);
    }

    proptest! {
        #[test]
        fn no_answer_is_too_odd(bytes in prop::collection::vec(any::<u8>(), 0..200), code in any::<f64>()) {
            let _ = BatchPart::read_all(&target("POST", "/batch"), &bytes, NOW);
            let text = json!({"responses": [{"path": "/vin", "code": code, "body": String::from_utf8_lossy(&bytes)}]});
            prop_assert!(read(&text.to_string()).len() <= 1);
        }
    }
}
