//! `start` and `reconnect`: register an attempt and go to Connect.

use core::cell::RefCell;

use js_sys::{Object, Promise};
use wasm_bindgen::prelude::*;
use web_sys::Window;

use super::{
    attempt::{Registered, Unregistered},
    error::{Error, Result},
    json::set,
    options::{self, CALL_OPTIONS, CONNECT_OPTIONS, Options},
    page,
    way_back::WayBack,
};
use crate::{
    connect::{ApplicationId, AuthorizeUrl, ConnectOptions, ConnectionId, ExternalIdParam, Origin, RedirectUri},
    time::{Millis, UnixMillis},
};

/// How the owner gets to Connect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Navigation {
    /// The page itself goes there.
    Automatic,
    /// The caller does it, by the URL that it gets: the app, or the package in a window of its own.
    Manual,
}

/// How long a page takes to leave for Connect at most, unless the browser says so earlier.
const LEAVING: Millis = Millis::from_secs(5);

/// The start that takes this page to Connect.
#[derive(Debug)]
struct Leaving {
    promise: Promise,
    /// When the page was told to leave; `None` before that.
    since: Option<UnixMillis>,
}

thread_local! {
    static LEAVE: RefCell<Option<Leaving>> = const { RefCell::new(None) };
}

/// A page leaves once: a second click while it is about to gets what the first one does.
///
/// Calls that only want the URL have one each.
pub(super) fn start(options: &JsValue, promise: impl FnOnce(Result<Start>) -> Promise) -> Promise {
    leave(Start::begin("start", None, options), promise)
}

/// As [`start`], to mend the connection called `id`.
pub(super) fn reconnect(id: &JsValue, options: &JsValue, promise: impl FnOnce(Result<Start>) -> Promise) -> Promise {
    let start = options::connection_id(id).and_then(|id| Start::begin("reconnect", Some(id), options));
    leave(start, promise)
}

fn leave(start: Result<Start>, promise: impl FnOnce(Result<Start>) -> Promise) -> Promise {
    let leaves = start
        .as_ref()
        .is_ok_and(|start| start.connect.navigation == Navigation::Automatic);
    if !leaves {
        return promise(start);
    }
    if let Some(leaving) = leaving() {
        if let Ok(start) = start {
            start.attempt.forget();
        }
        return leaving;
    }
    let promise = promise(start);
    LEAVE.set(Some(Leaving {
        promise: promise.clone(),
        since: None,
    }));
    promise
}

fn leaving() -> Option<Promise> {
    LEAVE.with_borrow(|leaving| {
        let leaving = leaving.as_ref()?;
        let now = page::now();
        let is_over = leaving
            .since
            .is_some_and(|since| now >= since.after(LEAVING) || now < since || page::was_left());
        (!is_over).then(|| leaving.promise.clone())
    })
}

/// A call of `start` or `reconnect` whose attempt is kept in this browser.
#[derive(Debug)]
pub(super) struct Start {
    attempt: Unregistered,
    connect: OpenConnect,
}

/// How Connect is to be opened.
#[derive(Debug)]
struct OpenConnect {
    application_id: Option<ApplicationId>,
    options: ConnectOptions,
    navigation: Navigation,
}

impl Start {
    fn begin(function: &str, reconnecting: Option<ConnectionId>, options: &JsValue) -> Result<Self> {
        let window = page::window(function)?;
        let own = ["redirectUri", "applicationId", "navigate"];
        let options = Options::read(options, function, &[&CALL_OPTIONS, &own, &CONNECT_OPTIONS])?;
        let edge = options.string("edge")?;
        let client = options.client()?;
        let redirect_uri = match options.parsed("redirectUri", RedirectUri::parse)? {
            Some(uri) => {
                check_redirect_uri(&uri, &window, edge.as_deref())?;
                uri
            }
            None => RedirectUri::parse(&page::own_address(&window)?)
                .map_err(|reason| options::refused("redirectUri", reason))?,
        };
        let connect = OpenConnect {
            application_id: options.parsed("applicationId", ApplicationId::parse)?,
            options: options::connect_options(&options)?,
            navigation: match options.boolean("navigate")? {
                Some(false) => Navigation::Manual,
                _ => Navigation::Automatic,
            },
        };
        Ok(Self {
            attempt: Unregistered::begin(&window, client, redirect_uri, reconnecting, &connect.options)?,
            connect,
        })
    }

    pub(super) async fn run(self) -> Result<JsValue> {
        let leaves = self.connect.navigation == Navigation::Automatic;
        // On a first visit the answer to the first call brings the session that the next one goes on with.
        let turn = page::take_turn().await;
        let connect = self.connect;
        let result = self.attempt.register(|registered| connect.open(registered)).await;
        drop(turn);
        if leaves {
            LEAVE.with_borrow_mut(|leaving| match &result {
                Ok(_) => {
                    if let Some(leaving) = leaving {
                        leaving.since = Some(page::now());
                    }
                }
                Err(_) => *leaving = None,
            });
        }
        result
    }
}

/// Refuses what could never be finished: the callback would come to a page that the Worker does not recognise.
fn check_redirect_uri(uri: &RedirectUri, window: &Window, edge: Option<&str>) -> Result<()> {
    let page = page::href(window)?;
    let Some(page) = Origin::of_url(&page) else {
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

impl OpenConnect {
    fn open(self, registered: &Registered) -> Result<JsValue> {
        let application_id = self.application_id.unwrap_or_else(|| registered.application_id.clone());
        let redirect_uri = registered.attempt.redirect_uri();
        let way_back = registered.way_back.as_ref();
        let reauthenticate = match way_back {
            Some(way_back) => way_back.reauthenticate_url(
                &registered.connect,
                &application_id,
                &registered.external_id,
                redirect_uri,
                &registered.state,
            )?,
            None => None,
        };
        let url = match reauthenticate {
            Some(url) => url,
            None => AuthorizeUrl::new(application_id, &registered.state)
                .options(match way_back {
                    Some(way_back) => way_back.options(self.options),
                    None => self.options,
                })
                .redirect_uri(redirect_uri.clone())
                .external_id(ExternalIdParam::Set(registered.external_id.clone()))
                .to_url(&registered.connect)?,
        };
        if let Navigation::Automatic = self.navigation {
            page::navigate(&url)?;
        }
        let result = Object::new();
        set(&result, "url", &url.into());
        if way_back.is_none_or(WayBack::is_awaited) {
            set(&result, "expiresAt", &page::to_js(registered.attempt.expires_at()));
        }
        if let Some(way_back) = way_back {
            set(&result, "flow", &way_back.flow.as_str().into());
        }
        Ok(result.into())
    }
}
