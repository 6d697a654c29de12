//! The description as a whole.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use smartcar_connect::{
    edge::{ANY_COOKIE, HANDED_ON, Resource, without_identity},
    http_api::{ConnectionStatus, ProblemCode, header, path},
};

use super::{
    doc_comments::{DocComments, camel_case, capitalised},
    login,
    operations::{self, Credential, Operation, Success},
    passed_on, schemas,
};

/// The sources of everything that is sent or read.
const SOURCES: &[&str] = &[
    "src/http_api",
    "src/connect/callback/mod.rs",
    "src/seal/reseal_progress.rs",
];

pub(crate) fn document() -> Value {
    let comments = DocComments::read(SOURCES);
    let mut refusals = Vec::new();
    let mut paths: BTreeMap<String, Map<String, Value>> = BTreeMap::new();
    for resource in operations::resources() {
        let operation = operations::of(&resource);
        let methods = paths.entry(operation.path.clone()).or_default();
        let parameters: Vec<Value> = path_parameters(&operation.path).map(operations::parameter).collect();
        if !parameters.is_empty() {
            methods.insert("parameters".to_owned(), parameters.into());
        }
        let described = describe(&resource, &operation, &comments, &mut refusals);
        let other = methods.insert(operation.method.to_ascii_lowercase(), described);
        assert!(
            other.is_none(),
            "{} {} is described twice",
            operation.method,
            operation.path
        );
    }
    let responses: Map<String, Value> = refusals
        .into_iter()
        .map(|(codes, is_page)| (name_of(&codes, is_page), refusal(&codes, is_page)))
        .collect();
    json!({
        "openapi": "3.1.1",
        "info": {
            "title": "smartcar-connect",
            "version": env!("CARGO_PKG_VERSION"),
            "summary": "The Worker's HTTP API",
            "description": "Times are milliseconds since the Unix epoch. `HEAD` is answered like `GET`, and any other method \
                than those of a path with 405 and the problem `method_not_allowed`. What the routes do: docs/http-api.md.",
            "license": {"name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0"},
        },
        "servers": [{"url": path::DEFAULT_MOUNT}],
        "paths": paths,
        "components": {
            "schemas": schemas::all(&comments),
            "responses": responses,
            "headers": headers(),
            "parameters": parameters(),
            "securitySchemes": {
                "session": {
                    "type": "apiKey",
                    "in": "cookie",
                    "name": ANY_COOKIE,
                    "description": "The session of a browser. Answers to visits renew the cookie.",
                },
                "userToken": {
                    "type": "http",
                    "scheme": "bearer",
                    "bearerFormat": "JWT",
                    "description": "A token of the app's own log-in, where the settings take those; it may be in a cookie instead. \
                        docs/users.md has what is checked.",
                },
                "serviceKey": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "One of `SERVICE_KEYS`, which the app's own back end has.",
                },
            },
        },
    })
}

/// The names of the parameters of a path.
fn path_parameters(path: &str) -> impl Iterator<Item = &str> {
    path.split('{').skip(1).filter_map(|rest| Some(rest.split_once('}')?.0))
}

/// Every problem that a request for this can be answered with, in the order of their declaration.
pub(crate) fn problems(resource: &Resource, operation: &Operation) -> Vec<ProblemCode> {
    let mut all = operation.problems.clone();
    // A Worker that is not set up says so whatever it is asked, and one rule holds for every body.
    all.extend([
        ProblemCode::Misconfigured,
        ProblemCode::UnsupportedMediaType,
        ProblemCode::BodyTooLarge,
        ProblemCode::InvalidBody,
    ]);
    if resource.changes_state() {
        all.extend([ProblemCode::OriginNotAllowed, ProblemCode::HeaderMissing]);
    }
    if resource.tells_own() {
        all.push(ProblemCode::HeaderMissing);
    }
    match operation.credential {
        Credential::Session => all.push(without_identity(resource).code),
        // Whom a back end names may be no user's id.
        Credential::ServiceKey => all.extend([ProblemCode::ServiceKeyRejected, ProblemCode::InvalidParameter]),
        Credential::None | Credential::SessionOrNone => {}
    }
    if matches!(operation.credential, Credential::Session | Credential::SessionOrNone) {
        // A token that is shown decides, where the settings take any.
        all.extend([ProblemCode::InvalidToken, ProblemCode::KeysUnavailable]);
        // A back end names a user, or fails to.
        all.extend([ProblemCode::ServiceKeyRejected, ProblemCode::InvalidParameter]);
        // A session that was ended is none, and not as good as none.
        all.push(ProblemCode::SessionMissing);
    }
    if path_parameters(&operation.path).next().is_some() {
        // What is no fingerprint or id is no path.
        all.push(ProblemCode::NotFound);
    }
    let declared = ProblemCode::ALL.iter().copied();
    declared.filter(|code| all.contains(code)).collect()
}

/// What an operation is called in what is generated of the description.
pub(crate) fn operation_id(resource: &Resource) -> String {
    match resource {
        Resource::Api(target) => passed_on::id(target),
        _ => camel_case(resource.name()),
    }
}

/// Whether a problem says when a further attempt makes sense.
fn is_passing(code: ProblemCode) -> bool {
    matches!(
        code,
        ProblemCode::StorageUnavailable
            | ProblemCode::UpstreamUnavailable
            | ProblemCode::KeysUnavailable
            | ProblemCode::TooManyRequests
            | ProblemCode::SmartcarError
    )
}

/// Describes an operation; the problems of one status that it can be answered with are added to `refusals`.
fn describe(
    resource: &Resource,
    operation: &Operation,
    comments: &DocComments,
    refusals: &mut Vec<(Vec<ProblemCode>, bool)>,
) -> Value {
    let mut responses: BTreeMap<String, Value> = BTreeMap::new();
    for (status, success) in success(operation) {
        responses.insert(status.to_owned(), success);
    }
    let is_page = resource.is_page();
    let mut by_status: BTreeMap<u16, Vec<ProblemCode>> = BTreeMap::new();
    for code in problems(resource, operation) {
        by_status.entry(code.status()).or_default().push(code);
    }
    // It has Smartcar's status, so any.
    let any_status = by_status
        .values_mut()
        .any(|codes| codes.contains(&ProblemCode::SmartcarError));
    if any_status {
        for codes in by_status.values_mut() {
            codes.retain(|code| *code != ProblemCode::SmartcarError);
            codes.push(ProblemCode::SmartcarError);
        }
        let codes = vec![ProblemCode::SmartcarError];
        responses.insert(
            "default".to_owned(),
            json!({"$ref": format!("#/components/responses/{}", name_of(&codes, is_page))}),
        );
        refusals.push((codes, is_page));
    }
    for (status, codes) in by_status {
        let reference = format!("#/components/responses/{}", name_of(&codes, is_page));
        responses.insert(status.to_string(), json!({"$ref": reference}));
        refusals.push((codes, is_page));
    }
    let mut described = json!({
        "operationId": operation_id(resource),
        "summary": operation.summary,
        "responses": responses,
        "security": security(operation.credential),
    });
    let mut parameters = guards(resource);
    if matches!(operation.credential, Credential::Session | Credential::SessionOrNone) {
        parameters.push(json!({"$ref": "#/components/parameters/User"}));
    }
    if matches!(resource, Resource::ConnectLogin | Resource::ConnectLoginForm) {
        parameters.extend(login::parameters());
    }
    if *resource == Resource::ListPrincipals {
        let names = ["Status", "Limit", "Cursor"];
        parameters.extend(names.map(|name| json!({"$ref": format!("#/components/parameters/{name}")})));
    }
    if matches!(resource, Resource::ShowMigration | Resource::Migrate) {
        let names = ["Limit", "Cursor"];
        parameters.extend(names.map(|name| json!({"$ref": format!("#/components/parameters/{name}")})));
    }
    if *resource == Resource::EndSession {
        parameters.push(json!({"$ref": "#/components/parameters/Everywhere"}));
    }
    if let Resource::Api(target) = resource {
        parameters.extend(passed_on::parameters(target));
    }
    if !parameters.is_empty() {
        described["parameters"] = parameters.into();
    }
    if let Some(schema) = operation.request {
        described["requestBody"] = json!({
            "required": true,
            "content": { header::JSON: {"schema": schema(comments)} },
        });
    }
    described
}

fn security(credential: Credential) -> Value {
    match credential {
        Credential::None => json!([]),
        Credential::SessionOrNone => json!([{}, {"session": []}, {"userToken": []}, {"serviceKey": []}]),
        Credential::Session => json!([{"session": []}, {"userToken": []}, {"serviceKey": []}]),
        Credential::ServiceKey => json!([{"serviceKey": []}]),
    }
}

fn success(operation: &Operation) -> Vec<(&'static str, Value)> {
    match operation.success {
        Success::Redirect(to) => vec![redirect(operation, to)],
        Success::PageOrRedirect(to) => vec![("200", page(operation)), redirect(operation, to)],
        Success::Smartcar if operation.method == "DELETE" => {
            let (status, answer) = body(operation);
            let nothing = json!({"description": "It is done.", "headers": answer["headers"]});
            vec![(status, answer), ("204", nothing)]
        }
        _ => vec![body(operation)],
    }
}

/// The headers of every answer, and the cookie.
fn headers_of(operation: &Operation) -> Map<String, Value> {
    let mut headers = always();
    if let Some(what) = operation.cookie {
        headers.insert(
            "Set-Cookie".to_owned(),
            json!({"description": what, "schema": {"type": "string"}}),
        );
    }
    headers
}

fn redirect(operation: &Operation, to: &str) -> (&'static str, Value) {
    let mut headers = headers_of(operation);
    headers.insert(
        "Location".to_owned(),
        json!({"description": to, "required": true, "schema": {"type": "string"}}),
    );
    (
        "303",
        json!({"description": "The browser goes on.", "headers": headers}),
    )
}

fn page(operation: &Operation) -> Value {
    json!({
        "description": "A page for the owner.",
        "headers": headers_of(operation),
        "content": {HTML: {"schema": {"type": "string"}}},
    })
}

/// The content type of the pages.
const HTML: &str = "text/html; charset=utf-8";

fn body(operation: &Operation) -> (&'static str, Value) {
    let (status, description, schema) = match operation.success {
        Success::Body(name) => ("200", "It is so.", Some(schemas::reference(name))),
        Success::Object => ("200", "It is so.", Some(json!({"type": "object"}))),
        Success::Nothing | Success::Redirect(_) | Success::PageOrRedirect(_) => ("204", "It is done.", None),
        Success::Smartcar => (
            "2XX",
            "What Smartcar says, with its status.",
            Some(json!({"type": "object"})),
        ),
    };
    let mut headers = headers_of(operation);
    if matches!(operation.success, Success::Smartcar) {
        for name in HANDED_ON {
            let what = "As Smartcar's documentation says.";
            headers.insert(
                name.to_owned(),
                json!({"description": what, "schema": {"type": "string"}}),
            );
        }
    }
    let mut answer = json!({"description": description, "headers": headers});
    if let Some(schema) = schema {
        answer["content"] = json!({ header::JSON: {"schema": schema} });
    }
    (status, answer)
}

/// What the answer with one of these is called, in the description and in what is generated of it.
fn name_of(codes: &[ProblemCode], is_page: bool) -> String {
    let names = codes.iter().map(|code| capitalised(&camel_case(code.as_str())));
    let end = if is_page { "Page" } else { "" };
    names.collect::<Vec<_>>().join("Or") + end
}

/// The answer with one of these, which are of one status.
fn refusal(codes: &[ProblemCode], is_page: bool) -> Value {
    let mut headers = always();
    if codes.iter().any(|code| is_passing(*code)) {
        let header = header_reference("Retry-After");
        headers.insert("Retry-After".to_owned(), header);
    }
    let own = || codes.iter().filter(|code| **code != ProblemCode::SmartcarError);
    if own().next().is_some() && own().all(|code| code.status() == 401) {
        headers.insert("WWW-Authenticate".to_owned(), header_reference("WWW-Authenticate"));
    }
    let titles: Vec<String> = codes
        .iter()
        .map(|code| format!("`{}`: {}.", code.as_str(), code.title()))
        .collect();
    let mut content = schemas::problem(codes);
    // A Worker that is not set up says so before it knows what is asked.
    if is_page && !codes.contains(&ProblemCode::Misconfigured) {
        content = json!({HTML: {"schema": {"type": "string"}}});
    } else if is_page {
        content[HTML] = json!({"schema": {"type": "string"}});
    }
    json!({"description": titles.join("\n"), "headers": headers, "content": content})
}

fn header_reference(name: &str) -> Value {
    json!({"$ref": format!("#/components/headers/{name}")})
}

/// The headers of every answer that say something of it.
fn always() -> Map<String, Value> {
    let names = ["Cache-Control", "X-Request-Id"];
    names
        .map(|name| (name.to_owned(), header_reference(name)))
        .into_iter()
        .collect()
}

fn headers() -> Value {
    json!({
        "Cache-Control": {
            "description": "No answer may be stored.",
            "required": true,
            "schema": {"type": "string", "const": "no-store"},
        },
        "X-Request-Id": {
            "description": "The Worker's name for the request, as in its log.",
            "required": true,
            "schema": {"type": "string", "minLength": 1},
        },
        "Retry-After": {
            "description": "After how many seconds a further attempt makes sense.",
            "schema": {"type": "integer", "minimum": 1},
        },
        "WWW-Authenticate": {
            "description": "Which credential counts: `Bearer`, or `Cookie` with the cookie's name.",
            "required": true,
            "schema": {"type": "string"},
        },
    })
}

/// The headers by which a request shows that no page elsewhere caused it.
fn guards(resource: &Resource) -> Vec<Value> {
    let of = |name: &str| json!({"$ref": format!("#/components/parameters/{name}")});
    if resource.changes_state() {
        vec![of("Origin"), of("RequestedWith")]
    } else if resource.tells_own() {
        vec![of("Meant")]
    } else {
        Vec::new()
    }
}

fn parameters() -> Value {
    let all = ConnectionStatus::ALL.iter().filter(|status| status.owner_must_act());
    let must_act: Vec<&str> = all.map(|status| status.as_str()).collect();
    json!({
        "Origin": {
            "name": "Origin",
            "in": "header",
            "description": "That of the Worker itself, or one of `ALLOWED_ORIGINS`. Without it `Sec-Fetch-Site` has to say \
                `same-origin`.",
            "schema": {"type": "string"},
        },
        "RequestedWith": {
            "name": header::REQUESTED_WITH,
            "in": "header",
            "description": "Shows that no form has caused the request: required of a browser whose cookie says who asks, and of \
                nobody who shows a bearer token or a service key.",
            "schema": {"type": "string", "const": header::REQUESTED_WITH_VALUE},
        },
        "User": {
            "name": header::USER,
            "in": "header",
            "description": "With a service key, and only with one: the id of the user for whom the app's own back end asks.",
            "schema": {"type": "string", "pattern": "^[!-~]{1,507}$"},
        },
        "Everywhere": {
            "name": "everywhere",
            "in": "query",
            "allowEmptyValue": true,
            "description": "Whether every session of the principal is to end, and not the caller's alone.",
            "schema": {"type": "string", "enum": ["", "true"]},
        },
        "Status": {
            "name": "status",
            "in": "query",
            "style": "form",
            "explode": false,
            "description": "The statuses of the connections that are wanted; both, unless it is said.",
            "schema": {
                "type": "array",
                "minItems": 1,
                "items": {"type": "string", "enum": must_act},
            },
        },
        "Limit": {
            "name": "limit",
            "in": "query",
            "description": "How many vaults, or names in KV, are looked at for one page, at most.",
            "schema": {"type": "integer", "minimum": 1, "maximum": 100, "default": 40},
        },
        "Cursor": {
            "name": "cursor",
            "in": "query",
            "description": "The `cursor` of the page before.",
            "schema": {"type": "string", "pattern": "^[A-Za-z0-9_-]+$"},
        },
        "UnitSystem": {
            "name": "sc-unit-system",
            "in": "header",
            "description": "The units of what is read.",
            "schema": {"type": "string", "enum": ["metric", "imperial"]},
        },
        "Meant": {
            "name": header::REQUESTED_WITH,
            "in": "header",
            "description": "That the page is meant to ask, where neither `Origin` nor `Sec-Fetch-Site` says so. Any other value \
                counts as none.",
            "schema": {"type": "string", "examples": [header::REQUESTED_WITH_VALUE]},
        },
    })
}
