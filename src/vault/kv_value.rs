//! What stands in Workers KV.
//!
//! The value of a connection is two sealed records with a full stop between them: the first is all that a reader needs for
//! a call, so that it opens no more than that; the second is the whole record as the vault keeps it.

use serde::{Deserialize, Serialize};

use crate::{secret::serde_exposed, time::UnixMillis, token::AccessToken, vault::record::Live};

/// Between the two sealed records: no character of base64url.
const SEPARATOR: char = '.';

/// The part for readers. Its generation is the sealed record's.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ReadableToken {
    /// The access token.
    #[serde(with = "serde_exposed")]
    pub access_token: AccessToken,
    /// From when on Smartcar refuses the access token.
    pub expires_at: UnixMillis,
}

impl ReadableToken {
    /// What readers are given of a connection; `None` if its tokens are not its own.
    #[must_use]
    pub fn of(live: &Live) -> Option<Self> {
        let (access_token, expires_at) = live.owner_tokens()?.access_token();
        Some(Self {
            access_token: access_token.clone(),
            expires_at,
        })
    }
}

/// What a look-up leads to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lookup {
    /// The id of the vault's Durable Object.
    pub vault: String,
}

/// The value of a connection, of its two sealed records as text.
#[must_use]
pub fn join_value(readable: &str, whole: &str) -> String {
    let mut value = readable.to_owned();
    value.push(SEPARATOR);
    value.push_str(whole);
    value
}

/// The part of a connection's value that is for readers, sealed; `None` if it has none.
#[must_use]
pub fn readable_part(value: &str) -> Option<&str> {
    value
        .split_once(SEPARATOR)
        .map(|(readable, _)| readable)
        .filter(|readable| !readable.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::token::{RefreshToken, TokenSet};

    #[test]
    fn a_reader_takes_the_first_part_alone() {
        assert_eq!(readable_part(&join_value("first", "second")), Some("first"));
        for value in ["", "whole", ".second"] {
            assert_eq!(readable_part(value), None, "{value}");
        }
    }

    #[test]
    fn readers_are_given_the_access_token_and_never_the_refresh_token() {
        let now = UnixMillis::new(1_790_000_000_000);
        let tokens = TokenSet {
            access_token: AccessToken::new("hunter2".into()),
            access_expires_at: now,
            refresh_token: None,
        };
        let live = Live::granted(tokens, RefreshToken::new("hunter3".into()), now);
        let readable = ReadableToken::of(&live).unwrap();
        let json = serde_json::to_string(&readable).unwrap();
        assert_eq!(json, r#"{"access_token":"hunter2","expires_at":1790000000000}"#);
        assert!(!format!("{readable:?}").contains("hunter"));
        let by_application = Live {
            access: crate::vault::record::Access::Application {
                mode: crate::api::VehicleMode::Live,
                moved: None,
            },
            ..live
        };
        assert!(ReadableToken::of(&by_application).is_none());
    }
}
