//! `GET /internal/connections`: whose owner has to act, for the app's own back end.

use core::fmt;

use serde::{Deserialize, Serialize};

use super::{
    connection::{CONNECTION, Connection},
    schema::{Kind, Schema, field},
};

/// A principal with connections whose owner has to act.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PrincipalConnections {
    /// Whose they are, as in the answers of `POST /internal/token`.
    pub principal: String,
    /// The id that the app's log-in gives the user; `null` for the owner of an anonymous session.
    pub user: Option<String>,
    /// The connections with a wanted status, the oldest first. At least one.
    pub connections: Vec<Connection>,
}

/// The table of [`PrincipalConnections`].
pub const PRINCIPAL_CONNECTIONS: Schema = &[
    field("principal", Kind::Text),
    field("user", Kind::Text).nullable(),
    field("connections", Kind::Array(CONNECTION)),
];

/// A page of the list of those whose owner has to act.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PrincipalList {
    /// Those of this page, none perhaps, though others follow.
    pub principals: Vec<PrincipalConnections>,
    /// Asks for the next page, as the parameter `cursor`; `null` after the last.
    pub cursor: Option<String>,
}

/// The table of [`PrincipalList`].
pub const PRINCIPAL_LIST: Schema = &[
    field("principals", Kind::Array(PRINCIPAL_CONNECTIONS)),
    field("cursor", Kind::Text).nullable(),
];

impl fmt::Debug for PrincipalConnections {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PrincipalConnections")
            .field("connections", &self.connections)
            .finish_non_exhaustive()
    }
}
