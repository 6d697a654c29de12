//! Where the routes of the Worker lie, below the path at which it is mounted.

/// Where the Worker is mounted unless its operator and the app say otherwise.
pub const DEFAULT_MOUNT: &str = "/smartcar";

/// `POST`: notes that a connection is started.
pub const CONNECT_START: &str = "/connect/start";

/// `POST`: finishes a connection.
pub const CONNECT_FINISH: &str = "/connect/finish";

/// `GET` by a link and `POST` by a form, for pages without JavaScript: begins a connection and goes to Connect.
#[cfg(feature = "edge")]
pub const CONNECT_LOGIN: &str = "/connect/login";

/// `GET`, where Connect sends back who has come from [`CONNECT_LOGIN`].
#[cfg(feature = "edge")]
pub const CONNECT_CALLBACK: &str = "/connect/callback";

/// `GET`, with `/` and the fingerprint of a state: what became of the attempt.
pub const ATTEMPTS: &str = "/connect/attempts";

/// `GET`: the connections of the caller; `DELETE`: ends all of them. With `/` and an id: one of them.
pub const CONNECTIONS: &str = "/connections";

/// `POST`, below one connection: what mends it.
pub const RECONNECT: &str = "/reconnect";

/// `GET`: the vehicles of the caller.
pub const VEHICLES: &str = "/vehicles";

/// Smartcar's own paths, from `/v2.0/` on, with the caller's token added.
#[cfg(feature = "edge")]
pub const API: &str = "/api";

/// `POST`, for the app's own back end: an access token.
pub const INTERNAL_TOKEN: &str = "/internal/token";

/// `GET`, for the app's own back end: the principals with a connection whose owner has to act.
pub const INTERNAL_CONNECTIONS: &str = "/internal/connections";

/// `GET`, for the operator: how far the rotation of the sealing keys is.
pub const INTERNAL_ROTATION: &str = "/internal/rotation";

/// `GET`, for the operator: which connections were moved from Smartcar's v2 to its v3; `POST`: moves more of them.
pub const INTERNAL_MIGRATION: &str = "/internal/migration";

/// `POST`, for the app's own back end: a ticket that opens a session of a user's.
pub const INTERNAL_SESSIONS: &str = "/internal/sessions";

/// `POST`, for the app's own back end: takes over a grant whose refresh token it has kept so far.
pub const INTERNAL_IMPORT: &str = "/internal/import";

/// `POST`: opens a session by a ticket; `DELETE`: ends the caller's.
pub const SESSION: &str = "/session";

/// `POST`: brings what an anonymous session has connected along to the user who has signed in.
pub const SESSION_CLAIM: &str = "/session/claim";

/// `POST`, for Smartcar: an event.
#[cfg(feature = "edge")]
pub const WEBHOOKS: &str = "/webhooks";

/// `GET`: the description of all of this, in OpenAPI.
pub const OPENAPI: &str = "/openapi.json";

/// `GET`: whether the Worker is set up.
pub const HEALTH: &str = "/healthz";

/// The fingerprint in the path of one attempt, as it stands there; `None` if it is another path.
#[must_use]
pub fn attempt_fingerprint(path: &str) -> Option<&str> {
    path.strip_prefix(ATTEMPTS)?.strip_prefix('/')
}

/// The id in the path of one connection, as it stands there; `None` if it is another path.
#[must_use]
pub fn connection_id(path: &str) -> Option<&str> {
    path.strip_prefix(CONNECTIONS)?.strip_prefix('/')
}
