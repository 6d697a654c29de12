//! The Cloudflare Worker: carries out what `smartcar-connect` decides.

mod caller;
mod clock;
mod dispatch;
mod http;
mod kv;
mod kv_namespace;
mod random;
mod rotation;
mod routes;
mod settings;
mod smartcar;
mod telemetry;
mod vault;
mod vault_client;

use worker::{Context, Env, Request, Response, ScheduleContext, ScheduledEvent, event};

#[event(fetch)]
async fn fetch(request: Request, env: Env, _context: Context) -> worker::Result<Response> {
    dispatch::respond(request, &env).await
}

#[event(scheduled)]
async fn scheduled(_event: ScheduledEvent, env: Env, _context: ScheduleContext) {
    rotation::run(&env).await;
}
