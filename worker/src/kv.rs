//! Sealed records in Workers KV.

use smartcar_connect::{
    connect::ConnectionId,
    principal::Principal,
    seal::{KeyId, KeyRing, KvName, OpenError, RecordBinding, SealedRecord, kv_life_secs},
    time::UnixMillis,
    vault::{KvOutcome, ReadableToken, VehicleIndex, readable_part},
};
use zeroize::Zeroizing;

use crate::kv_namespace::{KvNamespace, Metadata, PutOptions};

/// Writes a value that is worthless after `expires_at` under the active key's name, and deletes it under the others'.
pub(crate) async fn put(
    kv: &KvNamespace,
    names: &[KvName],
    value: &str,
    sealed_with: &KeyId,
    vault_id: &str,
    expires_at: UnixMillis,
    now: UnixMillis,
) -> KvOutcome {
    let Some((name, former)) = names.split_first() else {
        return KvOutcome::Failed;
    };
    let metadata = Metadata {
        key: sealed_with.as_str().to_owned(),
        vault: vault_id.to_owned(),
    };
    let kept = PutOptions {
        expiration_ttl: kv_life_secs(expires_at, now),
        metadata: &metadata,
    };
    let written = kv.put(name.as_str(), value, Some(kept)).await.is_ok();
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

/// The access token of a connection as KV knows it, which may be a minute old, with its generation; `None` if KV does not know
/// it or it can't be opened.
pub(crate) async fn token(
    kv: &KvNamespace,
    ring: &KeyRing,
    principal: &Principal,
    id: &ConnectionId,
) -> Option<(ReadableToken, u64)> {
    let binding = RecordBinding::access_token(principal, id);
    let names = KvName::grant(ring, principal, id);
    let (json, generation) = first(kv, ring, &names, &binding, readable_part).await?;
    Some((serde_json::from_slice(&json).ok()?, generation))
}

/// The index as KV knows it.
pub(crate) async fn index(kv: &KvNamespace, ring: &KeyRing, principal: &Principal) -> Option<VehicleIndex> {
    let names = KvName::index(ring, principal);
    let (json, _) = first(kv, ring, &names, &RecordBinding::index(principal), |value| Some(value)).await?;
    serde_json::from_slice(&json).ok()
}

/// The first record under these names that opens, with its generation. `part` takes the sealed record out of a value. Where
/// KV fails or does not answer, the vault is quicker than the next name.
async fn first(
    kv: &KvNamespace,
    ring: &KeyRing,
    names: &[KvName],
    binding: &RecordBinding,
    part: fn(&str) -> Option<&str>,
) -> Option<(Zeroizing<Vec<u8>>, u64)> {
    for name in names {
        let Some(value) = kv.get(name.as_str()).await.ok()? else {
            continue;
        };
        let Some(sealed) = part(&value) else { continue };
        match open(ring, binding, sealed) {
            Ok(opened) => return Some(opened),
            Err(error) => worker::console_error!("a record in KV does not open: {error}"),
        }
    }
    None
}

fn open(ring: &KeyRing, binding: &RecordBinding, sealed: &str) -> Result<(Zeroizing<Vec<u8>>, u64), OpenError> {
    let record = SealedRecord::from_text(sealed)?;
    Ok((record.open(ring, binding)?, record.generation()))
}
