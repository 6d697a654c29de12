//! `docs/openapi.json`, which the Worker serves, is made here of the contract in `src/http_api` and the routes in `src/edge`.
//! `UPDATE_OPENAPI=1 cargo test --all-features --test openapi` writes it anew.
#![cfg(feature = "edge")]
#![expect(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test")]

mod bodies;
mod doc_comments;
mod document;
mod login;
mod operations;
mod passed_on;
mod schemas;

use std::{
    collections::{BTreeMap, BTreeSet},
    env, fs,
};

use smartcar_connect::{
    connect::{ConnectionId, StateFingerprint},
    edge::{Resource, Routed, route, without_identity},
    http_api::ProblemCode,
};

use operations::Credential;

const FILE: &str = "docs/openapi.json";

#[test]
fn the_file_is_what_the_sources_say() {
    let made = serde_json::to_string_pretty(&document::document()).unwrap() + "\n";
    if env::var_os("UPDATE_OPENAPI").is_some() {
        fs::write(FILE, &made).unwrap();
    }
    let kept = fs::read_to_string(FILE).unwrap_or_default();
    let differs = made.lines().zip(kept.lines()).find(|(made, kept)| made != kept);
    let remedy = "UPDATE_OPENAPI=1 cargo test --all-features --test openapi";
    assert!(made == kept, "{FILE} is not up to date: run `{remedy}`; {differs:?}");
}

/// The path of a resource as it is asked for.
fn concrete(path: &str) -> String {
    path.replace("{fingerprint}", operations::fingerprint().as_str())
        .replace("{id}", operations::id().as_str())
        .replace("{vehicleId}", passed_on::VEHICLE)
        .replace("{signalCode}", passed_on::SIGNAL)
        .replace("{scheduleId}", passed_on::SCHEDULE)
}

#[test]
fn every_operation_leads_to_its_resource() {
    for resource in operations::resources() {
        let operation = operations::of(&resource);
        let path = concrete(&operation.path);
        assert_eq!(route("", operation.method, &path), Routed::To(resource), "{path}");
    }
}

#[test]
fn every_method_of_a_path_is_described_and_no_other() {
    let mut described: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
    for resource in operations::resources() {
        let operation = operations::of(&resource);
        let methods = described.entry(concrete(&operation.path)).or_default();
        methods.insert(operation.method);
        if operation.method == "GET" && !matches!(resource, Resource::Api(_)) && !resource.is_page() {
            // The same, without a body.
            methods.insert("HEAD");
        }
    }
    for (path, methods) in described {
        let Routed::Preflight { allow } = route("", "OPTIONS", &path) else {
            panic!("{path} is no route");
        };
        assert_eq!(allow.split(", ").collect::<BTreeSet<_>>(), methods, "{path}");
    }
}

#[test]
fn every_resource_is_described_once() {
    let names: Vec<String> = operations::resources().iter().map(document::operation_id).collect();
    assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len(), "{names:?}");
    // `of` has an arm for each, and the list has what the arms have.
    assert!(names.len() > 10);
}

#[test]
fn a_body_is_described_where_one_is_taken() {
    for resource in operations::resources() {
        let operation = operations::of(&resource);
        assert_eq!(
            operation.request.is_some(),
            resource.takes_body(),
            "{}",
            resource.name()
        );
    }
}

#[test]
fn every_problem_is_described_somewhere() {
    let mut described = BTreeSet::new();
    for resource in operations::resources() {
        let operation = operations::of(&resource);
        let codes = document::problems(&resource, &operation);
        if operation.credential == Credential::Session {
            assert!(codes.contains(&without_identity(&resource).code), "{}", resource.name());
        }
        described.extend(codes.into_iter().map(ProblemCode::as_str));
    }
    let missing: Vec<&str> = ProblemCode::NAMES
        .iter()
        .copied()
        .filter(|name| !described.contains(name))
        .collect();
    // No operation has it: it is the answer where there is none.
    assert_eq!(missing, [ProblemCode::MethodNotAllowed.as_str()]);
}

#[test]
fn what_the_patterns_of_paths_let_through_is_taken() {
    // A last character has the bits that are left over from the bytes before: only these values.
    for last in "AQgw".chars() {
        ConnectionId::parse(&format!("{}{last}", "_".repeat(21))).unwrap();
    }
    for last in "AEIMQUYcgkosw048".chars() {
        StateFingerprint::parse(&format!("{}{last}", "-".repeat(42))).unwrap();
    }
    let letters = || ('A'..='Z').chain('a'..='z').chain('0'..='9').chain(['-', '_']);
    let ids = letters().filter(|last| ConnectionId::parse(&format!("{}{last}", "_".repeat(21))).is_ok());
    assert_eq!(ids.collect::<String>(), "AQgw");
    let fingerprints = letters().filter(|last| StateFingerprint::parse(&format!("{}{last}", "-".repeat(42))).is_ok());
    assert_eq!(fingerprints.collect::<String>(), "AEIMQUYcgkosw048");
}
