//! `POST /internal/token`: a fresh access token for the app's own back end.

use serde::{Deserialize, Serialize};
use smartcar_connect::{
    connect::VehicleId,
    edge::{Caller, Problem, ProblemCode, Select},
    time::UnixMillis,
    vault::{ConnectionId, Principal},
};
use worker::Request;

use crate::{
    dispatch::Work,
    http::{self, Answer, header},
    vault_client,
};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct TokenWanted {
    principal: String,
    connection_id: Option<String>,
    vehicle_id: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct TokenIssued<'a> {
    access_token: &'a str,
    expires_at: UnixMillis,
    connection_id: &'a str,
}

pub(crate) async fn issue(request: &mut Request, work: &Work<'_>, _now: UnixMillis) -> Result<Answer, Problem> {
    let authorization = header(request.headers(), "authorization").unwrap_or_default();
    let accepted = authorization
        .strip_prefix("Bearer ")
        .is_some_and(|key| work.config.is_service_key(key));
    if !accepted {
        let detail = "send `Authorization: Bearer` and one of the Worker's `SERVICE_KEYS`";
        return Err(Problem::new(ProblemCode::ServiceKeyRejected, detail).with_field("Authorization"));
    }
    let body: TokenWanted = http::json_body(request).await?;
    let principal = Principal::parse(&body.principal)?;
    let select = match (body.connection_id, body.vehicle_id) {
        (Some(id), None) => Select::Connection(ConnectionId::parse(&id).map_err(|error| {
            Problem::new(ProblemCode::InvalidParameter, error.to_string()).with_field("connectionId")
        })?),
        (None, Some(id)) => Select::Vehicle(VehicleId::parse(&id).map_err(|error| error.renamed("vehicleId"))?),
        _ => {
            let detail = "give either `connectionId` or `vehicleId`";
            return Err(Problem::new(ProblemCode::InvalidParameter, detail).with_field("connectionId"));
        }
    };
    let caller = Caller {
        principal,
        session_ends_at: None,
    };
    let token = vault_client::token(work.env, &work.config, &caller, select).await?;
    Ok(Answer::json(&TokenIssued {
        access_token: &token.access_token,
        expires_at: token.expires_at,
        connection_id: token.connection_id.as_str(),
    }))
}
