//! Smartcar's vehicle API, version 2: the requests that this crate makes itself, and what errors mean.
//!
//! Source: <https://smartcar.com/docs/api-reference>.

mod error;
mod request;

pub use error::{ApiError, Resolution, ResolutionKind};
pub use request::{ApiRequest, Method, VEHICLES_PER_PAGE, VehicleAttributes, VehiclePage, read_user};
