//! One visit to Connect: what the application asked for and how far the owner is.

use axum::http::StatusCode;

use crate::{
    config::{Config, Vehicle},
    http::Params,
    v3::{ExternalId, Mode},
};

/// A visit that has passed the checks of the authorize or re-authenticate address.
#[derive(Clone, Debug)]
pub(crate) struct Session {
    pub(crate) purpose: Purpose,
    /// Absent only for a re-authentication with `response_type=none`.
    pub(crate) redirect_uri: Option<String>,
    pub(crate) response_type: ResponseType,
    pub(crate) state: Option<String>,
    pub(crate) external_id: ExternalId,
    pub(crate) mode: Mode,
    pub(crate) scopes: Vec<RequestedScope>,
    pub(crate) select: Select,
    pub(crate) make: Option<String>,
    pub(crate) email: Option<String>,
    pub(crate) finished: bool,
}

#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Purpose {
    Connect,
    Reauthenticate {
        vehicle_id: String,
    },
    /// Tesla's form: the owner grants more in the account there, and is not sent back.
    GrantAtMaker,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum ResponseType {
    Code,
    VehicleId,
    None,
}

/// How many vehicles the owner may choose.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Select {
    Any,
    One,
    Vin(String),
}

/// A permission; `required:` ones cannot be unticked.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct RequestedScope {
    pub(crate) name: String,
    pub(crate) required: bool,
}

/// Why Connect shows an error page: nothing may be sent to an address that has not been checked.
#[derive(Clone, Debug)]
pub(crate) struct Rejection {
    pub(crate) status: StatusCode,
    pub(crate) message: String,
}

fn reject(message: impl Into<String>) -> Rejection {
    Rejection {
        status: StatusCode::BAD_REQUEST,
        message: message.into(),
    }
}

fn invalid(name: &str) -> Rejection {
    reject(format!("Invalid parameter {name}"))
}

impl Session {
    /// Checks the parameters of `/oauth/authorize`.
    pub(crate) fn authorize(params: &Params, config: &Config) -> Result<Self, Rejection> {
        check_common(params, config)?;
        let redirect_uri = redirect_uri(params, config, false)?;
        let response_type = match params.get("response_type") {
            Some("code") => ResponseType::Code,
            Some("none") => ResponseType::None,
            _ => return Err(invalid("response_type")),
        };
        one_of(params, "mode", &["live", "simulated", "test"])?;
        one_of(params, "approval_prompt", &["auto", "force"])?;
        let vin = non_empty(params, "single_select_vin");
        let select = match (params.get("single_select"), vin) {
            (Some("true"), Some(vin)) => Select::Vin(vin.to_owned()),
            (Some("true"), None) => Select::One,
            (None | Some("false"), None) => Select::Any,
            (None | Some("false"), Some(_)) => {
                return Err(reject("Parameter single_select_vin needs single_select=true"));
            }
            _ => return Err(invalid("single_select")),
        };
        // The vehicle of `single_select_vin` decides the make, whatever `make` says.
        let make = match &select {
            Select::Vin(vin) => config
                .vehicles
                .iter()
                .find(|vehicle| vehicle.vin == *vin)
                .map(|vehicle| vehicle.make.clone()),
            Select::Any | Select::One => None,
        };
        Ok(Self {
            purpose: Purpose::Connect,
            redirect_uri,
            response_type,
            state: params.get("state").map(str::to_owned),
            external_id: external_id(params),
            mode: params.get("mode").and_then(Mode::find).unwrap_or_default(),
            scopes: scopes(params, config),
            select,
            make: make.or_else(|| non_empty(params, "make").map(str::to_owned)),
            email: None,
            finished: false,
        })
    }

    /// Checks the parameters of `/oauth/reauthenticate`.
    pub(crate) fn reauthenticate(params: &Params, config: &Config) -> Result<Self, Rejection> {
        check_common(params, config)?;
        let response_type = match params.get("response_type") {
            Some("vehicle_id") => ResponseType::VehicleId,
            Some("none") => ResponseType::None,
            _ => return Err(invalid("response_type")),
        };
        if params.get("make").is_some() {
            return Self::grant_at_maker(params, config, response_type);
        }
        let redirect_uri = redirect_uri(params, config, response_type == ResponseType::None)?;
        let vehicle = params
            .get("vehicle_id")
            .and_then(|id| config.vehicle(id))
            .ok_or_else(|| invalid("vehicle_id"))?;
        Ok(Self {
            purpose: Purpose::Reauthenticate {
                vehicle_id: vehicle.id.clone(),
            },
            redirect_uri,
            response_type,
            state: params.get("state").map(str::to_owned),
            external_id: external_id(params),
            mode: Mode::default(),
            scopes: Vec::new(),
            select: Select::Any,
            make: Some(vehicle.make.clone()),
            email: None,
            finished: false,
        })
    }

    /// Checks the parameters of Tesla's form of `/oauth/reauthenticate`.
    fn grant_at_maker(params: &Params, config: &Config, response_type: ResponseType) -> Result<Self, Rejection> {
        let make = non_empty(params, "make").filter(|make| *make == "TESLA");
        let make = make.ok_or_else(|| invalid("make"))?;
        for name in ["vehicle_id", "redirect_uri", "state"] {
            if params.get(name).is_some() {
                return Err(invalid(name));
            }
        }
        if non_empty(params, "scope").is_none() {
            return Err(invalid("scope"));
        }
        Ok(Self {
            purpose: Purpose::GrantAtMaker,
            redirect_uri: None,
            response_type,
            state: None,
            external_id: external_id(params),
            scopes: scopes(params, config),
            select: Select::Any,
            mode: Mode::default(),
            make: Some(make.to_owned()),
            email: None,
            finished: false,
        })
    }

    /// The vehicles in the owner's account that this visit is about.
    pub(crate) fn vehicles<'a>(&self, config: &'a Config) -> Vec<&'a Vehicle> {
        config
            .vehicles
            .iter()
            .filter(|vehicle| match (&self.purpose, &self.select) {
                (Purpose::Reauthenticate { vehicle_id }, _) => vehicle.id == *vehicle_id,
                (Purpose::Connect | Purpose::GrantAtMaker, Select::Vin(vin)) => vehicle.vin == *vin,
                (Purpose::Connect | Purpose::GrantAtMaker, Select::Any | Select::One) => self
                    .make
                    .as_deref()
                    .is_none_or(|make| vehicle.make.eq_ignore_ascii_case(make)),
            })
            .collect()
    }

    /// How pages call the application: the host of its redirect URI.
    pub(crate) fn application(&self) -> String {
        self.redirect_uri
            .as_deref()
            .and_then(|uri| url::Url::parse(uri).ok())
            .and_then(|url| {
                let host = url.host_str()?.to_owned();
                Some(url.port().map_or_else(|| host.clone(), |port| format!("{host}:{port}")))
            })
            .unwrap_or_else(|| "the application".to_owned())
    }
}

fn check_common(params: &Params, config: &Config) -> Result<(), Rejection> {
    if let Some(name) = params.repeated() {
        return Err(reject(format!("Repeated parameter {name}")));
    }
    // Both names are in use for the application's id.
    let ids: Vec<&str> = ["client_id", "application_id"]
        .iter()
        .filter_map(|name| params.get(name))
        .collect();
    if ids.is_empty() || ids.iter().any(|id| *id != config.client_id) {
        let name = if params.get("client_id").is_none() && params.get("application_id").is_some() {
            "application_id"
        } else {
            "client_id"
        };
        return Err(invalid(name));
    }
    Ok(())
}

fn redirect_uri(params: &Params, config: &Config, optional: bool) -> Result<Option<String>, Rejection> {
    match params.get("redirect_uri") {
        Some(uri) if config.redirect_uris.iter().any(|registered| registered == uri) => Ok(Some(uri.to_owned())),
        Some(uri) => Err(reject(format!(
            "The redirect URI {uri} is not registered for this application"
        ))),
        None if optional => Ok(None),
        None => match config.redirect_uris.as_slice() {
            [only] => Ok(Some(only.clone())),
            _ => Err(invalid("redirect_uri")),
        },
    }
}

fn one_of(params: &Params, name: &str, allowed: &[&str]) -> Result<(), Rejection> {
    match params.get(name) {
        Some(value) if !allowed.contains(&value) => Err(invalid(name)),
        _ => Ok(()),
    }
}

fn non_empty<'a>(params: &'a Params, name: &'a str) -> Option<&'a str> {
    params.get(name).filter(|value| !value.is_empty())
}

/// The literal `null` clears a stored id, so there is none to echo.
fn external_id(params: &Params) -> ExternalId {
    match non_empty(params, "external_id") {
        None => ExternalId::Keep,
        Some("null") => ExternalId::Clear,
        Some(id) => ExternalId::Set(id.to_owned()),
    }
}

fn scopes(params: &Params, config: &Config) -> Vec<RequestedScope> {
    let requested: Vec<&str> = match non_empty(params, "scope") {
        Some(text) => text.split(' ').filter(|scope| !scope.is_empty()).collect(),
        None => config.default_scopes.iter().map(String::as_str).collect(),
    };
    requested
        .into_iter()
        .map(|scope| match scope.strip_prefix("required:") {
            Some(name) => RequestedScope {
                name: name.to_owned(),
                required: true,
            },
            None => RequestedScope {
                name: scope.to_owned(),
                required: false,
            },
        })
        .collect()
}
