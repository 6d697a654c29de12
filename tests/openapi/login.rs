//! What `/connect/login` takes in its query.

use serde_json::{Value, json};
use smartcar_connect::connect::{ApprovalPrompt, Mode};

pub(crate) fn parameters() -> Vec<Value> {
    let text = |most: usize| json!({"type": "string", "minLength": 1, "maxLength": most});
    let one_of = |names: &[&str]| json!({"type": "string", "enum": names});
    [
        (
            "return_to",
            "Where the owner goes afterwards: a path, or one of the app's origins and a path. Without it a page says what came of it.",
            json!({"type": "string", "pattern": "^/$|^/[A-Za-z0-9_-][A-Za-z0-9_/-]*$", "maxLength": 512}),
        ),
        ("scope", "The permissions that the owner is asked for, with a space between.", text(1_024)),
        ("mode", "Which vehicles the owner is shown.", one_of(Mode::NAMES)),
        ("make", "The make, which spares the owner the choice of it.", text(128)),
        ("single_select", "Whether the owner chooses one vehicle.", one_of(&["true", "false"])),
        (
            "single_select_vin",
            "The one vehicle that the owner can choose.",
            json!({"type": "string", "pattern": "^[0-9A-HJ-NPR-Z]{17}$"}),
        ),
        ("approval_prompt", "Whether who has consented is asked again.", one_of(ApprovalPrompt::NAMES)),
    ]
    .into_iter()
    .map(|(name, description, schema)| json!({"name": name, "in": "query", "description": description, "schema": schema}))
    .collect()
}
