//! An event of Smartcar's, as far as its inbox needs to know it.

use serde::{Deserialize, Serialize};

use super::{
    event::{ErrorState, EventKind, ReportedError, WebhookEvent},
    fingerprint::fingerprint,
    note::{ErrorNote, KNOWN_FOR, error_names, receipt_names},
};
use crate::{
    connect::{ExternalId, UserId, VehicleId},
    time::{Millis, UnixMillis},
    vault::{Complaint, MarkCause, Report, VehicleReport},
};

/// How many inboxes there are: enough that none is a bottleneck, and few enough to be known by name.
const INBOXES: u8 = 32;

/// How far ahead of ours Smartcar's clock may be.
const CLOCK_SKEW: Millis = Millis::from_mins(5);

/// An event as the route hands it to an inbox.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReceivedEvent {
    /// Smartcar's id of the event.
    pub id: String,
    /// Smartcar's id of the owner.
    pub user_id: Option<UserId>,
    /// What the app knows the owner by.
    pub external_id: Option<ExternalId>,
    /// The vehicle.
    pub vehicle_id: Option<VehicleId>,
    /// When Smartcar sent it, as far as that can be believed; otherwise when it came.
    pub at: UnixMillis,
    /// What it is called, in small letters.
    pub name: String,
    /// The errors in it.
    pub errors: Vec<ReportedError>,
    /// The body as it came.
    pub body: String,
}

impl ReceivedEvent {
    /// The event in `body`, which came at `now`; `None` if it can't be handed on as it is.
    #[must_use]
    pub fn new(event: WebhookEvent, body: &[u8], now: UnixMillis) -> Option<Self> {
        let errors = match event.kind {
            EventKind::VehicleError(errors) => errors,
            EventKind::Verify(_) | EventKind::VehicleState | EventKind::Other => Vec::new(),
        };
        Some(Self {
            id: event.id,
            user_id: event.user_id,
            external_id: event.external_id,
            vehicle_id: event.vehicle_id,
            at: event.sent_at.filter(|at| *at <= now.after(CLOCK_SKEW)).unwrap_or(now),
            name: event.name,
            errors,
            body: core::str::from_utf8(body)
                .ok()
                .filter(|_| WebhookEvent::is_json(body))?
                .to_owned(),
        })
    }

    /// The name of the inbox that receives it: all events of one Smartcar user come to the same.
    #[must_use]
    pub fn inbox(&self) -> String {
        let of = self.user_id.as_ref().map_or(self.id.as_str(), UserId::as_str);
        let first = fingerprint(&[of.as_bytes()]).bytes().fold(0_u8, u8::wrapping_add);
        format!("inbox-{:02}", first % INBOXES)
    }

    /// What its record and the message to the app are called.
    #[must_use]
    pub fn key(&self) -> String {
        fingerprint(&[b"event", self.id.as_bytes()])
    }

    /// What a vault is told of it.
    #[must_use]
    pub fn report(&self) -> VehicleReport {
        VehicleReport {
            user_id: self.user_id.clone(),
            vehicle_id: self.vehicle_id.clone(),
            reports: self.reports(),
        }
    }

    /// What it says of the vehicle's owner, each cause once. An error beside one that is over counts more.
    pub(super) fn reports(&self) -> Vec<Report> {
        let causes = |state| {
            let errors = self.errors.iter().filter(move |error| error.state == state);
            let mut causes: Vec<MarkCause> = Vec::new();
            for cause in errors.filter_map(ReportedError::cause) {
                if !causes.contains(&cause) {
                    causes.push(cause);
                }
            }
            causes
        };
        let (wanted, mut mended) = (causes(ErrorState::Error), causes(ErrorState::Resolved));
        mended.retain(|cause| !wanted.contains(cause));
        let at = self.at;
        let wanted = wanted.into_iter().map(|cause| Report::Wanted {
            complaint: Complaint::reported(cause),
            at,
        });
        let mended = mended.into_iter().map(|cause| Report::Mended { cause, at });
        wanted.chain(mended).collect()
    }

    /// Under which names it is noted that this event has come: the first is that of today.
    #[must_use]
    pub fn receipts(&self, now: UnixMillis) -> Vec<String> {
        receipt_names(&self.key(), now)
    }

    /// Under which names each of its errors may be noted, with what is to be noted: the first of both is written. Those of no
    /// vehicle are not told from each other.
    #[must_use]
    pub fn error_notes(&self, now: UnixMillis) -> Vec<([String; 2], ErrorNote)> {
        if self.vehicle_id.is_none() {
            return Vec::new();
        }
        let text = |id: Option<&str>| id.unwrap_or_default().as_bytes().to_vec();
        let (user, vehicle) = (
            text(self.user_id.as_ref().map(UserId::as_str)),
            text(self.vehicle_id.as_ref().map(VehicleId::as_str)),
        );
        let note = |error: &ReportedError| {
            let code = text(error.code.as_deref());
            let mut parts = vec![&user[..], &vehicle, error.error_type.as_bytes(), &code];
            parts.extend(error.signals.iter().map(String::as_bytes));
            let (state, at) = (error.state, self.at);
            (error_names(&fingerprint(&parts), now), ErrorNote { state, at })
        };
        self.errors.iter().map(note).collect()
    }

    /// Whether Smartcar sent it so long ago that the receipt of it may be gone: it could be one that somebody has kept, signature
    /// and all.
    pub(super) fn is_outdated(&self, now: UnixMillis) -> bool {
        now.since(self.at) >= KNOWN_FOR
    }

    /// Whether it says whose it is.
    pub(super) const fn names_somebody(&self) -> bool {
        self.user_id.is_some() || self.external_id.is_some()
    }
}

/// What the tests of an inbox begin with.
#[cfg(test)]
pub(super) mod fixtures {
    use super::*;

    pub(in crate::webhook) const NOW: UnixMillis = UnixMillis::new(1_790_000_000_000);

    pub(in crate::webhook) fn received(body: &str) -> ReceivedEvent {
        let event = WebhookEvent::read(body.as_bytes()).unwrap();
        ReceivedEvent::new(event, body.as_bytes(), NOW).unwrap()
    }
}

#[cfg(test)]
mod tests {
    use super::{
        fixtures::{NOW, received},
        *,
    };

    #[test]
    fn what_is_said_of_the_owner_is_told_and_nothing_else() {
        let of = |errors: &str| {
            let body = format!(r#"{{"eventType":"VEHICLE_ERROR","data":{{"errors":[{errors}]}}}}"#);
            received(&body).report().reports
        };
        let at = received("{}").at;
        let wanted = |cause| {
            let complaint = Complaint::reported(cause);
            Report::Wanted { complaint, at }
        };
        let mended = |cause| Report::Mended { cause, at };
        let failed = r#"{"type":"CONNECTED_SERVICES_ACCOUNT","code":"AUTHENTICATION_FAILED","state":"ERROR"}"#;
        let over = r#"{"type":"CONNECTED_SERVICES_ACCOUNT","code":"AUTHENTICATION_FAILED","state":"RESOLVED"}"#;
        let asleep = r#"{"type":"VEHICLE_STATE","code":"ASLEEP","state":"RESOLVED"}"#;
        let permission = r#"{"type":"PERMISSION","code":null,"state":"ERROR","resolution":{"type":"REAUTHENTICATE"}}"#;
        let granted = r#"{"type":"PERMISSION","code":null,"state":"RESOLVED"}"#;
        assert_eq!(of(failed), [wanted(MarkCause::LogInFailed)]);
        assert_eq!(of(over), [mended(MarkCause::LogInFailed)]);
        assert_eq!(of(&format!("{over},{failed}")), [wanted(MarkCause::LogInFailed)]);
        assert_eq!(of(&format!("{failed},{failed}")), [wanted(MarkCause::LogInFailed)]);
        assert_eq!(of(permission), [wanted(MarkCause::PermissionMissing)]);
        assert_eq!(
            of(&format!("{granted},{failed}")),
            [wanted(MarkCause::LogInFailed), mended(MarkCause::PermissionMissing)]
        );
        for nothing in [asleep, ""] {
            assert_eq!(of(nothing), [], "{nothing}");
        }
    }

    #[test]
    fn a_time_that_cannot_be_is_that_of_the_arrival() {
        let at = |millis: u64| received(&format!(r#"{{"meta":{{"deliveredAt":{millis}}}}}"#)).at;
        assert_eq!(at(NOW.as_millis() - 1), UnixMillis::new(NOW.as_millis() - 1));
        assert_eq!(at(NOW.as_millis() + 60_000), UnixMillis::new(NOW.as_millis() + 60_000));
        assert_eq!(at(NOW.as_millis() * 2), NOW);
    }

    #[test]
    fn what_is_older_than_its_receipt_is_not_believed() {
        let sent = |days: u64| {
            let at = NOW.as_millis() - Millis::from_days(days).as_millis();
            received(&format!(r#"{{"meta":{{"deliveredAt":{at}}}}}"#))
        };
        assert!(!sent(6).is_outdated(NOW) && sent(7).is_outdated(NOW) && sent(400).is_outdated(NOW));
        assert!(!received("{}").is_outdated(NOW), "it does not say when it was sent");
    }

    #[test]
    fn events_of_one_user_come_to_one_inbox_and_those_of_many_to_all() {
        let of = |user: &str| {
            let body = format!(r#"{{"eventId":"x","data":{{"user":{{"id":"{user}"}}}}}}"#);
            received(&body).inbox()
        };
        assert_eq!(of("u1"), of("u1"));
        let all: std::collections::BTreeSet<String> = (0..500).map(|n| of(&format!("user-{n}"))).collect();
        assert_eq!(all.len(), usize::from(INBOXES));
    }
}
