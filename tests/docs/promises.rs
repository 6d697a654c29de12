//! `docs/security.md`: each promise names tests that there are.

use std::fs;

const SECURITY: &str = include_str!("../../docs/security.md");

/// The promises, each with the files and names of its tests.
fn promises() -> Vec<(&'static str, Vec<(&'static str, &'static str)>)> {
    let (_, rest) = SECURITY.split_once("\n## What is promised\n").unwrap();
    let (promised, _) = rest.split_once("\n## ").unwrap();
    let of = |section: &'static str| {
        let (title, text) = section.split_once('\n').unwrap();
        let tests = text
            .lines()
            .filter_map(|line| line.strip_prefix("- `")?.split_once("`: "));
        (title, tests.collect())
    };
    promised.split("\n### ").skip(1).map(of).collect()
}

#[test]
fn every_promise_names_tests_that_there_are() {
    let promises = promises();
    assert!(promises.len() > 12);
    for (title, tests) in promises {
        assert!(!tests.is_empty(), "no test shows: {title}");
        for (file, name) in tests {
            let source = fs::read_to_string(file).unwrap_or_else(|error| panic!("{title}: {file}: {error}"));
            let defined = match file.rsplit_once('.').unwrap().1 {
                "rs" => [format!("fn {name}("), String::new()],
                _ => [
                    format!("test(\"{name}\""),
                    format!("test(`{}`", name.replace('`', "\\`")),
                ],
            };
            let found = defined
                .iter()
                .any(|text| !text.is_empty() && source.contains(text.as_str()));
            assert!(found, "{title}: {file} has no test `{name}`");
        }
    }
}

#[test]
fn no_promise_is_made_elsewhere() {
    for page in ["SECURITY.md", "README.md"] {
        let text = fs::read_to_string(page).unwrap();
        assert!(!text.contains("## What is promised"), "{page}");
        assert!(
            text.contains("docs/security.md"),
            "{page} does not lead to the promises"
        );
    }
}
