//! Input: the status, the headers `SC-Request-Id` and `Retry-After` (or empty lines) and the body of an answer of the API.

use serde_json::Value;
use smartcar_connect::{
    api::{
        ApiError, ApiRequest, ApiTarget, ConnectionPage, Found, VehicleAttributes, VehiclePage, findings, read_user,
    },
    connect::{ConnectionId, Origin, UserId},
    edge::ConnectionAccess,
    http_api::retry_after::LONGEST_RETRY_AFTER,
    time::{Millis, UnixMillis},
    vault::Marks,
};
use url::Url;

use super::{NOW, first_text_line, odd_members::with_odd_members};

pub fn check(data: &[u8]) {
    let (status, rest) = first_text_line(data);
    let (request_id, rest) = first_text_line(rest);
    let (retry_after, body) = first_text_line(rest);
    let Ok(status) = status.parse::<u16>() else { return };
    let header = |name: &str| {
        let value = if name == "retry-after" { retry_after } else { request_id };
        Some(value.to_owned()).filter(|value| !value.is_empty())
    };
    let error = ApiError::read(status, header, body, NOW);
    is_safe_to_show(&error);
    repeats_the_body(&error, body);
    let is_plausible = retry_after.bytes().any(|byte| byte.is_ascii_digit());
    assert!(
        error
            .retry_after
            .is_none_or(|span| is_plausible && span <= LONGEST_RETRY_AFTER)
    );
    assert_eq!(error.rejects_token(), status == 401);
    lists(body);
    let asked = asked_in_v3();
    for target in &asked {
        says_the_same_twice(target, body);
    }
    for odd in with_odd_members(body) {
        let again = ApiError::read(status, header, &odd, NOW);
        assert_eq!((error.name(), &error.resolution), (again.name(), &again.resolution));
        assert_eq!(VehiclePage::read(body, 0), VehiclePage::read(&odd, 0));
        assert_eq!(VehicleAttributes::read(body), VehicleAttributes::read(&odd));
        assert_eq!(read_user(body), read_user(&odd));
        assert_eq!(ConnectionPage::read(body, 1), ConnectionPage::read(&odd, 1));
        for target in &asked {
            assert_eq!(findings(target, body, NOW), findings(target, &odd, NOW));
        }
    }
    only_objects(body);
}

/// What the answers of v3 are to that say inside what came of it.
fn asked_in_v3() -> Vec<ApiTarget> {
    let asked = [
        ("GET", ""),
        ("GET", "/signals"),
        ("GET", "/signals/odometer-traveleddistance"),
        ("POST", "/commands/security/lock"),
    ];
    let find = |(method, below)| match ApiTarget::find(method, &format!("/v3/vehicles/v1{below}")) {
        Found::Target(target) => target,
        other => panic!("{other:?}"),
    };
    asked.map(find).into()
}

/// What a vault was told of an answer is no news any more, and what was found before the owner connected never is any.
fn says_the_same_twice(target: &ApiTarget, body: &[u8]) {
    let found = findings(target, body, NOW);
    for error in found.iter().filter_map(|finding| finding.error.as_ref()) {
        is_safe_to_show(error);
    }
    let connected_at = UnixMillis::new(NOW.as_millis() - Millis::from_hours(1).as_millis());
    let mut access = ConnectionAccess {
        connection_id: ConnectionId::from_random([7; 16]),
        user_id: UserId::parse("u1").expect("an id"),
        connected_at,
        marks: Marks::default(),
    };
    let connect = Origin::connect();
    for report in access.reports(&found, target.vehicle(), &connect, NOW) {
        access.marks = access.marks.reported(&report, connected_at, NOW);
    }
    for mark in &access.marks.wanted {
        assert!((connected_at..=NOW).contains(&mark.since));
        assert!(found.iter().any(|finding| finding.error.is_some()));
    }
    assert_eq!(access.reports(&found, target.vehicle(), &connect, NOW), []);
}

/// A list stands for nothing.
fn only_objects(body: &[u8]) {
    if serde_json::from_slice::<Value>(body).is_ok_and(|body| !body.is_object()) {
        assert!(VehicleAttributes::read(body).is_none() && VehiclePage::read(body, 0).is_none());
        assert!(read_user(body).is_none() && ConnectionPage::read(body, 1).is_none());
        assert!(
            asked_in_v3()
                .iter()
                .all(|target| findings(target, body, NOW).is_empty())
        );
    }
}

/// The name is made of harmless characters, and what is printed does not hold Smartcar's texts.
fn is_safe_to_show(error: &ApiError) {
    let name = error.name();
    assert!(name.split(':').count() <= 2 && !name.is_empty());
    for part in name.split(':') {
        let legal = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
        assert!((1..=64).contains(&part.len()) && part.bytes().all(legal), "{name}");
    }
    let mut without = error.clone();
    without.description = None;
    without.detail = Vec::new();
    without.request_id = None;
    without.resolution = None;
    without.suggested_user_message = None;
    assert_eq!(format!("{error:?}"), format!("{without:?}"));
}

/// Another parser finds the same texts.
fn repeats_the_body(error: &ApiError, body: &[u8]) {
    match serde_json::from_slice::<Value>(body) {
        Ok(Value::Object(members)) => {
            let listed = members.get("errors").and_then(Value::as_array).into_iter().flatten();
            let listed = listed.filter_map(Value::as_object).next();
            let members = listed.unwrap_or(&members);
            if let Some(code) = &error.code {
                assert_eq!(members["code"], code.as_str());
            }
            if let Some(kind) = &error.error_type {
                let of = |name| members.get(name).and_then(Value::as_str) == Some(kind);
                assert!(of("type") || of("error"));
            }
            for item in &error.detail {
                serde_json::from_str::<Value>(item).expect("JSON");
            }
        }
        Ok(_) => assert!(error.error_type.is_none() && error.code.is_none() && error.detail.is_empty()),
        // This parser is stricter: it also looks at what is skipped.
        Err(_) => {}
    }
}

/// No id leads to another path than its vehicle's, and the pages come to an end.
fn lists(body: &[u8]) {
    let Some(page) = VehiclePage::read(body, 0) else { return };
    let api = Origin::api();
    for id in &page.vehicles {
        for (request, rest) in [
            (ApiRequest::vehicle(&api, id), ""),
            (ApiRequest::disconnect(&api, id), "/application"),
        ] {
            let url = Url::parse(&request.url).expect("a URL");
            assert_eq!(url.origin().ascii_serialization(), api.as_str());
            assert!(url.username().is_empty() && url.password().is_none());
            assert_eq!(url.path(), format!("/v2.0/vehicles/{}{rest}", id.as_str()));
        }
    }
    assert!(page.next.is_none_or(|next| next > 0));
}
