//! The allow-list of endpoints against what Smartcar documents, in both directions and for both versions.

use std::collections::BTreeSet;

use serde_json::Value;
use smartcar_connect::api::{ApiVersion, ENDPOINTS, Effect, Endpoint};

/// What the two have to agree on, as a line.
type Line = String;

/// A version, and what is documented of it.
const VERSIONS: [(ApiVersion, &str); 2] = [
    (ApiVersion::V2, include_str!("v2_endpoints.json")),
    (ApiVersion::V3, include_str!("v3_endpoints.json")),
];

/// Not of one vehicle: the Worker has routes of its own for them.
const OWN_ROUTES: [&str; 2] = ["/user", "/vehicles"];

fn parts(documented: &str, part: &str) -> Vec<Value> {
    let all: Value = serde_json::from_str(documented).unwrap();
    all[part].as_array().unwrap().clone()
}

fn listed(version: ApiVersion) -> impl Iterator<Item = &'static Endpoint> {
    ENDPOINTS.iter().filter(move |one| one.version == version)
}

fn line(one: &Endpoint) -> Line {
    let kind = match one.effect {
        Effect::Read => "read",
        Effect::Command => "command",
    };
    format!(
        "{} /vehicles/{{id}}{} {:?} {kind} {:?} {:?} {}",
        one.method.as_str(),
        one.template,
        one.permission,
        one.makes,
        one.query,
        one.takes_body
    )
}

#[test]
fn every_documented_endpoint_of_a_vehicle_is_listed_and_no_other() {
    let texts = |value: &Value| -> Vec<String> {
        let items = value.as_array().into_iter().flatten();
        items.map(|item| item.as_str().unwrap().to_owned()).collect()
    };
    for (version, documented) in VERSIONS {
        let expected: BTreeSet<Line> = parts(documented, "endpoints")
            .iter()
            .filter(|one| !OWN_ROUTES.contains(&one["path"].as_str().unwrap()))
            .map(|one| {
                let method = one["method"].as_str().unwrap();
                // In v2 every request that may have a body has one.
                let has_body = one["body"].as_bool().unwrap_or(matches!(method, "POST" | "PUT"));
                format!(
                    "{method} {} {:?} {} {:?} {:?} {has_body}",
                    one["path"].as_str().unwrap(),
                    one["permission"].as_str(),
                    one["kind"].as_str().unwrap(),
                    texts(&one["makes"]),
                    texts(&one["query"])
                )
            })
            .collect();
        assert!(expected.len() > 10);
        assert_eq!(listed(version).map(line).collect::<BTreeSet<_>>(), expected);
        assert_eq!(listed(version).count(), expected.len(), "one is listed twice");
    }
}

#[test]
fn nothing_that_ends_access_or_takes_other_credentials_is_listed() {
    for (version, documented) in VERSIONS {
        let never = parts(documented, "never_passed_on");
        assert!(never.len() > 5);
        for one in never {
            let start = format!("{} {} ", one["method"].as_str().unwrap(), one["path"].as_str().unwrap());
            assert!(
                !listed(version).any(|listed| line(listed).starts_with(&start)),
                "{start}"
            );
        }
    }
}

#[test]
fn makes_are_in_small_letters() {
    for make in ENDPOINTS.iter().flat_map(|one| one.makes) {
        assert!(make.bytes().all(|byte| byte.is_ascii_lowercase()), "{make}");
    }
}
