//! The endpoints of Smartcar's vehicle API 2.0 that the Worker passes on: an allow-list.
//!
//! What is not in it is refused. Never in it are the endpoints that end access, subscribe webhooks or take the application's own
//! credentials: the Worker makes such requests itself, or not at all.

use super::request::Method;

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
    /// The method.
    pub method: Method,
    /// Below `/vehicles/{id}`: empty, or segments that each start with a slash. `{make}` stands for one of [`makes`](Self::makes).
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
}

const NONE: &str = "";
const TESLA: &[&str] = &["tesla"];

const fn endpoint(method: Method, template: &'static str, permission: &'static str) -> Endpoint {
    Endpoint {
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

    const fn with_link(self) -> Self {
        Self {
            answers_with_link: true,
            ..self
        }
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

    /// Whether a request has a body.
    #[must_use]
    pub const fn takes_body(&self) -> bool {
        matches!(self.method, Method::Post | Method::Put)
    }

    /// What `API_ALLOW` has to name before it is passed on; `None` if it always is.
    #[must_use]
    pub fn sensitive(&self) -> Option<Sensitive> {
        self.permission.and_then(Sensitive::from_name)
    }

    /// Which make stands in `path`, a path below `/vehicles/{id}`; `None` if the path is not this endpoint's.
    fn matches(&self, path: &str) -> Option<Option<&'static str>> {
        if self.makes.is_empty() {
            return (self.template == path).then_some(None);
        }
        let rest = self.template.strip_prefix("/{make}")?;
        let make = self
            .makes
            .iter()
            .find(|make| path.strip_prefix('/').and_then(|path| path.strip_prefix(**make)) == Some(rest))?;
        Some(Some(make))
    }

    /// The path below `/vehicles/{id}`, for one of its makes if it has any.
    pub(super) fn path(&self, make: Option<&str>) -> String {
        match make {
            Some(make) => self.template.replacen("{make}", make, 1),
            None => self.template.to_owned(),
        }
    }

    /// The endpoints at `path`, which lies below `/vehicles/{id}`, each with the make in it.
    pub(super) fn at(path: &str) -> impl Iterator<Item = (&'static Self, Option<&'static str>)> {
        ENDPOINTS.iter().filter_map(move |one| Some((one, one.matches(path)?)))
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

    #[test]
    fn every_endpoint_is_found_under_its_own_path_alone() {
        for one in ENDPOINTS {
            let makes: Vec<Option<&str>> = match one.makes {
                [] => vec![None],
                makes => makes.iter().copied().map(Some).collect(),
            };
            for make in makes {
                let path = one.path(make);
                assert!(!path.contains(['{', '}']), "{path}");
                let found: Vec<_> = Endpoint::at(&path)
                    .filter(|(other, _)| other.method == one.method)
                    .collect();
                assert_eq!(found, [(one, make)], "{path}");
                for other in [
                    format!("{path}/"),
                    format!("/{path}"),
                    format!("{path}x"),
                    path.to_uppercase(),
                ] {
                    assert!(other == path || Endpoint::at(&other).next().is_none(), "{other}");
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
        ] {
            assert_eq!(Endpoint::at(path).next(), None, "{path}");
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
