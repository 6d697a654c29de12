//! The allow-list of endpoints against what Smartcar documents, in both directions.

use std::collections::BTreeSet;

use serde_json::Value;
use smartcar_connect::api::{ENDPOINTS, Effect};

const DOCUMENTED: &str = include_str!("v2_endpoints.json");

/// What the two have to agree on, as a line.
type Line = String;

/// Not of one vehicle: the Worker has routes of its own for them.
const OWN_ROUTES: [&str; 2] = ["/user", "/vehicles"];

fn documented(part: &str) -> Vec<Value> {
    let all: Value = serde_json::from_str(DOCUMENTED).unwrap();
    all[part].as_array().unwrap().clone()
}

fn listed() -> BTreeSet<Line> {
    ENDPOINTS
        .iter()
        .map(|one| {
            let kind = match one.effect {
                Effect::Read => "read",
                Effect::Command => "command",
            };
            format!(
                "{} /vehicles/{{id}}{} {:?} {kind} {:?} {:?}",
                one.method.as_str(),
                one.template,
                one.permission,
                one.makes,
                one.query
            )
        })
        .collect()
}

#[test]
fn every_documented_endpoint_of_a_vehicle_is_listed_and_no_other() {
    let texts = |value: &Value| -> Vec<String> {
        let items = value.as_array().into_iter().flatten();
        items.map(|item| item.as_str().unwrap().to_owned()).collect()
    };
    let expected: BTreeSet<Line> = documented("endpoints")
        .iter()
        .filter(|one| !OWN_ROUTES.contains(&one["path"].as_str().unwrap()))
        .map(|one| {
            format!(
                "{} {} {:?} {} {:?} {:?}",
                one["method"].as_str().unwrap(),
                one["path"].as_str().unwrap(),
                one["permission"].as_str(),
                one["kind"].as_str().unwrap(),
                texts(&one["makes"]),
                texts(&one["query"])
            )
        })
        .collect();
    assert!(expected.len() > 60);
    assert_eq!(listed(), expected);
    assert_eq!(ENDPOINTS.len(), expected.len(), "one is listed twice");
}

#[test]
fn nothing_that_ends_access_or_takes_other_credentials_is_listed() {
    let never = documented("never_passed_on");
    assert!(never.len() > 5);
    for one in never {
        let start = format!("{} {} ", one["method"].as_str().unwrap(), one["path"].as_str().unwrap());
        assert!(!listed().iter().any(|line| line.starts_with(&start)), "{start}");
    }
}

#[test]
fn makes_are_in_small_letters() {
    for make in ENDPOINTS.iter().flat_map(|one| one.makes) {
        assert!(make.bytes().all(|byte| byte.is_ascii_lowercase()), "{make}");
    }
}
