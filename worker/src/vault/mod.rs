//! The Durable Object `Vault`: one for each principal, and the only writer of the principal's records.
//!
//! It decides nothing. Each operation loads a record, lets `smartcar_connect::vault` decide, stores the result and then
//! carries out the effects. Whatever has to outlive the process is in storage, and the alarm takes up what a process that
//! died has left.

mod alarm;
mod attempt;
mod claim;
mod confirm;
mod connect;
mod disconnect;
mod driver;
mod error;
mod handover;
mod import;
mod listing;
mod migrate;
mod publish;
mod reconnect;
mod reseal;
mod sessions;
mod settle;
mod show;
mod storage;

use std::{fmt, rc::Rc};

use smartcar_connect::{
    edge::{Misconfiguration, Operation, Problem, VaultReply, VaultRequest, token_reply},
    http_api::ProblemCode,
    vault::{Profile, life::Event},
};
use wasm_bindgen::{JsValue, prelude::wasm_bindgen};
use worker::{DurableObject, Env, Request, Response, State, durable_object};
use zeroize::Zeroizing;

use self::{
    connect::Finishes,
    driver::Driver,
    error::{Refusal, VaultError},
};
use crate::settings;

/// The Durable Object.
#[durable_object(alarm)]
pub struct Vault {
    state: Rc<State>,
    driver: Result<Rc<Driver>, Misconfiguration>,
    finishes: Finishes,
}

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Vault")
    }
}

impl DurableObject for Vault {
    fn new(state: State, env: Env) -> Self {
        let state = Rc::new(state);
        let driver = settings::read(&env).and_then(|config| {
            let kv = settings::tokens(&env)?;
            Ok(Rc::new(Driver::new(Rc::clone(&state), env, config, kv)))
        });
        Self {
            state,
            driver,
            finishes: Finishes::default(),
        }
    }

    /// Its methods are called instead: see `ask`.
    async fn fetch(&self, _request: Request) -> worker::Result<Response> {
        Response::error("a vault is asked, not fetched", 405)
    }

    /// Fails only if no alarm can be set: the platform, which rings again then, gives that up after six failures.
    async fn alarm(&self) -> worker::Result<Response> {
        match &self.driver {
            Ok(driver) => alarm::on_alarm(driver).await?,
            Err(misconfiguration) => {
                // Only an operator can mend that.
                worker::console_error!("{misconfiguration}");
                let pause = storage::SEALED_TRIED_AFTER.as_millis();
                let pause = i64::try_from(pause).unwrap_or(i64::MAX);
                self.state.storage().set_alarm(pause).await?;
            }
        }
        Response::empty()
    }
}

#[wasm_bindgen(wasm_bindgen_futures = ::worker::wasm_bindgen_futures, js_sys = ::worker::js_sys)]
impl Vault {
    /// Answers a `VaultRequest` with a `VaultReply`, both as JSON.
    ///
    /// A method and not `fetch`: a call costs much less than a request and a response, whose bodies are streams.
    pub async fn ask(&self, request: String) -> Result<String, JsValue> {
        let request = Zeroizing::new(request);
        let reply = match serde_json::from_str::<VaultRequest>(&request) {
            Ok(request) => self.answer(request).await,
            Err(_) => VaultReply::Problem(Problem::new(ProblemCode::InvalidBody, "not a vault request")),
        };
        serde_json::to_string(&reply).map_err(|error| JsValue::from_str(&error.to_string()))
    }
}

impl Vault {
    async fn answer(&self, request: VaultRequest) -> VaultReply {
        let driver = match &self.driver {
            Ok(driver) => driver,
            Err(misconfiguration) => {
                worker::console_error!("{misconfiguration}");
                let problem = Problem::new(ProblemCode::Misconfigured, misconfiguration.to_string());
                return VaultReply::Problem(problem);
            }
        };
        match carry_out(driver, &self.finishes, request).await {
            Ok(reply) => reply,
            Err(Refusal::Refused(problem)) => VaultReply::Problem(problem),
            Err(Refusal::Failed(error)) => {
                error.log();
                VaultReply::Problem(error.into())
            }
        }
    }
}

async fn carry_out(driver: &Rc<Driver>, finishes: &Finishes, request: VaultRequest) -> Result<VaultReply, Refusal> {
    let storage = &driver.storage;
    driver.check_alarm();
    let Some(caller) = request.caller else {
        return match request.operation {
            Operation::Reseal => Ok(reseal::reseal(driver).await?),
            Operation::UserChanged(user_id) => {
                driver.user_changed(&user_id).await?;
                Ok(VaultReply::Done)
            }
            Operation::VehicleReported(report) => Ok(match driver.vehicle_reported(&report).await? {
                Some(principal) => VaultReply::Owner(principal),
                None => VaultReply::Done,
            }),
            Operation::MustAct(statuses) => Ok(show::must_act(storage, &statuses).await?),
            Operation::ShowMigration(name) => migrate::migrate(driver, &name, false).await,
            Operation::Migrate(name) => migrate::migrate(driver, &name, true).await,
            _ => Err(VaultError::WrongPrincipal.into()),
        };
    };
    // The session that is claimed ends with that: whoever claims it again shows one that has ended.
    if let Operation::Claim(by) = request.operation {
        return claim::begin(driver, &caller, by).await;
    }
    sessions::admit(driver, &caller).await?;
    match request.operation {
        Operation::OpenSession {
            ticket,
            session,
            replaced,
        } => sessions::open(driver, caller, ticket, session, replaced.as_ref()).await,
        Operation::EndSession { everywhere } => sessions::end(driver, &caller, everywhere).await,
        Operation::Start {
            fingerprint,
            redirect_uri,
            asked,
        } => connect::start(driver, caller, fingerprint, redirect_uri, asked).await,
        Operation::Finish(callback) => connect::finish(driver, finishes, &caller, callback).await,
        Operation::Attempt(fingerprint) => connect::attempt(driver, &caller, &fingerprint).await,
        Operation::Connections(only) => {
            let profile = driver.visit(&caller).await?;
            let principal = principal_of(profile.as_ref());
            driver.look(principal).await?;
            show::show(storage, principal, only.as_ref()).await
        }
        Operation::Vehicles => {
            let profile = driver.visit(&caller).await?;
            let principal = principal_of(profile.as_ref());
            driver.look(principal).await?;
            Ok(show::vehicles(storage, principal).await?)
        }
        Operation::Described(described) => {
            let profile = known(driver.visit(&caller).await?)?;
            for vehicle in described {
                let vehicles = vec![(vehicle.vehicle_id, vehicle.description)];
                let event = Event::VehiclesDescribed { vehicles };
                driver
                    .let_happen(&profile.principal, &vehicle.connection_id, event)
                    .await?;
            }
            // A vehicle that Smartcar does not know any more is not in this answer.
            driver.look(Some(&profile.principal)).await?;
            Ok(show::vehicles(storage, Some(&profile.principal)).await?)
        }
        Operation::Access(vehicle) => {
            let profile = known(driver.visit(&caller).await?)?;
            let access = show::access(storage, &profile.principal, &vehicle).await?;
            Ok(VaultReply::Access(access))
        }
        Operation::Found {
            connection_id,
            vehicle_id,
            reports,
        } => {
            let profile = known(driver.visit(&caller).await?)?;
            for report in reports {
                let vehicle_id = vehicle_id.clone();
                let event = Event::Reported { vehicle_id, report };
                driver.let_happen(&profile.principal, &connection_id, event).await?;
            }
            Ok(VaultReply::Done)
        }
        Operation::Token { select, rejected } => {
            let profile = known(driver.visit(&caller).await?)?;
            let id = show::select(storage, &profile.principal, select).await?;
            let reply = driver.token(&profile.principal, &id, rejected).await?;
            Ok(VaultReply::Token(token_reply(&id, reply, rejected)?))
        }
        Operation::Import(import) => import::import(driver, caller, import).await,
        Operation::Reconnect {
            id,
            fingerprint,
            redirect_uri,
            asked,
        } => reconnect::begin(driver, &caller, id, fingerprint, redirect_uri, asked).await,
        Operation::Disconnect(id) => {
            let profile = known(driver.visit(&caller).await?)?;
            if disconnect::close(driver, &profile.principal, &id).await? {
                Ok(VaultReply::Done)
            } else {
                Err(Problem::connection_not_found().into())
            }
        }
        Operation::DisconnectAll => {
            if let Some(profile) = driver.visit(&caller).await? {
                disconnect::delete_principal(driver, profile).await?;
            }
            Ok(VaultReply::Done)
        }
        Operation::Welcome => claim::welcome(driver, caller).await,
        Operation::Receive(handover) => claim::take(driver, &caller.principal, *handover).await,
        Operation::TakeAttempts(attempts) => claim::take_attempts(driver, caller, attempts).await,
        Operation::Claim(_)
        | Operation::Reseal
        | Operation::UserChanged(_)
        | Operation::VehicleReported(_)
        | Operation::MustAct(_)
        | Operation::ShowMigration(_)
        | Operation::Migrate(_) => Err(VaultError::WrongPrincipal.into()),
    }
}

fn principal_of(profile: Option<&Profile>) -> Option<&smartcar_connect::principal::Principal> {
    profile.map(|profile| &profile.principal)
}

/// An empty vault has no connection.
fn known(profile: Option<Profile>) -> Result<Profile, Refusal> {
    profile.ok_or_else(|| Problem::connection_not_found().into())
}
