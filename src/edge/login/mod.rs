//! Connecting without JavaScript: `/connect/login` and `/connect/callback`.

mod callback;
mod guard;
mod outcome;
mod page;
mod request;
mod return_cookie;
mod return_to;

pub use callback::{callback_uri, has_come_from_here, reload_here};
pub use guard::{NavigationHeaders, check_login, needs_login_check};
pub use outcome::LoginOutcome;
pub use page::{LoginPage, page_policy};
pub use request::LoginRequest;
pub use return_cookie::{ReturnCookie, too_many};
pub use return_to::ReturnTo;
