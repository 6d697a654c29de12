//! `finish`: from the callback in the address bar to the Worker's outcome.
//!
//! A page finishes a callback once, however often it is asked to: frameworks run an effect twice, and routers bring an address
//! back. The Worker decides whether the callback counts.

use core::cell::RefCell;

use js_sys::Promise;
use wasm_bindgen::prelude::*;
use web_sys::Window;

use super::{
    attempts::AttemptStore,
    client::{Answer, Caller, Client},
    error::{Error, Result},
    json,
    options::{CALL_OPTIONS, Options, url_argument},
    page,
    unfinished::Unfinished,
};
use crate::{
    connect::{StateError, StateFingerprint, UnverifiedCallback, has_our_state, normal_form, query_of, split},
    http_api::{
        AttemptStatus, ErrorCode, FinishRequest,
        attempt::{OUTCOME, STATUS_NAME},
        path,
    },
    time::{Millis, UnixMillis},
};

/// How long a page that has no callback any more is still told what became of the last one.
const RECENT: Millis = Millis::from_secs(10);

/// How long a page that was loaded in the middle of a finish waits for the callback to arrive at the Worker, if it was sent.
const ARRIVING_SECONDS: u32 = 3;

/// How long it waits for the exchange: longer than the Worker's own deadlines together.
const EXCHANGING_SECONDS: u32 = 30;

/// A callback that this page finishes or has finished.
#[derive(Debug)]
struct Known {
    /// The callback in its normal form; `None` if it was lost and the Worker is asked about it.
    callback: Option<String>,
    promise: Promise,
    /// When it ended.
    ended_at: Option<UnixMillis>,
}

/// A callback that the Worker may not have got, or wants to have again. The address has lost it.
#[derive(Debug)]
struct Failed {
    callback: String,
    unfinished: Unfinished,
}

thread_local! {
    static KNOWN: RefCell<Vec<Known>> = const { RefCell::new(Vec::new()) };

    static FAILED: RefCell<Option<Failed>> = const { RefCell::new(None) };
}

/// What the options of a call say: where the Worker is, and for whom it is called.
#[derive(Debug)]
struct At {
    edge: Option<String>,
    caller: Caller,
}

impl At {
    /// The Worker at the place that was given, or else at `edge`.
    fn client(&self, edge: Option<&str>) -> Result<Client> {
        Client::new(self.edge.as_deref().or(edge), self.caller.clone())
    }
}

/// What a call of `finish` comes to.
#[derive(Debug)]
enum Asked {
    /// A callback whose outcome this page knows or will know.
    Again(Promise),
    /// Something to be sent.
    Anew(Finish),
}

/// What is to be sent to the Worker.
#[derive(Debug)]
pub(super) struct Finish {
    /// The callback with our state, as it stood in the address; `None` if it was lost.
    callback: Option<String>,
    client: Client,
    window: Window,
    unfinished: Unfinished,
}

/// The promise of what the callback in `url`, or else in the page's address, comes to.
pub(super) fn finish(url: &JsValue, options: &JsValue, promise: impl FnOnce(Result<Finish>) -> Promise) -> Promise {
    match Finish::ask(url, options) {
        Ok(Asked::Again(known)) => known,
        Ok(Asked::Anew(finish)) => {
            let callback = finish.normal_form();
            let promise = promise(Ok(finish));
            let known = Known {
                callback,
                promise: promise.clone(),
                ended_at: None,
            };
            KNOWN.with_borrow_mut(|all| all.push(known));
            promise
        }
        Err(error) => promise(Err(error)),
    }
}

/// What came of an attempt; `undefined` while the Worker has no outcome.
pub(super) async fn attempt_outcome(client: Client, fingerprint: StateFingerprint) -> Result<JsValue> {
    let path = path::attempt(&fingerprint);
    let (status, answer) = attempt_status(&client, &path).await?;
    match status {
        Some(AttemptStatus::Finished) => finished(&client, &path, &answer),
        _ => Ok(JsValue::UNDEFINED),
    }
}

async fn attempt_status(client: &Client, path: &str) -> Result<(Option<AttemptStatus>, JsValue)> {
    let answer = client.get(path, Answer::Attempt).await?;
    let status = json::text(&answer, STATUS_NAME).and_then(|name| AttemptStatus::from_name(&name));
    Ok((status, answer))
}

fn finished(client: &Client, path: &str, answer: &JsValue) -> Result<JsValue> {
    let outcome = json::get(answer, OUTCOME);
    if outcome.is_undefined() {
        return Err(client.unexpected(path));
    }
    Ok(outcome)
}

/// Whether this page, or the one before the reload, is in the middle of a finish.
pub(super) fn is_unfinished() -> bool {
    web_sys::window().is_some_and(|window| Unfinished::find(&window, page::now()).is_some())
}

impl Finish {
    /// Everything up to the call of the Worker, in one go: no other script of the page runs in between, and none finds the
    /// code in the address afterwards.
    fn ask(url: &JsValue, options: &JsValue) -> Result<Asked> {
        let window = page::window("finish")?;
        let href = page::href(&window)?;
        let url = url_argument(url)?.unwrap_or_else(|| href.clone());
        let search = query_of(&url);
        let callback = split(search).callback;
        let is_ours = has_our_state(search);
        if is_ours {
            page::take_out(&callback);
        }
        let options = Options::read(options, "finish", &[&CALL_OPTIONS])?;
        let at = At {
            edge: options.string("edge")?,
            caller: options.caller()?,
        };
        // A bad one is refused, also where another counts.
        at.client(None)?;
        if is_ours {
            return Self::with_callback(window, callback, &at);
        }
        match (url == href).then(|| Self::without_callback(&window, at)).flatten() {
            Some(asked) => asked,
            None => Err(not_ours(&callback)),
        }
    }

    fn with_callback(window: Window, callback: String, at: &At) -> Result<Asked> {
        let normal_form = normal_form(&callback);
        if let Some(promise) = known(|known| known.callback.as_deref() == Some(&normal_form)) {
            return Ok(Asked::Again(promise));
        }
        let unverified = UnverifiedCallback::from_query(&callback)?;
        let fingerprint = unverified.state().ok_or(StateError::Missing)?.fingerprint();
        // Where this browser keeps no such attempt, the Worker that an app has by default decides, like any other.
        let client = at.client(edge_of(&window, &fingerprint).as_deref())?;
        let unfinished = Unfinished::new(fingerprint, client.base().to_owned(), page::now());
        unfinished.note(&window);
        Ok(Asked::Anew(Self {
            callback: Some(callback),
            client,
            window,
            unfinished,
        }))
    }

    /// What the page was at when its address lost the callback.
    fn without_callback(window: &Window, at: At) -> Option<Result<Asked>> {
        let now = page::now();
        if let Some(Failed { callback, unfinished }) = FAILED.take().filter(|failed| failed.unfinished.is_awaited(now))
        {
            let edge = at.edge.or(Some(unfinished.edge));
            return Some(Self::with_callback(window.clone(), callback, &At { edge, ..at }));
        }
        let is_recent = |known: &Known| known.ended_at.is_none_or(|at| now < at.after(RECENT) && at <= now);
        if let Some(promise) = known(is_recent) {
            return Some(Ok(Asked::Again(promise)));
        }
        let unfinished = Unfinished::find(window, now)?;
        Some(at.client(Some(&unfinished.edge)).map(|client| {
            Asked::Anew(Self {
                callback: None,
                client,
                window: window.clone(),
                unfinished,
            })
        }))
    }

    fn normal_form(&self) -> Option<String> {
        self.callback.as_deref().map(normal_form)
    }

    /// Sends it to the Worker, whatever Connect's answer was: the Worker keeps the attempt, and closes it.
    ///
    /// If it may not have arrived, or the Worker asks for it again, a further call sends it again: the Worker exchanges a code
    /// once, however often it is sent.
    pub(super) async fn run(self) -> Result<JsValue> {
        let outcome = match &self.callback {
            Some(callback) => self.send(callback).await,
            None => self.look().await,
        };
        let is_final = !outcome.as_ref().is_err_and(Error::is_retryable);
        // It may have arrived all the same. Firefox and WebKit also tell a page that is being left that its request has failed:
        // the page that comes then has to know.
        if is_final {
            self.unfinished.clear(&self.window);
            if let Ok(store) = AttemptStore::open(&self.window) {
                store.end(&self.unfinished.fingerprint);
            }
        }
        self.note_failure(is_final);
        let own = self.normal_form();
        KNOWN.with_borrow_mut(|all| {
            all.retain(|known| known.callback != own || is_final);
            for known in all.iter_mut().filter(|known| known.callback == own) {
                known.ended_at = Some(page::now());
            }
        });
        outcome
    }

    /// Keeps the callback for a further call, unless the outcome is final.
    fn note_failure(&self, is_final: bool) {
        let Some(callback) = self.callback.clone() else { return };
        FAILED.with_borrow_mut(|failed| {
            if !is_final {
                let unfinished = self.unfinished.clone();
                *failed = Some(Failed { callback, unfinished });
            } else if failed.as_ref().is_some_and(|failed| failed.callback == callback) {
                *failed = None;
            }
        });
    }

    async fn send(&self, callback: &str) -> Result<JsValue> {
        let request = FinishRequest {
            callback: callback.to_owned(),
        };
        self.client
            .post(path::CONNECT_FINISH, &request.fields(), Answer::Finish)
            .await
    }

    /// Asks the Worker what became of a callback that this page has lost.
    async fn look(&self) -> Result<JsValue> {
        let path = path::attempt(&self.unfinished.fingerprint);
        for second in 0..=EXCHANGING_SECONDS {
            let (status, answer) = attempt_status(&self.client, &path).await?;
            match status {
                Some(AttemptStatus::Finished) => return finished(&self.client, &path, &answer),
                Some(AttemptStatus::Pending) if second >= ARRIVING_SECONDS => break,
                _ => page::sleep(1_000).await,
            }
        }
        let message = "the page was left before the Worker had Connect's answer, which is lost: nothing was connected; start \
                       the connection again";
        Err(Error::new(ErrorCode::FinishInterrupted, message))
    }
}

/// The latest of those that this page knows.
fn known(is_wanted: impl Fn(&Known) -> bool) -> Option<Promise> {
    KNOWN.with_borrow(|all| {
        let found = all.iter().rev().find(|known| is_wanted(known))?;
        Some(found.promise.clone())
    })
}

/// The Worker that was told of the attempt, if this browser knows it.
fn edge_of(window: &Window, fingerprint: &StateFingerprint) -> Option<String> {
    let store = AttemptStore::open(window).ok()?;
    Some(store.find(fingerprint)?.edge)
}

/// Why parameters are no callback of ours. They stay where they are.
fn not_ours(callback: &str) -> Error {
    match UnverifiedCallback::from_query(callback) {
        Ok(unverified) if unverified.state().is_some() => StateError::Unknown.into(),
        Ok(_) => StateError::Missing.into(),
        Err(error) => error.into(),
    }
}
