//! The Worker's decisions: configuration, routes, who may call, problems. The crate `smartcar-connect-worker`
//! carries them out.
//!
//! Outside semantic versioning: see [what the version promises](crate#what-the-version-promises).

mod access;
mod application;
mod body;
mod challenge;
mod config;
mod confirmation;
mod guard;
mod head;
mod import;
mod jwt;
mod log_budget;
mod login;
mod migration;
mod must_act;
mod openapi;
mod outcome;
mod page_query;
mod passing_on;
mod preflight;
mod problem;
mod protocol;
mod quote;
mod rate_limit;
mod reply;
mod route;
mod vehicle_news;
mod webhook;

pub use access::ConnectionAccess;
pub use application::{ApplicationReply, ApplicationRequest};
pub use body::invalid_json;
pub use challenge::challenge;
pub use config::{AccessSettings, ApiSettings, Config, Forward, Misconfiguration, Setting, WebhookSettings};
pub use confirmation::{CONFIRMATION_WAITS, not_asked, not_confirmed};
pub use guard::{
    CsrfHeaders, check_content_type, check_csrf, check_read, is_allowed_origin, is_json, named_user, needs_csrf_check,
    needs_read_check, sign_out_everywhere, user_not_named, without_identity,
};
pub use head::RequestHead;
pub use import::{import_over, nothing_to_import, read_import};
pub use jwt::{invalid_token, keys_unavailable};
pub use log_budget::LogBudget;
pub use login::{
    LoginOutcome, LoginPage, LoginRequest, NavigationHeaders, ReturnCookie, ReturnTo, callback_uri, check_login,
    has_come_from_here, needs_login_check, page_policy, reload_here, too_many,
};
pub use migration::{MigrationPage, MigrationPlace, MigrationQuery, moves_everybody, nothing_to_move};
pub use must_act::{MustActPage, MustActQuery, Place, WantedNames, not_of_one_user};
pub use openapi::{ANY_COOKIE, openapi};
pub use outcome::finish_answer;
pub use page_query::unknown_cursor;
pub use passing_on::{HANDED_ON, handed_on, limit_known, smartcar_refused, smartcar_silent, too_much_under_way};
pub use preflight::allowed_headers;
pub use problem::Problem;
pub use protocol::{Caller, ConnectionSelector, DescribedVehicle, IssuedToken, Operation, VaultReply, VaultRequest};
pub use quote::quoted;
pub use rate_limit::{RateKey, RateLimit};
pub use reply::{
    attempt_reply, deleted_meanwhile, exchange_problem, finish_reply, no_way_back, token_reply, unexpected_callback,
};
pub use route::{Resource, Routed, nothing_here, route};
pub use vehicle_news::VehicleNews;
pub use webhook::{Answer, InboxReply, answer_webhook};
