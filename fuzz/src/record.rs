//! Input: a sealed record, as bytes or as text.

use smartcar_connect::{
    connect::ConnectionId,
    principal::Principal,
    seal::{OpenError, RecordBinding, SealedRecord},
    vault::{Live, Record, connection},
};

use super::{NOW, ring};

pub fn check(data: &[u8]) {
    decodes_one_way(data);
    opens_only_what_was_sealed(data);
    holds_a_grant(data);
}

fn binding() -> RecordBinding {
    let principal = Principal::parse("fuzz").expect("a principal");
    RecordBinding::grant(&principal, &ConnectionId::from_random([7; 16]))
}

/// Every record has one form in bytes and one in text.
fn decodes_one_way(data: &[u8]) {
    match SealedRecord::from_bytes(data) {
        Ok(record) => {
            assert_eq!(record.to_bytes(), data);
            assert_eq!(SealedRecord::from_text(&record.to_text()), Ok(record));
        }
        Err(OpenError::UnknownVersion(version)) => assert_eq!(data.first(), Some(&version)),
        Err(error) => assert_eq!(error, OpenError::Malformed),
    }
    if let Ok(text) = core::str::from_utf8(data)
        && let Ok(record) = SealedRecord::from_text(text)
    {
        assert_eq!(record.to_text(), text);
        assert!(matches!(
            record.open(&ring(), &binding()),
            Err(OpenError::UnknownKey | OpenError::NotAuthentic)
        ));
    }
}

/// The input as plaintext: it comes back from its own binding, and from no other, and not once a bit was changed.
fn opens_only_what_was_sealed(data: &[u8]) {
    let (ring, binding) = (ring(), binding());
    let generation = data.len() as u64;
    let record = SealedRecord::seal(&ring, &binding, generation, [9; 12], data).expect("short enough");
    let bytes = record.to_bytes();
    let read = SealedRecord::from_bytes(&bytes).expect("a record");
    assert_eq!(read.generation(), generation);
    assert_eq!(read.open(&ring, &binding).expect("its own binding").as_slice(), data);
    let elsewhere = RecordBinding::profile("fuzz");
    assert_eq!(read.open(&ring, &elsewhere).unwrap_err(), OpenError::NotAuthentic);

    let seed = data
        .iter()
        .fold(0, |sum: usize, byte| sum.wrapping_mul(31) + usize::from(*byte));
    let mut changed = bytes.clone();
    let at = seed % changed.len();
    changed[at] ^= 1 << (seed / changed.len() % 8);
    if let Ok(record) = SealedRecord::from_bytes(&changed) {
        assert!(
            record.open(&ring, &binding).is_err(),
            "byte {at} of {} was changed",
            bytes.len()
        );
    }
    if let Ok(record) = SealedRecord::from_bytes(&bytes[..seed % bytes.len()]) {
        assert!(record.open(&ring, &binding).is_err(), "cut short");
    }
}

/// The input as what was sealed.
fn holds_a_grant(data: &[u8]) {
    let Ok(record) = serde_json::from_slice::<Record>(data) else {
        return;
    };
    let json = serde_json::to_vec(&record).expect("a record serialises");
    let again: Record = serde_json::from_slice(&json).expect("and is read back");
    assert_eq!(serde_json::to_vec(&again).expect("a record serialises"), json);
    let id = ConnectionId::from_random([7; 16]);
    let _ = connection(&id, &record, NOW, NOW);
    if let Some(tokens) = record.live().and_then(Live::owner_tokens) {
        let shown = format!("{record:?}");
        for secret in [tokens.pair.access_token.expose(), tokens.pair.refresh_token.expose()] {
            let beside = json
                .windows(secret.len().max(1))
                .filter(|part| *part == secret.as_bytes())
                .count();
            assert!(
                secret.len() < 16 || beside > 1 || !shown.contains(secret),
                "a token is shown"
            );
        }
    }
}
