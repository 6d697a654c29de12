//! Errors of Smartcar's API and of its token endpoints: `error_bodies`.

use serde_json::Value;
use smartcar_connect::{
    api::{ApiError, ResolutionKind},
    connect::{Origin, ReauthenticateUrl, RedirectUri, State, VehicleId},
    time::{Millis, UnixMillis},
    token::{TokenError, read_response},
    vault::{Complaint, MarkCause},
};
use url::Url;

use crate::{Ran, Section, id};

pub(crate) const SECTIONS: &[Section] = &[Section {
    name: "error_bodies",
    run,
    not_applicable: &[],
}];

const SDKS_OWN_WORDS: &str =
    "the type `SDK_ERROR` and the text `Unknown error` are the SDK's own: nothing is made up here";

fn run(case: &Value) -> Ran {
    let status = u16::try_from(case["status"].as_u64().unwrap()).unwrap();
    let body = match case.get("body_text") {
        Some(text) => text.as_str().unwrap().as_bytes().to_vec(),
        None => serde_json::to_vec(&case["body_json"]).unwrap(),
    };
    let header = |name: &str| {
        let headers = case["headers"].as_object().unwrap();
        let value = headers.iter().find(|(header, _)| header.eq_ignore_ascii_case(name))?.1;
        Some(value.as_str().map_or_else(|| value.to_string(), str::to_owned))
    };
    let error = ApiError::read(status, header, &body, UnixMillis::EPOCH);
    let mut ran = Ran::AsGiven;
    for (name, expected) in case["expect"].as_object().unwrap() {
        let context = format!("{}: {name}", id(case));
        let expected = match expected.as_str() {
            Some("SDK_ERROR" | "Unknown error") => {
                ran = Ran::Substituted(SDKS_OWN_WORDS);
                &Value::Null
            }
            _ => expected,
        };
        match name.as_str() {
            "type" => assert_eq!(error.error_type.as_deref(), expected.as_str(), "{context}"),
            "code" => assert_eq!(error.code.as_deref(), expected.as_str(), "{context}"),
            "status" => assert_eq!(Some(u64::from(error.status)), expected.as_u64(), "{context}"),
            "description" | "message" => assert_eq!(error.description.as_deref(), expected.as_str(), "{context}"),
            "doc_url" => assert_eq!(error.doc_url.as_deref(), expected.as_str(), "{context}"),
            "detail" => {
                let items: Vec<serde_json::Value> = error
                    .detail
                    .iter()
                    .map(|item| serde_json::from_str(item).unwrap())
                    .collect();
                assert_eq!(Some(&items), expected.as_array(), "{context}");
            }
            "detail_len" => assert_eq!(Some(error.detail.len() as u64), expected.as_u64(), "{context}"),
            "retry_after_s" => {
                assert_eq!(error.retry_after, expected.as_u64().map(Millis::from_secs), "{context}");
            }
            // "<id> (header) in Java; Node/Ruby prefer the body's": the header stands here.
            "request_id" => assert_eq!(
                error.request_id.as_deref(),
                expected.as_str().unwrap().split(' ').next(),
                "{context}"
            ),
            "resolution" => resolution(&error, expected, &context),
            "resolution_extra" => assert_eq!(error.resolution, None, "{context}: it says nothing of a known kind"),
            "terminal" => assert!(
                matches!(
                    read_response(status, None, &body, UnixMillis::EPOCH),
                    Err(TokenError::InvalidGrant)
                ),
                "{context}"
            ),
            "action" => action(&error, expected.as_str().unwrap(), &context),
            "reauth_url_needs" => reauthenticate_url(&error, expected, &context),
            other => panic!("nothing checks {other}"),
        }
    }
    ran
}

fn resolution(error: &ApiError, expected: &Value, context: &str) {
    let resolution = error.resolution.as_ref().unwrap();
    let kind = match expected["type"].as_str().unwrap() {
        "REAUTHENTICATE" => ResolutionKind::Reauthenticate,
        "RETRY_LATER" => ResolutionKind::RetryLater,
        other => panic!("{context}: {other}"),
    };
    assert_eq!(resolution.kind, kind, "{context}");
    assert_eq!(resolution.url.as_deref(), expected["url"].as_str(), "{context}");
}

fn action(error: &ApiError, expected: &str, context: &str) {
    let rejects_token = match expected {
        "reauthenticate" => {
            let resolution = error.resolution.as_ref().unwrap();
            assert_eq!(resolution.kind, ResolutionKind::Reauthenticate, "{context}");
            marks(error, context);
            false
        }
        "refresh_token_once_then_reconnect" => {
            let vehicle = VehicleId::parse("v1").unwrap();
            assert_eq!(
                Complaint::of(error, None, &vehicle, &Origin::connect()),
                None,
                "{context}"
            );
            true
        }
        other => panic!("{context}: {other}"),
    };
    assert_eq!(error.rejects_token(), rejects_token, "{context}");
}

/// The vehicle is marked, with the way back that Smartcar gives.
fn marks(error: &ApiError, context: &str) {
    let url = error
        .resolution
        .as_ref()
        .and_then(|resolution| resolution.url.as_deref());
    let named = url.and_then(|url| {
        let url = Url::parse(url).unwrap();
        url.query_pairs()
            .find(|(name, _)| name == "vehicle_id")
            .map(|(_, id)| id.into_owned())
    });
    let vehicle = VehicleId::parse(named.as_deref().unwrap_or("v1")).unwrap();
    let complaint = Complaint::of(error, Some("read_odometer"), &vehicle, &Origin::connect()).unwrap();
    let cause = match error.error_type.as_deref() {
        Some("PERMISSION") => MarkCause::PermissionMissing,
        _ => MarkCause::LogInFailed,
    };
    assert_eq!(complaint.cause, cause, "{context}");
    assert_eq!(complaint.resolution_url.as_deref(), url, "{context}");
}

/// The URL of the resolution is complete but for these parameters.
fn reauthenticate_url(error: &ApiError, needed: &Value, context: &str) {
    let given = error
        .resolution
        .as_ref()
        .and_then(|resolution| resolution.url.as_deref())
        .unwrap();
    let state = State::from_random([7; 32]);
    let redirect_uri = RedirectUri::parse("https://example.com/callback").unwrap();
    let url = ReauthenticateUrl::from_resolution(&Origin::connect(), given, &redirect_uri, &state).unwrap();
    let url = Url::parse(&url).unwrap();
    for name in needed.as_array().unwrap() {
        let name = name.as_str().unwrap();
        assert!(
            !given.contains(&format!("{name}=")),
            "{context}: {name} is there already"
        );
        assert_eq!(
            url.query_pairs().filter(|(pair, _)| pair == name).count(),
            1,
            "{context}: {name}"
        );
    }
}
