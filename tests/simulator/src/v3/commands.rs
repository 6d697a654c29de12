//! Commands and charge schedules. They change the same cars as those of version 2.

use axum::http::StatusCode;
use serde_json::{Map, Value, json};

use super::{
    errors::{self, ApiError, Refusal},
    ok,
};
use crate::{
    api::Context,
    car::{self, CarState, CommandRefusal},
    clock,
    config::Vehicle,
    fault::Inside,
    http::{Answer, Request},
    ids,
};

type Attributes = Map<String, Value>;

/// The permission that a command or a schedule needs; none when there is no such thing.
pub(super) fn permission(method: &str, path: &[&str]) -> Option<&'static str> {
    match (method, path) {
        ("POST", ["commands", "charge", "start" | "stop" | "set-limit"])
        | ("POST", ["commands", "charge-port", "open" | "close"])
        | ("POST", ["charge-schedules", "daily" | "weekly" | "workweek"]) => Some("control_charge"),
        ("DELETE", ["charge-schedules", id]) if !id.is_empty() => Some("control_charge"),
        ("POST", ["commands", "security", "lock" | "unlock"]) => Some("control_security"),
        ("POST", ["commands", "navigation", "set-destination"]) => Some("control_navigation"),
        _ => None,
    }
}

/// Carries out what [`permission`] knows.
pub(super) fn carry_out(
    context: &mut Context<'_>,
    vehicle: &Vehicle,
    path: &[&str],
    request: &Request,
) -> Result<Answer, Refusal> {
    let now = clock::rfc3339(context.now);
    let meta = json!({ "executedAt": now, "completedAt": now, "durationInSeconds": 0 });
    let id = format!("exec_{}", ids::uuid().replace('-', ""));
    let data = match path {
        ["charge-schedules", last] => {
            let attributes = schedule(context, vehicle, last, request)?;
            let schedule_id = attributes.get("scheduleId").and_then(Value::as_str).unwrap_or_default();
            let link = format!("/vehicles/{}/charge-schedules/{schedule_id}", vehicle.id);
            json!({
                "id": id, "type": "charge-schedule-execution", "attributes": attributes,
                "links": { "schedule": link }, "meta": meta,
            })
        }
        ["commands", group, what] => {
            let car = context.store.cars.entry(vehicle.id.clone()).or_default();
            let parameters = command(car, group, what, request)?;
            let mut attributes = json!({
                "commandType": format!("{group}-{what}"), "status": { "value": "SUCCESS" }, "executionMode": "sync",
            });
            if let (Some(parameters), Some(attributes)) = (parameters, attributes.as_object_mut()) {
                attributes.insert("parameters".to_owned(), parameters.into());
            }
            json!({ "id": id, "type": "command-execution", "attributes": attributes, "meta": meta })
        }
        _ => return Err(errors::INVALID_PATH.into()),
    };
    Ok(ok(&json!({ "data": data })))
}

fn command(car: &mut CarState, group: &str, what: &str, request: &Request) -> Result<Option<Attributes>, Refusal> {
    let action = |action: &str| json!({ "action": action }).as_object().cloned();
    let (path, body, parameters) = match (group, what) {
        ("charge", "start") => ("charge", action("START"), None),
        ("charge", "stop") => ("charge", action("STOP"), None),
        ("security", "lock") => ("security", action("LOCK"), None),
        ("security", "unlock") => ("security", action("UNLOCK"), None),
        ("charge-port", what) => {
            no_attributes(request)?;
            car.is_charge_port_open = what == "open";
            car.commands = car.commands.saturating_add(1);
            return Ok(None);
        }
        ("charge", _) => {
            let parameters = attributes(request, &["percent"])?;
            let percent = parameters.get("percent").and_then(Value::as_u64);
            let percent = percent.filter(|percent| (50..=100).contains(percent));
            let percent = percent.and_then(|percent| u8::try_from(percent).ok());
            let percent = percent.ok_or_else(|| invalid("percent must be an integer from 50 to 100"))?;
            let body = json!({ "limit": f64::from(percent) / 100.0 }).as_object().cloned();
            ("charge/limit", body, Some(parameters))
        }
        _ => {
            let parameters = attributes(request, &["latitude", "longitude"])?;
            ("navigation/destination", Some(parameters.clone()), Some(parameters))
        }
    };
    if parameters.is_none() {
        no_attributes(request)?;
    }
    car::command(car, "POST", path, body.as_ref()).map_err(|refusal| match refusal {
        CommandRefusal::Unknown => errors::INVALID_PATH.into(),
        CommandRefusal::Invalid => invalid("an attribute is missing or out of range"),
    })?;
    Ok(parameters)
}

/// Sets a schedule, or deletes the one with this id.
fn schedule(
    context: &mut Context<'_>,
    vehicle: &Vehicle,
    last: &str,
    request: &Request,
) -> Result<Attributes, Refusal> {
    let known = context.store.v3.schedules.entry(vehicle.id.clone()).or_default();
    let attributes = if request.method == "DELETE" {
        if !known.remove(last) {
            let detail = format!("Schedule with ID {last} not found");
            return Err(Refusal::with_detail(errors::PATH_NOT_FOUND, &detail));
        }
        json!({ "action": "delete", "scheduleId": last, "status": { "value": "SUCCESS" }, "executionMode": "sync" })
    } else {
        let times: &[&str] = match last {
            "daily" => &["startTime", "stopTime"],
            "weekly" => &["days"],
            _ => &["weekdays", "weekends"],
        };
        let parameters = attributes(request, &[&["location"], times].concat())?;
        if !parameters.contains_key("location") || !times.iter().any(|name| parameters.contains_key(*name)) {
            return Err(invalid("location or times are missing"));
        }
        let id = format!("sched_{}", ids::uuid());
        known.insert(id.clone());
        json!({
            "action": "create", "scheduleType": last, "status": { "value": "SUCCESS" }, "executionMode": "sync",
            "scheduleId": id, "parameters": parameters,
        })
    };
    Ok(attributes.as_object().cloned().unwrap_or_default())
}

fn invalid(detail: &str) -> Refusal {
    Refusal::with_detail(errors::INVALID_INPUT, detail)
}

/// Commands without attributes have no body, or an empty object.
fn no_attributes(request: &Request) -> Result<(), Refusal> {
    match request.body.as_slice() {
        b"" | b"{}" => Ok(()),
        _ => Err(invalid("this command takes no attributes")),
    }
}

/// `data.attributes` of the body, with no members but these.
fn attributes(request: &Request, allowed: &[&str]) -> Result<Attributes, Refusal> {
    let body: Option<Value> = serde_json::from_slice(&request.body).ok();
    let body = body.filter(|_| request.is_json());
    let attributes = body
        .as_ref()
        .and_then(|body| body.get("data")?.get("attributes")?.as_object());
    attributes
        .filter(|attributes| attributes.keys().all(|name| allowed.contains(&name.as_str())))
        .cloned()
        .ok_or_else(|| invalid("the body must be {\"data\":{\"attributes\":{…}}} with the command's attributes"))
}

/// A command that fails although its status says success: all errors in place of the result, or a result that is none.
pub(crate) fn failed(answer: Answer, inside: Inside, error: Option<&str>) -> Answer {
    if !answer.status().is_success() {
        return answer;
    }
    let error = error.and_then(ApiError::find).unwrap_or(errors::UNREACHABLE);
    let (parts, body) = answer.into_parts();
    let body = match inside {
        Inside::Errors => json!({ "errors": [error.entry(None, None, &ids::uuid())] }),
        Inside::Status => {
            let mut body: Value = serde_json::from_slice(&body).unwrap_or_default();
            if let Some(status) = body.pointer_mut("/data/attributes/status") {
                *status = json!({ "value": "ERROR", "error": error.in_signal(None) });
            }
            body
        }
    };
    Answer::from_parts(parts, body.to_string().into_bytes())
}

/// A command that takes long: accepted at once, and the body comes later on the same connection.
pub(crate) fn accepted(mut answer: Answer) -> Answer {
    if answer.status().is_success() {
        *answer.status_mut() = StatusCode::ACCEPTED;
    }
    answer
}
