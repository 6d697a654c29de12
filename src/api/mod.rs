//! Smartcar's vehicle API: the requests that this crate makes itself, those that it passes on for the owner, and what
//! errors mean.
//!
//! Source: <https://smartcar.com/docs/api-reference>.

mod batch;
mod call;
mod connection_list;
mod endpoint;
mod error;
mod finding;
mod limits;
mod question;
mod redact;
mod request;
mod signal;

pub use crate::http_api::ApiVersion;
pub use batch::BatchPart;
pub use call::{ApiCall, ApiTarget, CallError, Found, MOST_PATHS, UnitSystem};
pub use connection_list::{
    CONNECTIONS_PER_PAGE, ConnectionFilter, ConnectionPage, Disconnected, ListedConnection, Ownership, VehicleMode,
};
pub use endpoint::{ENDPOINTS, Effect, Endpoint, Sensitive};
pub use error::{ApiError, Resolution, ResolutionKind};
pub use finding::{Finding, findings};
pub use limits::{LimitScope, MOST_OF_ALL, MOST_OF_ONE_CALLER, RateLimits, UnderWay};
pub use question::{Question, question};
pub use redact::without_links;
pub use request::{ApiRequest, Method, VEHICLES_PER_PAGE, VehicleAttributes, VehiclePage, read_user};
