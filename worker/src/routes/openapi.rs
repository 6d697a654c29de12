//! `GET /openapi.json`: the description of this Worker's HTTP API.

use smartcar_connect::edge::openapi;

use crate::{context::RequestContext, http::HttpResponse};

pub(crate) fn describe(context: &RequestContext<'_>) -> HttpResponse {
    let config = &context.config;
    let cookie_name = config.session_cookie.name(context.head.port());
    HttpResponse::json_text(openapi(&config.prefix, &cookie_name))
}
