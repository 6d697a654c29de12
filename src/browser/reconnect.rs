//! The page of Connect that mends a connection.

use wasm_bindgen::JsValue;

use super::{error::Result, object, target::Target};
use crate::{
    connect::{ApprovalPrompt, ConnectOptions, ReauthenticateUrl, Scope, VehicleId},
    http_api::ReconnectFlow,
};

/// The page that an answer leads to, a `ReconnectResponse` that its table has admitted; `None` if it makes no sense.
pub(super) fn url(answer: &JsValue, target: &Target, options: ConnectOptions) -> Result<Option<String>> {
    let text = |name| object::text(answer, name);
    let Some(flow) = text("flow").and_then(|name| ReconnectFlow::from_name(&name)) else {
        return Ok(None);
    };
    match flow {
        ReconnectFlow::Reauthenticate => {
            let Some(vehicle_id) = text("vehicleId").and_then(|id| VehicleId::parse(&id).ok()) else {
                return Ok(None);
            };
            reauthenticate_url(vehicle_id, text("resolutionUrl"), target).map(Some)
        }
        ReconnectFlow::TeslaPermissions => {
            let Some(scope) = text("scope") else { return Ok(None) };
            let scopes = scope.split(' ').filter_map(|scope| Scope::parse(scope).ok());
            let url = ReauthenticateUrl::tesla(target.application_id.clone(), scopes)
                .external_id(target.external_id.clone())
                .to_url(&target.connect)?;
            Ok(Some(url))
        }
        ReconnectFlow::MorePermissions => {
            let options = ConnectOptions {
                approval_prompt: Some(ApprovalPrompt::Force),
                ..options
            };
            target.authorize_url(options).map(Some)
        }
        ReconnectFlow::NewConnection => target.authorize_url(options).map(Some),
    }
}

/// The page of re-authentication: where Smartcar itself sends the owner of the vehicle, if it said so.
fn reauthenticate_url(vehicle_id: VehicleId, resolution: Option<String>, target: &Target) -> Result<String> {
    let resolution = resolution.filter(|url| ReauthenticateUrl::is_resolution(&target.connect, url, &vehicle_id));
    let url = match resolution {
        Some(url) => ReauthenticateUrl::from_resolution(&target.connect, &url, &target.redirect_uri, &target.state)
            .map_err(|error| error.in_field("resolutionUrl"))?,
        None => ReauthenticateUrl::new(target.application_id.clone(), vehicle_id, &target.state)
            .redirect_uri(target.redirect_uri.clone())
            .external_id(target.external_id.clone())
            .to_url(&target.connect)?,
    };
    Ok(url)
}
