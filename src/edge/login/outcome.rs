//! What a page of the app's own is told of a connection: a word out of a closed list.

use serde::Deserialize;

use crate::{
    edge::problem::Problem,
    http_api::{
        ProblemCode,
        finish::{FAILURES, FINISHED},
    },
};

/// What came of a connection: a `kind` of `POST /connect/finish`, or `failed`. Never anything that came with the callback.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LoginOutcome(&'static str);

#[derive(Deserialize)]
struct Told {
    kind: String,
}

impl LoginOutcome {
    /// The code could not be exchanged, or the connection that it made is gone.
    const FAILED: Self = Self("failed");

    /// Of the answer to a finish.
    #[must_use]
    pub fn of_answer(body: &str) -> Self {
        let told: Option<Told> = serde_json::from_str(body).ok();
        let kind = told.map(|told| told.kind).unwrap_or_default();
        let known = FINISHED.iter().chain(FAILURES).find(|(name, _)| *name == kind);
        Self(known.map_or("unknown_error", |(name, _)| name))
    }

    /// Of a finish that is settled although it ended in a problem; `None` if the callback is not the caller's, or can be sent again.
    #[must_use]
    pub fn of_problem(problem: &Problem) -> Option<Self> {
        let is_settled = matches!(
            problem.code,
            ProblemCode::ExchangeRefused
                | ProblemCode::InvalidClient
                | ProblemCode::UpstreamUnavailable
                | ProblemCode::CodeMissing
                | ProblemCode::UserIdMissing
                | ProblemCode::ConnectionNotFound
        );
        is_settled.then_some(Self::FAILED)
    }

    /// The word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        self.0
    }

    /// Every word that there is.
    pub fn all() -> impl Iterator<Item = &'static str> {
        let kinds = FINISHED.iter().chain(FAILURES).map(|(name, _)| *name);
        kinds.chain([Self::FAILED.0])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_words_of_the_list_are_told() {
        assert_eq!(
            LoginOutcome::of_answer(r#"{"kind":"connected","connection":{}}"#).as_str(),
            "connected"
        );
        assert_eq!(
            LoginOutcome::of_answer(r#"{"kind":"access_denied"}"#).as_str(),
            "access_denied"
        );
        for odd in ["", "{}", r#"{"kind":"evil&x=1"}"#, "null"] {
            assert_eq!(LoginOutcome::of_answer(odd).as_str(), "unknown_error", "{odd}");
        }
        let words: Vec<&str> = LoginOutcome::all().collect();
        for word in ["connected", "access_denied", "unknown_error", "failed"] {
            assert!(words.contains(&word), "{word}");
        }
        for word in words {
            assert!(
                word.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'),
                "{word}"
            );
        }
    }

    #[test]
    fn a_problem_is_told_once_nothing_can_change_it() {
        let of = |code| LoginOutcome::of_problem(&Problem::new(code, "")).map(LoginOutcome::as_str);
        assert_eq!(of(ProblemCode::ExchangeRefused), Some("failed"));
        assert_eq!(of(ProblemCode::UpstreamUnavailable), Some("failed"));
        assert_eq!(of(ProblemCode::CodeMissing), of(ProblemCode::UserIdMissing));
        for code in [
            ProblemCode::StateUnknown,
            ProblemCode::StateUsed,
            ProblemCode::SessionMissing,
            ProblemCode::StorageUnavailable,
            ProblemCode::TooManyRequests,
            ProblemCode::ConnectionNotConfirmed,
            ProblemCode::CallbackRepeatedParameter,
        ] {
            assert_eq!(of(code), None, "{code:?}");
        }
    }
}
