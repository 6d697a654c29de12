//! Rules that no compiler checks, looked up in the sources.
#![expect(clippy::unwrap_used, reason = "a test")]

use std::{
    fs,
    path::{Path, PathBuf},
};

fn sources(folder: &str) -> Vec<(PathBuf, String)> {
    fn collect(folder: &Path, found: &mut Vec<(PathBuf, String)>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                collect(&path, found);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                let text = fs::read_to_string(&path).unwrap();
                found.push((path, text));
            }
        }
    }
    let mut found = Vec::new();
    collect(&Path::new(env!("CARGO_MANIFEST_DIR")).join(folder), &mut found);
    assert!(!found.is_empty(), "{folder} has no sources");
    found
}

fn assert_absent(folder: &str, text: &str, but_in: &[&str], why: &str) {
    for (path, source) in sources(folder) {
        let excepted = but_in.iter().any(|part| path.to_string_lossy().contains(part));
        assert!(
            excepted || !source.contains(text),
            "{} has `{text}`: {why}",
            path.display()
        );
    }
}

#[test]
fn the_crate_does_nothing_outside_the_browser_module() {
    let why = "src/ decides, and is tested natively; src/browser and worker/ carry out";
    assert_absent("src", "web_sys", &["src/browser/", "src/connect/address.rs"], why);
    assert_absent("src", "js_sys", &["src/browser/"], why);
    assert_absent("src", "SystemTime", &[], why);
    assert_absent("src", "Instant", &[], why);
    assert_absent("src", "getrandom", &[], why);
    assert_absent("src", "std::net", &[], why);
    assert_absent("src", "worker::", &[], why);
}

#[test]
fn no_error_of_the_worker_reaches_an_answer_or_a_log_unredacted() {
    assert_absent(
        "worker/src",
        "respond_with_errors",
        &[],
        "it sends the text of errors to clients",
    );
    assert_absent(
        "worker/src",
        ":?}",
        &[],
        "`Debug` of a request or of headers prints cookies and tokens",
    );
}

#[test]
fn nothing_follows_redirects() {
    assert_absent(
        "worker/src",
        "RequestRedirect::Follow",
        &[],
        "secrets follow no redirect",
    );
    assert_absent(
        "worker/src",
        "Request::new(",
        &[],
        "it follows redirects: use `http::outgoing`",
    );
    assert_absent(
        "worker/src",
        "Fetch::Url",
        &[],
        "it follows redirects: use `http::outgoing`",
    );
}

/// The types that the macro `secret_string!` defines.
fn secret_types() -> Vec<String> {
    let mut names = Vec::new();
    for (_, source) in sources("src") {
        for (start, _) in source.match_indices("secret_string!") {
            let inside = source[start..].lines().skip(1).map(str::trim);
            let name = inside.take_while(|line| !matches!(*line, ");" | "}")).find(|line| {
                line.starts_with(|first: char| first.is_ascii_uppercase()) && line.chars().all(char::is_alphanumeric)
            });
            names.extend(name.map(str::to_owned));
        }
    }
    names
}

#[test]
fn no_secret_is_compared_by_equality() {
    let secrets = secret_types();
    assert!(secrets.iter().any(|name| name == "AccessToken"), "{secrets:?}");
    let why = "the time that it takes tells how much of a guess is right: use `ct_eq`";
    for name in &secrets {
        for folder in ["src", "worker/src"] {
            assert_absent(folder, &format!("Eq for {name}"), &[], why);
        }
    }
    // The macro derives for all of them.
    let (_, macro_source) = sources("src")
        .into_iter()
        .find(|(path, _)| path.ends_with("src/secret.rs"))
        .unwrap();
    for derive in macro_source.lines().filter(|line| line.contains("derive(")) {
        assert!(!derive.contains("Eq"), "{derive}: {why}");
    }
}

#[test]
fn the_package_of_the_worker_does_not_hide_its_dependency() {
    let manifest = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("worker/Cargo.toml")).unwrap();
    assert!(
        !manifest.lines().any(|line| line.trim() == "name = \"worker\""),
        "it would clash with the crate `worker`"
    );
}
