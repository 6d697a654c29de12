//! Who is calling, and whom a request speaks for.
//!
//! Outside semantic versioning: see [what the version promises](crate#what-the-version-promises).

mod bearer;
mod cookie;
mod credential;
mod jwks;
mod jwt;
mod service_key;
mod session;
mod ticket;

pub(crate) use cookie::values_of as cookie_values;
pub use cookie::{SessionCookie, ended_session_cookie, session_cookie};
pub use credential::Identity;
pub use jwks::{FETCH_DEADLINE, JwksCache, JwksStep};
pub use jwt::{
    Algorithm, JwtConfig, JwtError, JwtRules, JwtSecret, KeySet, KeySetError, KeySource, MAX_JWT_BYTES,
    MAX_KEY_SET_BYTES, ShownJwt, Subject, UnusableKey, UnverifiedJwt, VerificationKey, verify_hs256,
};
pub use service_key::{BackEnd, ServiceKey, ServiceKeyError, ServiceKeys};
pub use session::{Session, SessionError, SessionId, SessionLimits, ShownSession};
pub use ticket::{Ticket, TicketError, TicketId};
