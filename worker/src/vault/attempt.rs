//! Noting an attempt.

use smartcar_connect::{
    api::ApiVersion,
    connect::{Attempt, RedirectUri, StateFingerprint},
    edge::Problem,
    http_api::{ProblemCode, StartRequest, start::Asked},
    principal::Principal,
    time::UnixMillis,
    vault::{
        Reconnecting,
        finish::{self, PendingRecord},
    },
};

use super::{
    error::Refusal,
    storage::{Storage, Transaction},
};

/// An attempt that begins.
pub(super) struct NewAttempt {
    pub(super) fingerprint: StateFingerprint,
    pub(super) redirect_uri: RedirectUri,
    pub(super) asked: Asked,
    pub(super) version: ApiVersion,
    pub(super) reconnecting: Option<Reconnecting>,
}

/// Notes an attempt for ten minutes. Returns when they are over.
pub(super) async fn note(
    storage: &Storage,
    transaction: &mut Transaction<'_>,
    principal: &Principal,
    attempt: NewAttempt,
    now: UnixMillis,
) -> Result<UnixMillis, Refusal> {
    if storage
        .pending(principal, attempt.fingerprint.as_str())
        .await?
        .is_some()
    {
        let detail = "the `state` with this fingerprint was used to start a connection before: mint a new one";
        let problem = Problem::new(ProblemCode::InvalidParameter, detail);
        return Err(problem.with_field(StartRequest::STATE_FINGERPRINT).into());
    }
    for evicted in finish::evicted(&storage.pendings(principal).await?) {
        transaction.delete_pending(evicted.as_str());
    }
    let pending = Attempt::new(attempt.fingerprint, attempt.redirect_uri, now);
    let expires_at = pending.expires_at();
    let record = PendingRecord {
        pending,
        asked: attempt.asked,
        version: attempt.version,
        reconnecting: attempt.reconnecting,
        used: None,
    };
    transaction.put_pending(principal, &record)?;
    Ok(expires_at)
}
