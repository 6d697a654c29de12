//! Mending a connection: which flow does, and an owner who comes back from one.

use std::rc::Rc;

use futures_util::FutureExt as _;
use smartcar_connect::{
    api::{Question, findings, question},
    connect::{ConnectionId, Origins, RedirectUri, StateFingerprint, VehicleId},
    edge::{Caller, ConnectionAccess, Problem, VaultReply, no_way_back},
    http_api::{ReconnectResponse, reconnect::ReconnectFlow, start::Asked},
    principal::Principal,
    time::Millis,
    vault::{
        Access, Description, Live, NoWayBack, Reconnecting, Report, Success, can_come_back, life::Event, way_back,
    },
};

use super::{
    attempt::{self, NewAttempt},
    driver::Driver,
    error::{Refusal, VaultError},
};
use crate::{
    clock,
    smartcar::{self, TOO_MANY_REQUESTS},
};

/// How long an owner who comes back waits for the answer of the car. What takes longer goes on in the background.
const CAR_DEADLINE: Millis = Millis::from_secs(6);

/// Says which flow mends a connection, and notes the attempt unless nothing will come back of it.
pub(super) async fn begin(
    driver: &Rc<Driver>,
    caller: &Caller,
    id: ConnectionId,
    fingerprint: StateFingerprint,
    redirect_uri: RedirectUri,
    asked: Asked,
) -> Result<VaultReply, Refusal> {
    let not_found = || no_way_back(NoWayBack::NotFound);
    let profile = driver.visit(caller).await?.filter(|profile| !profile.is_forsaken());
    let profile = profile.ok_or_else(not_found)?;
    let (storage, config) = (&driver.storage, &driver.config);
    let mut transaction = storage.begin().await;
    let record = storage.record(&profile.principal, &id).await?;
    let now = clock::now();
    let way = way_back(record.as_ref(), &config.origins.connect, now).map_err(no_way_back)?;
    // Smartcar goes on knowing the owner by what it does; only a new grant is the caller's own.
    let kept = record.as_ref().and_then(|record| record.external_id());
    let kept = kept.filter(|_| way.flow == ReconnectFlow::Reauthenticate);
    let external_id = kept.unwrap_or(&profile.external_id).clone();
    let expires_at = if way.flow == ReconnectFlow::TeslaPermissions {
        drop(transaction);
        None
    } else {
        let new = NewAttempt {
            fingerprint,
            redirect_uri,
            asked,
            version: driver.config.access.new_connections(),
            reconnecting: Some(Reconnecting {
                connection_id: id,
                flow: way.flow,
                vehicle_id: way.vehicle_id.clone(),
            }),
        };
        let expires_at = attempt::note(storage, &mut transaction, &profile.principal, new, now).await?;
        transaction.commit().await?;
        Some(expires_at)
    };
    let answer = ReconnectResponse {
        flow: way.flow,
        application_id: config.application_id.clone(),
        connect_origin: config.origins.connect.as_str().to_owned(),
        external_id,
        expires_at,
        vehicle_id: way.vehicle_id,
        resolution_url: way.resolution_url,
        scope: (!way.permissions.is_empty()).then(|| way.permissions.join(" ")),
    };
    Ok(VaultReply::Body(serde_json::to_string(&answer)?))
}

/// Whether the connection that an owner comes back to is still there: its tokens are, and it covers the vehicle.
///
/// # Errors
/// It is not. Nothing changes then, and the callback is not used.
pub(super) async fn check(
    driver: &Driver,
    principal: &Principal,
    id: &ConnectionId,
    vehicle: &VehicleId,
) -> Result<(), Refusal> {
    let record = driver.storage.record(principal, id).await?;
    if can_come_back(record.as_ref(), vehicle, clock::now()) {
        Ok(())
    } else {
        Err(Problem::connection_not_found().into())
    }
}

/// An owner has come back from the maker of a vehicle. The tokens stay, and so do the marks: that somebody logged in shows in what
/// works then. The car is asked once whether the request works that failed, or others where nobody has said which that was.
pub(super) async fn came_back(
    driver: &Rc<Driver>,
    principal: &Principal,
    id: &ConnectionId,
    vehicle: &VehicleId,
) -> Result<(), VaultError> {
    let vehicle_id = vehicle.clone();
    driver
        .let_happen(principal, id, Event::Reauthenticated { vehicle_id })
        .await?;
    let record = driver.storage.record(principal, id).await?;
    let Some(live) = record.as_ref().and_then(|record| record.live()) else {
        return Ok(());
    };
    let Some(known) = live.vehicles().iter().find(|known| known.id == *vehicle) else {
        return Ok(());
    };
    let shown = known.marks.log_in_shows_in();
    let question = |permission: &&str| question_of(&driver.config.origins, live, vehicle, permission);
    let failed = shown.failed.iter().find_map(question);
    let others: Vec<Question> = match failed {
        Some(_) => Vec::new(),
        None => shown.others.iter().filter_map(question).collect(),
    };
    let access = ConnectionAccess::of(id, live, vehicle).ok();
    let (asking, principal, id, vehicle) = (Rc::clone(driver), principal.clone(), id.clone(), vehicle.clone());
    let asked = async move {
        let mut events = Vec::new();
        if let Some(question) = failed {
            let told = answered(&asking, &principal, &id, &vehicle, &question, access.clone()).await;
            events = told.unwrap_or_default();
        }
        for question in others {
            let Some(told) = answered(&asking, &principal, &id, &vehicle, &question, access.clone()).await else {
                break;
            };
            events = told;
            // The owner need not have granted it.
            events.retain(is_success);
            if !events.is_empty() {
                break;
            }
        }
        for event in events {
            if let Err(error) = asking.let_happen(&principal, &id, event).await {
                error.log();
            }
        }
    };
    let asked = asked.boxed_local().shared();
    driver.see_to(&asked);
    let _ = clock::within(CAR_DEADLINE, asked).await;
    Ok(())
}

/// Whether something says that a request has succeeded, and no more.
const fn is_success(event: &Event) -> bool {
    match event {
        Event::Reported { report, .. } => matches!(report, Report::Succeeded { .. }),
        Event::VehiclesDescribed { .. } => true,
        _ => false,
    }
}

/// A request that takes a permission.
fn question_of(origins: &Origins, live: &Live, vehicle: &VehicleId, permission: &str) -> Option<Question> {
    match (&live.access, live.user_id.known()) {
        (Access::Owner(_), _) => question(&origins.api, vehicle, permission),
        (Access::Application { .. }, Some(user_id)) => Question::v3(&origins.vehicle, user_id, vehicle, permission),
        (Access::Application { .. }, None) => None,
    }
}

/// Asks, and says what the answer shows; `None` if Smartcar wants to be left alone. `access` is that of a v3 connection.
async fn answered(
    driver: &Rc<Driver>,
    principal: &Principal,
    id: &ConnectionId,
    vehicle: &VehicleId,
    question: &Question,
    access: Option<ConnectionAccess>,
) -> Option<Vec<Event>> {
    let Some(access) = access else {
        let tokens = driver.tokens(principal, id);
        return match smartcar::call(&tokens, &question.request).await {
            Ok(Ok(reply)) if reply.status == 200 => {
                let success = Description::Succeeded(Success::of(&question.target));
                let vehicles = vec![(vehicle.clone(), success)];
                Some(vec![Event::VehiclesDescribed { vehicles }])
            }
            Ok(Ok(reply)) if reply.status == TOO_MANY_REQUESTS => None,
            _ => Some(Vec::new()),
        };
    };
    let reply = smartcar::as_application(&driver.publisher.env, &question.request).await;
    let reply = match reply.ok().flatten() {
        Some(reply) if reply.status == 200 => reply,
        Some(reply) if reply.status == TOO_MANY_REQUESTS => return None,
        _ => return Some(Vec::new()),
    };
    let now = clock::now();
    let findings = findings(&question.target, &reply.body, now);
    let reports = access.reports(&findings, vehicle, &driver.config.origins.connect, now);
    let reported = |report| Event::Reported {
        vehicle_id: vehicle.clone(),
        report,
    };
    Some(reports.into_iter().map(reported).collect())
}
