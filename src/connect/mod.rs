//! The secret-free half: Connect URLs, `state`, and what Connect sends back.
//!
//! Everything here is pure: no I/O, no clock, no randomness; time and random bytes are passed in. It is compiled into the
//! browser module and into the Worker alike.
//!
//! The order of a connection, from Rust:
//!
//! ```
//! use smartcar_connect::connect::{
//!     ApplicationId, Attempt, AuthorizeUrl, Callback, ConnectOptions, Origin, RedirectUri, Scope, State, UnverifiedCallback,
//! };
//! use smartcar_connect::time::UnixMillis;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let random = [7; 32]; let now = UnixMillis::new(1_790_000_000_000);
//! let application = ApplicationId::parse("8229df9f-91a0-4ff0-a1ae-a1f38ee24d07")?;
//! let redirect_uri = RedirectUri::parse("https://app.example.com/cars")?;
//! let state = State::from_random(random);
//! let attempt = Attempt::new(state.fingerprint(), redirect_uri.clone(), now);
//! let url = AuthorizeUrl::new(application, &state)
//!     .redirect_uri(redirect_uri.clone())
//!     .options(ConnectOptions {
//!         scopes: vec![Scope::parse("required:read_vehicle_info")?],
//!         ..ConnectOptions::default()
//!     })
//!     .to_url(&Origin::connect())?;
//! assert!(url.starts_with("https://connect.smartcar.com/oauth/authorize?response_type=code&"));
//!
//! // The owner's browser comes back:
//! let back = format!("https://app.example.com/cars?code=90abecb6&state={}", state.expose());
//! match UnverifiedCallback::parse_for(&redirect_uri, &back)?.verify(&attempt, now)? {
//!     Callback::Granted { code: Some(code), .. } => assert_eq!(code.expose(), "90abecb6"),
//!     other => panic!("{}", other.kind()),
//! }
//! # Ok(())
//! # }
//! ```
//!
//! Names and values follow Smartcar's Connect documentation: <https://smartcar.com/docs/connect/redirect-to-connect> and
//! <https://smartcar.com/docs/connect/handle-the-response>.

mod attempt;
mod authorize;
mod callback;
mod connection_id;
mod error;
mod id;
mod options;
mod origin;
mod parameter;
mod reauthenticate;
mod redirect_uri;
mod state;
mod url_parts;

pub use attempt::{ATTEMPT_LIFETIME, Attempt, StateError};
pub use authorize::AuthorizeUrl;
pub use callback::{
    AuthorizationCode, Callback, ConnectError, IncompatibleVehicle,
    query::{SplitQuery, has_our_state, is_callback, normal_form, query_of, split, with_query},
    unverified::{CallbackError, MAX_CALLBACK_BYTES, UnverifiedCallback},
};
pub use connection_id::{ConnectionId, InvalidConnectionId};
#[cfg(feature = "edge")]
pub(crate) use error::Reason;
pub use error::{InvalidParameter, InvalidValue};
pub use id::{ApplicationId, ExternalId, ExternalIdParam, IdParam, UserId, VehicleId};
pub use options::ConnectOptions;
pub use origin::{Origin, Origins};
pub use parameter::{ApprovalPrompt, Flag, Make, Mode, ResponseType, Scope, SingleSelect, Vin};
pub use reauthenticate::{ReauthenticateResponseType, ReauthenticateUrl};
pub use redirect_uri::{Difference, RedirectUri};
pub use state::{STATE_MARK, State, StateFingerprint};

#[cfg(test)]
mod tests;
