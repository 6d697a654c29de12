//! The whole state of the simulator.

use std::{
    mem,
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use crate::{
    api,
    clock::Clock,
    config::Config,
    connect,
    endpoint::Endpoint,
    errors,
    fault::Faults,
    http::{Answer, Request},
    log::Record,
    state_file::StateFile,
    store::Store,
    token, v3,
};

/// Settings, clock, state, faults and recordings.
#[derive(Debug)]
pub(crate) struct World {
    initial: Config,
    pub(crate) config: Config,
    pub(crate) clock: Clock,
    pub(crate) store: Store,
    pub(crate) faults: Faults,
    pub(crate) records: Vec<Record>,
    /// Grows with every reset, so that an answer that is under way is not noted in the next world's records.
    pub(crate) generation: u64,
    file: Option<StateFile>,
}

impl World {
    /// A world in which nothing has happened.
    pub(crate) fn new(config: Config) -> Self {
        let mut world = Self {
            initial: config.clone(),
            config,
            clock: Clock::default(),
            store: Store::default(),
            faults: Faults::default(),
            records: Vec::new(),
            generation: 0,
            file: None,
        };
        world.note_configured_secrets();
        world
    }

    /// Back to the state after a first start.
    pub(crate) fn reset(&mut self) {
        let generation = self.generation.saturating_add(1);
        let file = self.file.take();
        *self = Self::new(self.initial.clone());
        self.generation = generation;
        self.file = file;
    }

    /// Goes on with what a file holds, and keeps it there.
    pub(crate) fn keep_in(&mut self, file: StateFile, store: Store) {
        self.file = Some(file);
        self.store = store;
        self.note_configured_secrets();
    }

    /// Writes what has changed to the file, if there is one.
    ///
    /// # Errors
    /// One sentence for the user, when it cannot be written.
    pub(crate) fn save(&mut self) -> Result<(), String> {
        match &mut self.file {
            Some(file) => file.save(&self.store),
            None => Ok(()),
        }
    }

    /// Registers the secrets that the settings hold.
    pub(crate) fn note_configured_secrets(&mut self) {
        self.store.note_secret(&self.config.client_secret);
        for secret in &self.config.v3.client_secrets {
            self.store.note_secret(secret);
        }
        for vehicle in &self.config.vehicles {
            self.store.note_secret(&vehicle.vin);
        }
    }

    /// Answers a request. Without `commit` the answer is what it would have been and nothing changes.
    pub(crate) fn answer(&mut self, endpoint: Endpoint, request: &Request, commit: bool) -> Answer {
        let untouched = (!commit).then(|| self.store.clone());
        let now = self.clock.now();
        let Self { store, config, .. } = self;
        let answer = match endpoint {
            Endpoint::Exchange | Endpoint::Refresh | Endpoint::Token => token::answer(store, config, now, request),
            Endpoint::ApplicationToken => v3::token(store, &config.v3, now, request),
            endpoint if endpoint.is_v3() => v3::answer(api::Context { store, config, now }, request),
            Endpoint::Authorize | Endpoint::Reauthenticate | Endpoint::Connect => {
                connect::answer(store, config, now, request)
            }
            Endpoint::Other if request.path.starts_with("/v2.0/") => {
                api::answer(api::Context { store, config, now }, request)
            }
            Endpoint::Other if request.path == "/" => connect::index(config),
            Endpoint::Other => connect::not_found(),
            _ => api::answer(api::Context { store, config, now }, request),
        };
        if let Some(untouched) = untouched {
            let discarded = mem::replace(&mut self.store, untouched);
            self.store.adopt_secrets(&discarded);
        }
        answer
    }

    /// The documented error `name`, with the address for re-authentication when the path names a vehicle.
    pub(crate) fn api_error(&self, name: &str, request: &Request) -> Answer {
        if request.path.starts_with("/v3/") {
            return v3::api_error(&self.config, name, request);
        }
        let vehicle_id = request
            .path
            .strip_prefix("/v2.0/vehicles/")
            .and_then(|rest| rest.split('/').next());
        let url = vehicle_id.map(|id| api::reauthenticate_url(&self.config, request, id));
        errors::ApiError::find(name)
            .unwrap_or(errors::VALIDATION)
            .answer(None, url.as_deref())
    }
}

/// The world, shared by all connections.
#[derive(Clone, Debug)]
pub(crate) struct Shared(Arc<Mutex<World>>);

impl Shared {
    /// Shares a new world.
    pub(crate) fn new(config: Config) -> Self {
        Self(Arc::new(Mutex::new(World::new(config))))
    }

    /// Shares a world that goes on with what a file holds, if there is to be one.
    ///
    /// # Errors
    /// One sentence for the user, when the file cannot be read.
    pub(crate) fn open(config: Config, state: Option<&Path>) -> Result<Self, String> {
        let shared = Self::new(config);
        if let Some(path) = state {
            let (file, store) = StateFile::open(path)?;
            shared.lock().keep_in(file, store);
        }
        Ok(shared)
    }

    /// Exclusive access; never held while waiting for anything.
    pub(crate) fn lock(&self) -> MutexGuard<'_, World> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
