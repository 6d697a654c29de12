//! Moving the connections of this vault between Smartcar's v2 and its v3, one after the other.

use std::rc::Rc;

use smartcar_connect::{
    api::ConnectionFilter,
    connect::ConnectionId,
    edge::{Problem, VaultReply},
    http_api::migration::{MigratedConnection, MigrationMode, MigrationReason},
    principal::Principal,
    seal::KvName,
    time::Millis,
    vault::{
        Ended, Evidence, Finding, Listing, Live, Profile, Progress, Record, asked_about, judge, judge_ended,
        life::{Event, Migration},
        next_question, progress,
    },
};

use super::{
    driver::Driver,
    error::{Refusal, VaultError},
};
use crate::{
    clock,
    smartcar::{self, NoList},
    telemetry::{self, LogEvent},
};

/// How many questions about one connection Smartcar is asked at most.
const MOST_QUESTIONS: usize = 40;

/// Why no further connection is looked at.
enum Halt {
    /// Smartcar wants to be left alone.
    RateLimited(Millis),
    /// It does not go on here at all.
    Refused(Refusal),
}

impl From<VaultError> for Halt {
    fn from(error: VaultError) -> Self {
        Self::Refused(error.into())
    }
}

impl From<Problem> for Halt {
    fn from(problem: Problem) -> Self {
        Self::Refused(problem.into())
    }
}

/// How far the connections of this vault are, after what the operator wants was done about them if `carries_out` says so. A vault
/// answers for the name of its index alone: whoever goes through the names in KV meets it once.
pub(super) async fn migrate(driver: &Rc<Driver>, name: &str, carries_out: bool) -> Result<VaultReply, Refusal> {
    let storage = &driver.storage;
    let Some(profile) = storage.profile().await? else {
        return Ok(VaultReply::Done);
    };
    let principal = &profile.principal;
    let names = KvName::index(&driver.config.key_ring, principal);
    if names.iter().all(|own| own.as_str() != name) {
        return Ok(VaultReply::Done);
    }
    let mode = driver.config.migration;
    let (mut connections, mut retry_after) = (Vec::new(), None);
    for id in storage.connection_ids().await? {
        let far = match mode {
            Some(mode) if carries_out => carry_out(driver, &profile, &id, mode).await,
            _ => stored(driver, principal, &id).await.map_err(Halt::from),
        };
        match far {
            Ok(Some(far)) => connections.push(reported(principal, id, far)),
            Ok(None) => {}
            Err(Halt::RateLimited(wait)) => {
                retry_after = Some(wait);
                break;
            }
            Err(Halt::Refused(Refusal::Failed(error @ (VaultError::Sealed(_) | VaultError::Corrupt)))) => {
                error.log();
                connections.push(reported(principal, id, Progress::hindered(MigrationReason::Unreadable)));
            }
            Err(Halt::Refused(refusal)) => return Err(refusal),
        }
    }
    if carries_out && mode != Some(MigrationMode::DryRun) {
        // Whose owner must act has changed, perhaps.
        driver.sync_index(principal).await?;
    }
    Ok(VaultReply::Migrated {
        connections,
        retry_after,
    })
}

fn reported(principal: &Principal, id: ConnectionId, far: Progress) -> MigratedConnection {
    MigratedConnection {
        id,
        principal: principal.as_str().to_owned(),
        user: principal.user_id().map(str::to_owned),
        state: far.state,
        reason: far.reason,
        reversible_until: far.reversible_until,
    }
}

/// How far a connection is by what is stored.
async fn stored(driver: &Driver, principal: &Principal, id: &ConnectionId) -> Result<Option<Progress>, VaultError> {
    let record = driver.storage.record(principal, id).await?;
    Ok(record.and_then(|record| progress(&record, driver.config.migration, clock::now())))
}

async fn carry_out(
    driver: &Rc<Driver>,
    profile: &Profile,
    id: &ConnectionId,
    mode: MigrationMode,
) -> Result<Option<Progress>, Halt> {
    let principal = &profile.principal;
    let started = clock::now();
    let ended = match driver.storage.record(principal, id).await? {
        Some(Record::Ended(ended)) => Some(ended),
        _ => None,
    };
    let far = match mode {
        MigrationMode::DryRun | MigrationMode::Move if ended.is_some() => {
            go_on(driver, profile, id, ended, mode).await?
        }
        MigrationMode::DryRun => match live(driver, principal, id).await? {
            Some(live) if live.owner_tokens().is_some() => {
                let evidence = gather(driver, profile, &live).await?;
                Some(Progress::dry(&found(driver, &live, &evidence)))
            }
            _ => stored(driver, principal, id).await?,
        },
        MigrationMode::Move => {
            move_to_v3(driver, profile, id).await?;
            stored(driver, principal, id).await?
        }
        MigrationMode::Reverse | MigrationMode::Finish => {
            let migration = match mode {
                MigrationMode::Reverse => Migration::Reverse,
                _ => Migration::Finish,
            };
            let event = Event::Migrate(migration);
            driver.let_happen_alone(principal, id, event).await?;
            stored(driver, principal, id).await?
        }
        _ => stored(driver, principal, id).await?,
    };
    if let Some(far) = far {
        let outcome = far.state.as_str();
        telemetry::record(&driver.publisher.env, LogEvent::Migrate, outcome, started, None);
    }
    Ok(far)
}

/// Lets a connection whose grant is over go on in v3, if Smartcar's list has the owner's consent and this is no dry run.
async fn go_on(
    driver: &Rc<Driver>,
    profile: &Profile,
    id: &ConnectionId,
    ended: Option<Ended>,
    mode: MigrationMode,
) -> Result<Option<Progress>, Halt> {
    let principal = &profile.principal;
    if let Some(ended) = ended
        && let Some(live) = asked_about(&ended, clock::now())
    {
        let evidence = gather(driver, profile, &live).await?;
        let finding = judge_ended(&ended, &evidence, clock::now());
        if mode == MigrationMode::DryRun || finding == Finding::NotMoved(MigrationReason::ListUnavailable) {
            return Ok(Some(Progress::dry(&finding)));
        }
        let event = Event::Migrate(Migration::Move(evidence));
        driver.let_happen_alone(principal, id, event).await?;
    }
    Ok(stored(driver, principal, id).await?)
}

async fn live(driver: &Driver, principal: &Principal, id: &ConnectionId) -> Result<Option<Live>, VaultError> {
    Ok(match driver.storage.record(principal, id).await? {
        Some(Record::Live(live)) => Some(live),
        _ => None,
    })
}

/// Moves a connection if Smartcar's list confirms it. What v2 can still tell that the list is held against is asked for as well: who
/// the owner is, and where a vehicle is missing or the owner stays unknown, whether it is covered. That comes after the list: who
/// was in it alone before v2 honours the grant is the owner.
async fn move_to_v3(driver: &Rc<Driver>, profile: &Profile, id: &ConnectionId) -> Result<(), Halt> {
    let principal = &profile.principal;
    let Some(mut owned) = of_v2(driver, principal, id).await? else {
        return Ok(());
    };
    if owned.user_id.known().is_none() {
        driver.identify_user(principal, id).await?;
        match of_v2(driver, principal, id).await? {
            Some(identified) => owned = identified,
            None => return Ok(()),
        }
    }
    let mut evidence = gather(driver, profile, &owned).await?;
    if found(driver, &owned, &evidence).needs_v2() {
        evidence.v2_asked_since = Some(clock::now());
        driver.list_vehicles_anew(principal, id).await?;
        match of_v2(driver, principal, id).await? {
            // The list was asked about other vehicles: the next pass asks it about these.
            Some(covering) if !covering.covers_same(&owned) => evidence.listed = None,
            Some(_) => {}
            None => return Ok(()),
        }
    }
    let event = Event::Migrate(Migration::Move(evidence));
    Ok(driver.let_happen_alone(principal, id, event).await?)
}

async fn of_v2(driver: &Driver, principal: &Principal, id: &ConnectionId) -> Result<Option<Live>, VaultError> {
    let live = live(driver, principal, id).await?;
    Ok(live.filter(|live| live.owner_tokens().is_some()))
}

/// What a connection is held against, without asking v2.
async fn gather(driver: &Driver, profile: &Profile, live: &Live) -> Result<Evidence, Halt> {
    Ok(Evidence {
        listed: ask(driver, live).await?,
        external_id: live.external_id.as_ref().unwrap_or(&profile.external_id).clone(),
        v2_asked_since: None,
    })
}

fn found(driver: &Driver, live: &Live, evidence: &Evidence) -> Finding {
    judge(live, evidence, clock::now(), &driver.config.policy)
}

/// Asks Smartcar's list all that it takes; `None` if it does not say.
async fn ask(driver: &Driver, live: &Live) -> Result<Option<Vec<Listing>>, Halt> {
    let mut listed: Vec<Listing> = Vec::new();
    while let Some(question) = next_question(live, &listed) {
        if listed.len() >= MOST_QUESTIONS {
            return Ok(None);
        }
        let filter = ConnectionFilter {
            user_id: question.user_id.as_ref(),
            external_id: None,
            vehicle_id: question.vehicle_id.as_ref(),
            mode: question.mode,
        };
        let origin = &driver.config.origins.vehicle;
        match smartcar::connections(&driver.publisher.env, origin, &filter).await {
            Ok(connections) => listed.push(Listing { question, connections }),
            Err(NoList::Unavailable) => return Ok(None),
            Err(NoList::RateLimited(wait)) => return Err(Halt::RateLimited(wait)),
            Err(NoList::NoToken(problem)) => return Err(problem.into()),
        }
    }
    Ok(Some(listed))
}
