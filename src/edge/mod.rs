//! The Worker's decisions: configuration, routes, who may call, problems. The crate `smartcar-connect-worker`
//! carries them out.

mod config;
mod guard;
mod outcome;
mod problem;
mod protocol;
mod route;

pub use config::{Config, Misconfiguration, Setting};
pub use guard::{RequestHead, is_allowed_origin, may_change_state};
pub use outcome::finish_answer;
pub use problem::{Problem, ProblemCode};
pub use protocol::{Caller, IssuedToken, Operation, Select, VaultReply, VaultRequest};
pub use route::{Resource, Routed, route};
