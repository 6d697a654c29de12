//! `POST /connect/finish`, and what a callback is to JavaScript.

use serde::{Deserialize, Serialize};

use super::{
    connection::{CONNECTION, Connection},
    replaced::{REPLACED, Replaced},
    schema::{Field, Json, Kind, Schema, Variants, build, field},
    start::{ASKED, Asked},
};
use crate::connect::{Callback, ConnectError};

/// What is sent.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FinishRequest {
    /// The query of the callback, as it came.
    pub callback: String,
}

/// What is answered: what Connect reported, and the connection that it made or concerns. Never a token, and never the code.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case", rename_all_fields = "camelCase")]
pub enum FinishResponse<'a> {
    /// There is a new grant.
    Connected {
        /// Where the owner of a Tesla adds the application's virtual key.
        #[serde(skip_serializing_if = "Option::is_none")]
        virtual_key_url: Option<&'a str>,
        /// The new connection.
        connection: Option<&'a Connection>,
        /// What the owner was asked for.
        #[serde(skip_serializing_if = "Asked::is_empty")]
        asked: &'a Asked,
        /// The connections that were made before and have fewer vehicles now.
        #[serde(skip_serializing_if = "<[_]>::is_empty")]
        replaced: &'a [Replaced],
    },
    /// The owner logged in again at the maker of a vehicle.
    Reauthenticated {
        /// The vehicle.
        vehicle_id: &'a str,
        /// The connection that covers it, if there is one.
        connection: Option<&'a Connection>,
    },
    /// Connect reported an error.
    #[serde(untagged)]
    Failed(&'a Callback),
}

impl<'a> FinishResponse<'a> {
    /// The answer to a callback that made or concerns `connection`, of an attempt at which the owner was asked for `asked`. What a
    /// new connection has `replaced` is told with it.
    #[must_use]
    pub fn new(
        callback: &'a Callback,
        connection: Option<&'a Connection>,
        asked: &'a Asked,
        replaced: &'a [Replaced],
    ) -> Self {
        match callback {
            Callback::Granted { virtual_key_url, .. } => Self::Connected {
                virtual_key_url: virtual_key_url.as_deref(),
                connection,
                asked,
                replaced,
            },
            Callback::Reauthenticated { vehicle_id, .. } => Self::Reauthenticated {
                vehicle_id: vehicle_id.as_str(),
                connection,
            },
            Callback::Failed { .. } | Callback::Incomplete => Self::Failed(callback),
        }
    }
}

const KIND: Field = field("kind", Kind::Text);
const DESCRIPTION: Field = field("description", Kind::Text).optional();
const VIRTUAL_KEY_URL: Field = field("virtualKeyUrl", Kind::Text).optional();
const VEHICLE_ID: Field = field("vehicleId", Kind::Text);
const EXTERNAL_ID: Field = field("externalId", Kind::Text).optional();
const REPLACED_FIELD: Field = field("replaced", Kind::Array(REPLACED)).optional();

/// The name of the field that says what a new connection has replaced.
pub const REPLACED_NAME: &str = REPLACED_FIELD.name;

const FAILURE: Schema = &[KIND, DESCRIPTION];

/// The tables of [`ConnectError`], by its kinds.
pub const FAILURES: Variants = &[
    ("access_denied", FAILURE),
    (
        "vehicle_incompatible",
        &[
            KIND,
            field("vehicle", Kind::Object(INCOMPATIBLE_VEHICLE)).optional(),
            DESCRIPTION,
        ],
    ),
    ("invalid_subscription", FAILURE),
    ("no_vehicles", FAILURE),
    (
        "configuration_error",
        &[
            KIND,
            field("statusCode", Kind::Text).optional(),
            field("errorMessage", Kind::Text).optional(),
            DESCRIPTION,
        ],
    ),
    ("server_error", FAILURE),
    ("oem_cancelled_login", FAILURE),
    ("user_manually_returned_to_application", FAILURE),
    ("user_cancelled", FAILURE),
    ("unknown_error", &[KIND, field("error", Kind::Text), DESCRIPTION]),
];

/// The table of [`IncompatibleVehicle`](crate::connect::IncompatibleVehicle).
pub const INCOMPATIBLE_VEHICLE: Schema = &[
    field("vin", Kind::Text).optional(),
    field("make", Kind::Text).optional(),
    field("model", Kind::Text).optional(),
    field("year", Kind::Text).optional(),
];

/// The tables of [`FinishResponse`], besides the [`FAILURES`].
pub const FINISHED: Variants = &[
    (
        "connected",
        &[
            KIND,
            field("connection", Kind::Object(CONNECTION)),
            VIRTUAL_KEY_URL,
            field("asked", Kind::Object(ASKED)).optional(),
            REPLACED_FIELD,
        ],
    ),
    (
        "reauthenticated",
        &[
            KIND,
            VEHICLE_ID,
            field("connection", Kind::Object(CONNECTION)).nullable(),
        ],
    ),
];

/// The tables of [`Callback`], besides the [`FAILURES`].
pub const CALLED_BACK: Variants = &[
    (
        "granted",
        &[
            KIND,
            field("code", Kind::Text).optional(),
            field("userId", Kind::Text).optional(),
            EXTERNAL_ID,
            VIRTUAL_KEY_URL,
        ],
    ),
    ("reauthenticated", &[KIND, VEHICLE_ID, EXTERNAL_ID]),
];

/// A callback as JavaScript gets it from `checkCallback`, which refuses an incomplete one. With its code: its receiver is the caller's own back end.
pub fn callback_object<J: Json>(callback: &Callback) -> J {
    let kind = callback.kind();
    let mut all = [CALLED_BACK, FAILURES].into_iter().flatten();
    let schema = all
        .find(|(name, _)| *name == kind)
        .map_or(FAILURE, |(_, schema)| *schema);
    build(schema, &|name| callback_text(callback, name).map(str::to_owned))
}

fn callback_text<'a>(callback: &'a Callback, name: &str) -> Option<&'a str> {
    if name == "kind" {
        return Some(callback.kind());
    }
    match callback {
        Callback::Granted {
            code,
            user_id,
            external_id,
            virtual_key_url,
        } => match name {
            "code" => code.as_ref().map(|code| code.expose()),
            "userId" => user_id.as_ref().map(|id| id.as_str()),
            "externalId" => external_id.as_ref().map(|id| id.as_str()),
            "virtualKeyUrl" => virtual_key_url.as_deref(),
            _ => None,
        },
        Callback::Reauthenticated {
            vehicle_id,
            external_id,
        } => match name {
            "vehicleId" => Some(vehicle_id.as_str()),
            "externalId" => external_id.as_ref().map(|id| id.as_str()),
            _ => None,
        },
        Callback::Incomplete => None,
        Callback::Failed { description, .. } if name == "description" => description.as_deref(),
        Callback::Failed { error, .. } => error_text(error, name),
    }
}

fn error_text<'a>(error: &'a ConnectError, name: &str) -> Option<&'a str> {
    match error {
        ConnectError::VehicleIncompatible { vehicle: Some(vehicle) } => match name {
            "vin" => vehicle.vin.as_deref(),
            "make" => vehicle.make.as_deref(),
            "model" => vehicle.model.as_deref(),
            "year" => vehicle.year.as_deref(),
            _ => None,
        },
        ConnectError::ConfigurationError {
            status_code,
            error_message,
        } => match name {
            "statusCode" => status_code.as_deref(),
            "errorMessage" => error_message.as_deref(),
            _ => None,
        },
        ConnectError::Unknown { error } if name == "error" => Some(error),
        _ => None,
    }
}
