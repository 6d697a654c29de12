//! Which request means what.

use crate::{
    api::{ApiTarget, Found, Method},
    connect::{ConnectionId, StateFingerprint},
    edge::problem::Problem,
    http_api::{ProblemCode, path},
};

/// Something that can be asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Resource {
    /// `POST /connect/start`
    ConnectStart,
    /// `POST /connect/finish`
    ConnectFinish,
    /// `GET /connect/login`, by a link
    ConnectLogin,
    /// `POST /connect/login`, by a form
    ConnectLoginForm,
    /// `GET /connect/callback`
    ConnectCallback,
    /// `GET /connect/attempts/{fingerprint}`
    ShowAttempt(StateFingerprint),
    /// `GET /connections`
    ListConnections,
    /// `DELETE /connections`
    DisconnectAll,
    /// `GET /connections/{id}`
    ShowConnection(ConnectionId),
    /// `DELETE /connections/{id}`
    Disconnect(ConnectionId),
    /// `POST /connections/{id}/reconnect`
    Reconnect(ConnectionId),
    /// `GET /vehicles`
    ListVehicles,
    /// `/api/v2.0/vehicles/{id}…` or `/api/v3/vehicles/{id}…`: an endpoint of Smartcar's
    Api(ApiTarget),
    /// `POST /internal/token`
    InternalToken,
    /// `GET /internal/rotation`
    Rotation,
    /// `GET /internal/migration`
    ShowMigration,
    /// `POST /internal/migration`
    Migrate,
    /// `GET /internal/connections`
    ListPrincipals,
    /// `POST /internal/sessions`
    IssueTicket,
    /// `POST /internal/import`
    Import,
    /// `POST /session`
    OpenSession,
    /// `DELETE /session`
    EndSession,
    /// `POST /session/claim`
    ClaimSession,
    /// `POST /webhooks`
    ReceiveWebhook,
    /// `GET /openapi.json`
    OpenApi,
    /// `GET /healthz`
    Health,
}

impl Resource {
    /// The stable name, for logs: never an id.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::ConnectStart => "connect_start",
            Self::ConnectFinish => "connect_finish",
            Self::ConnectLogin => "connect_login",
            Self::ConnectLoginForm => "connect_login_form",
            Self::ConnectCallback => "connect_callback",
            Self::ShowAttempt(_) => "show_attempt",
            Self::ListConnections => "list_connections",
            Self::DisconnectAll => "disconnect_all",
            Self::ShowConnection(_) => "show_connection",
            Self::Disconnect(_) => "disconnect",
            Self::Reconnect(_) => "reconnect",
            Self::ListVehicles => "list_vehicles",
            Self::Api(target) if target.endpoint().is_batch() => "api_batch",
            Self::Api(target) if target.is_command() => "api_command",
            Self::Api(_) => "api_read",
            Self::InternalToken => "internal_token",
            Self::Rotation => "rotation",
            Self::ShowMigration => "show_migration",
            Self::Migrate => "migrate",
            Self::ListPrincipals => "list_principals",
            Self::IssueTicket => "issue_ticket",
            Self::Import => "import",
            Self::OpenSession => "open_session",
            Self::EndSession => "end_session",
            Self::ClaimSession => "claim_session",
            Self::ReceiveWebhook => "receive_webhook",
            Self::OpenApi => "openapi",
            Self::Health => "healthz",
        }
    }

    /// Whether it can change anything, and so is guarded against requests that other sites cause.
    #[must_use]
    pub fn changes_state(&self) -> bool {
        match self {
            Self::ConnectStart | Self::ConnectFinish | Self::DisconnectAll | Self::Disconnect(_) => true,
            Self::Reconnect(_) => true,
            Self::OpenSession | Self::EndSession | Self::ClaimSession => true,
            Self::ShowAttempt(_)
            | Self::ListConnections
            | Self::ShowConnection(_)
            | Self::ListVehicles
            | Self::OpenApi
            | Self::Health => false,
            // Guarded by what a navigation shows, and by the state: neither form nor link can send our header.
            Self::ConnectLogin | Self::ConnectLoginForm | Self::ConnectCallback => false,
            // Only what a link or a picture can cause counts as reading: a batch does not.
            Self::Api(target) => target.endpoint().method != Method::Get,
            // Guarded by its service key: no browser has one.
            Self::InternalToken | Self::Rotation | Self::ListPrincipals | Self::IssueTicket => false,
            Self::ShowMigration | Self::Migrate | Self::Import => false,
            // Guarded by its signature, which no page can make.
            Self::ReceiveWebhook => false,
        }
    }

    /// Whether it tells the caller what is the caller's. No page elsewhere can read it, but one may cause it.
    #[must_use]
    pub const fn tells_own(&self) -> bool {
        match self {
            Self::ListConnections
            | Self::ShowConnection(_)
            | Self::ShowAttempt(_)
            | Self::ListVehicles
            | Self::Api(_) => true,
            Self::ConnectStart | Self::ConnectFinish | Self::DisconnectAll | Self::Disconnect(_) => false,
            Self::Reconnect(_) => false,
            Self::ConnectLogin | Self::ConnectLoginForm | Self::ConnectCallback => false,
            Self::OpenSession | Self::EndSession | Self::ClaimSession => false,
            Self::InternalToken | Self::Rotation | Self::ListPrincipals | Self::IssueTicket => false,
            Self::ShowMigration | Self::Migrate | Self::Import => false,
            Self::ReceiveWebhook | Self::OpenApi | Self::Health => false,
        }
    }

    /// Whether a browser goes there and shows what is answered: problems are pages too.
    #[must_use]
    pub const fn is_page(&self) -> bool {
        matches!(
            self,
            Self::ConnectLogin | Self::ConnectLoginForm | Self::ConnectCallback
        )
    }

    /// Whether it reads by asking Smartcar, which limits and charges for what the application asks.
    #[must_use]
    pub const fn reads_from_smartcar(&self) -> bool {
        matches!(self, Self::ListVehicles | Self::Api(_))
    }

    /// Whether only the app's own back end may ask for it, by a service key.
    #[must_use]
    pub const fn is_internal(&self) -> bool {
        matches!(
            self,
            Self::InternalToken
                | Self::Rotation
                | Self::ShowMigration
                | Self::Migrate
                | Self::ListPrincipals
                | Self::IssueTicket
                | Self::Import
        )
    }

    /// Whether what counts is a signature over the body as it came: then nobody else reads that, and no cookie and no other
    /// credential is looked at.
    #[must_use]
    pub const fn is_signed(&self) -> bool {
        matches!(self, Self::ReceiveWebhook)
    }

    /// Whether it takes a body.
    #[must_use]
    pub const fn takes_body(&self) -> bool {
        match self {
            Self::ConnectStart | Self::ConnectFinish | Self::InternalToken | Self::IssueTicket => true,
            Self::OpenSession | Self::ClaimSession | Self::Reconnect(_) | Self::ReceiveWebhook | Self::Import => true,
            Self::Api(target) => target.endpoint().takes_body,
            _ => false,
        }
    }
}

/// What a method and a path lead to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Routed {
    /// To this.
    To(Resource),
    /// The preflight of a request from another origin (Fetch standard, CORS).
    Preflight {
        /// The methods of the path, for `Access-Control-Allow-Methods`.
        allow: &'static str,
    },
    /// The path is ours, the method is not.
    MethodNotAllowed {
        /// The methods of the path, for `Allow`.
        allow: &'static str,
    },
    /// The path is under our prefix and leads nowhere.
    NotFound,
    /// The path is not under our prefix.
    Outside,
}

/// Finds what `method` and `path` (percent-encoded, without query) lead to under `prefix`.
///
/// `HEAD` is answered like `GET`; the runtime drops the body.
#[must_use]
pub fn route(prefix: &str, method: &str, path: &str) -> Routed {
    let Some(rest) = path.strip_prefix(prefix) else {
        return Routed::Outside;
    };
    if !rest.is_empty() && !rest.starts_with('/') {
        return Routed::Outside;
    }
    let get = matches!(method, "GET" | "HEAD");
    let post = method == "POST";
    let delete = method == "DELETE";
    let (allow, resource) = match rest {
        path::CONNECT_START => ("POST", post.then_some(Resource::ConnectStart)),
        path::CONNECT_FINISH => ("POST", post.then_some(Resource::ConnectFinish)),
        // No `HEAD`: neither begins or ends anything that could be looked at beforehand.
        path::CONNECT_LOGIN => (
            "GET, POST",
            match method {
                "GET" => Some(Resource::ConnectLogin),
                _ => post.then_some(Resource::ConnectLoginForm),
            },
        ),
        path::CONNECT_CALLBACK => ("GET", (method == "GET").then_some(Resource::ConnectCallback)),
        path::CONNECTIONS => (
            "GET, HEAD, DELETE",
            if get {
                Some(Resource::ListConnections)
            } else {
                delete.then_some(Resource::DisconnectAll)
            },
        ),
        path::VEHICLES => ("GET, HEAD", get.then_some(Resource::ListVehicles)),
        path::INTERNAL_TOKEN => ("POST", post.then_some(Resource::InternalToken)),
        path::INTERNAL_ROTATION => ("GET, HEAD", get.then_some(Resource::Rotation)),
        path::INTERNAL_MIGRATION => (
            "GET, HEAD, POST",
            if get {
                Some(Resource::ShowMigration)
            } else {
                post.then_some(Resource::Migrate)
            },
        ),
        path::INTERNAL_CONNECTIONS => ("GET, HEAD", get.then_some(Resource::ListPrincipals)),
        path::INTERNAL_SESSIONS => ("POST", post.then_some(Resource::IssueTicket)),
        path::INTERNAL_IMPORT => ("POST", post.then_some(Resource::Import)),
        path::SESSION => (
            "POST, DELETE",
            if post {
                Some(Resource::OpenSession)
            } else {
                delete.then_some(Resource::EndSession)
            },
        ),
        path::SESSION_CLAIM => ("POST", post.then_some(Resource::ClaimSession)),
        path::WEBHOOKS => ("POST", post.then_some(Resource::ReceiveWebhook)),
        path::OPENAPI => ("GET, HEAD", get.then_some(Resource::OpenApi)),
        path::HEALTH => ("GET, HEAD", get.then_some(Resource::Health)),
        other
            if other
                .strip_prefix(path::API)
                .is_some_and(|below| below.starts_with('/')) =>
        {
            let below = other.strip_prefix(path::API).unwrap_or_default();
            match ApiTarget::find(method, below) {
                Found::Target(target) => return Routed::To(Resource::Api(target)),
                Found::Methods(methods) => (allowed(&methods), None),
                Found::Nothing => return Routed::NotFound,
            }
        }
        other if path::attempt_fingerprint(other).is_some() => {
            let fingerprint = path::attempt_fingerprint(other).and_then(|text| StateFingerprint::parse(text).ok());
            let Some(fingerprint) = fingerprint else {
                return Routed::NotFound;
            };
            ("GET, HEAD", get.then_some(Resource::ShowAttempt(fingerprint)))
        }
        other if other.ends_with(path::RECONNECT) => {
            let connection = other.strip_suffix(path::RECONNECT).and_then(path::connection_id);
            let Some(id) = connection.and_then(|id| ConnectionId::parse(id).ok()) else {
                return Routed::NotFound;
            };
            ("POST", post.then_some(Resource::Reconnect(id)))
        }
        other => {
            let id = path::connection_id(other).and_then(|id| ConnectionId::parse(id).ok());
            let Some(id) = id else {
                return Routed::NotFound;
            };
            (
                "GET, HEAD, DELETE",
                if get {
                    Some(Resource::ShowConnection(id))
                } else {
                    delete.then_some(Resource::Disconnect(id))
                },
            )
        }
    };
    match resource {
        Some(resource) => Routed::To(resource),
        None if method == "OPTIONS" => Routed::Preflight { allow },
        None => Routed::MethodNotAllowed { allow },
    }
}

/// The methods of an endpoint of Smartcar's, for `Allow`. `HEAD` is none of them: it would cost what `GET` costs, for nothing.
fn allowed(methods: &[Method]) -> &'static str {
    let has = |method| methods.contains(&method);
    match (
        has(Method::Get),
        has(Method::Post),
        has(Method::Put),
        has(Method::Delete),
    ) {
        (true, true, ..) => "GET, POST",
        (true, _, true, _) => "GET, PUT",
        (true, ..) => "GET",
        (_, true, _, true) => "POST, DELETE",
        (_, _, _, true) => "DELETE",
        _ => "POST",
    }
}

/// What is said where [`route`] finds nothing at `path`.
#[must_use]
pub fn nothing_here(prefix: &str, path: &str) -> Problem {
    let below = path.strip_prefix(prefix).and_then(|path| path.strip_prefix(path::API));
    let detail = match below.filter(|below| below.is_empty() || below.starts_with('/')) {
        Some("/v2.0/vehicles" | "/v3/vehicles") => [
            "what Smartcar lists are not the caller's vehicles: those of all of the caller's connections are at `",
            prefix,
            path::VEHICLES,
            "`",
        ]
        .concat(),
        Some("/v2.0/user") => {
            "Smartcar's id of the owner is for the app's back end: ask Smartcar for it with a token".to_owned()
        }
        Some(_) => [
            "no endpoint of Smartcar's that is passed on has this path: they are `",
            prefix,
            path::API,
            "/v2.0/vehicles/{id}`, `",
            prefix,
            path::API,
            "/v3/vehicles/{id}` and what the documentation lists below them, makes in small letters",
        ]
        .concat(),
        None => ["there is no such route; all of the Worker's are below `", prefix, "/`"].concat(),
    };
    Problem::new(ProblemCode::NotFound, detail)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        api::{ENDPOINTS, Endpoint},
        connect::State,
    };

    fn at(method: &str, path: &str) -> Routed {
        route("/smartcar", method, path)
    }

    #[test]
    fn every_route_is_found() {
        let id = ConnectionId::from_random([7; 16]);
        let one = format!("/smartcar/connections/{}", id.as_str());
        let fingerprint = State::from_random([7; 32]).fingerprint();
        let attempt = format!("/smartcar/connect/attempts/{}", fingerprint.as_str());
        for (method, path, resource) in [
            ("POST", "/smartcar/connect/start", Resource::ConnectStart),
            ("POST", "/smartcar/connect/finish", Resource::ConnectFinish),
            ("GET", "/smartcar/connect/login", Resource::ConnectLogin),
            ("POST", "/smartcar/connect/login", Resource::ConnectLoginForm),
            ("GET", "/smartcar/connect/callback", Resource::ConnectCallback),
            ("GET", &attempt, Resource::ShowAttempt(fingerprint)),
            ("GET", "/smartcar/connections", Resource::ListConnections),
            ("HEAD", "/smartcar/connections", Resource::ListConnections),
            ("DELETE", "/smartcar/connections", Resource::DisconnectAll),
            ("GET", &one, Resource::ShowConnection(id.clone())),
            ("DELETE", &one, Resource::Disconnect(id.clone())),
            ("POST", &format!("{one}/reconnect"), Resource::Reconnect(id)),
            ("GET", "/smartcar/vehicles", Resource::ListVehicles),
            ("POST", "/smartcar/internal/token", Resource::InternalToken),
            ("GET", "/smartcar/internal/rotation", Resource::Rotation),
            ("GET", "/smartcar/internal/migration", Resource::ShowMigration),
            ("POST", "/smartcar/internal/migration", Resource::Migrate),
            ("GET", "/smartcar/internal/connections", Resource::ListPrincipals),
            ("POST", "/smartcar/internal/sessions", Resource::IssueTicket),
            ("POST", "/smartcar/internal/import", Resource::Import),
            ("POST", "/smartcar/session", Resource::OpenSession),
            ("DELETE", "/smartcar/session", Resource::EndSession),
            ("POST", "/smartcar/session/claim", Resource::ClaimSession),
            ("POST", "/smartcar/webhooks", Resource::ReceiveWebhook),
            ("GET", "/smartcar/openapi.json", Resource::OpenApi),
            ("GET", "/smartcar/healthz", Resource::Health),
        ] {
            assert_eq!(at(method, path), Routed::To(resource), "{method} {path}");
        }
    }

    #[test]
    fn each_route_is_guarded_and_read_as_what_it_is() {
        const PAGE: &str = "page";
        const INTERNAL: &str = "internal";
        const SIGNED: &str = "signed";
        const BODY: &str = "body";
        const CHANGES: &str = "changes";
        const OWN: &str = "own";
        const UPSTREAM: &str = "upstream";
        let said = |method: &str, path: &str| {
            let Routed::To(resource) = at(method, &format!("/smartcar{path}")) else {
                panic!("{method} {path}");
            };
            let all = [
                (resource.is_page(), PAGE),
                (resource.is_internal(), INTERNAL),
                (resource.is_signed(), SIGNED),
                (resource.takes_body(), BODY),
                (resource.changes_state(), CHANGES),
                (resource.tells_own(), OWN),
                (resource.reads_from_smartcar(), UPSTREAM),
            ];
            all.into_iter()
                .filter_map(|(is, name)| is.then_some(name))
                .collect::<Vec<_>>()
        };
        let id = ConnectionId::from_random([7; 16]);
        let one = format!("/connections/{}", id.as_str());
        let attempt = format!(
            "/connect/attempts/{}",
            State::from_random([7; 32]).fingerprint().as_str()
        );
        for (method, path, expected) in [
            ("POST", "/connect/start", &[BODY, CHANGES][..]),
            ("POST", "/connect/finish", &[BODY, CHANGES]),
            ("GET", "/connect/login", &[PAGE]),
            ("POST", "/connect/login", &[PAGE]),
            ("GET", "/connect/callback", &[PAGE]),
            ("GET", &attempt, &[OWN]),
            ("GET", "/connections", &[OWN]),
            ("DELETE", "/connections", &[CHANGES]),
            ("GET", &one, &[OWN]),
            ("DELETE", &one, &[CHANGES]),
            ("POST", &format!("{one}/reconnect"), &[BODY, CHANGES]),
            ("GET", "/vehicles", &[OWN, UPSTREAM]),
            ("POST", "/internal/token", &[INTERNAL, BODY]),
            ("GET", "/internal/rotation", &[INTERNAL]),
            ("GET", "/internal/migration", &[INTERNAL]),
            ("POST", "/internal/migration", &[INTERNAL]),
            ("GET", "/internal/connections", &[INTERNAL]),
            ("POST", "/internal/sessions", &[INTERNAL, BODY]),
            ("POST", "/session", &[BODY, CHANGES]),
            ("DELETE", "/session", &[CHANGES]),
            ("POST", "/session/claim", &[BODY, CHANGES]),
            ("POST", "/webhooks", &[SIGNED, BODY]),
            ("GET", "/openapi.json", &[]),
            ("GET", "/healthz", &[]),
            ("GET", "/api/v2.0/vehicles/v1/odometer", &[OWN, UPSTREAM]),
            ("POST", "/api/v2.0/vehicles/v1/batch", &[BODY, CHANGES, OWN, UPSTREAM]),
            (
                "POST",
                "/api/v2.0/vehicles/v1/security",
                &[BODY, CHANGES, OWN, UPSTREAM],
            ),
            ("GET", "/api/v3/vehicles/v1/signals", &[OWN, UPSTREAM]),
        ] {
            assert_eq!(said(method, path), expected, "{method} {path}");
        }
    }

    #[test]
    fn every_endpoint_of_smartcars_is_found_with_its_methods() {
        let path_of = |one: &Endpoint| {
            let make = one.makes.first().unwrap_or(&"");
            let below = one.template.replace("{make}", make).replace("{signalCode}", "a-b");
            let below = below.replace("{scheduleId}", "sched_1");
            format!("/smartcar/api{}/v1{below}", one.vehicles_path())
        };
        for one in ENDPOINTS {
            let path = path_of(one);
            let Routed::To(resource) = at(one.method.as_str(), &path) else {
                panic!("{path}");
            };
            assert!(
                matches!(&resource, Resource::Api(target) if target.endpoint() == one),
                "{path}"
            );
            assert!(resource.tells_own() && resource.reads_from_smartcar());
            assert_eq!(resource.changes_state(), one.method != Method::Get);
            let has = |method: &&str| {
                let mut others = ENDPOINTS.iter().filter(|other| path_of(other) == path);
                others.any(|other| other.method.as_str() == *method)
            };
            let there: Vec<&str> = ["GET", "POST", "PUT", "DELETE"].into_iter().filter(has).collect();
            let allow = Routed::MethodNotAllowed {
                allow: there.join(", ").leak(),
            };
            assert_eq!(at("PATCH", &path), allow, "{path}");
            assert_eq!(at("HEAD", &path), allow, "{path}");
        }
        let name = |method, below: &str| match at(method, &format!("/smartcar/api/v2.0/vehicles/v1{below}")) {
            Routed::To(resource) => resource.name(),
            _ => "none",
        };
        assert_eq!(name("GET", "/odometer"), "api_read");
        assert_eq!(name("POST", "/batch"), "api_batch");
        assert_eq!(name("DELETE", "/tesla/pin"), "api_command");
        let v3 = |method, below: &str| at(method, &format!("/smartcar/api/v3/vehicles/v1{below}"));
        for (method, below, named) in [
            ("GET", "/signals", "api_read"),
            ("POST", "/commands/security/lock", "api_command"),
            ("DELETE", "/charge-schedules/sched_1", "api_command"),
        ] {
            assert!(
                matches!(v3(method, below), Routed::To(resource) if resource.name() == named),
                "{below}"
            );
        }
        let allow = "DELETE";
        assert_eq!(
            v3("GET", "/charge-schedules/sched_1"),
            Routed::MethodNotAllowed { allow }
        );
    }

    #[test]
    fn who_asks_for_what_is_not_passed_on_is_told_where_to_look() {
        let detail = |path| nothing_here("/smartcar", path).detail;
        assert!(detail("/smartcar/api/v2.0/vehicles").contains("`/smartcar/vehicles`"));
        assert!(detail("/smartcar/api/v2.0/user").contains("back end"));
        assert!(detail("/smartcar/api/v2.0/vehicles/x/TESLA/battery").contains("small letters"));
        assert!(detail("/smartcar/apix").contains("no such route"));
        assert!(detail("/other").contains("no such route"));
    }

    #[test]
    fn what_is_not_ours_is_not_found() {
        for path in [
            "/smartcar/api",
            "/smartcar/api/",
            "/smartcar/api/v2.0/vehicles",
            "/smartcar/api/v2.0/user",
            "/smartcar/api/v3/vehicles",
            "/smartcar/api/v3/connections",
            "/smartcar/api/v3/users/u1",
            "/smartcar/api/v3/vehicles/v1/odometer",
            "/smartcar/apiv2.0/vehicles/v1/odometer",
            "/smartcar/api//v2.0/vehicles/v1/odometer",
            "/smartcar/api/v2.0/vehicles/v1/application",
            "/smartcar",
            "/smartcar/",
            "/smartcar/connect",
            "/smartcar//connect/start",
            "/smartcar/connect/start/",
            "/smartcar/connect%2Fstart",
            "/smartcar/connections/x",
            "/smartcar/connect/attempts",
            "/smartcar/connect/attempts/",
            "/smartcar/connect/attempts/short",
            "/smartcar/connections/",
            "/smartcar/../smartcar/healthz",
        ] {
            assert_eq!(at("GET", path), Routed::NotFound, "{path}");
        }
        for path in ["/", "/index.html", "/smartcarx/healthz", "/SMARTCAR/healthz"] {
            assert_eq!(at("GET", path), Routed::Outside, "{path}");
        }
    }

    #[test]
    fn a_wrong_method_is_told_the_right_ones() {
        assert_eq!(
            at("GET", "/smartcar/connect/start"),
            Routed::MethodNotAllowed { allow: "POST" }
        );
        assert_eq!(
            at("POST", "/smartcar/connections"),
            Routed::MethodNotAllowed {
                allow: "GET, HEAD, DELETE"
            }
        );
        assert_eq!(
            at("post", "/smartcar/connect/start"),
            Routed::MethodNotAllowed { allow: "POST" }
        );
        assert_eq!(
            at("OPTIONS", "/smartcar/connect/start"),
            Routed::Preflight { allow: "POST" }
        );
    }
}
