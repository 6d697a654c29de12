//! What the documentation lists is what there is.
#![cfg(feature = "edge")]
#![expect(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test")]

#[path = "docs/configuration.rs"]
mod configuration;
#[path = "docs/promises.rs"]
mod promises;

use std::{fs, path::Path};

use smartcar_connect::{
    api::{ApiVersion, ENDPOINTS, MOST_PATHS},
    edge::{HANDED_ON, RateLimit},
    http_api::{
        Cause, ConnectionStatus, ErrorCode, ProblemCode,
        connection::CONNECTION,
        finish::{FAILURES, FINISHED},
        header, path,
        problem::SmartcarError,
        schema::Field,
        start::START_RESPONSE,
        vehicle::VEHICLE,
    },
};

const ERRORS: &str = include_str!("../docs/errors.md");
const HTTP_API: &str = include_str!("../docs/http-api.md");
const OPERATIONS: &str = include_str!("../docs/operations.md");
const VEHICLES_API: &str = include_str!("../docs/vehicles-api.md");
const WRANGLER: &str = include_str!("../wrangler.toml");
const README: &str = include_str!("../README.md");

/// The rows of `docs/errors.md`, cell by cell, that begin with a code.
fn errors() -> Vec<Vec<&'static str>> {
    let rows = ERRORS.lines().filter(|line| line.starts_with("| `"));
    rows.map(|row| row.trim_matches(['|', ' ']).split(" | ").collect::<Vec<_>>())
        .filter(|cells| cells[0] != "`code`")
        .collect()
}

#[test]
fn every_error_is_documented_once_with_its_status_and_what_to_do() {
    let of_worker = ProblemCode::ALL
        .iter()
        .map(|code| vec![format!("`{}`", code.as_str()), code.status().to_string()]);
    let of_package = ErrorCode::OWN_NAMES.iter().map(|name| vec![format!("`{name}`")]);
    let codes: Vec<Vec<String>> = of_worker.chain(of_package).collect();
    let errors = errors();
    for code in &codes {
        let rows: Vec<_> = errors.iter().filter(|cells| cells[0] == code[0]).collect();
        assert_eq!(rows.len(), 1, "docs/errors.md has not one row for {}", code[0]);
        let (known, said) = rows[0].split_at(code.len());
        assert_eq!(known, code, "docs/errors.md");
        assert_eq!(said.len(), 2, "{}: what it means, and what to do", code[0]);
        assert!(said.iter().all(|cell| !cell.is_empty()), "{}", code[0]);
    }
    assert_eq!(errors.len(), codes.len(), "docs/errors.md has a row too many");
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

/// Method, path below the mount and name of each operation in the description, which `tests/openapi` holds to the routes.
fn operations() -> Vec<(String, String, String)> {
    let description: serde_json::Value = serde_json::from_str(include_str!("../docs/openapi.json")).unwrap();
    let mut operations = Vec::new();
    for (path, item) in description["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            if let Some(id) = operation["operationId"].as_str() {
                operations.push((method.to_ascii_uppercase(), path.clone(), id.to_owned()));
            }
        }
    }
    operations
}

#[test]
fn every_route_and_its_header_are_documented() {
    let operations = operations();
    assert!(operations.len() > 10);
    // What is passed on has a page of its own, and a test that holds it to the endpoints.
    for (method, path, _) in operations
        .into_iter()
        .filter(|(_, path, _)| !path.starts_with(path::API))
    {
        assert!(HTTP_API.contains(&format!("`{method} {path}`")), "{method} {path}");
    }
    let header = format!("`{}: {}`", header::REQUESTED_WITH, header::REQUESTED_WITH_VALUE);
    assert!(HTTP_API.contains(&header), "{header}");
    assert!(HTTP_API.contains(&format!("`{}` unless", path::DEFAULT_MOUNT)));
}

#[test]
fn every_route_is_documented_by_its_name_in_the_log() {
    for (_, path, id) in operations() {
        // What is passed on has three names in all.
        let id = match path.strip_prefix(path::API) {
            Some(below) if below.ends_with("/batch") => "apiBatch".to_owned(),
            Some(_) if id.starts_with("apiGet") => "apiRead".to_owned(),
            Some(_) => "apiCommand".to_owned(),
            None => id,
        };
        let with_underscores = |one: char| match one.is_ascii_uppercase() {
            true => format!("_{}", one.to_ascii_lowercase()),
            false => one.to_string(),
        };
        let name: String = id.chars().map(with_underscores).collect();
        assert!(
            OPERATIONS.contains(&format!("`{name}`")),
            "docs/operations.md lacks `{name}`"
        );
    }
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
fn every_endpoint_that_is_passed_on_is_documented_and_no_other() {
    let rows: Vec<String> = ENDPOINTS
        .iter()
        .map(|one| {
            if one.version == ApiVersion::V3 {
                let body = if one.takes_body { "JSON" } else { "" };
                let permission = one.permission.map_or_else(String::new, |name| format!("`{name}`"));
                return format!(
                    "| `{}` | `/{{id}}{}` | {permission} | {body} |",
                    one.method.as_str(),
                    one.template
                );
            }
            let permission = match one.permission {
                Some(name) if one.sensitive().is_some() => format!("`{name}` in `API_ALLOW`"),
                Some(name) => format!("`{name}`"),
                None => String::new(),
            };
            let query: Vec<String> = one.query.iter().map(|name| format!("`{name}`")).collect();
            format!(
                "| `{}` | `/{{id}}{}` | {permission} | {} | {} |",
                one.method.as_str(),
                one.template,
                one.makes.join(", "),
                query.join(", ")
            )
        })
        .collect();
    let documented: Vec<&str> = VEHICLES_API
        .lines()
        .filter(|line| line.contains("` | `/{id}"))
        .collect();
    assert_eq!(documented, rows);
    let said = serde_json::to_value(SmartcarError::new(429)).unwrap();
    for name in said.as_object().unwrap().keys() {
        assert!(VEHICLES_API.contains(&format!("`{name}`")), "{name}");
    }
    for header in HANDED_ON {
        assert!(
            VEHICLES_API.contains(&format!("`{header}`")) && header::EXPOSED.contains(header),
            "{header}"
        );
    }
    assert!(VEHICLES_API.contains(&format!("up to {MOST_PATHS} paths")));
    for limit in [RateLimit::Start, RateLimit::Finish, RateLimit::Api] {
        let row = format!("| `{}` |", limit.binding());
        assert!(OPERATIONS.contains(&row), "{row}");
        assert!(WRANGLER.contains(&format!("name = \"{}\"", limit.binding())));
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
    let mut followed = 0;
    let pages = [
        Path::new("."),
        Path::new("docs"),
        Path::new("examples"),
        Path::new("pkg-template"),
        Path::new("tests/simulator"),
        Path::new("examples/garage"),
    ]
    .map(|folder| folder.read_dir().unwrap())
    .into_iter()
    .flatten();
    for page in pages.map(|entry| entry.unwrap().path()) {
        if page.extension().is_none_or(|extension| extension != "md") {
            continue;
        }
        let text = fs::read_to_string(&page).unwrap();
        for link in relative_links(&text) {
            let is_there = page.parent().unwrap().join(link).exists();
            assert!(is_there, "{} links to {link}", page.display());
            followed += 1;
        }
    }
    assert!(followed > 100, "{followed}");
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
