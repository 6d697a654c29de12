//! What each route does.

pub(crate) mod connect;
pub(crate) mod connections;
pub(crate) mod rotation;
pub(crate) mod session;
pub(crate) mod token;
pub(crate) mod vehicles;
