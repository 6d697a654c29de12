//! From a request to `/api/v2.0/…` or `/api/v3/…` to the one that Smartcar gets: nothing of it is copied, all of it is made from what was read.

use serde::Deserialize;
use serde_json::{Map, Value};

use super::{
    endpoint::{Effect, Endpoint, Sensitive},
    request::Method,
    signal::signal_permission,
};
use crate::{
    connect::{Origin, VehicleId},
    http_api::ApiVersion,
    json::strict::{self, Strict},
};

/// The most paths of one batch. Smartcar counts each as a request.
pub const MOST_PATHS: usize = 50;

/// The longest value in a query, in bytes.
const LONGEST_VALUE: usize = 40;

/// An endpoint of one vehicle: what a method and a path ask for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiTarget {
    endpoint: &'static Endpoint,
    value: Option<String>,
    vehicle: VehicleId,
}

/// What there is at a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// An endpoint with the method.
    Target(ApiTarget),
    /// Endpoints with other methods: these.
    Methods(Vec<Method>),
    /// Nothing that is passed on.
    Nothing,
}

impl ApiTarget {
    /// Looks for what `method` asks for at `path`, which is percent-encoded as it was sent and lies below the path at which the
    /// API is mounted: `/v2.0/vehicles/{id}…` or `/v3/vehicles/{id}…`.
    #[must_use]
    pub fn find(method: &str, path: &str) -> Found {
        let Some((version, rest)) = Endpoint::version_of(path) else {
            return Found::Nothing;
        };
        let (id, below) = match rest.find('/') {
            Some(at) => rest.split_at(at),
            None => (rest, ""),
        };
        // No character of an id means anything in a path, nor does one stand for another.
        let Ok(vehicle) = VehicleId::parse(id) else {
            return Found::Nothing;
        };
        let mut methods = Vec::new();
        for (endpoint, value) in Endpoint::at(version, below) {
            if endpoint.method.as_str() == method {
                return Found::Target(Self {
                    endpoint,
                    value: value.map(str::to_owned),
                    vehicle,
                });
            }
            methods.push(endpoint.method);
        }
        if methods.is_empty() {
            Found::Nothing
        } else {
            Found::Methods(methods)
        }
    }

    /// What a batch for the same vehicle may read at `path`; `None` if nothing.
    pub(super) fn part(&self, path: &str) -> Option<Self> {
        // The vehicle itself is `/` in a batch.
        let below = if path == "/" { "" } else { path };
        let found = Endpoint::at(self.version(), below).find(|(endpoint, _)| endpoint.method == Method::Get);
        let (endpoint, value) = found.filter(|_| !path.is_empty())?;
        Some(Self {
            endpoint,
            value: value.map(str::to_owned),
            vehicle: self.vehicle.clone(),
        })
    }

    /// The endpoint.
    #[must_use]
    pub const fn endpoint(&self) -> &'static Endpoint {
        self.endpoint
    }

    /// The version of Smartcar's API that it is of.
    #[must_use]
    pub const fn version(&self) -> ApiVersion {
        self.endpoint.version
    }

    /// Whether it is asked with the token of the application, and not with one of the owner's.
    #[must_use]
    pub fn is_of_v3(&self) -> bool {
        self.version() == ApiVersion::V3
    }

    /// What stands in the path where the endpoint's template has a name in braces: a make, the code of a signal, or an id.
    #[must_use]
    pub fn value(&self) -> Option<&str> {
        self.value.as_deref()
    }

    /// What the owner has to have granted; `None` if any grant is enough, or it is not known.
    #[must_use]
    pub fn permission(&self) -> Option<&'static str> {
        let of_signal = || signal_permission(self.value()?);
        self.endpoint.permission.or_else(of_signal)
    }

    /// The vehicle.
    #[must_use]
    pub const fn vehicle(&self) -> &VehicleId {
        &self.vehicle
    }

    /// Whether the answer shows that the car's maker took the owner's log-in. Smartcar knows what a vehicle is, and what was granted,
    /// without asking; in a batch each part has an answer of its own.
    #[must_use]
    pub fn asks_the_maker(&self) -> bool {
        self.endpoint.asks_the_maker()
    }

    /// Whether it changes something at the car.
    #[must_use]
    pub fn is_command(&self) -> bool {
        self.endpoint.effect == Effect::Command
    }
}

/// Why a request is not passed on. Nothing of it is repeated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CallError {
    /// The operator has not allowed what has this permission; of a batch, the path with this index.
    NotAllowed(Sensitive, Option<usize>),
    /// The query has a name that the endpoint does not take, one twice, or a value that none of them has.
    Query(&'static [&'static str]),
    /// `sc-unit-system` is neither `metric` nor `imperial`.
    UnitSystem,
    /// The body is no JSON object, or none of a batch.
    Body,
    /// A batch has no path, or too many.
    BatchSize,
    /// The path of a batch with this index is none that may be read.
    BatchPath(usize),
}

/// In which units Smartcar is to answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnitSystem {
    /// Kilometres, litres, kilopascal.
    Metric,
    /// Miles, gallons, pounds per square inch.
    Imperial,
}

impl UnitSystem {
    /// The value of the header `sc-unit-system`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Metric => "metric",
            Self::Imperial => "imperial",
        }
    }

    /// The one that the value of the header names.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Metric, Self::Imperial]
            .into_iter()
            .find(|one| one.as_str() == name)
    }
}

/// A request to Smartcar, ready but for its origin and its access token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiCall {
    target: ApiTarget,
    query: String,
    unit_system: Option<UnitSystem>,
    body: Option<String>,
    answers_with_link: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Batch {
    requests: Vec<Strict<BatchRequest>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct BatchRequest {
    path: String,
}

impl ApiCall {
    /// Reads a request for `target`. `query` is without its question mark, `unit_system` the value of the header, `allowed` what
    /// the operator allows of what is [sensitive](Endpoint::sensitive). Of a target that takes no body, `body` is not looked at.
    ///
    /// # Errors
    /// [`CallError`], if it is not passed on.
    pub fn read(
        target: ApiTarget,
        query: Option<&str>,
        unit_system: Option<&str>,
        body: &[u8],
        allowed: &[Sensitive],
    ) -> Result<Self, CallError> {
        check_allowed(target.endpoint, allowed, None)?;
        let query = read_query(query.unwrap_or_default(), target.endpoint.query)?;
        let unit_system = match unit_system {
            Some(name) => Some(UnitSystem::from_name(name).ok_or(CallError::UnitSystem)?),
            None => None,
        };
        let mut answers_with_link = target.endpoint.answers_with_link;
        let body = if target.endpoint.is_batch() {
            // The error of one path may repeat what only that endpoint has.
            answers_with_link = true;
            Some(read_batch(&target, body, allowed)?)
        } else if target.endpoint.takes_body {
            let members: Map<String, Value> = strict::read(body).map_err(|_| CallError::Body)?;
            Some(Value::Object(members).to_string())
        } else {
            None
        };
        Ok(Self {
            target,
            query,
            unit_system,
            body,
            answers_with_link,
        })
    }

    /// What it asks for.
    #[must_use]
    pub const fn target(&self) -> &ApiTarget {
        &self.target
    }

    /// The URL to send it to, where the API of its [version](ApiTarget::version) is at `api`.
    #[must_use]
    pub fn url(&self, api: &Origin) -> String {
        let ApiTarget {
            endpoint,
            value,
            vehicle,
        } = &self.target;
        let below = endpoint.path(value.as_deref());
        // No character of an id means anything in a path.
        let mut url = [api.as_str(), &endpoint.vehicles_path(), "/", vehicle.as_str(), &below].concat();
        if !self.query.is_empty() {
            url.push('?');
            url.push_str(&self.query);
        }
        url
    }

    /// The units that are asked for; `None` leaves them to Smartcar.
    #[must_use]
    pub const fn unit_system(&self) -> Option<UnitSystem> {
        self.unit_system
    }

    /// The JSON to send, if the endpoint takes any.
    #[must_use]
    pub fn body(&self) -> Option<&str> {
        self.body.as_deref()
    }

    /// Whether the answer may have a link that carries a token of Smartcar's: see
    /// [`without_links`](super::without_links).
    #[must_use]
    pub const fn answers_with_link(&self) -> bool {
        self.answers_with_link
    }
}

fn check_allowed(endpoint: &Endpoint, allowed: &[Sensitive], index: Option<usize>) -> Result<(), CallError> {
    match endpoint.sensitive() {
        Some(sensitive) if !allowed.contains(&sensitive) => Err(CallError::NotAllowed(sensitive, index)),
        _ => Ok(()),
    }
}

/// The query, written anew. Dates, numbers and coordinates are all that Smartcar takes.
fn read_query(query: &str, names: &'static [&'static str]) -> Result<String, CallError> {
    let mut read: Vec<&'static str> = Vec::new();
    let mut written = form_urlencoded::Serializer::new(String::new());
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        let known = names.iter().find(|known| **known == name);
        let legal = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'+' | b':' | b'.');
        match known {
            Some(known)
                if !read.contains(known) && (1..=LONGEST_VALUE).contains(&value.len()) && value.bytes().all(legal) =>
            {
                read.push(known);
                written.append_pair(known, &value);
            }
            _ => return Err(CallError::Query(names)),
        }
    }
    Ok(written.finish())
}

/// The body of a batch, written anew: every path is one of an endpoint that reads.
fn read_batch(target: &ApiTarget, body: &[u8], allowed: &[Sensitive]) -> Result<String, CallError> {
    let batch: Batch = strict::read(body).map_err(|_| CallError::Body)?;
    if !(1..=MOST_PATHS).contains(&batch.requests.len()) {
        return Err(CallError::BatchSize);
    }
    let mut paths = Vec::new();
    for (index, Strict(BatchRequest { path })) in batch.requests.iter().enumerate() {
        let part = target.part(path).ok_or(CallError::BatchPath(index))?;
        check_allowed(part.endpoint, allowed, Some(index))?;
        let written = match part.endpoint.path(part.value()) {
            root if root.is_empty() => "/".to_owned(),
            path => path,
        };
        paths.push(serde_json::json!({ "path": written }));
    }
    Ok(serde_json::json!({ "requests": paths }).to_string())
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*};

    use super::*;
    use crate::api::endpoint::ENDPOINTS;

    const ID: &str = "a1b01e50-497c-417c-a30e-6df6ba33ba46";

    fn target(method: &str, below: &str) -> ApiTarget {
        match ApiTarget::find(method, &format!("/v2.0/vehicles/{ID}{below}")) {
            Found::Target(target) => target,
            other => panic!("{method} {below}: {other:?}"),
        }
    }

    fn target_v3(method: &str, below: &str) -> ApiTarget {
        match ApiTarget::find(method, &format!("/v3/vehicles/{ID}{below}")) {
            Found::Target(target) => target,
            other => panic!("{method} {below}: {other:?}"),
        }
    }

    fn call(method: &str, below: &str, query: &str, body: &str) -> Result<ApiCall, CallError> {
        ApiCall::read(target(method, below), Some(query), None, body.as_bytes(), &[])
    }

    fn url(call: &ApiCall) -> String {
        call.url(&Origin::api())
    }

    #[test]
    fn a_request_is_made_anew_from_what_was_read() {
        let read = call("GET", "/odometer", "", "").unwrap();
        assert_eq!(
            url(&read),
            format!("https://api.smartcar.com/v2.0/vehicles/{ID}/odometer")
        );
        assert_eq!(
            (read.body(), read.unit_system(), read.answers_with_link()),
            (None, None, false)
        );
        assert_eq!(
            url(&call("GET", "", "", "").unwrap()),
            format!("https://api.smartcar.com/v2.0/vehicles/{ID}")
        );
        let lock = call("POST", "/security", "", r#" {"action" : "LOCK", "action":"UNLOCK"} "#).unwrap();
        assert!(lock.target().is_command());
        assert_eq!(lock.body(), Some(r#"{"action":"UNLOCK"}"#), "a name stands once");
        let schedule = call(
            "PUT",
            "/ford/charge/schedule_by_location",
            "longitude=-1.5&latitude=%32",
            "{}",
        )
        .unwrap();
        assert!(
            url(&schedule).ends_with("/ford/charge/schedule_by_location?longitude=-1.5&latitude=2"),
            "{schedule:?}"
        );
        let imperial = ApiCall::read(target("GET", "/odometer"), None, Some("imperial"), b"", &[]).unwrap();
        assert_eq!(imperial.unit_system(), Some(UnitSystem::Imperial));
        assert!(
            call("GET", "/battery/nominal_capacity", "", "")
                .unwrap()
                .answers_with_link()
        );
    }

    #[test]
    fn a_request_of_version_3_goes_below_its_own_path() {
        let read = |method: &str, below: &str, query: &str, body: &str| {
            ApiCall::read(target_v3(method, below), Some(query), None, body.as_bytes(), &[])
        };
        let vehicles = Origin::vehicle();
        let signal = read("GET", "/signals/odometer-traveleddistance", "", "").unwrap();
        assert_eq!(
            signal.url(&vehicles),
            format!("https://vehicle.api.smartcar.com/v3/vehicles/{ID}/signals/odometer-traveleddistance")
        );
        assert_eq!(signal.target().permission(), Some("read_odometer"));
        assert!(signal.answers_with_link() && !signal.target().is_command());
        let lock = read("POST", "/commands/security/lock", "", "{").unwrap();
        assert_eq!(
            lock.url(&vehicles),
            format!("https://vehicle.api.smartcar.com/v3/vehicles/{ID}/commands/security/lock")
        );
        assert!(lock.target().is_command() && !lock.answers_with_link());
        assert_eq!(lock.body(), None, "it takes none, whatever was sent");
        let limit = read(
            "POST",
            "/commands/charge/set-limit",
            "",
            r#"{"data":{"attributes":{"percent":80}}}"#,
        )
        .unwrap();
        assert_eq!(limit.body(), Some(r#"{"data":{"attributes":{"percent":80}}}"#));
        assert_eq!(
            read("POST", "/commands/charge/set-limit", "", "").unwrap_err(),
            CallError::Body
        );
        let deletion = read("DELETE", "/charge-schedules/sched_1", "", "").unwrap();
        assert!(deletion.url(&vehicles).ends_with("/charge-schedules/sched_1") && deletion.target().is_command());
        for below in ["", "/signals", "/signals/odometer-traveleddistance"] {
            assert_eq!(
                read("GET", below, "page=2", "").unwrap_err(),
                CallError::Query(&[]),
                "{below}"
            );
        }
    }

    #[test]
    fn no_endpoint_of_one_version_is_one_of_the_other() {
        for (method, path) in [
            ("GET", "/v3/vehicles/x/odometer"),
            ("POST", "/v3/vehicles/x/security"),
            ("POST", "/v3/vehicles/x/batch"),
            ("GET", "/v2.0/vehicles/x/signals"),
            ("POST", "/v2.0/vehicles/x/commands/security/lock"),
            ("GET", "/v3.0/vehicles/x"),
            ("GET", "/v3/vehicles"),
            ("GET", "/v3/vehicles/"),
            ("GET", "/v3/connections"),
            ("DELETE", "/v3/connections/x"),
            ("DELETE", "/v3/users/x"),
            ("GET", "/v3/webhooks"),
            ("POST", "/v3/subscriptions"),
            ("GET", "/v3/applications/x/secrets"),
            ("GET", "/v3/vehicles/../connections"),
            ("GET", "/v3/vehicles/%2e%2e/connections"),
            ("DELETE", "/v3/vehicles/x"),
        ] {
            assert!(
                !matches!(ApiTarget::find(method, path), Found::Target(_)),
                "{method} {path}"
            );
        }
    }

    #[test]
    fn no_other_path_leads_anywhere() {
        for path in [
            "",
            "/",
            "/v2.0",
            "/v2.0/user",
            "/v2.0/vehicles",
            "/v2.0/vehicles/",
            "/v2.0//vehicles/x",
            "/v2.0/vehicles//odometer",
            "/v2.0/vehicles/../odometer",
            "/v2.0/vehicles/%2e%2e/odometer",
            "/v2.0/vehicles/x%2fodometer",
            "/v2.0/vehicles/x/%6fdometer",
            "/v2.0/vehicles/x/odometer/",
            "/v2.0/vehicles/x//odometer",
            "/v2.0/vehicles/x/odometer;a=b",
            "/v2.0/vehicles/x/odometer%00",
            "/v2.0/vehicles/x\\odometer",
            "/v2.0/vehicles/x/../y/odometer",
            "/v2.0/vehicles/x/application",
            "/v2.0/vehicles/x/webhooks/y",
            "/v2.0/vehicles/x/TESLA/battery",
            "/v2.0/vehicles/x/{make}/battery",
            "/v2.0/compatibility",
            "/v2.0/management/connections",
            "/v2.0/vehicles/https://evil.example/odometer",
            "//evil.example/v2.0/vehicles/x/odometer",
            "/v1.0/vehicles/x/odometer",
            "/V2.0/vehicles/x/odometer",
        ] {
            for method in ["GET", "POST", "PUT", "DELETE"] {
                assert_eq!(ApiTarget::find(method, path), Found::Nothing, "{method} {path}");
            }
        }
    }

    #[test]
    fn a_method_is_one_of_the_endpoints() {
        let at = |method, below: &str| ApiTarget::find(method, &format!("/v2.0/vehicles/x{below}"));
        assert_eq!(at("HEAD", "/odometer"), Found::Methods(vec![Method::Get]));
        assert_eq!(at("get", "/odometer"), Found::Methods(vec![Method::Get]));
        assert_eq!(at("PATCH", "/charge"), Found::Methods(vec![Method::Get, Method::Post]));
        assert_eq!(at("GET", "/batch"), Found::Methods(vec![Method::Post]));
        assert_eq!(
            at("PUT", "/tesla/pin"),
            Found::Methods(vec![Method::Post, Method::Delete])
        );
    }

    #[test]
    fn what_is_sensitive_is_passed_on_only_if_it_is_allowed() {
        for (method, below, sensitive) in [
            ("POST", "/tesla/pin", Sensitive::Pin),
            ("DELETE", "/tesla/pin", Sensitive::Pin),
            ("POST", "/tesla/security/frunk", Sensitive::Trunk),
            ("GET", "/tesla/user/info", Sensitive::UserProfile),
        ] {
            let read = |allowed: &[Sensitive]| ApiCall::read(target(method, below), None, None, b"{}", allowed);
            assert_eq!(read(&[]).unwrap_err(), CallError::NotAllowed(sensitive, None));
            let others: Vec<_> = Sensitive::ALL.into_iter().filter(|one| *one != sensitive).collect();
            assert!(read(&others).is_err() && read(&[sensitive]).is_ok(), "{below}");
        }
    }

    #[test]
    fn a_query_has_known_names_once_with_plain_values() {
        let good = call("GET", "/permissions", "limit=10&offset=0", "").unwrap();
        assert!(url(&good).ends_with("/permissions?limit=10&offset=0"));
        let dates = call("GET", "/bmw/charge/records", "startDate=2026-01-01T00:00:00Z", "").unwrap();
        assert!(
            url(&dates).ends_with("?startDate=2026-01-01T00%3A00%3A00Z"),
            "{dates:?}"
        );
        for query in [
            "limit=1&limit=2",
            "limit=",
            "limit",
            "Limit=1",
            "limit[]=1",
            "limit=1%26access_token%3Dx",
            "limit=1%23",
            "limit=1%0d%0aHost:x",
            "access_token=x",
            "limit=1&user=x",
            "limit=1;offset=2",
            &format!("limit={}", "1".repeat(41)),
        ] {
            let error = call("GET", "/permissions", query, "").unwrap_err();
            assert_eq!(error, CallError::Query(&["limit", "offset"]), "{query}");
            assert!(call("GET", "/odometer", query, "").is_err(), "{query}");
        }
    }

    #[test]
    fn a_unit_system_is_one_of_two() {
        for name in ["", "Metric", "metric, imperial", "si"] {
            let read = ApiCall::read(target("GET", "/odometer"), None, Some(name), b"", &[]);
            assert_eq!(read.unwrap_err(), CallError::UnitSystem, "{name}");
        }
    }

    #[test]
    fn a_command_has_an_object() {
        for body in ["", "[]", "null", "\"LOCK\"", "{", "{} {}", "{\"action\":LOCK}"] {
            assert_eq!(
                call("POST", "/security", "", body).unwrap_err(),
                CallError::Body,
                "{body}"
            );
        }
    }

    #[test]
    fn every_path_of_a_batch_is_looked_up() {
        let batch = |body: &str| call("POST", "/batch", "", body);
        let good = batch(r#"{"requests":[{"path":"/odometer"},{"path":"/"},{"path":"/tesla/battery"}]}"#).unwrap();
        assert_eq!(
            good.body(),
            Some(r#"{"requests":[{"path":"/odometer"},{"path":"/"},{"path":"/tesla/battery"}]}"#)
        );
        assert!(!good.target().is_command() && good.answers_with_link());
        for path in [
            "",
            "odometer",
            "//odometer",
            "/odometer/",
            "/odometer?x",
            "/odometer#",
            "/%6fdometer",
            "/../other/odometer",
            "/application",
            "/batch",
            "/navigation/destination",
            "/tesla/pin",
            "/TESLA/battery",
            "https://evil.example/",
            "/v2.0/vehicles/x/odometer",
        ] {
            let body = serde_json::json!({ "requests": [{ "path": "/odometer" }, { "path": path }] });
            assert_eq!(batch(&body.to_string()).unwrap_err(), CallError::BatchPath(1), "{path}");
        }
        let profile = r#"{"requests":[{"path":"/vin"},{"path":"/tesla/user/info"}]}"#;
        assert_eq!(
            batch(profile).unwrap_err(),
            CallError::NotAllowed(Sensitive::UserProfile, Some(1))
        );
        for body in [
            r#"{"requests":{}}"#,
            r#"{"requests":["/odometer"]}"#,
            r#"{"requests":[["/odometer"]]}"#,
            r#"[[{"path":"/odometer"}]]"#,
            r#"{"requests":[{"path":"/odometer","method":"POST"}]}"#,
            r#"{"requests":[{"path":"/odometer","path":"/vin"}]}"#,
            r#"{"requests":[{"path":"/odometer"}],"requests":[]}"#,
            r#"{"requests":[{"path":"/odometer"}],"headers":{}}"#,
            r#"{"Requests":[{"path":"/odometer"}]}"#,
            "{}",
        ] {
            assert_eq!(batch(body).unwrap_err(), CallError::Body, "{body}");
        }
        assert_eq!(batch(r#"{"requests":[]}"#).unwrap_err(), CallError::BatchSize);
        let many = serde_json::json!({ "requests": vec![serde_json::json!({ "path": "/vin" }); MOST_PATHS + 1] });
        assert_eq!(batch(&many.to_string()).unwrap_err(), CallError::BatchSize);
    }

    #[test]
    fn every_endpoint_can_be_reached() {
        for endpoint in ENDPOINTS {
            let value = endpoint.makes.first().copied().unwrap_or("a-b");
            let (method, below) = (endpoint.method.as_str(), endpoint.path(Some(value)));
            let target = match endpoint.version {
                ApiVersion::V2 => target(method, &below),
                ApiVersion::V3 => target_v3(method, &below),
            };
            assert_eq!(target.endpoint(), endpoint);
        }
    }

    proptest! {
        #[test]
        fn whatever_is_asked_nothing_but_a_known_url_comes_of_it(path in "[/.%a-z0-9\\\\?#@:]{0,60}", query: String, body in vec(any::<u8>(), 0..80)) {
            let found = ApiTarget::find("GET", &["/v2.0/vehicles/", &path].concat());
            if let Found::Target(target) = found
                && let Ok(call) = ApiCall::read(target, Some(&query), None, &body, &[])
            {
                let url = url(&call);
                let rest = url.strip_prefix("https://api.smartcar.com/v2.0/vehicles/").unwrap();
                let (id, _) = rest.split_once(['/', '?']).unwrap_or((rest, ""));
                prop_assert_eq!(id, call.target().vehicle().as_str());
                prop_assert!(!url.contains("..") && !url.contains(['#', '\\', '@']), "{}", url);
            }
        }
    }
}
