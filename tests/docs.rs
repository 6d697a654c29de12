//! What the documentation lists is what there is.
#![cfg(feature = "edge")]

use std::{fs, path::Path};

use smartcar_connect::{
    edge::Config,
    http_api::{
        Cause, ConnectionStatus, ProblemCode,
        connection::CONNECTION,
        finish::{FAILURES, FINISHED},
        header, path,
        schema::Field,
        start::START_RESPONSE,
        vehicle::VEHICLE,
    },
};

const HTTP_API: &str = include_str!("../docs/http-api.md");
const README: &str = include_str!("../README.md");

#[test]
fn every_problem_is_documented_with_its_status() {
    for code in ProblemCode::ALL {
        let row = format!("| `{}` | {} |", code.as_str(), code.status());
        assert!(HTTP_API.contains(&row), "docs/http-api.md lacks the row {row}");
    }
    let rows = HTTP_API
        .lines()
        .filter(|line| line.starts_with("| `") && line.split(" | ").nth(1).is_some_and(is_status));
    assert_eq!(
        rows.count(),
        ProblemCode::ALL.len(),
        "docs/http-api.md has a row too many"
    );
}

fn is_status(cell: &str) -> bool {
    cell.parse::<u16>().is_ok()
}

#[test]
fn every_status_and_cause_is_documented() {
    for status in ConnectionStatus::NAMES {
        assert!(HTTP_API.contains(&format!("| `{status}` |")), "{status}");
    }
    for cause in Cause::NAMES {
        assert!(HTTP_API.contains(&format!("`{cause}`")), "{cause}");
    }
}

#[test]
fn every_route_and_its_header_are_documented() {
    for (method, path) in [
        ("POST", path::CONNECT_START),
        ("POST", path::CONNECT_FINISH),
        ("GET", path::CONNECTIONS),
        ("DELETE", path::CONNECTIONS),
        ("GET", path::VEHICLES),
        ("POST", path::INTERNAL_TOKEN),
        ("GET", path::INTERNAL_ROTATION),
        ("POST", path::INTERNAL_SESSIONS),
        ("POST", path::SESSION),
        ("DELETE", path::SESSION),
        ("GET", path::HEALTH),
    ] {
        assert!(HTTP_API.contains(&format!("`{method} {path}`")), "{method} {path}");
    }
    let header = format!("`{}: {}`", header::REQUESTED_WITH, header::REQUESTED_WITH_VALUE);
    assert!(HTTP_API.contains(&header), "{header}");
    assert!(HTTP_API.contains(&format!("`{}` unless", path::DEFAULT_MOUNT)));
}

#[test]
fn every_field_of_an_answer_is_documented() {
    let failures = FAILURES.iter().chain(FINISHED);
    let fields = [CONNECTION, VEHICLE, START_RESPONSE]
        .into_iter()
        .chain(failures.clone().map(|(_, schema)| *schema))
        .flatten();
    for Field { name, .. } in fields {
        let documented = [format!("\"{name}\""), format!("`{name}`")]
            .iter()
            .any(|text| HTTP_API.contains(text));
        assert!(documented, "docs/http-api.md does not say what `{name}` is");
    }
    for (kind, _) in failures {
        let documented = [format!("\"{kind}\""), format!("`{kind}`")]
            .iter()
            .any(|text| HTTP_API.contains(text));
        assert!(documented, "docs/http-api.md lacks the outcome `{kind}`");
    }
}

#[test]
fn every_setting_is_documented() {
    let asked = std::cell::RefCell::new(Vec::new());
    let config = Config::read(|name| {
        asked.borrow_mut().push(name.to_owned());
        None
    });
    assert!(config.is_err());
    for name in asked.into_inner() {
        assert!(
            README.contains(&format!("`{name}`")),
            "README.md does not say what `{name}` is"
        );
    }
}

/// What a page links to beside it: without addresses elsewhere, and without the place in the page.
fn relative_links(page: &str) -> impl Iterator<Item = &str> {
    page.split("](")
        .skip(1)
        .filter_map(|rest| rest.split_once(')'))
        .map(|(target, _)| target.split('#').next().unwrap_or_default())
        .filter(|target| !target.is_empty() && !target.contains(':'))
}

#[test]
fn every_page_links_to_files_that_exist() {
    // Tests run in the package's directory, wherever that was when they were compiled.
    let root = Path::new("");
    let mut followed = 0;
    for page in [
        "README.md",
        "CHANGELOG.md",
        "CONTRIBUTING.md",
        "SECURITY.md",
        "docs/design.md",
        "docs/http-api.md",
        "docs/operations.md",
        "docs/storage.md",
        "docs/users.md",
    ] {
        let file = root.join(page);
        let text = fs::read_to_string(&file).unwrap();
        for link in relative_links(&text) {
            assert!(file.parent().unwrap().join(link).exists(), "{page} links to {link}");
            followed += 1;
        }
    }
    assert!(followed > 10);
}

#[test]
fn the_crate_is_published_with_what_its_readme_links_to() {
    let manifest = include_str!("../Cargo.toml");
    let (_, list) = manifest.split_once("\ninclude = [").unwrap();
    let (list, _) = list.split_once(']').unwrap();
    let patterns: Vec<&str> = list.split('"').skip(1).step_by(2).collect();
    let is_published = |link: &str| {
        let path = format!("/{link}");
        patterns.iter().any(|pattern| match pattern.split_once('*') {
            Some((start, end)) => path.starts_with(start) && path.ends_with(end.trim_start_matches('*')),
            None => path == *pattern,
        })
    };
    assert!(!is_published("Makefile"));
    for link in relative_links(README) {
        assert!(is_published(link), "Cargo.toml does not include {link}");
    }
}
