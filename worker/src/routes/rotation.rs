//! `GET /internal/rotation`: whether retired keys may leave `SEALING_KEYS`.

use smartcar_connect::{edge::Problem, http_api::rotation::RotationResponse};

use crate::{context::RequestContext, http::HttpResponse, rotation, settings, vault_client};

pub(crate) async fn report(context: &RequestContext<'_>) -> Result<HttpResponse, Problem> {
    let store = settings::tokens(context.env).map_err(|_| vault_client::unavailable())?;
    Ok(HttpResponse::json(&RotationResponse {
        active_key: context.config.key_ring.active_id().as_str(),
        rotation: rotation::progress(&store)
            .await
            .map_err(|_| vault_client::unavailable())?,
    }))
}
