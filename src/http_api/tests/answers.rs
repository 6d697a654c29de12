//! What the Worker sends passes the tables whole, and what it would never send does not pass.

use serde::Serialize;
use serde_json::{Value, json};

use crate::{
    connect::{
        ApplicationId, Attempt, Callback, ConnectionId, ExternalId, Mode, RedirectUri, State, UnverifiedCallback,
        VehicleId,
    },
    http_api::{
        ApiVersion, AttemptResponse, AttemptStatus, Cause, Connection, ConnectionList, ConnectionStatus, FinishRequest,
        FinishResponse, ListedVehicle, ProblemCode, ReconnectFlow, ReconnectResponse, Replaced, StartRequest,
        StartResponse, Vehicle, VehicleList,
        attempt::ATTEMPT_RESPONSE,
        connection::CONNECTION_LIST,
        finish::{CALLED_BACK, FAILURES, FINISHED, callback_object},
        principal::{PRINCIPAL_LIST, PrincipalConnections, PrincipalList},
        problem::{PROBLEM, ProblemBody},
        reconnect::RECONNECT_RESPONSE,
        schema::{Kind, Presence, Schema},
        session::{CLAIM_RESPONSE, ClaimResponse, SESSION_RESPONSE, SessionResponse, TICKET_RESPONSE, TicketResponse},
        start::{Asked, START_RESPONSE, SessionOrigin},
        vehicle::VEHICLE_LIST,
    },
    time::UnixMillis,
};

use super::tables::{validate, validate_variant};

const NOW: UnixMillis = UnixMillis::new(1_790_000_000_000);

/// Nothing is lost on the way through the table, and the table asks for nothing else.
#[track_caller]
fn assert_passes(answer: &impl Serialize, schema: Schema) {
    let json = serde_json::to_value(answer).unwrap();
    assert_eq!(validate(&json, schema).as_ref(), Some(&json));
    assert_refuses_less(&json, schema, &|json| validate(json, schema));
}

/// Each field that must be there is missed, and none may hold something else.
#[track_caller]
fn assert_refuses_less(json: &Value, schema: Schema, read: &dyn Fn(&Value) -> Option<Value>) {
    for field in schema {
        if json.get(field.name).is_none() {
            assert_eq!(field.presence, Presence::Optional, "{}", field.name);
            continue;
        }
        let mut changed = json.clone();
        changed.as_object_mut().unwrap().remove(field.name);
        let may_miss = field.presence != Presence::Required;
        assert_eq!(read(&changed).is_some(), may_miss, "without {}", field.name);
        let wrong = if matches!(field.kind, Kind::Number) {
            json!("1")
        } else {
            json!(1)
        };
        changed[field.name] = wrong;
        assert_eq!(read(&changed), None, "another {}", field.name);
    }
}

fn connection(least: bool) -> Connection {
    Connection {
        id: ConnectionId::from_random([1; 16]),
        status: if least {
            ConnectionStatus::ReconnectionRequired
        } else {
            ConnectionStatus::Active
        },
        cause: least.then_some(Cause::InvalidGrant),
        since: NOW,
        vehicles: vec![ListedVehicle {
            id: VehicleId::parse("v1").unwrap(),
        }],
        vehicles_pending: least,
        api_version: (!least).then_some(ApiVersion::V2),
        connected_at: NOW,
        access_expires_at: (!least).then_some(NOW),
        refresh_expires_at: (!least).then_some(NOW),
        kept_until: NOW,
    }
}

#[test]
fn connections_pass() {
    let connections = vec![connection(true), connection(false)];
    assert_passes(&ConnectionList { connections }, CONNECTION_LIST);
    assert_passes(
        &ConnectionList {
            connections: Vec::new(),
        },
        CONNECTION_LIST,
    );
}

#[test]
fn a_page_of_those_who_must_act_passes_and_its_debug_form_names_nobody() {
    let of = |user: Option<&str>| PrincipalConnections {
        principal: "user:hunter2".to_owned(),
        user: user.map(str::to_owned),
        connections: vec![connection(true)],
    };
    for list in [
        PrincipalList {
            principals: vec![of(Some("hunter2")), of(None)],
            cursor: Some("azEv".to_owned()),
        },
        PrincipalList {
            principals: Vec::new(),
            cursor: None,
        },
    ] {
        assert_passes(&list, PRINCIPAL_LIST);
        assert!(!format!("{list:?}").contains("hunter2"));
    }
}

#[test]
fn a_status_must_be_known_and_a_cause_need_not_be() {
    let mut list = serde_json::to_value(ConnectionList {
        connections: vec![connection(true)],
    })
    .unwrap();
    list["connections"][0]["cause"] = "new_in_a_later_version".into();
    assert_eq!(validate(&list, CONNECTION_LIST), Some(list.clone()));
    list["connections"][0]["status"] = "brilliant".into();
    assert_eq!(validate(&list, CONNECTION_LIST), None);
}

#[test]
fn what_no_table_names_is_left_out() {
    let list = json!({
        "vehicles": [{"id": "v", "connectionId": "c", "status": "active", "make": null, "token": "leaked"}],
        "vehiclesPending": false,
        "more": 1,
    });
    let expected = json!({
        "vehicles": [{"id": "v", "connectionId": "c", "status": "active"}],
        "vehiclesPending": false,
    });
    assert_eq!(validate(&list, VEHICLE_LIST), Some(expected));
}

#[test]
fn vehicles_pass() {
    let least = Vehicle {
        id: VehicleId::parse("v1").unwrap(),
        connection_id: ConnectionId::from_random([1; 16]),
        status: ConnectionStatus::Active,
        make: None,
        model: None,
        year: None,
        problem: None,
        retry_after: None,
    };
    let most = Vehicle {
        make: Some("TESLA".to_owned()),
        model: Some("Model 3".to_owned()),
        year: Some(2024),
        problem: Some("upstream_unavailable".to_owned()),
        retry_after: Some(30),
        ..least.clone()
    };
    assert_passes(
        &VehicleList {
            vehicles: vec![least, most],
            vehicles_pending: true,
        },
        VEHICLE_LIST,
    );
}

#[test]
fn the_answer_to_a_start_passes() {
    let answer = StartResponse {
        application_id: ApplicationId::parse("8229df9f-91a0-4ff0-a1ae-a1f38ee24d07").unwrap(),
        connect_origin: "https://connect.smartcar.com".to_owned(),
        external_id: ExternalId::parse("e").unwrap(),
        expires_at: NOW,
        session: SessionOrigin::Started,
    };
    assert_passes(&answer, START_RESPONSE);
}

#[test]
fn what_mends_a_connection_passes() {
    for flow in ReconnectFlow::ALL {
        let least = ReconnectResponse {
            flow: *flow,
            application_id: ApplicationId::parse("8229df9f-91a0-4ff0-a1ae-a1f38ee24d07").unwrap(),
            connect_origin: "https://connect.smartcar.com".to_owned(),
            external_id: ExternalId::parse("e").unwrap(),
            expires_at: None,
            vehicle_id: None,
            resolution_url: None,
            scope: None,
        };
        let most = ReconnectResponse {
            expires_at: Some(NOW),
            vehicle_id: Some(VehicleId::parse("v1").unwrap()),
            resolution_url: Some("u".to_owned()),
            scope: Some("read_vin".to_owned()),
            ..least.clone()
        };
        assert_passes(&least, RECONNECT_RESPONSE);
        assert_passes(&most, RECONNECT_RESPONSE);
    }
}

#[test]
fn what_became_of_an_attempt_passes() {
    for status in AttemptStatus::ALL {
        let answer = AttemptResponse {
            status: *status,
            outcome: Value::Null,
        };
        assert_passes(&answer, ATTEMPT_RESPONSE);
    }
    let finished = AttemptResponse {
        status: AttemptStatus::Finished,
        outcome: json!({"kind": "no_vehicles"}),
    };
    assert_passes(&finished, ATTEMPT_RESPONSE);
    let mut json = serde_json::to_value(&finished).unwrap();
    assert_eq!(json, json!({"status": "finished", "outcome": {"kind": "no_vehicles"}}));
    json["outcome"]["kind"] = "new".into();
    assert_eq!(validate(&json, ATTEMPT_RESPONSE), None);
}

#[test]
fn tickets_and_sessions_pass() {
    let expires_at = crate::time::UnixMillis::new(1_790_000_300_000);
    let ticket = TicketResponse {
        ticket: "t1.k1.a.b",
        expires_at,
    };
    assert_passes(&ticket, TICKET_RESPONSE);
    assert_passes(&SessionResponse { ends_at: expires_at }, SESSION_RESPONSE);
    for ends_at in [None, Some(expires_at)] {
        let connections = 2;
        assert_passes(&ClaimResponse { connections, ends_at }, CLAIM_RESPONSE);
    }
}

#[test]
fn problems_pass() {
    let least = ProblemBody {
        r#type: "urn:smartcar-connect:problem:not_found".to_owned(),
        title: "t".to_owned(),
        status: 404,
        code: ProblemCode::NotFound,
        detail: "d".to_owned(),
        request_id: "r".to_owned(),
        field: None,
        retry_after: None,
        smartcar: None,
        principal: None,
    };
    let most = ProblemBody {
        field: Some("f".to_owned()),
        retry_after: Some(1),
        ..least.clone()
    };
    for body in [least, most] {
        assert_passes(&body, PROBLEM);
    }
}

#[test]
fn what_the_browser_sends_is_what_the_worker_reads() {
    let start = StartRequest {
        state_fingerprint: "f".to_owned(),
        redirect_uri: "r".to_owned(),
        scope: None,
        mode: None,
    };
    let more = StartRequest {
        scope: Some("s".to_owned()),
        mode: Some("live".to_owned()),
        ..start.clone()
    };
    for start in [start, more] {
        let fields: Value = start.fields().into_iter().collect();
        assert_eq!(serde_json::to_value(&start).unwrap(), fields);
    }
    let finish = FinishRequest {
        callback: "c".to_owned(),
    };
    assert_eq!(serde_json::to_value(&finish).unwrap(), json!({"callback": "c"}));
}

const QUERIES: [&str; 14] = [
    "code=C",
    "code=C&user_id=U&external_id=E&virtual_key_url=https://www.tesla.com/_ak/a",
    "vehicle_id=V",
    "vehicle_id=V&external_id=E",
    "error=access_denied",
    "error=vehicle_incompatible",
    "error=vehicle_incompatible&vin=1&make=BMW&model=M3&year=2013&error_description=D",
    "error=configuration_error&status_code=400&error_message=M&error_description=D",
    "error=no_vehicles&error_description=D",
    "error=invalid_subscription",
    "error=server_error",
    "error=oem_cancelled_login",
    "error=user_manually_returned_to_application",
    "error=new_in_a_later_version&error_description=D",
];

fn callback(query: &str) -> Callback {
    let state = State::from_random([1; 32]);
    let redirect_uri = RedirectUri::parse("https://app.example/").unwrap();
    let attempt = Attempt::new(state.fingerprint(), redirect_uri, NOW);
    let query = [query, "&state=", state.expose()].concat();
    UnverifiedCallback::from_query(&query)
        .unwrap()
        .verify(&attempt, NOW)
        .unwrap()
}

/// Nothing in particular, and everything.
fn asked() -> (Asked, Asked) {
    let asked = Asked {
        scope: Some("read_vin".to_owned()),
        mode: Some(Mode::Live),
    };
    (Asked::default(), asked)
}

#[test]
fn every_outcome_passes() {
    let connection = connection(false);
    let (nothing, asked) = asked();
    let replaced = [Replaced {
        id: connection.id.clone(),
        taken_over: connection.vehicles.clone(),
        lost: connection.vehicles.clone(),
    }];
    for query in QUERIES.into_iter().chain(["error=user_cancelled"]) {
        let callback = callback(query);
        let mut answers = vec![
            FinishResponse::new(&callback, Some(&connection), &nothing, &[]),
            FinishResponse::new(&callback, Some(&connection), &asked, &replaced),
        ];
        if let Callback::Reauthenticated { .. } = callback {
            answers.push(FinishResponse::new(&callback, None, &nothing, &[]));
        }
        for answer in answers {
            let json = serde_json::to_value(&answer).unwrap();
            let read = |json: &Value| validate_variant(json, &[FINISHED, FAILURES]);
            assert_eq!(read(&json).as_ref(), Some(&json), "{query}");
            let kind = json["kind"].as_str().unwrap();
            let (_, schema) = FINISHED.iter().chain(FAILURES).find(|(name, _)| *name == kind).unwrap();
            assert_refuses_less(&json, schema, &read);
        }
    }
}

#[test]
fn an_outcome_of_an_unknown_kind_is_refused() {
    for kind in [json!("granted"), json!("new"), json!(1), Value::Null] {
        let outcome = json!({"kind": kind, "connection": connection(false)});
        assert_eq!(validate_variant(&outcome, &[FINISHED, FAILURES]), None);
    }
}

#[test]
fn an_answer_to_a_finish_never_holds_the_code() {
    let callback = callback("code=90abecb6");
    let json = serde_json::to_string(&FinishResponse::new(
        &callback,
        Some(&connection(false)),
        &asked().1,
        &[],
    ))
    .unwrap();
    assert!(!json.contains("90abecb6"), "{json}");
}

#[test]
fn javascript_gets_a_callback_as_it_is_serialised_and_its_code() {
    for query in QUERIES.into_iter().chain(["error=user_cancelled"]) {
        let callback = callback(query);
        let object: Value = callback_object(&callback);
        let mut expected = serde_json::to_value(&callback).unwrap();
        if query.starts_with("code=") {
            expected["code"] = "C".into();
        }
        assert_eq!(object, expected, "{query}");
        let read = validate_variant(&object, &[CALLED_BACK, FAILURES]);
        assert_eq!(read, Some(expected), "{query}");
    }
}
