//! `GET /internal/rotation`: whether retired keys may leave `SEALING_KEYS`.

use smartcar_connect::{edge::Problem, seal::ResealProgress};

use crate::{context::RequestContext, http::HttpResponse, rotation, settings, vault_client};

#[derive(serde::Serialize)]
#[serde(rename_all = "camelCase")]
struct Report {
    active_key: String,
    rotation: Option<ResealProgress>,
}

pub(crate) async fn report(context: &RequestContext<'_>) -> Result<HttpResponse, Problem> {
    let store = settings::tokens(context.env).map_err(|_| vault_client::unavailable())?;
    let active_key = context.config.key_ring.active_id().as_str().to_owned();
    Ok(HttpResponse::json(&Report {
        active_key,
        rotation: rotation::progress(&store)
            .await
            .map_err(|_| vault_client::unavailable())?,
    }))
}
