//! Smartcar's webhooks: whose they are, what they say, and how an event is handed on to the app.
//!
//! A webhook marks a vehicle and never ends a grant: Smartcar reports errors that are none while data still flows.
//!
//! Outside semantic versioning: see [what the version promises](crate#what-the-version-promises).

mod challenge;
mod event;
mod fingerprint;
mod forward;
mod kept;
mod key;
mod known;
mod note;
mod received;

pub use challenge::Challenge;
pub use event::{ErrorState, EventKind, ReportedError, WebhookEvent};
pub use forward::{ForwardSecrets, ForwardSecretsError, SignedMessage, message_body, message_id};
pub use kept::{ATTEMPTS, AfterTelling, Errand, HAND_ON, InboxEvent, TELL, event_name, event_of, event_put_off};
pub use key::{EmptyEntryError, ManagementToken, ManagementTokens};
pub use known::{Arrival, Known, KnownError};
pub use note::{ERRORS, ErrorNote, RECEIPTS, outdated, receipt_ends_at};
pub use received::ReceivedEvent;

/// The longest body of a webhook, in bytes. Smartcar's are of 50 KB at most; a bit more leaves room for how that is counted.
pub const MAX_WEBHOOK_BYTES: usize = 64 * 1024;
