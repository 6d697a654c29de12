//! What a webhook says. Smartcar's documentation, its test button and what it sends differ in where things stand: whatever can be
//! read is, and nothing that is missing or odd hides the rest.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::{challenge::Challenge, fingerprint::fingerprint};
use crate::{
    connect::{ExternalId, UserId, VehicleId},
    json::{
        lenient::{Object, Value, with_object},
        time::time,
    },
    time::UnixMillis,
    vault::MarkCause,
};

/// The longest name of a type or a code that is read as one, in characters.
const LONGEST_NAME: usize = 64;

/// How many errors and signals of an event are looked at.
const MOST: usize = 200;

/// An event of Smartcar's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebhookEvent {
    /// Smartcar's id of the event, the same each time that it is delivered; one made of the body where there is none.
    pub id: String,
    /// What it is called, in small letters; `unknown` if that is no name.
    pub name: String,
    /// What has happened.
    pub kind: EventKind,
    /// Smartcar's id of the owner.
    pub user_id: Option<UserId>,
    /// What the app knows the owner by, as it said at Connect.
    pub external_id: Option<ExternalId>,
    /// The vehicle.
    pub vehicle_id: Option<VehicleId>,
    /// When Smartcar sent it.
    pub sent_at: Option<UnixMillis>,
}

/// What has happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EventKind {
    /// Smartcar asks whether the address is the app's; `None` if the challenge is not one that may be answered.
    Verify(Option<Challenge>),
    /// Signals of a vehicle have come.
    VehicleState,
    /// Errors of a vehicle have come, or are over.
    VehicleError(Vec<ReportedError>),
    /// Something that this version does not know.
    Other,
}

/// An error in an event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReportedError {
    /// Such as `CONNECTED_SERVICES_ACCOUNT`.
    pub error_type: String,
    /// Such as `AUTHENTICATION_FAILED`; types with one cause have none.
    pub code: Option<String>,
    /// What mends it, such as `REAUTHENTICATE`.
    pub resolution: Option<String>,
    /// Whether it is there or over.
    pub state: ErrorState,
    /// The codes of the signals that it is about.
    pub signals: Vec<String>,
}

/// Whether an error is there or over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorState {
    /// It is there.
    Error,
    /// It is over.
    Resolved,
}

impl ReportedError {
    /// What it says of the vehicle's owner, by the one rule for errors; `None` if nothing. One that is over may have lost its
    /// resolution, by which a missing permission is known.
    #[must_use]
    pub fn cause(&self) -> Option<MarkCause> {
        let (error_type, code) = (self.error_type.as_str(), self.code.as_deref());
        let is_permission =
            error_type == "PERMISSION" || (error_type == "CONNECTED_SERVICES_ACCOUNT" && code == Some("PERMISSION"));
        let was_wanted = self.state == ErrorState::Resolved && is_permission;
        let is_reauthentication = was_wanted || self.resolution.as_deref() == Some("REAUTHENTICATE");
        MarkCause::of(Some(error_type), code, is_reauthentication)
    }
}

impl WebhookEvent {
    /// Reads the body of a webhook; `None` if it is no JSON object.
    #[must_use]
    pub fn read(body: &[u8]) -> Option<Self> {
        with_object(body, |object| object.map(|object| Self::of(object, body)))
    }

    /// Whether `body` can be handed on as it is: JSON in UTF-8.
    #[must_use]
    pub fn is_json(body: &[u8]) -> bool {
        core::str::from_utf8(body).is_ok_and(|text| serde_json::from_str::<&RawValue>(text).is_ok())
    }

    fn of(envelope: &Object<'_>, body: &[u8]) -> Self {
        let data = envelope.get("data").and_then(Value::object);
        let meta = envelope.get("meta").and_then(Value::object);
        let part = |name: &str| data.as_ref()?.get(name)?.object();
        let (user, vehicle) = (part("user"), part("vehicle"));
        let of = |object: &Option<Object<'_>>, name: &str| object.as_ref()?.text(name);
        // `vehicleId` stood at the top in earlier samples.
        let vehicle_id = of(&vehicle, "id").or_else(|| envelope.text("vehicleId"));
        let user_id = of(&user, "id").or_else(|| envelope.text("userId"));
        Self {
            id: envelope
                .text("eventId")
                .filter(|id| !id.is_empty() && id.len() <= 2 * LONGEST_NAME)
                .unwrap_or_else(|| fingerprint(&[body])),
            name: called(envelope).map_or_else(|| "unknown".to_owned(), |name| name.to_ascii_lowercase()),
            kind: kind(envelope, data.as_ref()),
            user_id: user_id.and_then(|id| UserId::parse(&id).ok()),
            external_id: of(&user, "externalId").and_then(|id| ExternalId::parse(&id).ok()),
            vehicle_id: vehicle_id.and_then(|id| VehicleId::parse(&id).ok()),
            sent_at: meta.as_ref().and_then(|meta| time(meta, "deliveredAt")),
        }
    }
}

/// What the event is called: version 2 has it in `eventName`.
fn called(envelope: &Object<'_>) -> Option<String> {
    name(envelope.text("eventType").or_else(|| envelope.text("eventName")))
}

fn kind(envelope: &Object<'_>, data: Option<&Object<'_>>) -> EventKind {
    match called(envelope).as_deref() {
        Some("VERIFY") => {
            // Version 4 has it in `data`, version 2 in `payload`.
            let payload = || envelope.get("payload").and_then(Value::object);
            let text = data.and_then(|data| data.text("challenge"));
            let text = text.or_else(|| payload()?.text("challenge"));
            EventKind::Verify(text.and_then(|text| Challenge::parse(&text)))
        }
        Some("VEHICLE_STATE") => EventKind::VehicleState,
        Some("VEHICLE_ERROR") => {
            let errors = data.and_then(|data| data.get("errors")?.items()).unwrap_or_default();
            EventKind::VehicleError(errors.into_iter().take(MOST).filter_map(reported).collect())
        }
        _ => EventKind::Other,
    }
}

fn reported(error: Value<'_>) -> Option<ReportedError> {
    let error = error.object()?;
    let resolution = error.get("resolution");
    let resolution = resolution.and_then(|one| one.text().or_else(|| one.object()?.text("type")));
    let state = match name(error.text("state"))?.as_str() {
        "ERROR" => ErrorState::Error,
        "RESOLVED" => ErrorState::Resolved,
        _ => return None,
    };
    let signals = error.get("signals").and_then(Value::items).unwrap_or_default();
    // Objects, or in earlier samples texts.
    let signal = |one: Value<'_>| one.text().or_else(|| one.object().and_then(|one| one.text("code")));
    Some(ReportedError {
        error_type: name(error.text("type"))?,
        code: name(error.text("code")),
        resolution: name(resolution),
        state,
        signals: signals.into_iter().take(MOST).filter_map(signal).collect(),
    })
}

/// A name of Smartcar's in capitals; `None` for what can be none.
fn name(text: Option<String>) -> Option<String> {
    let text = text?;
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    let is_named = (1..=LONGEST_NAME).contains(&text.len()) && text.bytes().all(is_name);
    is_named.then(|| text.to_ascii_uppercase())
}

#[cfg(test)]
mod tests;
