//! `/v3/vehicles/{id}/signals`: what the store holds about a car, each entry with an outcome of its own.

use serde_json::{Value, json};

use super::{
    errors::{self, ApiError, Refusal},
    state::Connection,
};
use crate::{
    api::Context,
    car::CarState,
    clock::{self, Millis},
    config::Vehicle,
    http::Request,
};

/// The units of an answer.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Units {
    Metric,
    Imperial,
}

impl Units {
    /// Those that a request asks for.
    pub(super) fn of(request: &Request) -> Self {
        match request.headers.get("sc-unit-system").map(|value| value.as_bytes()) {
            Some(b"imperial") => Self::Imperial,
            _ => Self::Metric,
        }
    }

    /// The name in `sc-unit-system`.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Metric => "metric",
            Self::Imperial => "imperial",
        }
    }

    fn distance(self, km: f64) -> Value {
        match self {
            Self::Metric => json!({ "value": km, "unit": "km" }),
            Self::Imperial => json!({ "value": km / 1.609_344, "unit": "miles" }),
        }
    }

    fn temperature(self, celsius: f64) -> Value {
        match self {
            Self::Metric => json!({ "value": celsius, "unit": "celsius" }),
            Self::Imperial => json!({ "value": celsius * 1.8 + 32.0, "unit": "fahrenheit" }),
        }
    }
}

/// A value, or an error with the value that stands beside it, if any does.
type Reading = Result<Value, (ApiError, Option<Value>)>;

struct Signal {
    group: &'static str,
    name: &'static str,
    permission: &'static str,
    read: fn(&Vehicle, &CarState, Units) -> Reading,
}

const fn signal(
    group: &'static str,
    name: &'static str,
    permission: &'static str,
    read: fn(&Vehicle, &CarState, Units) -> Reading,
) -> Signal {
    Signal {
        group,
        name,
        permission,
        read,
    }
}

const SIGNALS: &[Signal] = &[
    signal("Odometer", "TraveledDistance", "read_odometer", |vehicle, _, units| {
        Ok(units.distance(vehicle.odometer_km))
    }),
    signal("TractionBattery", "StateOfCharge", "read_battery", |_, _, _| {
        Ok(json!({ "value": 64, "unit": "percent" }))
    }),
    signal("TractionBattery", "Range", "read_battery", |_, _, units| {
        Ok(units.distance(271.5))
    }),
    signal("Charge", "IsCharging", "read_charge", |_, car, _| {
        Ok(json!({ "value": car.is_charging }))
    }),
    signal("Charge", "ChargeLimits", "read_charge", |_, car, _| {
        let limit = json!({ "type": "GLOBAL", "limit": (car.charge_limit * 100.0).round() });
        Ok(json!({ "values": [limit], "unit": "percent" }))
    }),
    signal("Charge", "IsChargingPortFlapOpen", "read_charge", |_, car, _| {
        Ok(json!({ "value": car.is_charge_port_open }))
    }),
    signal("Charge", "Wattage", "read_charge", |_, car, _| {
        if car.is_charging {
            Ok(json!({ "value": 7_200, "unit": "watt" }))
        } else {
            let beside = json!({ "value": null, "unit": "watt" });
            Err((errors::NOT_CHARGING, Some(beside)))
        }
    }),
    signal("Closure", "IsLocked", "read_security", |_, car, _| {
        Ok(json!({ "value": car.is_locked }))
    }),
    signal("Closure", "Sunroof", "read_security", |_, _, _| {
        Err((errors::NOT_CAPABLE, None))
    }),
    signal("Climate", "InternalTemperature", "read_climate", |_, _, units| {
        Ok(units.temperature(21.0))
    }),
    signal("Location", "PreciseLocation", "read_location", |_, _, _| {
        Ok(json!({ "latitude": 52.5163, "longitude": 13.3777 }))
    }),
    signal("VehicleIdentification", "VIN", "read_vin", |vehicle, _, _| {
        Ok(json!({ "value": vehicle.vin }))
    }),
];

impl Signal {
    fn code(&self) -> String {
        format!("{}-{}", self.group, self.name).to_lowercase()
    }
}

/// When the store learnt an entry, and what it knew.
enum Known {
    Reading(Millis),
    /// The owner's account could not be opened then.
    Lost(Millis),
}

fn known(context: &Context<'_>, vehicle_id: &str) -> Known {
    let signals = context.store.v3.signals.get(vehicle_id).copied().unwrap_or_default();
    let stale_ms = context.config.v3.stale_s.saturating_mul(1_000);
    let still_stale = signals
        .restored_at
        .is_none_or(|restored| context.now < restored.saturating_add(stale_ms));
    match signals.lost_at {
        Some(lost) if still_stale => Known::Lost(lost),
        _ => Known::Reading(context.now),
    }
}

/// All signals of a car.
pub(super) fn list(
    context: &Context<'_>,
    vehicle: &Vehicle,
    connection: &Connection,
    request: &Request,
) -> Result<Value, Refusal> {
    let link = format!("{}/v3/vehicles/{}/signals", request.origin(), vehicle.id);
    let mut data = Vec::new();
    if !is_empty(context, &vehicle.id) {
        for one in SIGNALS {
            data.push(entry(context, one, vehicle, connection, request)?);
        }
    }
    let total = data.len();
    data.truncate(context.config.v3.signals_page_size);
    let mut included = super::vehicle_resource(vehicle, connection.mode);
    if let Some(attributes) = included.get_mut("attributes").and_then(Value::as_object_mut) {
        attributes.retain(|name, _| matches!(name.as_str(), "make" | "model" | "year"));
    }
    Ok(json!({
        "meta": { "totalCount": total, "pageSize": data.len(), "pageNumber": 1 },
        "data": data,
        "links": { "self": link },
        "included": { "vehicle": included },
    }))
}

/// One signal of a car.
pub(super) fn read(
    context: &Context<'_>,
    vehicle: &Vehicle,
    connection: &Connection,
    code: &str,
    request: &Request,
) -> Result<Value, Refusal> {
    let signal = SIGNALS
        .iter()
        .find(|signal| signal.code() == code && !is_empty(context, &vehicle.id))
        .ok_or_else(|| {
            let detail = format!("Signal with code {code} not found for vehicle {}", vehicle.id);
            Refusal::with_detail(errors::SIGNAL_NOT_FOUND, &detail)
        })?;
    let entry = entry(context, signal, vehicle, connection, request)?;
    Ok(match context.config.v3.signal_in_data {
        true => json!({ "data": entry }),
        false => entry,
    })
}

fn is_empty(context: &Context<'_>, vehicle_id: &str) -> bool {
    let signals = context.store.v3.signals.get(vehicle_id);
    signals.is_some_and(|signals| signals.is_empty)
}

fn entry(
    context: &Context<'_>,
    signal: &Signal,
    vehicle: &Vehicle,
    connection: &Connection,
    request: &Request,
) -> Result<Value, Refusal> {
    let is_granted = connection.permissions.iter().any(|name| name == signal.permission);
    if !is_granted && context.config.v3.missing_permission_is_forbidden {
        return Err(errors::ACCESS_DENIED.into());
    }
    let car = context.store.cars.get(&vehicle.id).copied().unwrap_or_default();
    let reading = (signal.read)(vehicle, &car, Units::of(request));
    let (reading, at, url) = match known(context, &vehicle.id) {
        Known::Reading(at) if is_granted => (reading, at, None),
        Known::Reading(at) => (Err((errors::PERMISSION, None)), at, None),
        Known::Lost(at) => {
            let url = super::reauthenticate_url(context.config, request, &vehicle.id);
            let beside = reading.ok().filter(|_| is_granted);
            (Err((errors::AUTHENTICATION_FAILED, beside)), at, url)
        }
    };
    let at = clock::rfc3339(at);
    let mut meta = json!({ "ingestedAt": at });
    let (status, body) = match reading {
        Ok(body) => (json!({ "value": "SUCCESS" }), Some(body)),
        Err((error, body)) => (
            json!({ "value": "ERROR", "error": error.in_signal(url.as_deref()) }),
            body,
        ),
    };
    // Where there is nothing to read, nothing was retrieved either.
    if let (Some(_), Some(meta)) = (&body, meta.as_object_mut()) {
        meta.insert("retrievedAt".to_owned(), at.clone().into());
        meta.insert("oemUpdatedAt".to_owned(), at.into());
    }
    let code = signal.code();
    let mut attributes = json!({ "code": code, "name": signal.name, "group": signal.group, "status": status });
    if let (Some(body), Some(attributes)) = (body, attributes.as_object_mut()) {
        attributes.insert("body".to_owned(), body);
    }
    let link = format!("{}/v3/vehicles/{}/signals/{code}", request.origin(), vehicle.id);
    Ok(json!({
        "id": code, "type": "signal", "attributes": attributes, "meta": meta, "links": { "self": link },
    }))
}
