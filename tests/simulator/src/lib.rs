//! A stand-in for Smartcar's Connect, token endpoint and vehicle API, for tests and demos.

mod api;
mod args;
mod car;
mod clock;
mod config;
mod connect;
mod control;
mod deliver;
mod endpoint;
mod errors;
mod fault;
mod host;
mod http;
mod ids;
#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
pub mod javascript;
mod log;
#[cfg(not(all(target_arch = "wasm32", target_os = "unknown")))]
pub mod program;
#[cfg(not(all(target_arch = "wasm32", target_os = "unknown")))]
mod server;
mod state_file;
mod store;
#[cfg(test)]
mod tests;
mod token;
mod v3;
mod visit;
mod webhooks;
mod world;
