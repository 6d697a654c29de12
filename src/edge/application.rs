//! What is said to the Durable Object that keeps the application's own token (v3), and what it answers.

use serde::{Deserialize, Serialize};

use crate::{
    secret::serde_exposed,
    time::{Millis, UnixMillis},
    token::{
        AccessToken,
        cycle::{ApplicationTokens, Decision, Unavailable},
    },
};

/// A token is wanted.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct ApplicationRequest {
    /// The generation of the token that Smartcar has just refused with 401, if that is why.
    pub rejected: Option<u64>,
}

/// The answer.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ApplicationReply {
    /// It may be used for calls to Smartcar's v3, for the cars of every owner. It never leaves the Worker.
    Token {
        /// Sent as `Authorization: Bearer`.
        #[serde(with = "serde_exposed")]
        access_token: AccessToken,
        /// From when on Smartcar refuses it.
        expires_at: UnixMillis,
        /// Which token it is: the higher is the newer.
        generation: u64,
    },
    /// There is none for now.
    Unavailable(Unavailable),
    /// There is none now: Smartcar refuses one that it issued moments ago, and another would be no better.
    Rejected {
        /// How long to wait before asking again.
        retry_after: Millis,
    },
    /// Storage failed.
    Failed,
}

impl ApplicationReply {
    /// What `decision` comes to for those who wait; `None` while a request has to be sent first.
    #[must_use]
    pub fn of(tokens: &ApplicationTokens, decision: Decision) -> Option<Self> {
        match decision {
            Decision::Request => None,
            Decision::Use | Decision::Renewed => Some(match tokens.access_token() {
                Some((access_token, expires_at)) => Self::Token {
                    access_token: access_token.clone(),
                    expires_at,
                    generation: tokens.generation,
                },
                None => Self::Failed,
            }),
            Decision::Wait(unavailable) => Some(Self::Unavailable(unavailable)),
            Decision::Rejected { retry_after } => Some(Self::Rejected { retry_after }),
            // Of an owner's tokens alone.
            Decision::Rest | Decision::Over { .. } => Some(Self::Failed),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        http_api::Cause,
        token::{
            TokenSet,
            cycle::{Policy, TokenCycle as _},
        },
    };

    const NOW: UnixMillis = UnixMillis::new(1_790_000_000_000);

    #[test]
    fn those_who_wait_are_told_what_was_decided() {
        let none = ApplicationTokens::none(NOW);
        assert!(ApplicationReply::of(&none, Decision::Request).is_none());
        let set = TokenSet {
            access_token: AccessToken::new("hunter2".to_owned()),
            access_expires_at: NOW.after(Millis::from_hours(1)),
            refresh_token: None,
        };
        let tokens = none.ended(0, Ok(set), NOW, &Policy::default()).next.unwrap();
        for decision in [Decision::Use, Decision::Renewed] {
            let reply = ApplicationReply::of(&tokens, decision).unwrap();
            assert!(!format!("{reply:?}").contains("hunter2"));
            let sent = serde_json::to_string(&reply).unwrap();
            let Ok(ApplicationReply::Token {
                access_token,
                generation,
                ..
            }) = serde_json::from_str(&sent)
            else {
                panic!("{sent}");
            };
            assert_eq!((access_token.expose(), generation), ("hunter2", 1));
        }
        let retry_after = Millis::from_secs(3);
        let cause = Cause::TimedOut;
        let unavailable = Unavailable { cause, retry_after };
        let reply = ApplicationReply::of(&tokens, Decision::Wait(unavailable));
        assert!(matches!(reply, Some(ApplicationReply::Unavailable(why)) if why == unavailable));
        let reply = ApplicationReply::of(&tokens, Decision::Rejected { retry_after });
        assert!(matches!(reply, Some(ApplicationReply::Rejected { retry_after: wait }) if wait == retry_after));
        for impossible in [Decision::Rest, Decision::Over { cause, since: NOW }] {
            let reply = ApplicationReply::of(&tokens, impossible);
            assert!(matches!(reply, Some(ApplicationReply::Failed)));
        }
        assert!(matches!(
            ApplicationReply::of(&none, Decision::Use),
            Some(ApplicationReply::Failed)
        ));
    }
}
