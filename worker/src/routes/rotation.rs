//! `GET /internal/rotation`: whether retired keys may leave `SEALING_KEYS`.

use smartcar_connect::{edge::Problem, seal::Rotation};
use worker::Request;

use super::token::require_service_key;
use crate::{dispatch::Work, http::Answer, rotation, settings, vault_client};

#[derive(serde::Serialize)]
#[serde(rename_all = "camelCase")]
struct Report {
    active_key: String,
    rotation: Option<Rotation>,
}

pub(crate) async fn report(request: &Request, work: &Work<'_>) -> Result<Answer, Problem> {
    require_service_key(request, work)?;
    let store = settings::tokens(work.env).map_err(|_| vault_client::unavailable())?;
    let active_key = work.config.key_ring.active_id().as_str().to_owned();
    Ok(Answer::json(&Report {
        active_key,
        rotation: rotation::progress(&store).await,
    }))
}
