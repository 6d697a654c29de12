//! The Durable Object `ApplicationToken`: one for the deployment, and the only one that asks for the application's own token
//! (v3), which opens the cars of every owner.
//!
//! It decides nothing: `smartcar_connect::token::cycle` does. A token that is lost, or sealed with a key that is gone, is asked
//! for again, so nothing of it has to be sealed anew after a change of key.

use std::{cell::RefCell, fmt, rc::Rc};

use futures_util::FutureExt as _;
use smartcar_connect::{
    edge::{ApplicationReply, ApplicationRequest, Config, Misconfiguration},
    seal::{RecordBinding, SealedRecord},
    token::{
        self, ApplicationClient,
        cycle::{ApplicationTokens, Decision, TokenCycle as _, Verdict},
    },
};
use wasm_bindgen::{JsValue, prelude::wasm_bindgen};
use worker::{DurableObject, Env, Request, Response, State, durable_object};
use zeroize::Zeroizing;

use crate::{
    clock, random, settings,
    single_flight::{Boarded, SingleFlight},
    smartcar,
    telemetry::{self, LogEvent},
};

/// The key in storage.
const TOKEN: &str = "token";

/// How often a token is asked for, in case the flight that was joined was about something else.
const MAX_FLIGHTS: usize = 4;

/// The Durable Object.
#[durable_object]
pub struct ApplicationToken {
    keeper: Result<Rc<Keeper>, Misconfiguration>,
}

impl fmt::Debug for ApplicationToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ApplicationToken")
    }
}

impl DurableObject for ApplicationToken {
    fn new(state: State, env: Env) -> Self {
        let keeper = settings::read(&env).map(|config| {
            Rc::new(Keeper {
                state,
                env,
                config,
                tokens: RefCell::default(),
                flights: SingleFlight::default(),
            })
        });
        Self { keeper }
    }

    /// Its method is called instead: see `ask`.
    async fn fetch(&self, _request: Request) -> worker::Result<Response> {
        Response::error("the application's token is asked for, not fetched", 405)
    }
}

#[wasm_bindgen(wasm_bindgen_futures = ::worker::wasm_bindgen_futures, js_sys = ::worker::js_sys)]
impl ApplicationToken {
    /// Answers an `ApplicationRequest` with an `ApplicationReply`, both as JSON.
    pub async fn ask(&self, request: String) -> Result<String, JsValue> {
        let reply = match (&self.keeper, serde_json::from_str::<ApplicationRequest>(&request)) {
            (Ok(keeper), Ok(request)) => keeper.token(request.rejected).await,
            (Err(misconfiguration), _) => {
                worker::console_error!("{misconfiguration}");
                ApplicationReply::Failed
            }
            (_, Err(_)) => ApplicationReply::Failed,
        };
        serde_json::to_string(&reply).map_err(|error| JsValue::from_str(&error.to_string()))
    }
}

/// What keeps the token, and lives as long as the process.
struct Keeper {
    state: State,
    env: Env,
    config: Rc<Config>,
    /// As it was last read or written; this object is its only writer.
    tokens: RefCell<Option<ApplicationTokens>>,
    /// What is under way. All who want a token meanwhile wait for its answer.
    flights: SingleFlight<(), ApplicationReply>,
}

impl Keeper {
    async fn token(self: &Rc<Self>, rejected: Option<u64>) -> ApplicationReply {
        for _ in 0..MAX_FLIGHTS {
            let keeper = Rc::clone(self);
            let boarded = self
                .flights
                .board(&(), || async move { keeper.token_once(rejected).await });
            let (flight, joined) = match boarded {
                Boarded::Joined(flight) => (flight, true),
                Boarded::Started(flight) => {
                    // A caller that goes away must not stop what others wait for.
                    self.state.wait_until(flight.clone().map(|_| ()));
                    (flight, false)
                }
            };
            match flight.await {
                ApplicationReply::Token { generation, .. } if joined && rejected == Some(generation) => {}
                reply => return reply,
            }
        }
        ApplicationReply::Failed
    }

    async fn token_once(&self, rejected: Option<u64>) -> ApplicationReply {
        let Some(client) = self.config.access.application_client() else {
            return ApplicationReply::Failed;
        };
        let object_id = self.state.id().to_string();
        let binding = &RecordBinding::application_token(&object_id, client.id().as_str());
        let now = clock::now();
        let tokens = self.kept(binding).await;
        let tokens = tokens.clamped(now).unwrap_or(tokens);
        let policy = &self.config.policy;
        let mut verdict = tokens.want(rejected, now, policy);
        let mut tokens = tokens;
        loop {
            let Verdict { next, decision } = verdict;
            if let Some(next) = next {
                if !self.keep(&next, decision, binding).await {
                    return ApplicationReply::Failed;
                }
                tokens = next;
            }
            if let Some(reply) = ApplicationReply::of(&tokens, decision) {
                return reply;
            }
            let outcome = self.request(client).await;
            verdict = tokens.ended(tokens.generation(), outcome, clock::now(), policy);
        }
    }

    async fn request(&self, client: &ApplicationClient) -> token::TokenResult {
        let started = clock::now();
        let outcome = smartcar::token_at(&self.env, &client.request()).await;
        let code = token::outcome_code(&outcome);
        telemetry::record(&self.env, LogEvent::ApplicationToken, code, started, None);
        outcome
    }

    /// What is kept. What does not open is as good as nothing: another token is asked for.
    async fn kept(&self, binding: &RecordBinding) -> ApplicationTokens {
        let known = self.tokens.borrow().clone();
        if let Some(known) = known {
            return known;
        }
        let stored: Option<String> = self.state.storage().get(TOKEN).await.unwrap_or_default();
        stored
            .and_then(|text| self.open(&text, binding))
            .unwrap_or_else(|| ApplicationTokens::none(clock::now()))
    }

    fn open(&self, text: &str, binding: &RecordBinding) -> Option<ApplicationTokens> {
        let opened = SealedRecord::from_text(text).and_then(|sealed| sealed.open(&self.config.key_ring, binding));
        match opened {
            Ok(json) => serde_json::from_slice(&json).ok(),
            Err(error) => {
                worker::console_error!("the application's token does not open: {error}");
                None
            }
        }
    }

    /// Stores what the token is now; whether that went well. A token that came and can't be stored is used all the same: nothing
    /// is lost with it, and it can be had again.
    async fn keep(&self, tokens: &ApplicationTokens, decision: Decision, binding: &RecordBinding) -> bool {
        let is_stored = self.store(tokens, binding).await.is_some();
        if is_stored || decision == Decision::Renewed {
            self.tokens.replace(Some(tokens.clone()));
        }
        is_stored || decision == Decision::Renewed
    }

    async fn store(&self, tokens: &ApplicationTokens, binding: &RecordBinding) -> Option<()> {
        let json = Zeroizing::new(serde_json::to_vec(tokens).ok()?);
        let (ring, nonce) = (&self.config.key_ring, random::bytes().ok()?);
        let sealed = SealedRecord::seal(ring, binding, tokens.generation, nonce, &json).ok()?;
        self.state.storage().put(TOKEN, sealed.to_text()).await.ok()
    }
}
