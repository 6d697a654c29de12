//! `POST /webhooks`: who sent it, and what is answered.

use serde::{Deserialize, Serialize};

use crate::{
    edge::{config::WebhookSettings, problem::Problem},
    http_api::{ProblemCode, header},
    time::UnixMillis,
    webhook::{EventKind, ReceivedEvent, WebhookEvent},
};

/// What is done with a webhook.
#[derive(Debug)]
pub enum Answer {
    /// Answered at once: the body, JSON.
    Challenge(String),
    /// Kept, and then answered.
    Keep(Box<ReceivedEvent>),
}

/// What an inbox says of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InboxReply {
    /// It is kept.
    Kept,
    /// It has come before.
    Repeated,
    /// Nobody wants it.
    NotWanted,
    /// It could not be kept.
    Failed,
}

#[derive(Serialize)]
struct ChallengeAnswer {
    challenge: String,
}

/// Decides about a webhook with this `body` and header `SC-Signature`, which came at `now`.
///
/// The body is looked at before its signature for one thing alone: whether Smartcar asks if the address is the app's, which it does
/// not sign. That is answered only where no answer can be the signature of an event.
///
/// # Errors
/// The [`Problem`] to answer with: there are no webhooks here, the signature is not Smartcar's, or the body is no event.
pub fn answer_webhook(
    settings: Option<&WebhookSettings>,
    body: &[u8],
    signature: Option<&str>,
    now: UnixMillis,
) -> Result<Answer, Problem> {
    let settings = settings.ok_or_else(switched_off)?;
    let event = WebhookEvent::read(body);
    if let Some(EventKind::Verify(challenge)) = event.as_ref().map(|event| &event.kind) {
        let challenge = challenge.as_ref().ok_or_else(|| {
            let detail = "the challenge is none that is answered: 1 to 128 letters, digits and `-._~+/=`";
            Problem::new(ProblemCode::InvalidBody, detail).with_field("challenge")
        })?;
        let challenge = settings.tokens.answer(challenge);
        let answer = serde_json::to_string(&ChallengeAnswer { challenge });
        return Ok(Answer::Challenge(answer.unwrap_or_default()));
    }
    if !settings.tokens.have_signed(body, signature) {
        let detail = "sign the body as it is sent with the application management token; if it was changed in the Smartcar \
                      dashboard, change `SMARTCAR_MANAGEMENT_TOKEN` too";
        return Err(Problem::new(ProblemCode::SignatureRejected, detail).with_field(header::SC_SIGNATURE));
    }
    let received = event.and_then(|event| ReceivedEvent::new(event, body, now));
    match received {
        Some(event) => Ok(Answer::Keep(Box::new(event))),
        None => Err(Problem::new(
            ProblemCode::InvalidBody,
            "the body is no JSON object in UTF-8",
        )),
    }
}

/// What is said where webhooks are not received.
fn switched_off() -> Problem {
    let detail = "no webhooks are received here: set `SMARTCAR_MANAGEMENT_TOKEN` to receive Smartcar's";
    Problem::new(ProblemCode::NotFound, detail)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::webhook::ManagementTokens;

    const NOW: UnixMillis = UnixMillis::new(1_790_000_000_000);

    fn settings() -> WebhookSettings {
        WebhookSettings {
            tokens: ManagementTokens::parse("abc123abc123abc1").unwrap(),
            forward: None,
        }
    }

    fn refused(body: &[u8], signature: Option<&str>) -> (ProblemCode, u16) {
        let problem = answer_webhook(Some(&settings()), body, signature, NOW).unwrap_err();
        (problem.code, problem.status())
    }

    /// What the oracle says of a text, if it says anything.
    fn asked(text: &str) -> Option<String> {
        let body = serde_json::json!({"eventType": "VERIFY", "data": {"challenge": text}}).to_string();
        match answer_webhook(Some(&settings()), body.as_bytes(), None, NOW) {
            Ok(Answer::Challenge(answer)) => {
                let answer: serde_json::Value = serde_json::from_str(&answer).unwrap();
                Some(answer["challenge"].as_str().unwrap().to_owned())
            }
            Ok(Answer::Keep(event)) => panic!("{event:?}"),
            Err(problem) => {
                assert_eq!(problem.code, ProblemCode::InvalidBody);
                None
            }
        }
    }

    #[test]
    fn nothing_is_received_unless_it_is_switched_on() {
        let problem = answer_webhook(None, b"{}", None, NOW).unwrap_err();
        assert_eq!(problem.code, ProblemCode::NotFound);
    }

    #[test]
    fn what_is_not_signed_is_refused_whatever_it_is() {
        for body in [&b"{}"[..], b"", b"\xff", b"[]", br#"{"eventType":"VEHICLE_STATE"}"#] {
            for signature in [None, Some(""), Some("00")] {
                assert_eq!(refused(body, signature), (ProblemCode::SignatureRejected, 401));
            }
        }
    }

    #[test]
    fn the_answer_to_a_challenge_signs_no_event() {
        let forged = r#"{"eventType":"VEHICLE_ERROR"}"#;
        assert_eq!(asked(forged), None);
        // What is answered is a signature, of something that is no event.
        for signed in ["7", "null", "challenge"] {
            let signature = asked(signed).unwrap();
            assert_eq!(
                refused(signed.as_bytes(), Some(&signature)),
                (ProblemCode::InvalidBody, 400)
            );
        }
    }
}
