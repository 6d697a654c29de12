//! `POST /connections/{id}/reconnect`: what mends a connection. What is sent is a [`StartRequest`](super::StartRequest).

use serde::{Deserialize, Serialize};

use super::schema::{Kind, Schema, field};
use crate::{
    connect::{ApplicationId, ExternalId, VehicleId},
    string_enum::string_enum,
    time::UnixMillis,
};

string_enum! {
    /// How the owner gets back, each by another page of Connect.
    ReconnectFlow {
        /// Re-authentication: the owner logs in again at the car's maker. The callback brings `vehicle_id` and no code; the tokens
        /// are kept.
        Reauthenticate = "reauthenticate",
        /// Authorization with `approval_prompt=force`: the owner grants more. The callback brings a code.
        MorePermissions = "more_permissions",
        /// Re-authentication in Tesla's form: the owner grants more in the account at Tesla. Connect does not redirect back.
        TeslaPermissions = "tesla_permissions",
        /// Authorization as at the first time: the grant is over. The callback brings a code.
        NewConnection = "new_connection",
    }
}

/// What is answered: the flow, and what its page of Connect has to be opened with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ReconnectResponse {
    /// Which flow mends the connection.
    pub flow: ReconnectFlow,
    /// The application's id.
    pub application_id: ApplicationId,
    /// The origin on which Connect runs.
    pub connect_origin: String,
    /// What Smartcar is to know the owner by.
    pub external_id: ExternalId,
    /// When the attempt can no longer be finished, by the Worker's clock; left out if nothing will come back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<UnixMillis>,
    /// The vehicle whose owner is to log in again, for `reauthenticate`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vehicle_id: Option<VehicleId>,
    /// Where Smartcar itself sends the owner of that vehicle, if it said so: on the origin of Connect, without redirect URI and state.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resolution_url: Option<String>,
    /// The permissions that are missing, with a space between, for `tesla_permissions`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
}

/// The table of [`ReconnectResponse`].
pub const RECONNECT_RESPONSE: Schema = &[
    field("flow", Kind::OneOf(ReconnectFlow::NAMES)),
    field("applicationId", Kind::Text),
    field("connectOrigin", Kind::Text),
    field("externalId", Kind::Text),
    field("expiresAt", Kind::Number).optional(),
    field("vehicleId", Kind::Text).optional(),
    field("resolutionUrl", Kind::Text).optional(),
    field("scope", Kind::Text).optional(),
];
