//! How an event is handed on to the app: a message that is signed as the Standard Webhooks specification has it,
//! <https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md>.

use core::fmt;

use base64ct::{Base64, Encoding as _};
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde::Serialize;
use serde_json::value::RawValue;
use sha2::Sha256;
use zeroize::Zeroizing;

use super::kept::InboxEvent;
use crate::{principal::Principal, time::UnixMillis};

/// What a secret begins with.
const PREFIX: &str = "whsec_";

/// How many bytes a secret has.
const SECRET_BYTES: core::ops::RangeInclusive<usize> = 24..=64;

/// The secrets that messages to the app are signed with: each is, so that the app can go from one to the next.
#[derive(Clone)]
pub struct ForwardSecrets(Vec<Zeroizing<Vec<u8>>>);

impl fmt::Debug for ForwardSecrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ForwardSecrets([redacted])")
    }
}

/// That a list of secrets is unusable. No secret is repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ForwardSecretsError;

impl fmt::Display for ForwardSecretsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("is not `whsec_` and the base64 of 24 to 64 bytes, or several of these: make one by `echo whsec_$(openssl rand -base64 32)`")
    }
}

impl core::error::Error for ForwardSecretsError {}

/// A message to the app.
#[derive(Debug)]
pub struct SignedMessage {
    /// The header `webhook-id`: the same each time that the event is sent.
    pub id: String,
    /// The header `webhook-timestamp`: seconds since the epoch.
    pub timestamp: String,
    /// The header `webhook-signature`.
    pub signature: String,
    /// The body.
    pub body: String,
}

impl ForwardSecrets {
    /// Reads secrets that are separated by commas; white space around them is ignored.
    ///
    /// # Errors
    /// [`ForwardSecretsError`], for the whole list.
    pub fn parse(list: &str) -> Result<Self, ForwardSecretsError> {
        let read = |secret: &str| {
            let bytes = Base64::decode_vec(secret.trim().strip_prefix(PREFIX)?).ok()?;
            Some(Zeroizing::new(bytes)).filter(|bytes| SECRET_BYTES.contains(&bytes.len()))
        };
        let secrets = list.split(',').map(read).collect::<Option<_>>();
        secrets.map(Self).ok_or(ForwardSecretsError)
    }

    /// The message for an event that is sent at `now`.
    #[must_use]
    pub fn sign(&self, event: &InboxEvent, now: UnixMillis) -> SignedMessage {
        let (id, body) = (message_id(event), message_body(event));
        let timestamp = (now.as_millis() / 1_000).to_string();
        let signed = [&id, ".", &timestamp, ".", &body].concat();
        let of = |secret: &Zeroizing<Vec<u8>>| {
            // A key of any length is taken.
            let mut mac = Hmac::<Sha256>::new_from_slice(secret).ok()?;
            mac.update(signed.as_bytes());
            Some(["v1,", &Base64::encode_string(&mac.finalize().into_bytes())].concat())
        };
        let signatures: Vec<String> = self.0.iter().filter_map(of).collect();
        SignedMessage {
            signature: signatures.join(" "),
            id,
            timestamp,
            body,
        }
    }
}

/// What the app knows a message again by, which may come twice.
#[must_use]
pub fn message_id(event: &InboxEvent) -> String {
    ["msg_", &event.event.key()].concat()
}

#[derive(Serialize)]
struct Message<'a> {
    /// What the app knows it again by.
    id: String,
    r#type: String,
    data: Data<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Data<'a> {
    /// Whose the event is.
    principals: &'a [Principal],
    /// When Smartcar's request came.
    received_at: UnixMillis,
    /// The event to the letter.
    event: &'a RawValue,
}

/// The body of the message for an event: what Smartcar sent to the letter, and whose it is.
#[must_use]
pub fn message_body(event: &InboxEvent) -> String {
    let Ok(raw) = serde_json::from_str::<&RawValue>(&event.event.body) else {
        return String::new();
    };
    let message = Message {
        id: message_id(event),
        r#type: ["smartcar.", &event.event.name].concat(),
        data: Data {
            principals: &event.principals,
            received_at: event.received_at,
            event: raw,
        },
    };
    serde_json::to_string(&message).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::webhook::{ReceivedEvent, WebhookEvent};

    const NOW: UnixMillis = UnixMillis::new(1_614_265_330_000);
    const BODY: &str = r#"{ "eventType": "VEHICLE_STATE",  "eventId":"e1", "n": 1.50 }"#;

    fn event() -> InboxEvent {
        let read = WebhookEvent::read(BODY.as_bytes()).unwrap();
        let received = ReceivedEvent::new(read, BODY.as_bytes(), NOW).unwrap();
        let event = InboxEvent::new(received, true, NOW);
        event.told(true, vec![Principal::user("42").unwrap()]).hand_on.unwrap()
    }

    #[test]
    fn the_app_gets_what_smartcar_sent_to_the_letter() {
        let wanted = [
            r#"{"id":""#,
            &message_id(&event()),
            r#"","type":"smartcar.vehicle_state","data":{"principals":["user:42"],"receivedAt":1614265330000,"event":"#,
            BODY,
            "}}",
        ];
        assert_eq!(message_body(&event()), wanted.concat());
    }

    #[test]
    fn a_message_is_signed_with_every_secret() {
        let (one, two) = (
            "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
            "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
        );
        let both = ForwardSecrets::parse(&format!("{one}, {two}"))
            .unwrap()
            .sign(&event(), NOW);
        let alone = [one, two].map(|secret| ForwardSecrets::parse(secret).unwrap().sign(&event(), NOW));
        assert_eq!(both.signature, format!("{} {}", alone[0].signature, alone[1].signature));
        assert_eq!(
            (both.timestamp.as_str(), both.id.starts_with("msg_")),
            ("1614265330", true)
        );
        let later = ForwardSecrets::parse(one)
            .unwrap()
            .sign(&event(), UnixMillis::new(1_614_265_331_000));
        assert_eq!(later.id, both.id);
        assert_ne!(later.signature, alone[0].signature);
    }

    #[test]
    fn what_is_no_secret_is_refused() {
        for list in [
            "",
            "whsec_",
            "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
            "whsec_c2hvcnQ=",
            "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw,",
        ] {
            assert!(ForwardSecrets::parse(list).is_err(), "{list}");
        }
        let secrets = ForwardSecrets::parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        assert_eq!(format!("{secrets:?}"), "ForwardSecrets([redacted])");
    }
}
