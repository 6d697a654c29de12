//! What a car tells and does: the endpoints below `/v2.0/vehicles/{id}`.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::config::Vehicle;

/// What commands change at a car.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Serialize)]
#[serde(default)]
pub(crate) struct CarState {
    pub(crate) is_locked: bool,
    pub(crate) is_charging: bool,
    pub(crate) charge_limit: f64,
    pub(crate) is_charge_port_open: bool,
    is_climate_on: bool,
    is_trunk_open: bool,
    has_pin: bool,
    /// How many commands it has carried out.
    pub(crate) commands: u64,
}

impl Default for CarState {
    fn default() -> Self {
        Self {
            is_locked: true,
            is_charging: false,
            charge_limit: 0.8,
            is_charge_port_open: false,
            is_climate_on: false,
            is_trunk_open: false,
            has_pin: false,
            commands: 0,
        }
    }
}

/// A path that only reads: the permission that it needs, the make that has it (none: all have), and what it answers.
pub(crate) struct Signal {
    path: &'static str,
    pub(crate) permission: &'static str,
    make: Option<&'static str>,
    pub(crate) body: fn(&Vehicle, &CarState) -> Value,
}

const fn signal(path: &'static str, permission: &'static str, body: fn(&Vehicle, &CarState) -> Value) -> Signal {
    Signal {
        path,
        permission,
        make: None,
        body,
    }
}

const fn tesla(path: &'static str, permission: &'static str, body: fn(&Vehicle, &CarState) -> Value) -> Signal {
    Signal {
        make: Some("tesla"),
        ..signal(path, permission, body)
    }
}

const SIGNALS: &[Signal] = &[
    signal(
        "",
        "read_vehicle_info",
        |vehicle, _| json!({ "id": vehicle.id, "make": vehicle.make, "model": vehicle.model, "year": vehicle.year }),
    ),
    signal(
        "odometer",
        "read_odometer",
        |vehicle, _| json!({ "distance": vehicle.odometer_km }),
    ),
    signal("vin", "read_vin", |vehicle, _| json!({ "vin": vehicle.vin })),
    signal(
        "battery",
        "read_battery",
        |_, _| json!({ "percentRemaining": 0.64, "range": 271.5 }),
    ),
    signal("battery/capacity", "read_battery", |_, _| json!({ "capacity": 80.9 })),
    // The link is made where the secrets are kept.
    signal(
        "battery/nominal_capacity",
        "read_battery",
        |_, _| json!({ "availableCapacities": [{ "capacity": 80.9, "description": "Long Range" }], "capacity": null, "url": null }),
    ),
    signal(
        "location",
        "read_location",
        |_, _| json!({ "latitude": 52.5163, "longitude": 13.3777 }),
    ),
    signal(
        "fuel",
        "read_fuel",
        |_, _| json!({ "percentRemaining": 0.4, "amountRemaining": 22.0, "range": 310.0 }),
    ),
    signal("engine/oil", "read_engine_oil", |_, _| json!({ "lifeRemaining": 0.35 })),
    signal(
        "tires/pressure",
        "read_tires",
        |_, _| json!({ "frontLeft": 219.3, "frontRight": 219.3, "backLeft": 219.3, "backRight": 219.3 }),
    ),
    signal(
        "charge",
        "read_charge",
        |_, car| json!({ "isPluggedIn": true, "state": if car.is_charging { "CHARGING" } else { "NOT_CHARGING" } }),
    ),
    signal(
        "charge/limit",
        "read_charge",
        |_, car| json!({ "limit": car.charge_limit }),
    ),
    signal(
        "security",
        "read_security",
        |_, car| json!({ "isLocked": car.is_locked, "doors": [], "windows": [], "sunroof": [], "storage": [], "chargingPort": [] }),
    ),
    signal("service/history", "read_service_history", |_, _| json!([])),
    signal(
        "diagnostics/system_status",
        "read_diagnostics",
        |_, _| json!({ "systems": [{ "systemId": "SYSTEM_ABS", "status": "OK", "description": null }] }),
    ),
    signal(
        "diagnostics/dtcs",
        "read_diagnostics",
        |_, _| json!({ "activeCodes": [] }),
    ),
    tesla(
        "compass",
        "read_compass",
        |_, _| json!({ "heading": 185.0, "direction": "S" }),
    ),
    tesla(
        "climate/cabin",
        "read_climate",
        |_, car| json!({ "status": if car.is_climate_on { "ON" } else { "OFF" }, "temperature": 21.0 }),
    ),
    tesla(
        "user/info",
        "read_user_profile",
        |_, _| json!({ "email": "owner@example.test" }),
    ),
];

/// The signal at `path`, segments without slashes around them, of a car of this make.
pub(crate) fn signal_at(path: &str, make: &str) -> Option<&'static Signal> {
    SIGNALS.iter().find(|signal| match signal.make {
        None => signal.path == path,
        Some(wanted) => path.split_once('/') == Some((wanted, signal.path)) && make.eq_ignore_ascii_case(wanted),
    })
}

/// Why a command is not carried out.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum CommandRefusal {
    /// There is no such command.
    Unknown,
    /// The body is not what it takes.
    Invalid,
}

type Body = Map<String, Value>;

/// The permission that a command needs.
pub(crate) fn command_permission(method: &str, path: &str, make: &str) -> Option<&'static str> {
    let of_tesla = |path: &str| {
        path.strip_prefix("tesla/")
            .filter(|_| make.eq_ignore_ascii_case("tesla"))
            .map(str::to_owned)
    };
    match (method, path) {
        ("POST", "charge" | "charge/limit") => Some("control_charge"),
        ("POST", "security") => Some("control_security"),
        ("POST", "navigation/destination") => Some("control_navigation"),
        _ => match (method, of_tesla(path)?.as_str()) {
            ("POST", "climate/cabin") => Some("control_climate"),
            ("POST", "charge/schedule") => Some("control_charge"),
            ("POST" | "DELETE", "pin") => Some("control_pin"),
            ("POST", "security/trunk" | "security/frunk") => Some("control_trunk"),
            _ => None,
        },
    }
}

/// Carries a command out.
pub(crate) fn command(car: &mut CarState, method: &str, path: &str, body: Option<&Body>) -> Result<(), CommandRefusal> {
    let action = |allowed: [&str; 2]| -> Result<bool, CommandRefusal> {
        let body = body.ok_or(CommandRefusal::Invalid)?;
        let action = body.get("action").and_then(Value::as_str);
        match action {
            Some(action) if action == allowed[0] => Ok(true),
            Some(action) if action == allowed[1] => Ok(false),
            _ => Err(CommandRefusal::Invalid),
        }
    };
    let number = |name: &str, range: std::ops::RangeInclusive<f64>| {
        let number = body.and_then(|body| body.get(name)?.as_f64());
        number
            .filter(|number| range.contains(number))
            .ok_or(CommandRefusal::Invalid)
    };
    match (method, path) {
        ("POST", "charge") => car.is_charging = action(["START", "STOP"])?,
        ("POST", "charge/limit") => car.charge_limit = number("limit", 0.5..=1.0)?,
        ("POST", "security") => car.is_locked = action(["LOCK", "UNLOCK"])?,
        ("POST", "navigation/destination") => {
            number("latitude", -90.0..=90.0)?;
            number("longitude", -180.0..=180.0)?;
        }
        ("POST", "tesla/climate/cabin") => car.is_climate_on = action(["START", "STOP"])?,
        ("POST", "tesla/security/trunk" | "tesla/security/frunk") => car.is_trunk_open = action(["OPEN", "CLOSE"])?,
        ("POST", "tesla/charge/schedule") => {
            let time = body.and_then(|body| body.get("time")?.as_str());
            time.filter(|time| time.len() == 5).ok_or(CommandRefusal::Invalid)?;
        }
        ("POST", "tesla/pin") => {
            let pin = body.and_then(|body| body.get("pin")?.as_str());
            pin.filter(|pin| pin.len() == 4).ok_or(CommandRefusal::Invalid)?;
            car.has_pin = true;
        }
        ("DELETE", "tesla/pin") => car.has_pin = false,
        _ => return Err(CommandRefusal::Unknown),
    }
    car.commands = car.commands.saturating_add(1);
    Ok(())
}
