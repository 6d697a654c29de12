//! Talking to Smartcar's token endpoint: requests, responses, what an error means, and how long tokens live.
//!
//! Nothing here does I/O: [`Client::request`] gives the request to send, [`read_response`] judges what came back.
//!
//! Sources: RFC 6749 sections 4.1.3, 5 and 6; <https://smartcar.com/docs/api-reference/authorization/auth-code-exchange>.

pub mod cycle;
mod error;
mod lifetime;
mod request;
mod response;
mod secrets;

pub use error::{TokenError, TokenResult, TokenSet, outcome_code};
pub use lifetime::{ACCESS_LIFETIME, FRESH_MARGIN, IDLE_REFRESH_AFTER, REFRESH_LIFETIME, is_fresh};
pub use request::{ApplicationClient, Client, ClientAuthMethod, ClientId, OutgoingRequest, TokenRequest, USER_AGENT};
pub(crate) use response::is_refresh_token;
pub use response::{MAX_BODY_BYTES, read_response, says_bearer};
pub use secrets::{AccessToken, ClientSecret, RefreshToken};
