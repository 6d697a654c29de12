//! `POST /internal/token`: a fresh access token for the app's own back end.

use smartcar_connect::{
    connect::{ConnectionId, VehicleId},
    edge::{Caller, ConnectionSelector, Problem},
    http_api::{
        ProblemCode,
        token::{TokenRequestBody, TokenResponseBody},
    },
    identity::{Identity, Session},
    principal::Principal,
    token::AccessToken,
};

use crate::{context::RequestContext, http::HttpResponse, vault_client};

pub(crate) async fn issue(context: &RequestContext<'_>) -> Result<HttpResponse, Problem> {
    let body: TokenRequestBody = context.json_body().await?;
    let named = context.identity.and_then(Identity::principal);
    let caller = match (body.principal, body.session, named) {
        (None, None, Some(principal)) => Caller::named(principal),
        (Some(principal), None, None) => {
            Caller::named(Principal::parse(&principal).map_err(|error| error.in_field("principal"))?)
        }
        (None, Some(given), None) => {
            let session = session(context, &given).ok_or_else(|| {
                let detail = "`session` is no cookie of this Worker's, or its session has ended";
                Problem::new(ProblemCode::SessionMissing, detail).with_field("session")
            })?;
            Caller {
                principal: session.principal(),
                // The owner's browser may have a newer cookie by now, of a session that ends later.
                session_ends_at: None,
                session: Some(session.shown()),
            }
        }
        _ => {
            let detail = "give one of `session`, the visitor's `Cookie` header, `principal`, from an earlier answer, and the \
                          header `Smartcar-Connect-User`";
            return Err(Problem::new(ProblemCode::InvalidParameter, detail).with_field("principal"));
        }
    };
    let select = match (body.connection_id, body.vehicle_id) {
        (Some(id), None) => ConnectionSelector::Connection(ConnectionId::parse(&id).map_err(|error| {
            Problem::new(ProblemCode::InvalidParameter, error.to_string()).with_field("connectionId")
        })?),
        (None, Some(id)) => {
            ConnectionSelector::Vehicle(VehicleId::parse(&id).map_err(|error| error.in_field("vehicleId"))?)
        }
        _ => {
            let detail = "give either `connectionId` or `vehicleId`";
            return Err(Problem::new(ProblemCode::InvalidParameter, detail).with_field("connectionId"));
        }
    };
    let token = vault_client::token(context.env, &context.config, &caller, select).await;
    let mut token = token.map_err(|problem| match problem.code {
        // The vault has found that the connection is the caller's. Whose it is, a back end has to know for webhooks.
        ProblemCode::OtherApiVersion => Problem::new(
            ProblemCode::EndpointNotAllowed,
            "the connection is one of Smartcar's v3, whose token is the application's own and is not handed out",
        )
        .with_principal(caller.principal.clone()),
        _ => problem,
    })?;
    let rejected = body.rejected_token.map(AccessToken::new);
    if rejected.is_some_and(|rejected| rejected.ct_eq(&token.access_token)) {
        token = vault_client::token_after(context.env, &caller, &token).await?;
    }
    Ok(HttpResponse::json(&TokenResponseBody {
        access_token: token.access_token.expose(),
        expires_at: token.expires_at,
        connection_id: token.connection_id.as_str(),
        principal: caller.principal.as_str(),
    }))
}

/// The session of a visitor, by the `Cookie` header that the visitor sent, or by the value of the session cookie alone. A
/// value has no `=` in it.
fn session(context: &RequestContext<'_>, given: &str) -> Option<Session> {
    let config = &context.config;
    let open = |value: &str| Session::from_cookie(&config.key_ring, value, context.now, config.session_limits).ok();
    if given.contains('=') {
        config.session_cookie.find_all(given).find_map(open)
    } else {
        open(given)
    }
}
