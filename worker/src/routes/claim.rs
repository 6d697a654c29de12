//! `POST /session/claim`: signing in brings along what was connected before.

use smartcar_connect::{
    edge::{Caller, Operation, Problem, VaultReply},
    http_api::{
        ProblemCode,
        session::{ClaimRequest, ClaimResponse},
    },
    identity::{Identity, Session},
    principal::Principal,
    vault::Claimant,
};

use super::session::open_by_ticket;
use crate::{
    context::RequestContext,
    http::HttpResponse,
    identity::{end_session, session, set_session_cookie},
    vault_client,
};

pub(crate) async fn claim(context: &RequestContext<'_>) -> Result<HttpResponse, Problem> {
    let body: ClaimRequest = context.json_body().await?;
    let (head, config, now) = (context.head, &context.config, context.now);
    let opened = match (&body.ticket, context.identity) {
        (Some(_), Some(Identity::Subject(_))) => {
            let detail = "a ticket beside a token of the app's log-in: send one of them";
            return Err(Problem::new(ProblemCode::InvalidParameter, detail).with_field("ticket"));
        }
        (Some(ticket), _) => Some(open_by_ticket(context, ticket).await?),
        (None, _) => None,
    };
    let claimant = match &opened {
        Some(opened) => opened.principal(),
        None => user_of(context)?,
    };
    // By its own cookie, whatever else says who the user is.
    let anonymous = session(head, config, now).filter(|session| session.principal().is_anonymous());
    let connections = match anonymous.as_ref() {
        Some(anonymous) => bring_along(context, anonymous, claimant).await?,
        None => 0,
    };
    let answer = HttpResponse::json(&ClaimResponse {
        connections,
        ends_at: opened.as_ref().map(Session::ends_at),
    });
    Ok(match (opened, anonymous) {
        (Some(opened), _) => set_session_cookie(answer, &Identity::Session(opened), head, config, now),
        // It opens nothing any more.
        (None, Some(_)) => end_session(answer, head, config),
        (None, None) => answer,
    })
}

/// The user whom the request speaks for by itself, in a browser.
fn user_of(context: &RequestContext<'_>) -> Result<Principal, Problem> {
    if matches!(context.identity, Some(Identity::Service(_))) {
        let detail = "cars are claimed by the browser that has connected them: it has the session";
        return Err(Problem::new(ProblemCode::InvalidParameter, detail).with_field("Authorization"));
    }
    let user = context.known_caller()?.map(|caller| caller.principal);
    user.filter(|principal| !principal.is_anonymous()).ok_or_else(|| {
        let detail = "nobody has signed in: send a `ticket`, or a token of the app's log-in";
        Problem::new(ProblemCode::InvalidParameter, detail).with_field("ticket")
    })
}

/// Has everything of an anonymous session handed over to `principal`. Both proofs were shown; the session's vault says whether
/// that one still counts.
async fn bring_along(context: &RequestContext<'_>, from: &Session, principal: Principal) -> Result<u32, Problem> {
    let claimant = Caller::named(principal.clone());
    let VaultReply::Welcomed(external_id) = vault_client::ask(context.env, &claimant, Operation::Welcome).await? else {
        return Err(vault_client::unavailable());
    };
    let by = Claimant { principal, external_id };
    let from = Caller::from_session(from);
    let VaultReply::Claimed { connections, attempts } =
        vault_client::ask(context.env, &from, Operation::Claim(by)).await?
    else {
        return Err(vault_client::unavailable());
    };
    if !attempts.is_empty() {
        let taken = vault_client::ask(context.env, &claimant, Operation::TakeAttempts(attempts)).await;
        if taken.is_err() {
            worker::console_error!("attempts could not be brought along; their owners have to start again");
        }
    }
    Ok(connections)
}
