//! A connection as its owner sees it: `GET /connections`.

use serde::{Deserialize, Serialize};

use super::{
    api_version::ApiVersion,
    schema::{Field, Kind, Schema, field},
};
use crate::{
    connect::{ConnectionId, VehicleId},
    string_enum::string_enum,
    time::UnixMillis,
};

string_enum! {
    /// Whether a connection can be used.
    ConnectionStatus {
        /// Usable.
        Active = "active",
        /// The latest refresh failed and is being repeated; still usable, or soon again.
        Degraded = "degraded",
        /// The owner is wanted back, to log in again at the car's maker, to grant more, or to connect again for Smartcar's v3; the
        /// tokens are kept.
        ReauthenticationRequired = "reauthentication_required",
        /// The grant is over: the owner must connect again.
        ReconnectionRequired = "reconnection_required",
    }
}

impl ConnectionStatus {
    /// Whether the connection is well again only once its owner has acted: logged in at the car's maker, or connected again.
    #[must_use]
    pub const fn owner_must_act(self) -> bool {
        match self {
            Self::Active | Self::Degraded => false,
            Self::ReauthenticationRequired | Self::ReconnectionRequired => true,
        }
    }
}

string_enum! {
    /// Why a connection is not [active](ConnectionStatus::Active).
    Cause {
        /// Smartcar no longer accepts the refresh token.
        InvalidGrant = "invalid_grant",
        /// The refresh token's 60 days are over.
        RefreshTokenExpired = "refresh_token_expired",
        /// Smartcar lists no vehicle of the grant any more.
        NoVehicles = "no_vehicles",
        /// Smartcar can't log in at the car's maker any more.
        AuthenticationFailed = "authentication_failed",
        /// The owner has not granted the application what it asked for.
        PermissionMissing = "permission_missing",
        /// The owner's account at the car's maker does not grant Smartcar what the application asked for.
        MakerPermissionMissing = "maker_permission_missing",
        /// It can't be moved to Smartcar's v3 without its owner, who is to connect again; until v2 ends it works.
        CannotMigrate = "cannot_migrate",
        /// The token endpoint did not accept the application.
        InvalidClient = "invalid_client",
        /// The token endpoint asked to wait.
        RateLimited = "rate_limited",
        /// The token endpoint refused without saying whose fault it is.
        RefusedWithoutReason = "refused_without_reason",
        /// The token endpoint answered 5xx.
        ServerError = "server_error",
        /// No answer came in time.
        TimedOut = "timed_out",
        /// The connection broke.
        ConnectionLost = "connection_lost",
        /// The answer could not be read.
        UnreadableResponse = "unreadable_response",
        /// The token endpoint redirected.
        Redirected = "redirected",
    }
}

/// A connection as its owner sees it: never a token. Times are milliseconds since the Unix epoch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Connection {
    /// Its id.
    pub id: ConnectionId,
    /// Its status.
    pub status: ConnectionStatus,
    /// Why the status is not `active`.
    pub cause: Option<Cause>,
    /// When the status became what it is.
    pub since: UnixMillis,
    /// Its vehicles.
    pub vehicles: Vec<ListedVehicle>,
    /// Whether Smartcar is still being asked which vehicles those are: then none is listed yet.
    pub vehicles_pending: bool,
    /// By which version of Smartcar's API its vehicles are asked. `None` once the grant is over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub api_version: Option<ApiVersion>,
    /// When the owner connected.
    pub connected_at: UnixMillis,
    /// When the access token expires; it is refreshed when needed. `None` once the grant is over.
    pub access_expires_at: Option<UnixMillis>,
    /// When the refresh token expires; it is renewed long before. `None` where there is none, as in Smartcar's v3.
    pub refresh_expires_at: Option<UnixMillis>,
    /// When the Worker gives the connection up, and tells Smartcar, unless the owner is seen before.
    pub kept_until: UnixMillis,
}

/// The table of [`Connection`].
pub const CONNECTION: Schema = &[
    field("id", Kind::Text),
    field("status", Kind::OneOf(ConnectionStatus::NAMES)),
    field("cause", Kind::Name(Cause::NAMES)).nullable(),
    field("since", Kind::Number),
    field("vehicles", Kind::Array(LISTED_VEHICLE)),
    field("vehiclesPending", Kind::Flag).optional(),
    field("apiVersion", Kind::Name(ApiVersion::NAMES)).optional(),
    field("connectedAt", Kind::Number),
    field("accessExpiresAt", Kind::Number).nullable(),
    field("refreshExpiresAt", Kind::Number).nullable(),
    field("keptUntil", Kind::Number).optional(),
];

/// A vehicle as a connection lists it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListedVehicle {
    /// Smartcar's id.
    pub id: VehicleId,
}

/// The table of [`ListedVehicle`].
pub const LISTED_VEHICLE: Schema = &[field("id", Kind::Text)];

/// The answer to `GET /connections`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConnectionList {
    /// The connections of the caller.
    pub connections: Vec<Connection>,
}

const LIST: Field = field("connections", Kind::Array(CONNECTION));

/// The name of the field of [`ConnectionList`].
pub const CONNECTIONS: &str = LIST.name;

/// The table of [`ConnectionList`].
pub const CONNECTION_LIST: Schema = &[LIST];
