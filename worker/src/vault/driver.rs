//! From an event to its effects: an event is judged by what is stored, what it comes to is stored, and then what has to be done
//! is done, which is the next event.

use std::{collections::VecDeque, rc::Rc};

use futures_util::{FutureExt as _, future::join_all};
use smartcar_connect::{
    connect::{ConnectionId, UserId, VehicleId},
    edge::{Caller, Config, IssuedToken, Operation, VaultRequest, token_reply},
    principal::Principal,
    seal::KvName,
    time::Millis,
    token::{self, TokenRequest},
    vault::{
        Access, Closing, Profile, Record, VehicleReport,
        life::{Effect, Event, IndexChange, Next, RevokedBy, TokenReply, step},
        superseded_vehicles, vehicles_to_revoke,
    },
};
use worker::{Env, State};

use super::{
    error::{Refusal, VaultError},
    listing,
    publish::Publisher,
    storage::Storage,
};
use crate::{
    clock,
    kv_namespace::KvNamespace,
    single_flight::{Boarded, Flight, SingleFlight},
    smartcar,
    telemetry::{self, LogEvent},
    token_source::TokenSource,
    vault_client,
};

/// How old the list of a connection's vehicles may be when its owner looks at it.
const LIST_MAX_AGE: Millis = Millis::from_mins(5);

/// How long an owner who looks waits for Smartcar. What it says later is seen at the next look.
const LOOK_DEADLINE: Millis = Millis::from_secs(3);

/// How many vaults are told that something of their Smartcar user has changed: more than any user has.
const MOST_TOLD: u32 = 20;

/// How often a token is asked for, in case the flight that was joined was about something else.
const MAX_FLIGHTS: usize = 4;

/// What comes of a flight; `None` if nobody was to be replied to.
type Flown = Result<Option<TokenReply>, VaultError>;

/// What lives as long as the process. All of it can be had again from storage.
pub(super) struct Driver {
    pub(super) storage: Storage,
    pub(super) publisher: Publisher,
    pub(super) config: Rc<Config>,
    state: Rc<State>,
    /// What is under way for each connection. A request for a token waits for its reply meanwhile.
    flights: SingleFlight<ConnectionId, Flown>,
    /// The connections whose vehicles Smartcar is being asked for.
    lists: SingleFlight<ConnectionId, Result<(), VaultError>>,
}

impl Driver {
    pub(super) fn new(state: Rc<State>, env: Env, config: Rc<Config>, kv: KvNamespace) -> Self {
        Self {
            storage: Storage::new(Rc::clone(&state), Rc::clone(&config)),
            publisher: Publisher {
                env,
                config: Rc::clone(&config),
                kv,
            },
            config,
            state,
            flights: SingleFlight::default(),
            lists: SingleFlight::default(),
        }
    }

    /// Drives a future to its end, whether or not anybody waits for it.
    pub(super) fn in_background(&self, future: impl Future<Output = ()> + 'static) {
        self.state.wait_until(future);
    }

    /// Has the alarm looked at, if that is due. Nobody waits for it.
    pub(super) fn check_alarm(self: &Rc<Self>) {
        let driver = Rc::clone(self);
        self.in_background(async move {
            if let Err(error) = driver.storage.check_alarm().await {
                error.log();
            }
        });
    }

    /// Notes that the owner is here. `None` if the vault is empty.
    pub(super) async fn visit(&self, caller: &Caller) -> Result<Option<Profile>, VaultError> {
        let Some(profile) = self.storage.profile().await? else {
            return Ok(None);
        };
        if profile.principal != caller.principal {
            return Err(VaultError::WrongPrincipal);
        }
        // A call by service key knows nothing of the session.
        let noted = |profile: &Profile| {
            let session_ends_at = caller.session_ends_at.or(profile.session_ends_at);
            profile.with_visit(clock::now(), session_ends_at)
        };
        if noted(&profile).is_none() {
            return Ok(Some(profile));
        }
        let mut transaction = self.storage.begin().await;
        let Some(profile) = self.storage.profile().await? else {
            return Ok(None);
        };
        Ok(Some(match noted(&profile) {
            Some(noted) => {
                transaction.put_profile(&noted)?;
                transaction.commit().await?;
                noted
            }
            None => profile,
        }))
    }

    /// Whether the owner had everything deleted since. Who comes back after that has another external id.
    pub(super) async fn has_forgotten(&self, owner: &Profile) -> Result<bool, VaultError> {
        let profile = self.storage.profile().await?;
        Ok(profile.is_none_or(|profile| profile.is_forsaken() || profile.external_id != owner.external_id))
    }

    /// Lets `event` happen to a connection: what it comes to is stored, and what is to be done then is returned.
    pub(super) async fn apply(
        &self,
        principal: &Principal,
        id: &ConnectionId,
        event: Event,
    ) -> Result<Vec<Effect>, VaultError> {
        let mut transaction = self.storage.begin().await;
        let record = self.storage.record(principal, id).await?;
        let decided = step(id, record, clock::now(), event, &self.config.policy);
        let changed = match &decided.next {
            Next::Keep => return Ok(decided.effects),
            Next::Put(record) => {
                transaction.put_record(principal, id, record)?;
                Some(&**record)
            }
            Next::Remove => {
                transaction.delete_record(id);
                None
            }
        };
        if decided.index == IndexChange::Outdated {
            transaction.mark_index_dirty(principal, changed).await?;
        }
        transaction.commit().await?;
        Ok(decided.effects)
    }

    /// As `apply`, with what is to be done then done in the background.
    pub(super) async fn let_happen(
        self: &Rc<Self>,
        principal: &Principal,
        id: &ConnectionId,
        event: Event,
    ) -> Result<(), VaultError> {
        let effects = self.apply(principal, id, event).await?;
        self.run_effects(principal, id, effects).await.map(|_| ())
    }

    /// Carries effects out, and those that follow from them. Returns the reply to the request for a token.
    pub(super) async fn run_effects(
        self: &Rc<Self>,
        principal: &Principal,
        id: &ConnectionId,
        effects: Vec<Effect>,
    ) -> Flown {
        let mut effects = VecDeque::from(effects);
        let mut reply = None;
        while let Some(effect) = effects.pop_front() {
            match effect {
                Effect::Reply(given) => reply = Some(given),
                Effect::Refresh {
                    generation,
                    refresh_token,
                } => {
                    let started = clock::now();
                    let wanted = TokenRequest::RefreshToken { refresh_token };
                    let outcome =
                        smartcar::token(&self.publisher.env, self.config.access.owner_client(), &wanted).await;
                    let code = token::outcome_code(&outcome);
                    telemetry::record(&self.publisher.env, LogEvent::Refresh, code, started, None);
                    let event = Event::RefreshCompleted { generation, outcome };
                    effects.extend(self.apply(principal, id, event).await?);
                }
                // Nobody who waits for a token waits for these.
                Effect::ListVehicles => {
                    drop(self.listing(principal, id));
                }
                Effect::IdentifyUser => self.in_the_background_of(principal, id, Background::IdentifyUser),
                Effect::PutKv | Effect::DeleteKv => self.in_the_background_of(principal, id, Background::SyncKv),
                Effect::Revoke { by, vehicles } => {
                    self.revoke_uncovered(principal, id, &by, &vehicles).await?;
                    effects.extend(self.apply(principal, id, Event::SmartcarNotified).await?);
                }
                Effect::HandOver(handover) => {
                    let outcome = self.publisher.hand_over(handover).await;
                    effects.extend(self.apply(principal, id, Event::HandedOver { outcome }).await?);
                }
            }
        }
        Ok(reply)
    }

    /// Writes the copy of a connection that has just been stored, and the index, while nobody waits for it.
    pub(super) fn publish_in_background(self: &Rc<Self>, principal: &Principal, id: &ConnectionId) {
        self.in_the_background_of(principal, id, Background::SyncKv);
    }

    fn in_the_background_of(self: &Rc<Self>, principal: &Principal, id: &ConnectionId, work: Background) {
        let (driver, principal, id) = (Rc::clone(self), principal.clone(), id.clone());
        self.in_background(async move {
            let done = match work {
                Background::IdentifyUser => driver.identify_user(&principal, &id).await,
                Background::SyncKv => driver.sync_kv(&principal, &id).await,
            };
            if let Err(error) = done {
                error.log();
            }
        });
    }

    /// A token that may be used now: another one than that of generation `rejected`, if Smartcar refused that.
    pub(super) async fn token(
        self: &Rc<Self>,
        principal: &Principal,
        id: &ConnectionId,
        rejected: Option<u64>,
    ) -> Result<TokenReply, VaultError> {
        for _ in 0..MAX_FLIGHTS {
            let event = Event::TokenRequested { rejected };
            let (flight, joined) = match self.board(principal, id, event) {
                Boarded::Joined(flight) => (flight, true),
                Boarded::Started(flight) => (flight, false),
            };
            match flight.await? {
                Some(TokenReply::Token { generation, .. }) if joined && rejected == Some(generation) => {}
                Some(reply) => return Ok(reply),
                None => {}
            }
        }
        Err(VaultError::Storage)
    }

    /// The alarm is due for a connection. Whatever is under way does what is due.
    pub(super) async fn wake(self: &Rc<Self>, principal: &Principal, id: &ConnectionId) -> Result<(), VaultError> {
        let (Boarded::Joined(flight) | Boarded::Started(flight)) = self.board(principal, id, Event::AlarmFired);
        let flown = flight.await;
        self.storage.begin().await.note_alarm(principal, id).await?;
        flown.map(|_| ())
    }

    /// Lets `event` happen to a connection once nothing is under way for it, and waits for all that follows.
    pub(super) async fn let_happen_alone(
        self: &Rc<Self>,
        principal: &Principal,
        id: &ConnectionId,
        event: Event,
    ) -> Result<(), VaultError> {
        for _ in 0..MAX_FLIGHTS {
            match self.board(principal, id, event.clone()) {
                // What it ends with does not matter: it is stored.
                Boarded::Joined(flight) => drop(flight.await),
                Boarded::Started(flight) => return flight.await.map(|_| ()),
            }
        }
        Ok(())
    }

    fn board(self: &Rc<Self>, principal: &Principal, id: &ConnectionId, event: Event) -> Boarded<Flown> {
        let (driver, principal, own_id) = (Rc::clone(self), principal.clone(), id.clone());
        let boarded = self.flights.board(id, || async move {
            let effects = driver.apply(&principal, &own_id, event).await?;
            driver.run_effects(&principal, &own_id, effects).await
        });
        if let Boarded::Started(flight) = &boarded {
            self.see_to(flight);
        }
        boarded
    }

    /// A client that goes away must not stop what it started half-way.
    pub(super) fn see_to<T: Clone + 'static>(&self, flight: &Flight<T>) {
        self.in_background(flight.clone().map(|_| ()));
    }

    /// Brings the connection's record in KV, and the index, up to date. If this process dies, the alarm does it.
    ///
    /// Writes or deletes, whatever storage says *now*: a write that was decided on earlier may be out of date.
    pub(super) async fn sync_kv(self: &Rc<Self>, principal: &Principal, id: &ConnectionId) -> Result<(), VaultError> {
        self.reseal(principal).await?;
        let turn = self.storage.kv_turn().await;
        let Some(record) = self.storage.record(principal, id).await? else {
            return Ok(());
        };
        let event = self.publisher.record(&self.storage, principal, id, &record).await?;
        self.apply(principal, id, event).await?;
        drop(turn);
        self.sync_index(principal).await
    }

    /// Writes the index and the look-ups to KV, if they are out of date.
    pub(super) async fn sync_index(self: &Rc<Self>, principal: &Principal) -> Result<(), VaultError> {
        let index = self.storage.index_record(principal).await?;
        if !index.is_some_and(|index| index.is_due(clock::now())) {
            return Ok(());
        }
        self.supersede(principal).await?;
        self.reseal(principal).await?;
        let _turn = self.storage.kv_turn().await;
        self.publisher.index(&self.storage, principal).await
    }

    /// Seals every record in storage with the active key, and says how many do not open. Nothing is written to KV before this
    /// is done: by what the sweep finds there, it judges the whole vault.
    pub(super) async fn reseal(&self, principal: &Principal) -> Result<usize, VaultError> {
        if self.storage.count_retired().await? == 0 {
            return Ok(0);
        }
        let mut transaction = self.storage.begin().await;
        transaction.reseal(principal).await?;
        transaction.commit().await?;
        self.storage.count_retired().await
    }

    pub(super) const fn tokens<'a>(self: &'a Rc<Self>, principal: &'a Principal, id: &'a ConnectionId) -> Tokens<'a> {
        Tokens {
            driver: self,
            principal,
            id,
        }
    }

    /// Brings up to date what the owner of the connections looks at. What takes longer than a look goes on in the background.
    pub(super) async fn look(self: &Rc<Self>, principal: Option<&Principal>) -> Result<(), VaultError> {
        let Some(principal) = principal else { return Ok(()) };
        let mut lists = Vec::new();
        for (id, record) in self.storage.records(principal).await? {
            if record.live().is_none() {
                continue;
            }
            let max_age = LIST_MAX_AGE;
            let event = Event::ListRequested { max_age };
            self.let_happen(principal, &id, event).await?;
            lists.extend(self.lists.under_way(&id));
        }
        if !lists.is_empty() {
            let _ = clock::within(LOOK_DEADLINE, join_all(lists)).await;
        }
        Ok(())
    }

    /// The connections of the same Smartcar user as that of `id` are listed again. What takes longer goes on in the background.
    pub(super) async fn list_siblings(
        self: &Rc<Self>,
        principal: &Principal,
        id: &ConnectionId,
    ) -> Result<(), VaultError> {
        let records = self.storage.records(principal).await?;
        let user_of = |record: &Record| record.live().and_then(|live| live.user_id.known().cloned());
        let own = records.iter().find(|(known, _)| known == id);
        let Some(user_id) = own.and_then(|(_, record)| user_of(record)) else {
            return Ok(());
        };
        let mut lists = Vec::new();
        for (sibling, record) in &records {
            if sibling != id && user_of(record).as_ref() == Some(&user_id) {
                let event = Event::ListRequested { max_age: Millis::ZERO };
                self.let_happen(principal, sibling, event).await?;
                lists.extend(self.lists.under_way(sibling));
            }
        }
        if !lists.is_empty() {
            let _ = clock::within(LOOK_DEADLINE, join_all(lists)).await;
        }
        Ok(())
    }

    /// Something of a Smartcar user has changed: the connections of that user are looked after.
    pub(super) async fn user_changed(self: &Rc<Self>, user_id: &UserId) -> Result<(), VaultError> {
        let Some(profile) = self.storage.profile().await? else {
            return Ok(());
        };
        for (id, record) in self.storage.records(&profile.principal).await? {
            if record.live().and_then(|live| live.user_id.known()) == Some(user_id) {
                let event = Event::ListRequested { max_age: Millis::ZERO };
                self.let_happen(&profile.principal, &id, event).await?;
            }
        }
        Ok(())
    }

    /// A webhook says something of a vehicle. Returns whose it is; `None` if no connection here covers it.
    pub(super) async fn vehicle_reported(
        self: &Rc<Self>,
        report: &VehicleReport,
    ) -> Result<Option<Principal>, VaultError> {
        let Some(Profile { principal, .. }) = self.storage.profile().await? else {
            return Ok(None);
        };
        let mut is_here = false;
        for (id, record) in self.storage.records(&principal).await? {
            if report.is_about(&record) {
                is_here = true;
                for event in report.events() {
                    self.let_happen(&principal, &id, event).await?;
                }
            }
        }
        Ok(is_here.then_some(principal))
    }

    /// Tells the other vaults of a Smartcar user that vehicles of that user were disconnected: Smartcar ends every grant that
    /// covers them.
    async fn tell_others(&self, user_id: &UserId) {
        let own = self.storage.vault_id();
        for prefix in KvName::user_lookup_prefixes(&self.config.key_ring, user_id) {
            let Ok(page) = self.publisher.kv.list(&prefix, MOST_TOLD, None).await else {
                return worker::console_error!("the other vaults of a user could not be listed");
            };
            for listed in page.names {
                let Some(vault) = listed
                    .metadata
                    .map(|metadata| metadata.vault)
                    .filter(|vault| *vault != own)
                else {
                    continue;
                };
                let request = VaultRequest {
                    caller: None,
                    operation: Operation::UserChanged(user_id.clone()),
                };
                if vault_client::ask_by_id(&self.publisher.env, &vault, &request)
                    .await
                    .is_err()
                {
                    worker::console_error!("another vault of a user could not be told of a disconnection");
                }
            }
        }
    }

    /// Asks Smartcar which vehicles a connection covers, unless it is being asked.
    pub(super) async fn list_vehicles(
        self: &Rc<Self>,
        principal: &Principal,
        id: &ConnectionId,
    ) -> Result<(), VaultError> {
        self.listing(principal, id).await
    }

    /// Asks Smartcar which vehicles a connection covers: an answer that was on its way before does not count.
    pub(super) async fn list_vehicles_anew(
        self: &Rc<Self>,
        principal: &Principal,
        id: &ConnectionId,
    ) -> Result<(), VaultError> {
        for _ in 0..MAX_FLIGHTS {
            match self.board_listing(principal, id) {
                Boarded::Joined(flight) => drop(flight.await),
                Boarded::Started(flight) => return flight.await,
            }
        }
        Ok(())
    }

    fn listing(self: &Rc<Self>, principal: &Principal, id: &ConnectionId) -> Flight<Result<(), VaultError>> {
        match self.board_listing(principal, id) {
            Boarded::Joined(flight) | Boarded::Started(flight) => flight,
        }
    }

    fn board_listing(self: &Rc<Self>, principal: &Principal, id: &ConnectionId) -> Boarded<Result<(), VaultError>> {
        let boarded = self.lists.board(id, || {
            let (driver, principal, id) = (Rc::clone(self), principal.clone(), id.clone());
            async move {
                let listed = driver.list_vehicles_once(&principal, &id).await;
                if let Err(error) = &listed {
                    error.log();
                }
                listed
            }
        });
        if let Boarded::Started(flight) = &boarded {
            self.see_to(flight);
        }
        boarded
    }

    async fn list_vehicles_once(self: &Rc<Self>, principal: &Principal, id: &ConnectionId) -> Result<(), VaultError> {
        let record = self.storage.record(principal, id).await?;
        let Some(live) = record.as_ref().and_then(Record::live) else {
            return Ok(());
        };
        let asked_by = live.asked_by();
        let mut effects = Vec::new();
        match &live.access {
            Access::Application { mode, .. } => {
                let Some(profile) = self.storage.profile().await? else {
                    return Ok(());
                };
                let listed = listing::list(&self.publisher.env, &self.config, &profile, live, *mode).await;
                for event in listing::events(asked_by, listed) {
                    effects.extend(self.apply(principal, id, event).await?);
                }
            }
            Access::Owner(_) => {
                let tokens = self.tokens(principal, id);
                let vehicles = smartcar::vehicles(&tokens, &self.config.origins.api).await;
                let event = Event::VehiclesListed { asked_by, vehicles };
                effects = self.apply(principal, id, event).await?;
            }
        }
        // If the process dies here, the index does it: it is out of date since the list was stored.
        self.supersede(principal).await?;
        self.run_effects(principal, id, effects).await.map(|_| ())
    }

    /// Asks Smartcar for the id of the owner of a connection.
    pub(super) async fn identify_user(
        self: &Rc<Self>,
        principal: &Principal,
        id: &ConnectionId,
    ) -> Result<(), VaultError> {
        let tokens = self.tokens(principal, id);
        let user_id = smartcar::user(&tokens, &self.config.origins.api).await;
        self.apply(principal, id, Event::UserIdentified { user_id }).await?;
        self.sync_index(principal).await
    }

    /// Connections give up the vehicles that a newer one covers: a car connected again replaces its former connection,
    /// whichever of the two was listed last.
    pub(super) async fn supersede(self: &Rc<Self>, principal: &Principal) -> Result<(), VaultError> {
        for (id, vehicles) in superseded_vehicles(&self.storage.records(principal).await?) {
            self.apply(principal, &id, Event::Superseded { vehicles }).await?;
            self.in_the_background_of(principal, &id, Background::SyncKv);
        }
        Ok(())
    }

    /// Tells Smartcar that the vehicles of a connection are disconnected, but for those that another one covers.
    pub(super) async fn revoke_uncovered(
        self: &Rc<Self>,
        principal: &Principal,
        id: &ConnectionId,
        by: &RevokedBy,
        vehicles: &[VehicleId],
    ) -> Result<(), VaultError> {
        let Some(profile) = self.storage.profile().await? else {
            return Ok(());
        };
        let uncovered = if profile.closing {
            vehicles.to_vec()
        } else {
            vehicles_to_revoke(&self.storage.records(principal).await?, id, vehicles)
        };
        if uncovered.is_empty() {
            telemetry::record(&self.publisher.env, LogEvent::Disconnect, "kept", clock::now(), None);
            return Ok(());
        }
        self.publisher.revoke(by, &profile.external_id, &uncovered).await;
        if let Some(Record::Closing(Closing { live: Some(live), .. })) = self.storage.record(principal, id).await?
            && let Some(user_id) = live.user_id.into_known()
        {
            let driver = Rc::clone(self);
            self.in_background(async move { driver.tell_others(&user_id).await });
        }
        Ok(())
    }
}

/// What is done for a connection while nobody waits for it.
#[derive(Clone, Copy)]
enum Background {
    IdentifyUser,
    SyncKv,
}

/// The tokens of a connection, for calls of the vault's own.
pub(super) struct Tokens<'a> {
    driver: &'a Rc<Driver>,
    principal: &'a Principal,
    id: &'a ConnectionId,
}

impl Tokens<'_> {
    async fn token(&self, rejected: Option<u64>) -> Result<IssuedToken, Refusal> {
        let reply = self.driver.token(self.principal, self.id, rejected).await?;
        Ok(token_reply(self.id, reply, rejected)?)
    }
}

impl TokenSource for Tokens<'_> {
    type Token = IssuedToken;
    type Error = Refusal;

    async fn current(&self) -> Result<IssuedToken, Refusal> {
        // The stored one where it is fresh: whoever waits for a flight of this connection may be what this is for.
        if let Some(Record::Live(live)) = self.driver.storage.record(self.principal, self.id).await?
            && let Some(tokens) = live.owner_tokens()
            && token::is_fresh(tokens.pair.access_expires_at, clock::now())
        {
            return Ok(IssuedToken {
                connection_id: self.id.clone(),
                access_token: tokens.pair.access_token.clone(),
                expires_at: tokens.pair.access_expires_at,
                generation: tokens.generation,
                is_marked: false,
            });
        }
        self.token(None).await
    }

    async fn newer(&self, refused: &IssuedToken) -> Result<IssuedToken, Refusal> {
        self.token(Some(refused.generation)).await
    }
}
