//! The scripts of the npm package that call the Worker know what it says.

use std::{env, fs};

use serde_json::{Map, Value, json};

use crate::{
    connect,
    http_api::{
        ErrorCode, ProblemCode,
        attempt::ATTEMPT_RESPONSE,
        connection::{CONNECTION, CONNECTION_LIST, LISTED_VEHICLE},
        finish::{FAILURES, FINISHED, INCOMPATIBLE_VEHICLE},
        path,
        reconnect::RECONNECT_RESPONSE,
        replaced::REPLACED,
        schema::{Field, Kind, Presence, Schema},
        session::CLAIM_RESPONSE,
        start::{ASKED, START_RESPONSE},
        vehicle::{VEHICLE, VEHICLE_LIST},
    },
    time::Millis,
};

const CLIENT: &str = include_str!("../../../pkg-template/client.js");

const ANSWERS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/pkg-template/answers.js");

#[test]
fn every_code_that_browsers_can_meet_is_known() {
    let (_, set) = CLIENT.split_once("const CODES = new Set(").unwrap();
    let (list, _) = set.split_once(".split(").unwrap();
    let texts = list.split('"').skip(1).step_by(2);
    let known: Vec<&str> = texts.flat_map(str::split_ascii_whitespace).collect();
    let expected = ProblemCode::ALL.iter().filter(|code| code.reaches_browsers());
    assert_eq!(known, expected.map(|code| code.as_str()).collect::<Vec<_>>());
    assert!(ErrorCode::OWN_NAMES.iter().all(|own| !known.contains(own)));
}

#[test]
fn the_paths_of_a_connection_are_the_workers() {
    let start = include_str!("../../../pkg-template/start.js");
    let finish = include_str!("../../../pkg-template/finish.js");
    let attempts = include_str!("../../../pkg-template/attempts.js");
    let reconnect = [path::CONNECTIONS, "/${mended}", path::RECONNECT].concat();
    for (script, quote, path) in [
        (start, '"', path::CONNECT_START),
        (start, '`', &reconnect),
        (finish, '"', path::CONNECT_FINISH),
        (CLIENT, '`', &[path::ATTEMPTS, "/${fingerprint}"].concat()),
        (CLIENT, '"', path::DEFAULT_MOUNT),
        (attempts, '"', path::DEFAULT_MOUNT),
    ] {
        assert!(script.contains(&format!("{quote}{path}{quote}")), "{path}");
    }
}

/// What a script lists between these two.
fn listed<'a>(script: &'a str, before: &str, after: &str) -> Vec<&'a str> {
    let (_, list) = script.split_once(before).unwrap();
    let (list, _) = list.split_once(after).unwrap();
    list.split('"').skip(1).step_by(2).collect()
}

#[test]
fn scripts_take_the_same_for_a_callback_and_for_its_time() {
    let callback = include_str!("../../../pkg-template/callback.js");
    let answers = listed(callback, "const ANSWERS = [", "];");
    let others =
        "error_description external_id iss state virtual_key_url error_message make model status_code vin year";
    for name in answers.iter().copied().chain(others.split(' ')) {
        let is_callback = connect::is_callback(&format!("{name}=x&state={}s", connect::STATE_MARK));
        assert_eq!(is_callback, answers.contains(&name), "{name}");
    }
    assert!(callback.contains(&format!("const MARK = \"{}\";", connect::STATE_MARK)));
    let attempts = include_str!("../../../pkg-template/attempts.js");
    assert!(attempts.contains("export const LIFETIME = 10 * 60 * 1000;"));
    assert_eq!(connect::ATTEMPT_LIFETIME, Millis::from_mins(10));
}

/// What other tables are made of, by its name.
const PARTS: [(&str, Schema); 6] = [
    ("Asked", ASKED),
    ("Connection", CONNECTION),
    ("IncompatibleVehicle", INCOMPATIBLE_VEHICLE),
    ("ListedVehicle", LISTED_VEHICLE),
    ("Replaced", REPLACED),
    ("Vehicle", VEHICLE),
];

const TABLES: [(&str, Kind); 7] = [
    ("AttemptResponse", Kind::Object(ATTEMPT_RESPONSE)),
    ("ClaimResponse", Kind::Object(CLAIM_RESPONSE)),
    ("ConnectionList", Kind::Object(CONNECTION_LIST)),
    ("FinishResponse", Kind::Variants(&[FINISHED, FAILURES])),
    ("ReconnectResponse", Kind::Object(RECONNECT_RESPONSE)),
    ("StartResponse", Kind::Object(START_RESPONSE)),
    ("VehicleList", Kind::Object(VEHICLE_LIST)),
];

fn object(schema: Schema) -> Value {
    Value::Object(schema.iter().map(field).collect())
}

fn field(field: &Field) -> (String, Value) {
    let mark = match field.presence {
        Presence::Required => "",
        Presence::Optional => "?",
        Presence::Nullable => "|null",
    };
    let held = match field.kind {
        // There are no others.
        Kind::Variants(_) => json!("FinishResponse"),
        Kind::Object(schema) => part(schema),
        kind => self::kind(kind),
    };
    ([field.name, mark].concat(), held)
}

/// A table within another, by its name.
fn part(schema: Schema) -> Value {
    let names = |schema: Schema| schema.iter().map(|field| field.name).collect::<Vec<_>>();
    let found = PARTS.iter().find(|(_, part)| names(part) == names(schema));
    json!(
        found
            .unwrap_or_else(|| panic!("no part has the fields {:?}", names(schema)))
            .0
    )
}

fn kind(kind: Kind) -> Value {
    match kind {
        Kind::Text | Kind::Name(_) => json!("text"),
        Kind::OneOf(names) => {
            assert!(names.len() > 1, "one name alone would be taken for a table's");
            json!(names.join("|"))
        }
        Kind::Flag => json!("flag"),
        Kind::Number => json!("number"),
        Kind::Object(schema) => object(schema),
        Kind::Array(schema) => json!([part(schema)]),
        Kind::Variants(variants) => {
            let all = variants.iter().copied().flatten();
            let tables: Map<String, Value> = all.map(|(name, schema)| ((*name).to_owned(), object(schema))).collect();
            json!({ "kind=": tables })
        }
    }
}

/// As the other scripts are written: names without quotes where they need none.
fn script(value: &Value, indent: &str) -> String {
    let inner = [indent, "  "].concat();
    match value {
        Value::Object(fields) => {
            let is_word = |name: &str| name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
            let lines = fields.iter().map(|(name, value)| {
                let name = if is_word(name) {
                    name.clone()
                } else {
                    format!("\"{name}\"")
                };
                format!("{inner}{name}: {},\n", script(value, &inner))
            });
            format!("{{\n{}{indent}}}", lines.collect::<String>())
        }
        Value::Array(items) => format!("[{}]", script(&items[0], indent)),
        other => other.to_string(),
    }
}

#[test]
fn answers_are_read_by_the_workers_tables() {
    let parts = PARTS.map(|(name, schema)| (name, object(schema)));
    let tables = TABLES.map(|(name, table)| (name, kind(table)));
    let all: Map<String, Value> = parts
        .into_iter()
        .chain(tables)
        .map(|(name, table)| (name.to_owned(), table))
        .collect();
    let written = fs::read_to_string(ANSWERS).unwrap();
    let (before, rest) = written.split_once("const TABLES = ").unwrap();
    let (_, after) = rest.split_once("\n};\n").unwrap();
    let expected = format!("{before}const TABLES = {};\n{after}", script(&Value::Object(all), ""));
    if env::var_os("UPDATE_ANSWERS").is_some() {
        fs::write(ANSWERS, &expected).unwrap();
        return;
    }
    assert!(
        written == expected,
        "pkg-template/answers.js is out of date; write it anew: UPDATE_ANSWERS=1 cargo test --all-features --lib answers"
    );
}
