//! The settings that say who may call, and for how long.

use super::reader::{LIST, ONE, Reader};
use crate::{
    identity::{ServiceKeys, SessionLimits},
    time::Millis,
};

/// How long sessions last: `SESSION_DAYS` and `SESSION_MAX_DAYS`.
pub(super) fn session_limits(reader: &mut Reader<'_>) -> Option<SessionLimits> {
    const NAME: &str = "SESSION_MAX_DAYS";
    let idle = reader.span("SESSION_DAYS", 180, 1..=400).map(Millis::from_days);
    let absolute = match reader.value(NAME, ONE).ok()? {
        Some(_) => Some(reader.span(NAME, 0, 1..=3_650).map(Millis::from_days)?),
        None => None,
    };
    Some(SessionLimits { idle: idle?, absolute })
}

/// How long a ticket lives: `TICKET_SECONDS`.
pub(super) fn ticket_life(reader: &mut Reader<'_>) -> Option<Millis> {
    reader.span("TICKET_SECONDS", 300, 10..=3_600).map(Millis::from_secs)
}

/// The keys of the app's own back end: `SERVICE_KEYS`.
pub(super) fn service_keys(reader: &mut Reader<'_>) -> Option<ServiceKeys> {
    const NAME: &str = "SERVICE_KEYS";
    let Some(list) = reader.value(NAME, LIST).ok()?.map(zeroize::Zeroizing::new) else {
        return Some(ServiceKeys::default());
    };
    match ServiceKeys::parse(&list) {
        Ok(keys) => Some(keys),
        Err(error) => {
            reader.wrong(NAME, error.to_string());
            None
        }
    }
}
