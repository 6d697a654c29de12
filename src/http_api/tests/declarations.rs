//! The type declarations of the npm package say what the tables let through.

use super::typescript::{Declarations, object, texts, union};
use crate::http_api::{
    ApiVersion, Cause, ConnectionStatus, ErrorCode, ProblemCode,
    connection::CONNECTION,
    finish::{CALLED_BACK, FAILURES, FINISHED, INCOMPATIBLE_VEHICLE},
    replaced::REPLACED,
    schema::Schema,
    start::ASKED,
    vehicle::VEHICLE,
};

const TYPES: &str = include_str!("../../browser/types.d.ts");

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
    assert_eq!(declared("ApiVersion"), texts(ApiVersion::NAMES));
    let workers = ProblemCode::ALL.iter().filter(|code| code.reaches_browsers());
    let codes = ErrorCode::OWN_NAMES
        .iter()
        .copied()
        .chain(workers.map(|code| code.as_str()));
    assert_eq!(declared("ConnectErrorCode"), texts(&codes.collect::<Vec<_>>()));
}
