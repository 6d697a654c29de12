//! The type declarations of the npm package say what the tables let through.

use super::typescript::{Declarations, object, texts, union};
use crate::http_api::{
    Cause, ConnectionStatus, ErrorCode, ProblemCode,
    connection::CONNECTION,
    finish::{CALLED_BACK, FAILURES, FINISHED, INCOMPATIBLE_VEHICLE},
    replaced::REPLACED,
    schema::Schema,
    start::ASKED,
    vehicle::VEHICLE,
};

const TYPES: &str = include_str!("../../browser/types.d.ts");

const CLIENT: &str = include_str!("../../../pkg-template/client.js");

fn declared(name: &str) -> String {
    Declarations::read(TYPES).resolved(name)
}

#[test]
fn objects_are_declared_as_their_tables_have_them() {
    let tables: [(&str, Schema); 5] = [
        ("Asked", ASKED),
        ("Connection", CONNECTION),
        ("Vehicle", VEHICLE),
        ("IncompatibleVehicle", INCOMPATIBLE_VEHICLE),
        ("Replaced", REPLACED),
    ];
    for (name, schema) in tables {
        assert_eq!(declared(name), object(schema), "{name}");
    }
}

#[test]
fn outcomes_are_declared_with_every_kind() {
    assert_eq!(declared("ConnectFailure"), union(&[FAILURES]));
    assert_eq!(declared("FinishOutcome"), union(&[FINISHED, FAILURES]));
    assert_eq!(declared("Callback"), union(&[CALLED_BACK, FAILURES]));
}

#[test]
fn names_are_declared_in_their_order() {
    assert_eq!(declared("ConnectionStatus"), texts(ConnectionStatus::NAMES));
    assert_eq!(declared("ConnectionCause"), texts(Cause::NAMES));
    let workers = ProblemCode::ALL.iter().filter(|code| code.reaches_browsers());
    let codes = ErrorCode::OWN_NAMES
        .iter()
        .copied()
        .chain(workers.map(|code| code.as_str()));
    assert_eq!(declared("ConnectErrorCode"), texts(&codes.collect::<Vec<_>>()));
}

#[test]
fn the_script_that_calls_the_worker_knows_every_code_that_browsers_can_meet() {
    let (_, set) = CLIENT.split_once("const CODES = new Set(").unwrap();
    let (list, _) = set.split_once(".split(").unwrap();
    let texts = list.split('"').skip(1).step_by(2);
    let known: Vec<&str> = texts.flat_map(str::split_ascii_whitespace).collect();
    let expected = ProblemCode::ALL.iter().filter(|code| code.reaches_browsers());
    assert_eq!(known, expected.map(|code| code.as_str()).collect::<Vec<_>>());
    assert!(ErrorCode::OWN_NAMES.iter().all(|own| !known.contains(own)));
}
