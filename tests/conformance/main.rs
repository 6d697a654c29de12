//! The cases collected from Smartcar's documentation and from the tests of its official SDKs, run as data.
//!
//! Each section of `smartcar_cases.json` is run by a [`Section`]. What cannot be run is listed with the reason, and a list
//! that no longer fits the data fails the test.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test, outside its functions too"
)]

mod callbacks;
mod connect_urls;
#[cfg(feature = "edge")]
mod error_bodies;
#[cfg(feature = "edge")]
mod misc;
mod peers;
#[cfg(feature = "edge")]
mod token_endpoint;
#[cfg(feature = "edge")]
mod vehicle_endpoints;
#[cfg(feature = "edge")]
mod webhooks;

use std::io::Write as _;

use serde_json::Value;

/// The data as Smartcar's SDKs and documentation have it.
const CASES: &str = include_str!("smartcar_cases.json");

/// How the cases of one section are run.
struct Section {
    name: &'static str,
    run: fn(&Value) -> Ran,
    /// Cases that are not applicable, each with its reason. `*` stands for all of the section.
    not_applicable: &'static [(&'static str, &'static str)],
}

/// How a case was run.
enum Ran {
    AsGiven,
    /// With a legal value in place of one that is refused on purpose; that it is refused is part of the case.
    Substituted(&'static str),
}

/// A section of which no case is run here.
const fn skipped(name: &'static str, reason: &'static [(&'static str, &'static str)]) -> Section {
    Section {
        name,
        run: |case| panic!("{} is listed as not applicable", id(case)),
        not_applicable: reason,
    }
}

/// What handles secrets.
#[cfg(feature = "edge")]
const EDGE: &[&[Section]] = &[
    token_endpoint::SECTIONS,
    error_bodies::SECTIONS,
    webhooks::SECTIONS,
    misc::SECTIONS,
];
#[cfg(not(feature = "edge"))]
const EDGE: &[&[Section]] = &[&[
    skipped("token_endpoint", &[("*", "needs the feature `edge`")]),
    skipped("error_bodies", &[("*", "needs the feature `edge`")]),
    skipped("webhook_hmac", &[("*", "needs the feature `edge`")]),
    skipped("management_and_misc", &[("*", "needs the feature `edge`")]),
]];

#[test]
fn every_case_is_run_or_listed() {
    let data: Value = serde_json::from_str(CASES).unwrap();
    let sections: Vec<&Section> = [connect_urls::SECTIONS, callbacks::SECTIONS, peers::SECTIONS]
        .iter()
        .chain(EDGE)
        .copied()
        .flatten()
        .collect();
    let mut out = std::io::stdout().lock();
    let (mut run, mut not_applicable, mut total) = (0, 0, 0);

    for (name, cases) in data.as_object().unwrap() {
        let Some(cases) = cases.as_array() else { continue };
        let section = sections.iter().find(|section| section.name == name);
        let section = section.unwrap_or_else(|| panic!("nothing runs the section {name}"));
        let mut stale: Vec<&str> = section.not_applicable.iter().map(|(case, _)| *case).collect();
        let run_before = run;
        for case in cases {
            total += 1;
            let listed = section
                .not_applicable
                .iter()
                .find(|(listed, _)| *listed == id(case) || *listed == "*");
            if let Some((listed, reason)) = listed {
                not_applicable += 1;
                stale.retain(|case| case != listed);
                writeln!(out, "conformance: {name}/{}: not applicable: {reason}", id(case)).unwrap();
                continue;
            }
            if let Ran::Substituted(reason) = (section.run)(case) {
                writeln!(out, "conformance: {name}/{}: run with a substitute: {reason}", id(case)).unwrap();
            }
            run += 1;
        }
        assert!(
            stale.is_empty(),
            "{name}: listed as not applicable, yet not in the data: {stale:?}"
        );
        writeln!(
            out,
            "conformance: {name}: {} of {} cases run",
            run - run_before,
            cases.len()
        )
        .unwrap();
    }

    for section in sections {
        assert!(
            data[section.name].is_array(),
            "the section {} is not in the data",
            section.name
        );
    }
    assert_eq!(run + not_applicable, total);
    writeln!(
        out,
        "conformance: {run} cases run, {not_applicable} not applicable, {total} in all"
    )
    .unwrap();
}

fn id(case: &Value) -> &str {
    case["id"].as_str().unwrap()
}

/// The string at `key`, if there is one.
fn text<'a>(value: &'a Value, key: &str) -> Option<&'a str> {
    value.get(key).and_then(Value::as_str)
}
