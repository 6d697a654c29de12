//! What each route does.

pub(crate) mod api;
pub(crate) mod claim;
pub(crate) mod connect;
pub(crate) mod connections;
pub(crate) mod import;
pub(crate) mod login;
pub(crate) mod migration;
pub(crate) mod openapi;
pub(crate) mod principals;
pub(crate) mod rotation;
pub(crate) mod session;
pub(crate) mod token;
pub(crate) mod vehicles;
pub(crate) mod webhooks;
