//! The pure functions, for those with a back end of their own.

use serde::Serialize as _;
use wasm_bindgen::prelude::*;

use super::{
    code::ErrorCode,
    error::{Error, Result},
    options::{self, Options},
    page, query, shape, wishes,
    wishes::Wishes,
};
use crate::connect::{
    ApplicationId, Callback, ExternalId, ExternalIdParam, Origin, PendingConnection, ReauthenticateResponseType,
    ReauthenticateUrl, RedirectUri, ResponseType, State, StateFingerprint, UncheckedCallback, UserId, VehicleId,
};

pub(super) fn create_state() -> Result<String> {
    Ok(State::from_random(page::random()?).expose().to_owned())
}

pub(super) fn state_fingerprint(state: &JsValue) -> Result<String> {
    let text = state.as_string().ok_or_else(|| options::missing("state"))?;
    Ok(State::parse(&text)?.fingerprint().as_str().to_owned())
}

pub(super) fn authorize_url(given: JsValue) -> Result<String> {
    let own = [
        "applicationId",
        "redirectUri",
        "state",
        "responseType",
        "externalId",
        "connectOrigin",
    ];
    let options = Options::read(given, "authorizeUrl", &[&own, &wishes::NAMES[..]].concat())?;
    let application_id = options.required("applicationId", ApplicationId::parse)?;
    let state = options.required("state", State::parse)?;
    let mut url = Wishes::read(&options)?.url(application_id, &state);
    if let Some(uri) = options.parsed("redirectUri", RedirectUri::parse)? {
        url = url.redirect_uri(uri);
    }
    if options.choice("responseType", &["code", "none"])? == Some(1) {
        url = url.response_type(ResponseType::None);
    }
    if let Some(id) = external_id(&options)? {
        url = url.external_id(id);
    }
    Ok(url.to_href(&connect_origin(&options)?)?)
}

pub(super) fn reauthenticate_url(given: JsValue) -> Result<String> {
    const REPLACED: [&str; 5] = ["applicationId", "vehicleId", "responseType", "user", "externalId"];
    let own = ["resolutionUrl", "redirectUri", "state", "connectOrigin"];
    let options = Options::read(given, "reauthenticateUrl", &[&own[..], &REPLACED].concat())?;
    let connect = connect_origin(&options)?;
    let state = options.required("state", State::parse)?;
    if let Some(resolution) = options.string("resolutionUrl")? {
        options.refuse("resolutionUrl", &REPLACED)?;
        let redirect_uri = options.required("redirectUri", RedirectUri::parse)?;
        return Ok(ReauthenticateUrl::href_from_resolution(
            &connect,
            &resolution,
            &redirect_uri,
            &state,
        )?);
    }
    let application_id = options.required("applicationId", ApplicationId::parse)?;
    let vehicle_id = options.required("vehicleId", VehicleId::parse)?;
    let mut url = ReauthenticateUrl::new(application_id, vehicle_id, &state);
    if let Some(uri) = options.parsed("redirectUri", RedirectUri::parse)? {
        url = url.redirect_uri(uri);
    }
    if options.choice("responseType", &["vehicle_id", "none"])? == Some(1) {
        url = url.response_type(ReauthenticateResponseType::None);
    }
    if let Some(user) = options.parsed("user", UserId::parse)? {
        url = url.user(user);
    }
    if let Some(id) = external_id(&options)? {
        url = url.external_id(id);
    }
    Ok(url.to_href(&connect)?)
}

pub(super) fn has_callback(url: &JsValue) -> Result<bool> {
    let url = match options::url_argument(url)? {
        Some(url) => url,
        None => page::href(&page::window("hasCallback")?)?,
    };
    Ok(query::is_callback(query::of(&url)))
}

pub(super) fn check_callback(url: &JsValue, given: JsValue) -> Result<JsValue> {
    let url = options::url_argument(url)?.ok_or_else(|| options::missing("url"))?;
    let options = Options::read(
        given,
        "checkCallback",
        &["fingerprint", "state", "redirectUri", "startedAt"],
    )?;
    let redirect_uri = options.required("redirectUri", RedirectUri::parse)?;
    let fingerprint = match options.parsed("fingerprint", StateFingerprint::parse)? {
        Some(fingerprint) => {
            options.refuse("fingerprint", &["state"])?;
            fingerprint
        }
        None => options.required("state", State::parse)?.fingerprint(),
    };
    let now = page::now();
    let pending = PendingConnection::new(fingerprint, redirect_uri, options.time("startedAt")?.unwrap_or(now));
    let callback = UncheckedCallback::parse_for(pending.redirect_uri(), &url)?.verify(&pending, now)?;
    let object = callback
        .serialize(&serde_wasm_bindgen::Serializer::json_compatible())
        .map_err(|_| Error::new(ErrorCode::Internal, "the callback could not be handed over"))?;
    // The one place where a code leaves: its receiver is the caller's own back end.
    if let Callback::Granted { code: Some(code), .. } = &callback {
        shape::set(&object, "code", &code.expose().into());
    }
    Ok(object)
}

fn connect_origin(options: &Options) -> Result<Origin> {
    Ok(options
        .parsed("connectOrigin", |text| Origin::parse("connectOrigin", text))?
        .unwrap_or_else(Origin::connect))
}

fn external_id(options: &Options) -> Result<Option<ExternalIdParam>> {
    if options.is_null("externalId")? {
        return Ok(Some(ExternalIdParam::Clear));
    }
    Ok(options
        .parsed("externalId", ExternalId::parse)?
        .map(ExternalIdParam::Set))
}
