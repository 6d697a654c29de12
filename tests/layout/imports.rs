//! Which modules import which, read from the sources.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use super::sources;

/// A module by its path in the crate: `["connect", "state"]`.
pub(super) type Module = Vec<String>;

/// Which modules each module of the crate in `folder` imports, tests apart.
pub(super) fn imports(folder: &str) -> BTreeMap<Module, BTreeSet<Module>> {
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
        let trees = source.split(';').filter_map(use_tree);
        let paths = trees.flat_map(|tree| flat(&tree));
        let mut imported: BTreeSet<Module> = paths.filter_map(|path| resolve(module, &path, &is_module)).collect();
        imported.remove(module);
        all.insert(module.clone(), imported);
    }
    all
}

/// The module of a file; `None` for the crate's root and for tests.
pub(super) fn module_of(folder: &str, path: &Path) -> Option<Module> {
    let path = path.strip_prefix(folder).unwrap().with_extension("");
    let mut module: Module = path.iter().map(|part| part.to_str().unwrap().to_owned()).collect();
    if module.last()? == "mod" {
        module.pop();
    }
    (module != ["lib"] && !module.contains(&"tests".to_owned())).then_some(module)
}

/// What a statement imports, without white space, if it is an import.
fn use_tree(statement: &str) -> Option<String> {
    // The first is the rest of the line before; a file begins with a comment.
    let mut lines = statement.lines().skip(1).map(str::trim_start);
    let first = lines.find_map(|line| {
        let visibility = ["pub(super) ", "pub(crate) ", "pub "];
        let private = visibility.iter().find_map(|start| line.strip_prefix(start));
        private.unwrap_or(line).strip_prefix("use ")
    })?;
    Some(
        [first]
            .into_iter()
            .chain(lines)
            .flat_map(str::split_whitespace)
            .collect(),
    )
}

/// The paths of a tree such as `a::{b,c::{d,e}}`.
fn flat(tree: &str) -> Vec<Module> {
    let segments = |path: &str| {
        path.split("::")
            .filter(|part| !part.is_empty())
            .map(str::to_owned)
            .collect::<Module>()
    };
    let Some((before, inner)) = tree.split_once('{') else {
        return vec![segments(tree)];
    };
    let start = segments(before);
    let mut depth = 0_usize;
    let mut items = vec![String::new()];
    for c in inner.strip_suffix('}').unwrap().chars() {
        match c {
            '{' => depth = depth.saturating_add(1),
            '}' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => {
                items.push(String::new());
                continue;
            }
            _ => {}
        }
        items.last_mut().unwrap().push(c);
    }
    let paths = items.iter().filter(|item| !item.is_empty()).flat_map(|item| flat(item));
    paths.map(|path| [start.clone(), path].concat()).collect()
}

/// The module that a path leads into, if it leads into the crate.
fn resolve(module: &Module, path: &[String], is_module: &dyn Fn(&[String]) -> bool) -> Option<Module> {
    let mut found = module.clone();
    let mut rest = path;
    match path {
        [first, others @ ..] if first == "crate" => {
            found.clear();
            rest = others;
        }
        [first, ..] if first == "self" || first == "super" => {
            while let [first, others @ ..] = rest
                && (first == "self" || first == "super")
            {
                if first == "super" {
                    found.pop();
                }
                rest = others;
            }
        }
        [first, ..] if is_module(&child(module, first)) => {}
        _ => return None,
    }
    for part in rest {
        let deeper = child(&found, part);
        if !is_module(&deeper) {
            break;
        }
        found = deeper;
    }
    (!found.is_empty()).then_some(found)
}

fn child(module: &Module, name: &String) -> Module {
    [module.as_slice(), core::slice::from_ref(name)].concat()
}
