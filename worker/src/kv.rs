//! Sealed records in Workers KV.

use smartcar_connect::{
    connect::ConnectionId,
    principal::Principal,
    seal::{KeyRing, KvName, OpenError, Place, SealedRecord, kv_life_secs},
    time::UnixMillis,
    vault::{GrantRecord, KvOutcome, VehicleIndex},
};
use zeroize::Zeroizing;

use crate::kv_namespace::{KvNamespace, Metadata};

/// Writes a record that is worthless after `expires_at` under the active key's name, and deletes it under the others'.
pub(crate) async fn put(
    kv: &KvNamespace,
    names: &[KvName],
    record: &SealedRecord,
    vault_id: &str,
    expires_at: UnixMillis,
    now: UnixMillis,
) -> KvOutcome {
    let Some((name, former)) = names.split_first() else {
        return KvOutcome::Failed;
    };
    let metadata = Metadata {
        key: record.key_id().as_str().to_owned(),
        vault: vault_id.to_owned(),
    };
    let beside = (kv_life_secs(expires_at, now), &metadata);
    let written = kv.put(name.as_str(), &record.to_text(), Some(beside)).await.is_ok();
    if written {
        delete(kv, former).await
    } else {
        KvOutcome::Failed
    }
}

/// Deletes all of `names`.
pub(crate) async fn delete(kv: &KvNamespace, names: &[KvName]) -> KvOutcome {
    for name in names {
        if kv.delete(name.as_str()).await.is_err() {
            return KvOutcome::Failed;
        }
    }
    KvOutcome::Done
}

/// The grant as KV knows it, which may be a minute old; `None` if KV does not know it or it can't be opened.
pub(crate) async fn grant(
    kv: &KvNamespace,
    ring: &KeyRing,
    principal: &Principal,
    id: &ConnectionId,
) -> Option<GrantRecord> {
    let place = Place::grant(principal, id);
    let json = first(kv, ring, &KvName::grant(ring, principal, id), &place).await?;
    serde_json::from_slice(&json).ok()
}

/// The index as KV knows it.
pub(crate) async fn index(kv: &KvNamespace, ring: &KeyRing, principal: &Principal) -> Option<VehicleIndex> {
    let json = first(kv, ring, &KvName::index(ring, principal), &Place::index(principal)).await?;
    serde_json::from_slice(&json).ok()
}

async fn first(kv: &KvNamespace, ring: &KeyRing, names: &[KvName], place: &Place) -> Option<Zeroizing<Vec<u8>>> {
    for name in names {
        if let Ok(Some(text)) = kv.get(name.as_str()).await {
            match open(ring, place, &text) {
                Ok(json) => return Some(json),
                Err(error) => worker::console_error!("a record in KV does not open: {error}"),
            }
        }
    }
    None
}

fn open(ring: &KeyRing, place: &Place, text: &str) -> Result<Zeroizing<Vec<u8>>, OpenError> {
    SealedRecord::from_text(text)?.open(ring, place)
}
