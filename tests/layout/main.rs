//! Rules that no compiler checks, looked up in the sources.
#![expect(clippy::unwrap_used, reason = "a test")]

mod imports;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use imports::{Module, imports, module_of};

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
    // Tests run in the package's directory, wherever that was when they were compiled.
    collect(Path::new(folder), &mut found);
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
    let why = "src/ decides, and is tested natively; pkg-template/ and worker/ carry out";
    assert_absent("src", "web_sys", &["src/browser/", "src/connect/url_parts.rs"], why);
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
fn storage_is_given_no_more_keys_at_once_than_the_platform_takes() {
    let why = "it takes 128 keys at once, which the local runtime does not enforce: make a transaction";
    let calls = ["put_multiple", "delete_multiple"];
    for call in calls {
        assert_absent("worker/src", call, &["vault/storage.rs", "webhooks/storage.rs"], why);
    }
    for written in ["vault/storage.rs", "webhooks/storage.rs"] {
        let (_, storage) = sources("worker/src")
            .into_iter()
            .find(|(path, _)| path.ends_with(written))
            .unwrap();
        let used: usize = calls.iter().map(|call| storage.matches(call).count()).sum();
        assert_eq!(used, storage.matches(".chunks(MAX_KEYS_PER_CALL)").count(), "{why}");
        assert!(used > 1, "nothing is written");
    }
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
        for definition in source.split("secret_string!").skip(1) {
            let inside = definition.lines().skip(1).map(str::trim);
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
    // Exposed, they must not be compared either.
    for folder in ["src", "worker/src"] {
        for (path, source) in sources(folder) {
            let is_test = path.iter().any(|part| part == "tests");
            let source = source
                .split("#[cfg(test)]")
                .next()
                .filter(|_| !is_test)
                .unwrap_or_default();
            for line in source.lines().filter(|line| line.contains("expose()")) {
                let compares = line.contains("==") || line.contains("!=");
                assert!(!compares, "{}: `{}`: {why}", path.display(), line.trim());
            }
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
    let manifest = fs::read_to_string("worker/Cargo.toml").unwrap();
    assert!(
        !manifest.lines().any(|line| line.trim() == "name = \"worker\""),
        "it would clash with the crate `worker`"
    );
}

/// What is compiled into the browser module, and what both halves share.
const SECRET_FREE: [&str; 3] = ["connect", "http_api", "browser"];

#[test]
fn nothing_without_secrets_reaches_for_what_has_them() {
    for (module, imported) in imports("src") {
        if !SECRET_FREE.contains(&module[0].as_str()) {
            continue;
        }
        for target in imported {
            let free = SECRET_FREE.contains(&target[0].as_str())
                || ["secret", "string_enum", "time"].contains(&target[0].as_str());
            assert!(free, "{} imports {}", module.join("::"), target.join("::"));
        }
    }
}

#[test]
fn the_shared_half_knows_nothing_of_the_browser() {
    for (module, imported) in imports("src") {
        let may_not = match module[0].as_str() {
            "connect" => &["http_api", "browser"][..],
            "http_api" => &["browser"],
            _ => &[],
        };
        for target in imported {
            let name = target.join("::");
            assert!(
                !may_not.contains(&target[0].as_str()),
                "{} imports {name}",
                module.join("::")
            );
        }
    }
}

#[test]
fn no_files_import_each_other_in_a_circle() {
    for (folder, least) in [("src", 70), ("worker/src", 25)] {
        let mut left = imports(folder);
        assert!(left.len() > least, "{left:?}");
        // Files that import nothing that is left are taken away, until there is none.
        loop {
            let modules: BTreeSet<Module> = left.keys().cloned().collect();
            let before = left.len();
            left.retain(|_, imported| imported.iter().any(|target| modules.contains(target)));
            if left.len() == before {
                break;
            }
        }
        assert!(left.is_empty(), "these import each other: {:?}", left.keys());
    }
}

#[test]
fn the_methods_of_a_type_stand_in_one_file() {
    for folder in ["src", "worker/src"] {
        let mut homes: BTreeMap<(Module, String), BTreeSet<PathBuf>> = BTreeMap::new();
        for (path, source) in sources(folder) {
            // Two halves may each have a `Client`.
            let half: Module = module_of(folder, &path).into_iter().flatten().take(1).collect();
            let source = source.split("#[cfg(test)]").next().unwrap();
            for line in source
                .lines()
                .filter(|line| line.starts_with("impl") && !line.contains(" for "))
            {
                let name = line.trim_start_matches("impl").trim_start();
                // What stands in angle brackets before the name are its parameters.
                let name = name
                    .split_once("> ")
                    .filter(|_| name.starts_with('<'))
                    .map_or(name, |(_, name)| name);
                let name = name.split(['<', ' ', '{']).next().unwrap();
                homes
                    .entry((half.clone(), name.to_owned()))
                    .or_default()
                    .insert(path.clone());
            }
        }
        assert!(homes.len() > 5, "{homes:?}");
        for ((_, name), files) in homes {
            assert_eq!(files.len(), 1, "`{name}` has methods in {files:?}");
        }
    }
}

#[test]
fn no_lock_is_taken_outside_the_storage_of_a_durable_object() {
    let why = "a transaction holds the lock, and only `Storage::begin` takes it";
    let storages = ["worker/src/vault/storage.rs", "worker/src/webhooks/storage.rs"];
    assert_absent("worker/src", ".lock()", &storages, why);
    assert_absent("worker/src", "Mutex", &storages, why);
    for write in [
        "put_multiple",
        "delete_multiple",
        "delete_all",
        "set_alarm",
        "delete_alarm",
    ] {
        let only = [&storages[..], &["worker/src/vault/mod.rs"]].concat();
        assert_absent("worker/src", write, &only, "storage is written by a transaction alone");
    }
}

#[test]
fn nothing_of_a_dependency_runs_at_its_installation() {
    for folder in [".", "docs/site"].map(Path::new) {
        let npm = fs::read_to_string(folder.join(".npmrc")).unwrap();
        assert!(npm.lines().any(|line| line == "ignore-scripts=true"));
        // What is installed is what was looked at: each package has its hash, and no range is resolved anew.
        let lock = fs::read_to_string(folder.join("package-lock.json")).unwrap();
        let packages = lock.matches("\n    \"node_modules/").count();
        assert!(packages > 50 && lock.matches("\"integrity\": \"sha512-").count() == packages);
    }
    let cargo = fs::read_to_string("Cargo.lock").unwrap();
    for package in cargo
        .split("[[package]]")
        .filter(|package| package.contains("\nsource = "))
    {
        assert!(package.contains("\nchecksum = "), "{package}");
    }
}
