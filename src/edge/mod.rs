//! The Worker's decisions: configuration, routes, who may call, problems. The crate `smartcar-connect-worker`
//! carries them out.
//!
//! Outside semantic versioning: see [what the version promises](crate#what-the-version-promises).

mod config;
mod guard;
mod head;
mod outcome;
mod problem;
mod protocol;
mod reply;
mod route;

pub use config::{Config, Misconfiguration, Setting};
pub use guard::{CsrfHeaders, check_csrf, is_allowed_origin, needs_csrf_check, without_identity};
pub use head::RequestHead;
pub use outcome::finish_answer;
pub use problem::Problem;
pub use protocol::{Caller, ConnectionSelector, DescribedVehicle, IssuedToken, Operation, VaultReply, VaultRequest};
pub use reply::{deleted_meanwhile, exchange_problem, finish_reply, token_reply, too_many_finishes};
pub use route::{Resource, Routed, route};
