//! The functions that keep nothing and call nobody, for those with a back end of their own.

use wasm_bindgen::prelude::*;

use super::{
    error::{Error, Result},
    options::{self, CONNECT_OPTIONS, Options},
    page,
};
use crate::{
    connect::{
        ApplicationId, Attempt, AuthorizeUrl, Callback, ExternalId, ExternalIdParam, Origin,
        ReauthenticateResponseType, ReauthenticateUrl, RedirectUri, ResponseType, State, StateFingerprint,
        UnverifiedCallback, UserId, VehicleId,
    },
    http_api::{ErrorCode, ProblemCode, finish::callback_object},
};

pub(super) fn create_state() -> Result<String> {
    Ok(State::from_random(page::random()?).expose().to_owned())
}

pub(super) fn state_fingerprint(state: &JsValue) -> Result<String> {
    let text = state.as_string().ok_or_else(|| options::missing("state"))?;
    let state = State::parse(&text).map_err(|reason| options::refused("state", reason))?;
    Ok(state.fingerprint().as_str().to_owned())
}

pub(super) fn authorize_url(given: &JsValue) -> Result<String> {
    let own = [
        "applicationId",
        "redirectUri",
        "state",
        "responseType",
        "externalId",
        "connectOrigin",
    ];
    let options = Options::read(given, "authorizeUrl", &[&own, &CONNECT_OPTIONS])?;
    let application_id = options.required("applicationId", ApplicationId::parse)?;
    let state = options.required("state", State::parse)?;
    let mut url = AuthorizeUrl::new(application_id, &state).options(options::connect_options(&options)?);
    if let Some(uri) = options.parsed("redirectUri", RedirectUri::parse)? {
        url = url.redirect_uri(uri);
    }
    if let Some(response_type) = options.choice("responseType", ResponseType::ALL, ResponseType::NAMES)? {
        url = url.response_type(response_type);
    }
    if let Some(id) = external_id(&options)? {
        url = url.external_id(id);
    }
    Ok(url.to_url(&connect_origin(&options)?)?)
}

pub(super) fn reauthenticate_url(given: &JsValue) -> Result<String> {
    const REPLACED: [&str; 5] = ["applicationId", "vehicleId", "responseType", "user", "externalId"];
    let own = ["resolutionUrl", "redirectUri", "state", "connectOrigin"];
    let options = Options::read(given, "reauthenticateUrl", &[&own, &REPLACED])?;
    let connect = connect_origin(&options)?;
    let state = options.required("state", State::parse)?;
    if let Some(resolution) = options.string("resolutionUrl")? {
        options.refuse("resolutionUrl", &REPLACED)?;
        let redirect_uri = options.required("redirectUri", RedirectUri::parse)?;
        return ReauthenticateUrl::from_resolution(&connect, &resolution, &redirect_uri, &state)
            .map_err(|reason| options::refused("resolutionUrl", reason));
    }
    let application_id = options.required("applicationId", ApplicationId::parse)?;
    let vehicle_id = options.required("vehicleId", VehicleId::parse)?;
    let mut url = ReauthenticateUrl::new(application_id, vehicle_id, &state);
    if let Some(uri) = options.parsed("redirectUri", RedirectUri::parse)? {
        url = url.redirect_uri(uri);
    }
    let (types, names) = (ReauthenticateResponseType::ALL, ReauthenticateResponseType::NAMES);
    if let Some(response_type) = options.choice("responseType", types, names)? {
        url = url.response_type(response_type);
    }
    if let Some(user) = options.parsed("user", UserId::parse)? {
        url = url.user(user);
    }
    if let Some(id) = external_id(&options)? {
        url = url.external_id(id);
    }
    // The one thing that can be wrong with values that were read: there is no redirect URI.
    url.to_url(&connect)
        .map_err(|error| options::refused("redirectUri", error.reason()))
}

pub(super) fn check_callback(url: &JsValue, given: &JsValue) -> Result<JsValue> {
    let url = options::url_argument(url)?.ok_or_else(|| options::missing("url"))?;
    let known = ["fingerprint", "state", "redirectUri", "startedAt"];
    let options = Options::read(given, "checkCallback", &[&known])?;
    let redirect_uri = options.required("redirectUri", RedirectUri::parse)?;
    let fingerprint = match options.parsed("fingerprint", StateFingerprint::parse)? {
        Some(fingerprint) => {
            options.refuse("fingerprint", &["state"])?;
            fingerprint
        }
        None => options.required("state", State::parse)?.fingerprint(),
    };
    let now = page::now();
    let attempt = Attempt::new(fingerprint, redirect_uri, options.time("startedAt")?.unwrap_or(now));
    let callback = UnverifiedCallback::parse_for(attempt.redirect_uri(), &url)?.verify(&attempt, now)?;
    match (&callback, callback.missing_code()) {
        (Callback::Incomplete, Some(missing)) => Err(Error::new(ErrorCode::Worker(ProblemCode::CodeMissing), missing)),
        _ => Ok(callback_object(&callback)),
    }
}

fn connect_origin(options: &Options) -> Result<Origin> {
    Ok(options
        .parsed("connectOrigin", Origin::parse)?
        .unwrap_or_else(Origin::connect))
}

fn external_id(options: &Options) -> Result<Option<ExternalIdParam>> {
    if options.is_null("externalId") {
        return Ok(Some(ExternalIdParam::Clear));
    }
    Ok(options
        .parsed("externalId", ExternalId::parse)?
        .map(ExternalIdParam::Set))
}
