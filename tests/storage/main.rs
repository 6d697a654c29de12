//! What is stored: the vectors of `docs/storage.md`, and that no record opens anywhere but in its own place.

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
    connect::ConnectionId,
    principal::Principal,
    seal::{KeyRing, Place, SealedRecord},
};

const KEY_A: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
const KEY_B: &str = "ICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj8=";

fn ring(text: &str) -> KeyRing {
    KeyRing::parse(text).unwrap()
}

/// The place that a type, owner and item name.
fn place(record_type: &str, owner: &str, item: &str) -> Place {
    let principal = || Principal::parse(owner).unwrap();
    match record_type {
        "grant" => Place::grant(&principal(), &ConnectionId::parse(item).unwrap()),
        "pending" => Place::pending(&principal(), item),
        "index" => Place::index(&principal()),
        "publication" => Place::publication(&principal()),
        "profile" => Place::profile(owner.strip_prefix("vault:").unwrap()),
        other => panic!("no type {other}"),
    }
}

fn opens(ring: &KeyRing, record: &SealedRecord, place: &Place) -> bool {
    record.open(ring, place).is_ok()
}
