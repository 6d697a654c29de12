//! `GET /healthz`.

use super::schema::{Kind, Schema, field};

/// What a Worker answers that is set up.
pub const HEALTHY: &str = r#"{"status":"ok"}"#;

/// The table of [`HEALTHY`].
pub const HEALTH: Schema = &[field("status", Kind::OneOf(&["ok"]))];
