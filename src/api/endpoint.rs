//! The endpoints of Smartcar's vehicle API, in both versions, that the Worker passes on: an allow-list.
//!
//! What is not in it is refused. Never in it are the endpoints that end access, subscribe webhooks or take the application's own
//! credentials: the Worker makes such requests itself, or not at all.

use super::{request::Method, signal::is_signal_code};
use crate::{connect::VehicleId, http_api::ApiVersion};

/// What a request to an endpoint does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Effect {
    /// It reads. Smartcar counts and charges for it all the same.
    Read,
    /// It changes something at the car.
    Command,
}

/// One endpoint of a vehicle.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Endpoint {
    /// The version that it is of.
    pub version: ApiVersion,
    /// The method.
    pub method: Method,
    /// Below `/vehicles/{id}`: empty, or segments that each start with a slash, of which one may be a name in braces. `{make}` stands
    /// for one of [`makes`](Self::makes), `{signalCode}` for the code of a signal, and `{scheduleId}` for an id.
    pub template: &'static str,
    /// What the owner has to have granted; `None` if any grant is enough.
    pub permission: Option<&'static str>,
    /// Whether it reads or commands.
    pub effect: Effect,
    /// The makes that have it, in small letters as Smartcar wants them; none if every make has it.
    pub makes: &'static [&'static str],
    /// The names that its query may have.
    pub query: &'static [&'static str],
    /// Whether its answer has a link that carries a token of Smartcar's.
    pub answers_with_link: bool,
    /// Whether a request has a body.
    pub takes_body: bool,
}

/// The version of an endpoint, in a path.
const fn in_path(version: ApiVersion) -> &'static str {
    match version {
        ApiVersion::V2 => "/v2.0",
        ApiVersion::V3 => "/v3",
    }
}

const NONE: &str = "";
/// They stand where a schedule's id does.
const KINDS_OF_SCHEDULES: [&str; 3] = ["daily", "weekly", "workweek"];
const TESLA: &[&str] = &["tesla"];

const fn endpoint(method: Method, template: &'static str, permission: &'static str) -> Endpoint {
    Endpoint {
        version: ApiVersion::V2,
        method,
        template,
        permission: if permission.is_empty() { None } else { Some(permission) },
        effect: match method {
            Method::Get => Effect::Read,
            Method::Post | Method::Put | Method::Delete => Effect::Command,
        },
        makes: &[],
        query: &[],
        answers_with_link: false,
        takes_body: matches!(method, Method::Post | Method::Put),
    }
}

const fn get(template: &'static str, permission: &'static str) -> Endpoint {
    endpoint(Method::Get, template, permission)
}

const fn post(template: &'static str, permission: &'static str) -> Endpoint {
    endpoint(Method::Post, template, permission)
}

const fn put(template: &'static str, permission: &'static str) -> Endpoint {
    endpoint(Method::Put, template, permission)
}

const fn delete(template: &'static str, permission: &'static str) -> Endpoint {
    endpoint(Method::Delete, template, permission)
}

/// Every endpoint that is passed on.
#[rustfmt::skip]
pub static ENDPOINTS: &[Endpoint] = &[
    get("", "read_vehicle_info"),
    get("/permissions", NONE).query(&["limit", "offset"]),
    post("/batch", NONE).reads(),
    get("/vin", "read_vin"),
    get("/odometer", "read_odometer"),
    get("/location", "read_location"),
    get("/fuel", "read_fuel"),
    get("/engine/oil", "read_engine_oil"),
    get("/tires/pressure", "read_tires"),
    get("/battery", "read_battery"),
    get("/battery/capacity", "read_battery"),
    get("/battery/nominal_capacity", "read_battery").with_link(),
    get("/charge", "read_charge"),
    get("/charge/limit", "read_charge"),
    post("/charge", "control_charge"),
    post("/charge/limit", "control_charge"),
    get("/security", "read_security"),
    post("/security", "control_security"),
    post("/navigation/destination", "control_navigation"),
    get("/service/history", "read_service_history").query(&["start_date", "end_date"]),
    get("/diagnostics/system_status", "read_diagnostics"),
    get("/diagnostics/dtcs", "read_diagnostics"),
    get("/{make}/charge", "read_charge").of(&["audi"]),
    get("/{make}/charge/records", "read_charge_records").of(&["bmw", "mini"]).query(&["startDate", "endDate"]),
    get("/{make}/charge/schedule_by_location", "read_charge_locations").of(&["ford", "lincoln"]),
    put("/{make}/charge/schedule_by_location", "control_charge").of(&["ford", "lincoln"]).query(&["latitude", "longitude"]),
    get("/{make}/charge/completion", "read_charge").of(&["cadillac", "chevrolet"]),
    get("/{make}/charge/voltmeter", "read_charge").of(&["cadillac", "chevrolet"]),
    get("/{make}/charge/schedule", "read_charge").of(&["nissan"]),
    put("/{make}/charge/schedule", "control_charge").of(&["nissan"]),
    get("/{make}/alerts", "read_alerts").of(TESLA),
    get("/{make}/attributes", "read_extended_vehicle_info").of(TESLA),
    get("/{make}/battery", "read_battery").of(TESLA),
    get("/{make}/charge", "read_charge").of(TESLA),
    post("/{make}/charge/ammeter", "control_charge").of(TESLA),
    post("/{make}/charge/charge_port_door", "control_charge").of(TESLA),
    get("/{make}/charge/completion", "read_charge").of(TESLA),
    get("/{make}/charge/records/billing", "read_charge_records").of(TESLA).query(&["startDate", "endDate", "page"]),
    get("/{make}/charge/schedule", "read_charge").of(TESLA),
    post("/{make}/charge/schedule", "control_charge").of(TESLA),
    get("/{make}/charge/voltmeter", "read_charge").of(TESLA),
    get("/{make}/charge/wattmeter", "read_charge").of(TESLA),
    get("/{make}/climate/cabin", "read_climate").of(TESLA),
    post("/{make}/climate/cabin", "control_climate").of(TESLA),
    get("/{make}/climate/defroster", "read_climate").of(TESLA),
    post("/{make}/climate/defroster", "control_climate").of(TESLA),
    get("/{make}/climate/steering_wheel", "read_climate").of(TESLA),
    post("/{make}/climate/steering_wheel", "control_climate").of(TESLA),
    get("/{make}/compass", "read_compass").of(TESLA),
    get("/{make}/migration", "read_vehicle_info").of(TESLA),
    post("/{make}/pin", "control_pin").of(TESLA),
    delete("/{make}/pin", "control_pin").of(TESLA),
    post("/{make}/security/frunk", "control_trunk").of(TESLA),
    post("/{make}/security/trunk", "control_trunk").of(TESLA),
    get("/{make}/speedometer", "read_speedometer").of(TESLA),
    get("/{make}/status", "read_extended_vehicle_info").of(TESLA),
    get("/{make}/thermometer/exterior", "read_thermometer").of(TESLA),
    get("/{make}/thermometer/interior", "read_thermometer").of(TESLA),
    get("/{make}/user/access", NONE).of(TESLA),
    get("/{make}/user/info", "read_user_profile").of(TESLA),
    get("/{make}/virtual_key", "read_vehicle_info").of(TESLA),
    get("/{make}/charge/ammeter", "read_charge").of(TESLA),
    get("/{make}/charge/records", "read_charge_records").of(TESLA),
    get("", "read_vehicle_info").v3(),
    get("/signals", NONE).v3().with_link(),
    get("/signals/{signalCode}", NONE).v3().with_link(),
    post("/commands/charge/start", "control_charge").v3().without_body(),
    post("/commands/charge/stop", "control_charge").v3().without_body(),
    post("/commands/charge/set-limit", "control_charge").v3(),
    post("/commands/charge-port/open", "control_charge").v3().without_body(),
    post("/commands/charge-port/close", "control_charge").v3().without_body(),
    post("/commands/security/lock", "control_security").v3().without_body(),
    post("/commands/security/unlock", "control_security").v3().without_body(),
    post("/commands/navigation/set-destination", "control_navigation").v3(),
    post("/charge-schedules/daily", "control_charge").v3(),
    post("/charge-schedules/weekly", "control_charge").v3(),
    post("/charge-schedules/workweek", "control_charge").v3(),
    delete("/charge-schedules/{scheduleId}", "control_charge").v3(),
];

impl Endpoint {
    const fn reads(self) -> Self {
        Self {
            effect: Effect::Read,
            ..self
        }
    }

    const fn of(self, makes: &'static [&'static str]) -> Self {
        Self { makes, ..self }
    }

    const fn query(self, query: &'static [&'static str]) -> Self {
        Self { query, ..self }
    }

    const fn v3(self) -> Self {
        Self {
            version: ApiVersion::V3,
            ..self
        }
    }

    const fn without_body(self) -> Self {
        Self {
            takes_body: false,
            ..self
        }
    }

    const fn with_link(self) -> Self {
        Self {
            answers_with_link: true,
            ..self
        }
    }

    /// Whether a success may have no body: of what is deleted there may be nothing to say.
    #[must_use]
    pub const fn may_answer_nothing(&self) -> bool {
        matches!(self.method, Method::Delete)
    }

    /// Whether the car's maker is asked: Smartcar knows what a vehicle is, and what was granted, without.
    #[must_use]
    pub fn asks_the_maker(&self) -> bool {
        self.permission
            .is_some_and(|name| !matches!(name, "read_vehicle_info" | "read_vin"))
    }

    /// Whether it answers several reads at once, whose paths are in the body.
    #[must_use]
    pub fn is_batch(&self) -> bool {
        self.template == "/batch"
    }

    /// What `API_ALLOW` has to name before it is passed on; `None` if it always is.
    #[must_use]
    pub fn sensitive(&self) -> Option<Sensitive> {
        self.permission.and_then(Sensitive::from_name)
    }

    /// Whether its answer says for each signal what was found of it.
    #[must_use]
    pub fn is_of_signals(&self) -> bool {
        self.template.starts_with("/signals")
    }

    /// What stands in `path`, a path below `/vehicles/{id}`, where the template has a name in braces, if it has one; `None` if
    /// the path is not this endpoint's.
    fn matches<'a>(&self, path: &'a str) -> Option<Option<&'a str>> {
        let Some((before, rest)) = self.template.split_once('{') else {
            return (self.template == path).then_some(None);
        };
        let (name, after) = rest.split_once('}')?;
        let value = path.strip_prefix(before)?.strip_suffix(after)?;
        let is_legal = match name {
            "make" => self.makes.contains(&value),
            "signalCode" => is_signal_code(value),
            // Safe in a path, as every id of Smartcar's is.
            _ => VehicleId::parse(value).is_ok() && !KINDS_OF_SCHEDULES.contains(&value),
        };
        is_legal.then_some(Some(value))
    }

    /// The path below `/vehicles/{id}`, with `value` where the template has a name in braces.
    pub(super) fn path(&self, value: Option<&str>) -> String {
        match (self.template.split_once('{'), value) {
            (Some((before, rest)), Some(value)) => {
                let after = rest.split_once('}').map_or("", |(_, after)| after);
                [before, value, after].concat()
            }
            _ => self.template.to_owned(),
        }
    }

    /// Where the vehicles of its version lie, below Smartcar's origin, and below the path at which the API is mounted.
    #[must_use]
    pub fn vehicles_path(&self) -> String {
        [in_path(self.version), "/vehicles"].concat()
    }

    /// The version that `path` is of, and what follows it: the vehicle's id, and what lies below.
    pub(super) fn version_of(path: &str) -> Option<(ApiVersion, &str)> {
        ApiVersion::ALL.iter().find_map(|version| {
            let rest = path.strip_prefix(in_path(*version))?.strip_prefix("/vehicles/")?;
            Some((*version, rest))
        })
    }

    /// The endpoints of this version at `path`, which lies below `/vehicles/{id}`, each with what stands in it for the name in braces.
    pub(super) fn at(version: ApiVersion, path: &str) -> impl Iterator<Item = (&'static Self, Option<&str>)> {
        let of_version = ENDPOINTS.iter().filter(move |one| one.version == version);
        of_version.filter_map(move |one| Some((one, one.matches(path)?)))
    }
}

/// A permission whose endpoints are passed on only if the operator says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Sensitive {
    /// `control_pin`: the code without which nobody drives.
    Pin,
    /// `control_trunk`: opens the car.
    Trunk,
    /// `read_user_profile`: the owner's e-mail address at the maker.
    UserProfile,
}

impl Sensitive {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Pin, Self::Trunk, Self::UserProfile];

    /// The name of the permission.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pin => "control_pin",
            Self::Trunk => "control_trunk",
            Self::UserProfile => "read_user_profile",
        }
    }

    /// The one called `name`.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.name() == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What may stand in a path of an endpoint where the template has a name in braces.
    fn values(one: &Endpoint) -> Vec<Option<&'static str>> {
        match (one.makes, one.template) {
            ([], "/signals/{signalCode}") => vec![Some("odometer-traveleddistance")],
            ([], "/charge-schedules/{scheduleId}") => vec![Some("sched_1")],
            ([], _) => vec![None],
            (makes, _) => makes.iter().copied().map(Some).collect(),
        }
    }

    #[test]
    fn every_endpoint_is_found_under_its_own_path_alone() {
        for one in ENDPOINTS {
            for value in values(one) {
                let path = one.path(value);
                assert!(!path.contains(['{', '}']), "{path}");
                let found: Vec<_> = Endpoint::at(one.version, &path)
                    .filter(|(other, _)| other.method == one.method)
                    .collect();
                assert_eq!(found, [(one, value)], "{path}");
                for other in [
                    format!("{path}/"),
                    format!("/{path}"),
                    format!("{path}%"),
                    path.to_uppercase(),
                ] {
                    let mut others = Endpoint::at(one.version, &other).filter(|(other, _)| other.method == one.method);
                    assert!(
                        other == path || others.next().is_none() || value == Some("sched_1"),
                        "{other}"
                    );
                }
            }
        }
        for path in [
            "/",
            "/{make}/charge",
            "/{make}/battery",
            "/volvo/battery",
            "/TESLA/battery",
            "/application",
            "/webhooks/1",
            "/signals",
            "/commands/security/lock",
        ] {
            assert_eq!(Endpoint::at(ApiVersion::V2, path).next(), None, "{path}");
        }
        for path in [
            "/",
            "/odometer",
            "/batch",
            "/tesla/pin",
            "/signals/",
            "/signals/{signalCode}",
            "/signals/Odometer-TraveledDistance",
            "/signals/odometer-traveleddistance/x",
            "/signals/..",
            "/signals/odometer%2dtraveleddistance",
            "/commands/security",
            "/commands/security/open",
            "/charge-schedules",
            "/charge-schedules/",
            "/charge-schedules/..",
            "/charge-schedules/a/b",
            "/charge-schedules/a%2fb",
            "/connections",
        ] {
            assert_eq!(Endpoint::at(ApiVersion::V3, path).next(), None, "{path}");
        }
    }

    #[test]
    fn what_opens_the_car_or_tells_who_owns_it_has_to_be_allowed() {
        let sensitive: Vec<_> = ENDPOINTS
            .iter()
            .filter_map(|one| Some((one.template, one.sensitive()?)))
            .collect();
        assert_eq!(
            sensitive,
            [
                ("/{make}/pin", Sensitive::Pin),
                ("/{make}/pin", Sensitive::Pin),
                ("/{make}/security/frunk", Sensitive::Trunk),
                ("/{make}/security/trunk", Sensitive::Trunk),
                ("/{make}/user/info", Sensitive::UserProfile),
            ]
        );
    }
}
