//! What the Worker answers.

use wasm_bindgen::JsValue;

use super::shape::{self, Field, Kind, Shape, field};

/// `POST /connect/start`. Its `expiresAt` is by the Worker's clock and is not used here.
pub(super) const STARTED: Shape = &[
    field("externalId", Kind::Text),
    field("applicationId", Kind::Text),
    field("connectOrigin", Kind::Text),
];

/// `GET /connections`.
const CONNECTIONS: Shape = &[field("connections", Kind::Objects(CONNECTION))];

/// `GET /vehicles`.
const VEHICLES: Shape = &[field("vehicles", Kind::Objects(VEHICLE))];

/// `application/problem+json`.
pub(super) const PROBLEM: Shape = &[
    field("code", Kind::Text),
    field("detail", Kind::Text),
    field("field", Kind::Text).optional(),
    field("requestId", Kind::Text).optional(),
    field("retryAfter", Kind::Number).optional(),
];

const CONNECTION: Shape = &[
    field("id", Kind::Text),
    field(
        "status",
        Kind::OneOf(&[
            "active",
            "degraded",
            "reauthentication_required",
            "reconnection_required",
        ]),
    ),
    field("cause", Kind::Text).nullable(),
    field("since", Kind::Number),
    field("vehicles", Kind::Objects(&[field("id", Kind::Text)])),
    field("connectedAt", Kind::Number),
    field("accessExpiresAt", Kind::Number).nullable(),
    field("refreshExpiresAt", Kind::Number),
];

const VEHICLE: Shape = &[
    field("id", Kind::Text),
    field("connectionId", Kind::Text),
    field("make", Kind::Text).optional(),
    field("model", Kind::Text).optional(),
    field("year", Kind::Number).optional(),
    field("problem", Kind::Text).optional(),
];

const KIND: Field = field("kind", Kind::Text);
const DESCRIPTION: Field = field("description", Kind::Text).optional();

const CONNECTED: Shape = &[
    KIND,
    field("connection", Kind::Object(CONNECTION)),
    field("virtualKeyUrl", Kind::Text).optional(),
];
const REAUTHENTICATED: Shape = &[
    KIND,
    field("vehicleId", Kind::Text),
    field("connection", Kind::Object(CONNECTION)).nullable(),
];
const FAILURE: Shape = &[KIND, DESCRIPTION];
const VEHICLE_INCOMPATIBLE: Shape = &[
    KIND,
    DESCRIPTION,
    field(
        "vehicle",
        Kind::Object(&[
            field("vin", Kind::Text).optional(),
            field("make", Kind::Text).optional(),
            field("model", Kind::Text).optional(),
            field("year", Kind::Text).optional(),
        ]),
    )
    .optional(),
];
const CONFIGURATION_ERROR: Shape = &[
    KIND,
    DESCRIPTION,
    field("statusCode", Kind::Text).optional(),
    field("errorMessage", Kind::Text).optional(),
];
const UNKNOWN_ERROR: Shape = &[KIND, DESCRIPTION, field("error", Kind::Text)];

/// `POST /connect/finish`: a `FinishOutcome`.
pub(super) fn outcome(json: &JsValue) -> Option<JsValue> {
    let shape = match shape::text(json, "kind")?.as_str() {
        "connected" => CONNECTED,
        "reauthenticated" => REAUTHENTICATED,
        "vehicle_incompatible" => VEHICLE_INCOMPATIBLE,
        "configuration_error" => CONFIGURATION_ERROR,
        "unknown_error" => UNKNOWN_ERROR,
        "access_denied"
        | "invalid_subscription"
        | "no_vehicles"
        | "server_error"
        | "oem_cancelled_login"
        | "user_manually_returned_to_application"
        | "user_cancelled" => FAILURE,
        _ => return None,
    };
    shape::copy(json, shape)
}

/// `GET /connections`: an array of `Connection`.
pub(super) fn connections(json: &JsValue) -> Option<JsValue> {
    Some(shape::get(&shape::copy(json, CONNECTIONS)?, "connections"))
}

/// `GET /vehicles`: an array of `Vehicle`.
pub(super) fn vehicles(json: &JsValue) -> Option<JsValue> {
    Some(shape::get(&shape::copy(json, VEHICLES)?, "vehicles"))
}
