//! Webhooks: `webhook_hmac`.

use serde_json::Value;
use smartcar_connect::{
    edge::{Answer, WebhookSettings, answer_webhook},
    time::UnixMillis,
    webhook::ManagementTokens,
};

use crate::{Ran, Section, id, text};

pub(crate) const SECTIONS: &[Section] = &[Section {
    name: "webhook_hmac",
    run: signed,
    not_applicable: &[],
}];

fn signed(case: &Value) -> Ran {
    let tokens = ManagementTokens::parse(text(case, "amt").unwrap()).unwrap();
    if let Some(request) = case.get("request_json") {
        verified(case, tokens, request);
        return Ran::AsGiven;
    }
    let message = text(case, "message").unwrap().as_bytes();
    match (text(case, "expect_hex"), text(case, "must_not_equal")) {
        (Some(signature), None) => assert!(tokens.have_signed(message, Some(signature)), "{}", id(case)),
        (None, Some(wrong)) => assert!(!tokens.have_signed(message, Some(wrong)), "{}", id(case)),
        other => panic!("{other:?}"),
    }
    Ran::AsGiven
}

/// The product answers to the request what the case expects.
fn verified(case: &Value, tokens: ManagementTokens, request: &Value) {
    let settings = WebhookSettings { tokens, forward: None };
    let body = request.to_string();
    let answer = answer_webhook(Some(&settings), body.as_bytes(), None, UnixMillis::EPOCH).unwrap();
    let Answer::Challenge(answer) = answer else {
        panic!("{answer:?}");
    };
    let answer: Value = serde_json::from_str(&answer).unwrap();
    let expected = &case["expect_response"];
    assert_eq!(
        (&answer, &expected["status"]),
        (&expected["json"], &200.into()),
        "{}",
        id(case)
    );
}
