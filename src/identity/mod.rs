//! Who is calling, and whom a request speaks for.
//!
//! Outside semantic versioning: see [what the version promises](crate#what-the-version-promises).

mod cookie;
mod credential;
mod service_key;
mod session;

pub use cookie::{SessionCookie, ended_session_cookie, session_cookie};
pub use credential::Identity;
pub use service_key::{BackEnd, ServiceKey, ServiceKeyError, ServiceKeys};
pub use session::{Session, SessionError, SessionLimits};
