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
fn no_files_of_the_secret_free_half_import_each_other_in_a_circle() {
    let mut left = imports();
    left.retain(|module, _| SECRET_FREE.contains(&module[0].as_str()));
    assert!(left.len() > 30, "{left:?}");
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

/// Which modules each module of the crate imports, tests apart.
fn imports() -> BTreeMap<Module, BTreeSet<Module>> {
    let sources: BTreeMap<Module, String> = sources("src")
        .into_iter()
        .filter_map(|(path, source)| {
            let source = source.split("#[cfg(test)]").next().unwrap().to_owned();
            Some((module_of(&path)?, source))
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
fn module_of(path: &Path) -> Option<Module> {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
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
