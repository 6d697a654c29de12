//! The tokens of a successful response, and why there are none.

use serde::{Deserialize, Serialize};

use crate::{
    time::{Millis, UnixMillis},
    token::secrets::{AccessToken, RefreshToken},
};

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
pub type TokenResult = Result<TokenSet, TokenError>;

/// The stable name of what came of a token request, for logs: `issued` or the error's.
#[must_use]
pub const fn outcome_code(outcome: &TokenResult) -> &'static str {
    match outcome {
        Ok(_) => "issued",
        Err(error) => error.code(),
    }
}

/// Why a token request brought no tokens. Only [`InvalidGrant`](Self::InvalidGrant) says anything about the grant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum TokenError {
    /// The authorization code or refresh token is no good: used, expired, revoked or never issued. Final.
    InvalidGrant,
    /// Smartcar does not accept this application's id and secret, or its rights: the configuration is wrong, not the
    /// grant.
    InvalidClient,
    /// Too many requests; try again after this span, if Smartcar named one.
    RateLimited {
        /// From the header `Retry-After`.
        retry_after: Option<Millis>,
    },
    /// A refusal that names neither the grant nor the client.
    RefusedWithoutReason,
    /// Smartcar's side failed (5xx), or said so with another status. Whether the token was used up is unknown.
    ServerError {
        /// From the header `Retry-After`.
        retry_after: Option<Millis>,
    },
    /// No answer within the deadline. Whether the token was used up is unknown.
    TimedOut,
    /// The connection broke. Whether the token was used up is unknown.
    ConnectionLost,
    /// A success that can't be read (not JSON, no token in it, too long). The token was probably used up.
    UnreadableResponse,
    /// The token endpoint sent us elsewhere. Secrets follow no redirect.
    Redirected,
}

impl TokenError {
    /// The stable name, for problems, statuses and logs.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::InvalidGrant => "invalid_grant",
            Self::InvalidClient => "invalid_client",
            Self::RateLimited { .. } => "rate_limited",
            Self::RefusedWithoutReason => "refused_without_reason",
            Self::ServerError { .. } => "server_error",
            Self::TimedOut => "timed_out",
            Self::ConnectionLost => "connection_lost",
            Self::UnreadableResponse => "unreadable_response",
            Self::Redirected => "redirected",
        }
    }

    /// How long Smartcar asks to wait before the next request.
    #[must_use]
    pub const fn retry_after(self) -> Option<Millis> {
        match self {
            Self::RateLimited { retry_after } | Self::ServerError { retry_after } => retry_after,
            _ => None,
        }
    }

    /// Whether Smartcar may have used the token up although no new one arrived: then the same token has to be presented
    /// again within the grace window.
    #[must_use]
    pub const fn is_ambiguous(self) -> bool {
        matches!(
            self,
            Self::ServerError { .. } | Self::TimedOut | Self::ConnectionLost | Self::UnreadableResponse
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_failure_has_its_name_and_says_whether_the_token_may_be_used_up() {
        for (failure, code, ambiguous) in [
            (TokenError::InvalidGrant, "invalid_grant", false),
            (TokenError::InvalidClient, "invalid_client", false),
            (TokenError::RateLimited { retry_after: None }, "rate_limited", false),
            (TokenError::RefusedWithoutReason, "refused_without_reason", false),
            (TokenError::ServerError { retry_after: None }, "server_error", true),
            (TokenError::TimedOut, "timed_out", true),
            (TokenError::ConnectionLost, "connection_lost", true),
            (TokenError::UnreadableResponse, "unreadable_response", true),
            (TokenError::Redirected, "redirected", false),
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
        assert!(!format!("{tokens:?}").contains("hunter"));
    }
}
