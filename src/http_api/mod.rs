//! The contract between the npm package and the Worker: paths, headers, bodies, answers and error codes.
//!
//! Each body stands in one file, as the type that the Worker reads or sends beside the [table](schema) by which the package's scripts
//! check it; tests hold the two together, and hold them to those scripts and to the package's type declarations. `docs/http-api.md` describes the same for those who write their own client.
//!
//! Nothing here keeps a secret.

pub mod api_version;
pub mod attempt;
pub mod connection;
pub mod finish;
pub mod header;
#[cfg(feature = "edge")]
pub mod health;
#[cfg(feature = "edge")]
pub mod import;
#[cfg(feature = "edge")]
pub mod migration;
pub mod path;
#[cfg(feature = "edge")]
pub mod principal;
pub mod problem;
pub mod reconnect;
pub mod replaced;
pub mod retry_after;
#[cfg(feature = "edge")]
pub mod rotation;
pub mod schema;
#[cfg(feature = "edge")]
pub mod session;
pub mod start;
#[cfg(feature = "edge")]
pub mod token;
pub mod vehicle;

mod error_code;

pub use api_version::ApiVersion;
#[cfg(feature = "edge")]
pub use attempt::AttemptResponse;
pub use attempt::AttemptStatus;
pub use connection::{Cause, Connection, ConnectionList, ConnectionStatus, ListedVehicle};
pub use error_code::ErrorCode;
pub use finish::{FinishRequest, FinishResponse};
pub use problem::ProblemCode;
pub use reconnect::{ReconnectFlow, ReconnectResponse};
pub use replaced::Replaced;
pub use start::{StartRequest, StartResponse};
pub use vehicle::{Vehicle, VehicleList};

// They compare what both halves say.
#[cfg(feature = "edge")]
#[cfg(test)]
mod tests;
