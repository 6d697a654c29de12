//! Who is calling: an anonymous session of the Worker's own.

use smartcar_connect::{
    edge::{Caller, Config, Problem},
    http_api::ProblemCode,
    identity::{SESSION_COOKIE, Session, find_cookie, session_cookie},
    time::UnixMillis,
};
use worker::Request;

use crate::{
    http::{Answer, header},
    random,
};

/// The session that the request's cookie opens, if it does.
pub(crate) fn session(request: &Request, config: &Config, now: UnixMillis) -> Option<Session> {
    let cookies = header(request.headers(), "cookie")?;
    let value = find_cookie(&cookies, SESSION_COOKIE)?;
    Session::from_cookie(&config.key_ring, value, now, config.session_lifetime).ok()
}

/// A session that starts now.
pub(crate) fn start_session(now: UnixMillis) -> Result<Session, Problem> {
    let id = random::bytes().map_err(|_| {
        Problem::new(
            ProblemCode::StorageUnavailable,
            "the platform gave no randomness; try again",
        )
    })?;
    Ok(Session::start(id, now))
}

pub(crate) fn of_session(session: &Session, config: &Config) -> Caller {
    Caller {
        principal: session.principal(),
        session_ends_at: Some(session.ends_at(config.session_lifetime)),
    }
}

/// The answer with the session's cookie, if it has to be set.
pub(crate) fn remember(answer: Answer, session: &Session, config: &Config, now: UnixMillis) -> Answer {
    if !session.wants_cookie() {
        return answer;
    }
    match session.to_cookie(&config.key_ring) {
        Some(value) => {
            let life = session.ends_at(config.session_lifetime).since(now);
            answer.with_header("set-cookie", session_cookie(&value, life).as_str())
        }
        None => answer,
    }
}
