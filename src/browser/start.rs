//! `start`: registers an attempt and goes to Connect.

use js_sys::Object;
use wasm_bindgen::prelude::*;
use web_sys::Window;

use super::{
    attempt::{Registered, Unregistered},
    client::Client,
    error::Result,
    json::set,
    options::{self, CONNECT_OPTIONS, Options},
    page,
};
use crate::connect::{ApplicationId, AuthorizeUrl, ConnectOptions, ExternalIdParam, RedirectUri};

/// How the owner gets to Connect. A popup will be a third way.
#[derive(Clone, Copy, Debug)]
enum Navigation {
    /// The page itself goes there.
    Automatic,
    /// The app does it, by the URL that it gets.
    Manual,
}

/// A call of `start` whose attempt is kept in this tab.
#[derive(Debug)]
pub(super) struct Start {
    attempt: Unregistered,
    connect: OpenConnect,
}

/// How Connect is to be opened.
#[derive(Debug)]
struct OpenConnect {
    window: Window,
    application_id: Option<ApplicationId>,
    options: ConnectOptions,
    navigation: Navigation,
}

impl Start {
    pub(super) fn begin(options: JsValue) -> Result<Self> {
        let window = page::window("start")?;
        let own = ["edge", "redirectUri", "applicationId", "navigate"];
        let options = Options::read(options, "start", &[&own, &CONNECT_OPTIONS[..]].concat())?;
        let redirect_uri = match options.parsed("redirectUri", RedirectUri::parse)? {
            Some(uri) => uri,
            None => RedirectUri::parse(&page::own_address(&window)?)
                .map_err(|reason| options::refused("redirectUri", reason))?,
        };
        let client = Client::new(window.clone(), options.string("edge")?.as_deref())?;
        let connect = OpenConnect {
            application_id: options.parsed("applicationId", ApplicationId::parse)?,
            options: options::connect_options(&options)?,
            navigation: match options.boolean("navigate")? {
                Some(false) => Navigation::Manual,
                _ => Navigation::Automatic,
            },
            window: window.clone(),
        };
        Ok(Self {
            attempt: Unregistered::begin(&window, client, redirect_uri)?,
            connect,
        })
    }

    pub(super) async fn run(self) -> Result<JsValue> {
        let connect = self.connect;
        self.attempt.register(|registered| connect.open(registered)).await
    }
}

impl OpenConnect {
    fn open(self, registered: &Registered) -> Result<JsValue> {
        let application_id = self.application_id.unwrap_or_else(|| registered.application_id.clone());
        let url = AuthorizeUrl::new(application_id, &registered.state)
            .options(self.options)
            .redirect_uri(registered.attempt.redirect_uri().clone())
            .external_id(ExternalIdParam::Set(registered.external_id.clone()))
            .to_url(&registered.connect)?;
        if let Navigation::Automatic = self.navigation {
            page::navigate(&self.window, &url)?;
        }
        let result = Object::new();
        set(&result, "url", &url.into());
        set(&result, "expiresAt", &page::to_js(registered.attempt.expires_at()));
        Ok(result.into())
    }
}
