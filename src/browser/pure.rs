//! The pure functions, for those with a back end of their own.

use js_sys::Reflect;
use wasm_bindgen::prelude::*;

use super::{
    code::ErrorCode,
    edge::to_js,
    error::{Error, Result},
    options::{self, Options},
    page, query, wishes,
    wishes::Wishes,
};
use crate::{
    connect::{
        ApplicationId, Callback, ExternalId, ExternalIdParam, Origin, PendingConnection, ReauthenticateResponseType,
        ReauthenticateUrl, RedirectUri, ResponseType, State, StateFingerprint, UncheckedCallback, UserId, VehicleId,
    },
    time::UnixMillis,
};

pub(super) fn create_state() -> Result<String> {
    Ok(State::from_random(page::random()?).expose().to_owned())
}

pub(super) fn state_fingerprint(state: &JsValue) -> Result<String> {
    let text = state
        .as_string()
        .ok_or_else(|| Error::option("state", "`state` must be a string".to_owned()))?;
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
    let application_id = ApplicationId::parse(&options.required_string("applicationId")?)?;
    let state = State::parse(&options.required_string("state")?)?;
    let mut url = Wishes::read(&options)?.into_url(application_id, &state);
    if let Some(uri) = options.string("redirectUri")? {
        url = url.redirect_uri(RedirectUri::parse(&uri)?);
    }
    let response_types = [ResponseType::Code, ResponseType::None].map(|kind| (kind.as_str(), kind));
    if let Some(kind) = options.choice("responseType", &response_types)? {
        url = url.response_type(kind);
    }
    if let Some(id) = external_id(&options)? {
        url = url.external_id(id);
    }
    Ok(url.to_url(&connect_origin(&options)?)?.into())
}

pub(super) fn reauthenticate_url(given: JsValue) -> Result<String> {
    let known = [
        "applicationId",
        "vehicleId",
        "redirectUri",
        "state",
        "responseType",
        "user",
        "externalId",
        "connectOrigin",
        "resolutionUrl",
    ];
    let options = Options::read(given, "reauthenticateUrl", &known)?;
    let connect = connect_origin(&options)?;
    let state = State::parse(&options.required_string("state")?)?;
    if let Some(resolution) = options.string("resolutionUrl")? {
        options.refuse(
            "resolutionUrl",
            &["applicationId", "vehicleId", "responseType", "user", "externalId"],
        )?;
        let redirect_uri = RedirectUri::parse(&options.required_string("redirectUri")?)?;
        return Ok(ReauthenticateUrl::from_resolution(&connect, &resolution, &redirect_uri, &state)?.into());
    }
    let application_id = ApplicationId::parse(&options.required_string("applicationId")?)?;
    let vehicle_id = VehicleId::parse(&options.required_string("vehicleId")?)?;
    let mut url = ReauthenticateUrl::new(application_id, vehicle_id, &state);
    if let Some(uri) = options.string("redirectUri")? {
        url = url.redirect_uri(RedirectUri::parse(&uri)?);
    }
    let response_types = [ReauthenticateResponseType::VehicleId, ReauthenticateResponseType::None];
    if let Some(kind) = options.choice("responseType", &response_types.map(|kind| (kind.as_str(), kind)))? {
        url = url.response_type(kind);
    }
    if let Some(user) = options.string("user")? {
        url = url.user(UserId::parse(&user)?);
    }
    if let Some(id) = external_id(&options)? {
        url = url.external_id(id);
    }
    Ok(url.to_url(&connect)?.into())
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
    let redirect_uri = RedirectUri::parse(&options.required_string("redirectUri")?)?;
    let fingerprint = match (options.string("fingerprint")?, options.string("state")?) {
        (Some(fingerprint), None) => StateFingerprint::parse(&fingerprint)?,
        (None, Some(state)) => State::parse(&state)?.fingerprint(),
        (None, None) => return Err(options::missing("state")),
        (Some(_), Some(_)) => {
            let message = "`fingerprint` and `state` say the same; leave one of them out";
            return Err(Error::option("fingerprint", message.to_owned()));
        }
    };
    let now = page::now();
    let started_at = options.time("startedAt")?.map_or(now, UnixMillis::new);
    let pending = PendingConnection::new(fingerprint, redirect_uri, started_at);
    let callback = UncheckedCallback::parse_for(pending.redirect_uri(), &url)?.verify(&pending, now)?;
    let internal = || Error::new(ErrorCode::Internal, "the callback could not be handed over".to_owned());
    let object = to_js(&callback).map_err(|_| internal())?;
    // The one place where a code leaves: its receiver is the caller's own back end.
    if let Callback::Granted { code: Some(code), .. } = &callback {
        Reflect::set(&object, &"code".into(), &code.expose().into()).map_err(|_| internal())?;
    }
    Ok(object)
}

fn connect_origin(options: &Options) -> Result<Origin> {
    match options.string("connectOrigin")? {
        Some(origin) => Ok(Origin::parse("connectOrigin", &origin)?),
        None => Ok(Origin::connect()),
    }
}

fn external_id(options: &Options) -> Result<Option<ExternalIdParam>> {
    match options.string_or_null("externalId")? {
        None => Ok(None),
        Some(None) => Ok(Some(ExternalIdParam::Clear)),
        Some(Some(id)) => Ok(Some(ExternalIdParam::Set(ExternalId::parse(&id)?))),
    }
}
