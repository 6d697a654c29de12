//! `GET /internal/rotation`: whether retired keys may leave `SEALING_KEYS`.

use serde::Serialize;

use super::schema::{Kind, Schema, field};

/// What is answered: the progress of the sweep is what is stored of it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RotationResponse<'a, Progress> {
    /// The id of the key that seals.
    pub active_key: &'a str,
    /// How far the sweep is; `null` before its first run.
    pub rotation: Option<Progress>,
}

/// The table of [`RotationResponse`].
pub const ROTATION_RESPONSE: Schema = &[
    field("activeKey", Kind::Text),
    field("rotation", Kind::Object(ROTATION)).nullable(),
];

/// The table of the progress.
pub const ROTATION: Schema = &[
    field("activeKey", Kind::Text),
    field("complete", Kind::Flag),
    field("scanned", Kind::Number),
    field("resealed", Kind::Number),
    field("failed", Kind::Number),
    field("cursor", Kind::Text).nullable(),
    field("updatedAt", Kind::Number),
];
