//! Rules that no compiler checks, looked up in the sources.
#![expect(clippy::unwrap_used, reason = "a test")]

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

/// A module by its path in the crate: `["connect", "state"]`.
type Module = Vec<String>;

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

#[test]
fn the_package_of_the_worker_does_not_hide_its_dependency() {
    let manifest = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("worker/Cargo.toml")).unwrap();
    assert!(
        !manifest.lines().any(|line| line.trim() == "name = \"worker\""),
        "it would clash with the crate `worker`"
    );
}

/// What is compiled into the browser module, and what both halves share.
const SECRET_FREE: [&str; 3] = ["connect", "http_api", "browser"];

#[test]
fn nothing_without_secrets_reaches_for_what_has_them() {
    for (module, imported) in imports() {
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
    for (module, imported) in imports() {
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
        let mut left = imports_of(folder);
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
fn no_lock_is_taken_outside_the_storage_of_the_vault() {
    let why = "a transaction holds the lock, and only `Storage::begin` takes it";
    assert_absent("worker/src", ".lock()", &["worker/src/vault/storage.rs"], why);
    assert_absent("worker/src", "Mutex", &["worker/src/vault/storage.rs"], why);
    for write in [
        "put_multiple",
        "delete_multiple",
        "delete_all",
        "set_alarm",
        "delete_alarm",
    ] {
        let only = ["worker/src/vault/storage.rs", "worker/src/vault/mod.rs"];
        assert_absent("worker/src", write, &only, "storage is written by a transaction alone");
    }
}

/// Which modules each module of the crate imports, tests apart.
fn imports() -> BTreeMap<Module, BTreeSet<Module>> {
    imports_of("src")
}

fn imports_of(folder: &str) -> BTreeMap<Module, BTreeSet<Module>> {
    let sources: BTreeMap<Module, String> = sources(folder)
        .into_iter()
        .filter_map(|(path, source)| {
            let source = source.split("#[cfg(test)]").next().unwrap().to_owned();
            Some((module_of(folder, &path)?, source))
        })
        .collect();
    let is_module = |path: &[String]| sources.contains_key(path);
    let mut all = BTreeMap::new();
    for (module, source) in &sources {
        let mut imported = BTreeSet::new();
        for statement in source.split('\n').filter_map(|line| starts_use(line.trim_start())) {
            let start = source.find(statement).unwrap();
            let tree = source[start..].split(';').next().unwrap();
            for path in flat(&tree.split_whitespace().collect::<String>()) {
                imported.extend(resolve(module, &path, &is_module));
            }
        }
        imported.remove(module);
        all.insert(module.clone(), imported);
    }
    all
}

/// The module of a file; `None` for the crate's root and for tests.
fn module_of(folder: &str, path: &Path) -> Option<Module> {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let path = path.strip_prefix(src).unwrap().with_extension("");
    let mut module: Module = path.iter().map(|part| part.to_str().unwrap().to_owned()).collect();
    if module.last()? == "mod" {
        module.pop();
    }
    (module != ["lib"] && !module.contains(&"tests".to_owned())).then_some(module)
}

/// What follows `use` in a line that begins an import.
fn starts_use(line: &str) -> Option<&str> {
    let rest = line
        .strip_prefix("pub(super) ")
        .or_else(|| line.strip_prefix("pub(crate) "))
        .or_else(|| line.strip_prefix("pub "))
        .unwrap_or(line);
    rest.strip_prefix("use ")
}

/// The paths of a tree such as `a::{b,c::{d,e}}`.
fn flat(tree: &str) -> Vec<Module> {
    let Some((before, inner)) = tree.split_once('{') else {
        return vec![tree.split("::").map(str::to_owned).collect()];
    };
    let start: Module = before
        .split("::")
        .filter(|part| !part.is_empty())
        .map(str::to_owned)
        .collect();
    let inner = inner.strip_suffix('}').unwrap();
    let (mut depth, mut items) = (0, vec![String::new()]);
    for c in inner.chars() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        if c == ',' && depth == 0 {
            items.push(String::new());
        } else {
            items.last_mut().unwrap().push(c);
        }
    }
    let paths = items.iter().filter(|item| !item.is_empty()).flat_map(|item| flat(item));
    paths.map(|path| start.iter().cloned().chain(path).collect()).collect()
}

/// The module that a path leads into, if it leads into the crate.
fn resolve(module: &Module, path: &[String], is_module: &dyn Fn(&[String]) -> bool) -> Option<Module> {
    let mut found = module.clone();
    let mut rest = path;
    if rest[0] == "crate" {
        found.clear();
        rest = &rest[1..];
    } else if rest[0] == "self" || rest[0] == "super" {
        while let [first, others @ ..] = rest
            && (first == "self" || first == "super")
        {
            if first == "super" {
                found.pop();
            }
            rest = others;
        }
    } else if !is_module(&[module.as_slice(), &rest[..1]].concat()) {
        return None;
    }
    for part in rest {
        let deeper = [found.as_slice(), core::slice::from_ref(part)].concat();
        if !is_module(&deeper) {
            break;
        }
        found = deeper;
    }
    (!found.is_empty()).then_some(found)
}
