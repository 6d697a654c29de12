//! The tables of the contract as JSON Schema.

use serde_json::{Map, Value, json};
use smartcar_connect::http_api::{
    ProblemCode,
    attempt::ATTEMPT_RESPONSE,
    connection::{CONNECTION, CONNECTION_LIST, LISTED_VEHICLE},
    finish::{FAILURES, FINISHED, INCOMPATIBLE_VEHICLE},
    header,
    health::HEALTH,
    migration::{MIGRATED_CONNECTION, MIGRATION_COUNTS, MIGRATION_RESPONSE, REASON_COUNT},
    principal::{PRINCIPAL_CONNECTIONS, PRINCIPAL_LIST},
    problem::{PROBLEM, SMARTCAR_ERROR},
    reconnect::RECONNECT_RESPONSE,
    replaced::REPLACED,
    rotation::{ROTATION, ROTATION_RESPONSE},
    schema::{Field, Kind, Presence, Schema},
    session::{CLAIM_RESPONSE, SESSION_RESPONSE, TICKET_RESPONSE},
    start::{ASKED, START_RESPONSE},
    token::TOKEN_RESPONSE,
    vehicle::{VEHICLE, VEHICLE_LIST},
};

use super::doc_comments::{DocComments, camel_case, capitalised};

/// The tables by the names of their schemas, which are those of the types that they are tables of.
const TABLES: &[(&str, Schema)] = &[
    ("Asked", ASKED),
    ("ClaimResponse", CLAIM_RESPONSE),
    ("Connection", CONNECTION),
    ("ConnectionList", CONNECTION_LIST),
    ("IncompatibleVehicle", INCOMPATIBLE_VEHICLE),
    ("ListedVehicle", LISTED_VEHICLE),
    ("MigratedConnection", MIGRATED_CONNECTION),
    ("MigrationCounts", MIGRATION_COUNTS),
    ("MigrationResponse", MIGRATION_RESPONSE),
    ("PrincipalConnections", PRINCIPAL_CONNECTIONS),
    ("PrincipalList", PRINCIPAL_LIST),
    ("ProblemBody", PROBLEM),
    ("ReconnectResponse", RECONNECT_RESPONSE),
    ("Replaced", REPLACED),
    ("SessionResponse", SESSION_RESPONSE),
    ("SmartcarError", SMARTCAR_ERROR),
    ("ResealProgress", ROTATION),
    ("ReasonCount", REASON_COUNT),
    ("RotationResponse", ROTATION_RESPONSE),
    ("StartResponse", START_RESPONSE),
    ("TicketResponse", TICKET_RESPONSE),
    ("TokenResponseBody", TOKEN_RESPONSE),
    ("Vehicle", VEHICLE),
    ("VehicleList", VEHICLE_LIST),
];

/// What a field says of itself, where its type does not.
const UNCOMMENTED: &[(&str, &str)] = &[
    ("kind", "What Connect reported."),
    ("description", "What Connect says of the error, in English."),
    ("status", "That all settings are there and usable."),
];

pub(crate) fn reference(name: &str) -> Value {
    json!({"$ref": format!("#/components/schemas/{name}")})
}

/// The schemas of all answers.
pub(crate) fn all(comments: &DocComments) -> Map<String, Value> {
    let mut schemas = Map::new();
    for (name, table) in TABLES {
        let mut schema = object(table, &|field| comments.of_field(name, field).to_owned());
        schema["description"] = comments.of_type(name).into();
        schemas.insert((*name).to_owned(), schema);
    }
    let said = comments.of_field("ProblemBody", "smartcar");
    schemas["ProblemBody"]["properties"]["smartcar"] = reference("SmartcarError");
    schemas["ProblemBody"]["properties"]["smartcar"]["description"] = said.into();
    let said = comments.of_field("ProblemBody", "principal");
    schemas["ProblemBody"]["properties"]["principal"] = json!({"type": "string", "description": said});
    schemas.insert(
        "Health".to_owned(),
        object(HEALTH, &|field| uncommented(field).unwrap()),
    );
    let mut attempt = object(ATTEMPT_RESPONSE, &|field| {
        comments.of_field("AttemptResponse", field).to_owned()
    });
    attempt["description"] = "How far an attempt is. `outcome` is there once it is finished.".into();
    schemas.insert("AttemptResponse".to_owned(), attempt);
    finish_outcome(comments, &mut schemas);
    schemas
}

fn uncommented(field: &str) -> Option<String> {
    let found = UNCOMMENTED.iter().find(|(name, _)| *name == field);
    found.map(|(_, text)| (*text).to_owned())
}

/// A schema for each kind of outcome, and one for any.
fn finish_outcome(comments: &DocComments, schemas: &mut Map<String, Value>) {
    let mut one_of = Vec::new();
    let mut mapping = Map::new();
    for (kind, table) in FINISHED.iter().chain(FAILURES) {
        let name = capitalised(&camel_case(kind));
        // As the variants are called whose fields these are.
        let variant = if *kind == "unknown_error" { "Unknown" } else { &name };
        let mut schema = object(table, &|field| {
            uncommented(field).unwrap_or_else(|| comments.of_field(variant, field).to_owned())
        });
        schema["properties"]["kind"] = json!({"const": kind});
        mapping.insert((*kind).to_owned(), format!("#/components/schemas/{name}").into());
        one_of.push(reference(&name));
        assert!(
            schemas.insert(name.clone(), schema).is_none(),
            "two schemas are called {name}"
        );
    }
    let outcome = json!({
        "description": "What came of a callback, by its `kind`.",
        "oneOf": one_of,
        "discriminator": {"propertyName": "kind", "mapping": mapping},
    });
    schemas.insert("FinishOutcome".to_owned(), outcome);
}

fn object(table: Schema, comment: &dyn Fn(&str) -> String) -> Value {
    let of = |field: &Field| {
        let mut schema = kind(field);
        schema["description"] = comment(field.name).into();
        (field.name.to_owned(), schema)
    };
    let properties: Map<String, Value> = table.iter().map(of).collect();
    let required: Vec<&str> = table
        .iter()
        .filter(|field| field.presence != Presence::Optional)
        .map(|field| field.name)
        .collect();
    let mut schema = json!({"type": "object", "properties": properties});
    if !required.is_empty() {
        schema["required"] = required.into();
    }
    schema
}

fn kind(field: &Field) -> Value {
    let is_nullable = field.presence == Presence::Nullable;
    let nullable = |one: &str| if is_nullable { json!([one, "null"]) } else { one.into() };
    match field.kind {
        Kind::Text => json!({"type": nullable("string")}),
        Kind::OneOf(names) | Kind::Name(names) if is_nullable => {
            let names = names.iter().map(|name| Value::from(*name)).chain([Value::Null]);
            json!({"type": ["string", "null"], "enum": names.collect::<Vec<_>>()})
        }
        Kind::OneOf(names) | Kind::Name(names) => json!({"type": "string", "enum": names}),
        Kind::Flag => json!({"type": nullable("boolean")}),
        // Times, counts, seconds and statuses.
        Kind::Number => json!({"type": nullable("integer"), "minimum": 0}),
        Kind::Object(table) if is_nullable => json!({"anyOf": [named(table), {"type": "null"}]}),
        Kind::Object(table) => named(table),
        Kind::Array(table) => json!({"type": nullable("array"), "items": named(table)}),
        // There are no others.
        Kind::Variants(_) => reference("FinishOutcome"),
        other => panic!("`{}` holds {other:?}, which is not described yet", field.name),
    }
}

/// The schema of a table, by its name.
fn named(table: Schema) -> Value {
    let names = |table: Schema| table.iter().map(|field| field.name).collect::<Vec<_>>();
    let found: Vec<&str> = TABLES
        .iter()
        .filter(|(_, one)| names(one) == names(table))
        .map(|(name, _)| *name)
        .collect();
    // One vehicle of a connection has a single field, which another table might have as well.
    assert_eq!(
        found.len(),
        1,
        "no schema or several have the fields {:?}",
        names(table)
    );
    reference(found[0])
}

/// The schema of a problem that is one of these, all of them of one status.
pub(crate) fn problem(codes: &[ProblemCode]) -> Value {
    let mut schema = reference("ProblemBody");
    let names: Vec<&str> = codes.iter().map(|code| code.as_str()).collect();
    schema["properties"] = json!({"code": {"enum": names}});
    // This one has Smartcar's status.
    if let Some(code) = codes.iter().find(|code| **code != ProblemCode::SmartcarError) {
        schema["properties"]["status"] = json!({"const": code.status()});
    }
    json!({ header::PROBLEM_JSON: {"schema": schema} })
}
