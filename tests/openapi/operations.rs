//! Every operation of the HTTP API, beside the [`Resource`] that it asks for: a route without one does not compile.

use serde_json::{Value, json};
use smartcar_connect::{
    connect::{ConnectionId, State, StateFingerprint},
    edge::Resource,
    http_api::{
        FinishRequest, ProblemCode, StartRequest,
        import::ImportRequest,
        path,
        session::{ClaimRequest, SessionRequest, TicketRequest},
        token::TokenRequestBody,
    },
};

use super::{bodies, doc_comments::DocComments, passed_on};

/// Who may ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Credential {
    /// Anybody.
    None,
    /// Anybody; to whom has no session nothing belongs.
    SessionOrNone,
    /// Who has a session.
    Session,
    /// The app's own back end.
    ServiceKey,
}

/// What is answered when all went well.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Success {
    /// 200 and a body of the schema of this name.
    Body(&'static str),
    /// 200 and a JSON object of somebody else's form.
    Object,
    /// 204.
    Nothing,
    /// 303, to this.
    Redirect(&'static str),
    /// 200 and a page, or 303, to this.
    PageOrRedirect(&'static str),
    /// What Smartcar answers with success.
    Smartcar,
}

pub(crate) struct Operation {
    pub(crate) method: &'static str,
    /// The path below the mount, with a parameter in braces.
    pub(crate) path: String,
    pub(crate) summary: &'static str,
    pub(crate) credential: Credential,
    pub(crate) request: Option<fn(&DocComments) -> Value>,
    /// What the session cookie is to the answer.
    pub(crate) cookie: Option<&'static str>,
    pub(crate) success: Success,
    /// The problems that are its own. What any request to any route can be answered with is added, and what its guards say.
    pub(crate) problems: Vec<ProblemCode>,
}

/// The parameter of a path.
pub(crate) fn parameter(name: &str) -> Value {
    let (pattern, description) = match name {
        "fingerprint" => (
            "^[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$",
            "The fingerprint of the attempt's state: the base64url of its SHA-256.",
        ),
        "signalCode" => ("^[a-z0-9]{1,31}-[a-z0-9]{1,32}$", "Smartcar's code of the signal."),
        "scheduleId" => ("^[A-Za-z0-9_-]{1,64}$", "Smartcar's id of the charge schedule."),
        "vehicleId" => ("^[A-Za-z0-9_-]{1,64}$", "Smartcar's id of the vehicle."),
        "id" => ("^[A-Za-z0-9_-]{21}[AQgw]$", "The connection's id."),
        other => panic!("say in `parameter` what `{{{other}}}` is"),
    };
    json!({
        "name": name,
        "in": "path",
        "required": true,
        "description": description,
        "schema": {"type": "string", "pattern": pattern},
    })
}

/// An attempt and a connection, as they are named in a path.
pub(crate) fn fingerprint() -> StateFingerprint {
    State::from_random([7; 32]).fingerprint()
}

pub(crate) fn id() -> ConnectionId {
    ConnectionId::from_random([7; 16])
}

macro_rules! operations {
    ($($resource:pat, $example:expr => $operation:expr;)+) => {
        /// What is described of a resource.
        pub(crate) fn of(resource: &Resource) -> Operation {
            match resource {
                $($resource => $operation,)+
            }
        }

        /// One of each kind; of what is passed on, one of each endpoint.
        pub(crate) fn resources() -> Vec<Resource> {
            let kinds = vec![$($example,)+];
            let own = kinds.into_iter().filter(|one| !matches!(one, Resource::Api(_)));
            own.chain(passed_on::resources()).collect()
        }
    };
}

operations! {
    Resource::ConnectStart, Resource::ConnectStart => Operation {
        method: "POST",
        path: path::CONNECT_START.to_owned(),
        summary: "Note that the caller starts a connection, for ten minutes",
        credential: Credential::SessionOrNone,
        request: Some(bodies::schema::<StartRequest>),
        cookie: Some("Opens a session, if there is none."),
        success: Success::Body("StartResponse"),
        problems: vec![ProblemCode::InvalidParameter, ProblemCode::TooManyRequests, ProblemCode::StorageUnavailable],
    };
    Resource::ConnectFinish, Resource::ConnectFinish => Operation {
        method: "POST",
        path: path::CONNECT_FINISH.to_owned(),
        summary: "Finish a connection: exchange the code of a callback",
        credential: Credential::Session,
        request: Some(bodies::schema::<FinishRequest>),
        cookie: None,
        success: Success::Body("FinishOutcome"),
        problems: called(&["state_", "callback_"])
            .chain(exchanged())
            .chain([ProblemCode::TooManyRequests, ProblemCode::SessionMissing])
            .collect(),
    };
    Resource::ConnectLogin, Resource::ConnectLogin => login("GET", "Begin a connection by a link on a page without JavaScript: go to Connect");
    Resource::ConnectLoginForm, Resource::ConnectLoginForm => login("POST", "Begin a connection by a form without fields: go to Connect");
    Resource::ConnectCallback, Resource::ConnectCallback => Operation {
        method: "GET",
        path: path::CONNECT_CALLBACK.to_owned(),
        summary: "Finish a connection that was begun by `/connect/login`: Connect's redirect ends here",
        // The first visit comes from Connect's site: it is answered without a look at who comes.
        credential: Credential::SessionOrNone,
        request: None,
        cookie: None,
        success: Success::PageOrRedirect("The `return_to` of the start, with the parameter `smartcar`."),
        problems: called(&["state_", "callback_"])
            .chain(exchanged())
            .chain([ProblemCode::TooManyRequests])
            .collect(),
    };
    Resource::ShowAttempt(_), Resource::ShowAttempt(fingerprint()) => Operation {
        method: "GET",
        path: format!("{}/{{fingerprint}}", path::ATTEMPTS),
        summary: "What became of an attempt of the caller's; one that failed is answered with the problem of its finish",
        credential: Credential::Session,
        request: None,
        cookie: None,
        success: Success::Body("AttemptResponse"),
        problems: exchanged().chain([ProblemCode::StateUnknown, ProblemCode::StateExpired]).collect(),
    };
    Resource::ListConnections, Resource::ListConnections => Operation {
        method: "GET",
        path: path::CONNECTIONS.to_owned(),
        summary: "The connections of the caller",
        credential: Credential::SessionOrNone,
        request: None,
        cookie: None,
        success: Success::Body("ConnectionList"),
        problems: vec![ProblemCode::StorageUnavailable],
    };
    Resource::DisconnectAll, Resource::DisconnectAll => Operation {
        method: "DELETE",
        path: path::CONNECTIONS.to_owned(),
        summary: "Disconnect and delete everything of the caller, and end the session",
        credential: Credential::SessionOrNone,
        request: None,
        cookie: Some("Ends the session."),
        success: Success::Nothing,
        problems: vec![ProblemCode::StorageUnavailable],
    };
    Resource::ShowConnection(_), Resource::ShowConnection(id()) => Operation {
        method: "GET",
        path: format!("{}/{{id}}", path::CONNECTIONS),
        summary: "A connection of the caller's",
        credential: Credential::SessionOrNone,
        request: None,
        cookie: None,
        success: Success::Body("Connection"),
        problems: vec![ProblemCode::ConnectionNotFound, ProblemCode::StorageUnavailable],
    };
    Resource::Disconnect(_), Resource::Disconnect(id()) => Operation {
        method: "DELETE",
        path: format!("{}/{{id}}", path::CONNECTIONS),
        summary: "Disconnect a connection: Smartcar is told, the tokens are deleted",
        credential: Credential::SessionOrNone,
        request: None,
        cookie: None,
        success: Success::Nothing,
        problems: vec![ProblemCode::ConnectionNotFound, ProblemCode::StorageUnavailable],
    };
    Resource::Reconnect(_), Resource::Reconnect(id()) => Operation {
        method: "POST",
        path: format!("{}/{{id}}{}", path::CONNECTIONS, path::RECONNECT),
        summary: "Which flow mends a connection of the caller's; note the attempt for ten minutes, unless nothing comes back of it",
        credential: Credential::Session,
        request: Some(bodies::schema::<StartRequest>),
        cookie: None,
        success: Success::Body("ReconnectResponse"),
        problems: vec![
            ProblemCode::InvalidParameter,
            ProblemCode::ConnectionNotFound,
            ProblemCode::NothingToMend,
            ProblemCode::TooManyRequests,
            ProblemCode::StorageUnavailable,
        ],
    };
    Resource::ListVehicles, Resource::ListVehicles => Operation {
        method: "GET",
        path: path::VEHICLES.to_owned(),
        summary: "The vehicles of all of the caller's connections, as Smartcar describes them",
        credential: Credential::SessionOrNone,
        request: None,
        cookie: None,
        success: Success::Body("VehicleList"),
        problems: vec![ProblemCode::TooManyRequests, ProblemCode::StorageUnavailable],
    };
    Resource::Api(target), passed_on::resources().remove(0) => passed_on::operation(target);
    Resource::InternalToken, Resource::InternalToken => Operation {
        method: "POST",
        path: path::INTERNAL_TOKEN.to_owned(),
        summary: "A fresh access token of one connection: `session` or `principal`, and `vehicleId` or `connectionId`",
        credential: Credential::ServiceKey,
        request: Some(bodies::schema::<TokenRequestBody>),
        cookie: None,
        success: Success::Body("TokenResponseBody"),
        problems: vec![
            ProblemCode::InvalidParameter,
            ProblemCode::SessionMissing,
            ProblemCode::EndpointNotAllowed,
            ProblemCode::ConnectionNotFound,
            ProblemCode::ReconnectionRequired,
            ProblemCode::UpstreamUnavailable,
            ProblemCode::StorageUnavailable,
        ],
    };
    Resource::ListPrincipals, Resource::ListPrincipals => Operation {
        method: "GET",
        path: path::INTERNAL_CONNECTIONS.to_owned(),
        summary: "The principals with a connection whose owner has to act, page by page",
        credential: Credential::ServiceKey,
        request: None,
        cookie: None,
        success: Success::Body("PrincipalList"),
        problems: vec![ProblemCode::InvalidParameter, ProblemCode::StorageUnavailable],
    };
    Resource::ShowMigration, Resource::ShowMigration => Operation {
        method: "GET",
        path: path::INTERNAL_MIGRATION.to_owned(),
        summary: "How far the connections are on the way from Smartcar's v2 to its v3, page by page",
        credential: Credential::ServiceKey,
        request: None,
        cookie: None,
        success: Success::Body("MigrationResponse"),
        problems: vec![ProblemCode::InvalidParameter, ProblemCode::StorageUnavailable],
    };
    Resource::Migrate, Resource::Migrate => Operation {
        method: "POST",
        path: path::INTERNAL_MIGRATION.to_owned(),
        summary: "Moves the connections of a page, or takes them back, as `SMARTCAR_MIGRATION` says",
        credential: Credential::ServiceKey,
        request: None,
        cookie: None,
        success: Success::Body("MigrationResponse"),
        problems: vec![
            ProblemCode::InvalidParameter,
            ProblemCode::EndpointNotAllowed,
            ProblemCode::InvalidClient,
            ProblemCode::UpstreamUnavailable,
            ProblemCode::StorageUnavailable,
        ],
    };
    Resource::IssueTicket, Resource::IssueTicket => Operation {
        method: "POST",
        path: path::INTERNAL_SESSIONS.to_owned(),
        summary: "A ticket for the page of a user of the app's: it opens one session that speaks for that user",
        credential: Credential::ServiceKey,
        request: Some(bodies::schema::<TicketRequest>),
        cookie: None,
        success: Success::Body("TicketResponse"),
        problems: vec![ProblemCode::StorageUnavailable],
    };
    Resource::Import, Resource::Import => Operation {
        method: "POST",
        path: path::INTERNAL_IMPORT.to_owned(),
        summary: "Take over a grant of Smartcar's v2 whose refresh token the app's back end has kept so far",
        credential: Credential::ServiceKey,
        request: Some(bodies::schema::<ImportRequest>),
        cookie: None,
        success: Success::Body("Connection"),
        problems: vec![
            ProblemCode::InvalidParameter,
            ProblemCode::EndpointNotAllowed,
            ProblemCode::ReconnectionRequired,
            ProblemCode::InvalidClient,
            ProblemCode::UpstreamUnavailable,
            ProblemCode::StorageUnavailable,
        ],
    };
    Resource::OpenSession, Resource::OpenSession => Operation {
        method: "POST",
        path: path::SESSION.to_owned(),
        summary: "Open a session for a user of the app's, by a ticket",
        credential: Credential::SessionOrNone,
        request: Some(bodies::schema::<SessionRequest>),
        cookie: Some("Opens the session."),
        success: Success::Body("SessionResponse"),
        problems: vec![ProblemCode::TicketRejected, ProblemCode::TooManyRequests, ProblemCode::StorageUnavailable],
    };
    Resource::EndSession, Resource::EndSession => Operation {
        method: "DELETE",
        path: path::SESSION.to_owned(),
        summary: "Sign out: end the session of the caller, or all of the principal's with the query `everywhere`",
        credential: Credential::SessionOrNone,
        request: None,
        cookie: Some("Ends the session."),
        success: Success::Nothing,
        problems: vec![ProblemCode::StorageUnavailable],
    };
    Resource::ClaimSession, Resource::ClaimSession => Operation {
        method: "POST",
        path: path::SESSION_CLAIM.to_owned(),
        summary: "Bring what the anonymous session has connected along to the user who has signed in, and end that session",
        credential: Credential::SessionOrNone,
        request: Some(bodies::schema::<ClaimRequest>),
        cookie: Some("Opens the session of a ticket, or ends the anonymous one."),
        success: Success::Body("ClaimResponse"),
        problems: vec![
            ProblemCode::InvalidParameter,
            ProblemCode::TicketRejected,
            ProblemCode::TooManyRequests,
            ProblemCode::StorageUnavailable,
        ],
    };
    Resource::Rotation, Resource::Rotation => Operation {
        method: "GET",
        path: path::INTERNAL_ROTATION.to_owned(),
        summary: "How far the sweep is that seals again what retired keys sealed",
        credential: Credential::ServiceKey,
        request: None,
        cookie: None,
        success: Success::Body("RotationResponse"),
        problems: vec![ProblemCode::StorageUnavailable],
    };
    Resource::ReceiveWebhook, Resource::ReceiveWebhook => Operation {
        method: "POST",
        path: path::WEBHOOKS.to_owned(),
        summary: "An event of Smartcar's, signed by the header `SC-Signature`; 404 unless webhooks are switched on. The answer \
                  to a challenge has its HMAC as `challenge`, any other is empty",
        credential: Credential::None,
        request: Some(|_| json!({"type": "object"})),
        cookie: None,
        success: Success::Object,
        problems: vec![ProblemCode::SignatureRejected, ProblemCode::NotFound, ProblemCode::StorageUnavailable],
    };
    Resource::OpenApi, Resource::OpenApi => Operation {
        method: "GET",
        path: path::OPENAPI.to_owned(),
        summary: "This description",
        credential: Credential::None,
        request: None,
        cookie: None,
        success: Success::Object,
        problems: Vec::new(),
    };
    Resource::Health, Resource::Health => Operation {
        method: "GET",
        path: path::HEALTH.to_owned(),
        summary: "Whether the Worker is set up",
        credential: Credential::None,
        request: None,
        cookie: None,
        success: Success::Body("Health"),
        problems: Vec::new(),
    };
}

fn login(method: &'static str, summary: &'static str) -> Operation {
    Operation {
        method,
        path: path::CONNECT_LOGIN.to_owned(),
        summary,
        credential: Credential::SessionOrNone,
        request: None,
        cookie: Some("Opens a session, if there is none; another cookie keeps `return_to`."),
        success: Success::Redirect("Connect."),
        problems: vec![
            ProblemCode::InvalidParameter,
            ProblemCode::OriginNotAllowed,
            ProblemCode::TooManyRequests,
            ProblemCode::StorageUnavailable,
        ],
    }
}

/// The problems whose names begin so.
fn called(starts: &'static [&'static str]) -> impl Iterator<Item = ProblemCode> {
    let all = ProblemCode::ALL.iter().copied();
    all.filter(|code| starts.iter().any(|start| code.as_str().starts_with(start)))
}

/// What a finish can come to that brings no connection.
fn exchanged() -> impl Iterator<Item = ProblemCode> {
    [
        ProblemCode::CodeMissing,
        ProblemCode::UserIdMissing,
        ProblemCode::ConnectionNotConfirmed,
        ProblemCode::ExchangeRefused,
        ProblemCode::InvalidClient,
        ProblemCode::UpstreamUnavailable,
        ProblemCode::ConnectionNotFound,
        ProblemCode::StorageUnavailable,
    ]
    .into_iter()
}
