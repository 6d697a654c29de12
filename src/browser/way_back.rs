//! The page of Connect that mends a connection.

use wasm_bindgen::JsValue;

use super::{error::Result, json};
use crate::{
    connect::{
        ApplicationId, ApprovalPrompt, ConnectOptions, ExternalId, ExternalIdParam, Origin, ReauthenticateUrl,
        RedirectUri, Scope, State, VehicleId,
    },
    http_api::ReconnectFlow,
};

/// What the Worker said mends a connection.
#[derive(Debug)]
pub(super) struct WayBack {
    pub(super) flow: ReconnectFlow,
    vehicle_id: Option<VehicleId>,
    resolution_url: Option<String>,
    scope: Option<String>,
}

impl WayBack {
    /// Reads an answer that its table has admitted; `None` if it makes no sense.
    pub(super) fn read(answer: &JsValue) -> Option<Self> {
        let flow = ReconnectFlow::from_name(&json::text(answer, "flow")?)?;
        let vehicle_id = json::text(answer, "vehicleId").and_then(|id| VehicleId::parse(&id).ok());
        let scope = json::text(answer, "scope");
        let is_whole = match flow {
            ReconnectFlow::Reauthenticate => vehicle_id.is_some(),
            ReconnectFlow::TeslaPermissions => scope.is_some(),
            ReconnectFlow::MorePermissions | ReconnectFlow::NewConnection => true,
        };
        is_whole.then(|| Self {
            flow,
            vehicle_id,
            resolution_url: json::text(answer, "resolutionUrl"),
            scope,
        })
    }

    /// Whether something comes back to the page.
    pub(super) fn is_awaited(&self) -> bool {
        self.flow != ReconnectFlow::TeslaPermissions
    }

    /// What the owner is asked for, where the flow asks for permissions.
    pub(super) fn options(&self, options: ConnectOptions) -> ConnectOptions {
        if self.flow == ReconnectFlow::MorePermissions {
            ConnectOptions {
                approval_prompt: Some(ApprovalPrompt::Force),
                ..options
            }
        } else {
            options
        }
    }

    /// The page of re-authentication; `None` if the flow is one of authorization.
    pub(super) fn reauthenticate_url(
        &self,
        connect: &Origin,
        application_id: &ApplicationId,
        external_id: &ExternalId,
        redirect_uri: &RedirectUri,
        state: &State,
    ) -> Result<Option<String>> {
        let external_id = || ExternalIdParam::Set(external_id.clone());
        let url = match (self.flow, &self.resolution_url, &self.vehicle_id) {
            (ReconnectFlow::Reauthenticate, Some(url), Some(vehicle_id))
                if ReauthenticateUrl::is_resolution(connect, url, vehicle_id) =>
            {
                ReauthenticateUrl::from_resolution(connect, url, redirect_uri, state)
                    .map_err(|error| error.in_field("resolutionUrl"))?
            }
            (ReconnectFlow::Reauthenticate, _, Some(vehicle_id)) => {
                ReauthenticateUrl::new(application_id.clone(), vehicle_id.clone(), state)
                    .redirect_uri(redirect_uri.clone())
                    .external_id(external_id())
                    .to_url(connect)?
            }
            (ReconnectFlow::TeslaPermissions, ..) => {
                let scopes = self.scope.iter().flat_map(|scope| scope.split(' '));
                let scopes = scopes.filter_map(|scope| Scope::parse(scope).ok());
                ReauthenticateUrl::tesla(application_id.clone(), scopes)
                    .external_id(external_id())
                    .to_url(connect)?
            }
            _ => return Ok(None),
        };
        Ok(Some(url))
    }
}
