//! `docs/configuration.md`: the table has every setting and binding that the Worker reads, no other, and says of each what is so.

use std::{cell::RefCell, collections::BTreeSet, fs};

use smartcar_connect::edge::{Config, RateLimit};

const CONFIGURATION: &str = include_str!("../../docs/configuration.md");

/// A row of the table.
struct Row {
    name: &'static str,
    kind: &'static str,
    default: &'static str,
    allowed: &'static str,
}

impl Row {
    fn is_setting(&self) -> bool {
        matches!(self.kind, "variable" | "secret")
    }

    /// The least and the most that is allowed of a number.
    fn range(&self) -> Option<(u64, u64)> {
        let (least, most) = self.allowed.split_once(" to ")?;
        Some((least.parse().ok()?, most.parse().ok()?))
    }
}

fn quoted(cell: &str) -> Option<&str> {
    cell.strip_prefix('`')?.strip_suffix('`')
}

fn rows() -> Vec<Row> {
    let of = |line: &'static str| {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        let [name, kind, default, allowed, meaning] = cells[..] else {
            panic!("a row has {} cells: {line}", cells.len());
        };
        let name = quoted(name)?;
        assert!(!meaning.is_empty(), "{name} has no meaning");
        Some(Row {
            name,
            kind,
            default,
            allowed,
        })
    };
    let lines = CONFIGURATION.lines().filter(|line| line.starts_with('|'));
    lines.filter_map(of).collect()
}

const REQUIRED: [(&str, &str); 3] = [
    ("SMARTCAR_CLIENT_ID", "8229df9f-91a0-4ff0-a1ae-a1f38ee24d07"),
    ("SMARTCAR_CLIENT_SECRET", "secret"),
    ("SEALING_KEYS", "k1:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="),
];

/// What a Worker makes of its settings, printed; or what it says is wrong.
fn read_with(name: &str, value: &str) -> Result<String, String> {
    let all = || {
        REQUIRED
            .into_iter()
            .filter(|(other, _)| *other != name)
            .chain([(name, value)])
    };
    let get = |asked: &str| {
        all()
            .find(|(name, _)| *name == asked)
            .map(|(_, value)| value.to_owned())
    };
    match Config::read(get) {
        Ok(config) => Ok(format!("{config:?}")),
        Err(error) => Err(error.to_string()),
    }
}

#[test]
fn every_setting_is_in_the_table_and_no_other() {
    let asked = RefCell::new(BTreeSet::new());
    let missing = Config::read(|name| {
        asked.borrow_mut().insert(name.to_owned());
        None
    });
    let table = rows();
    let documented: BTreeSet<String> = table
        .iter()
        .filter(|row| row.is_setting())
        .map(|row| row.name.to_owned())
        .collect();
    assert_eq!(asked.into_inner(), documented);

    let missing = missing.unwrap_err();
    let missing: BTreeSet<&str> = missing.problems().iter().map(|(setting, _)| setting.name()).collect();
    let required = table.iter().filter(|row| row.is_setting() && row.default == "required");
    assert_eq!(required.map(|row| row.name).collect::<BTreeSet<_>>(), missing);
}

#[test]
fn each_default_is_what_counts_without_a_value() {
    let without = read_with("SMARTCAR_CLIENT_SECRET", "secret").unwrap();
    let mut compared = 0;
    for row in rows()
        .iter()
        .filter(|row| row.is_setting() && row.default != "required")
    {
        assert_eq!(read_with(row.name, "").as_ref(), Ok(&without), "{}", row.name);
        if let Some(default) = quoted(row.default) {
            assert_eq!(read_with(row.name, default).as_ref(), Ok(&without), "{}", row.name);
            compared += 1;
        } else {
            assert_eq!(row.default, "none", "{}", row.name);
        }
    }
    assert!(compared > 6);
}

#[test]
fn each_range_is_what_is_taken() {
    let without = read_with("SMARTCAR_CLIENT_SECRET", "secret").unwrap();
    let mut compared = 0;
    for row in rows() {
        let Some((least, most)) = row.range() else { continue };
        for taken in [least, most] {
            let read = read_with(row.name, &taken.to_string()).unwrap();
            assert_ne!(read, without, "{} is not read", row.name);
        }
        for refused in [least.checked_sub(1), most.checked_add(1)].into_iter().flatten() {
            let error = read_with(row.name, &refused.to_string()).unwrap_err();
            assert!(error.contains(row.name), "{error}");
        }
        compared += 1;
    }
    assert!(compared > 4);
    for row in rows() {
        let Some(names) = row.allowed.strip_prefix("one of ") else {
            continue;
        };
        for name in names.split(", ") {
            read_with(row.name, quoted(name).unwrap()).unwrap();
        }
    }
}

#[test]
fn every_binding_is_in_the_table_and_no_other() {
    let table = rows();
    let documented: BTreeSet<&str> = table
        .iter()
        .filter(|row| !row.is_setting())
        .map(|row| row.name)
        .collect();
    let used = literals_in_capitals("worker/src");
    let limits = [RateLimit::Start, RateLimit::Finish, RateLimit::Api].map(RateLimit::binding);
    let used: BTreeSet<&str> = used
        .iter()
        .map(String::as_str)
        .filter(|name| !is_other(name))
        .chain(limits)
        .collect();
    assert_eq!(used, documented);
    let wrangler = include_str!("../../wrangler.toml");
    for row in table
        .iter()
        .filter(|row| !row.is_setting() && row.default == "required")
    {
        assert!(
            wrangler.contains(&format!("= \"{}\"", row.name)),
            "wrangler.toml does not bind {}",
            row.name
        );
    }
}

/// What is written so and is no binding: methods, and an algorithm of WebCrypto.
fn is_other(name: &str) -> bool {
    matches!(
        name,
        "ECDSA" | "GET" | "HEAD" | "POST" | "PUT" | "PATCH" | "DELETE" | "OPTIONS"
    )
}

/// The texts in the sources that are written as names of bindings are.
fn literals_in_capitals(folder: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.append(&mut literals_in_capitals(path.to_str().unwrap()));
        } else {
            let source = fs::read_to_string(&path).unwrap();
            let is_name =
                |text: &&str| text.len() > 2 && text.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_');
            found.extend(source.split('"').filter(is_name).map(str::to_owned));
        }
    }
    found
}
