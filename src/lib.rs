//! Connect cars to an app through Smartcar Connect without a token ever reaching the browser.

#[cfg(feature = "edge")]
pub mod api;
pub mod connect;
#[cfg(feature = "edge")]
pub mod edge;
pub mod http_api;
#[cfg(feature = "edge")]
pub mod identity;
#[cfg(feature = "edge")]
pub mod principal;
#[cfg(feature = "edge")]
pub mod seal;
pub mod secret;
mod string_enum;
pub mod time;
#[cfg(feature = "edge")]
pub mod token;
#[cfg(feature = "edge")]
pub mod vault;

#[cfg(all(feature = "browser", target_arch = "wasm32", target_os = "unknown"))]
pub mod browser;
