//! What the simulator runs in: a process of its own, or Node.

#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
mod javascript;
#[cfg(not(all(target_arch = "wasm32", target_os = "unknown")))]
mod native;

#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
pub(crate) use javascript::{now, post, read_file, replace_file, sleep, spawn, warn};
#[cfg(not(all(target_arch = "wasm32", target_os = "unknown")))]
pub(crate) use native::{now, post, read_file, replace_file, sleep, spawn, warn};
