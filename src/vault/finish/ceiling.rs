//! How much of one principal may be under way.

use crate::{api::ApiVersion, connect::StateFingerprint, vault::finish::pending::PendingRecord};

/// How many attempts of one principal may be unfinished at once; the oldest makes room.
pub const MAX_ATTEMPTS: usize = 16;

/// How many callbacks of one principal may be worked on at once: each may be a call to the token endpoint.
pub const MAX_FINISHES: usize = 4;

/// The attempts that make room for one more, by the fingerprint of their state: the oldest, but none whose code is being
/// exchanged. In v3 there is no code, and a callback that was not confirmed uses nothing up.
#[must_use]
pub fn evicted(records: &[PendingRecord]) -> Vec<StateFingerprint> {
    let surplus = records.len().saturating_add(1).saturating_sub(MAX_ATTEMPTS);
    let is_idle = |record: &&PendingRecord| record.version == ApiVersion::V3 || !record.is_being_exchanged();
    let mut idle: Vec<&PendingRecord> = records.iter().filter(is_idle).collect();
    idle.sort_by_key(|record| record.pending.started_at());
    let oldest = idle.into_iter().take(surplus);
    oldest.map(|record| record.pending.fingerprint().clone()).collect()
}
