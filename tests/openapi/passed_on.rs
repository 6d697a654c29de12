//! What is passed on to Smartcar: an operation for each endpoint of each make that has it.

use serde_json::{Value, json};
use smartcar_connect::{
    api::{ApiTarget, ENDPOINTS, Endpoint, Found},
    edge::Resource,
    http_api::{ProblemCode, path},
};

use super::{
    doc_comments::{DocComments, camel_case},
    operations::{Credential, Operation, Success},
};

/// A vehicle, as it is named in a path.
pub(crate) const VEHICLE: &str = "36ab27d0-fd9d-4455-823a-ce30af709ffc";

/// A signal, as it is named in a path.
pub(crate) const SIGNAL: &str = "odometer-traveleddistance";

/// A charge schedule, as it is named in a path.
pub(crate) const SCHEDULE: &str = "sched_1";

/// One of each kind.
pub(crate) fn resources() -> Vec<Resource> {
    ENDPOINTS
        .iter()
        .flat_map(|endpoint| {
            let makes = if endpoint.makes.is_empty() {
                &[""]
            } else {
                endpoint.makes
            };
            makes.iter().map(move |make| resource(endpoint, make))
        })
        .collect()
}

fn resource(endpoint: &Endpoint, make: &str) -> Resource {
    let below = endpoint.template.replace("{make}", make);
    let below = below.replace("{signalCode}", SIGNAL).replace("{scheduleId}", SCHEDULE);
    let asked = format!("{}/{VEHICLE}{below}", endpoint.vehicles_path());
    match ApiTarget::find(endpoint.method.as_str(), &asked) {
        Found::Target(target) => Resource::Api(target),
        other => panic!("{asked} leads to {other:?}"),
    }
}

/// The path of a target below the mount.
fn path_of(target: &ApiTarget) -> String {
    let endpoint = target.endpoint();
    format!(
        "{}{}/{{vehicleId}}{}",
        path::API,
        endpoint.vehicles_path(),
        below(target)
    )
}

/// What lies below the vehicle, with its make.
fn below(target: &ApiTarget) -> String {
    target
        .endpoint()
        .template
        .replace("{make}", target.value().unwrap_or_default())
}

/// What an operation is called in what is generated of the description.
pub(crate) fn id(target: &ApiTarget) -> String {
    let endpoint = target.endpoint();
    let below = below(target)
        .replace("{signalCode}", "by_code")
        .replace("{scheduleId}", "by_id");
    let version = if target.is_of_v3() { "_v3" } else { "" };
    let words = format!(
        "api_{}{version}_vehicle{}",
        endpoint.method.as_str().to_ascii_lowercase(),
        below.replace(['/', '-'], "_")
    );
    camel_case(&words)
}

pub(crate) fn operation(target: &ApiTarget) -> Operation {
    let endpoint = target.endpoint();
    let needs = match (endpoint.permission, endpoint.sensitive()) {
        (None, _) => String::new(),
        (Some(name), None) => format!("; the owner has to have granted `{name}`"),
        (Some(name), Some(_)) => format!("; only if `API_ALLOW` names `{name}`, and the owner has granted it"),
    };
    let summary = format!("Passed on to Smartcar{needs}");
    let mut problems = vec![
        ProblemCode::InvalidParameter,
        ProblemCode::ConnectionNotFound,
        ProblemCode::ReconnectionRequired,
        ProblemCode::OtherApiVersion,
        ProblemCode::TooManyRequests,
        ProblemCode::UpstreamUnavailable,
        ProblemCode::StorageUnavailable,
        ProblemCode::SmartcarError,
    ];
    if endpoint.sensitive().is_some() || endpoint.is_batch() {
        problems.push(ProblemCode::EndpointNotAllowed);
    }
    if target.is_command() {
        problems.push(ProblemCode::OutcomeUnknown);
    }
    let request: Option<fn(&DocComments) -> Value> = match endpoint {
        one if one.is_batch() => Some(|_| {
            let request = json!({"type": "object", "properties": {"path": {"type": "string"}}, "required": ["path"]});
            let requests = json!({"type": "array", "items": request, "minItems": 1, "maxItems": 50});
            json!({"type": "object", "properties": {"requests": requests}, "required": ["requests"]})
        }),
        one if one.takes_body => Some(|_| json!({"type": "object"})),
        _ => None,
    };
    Operation {
        method: endpoint.method.as_str(),
        path: path_of(target),
        summary: summary.leak(),
        credential: Credential::Session,
        request,
        cookie: None,
        success: Success::Smartcar,
        problems,
    }
}

/// The parameters that its endpoint has besides those of its path.
pub(crate) fn parameters(target: &ApiTarget) -> Vec<Value> {
    let query = target.endpoint().query.iter().map(|name| {
        json!({"name": name, "in": "query", "description": "As Smartcar's documentation says.", "schema": {"type": "string"}})
    });
    let unit_system = json!({"$ref": "#/components/parameters/UnitSystem"});
    query.chain([unit_system]).collect()
}
