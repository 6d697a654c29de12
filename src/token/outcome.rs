//! What came of a token request.

use serde::{Deserialize, Serialize};

use super::{AccessToken, RefreshToken};
use crate::time::{Millis, UnixMillis};

/// The tokens of a successful response.
#[derive(Clone, Debug)]
pub struct TokenSet {
    /// The new access token.
    pub access_token: AccessToken,
    /// When it expires, counted from the arrival of the response.
    pub access_expires_at: UnixMillis,
    /// The new refresh token. `None`: the one that was presented stays (RFC 6749 section 6).
    pub refresh_token: Option<RefreshToken>,
}

/// What came of a token request.
#[derive(Clone, Debug)]
pub enum TokenOutcome {
    /// Smartcar issued tokens.
    Issued(TokenSet),
    /// It did not, or its answer was lost or unreadable.
    Failed(Failure),
}

impl TokenOutcome {
    /// The stable name, for logs: `issued` or the failure's.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Issued(_) => "issued",
            Self::Failed(failure) => failure.code(),
        }
    }
}

/// Why a token request brought no tokens. Only [`Refused`](Self::Refused) says anything about the grant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Failure {
    /// The authorization code or refresh token is no good: used, expired, revoked or never issued. Final.
    Refused,
    /// Smartcar does not accept this application's id and secret, or its rights: the configuration is wrong, not the
    /// grant.
    ClientRejected,
    /// Too many requests; try again after this span, if Smartcar named one.
    RateLimited {
        /// From the header `Retry-After`.
        retry_after: Option<Millis>,
    },
    /// A refusal that names neither the grant nor the client.
    Unexplained,
    /// Smartcar's side failed (5xx). Whether the token was used up is unknown.
    ServerError,
    /// No answer within the deadline. Whether the token was used up is unknown.
    TimedOut,
    /// The connection broke. Whether the token was used up is unknown.
    ConnectionLost,
    /// A success that can't be read (not JSON, no token in it, too long). The token was probably used up.
    Unreadable,
    /// The token endpoint sent us elsewhere. Secrets follow no redirect.
    Redirected,
}

impl Failure {
    /// The stable name, for problems, statuses and logs.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Refused => "grant_refused",
            Self::ClientRejected => "client_rejected",
            Self::RateLimited { .. } => "rate_limited",
            Self::Unexplained => "refused_without_reason",
            Self::ServerError => "server_error",
            Self::TimedOut => "timed_out",
            Self::ConnectionLost => "connection_lost",
            Self::Unreadable => "unreadable_response",
            Self::Redirected => "redirected",
        }
    }

    /// Whether Smartcar may have used the token up although no new one arrived: then the same token has to be presented
    /// again within the grace window.
    #[must_use]
    pub const fn is_ambiguous(self) -> bool {
        matches!(
            self,
            Self::ServerError | Self::TimedOut | Self::ConnectionLost | Self::Unreadable
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_failure_has_its_name_and_says_whether_the_token_may_be_used_up() {
        for (failure, code, ambiguous) in [
            (Failure::Refused, "grant_refused", false),
            (Failure::ClientRejected, "client_rejected", false),
            (Failure::RateLimited { retry_after: None }, "rate_limited", false),
            (Failure::Unexplained, "refused_without_reason", false),
            (Failure::ServerError, "server_error", true),
            (Failure::TimedOut, "timed_out", true),
            (Failure::ConnectionLost, "connection_lost", true),
            (Failure::Unreadable, "unreadable_response", true),
            (Failure::Redirected, "redirected", false),
        ] {
            assert_eq!(failure.code(), code);
            assert_eq!(failure.is_ambiguous(), ambiguous, "{code}");
        }
    }

    #[test]
    fn tokens_print_as_redacted() {
        let tokens = TokenSet {
            access_token: AccessToken::new("hunter2".into()),
            access_expires_at: UnixMillis::EPOCH,
            refresh_token: Some(RefreshToken::new("hunter3".into())),
        };
        assert!(!format!("{:?}", TokenOutcome::Issued(tokens)).contains("hunter"));
    }
}
