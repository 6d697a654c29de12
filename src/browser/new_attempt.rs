//! A new attempt to connect: its state, what the Worker is told of it, and the page of Connect that its answer leads to.

use js_sys::Object;
use wasm_bindgen::JsValue;

use super::{
    error::{Error, Result},
    object::{self, set},
    options::{self, Options},
    page, reconnect,
    target::Target,
};
use crate::{
    connect::{ApplicationId, ConnectOptions, ExternalId, ExternalIdParam, Origin, RedirectUri, Scope, State},
    http_api::StartRequest,
};

const STATE: &str = "state";
const REQUEST: &str = "request";

/// Mints a state for what is asked for in the options of `start`, on the page at `page`.
pub(super) fn new(given: &JsValue, page: &str) -> Result<JsValue> {
    let options = Options::of(given);
    let redirect_uri = redirect_uri(&options, page)?;
    // Whatever is wrong with the options is told before the Worker is.
    options.parsed("applicationId", ApplicationId::parse)?;
    let asked = options::connect_options(&options)?;
    let state = State::from_random(page::random()?);
    let attempt = Object::new();
    set(&attempt, STATE, &state.expose().into());
    set(&attempt, REQUEST, &request(&state, &redirect_uri, &asked));
    Ok(attempt.into())
}

/// What the Worker is told: a [`StartRequest`].
fn request(state: &State, redirect_uri: &RedirectUri, asked: &ConnectOptions) -> JsValue {
    let scopes: Vec<&str> = asked.scopes.iter().map(Scope::as_str).collect();
    let request = StartRequest {
        state_fingerprint: state.fingerprint().as_str().to_owned(),
        redirect_uri: redirect_uri.as_str().to_owned(),
        scope: (!scopes.is_empty()).then(|| scopes.join(" ")),
        mode: asked.mode.map(|mode| mode.as_str().to_owned()),
    };
    let object = Object::new();
    for (name, value) in request.fields() {
        set(&object, name, &value.into());
    }
    object.into()
}

/// Where the owner is sent, by the Worker's answer to an attempt that [`new`] has made of the same options: a `StartResponse` or a
/// `ReconnectResponse`. `None` if the answer makes no sense.
pub(super) fn connect_url(given: &JsValue, attempt: &JsValue, answer: &JsValue) -> Result<Option<String>> {
    let options = Options::of(given);
    let state = Options::of(attempt).required(STATE, State::parse)?;
    let told = Options::of(&object::get(attempt, REQUEST));
    let redirect_uri = told.required(StartRequest::REDIRECT_URI, RedirectUri::parse)?;
    let field = |name| object::text(answer, name).unwrap_or_default();
    let named = (
        ApplicationId::parse(&field("applicationId")),
        Origin::parse(&field("connectOrigin")),
        ExternalId::parse(&field("externalId")),
    );
    let (Ok(application_id), Ok(connect), Ok(external_id)) = named else {
        return Ok(None);
    };
    let target = Target {
        application_id: options
            .parsed("applicationId", ApplicationId::parse)?
            .unwrap_or(application_id),
        connect,
        external_id: ExternalIdParam::Set(external_id),
        redirect_uri,
        state,
    };
    let asked = options::connect_options(&options)?;
    if object::get(answer, "flow").is_undefined() {
        return target.authorize_url(asked).map(Some);
    }
    reconnect::url(answer, &target, asked)
}

/// Where Connect sends the owner back to: what `redirectUri` says, or else this page, without query and hash.
fn redirect_uri(options: &Options, page: &str) -> Result<RedirectUri> {
    match options.parsed("redirectUri", RedirectUri::parse)? {
        Some(uri) => {
            check_redirect_uri(&uri, page, options.string("edge")?.as_deref())?;
            Ok(uri)
        }
        None => {
            let end = page.find(['?', '#']).unwrap_or(page.len());
            RedirectUri::parse(page.get(..end).unwrap_or_default())
                .map_err(|reason| options::refused("redirectUri", reason))
        }
    }
}

/// Refuses what could never be finished: the callback would come to a page that the Worker does not recognise.
fn check_redirect_uri(uri: &RedirectUri, page: &str, edge: Option<&str>) -> Result<()> {
    let Some(page) = Origin::of_url(page) else {
        return Ok(());
    };
    // A path leads to another Worker on each origin.
    let edge = edge.and_then(Origin::of_url);
    let shared = uri.origin().zip(edge.as_ref());
    let is_anybodys =
        shared.is_some_and(|(own, edge)| own != page && own.shared_domain(edge).is_some_and(page::is_for_anybody));
    if uri.can_finish(&page, edge.as_ref()) && !is_anybodys {
        return Ok(());
    }
    let message = [
        "`redirectUri` is a page that the Worker would not recognise the owner on; give an address on `",
        page.as_str(),
        "`, or start on the page's own origin; pages on several origins of one site have to give the Worker's whole URL as \
         `edge`",
    ]
    .concat();
    Err(Error::option("redirectUri", &message))
}
