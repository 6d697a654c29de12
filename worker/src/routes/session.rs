//! `POST /internal/sessions`, `POST /session` and `DELETE /session`: signing in by a ticket, and out.

use smartcar_connect::{
    edge::{Caller, Operation, Problem, sign_out_everywhere},
    http_api::{
        ProblemCode,
        session::{SessionRequest, SessionResponse, TicketRequest, TicketResponse},
    },
    identity::{Identity, Session, Ticket},
    vault::UsedTicket,
};

use crate::{
    context::RequestContext,
    http::HttpResponse,
    identity::{end_session, set_session_cookie},
    random, vault_client,
};

pub(crate) async fn issue_ticket(context: &RequestContext<'_>) -> Result<HttpResponse, Problem> {
    let body: TicketRequest = context.json_body().await?;
    let config = &context.config;
    let id = random::bytes().map_err(|_| random::problem())?;
    let ticket = Ticket::issue(id, &body.user, context.now, config.ticket_life)
        .map_err(|error| Problem::from(error.in_field("user")))?;
    let text = ticket
        .to_text(&config.key_ring, &config.session_cookie)
        .ok_or_else(vault_client::unavailable)?;
    Ok(HttpResponse::json(&TicketResponse {
        ticket: &text,
        expires_at: ticket.expires_at(),
    }))
}

pub(crate) async fn open(context: &RequestContext<'_>) -> Result<HttpResponse, Problem> {
    let body: SessionRequest = context.json_body().await?;
    let session = open_by_ticket(context, &body.ticket).await?;
    let answer = HttpResponse::json(&SessionResponse {
        ends_at: session.ends_at(),
    });
    let identity = Identity::Session(session);
    let (config, now) = (&context.config, context.now);
    Ok(set_session_cookie(answer, &identity, context.head, config, now))
}

/// Opens a session for the user of a ticket, in place of the one that is shown.
pub(super) async fn open_by_ticket(context: &RequestContext<'_>, ticket: &str) -> Result<Session, Problem> {
    let config = &context.config;
    if matches!(context.identity, Some(Identity::Service(_))) {
        let detail = "a session is opened by the browser that keeps its cookie: send the ticket from there";
        return Err(Problem::new(ProblemCode::InvalidParameter, detail).with_field("Authorization"));
    }
    let ticket = Ticket::open(&config.key_ring, &config.session_cookie, ticket, context.now)
        .map_err(|error| Problem::new(ProblemCode::TicketRejected, error.to_string()).with_field("ticket"))?;
    // Always a new id: none that the browser has shown, which somebody else may know.
    let id = random::bytes().map_err(|_| random::problem())?;
    let session = Session::start_for(&ticket, id, context.now, config.session_limits);
    let before = context
        .identity
        .and_then(Caller::of)
        .filter(|before| before.session.is_some());
    let (same, other) = match before {
        Some(before) if before.principal == *ticket.principal() => (before.session, None),
        before => (None, before),
    };
    let operation = Operation::OpenSession {
        ticket: UsedTicket {
            id: ticket.id(),
            expires_at: ticket.expires_at(),
        },
        session: session.shown(),
        replaced: same.map(|session| session.id),
    };
    vault_client::ask(context.env, &Caller::named(ticket.principal().clone()), operation).await?;
    if let Some(other) = other.filter(|other| !other.principal.is_anonymous()) {
        // Another user was signed in here. The cookie is replaced in any case.
        let ended = Operation::EndSession { everywhere: false };
        if vault_client::ask(context.env, &other, ended).await.is_err() {
            worker::console_error!("the session in whose place another one came could not be ended");
        }
    }
    Ok(session)
}

pub(crate) async fn end(context: &RequestContext<'_>) -> Result<HttpResponse, Problem> {
    let everywhere = sign_out_everywhere(context.head.query().unwrap_or_default())?;
    let answer = HttpResponse::empty(204);
    let Some(caller) = context.known_caller()? else {
        return Ok(end_session(answer, context.head, &context.config));
    };
    if !matches!(context.identity, Some(Identity::Session(_))) {
        // No session is shown that could be meant.
        if !everywhere {
            let detail = "only a browser has a session of its own: `?everywhere` ends all sessions of the user";
            return Err(Problem::new(ProblemCode::InvalidParameter, detail).with_field("everywhere"));
        }
        vault_client::ask(context.env, &caller, Operation::EndSession { everywhere }).await?;
        return Ok(answer);
    }
    match vault_client::ask(context.env, &caller, Operation::EndSession { everywhere }).await {
        Ok(_) => {}
        // It has ended before.
        Err(problem) if problem.code == ProblemCode::SessionMissing => {}
        Err(problem) => return Err(problem),
    }
    Ok(end_session(answer, context.head, &context.config))
}
