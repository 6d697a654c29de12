//! What is stored: the vectors of `docs/storage.md`, and that no record opens but with its own binding.

#![cfg(feature = "edge")]
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test, outside its functions too"
)]

mod swap;
mod vectors;

use smartcar_connect::{
    connect::{ConnectionId, ExternalId, UserId},
    principal::Principal,
    seal::{KeyRing, RecordBinding, SealedRecord},
};

const KEY_A: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
const KEY_B: &str = "ICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj8=";

fn ring(text: &str) -> KeyRing {
    KeyRing::parse(text).unwrap()
}

/// The binding that a type, owner and item name.
fn binding(record_type: &str, owner: &str, item: &str) -> RecordBinding {
    let principal = || Principal::parse(owner).unwrap();
    match record_type {
        "grant" => RecordBinding::grant(&principal(), &ConnectionId::parse(item).unwrap()),
        "access_token" => RecordBinding::access_token(&principal(), &ConnectionId::parse(item).unwrap()),
        "pending" => RecordBinding::pending(&principal(), item),
        "index" => RecordBinding::index(&principal()),
        "publication" => RecordBinding::publication(&principal()),
        "sessions" => RecordBinding::sessions(&principal()),
        "webhook" => RecordBinding::webhook(owner.strip_prefix("inbox:").unwrap(), item),
        "profile" => RecordBinding::profile(owner.strip_prefix("vault:").unwrap()),
        "application_token" => RecordBinding::application_token(owner.strip_prefix("application:").unwrap(), item),
        "lookup" => match owner.split_once(':').unwrap() {
            ("external_id", id) => {
                assert_eq!(item, "", "a look-up by external id has no item");
                RecordBinding::external_id_lookup(&ExternalId::parse(id).unwrap())
            }
            ("user_id", id) => RecordBinding::user_lookup(&UserId::parse(id).unwrap(), item),
            ("must_act", "") => RecordBinding::must_act(item),
            (other, _) => panic!("no look-up by {other}"),
        },
        other => panic!("no type {other}"),
    }
}

fn opens(ring: &KeyRing, record: &SealedRecord, binding: &RecordBinding) -> bool {
    record.open(ring, binding).is_ok()
}
