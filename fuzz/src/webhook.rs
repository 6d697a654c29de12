//! Input: the body of a webhook.

use serde_json::Value;
use smartcar_connect::{
    edge::{Answer, WebhookSettings, answer_webhook},
    webhook::{InboxEvent, ManagementTokens, ReceivedEvent, WebhookEvent, message_body},
};

use super::NOW;

const TOKEN: &str = "0b1c1a4e-5f0f-4dbb-9f55-1d6a4b8b7a10";

pub fn check(data: &[u8]) {
    let settings = WebhookSettings {
        tokens: ManagementTokens::parse(TOKEN).expect("a token"),
        forward: None,
    };
    // Nobody has signed it: a challenge is answered at most, and what comes of it is the signature of no event.
    match answer_webhook(Some(&settings), data, Some(&"0".repeat(64)), NOW) {
        Ok(Answer::Keep(event)) => panic!("{event:?} is not signed"),
        Ok(Answer::Challenge(_)) | Err(_) => {}
    }
    if let Ok(text) = core::str::from_utf8(data) {
        let asked = serde_json::json!({"eventType": "VERIFY", "data": {"challenge": text}}).to_string();
        if let Ok(Answer::Challenge(answer)) = answer_webhook(Some(&settings), asked.as_bytes(), None, NOW) {
            let answer: Value = serde_json::from_str(&answer).expect("JSON");
            let signed = answer_webhook(Some(&settings), data, answer["challenge"].as_str(), NOW);
            assert!(signed.is_err(), "the answer to a challenge has signed an event");
        }
    }
    let Some(event) = WebhookEvent::read(data) else { return };
    let Some(received) = ReceivedEvent::new(event, data, NOW) else {
        return;
    };
    assert!(received.errors.len() <= 200 && received.key().len() == 22);
    assert!(
        received
            .name
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
    );
    // What is stored of it is read again, and what the app gets has it to the letter.
    let kept = InboxEvent::new(received, true, NOW);
    let stored = serde_json::to_string(&kept).expect("JSON");
    assert_eq!(serde_json::from_str::<InboxEvent>(&stored).expect("itself"), kept);
    let body = message_body(&kept);
    assert!(
        body.as_bytes()
            .windows(data.trim_ascii().len())
            .any(|part| part == data.trim_ascii())
    );
    assert!(serde_json::from_str::<&serde_json::value::RawValue>(&body).is_ok());
}
