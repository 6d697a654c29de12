//! Input: a sealed record, as bytes or as text.

use smartcar_connect::{
    connect::ConnectionId,
    principal::Principal,
    seal::{OpenError, Place, SealedRecord},
    vault::{GrantRecord, connection},
};

use super::{NOW, ring};

pub fn check(data: &[u8]) {
    decodes_one_way(data);
    opens_only_what_was_sealed(data);
    holds_a_grant(data);
}

fn place() -> Place {
    let principal = Principal::parse("fuzz").expect("a principal");
    Place::grant(&principal, &ConnectionId::from_random([7; 16]))
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
            record.open(&ring(), &place()),
            Err(OpenError::UnknownKey | OpenError::NotAuthentic)
        ));
    }
}

/// The input as plaintext: it comes back from its own place, and from no other, and not once a bit was changed.
fn opens_only_what_was_sealed(data: &[u8]) {
    let (ring, place) = (ring(), place());
    let generation = data.len() as u64;
    let record = SealedRecord::seal(&ring, &place, generation, [9; 12], data).expect("short enough");
    let bytes = record.to_bytes();
    let read = SealedRecord::from_bytes(&bytes).expect("a record");
    assert_eq!(read.generation(), generation);
    assert_eq!(read.open(&ring, &place).expect("its own place").as_slice(), data);
    let elsewhere = Place::profile("fuzz");
    assert_eq!(read.open(&ring, &elsewhere).unwrap_err(), OpenError::NotAuthentic);

    let seed = data
        .iter()
        .fold(0, |sum: usize, byte| sum.wrapping_mul(31) + usize::from(*byte));
    let mut changed = bytes.clone();
    let at = seed % changed.len();
    changed[at] ^= 1 << (seed / changed.len() % 8);
    if let Ok(record) = SealedRecord::from_bytes(&changed) {
        assert!(
            record.open(&ring, &place).is_err(),
            "byte {at} of {} was changed",
            bytes.len()
        );
    }
    if let Ok(record) = SealedRecord::from_bytes(&bytes[..seed % bytes.len()]) {
        assert!(record.open(&ring, &place).is_err(), "cut short");
    }
}

/// The input as what was sealed.
fn holds_a_grant(data: &[u8]) {
    let Ok(record) = serde_json::from_slice::<GrantRecord>(data) else {
        return;
    };
    let json = serde_json::to_vec(&record).expect("a record serialises");
    let again: GrantRecord = serde_json::from_slice(&json).expect("and is read back");
    assert_eq!(serde_json::to_vec(&again).expect("a record serialises"), json);
    let id = ConnectionId::from_random([7; 16]);
    let _ = connection(&id, &record, NOW);
    if let GrantRecord::Live(grant) = record {
        let shown = format!("{grant:?}");
        for secret in [grant.tokens.access_token.expose(), grant.tokens.refresh_token.expose()] {
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
