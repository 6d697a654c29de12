//! `/v3/connections` and `/v3/users`: which owners have connected which cars.

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::{
    Caller,
    errors::{self, Refusal},
    ok,
    settings::Settings,
    state::{Connection, Mode, State},
};
use crate::{
    api::Context,
    clock,
    config::Config,
    http::{self, Answer, Params, Request},
};

const FILTERS: [&str; 4] = [
    "filter[userId]",
    "filter[vehicleId]",
    "filter[vehicle.mode]",
    "filter[user.externalId]",
];
const PAGE_NUMBER: &str = "page[number]";
const PAGE_SIZE: &str = "page[size]";
const DEFAULT_PAGE_SIZE: usize = 10;

/// A page of the connections that the filters let through, the newest first.
pub(super) fn list(context: &Context<'_>, caller: &Caller, request: &Request) -> Result<Answer, Refusal> {
    let params = request.params();
    check_names(&params)?;
    let settings = &context.config.v3;
    let number = page_param(&params, PAGE_NUMBER, 1, usize::MAX)?;
    let size = page_param(&params, PAGE_SIZE, DEFAULT_PAGE_SIZE, settings.max_page_size)?;
    let mode = match params.get("filter[vehicle.mode]") {
        None => Mode::Live,
        Some("live") => Mode::Live,
        Some("simulated") => Mode::Simulated,
        Some(_) => {
            return Err(Refusal::with_detail(
                errors::BAD_REQUEST,
                "filter[vehicle.mode] must be live or simulated",
            ));
        }
    };
    let state = &context.store.v3;
    let filter = |name: &str, value: &str| params.get(name).is_none_or(|wanted| wanted == value);
    let lets_through = |one: &&Connection| {
        let external_id = state.external_id(&one.user_id);
        one.mode == mode
            && filter("filter[userId]", &one.user_id)
            && filter("filter[vehicleId]", &one.vehicle_id)
            && (!settings.external_id_filter || filter("filter[user.externalId]", external_id.unwrap_or_default()))
            && caller.user.as_ref().is_none_or(|user| *user == one.user_id)
    };
    let mut found: Vec<&Connection> = state.connections.iter().rev().filter(lets_through).collect();
    found.sort_by_key(|one| std::cmp::Reverse(one.created_at));
    let total = found.len();
    let page = found
        .into_iter()
        .skip(size.saturating_mul(number.saturating_sub(1)))
        .take(size);
    let data: Vec<Value> = page.map(|one| resource(one, context.config, state, request)).collect();
    let body = json!({
        "data": data,
        "meta": {
            "pageNumber": number, "pageSize": size, "totalCount": total,
            "orderBy": "createdAt", "orderDirection": "DESC",
        },
        "links": links(&params, number, size, total, mode, request),
    });
    Ok(ok(&body))
}

/// One connection.
pub(super) fn read(context: &Context<'_>, caller: &Caller, id: &str, request: &Request) -> Result<Answer, Refusal> {
    let connection = find(&context.store.v3, caller, id)?;
    let data = resource(connection, context.config, &context.store.v3, request);
    Ok(ok(&json!({ "data": data })))
}

/// Takes one car from the application. Version 2 loses it too.
pub(super) fn remove(context: &mut Context<'_>, caller: &Caller, id: &str) -> Result<Answer, Refusal> {
    let Connection {
        user_id, vehicle_id, ..
    } = find(&context.store.v3, caller, id)?.clone();
    context.store.disconnect(&user_id, &vehicle_id);
    Ok(removed(&context.config.v3))
}

/// Forgets an owner and everything that was granted.
pub(super) fn remove_user(context: &mut Context<'_>, caller: &Caller, id: &str) -> Result<Answer, Refusal> {
    let connections = &context.store.v3.connections;
    let is_known = connections.iter().any(|one| one.user_id == id);
    if !is_known || caller.user.as_ref().is_some_and(|user| user != id) {
        return Err(Refusal::with_detail(
            errors::PATH_NOT_FOUND,
            &format!("User with ID {id} not found"),
        ));
    }
    context.store.remove_user(id);
    Ok(no_content())
}

fn find<'a>(state: &'a State, caller: &Caller, id: &str) -> Result<&'a Connection, Refusal> {
    let is_it = |one: &&Connection| one.id == id && caller.user.as_ref().is_none_or(|user| *user == one.user_id);
    state.connections.iter().find(is_it).ok_or_else(|| {
        let detail = format!("Connection with ID {id} not found");
        Refusal::with_detail(errors::PATH_NOT_FOUND, &detail)
    })
}

fn removed(settings: &Settings) -> Answer {
    if settings.remove_connection_status == 200 {
        return ok(&json!({ "meta": { "message": "connection removed" } }));
    }
    no_content()
}

fn no_content() -> Answer {
    let mut answer = ok(&Value::Null);
    *answer.status_mut() = StatusCode::NO_CONTENT;
    answer.headers_mut().remove(axum::http::header::CONTENT_TYPE);
    answer.body_mut().clear();
    answer
}

fn check_names(params: &Params) -> Result<(), Refusal> {
    let known = |name: &str| FILTERS.contains(&name) || name == PAGE_NUMBER || name == PAGE_SIZE;
    match params.0.iter().find(|(name, _)| !known(name)) {
        _ if params.repeated().is_some() => Err(Refusal::with_detail(
            errors::BAD_REQUEST,
            "a query parameter is repeated",
        )),
        Some((name, _)) => Err(Refusal::with_detail(
            errors::BAD_REQUEST,
            &format!("unknown query parameter {name}"),
        )),
        None => Ok(()),
    }
}

fn page_param(params: &Params, name: &str, default: usize, max: usize) -> Result<usize, Refusal> {
    let Some(text) = params.get(name) else {
        return Ok(default);
    };
    text.parse()
        .ok()
        .filter(|value| (1..=max).contains(value))
        .ok_or_else(|| Refusal::with_detail(errors::BAD_REQUEST, &format!("{name} must be from 1 to {max}")))
}

fn resource(one: &Connection, config: &Config, state: &State, request: &Request) -> Value {
    let base = format!("{}/v3", request.origin());
    let mut attributes = json!({
        "permissions": one.permissions,
        "vehicle": config.vehicle(&one.vehicle_id).map(|vehicle| super::vehicle_attributes(vehicle, one.mode)),
    });
    if let (true, Some(attributes)) = (config.v3.user_in_attributes, attributes.as_object_mut()) {
        let mut user = json!({ "id": one.user_id });
        if let (true, Some(user)) = (config.v3.external_id_listed, user.as_object_mut()) {
            user.insert("externalId".to_owned(), state.external_id(&one.user_id).into());
        }
        attributes.insert("user".to_owned(), user);
    }
    json!({
        "id": one.id,
        "type": "connection",
        "attributes": attributes,
        "relationships": {
            "vehicle": {
                "data": { "id": one.vehicle_id, "type": "vehicle" },
                "links": { "related": format!("{base}/vehicles/{}", one.vehicle_id) },
            },
            "user": { "data": { "id": one.user_id, "type": "user" } },
        },
        "meta": { "createdAt": clock::rfc3339(one.created_at), "updatedAt": clock::rfc3339(one.updated_at) },
        "links": { "self": format!("{base}/connections/{}", one.id) },
    })
}

fn links(params: &Params, number: usize, size: usize, total: usize, mode: Mode, request: &Request) -> Value {
    let last = total.div_ceil(size).max(1);
    let link = |number: usize| {
        let mut pairs = vec![(PAGE_NUMBER, number.to_string()), (PAGE_SIZE, size.to_string())];
        for name in FILTERS {
            match params.get(name) {
                Some(value) => pairs.push((name, value.to_owned())),
                None if name == "filter[vehicle.mode]" => pairs.push((name, mode.name().to_owned())),
                None => {}
            }
        }
        http::with_query(&format!("{}/v3/connections", request.origin()), &pairs)
    };
    let next = number.saturating_add(1);
    let prev = number.saturating_sub(1);
    json!({
        "self": link(number),
        "first": link(1),
        "last": link(last),
        "next": (next <= last).then(|| link(next)),
        "prev": (prev >= 1 && prev <= last).then(|| link(prev)),
    })
}
