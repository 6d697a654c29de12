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
    pub(crate) const ALL: [Self; 19] = [
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
            "/oauth/authorize" => Self::Authorize,
            "/oauth/reauthenticate" => Self::Reauthenticate,
            "/v2.0/user" => Self::User,
            "/v2.0/vehicles" => Self::Vehicles,
            _ => path
                .strip_prefix("/v2.0/vehicles/")
                .map(|rest| Self::of_vehicle(request, rest))
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

    /// Whether the configured latency applies: people should not have to wait for pages.
    pub(crate) const fn is_machine(self) -> bool {
        !matches!(
            self,
            Self::Authorize | Self::Reauthenticate | Self::Connect | Self::Other
        )
    }
}
