//! Asking for the application's own token (v3).

use std::cell::RefCell;

use smartcar_connect::{
    edge::{ApplicationReply, ApplicationRequest, Problem, not_asked},
    time::{Millis, UnixMillis},
    token::{self, AccessToken},
};
use wasm_bindgen::{JsValue, prelude::wasm_bindgen};
use worker::Env;
use zeroize::Zeroizing;

use crate::{clock, settings, token_source::TokenSource, vault_client};

/// The name of the one Durable Object that keeps it.
const NAME: &str = "application";

/// How long it is waited for: two requests to the token endpoint, and some more.
const LONGEST_ANSWER: Millis = Millis::from_secs(25);

#[wasm_bindgen(wasm_bindgen_futures = ::worker::wasm_bindgen_futures, js_sys = ::worker::js_sys)]
extern "C" {
    /// A stub of our own Durable Object.
    type ApplicationTokenStub;

    /// Calls the `ask` of `application_token::ApplicationToken`.
    #[wasm_bindgen(method, catch)]
    async fn ask(this: &ApplicationTokenStub, request: &str) -> Result<JsValue, JsValue>;
}

/// A token that may be used now.
#[derive(Clone, Debug)]
pub(crate) struct Application {
    pub(crate) access_token: AccessToken,
    generation: u64,
    expires_at: UnixMillis,
}

thread_local! {
    /// The newest token of this isolate: the object that keeps it may be on another continent.
    static NEWEST: RefCell<Option<Application>> = const { RefCell::new(None) };
}

/// The tokens of the application, one after the other.
pub(crate) struct ApplicationTokens<'a> {
    pub(crate) env: &'a Env,
}

impl TokenSource for ApplicationTokens<'_> {
    type Token = Application;
    type Error = Problem;

    async fn current(&self) -> Result<Application, Problem> {
        token(self.env, None).await
    }

    async fn newer(&self, refused: &Application) -> Result<Application, Problem> {
        token(self.env, Some(refused)).await
    }
}

/// A token that may be used now: another one than `refused`, if Smartcar does not accept that.
///
/// # Errors
/// The [`Problem`] to answer with, if there is none.
async fn token(env: &Env, refused: Option<&Application>) -> Result<Application, Problem> {
    let rejected = refused.map(|refused| refused.generation);
    let newest = NEWEST.with(|newest| newest.borrow().clone());
    let kept = newest.filter(|kept| token::is_fresh(kept.expires_at, clock::now()));
    if let Some(kept) = kept.filter(|kept| rejected.is_none_or(|rejected| kept.generation > rejected)) {
        return Ok(kept);
    }
    let asked = clock::within(LONGEST_ANSWER, ask(env, ApplicationRequest { rejected })).await;
    match asked.flatten() {
        Some(ApplicationReply::Token {
            access_token,
            expires_at,
            generation,
        }) if rejected != Some(generation) => {
            let token = Application {
                access_token,
                generation,
                expires_at,
            };
            NEWEST.with(|newest| newest.replace(Some(token.clone())));
            Ok(token)
        }
        Some(ApplicationReply::Unavailable(why)) => Err(not_asked(Some(why))),
        Some(ApplicationReply::Token { .. } | ApplicationReply::Rejected { .. }) => Err(not_asked(None)),
        Some(ApplicationReply::Failed) | None => Err(vault_client::unavailable()),
    }
}

async fn ask(env: &Env, request: ApplicationRequest) -> Option<ApplicationReply> {
    let namespace = env.durable_object(settings::APPLICATION_TOKEN).ok()?;
    let stub = namespace.get_by_name(NAME).ok()?.into_rpc::<ApplicationTokenStub>();
    let request = serde_json::to_string(&request).ok()?;
    let reply = Zeroizing::new(stub.ask(&request).await.ok()?.as_string()?);
    serde_json::from_str(&reply).ok()
}
