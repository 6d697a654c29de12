//! The Cloudflare Worker: carries out what `smartcar-connect` decides.

mod application_client;
mod application_token;
mod clock;
mod confirmed_sessions;
mod connection_tokens;
mod context;
mod dispatch;
mod forward;
mod http;
mod identity;
mod inbox_client;
mod jwks;
mod jwt;
mod kv;
mod kv_namespace;
mod limits;
mod random;
mod rate_limit;
mod rotation;
mod routes;
mod settings;
mod single_flight;
mod smartcar;
mod telemetry;
mod token_source;
mod vault;
mod vault_client;
mod vehicle_news;
mod webhooks;

use std::rc::Rc;

use web_sys::{Request, Response};
use worker::{Context, Env, ScheduleContext, ScheduledEvent, event};

#[event(fetch)]
async fn fetch(request: Request, env: Env, platform: Context) -> worker::Result<Response> {
    dispatch::respond(&request, &env, &Rc::new(platform)).await
}

#[event(scheduled)]
async fn scheduled(_event: ScheduledEvent, env: Env, _context: ScheduleContext) {
    rotation::run(&env).await;
}
