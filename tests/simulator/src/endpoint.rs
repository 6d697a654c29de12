//! What a request is for, by method, path and grant type: the names that counts and faults use.

use axum::http::Method;
use serde::{Deserialize, Serialize};

use crate::http::Request;

/// A name for what a request asks.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Endpoint {
    /// `POST /oauth/token` with `grant_type=authorization_code`.
    Exchange,
    /// `POST /oauth/token` with `grant_type=refresh_token`.
    Refresh,
    /// `/oauth/token` with anything else.
    Token,
    Vehicles,
    Vehicle,
    Odometer,
    Vin,
    Battery,
    Location,
    Permissions,
    /// Any other read of a vehicle.
    Signal,
    Batch,
    /// Anything that changes something at a vehicle.
    Command,
    User,
    Disconnect,
    /// `POST /oauth2/token`, for the application itself.
    ApplicationToken,
    V3Connections,
    V3Connection,
    V3RemoveConnection,
    V3RemoveUser,
    V3Vehicle,
    V3Signals,
    V3Signal,
    /// Commands and charge schedules.
    V3Command,
    /// Anything else below `/v3/`.
    V3Other,
    /// The start of Connect.
    Authorize,
    /// The start of Connect for a vehicle that has to be logged in to again.
    Reauthenticate,
    /// Connect's other pages, forms and style sheet.
    Connect,
    /// Anything that Smartcar does not have.
    Other,
}

impl Endpoint {
    pub(crate) const ALL: [Self; 29] = [
        Self::Exchange,
        Self::Refresh,
        Self::Token,
        Self::Vehicles,
        Self::Vehicle,
        Self::Odometer,
        Self::Vin,
        Self::Battery,
        Self::Location,
        Self::Permissions,
        Self::Signal,
        Self::Batch,
        Self::Command,
        Self::User,
        Self::Disconnect,
        Self::ApplicationToken,
        Self::V3Connections,
        Self::V3Connection,
        Self::V3RemoveConnection,
        Self::V3RemoveUser,
        Self::V3Vehicle,
        Self::V3Signals,
        Self::V3Signal,
        Self::V3Command,
        Self::V3Other,
        Self::Authorize,
        Self::Reauthenticate,
        Self::Connect,
        Self::Other,
    ];

    /// The name in the control API.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Exchange => "exchange",
            Self::Refresh => "refresh",
            Self::Token => "token",
            Self::Vehicles => "vehicles",
            Self::Vehicle => "vehicle",
            Self::Odometer => "odometer",
            Self::Vin => "vin",
            Self::Battery => "battery",
            Self::Location => "location",
            Self::Permissions => "permissions",
            Self::Signal => "signal",
            Self::Batch => "batch",
            Self::Command => "command",
            Self::User => "user",
            Self::Disconnect => "disconnect",
            Self::ApplicationToken => "application_token",
            Self::V3Connections => "v3_connections",
            Self::V3Connection => "v3_connection",
            Self::V3RemoveConnection => "v3_remove_connection",
            Self::V3RemoveUser => "v3_remove_user",
            Self::V3Vehicle => "v3_vehicle",
            Self::V3Signals => "v3_signals",
            Self::V3Signal => "v3_signal",
            Self::V3Command => "v3_command",
            Self::V3Other => "v3_other",
            Self::Authorize => "authorize",
            Self::Reauthenticate => "reauthenticate",
            Self::Connect => "connect",
            Self::Other => "other",
        }
    }

    /// Classifies a request.
    pub(crate) fn of(request: &Request) -> Self {
        let path = request.path.trim_end_matches('/');
        match path {
            "/oauth/token" => match request.form().get("grant_type") {
                Some("authorization_code") => Self::Exchange,
                Some("refresh_token") => Self::Refresh,
                _ => Self::Token,
            },
            "/oauth2/token" => Self::ApplicationToken,
            "/oauth/authorize" => Self::Authorize,
            "/oauth/reauthenticate" => Self::Reauthenticate,
            "/v2.0/user" => Self::User,
            "/v2.0/vehicles" => Self::Vehicles,
            _ => path
                .strip_prefix("/v2.0/vehicles/")
                .map(|rest| Self::of_vehicle(request, rest))
                .or_else(|| request.path.strip_prefix("/v3/").map(|rest| Self::of_v3(request, rest)))
                .unwrap_or(if path.starts_with("/connect/") {
                    Self::Connect
                } else {
                    Self::Other
                }),
        }
    }

    fn of_vehicle(request: &Request, rest: &str) -> Self {
        let is_get = request.method == Method::GET;
        match rest.split_once('/').map(|(_, rest)| rest) {
            None => Self::Vehicle,
            Some("application") if request.method == Method::DELETE => Self::Disconnect,
            Some("batch") if request.method == Method::POST => Self::Batch,
            Some(_) if !is_get => Self::Command,
            Some("odometer") => Self::Odometer,
            Some("vin") => Self::Vin,
            Some("battery") => Self::Battery,
            Some("location") => Self::Location,
            Some("permissions") => Self::Permissions,
            Some(_) => Self::Signal,
        }
    }

    fn of_v3(request: &Request, rest: &str) -> Self {
        let segments: Vec<&str> = rest.split('/').collect();
        match (request.method.as_str(), segments.as_slice()) {
            ("GET", ["connections"]) => Self::V3Connections,
            ("GET", ["connections", _]) => Self::V3Connection,
            ("DELETE", ["connections", _]) => Self::V3RemoveConnection,
            ("DELETE", ["users", _]) => Self::V3RemoveUser,
            ("GET", ["vehicles", _]) => Self::V3Vehicle,
            ("GET", ["vehicles", _, "signals"]) => Self::V3Signals,
            ("GET", ["vehicles", _, "signals", _]) => Self::V3Signal,
            ("POST" | "DELETE", ["vehicles", _, "commands" | "charge-schedules", ..]) => Self::V3Command,
            _ => Self::V3Other,
        }
    }

    /// Whether the request is for the vehicle API 3: its errors look different.
    pub(crate) const fn is_v3(self) -> bool {
        matches!(
            self,
            Self::V3Connections
                | Self::V3Connection
                | Self::V3RemoveConnection
                | Self::V3RemoveUser
                | Self::V3Vehicle
                | Self::V3Signals
                | Self::V3Signal
                | Self::V3Command
                | Self::V3Other
        )
    }

    /// Whether the configured latency applies: people should not have to wait for pages.
    pub(crate) const fn is_machine(self) -> bool {
        !matches!(
            self,
            Self::Authorize | Self::Reauthenticate | Self::Connect | Self::Other
        )
    }
}
