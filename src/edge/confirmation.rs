//! What a caller is told of a connection of Smartcar's v3 that its list of connections does not confirm.

use crate::{
    edge::problem::Problem,
    http_api::{Cause, ProblemCode},
    time::Millis,
    token::cycle::Unavailable,
};

/// How long is waited before the list is asked for again that does not show a consent of moments ago.
pub const CONFIRMATION_WAITS: [Millis; 2] = [Millis::from_secs(1), Millis::from_secs(3)];

/// How soon after that it is worth asking again.
const NOT_CONFIRMED_AGAIN_AFTER: Millis = Millis::from_secs(5);

/// Smartcar's list of connections has no car of the callback's user with the owner's external id, or not yet.
#[must_use]
pub fn not_confirmed() -> Problem {
    let detail = "Smartcar lists no car that the user of this callback has connected here; if the owner has just consented, \
                  finish the same callback again in a moment";
    Problem::new(ProblemCode::ConnectionNotConfirmed, detail).with_retry_after(NOT_CONFIRMED_AGAIN_AFTER)
}

/// The application's own token can't be had, or Smartcar's list of connections.
#[must_use]
pub fn not_asked(why: Option<Unavailable>) -> Problem {
    let Some(why) = why else {
        let detail = "Smartcar's list of connections can't be had at the moment; try again later";
        return Problem::new(ProblemCode::UpstreamUnavailable, detail).with_retry_after(NOT_CONFIRMED_AGAIN_AFTER);
    };
    if why.cause == Cause::InvalidClient {
        let detail = "Smartcar does not accept the application's API credential: check `SMARTCAR_API_CLIENT_ID` and \
                      `SMARTCAR_API_CLIENT_SECRET`";
        return Problem::new(ProblemCode::InvalidClient, detail);
    }
    let detail = [
        "Smartcar gave the application no token (",
        why.cause.as_str(),
        "); try again later",
    ]
    .concat();
    Problem::new(ProblemCode::UpstreamUnavailable, detail).with_retry_after(why.retry_after)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_has_to_mend_it_is_told() {
        let unavailable = |cause| {
            let retry_after = Millis::from_secs(30);
            not_asked(Some(Unavailable { cause, retry_after }))
        };
        for (problem, code, word) in [
            (
                not_confirmed(),
                ProblemCode::ConnectionNotConfirmed,
                "finish the same callback again",
            ),
            (not_asked(None), ProblemCode::UpstreamUnavailable, "list of connections"),
            (
                unavailable(Cause::InvalidClient),
                ProblemCode::InvalidClient,
                "SMARTCAR_API_CLIENT_SECRET",
            ),
            (
                unavailable(Cause::TimedOut),
                ProblemCode::UpstreamUnavailable,
                "timed_out",
            ),
        ] {
            assert_eq!(problem.code, code);
            assert!(problem.detail.contains(word), "{}", problem.detail);
            assert_eq!(
                problem.retry_after.is_some(),
                code != ProblemCode::InvalidClient,
                "{code:?}"
            );
        }
    }
}
