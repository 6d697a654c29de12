//! The vectors of the document, and a second reading of its text.

use std::collections::BTreeMap;

use aes_gcm::{
    Aes256Gcm, KeyInit as _,
    aead::{Aead as _, Payload},
};
use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use hkdf::Hkdf;
use sha2::Sha256;
use smartcar_connect::{
    connect::ConnectionId,
    identity::Session,
    principal::Principal,
    seal::{KeyRing, KvName, SealedRecord},
    time::{Millis, UnixMillis},
    vault::{GrantRecord, PendingRecord, Profile, VehicleIndex},
};

use crate::place;

const DOCUMENT: &str = include_str!("../../docs/storage.md");

type Fields = BTreeMap<String, String>;

/// The sections of the fenced block.
fn vectors() -> Vec<(String, Fields)> {
    let (_, block) = DOCUMENT.split_once("```text\n").unwrap();
    let (block, _) = block.split_once("```").unwrap();
    let mut sections: Vec<(String, Fields)> = Vec::new();
    for line in block.lines().filter(|line| !line.is_empty()) {
        if let Some(name) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            sections.push((name.to_owned(), Fields::new()));
        } else {
            let (name, value) = line.split_once(" =").unwrap_or_else(|| panic!("{line}"));
            let fields = &mut sections.last_mut().unwrap().1;
            fields.insert(name.to_owned(), value.strip_prefix(' ').unwrap_or_default().to_owned());
        }
    }
    sections
}

fn section(name: &str) -> Fields {
    let found = vectors().into_iter().find(|(section, _)| section == name);
    found.unwrap_or_else(|| panic!("no section {name}")).1
}

fn records() -> Vec<(String, Fields)> {
    let records: Vec<_> = vectors()
        .into_iter()
        .filter(|(_, fields)| fields.contains_key("record"))
        .collect();
    assert_eq!(records.len(), 6, "one of each type, and one under a retired key");
    records
}

fn keys() -> KeyRing {
    crate::ring(&section("keys")["sealing_keys"])
}

fn bytes<const N: usize>(hex: &str) -> [u8; N] {
    let digits = |pair: &[u8]| u8::from_str_radix(core::str::from_utf8(pair).unwrap(), 16).unwrap();
    let bytes: Vec<u8> = hex.as_bytes().chunks(2).map(digits).collect();
    bytes.try_into().unwrap()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The ring with the key of `id` first.
fn ring_of(id: &str) -> KeyRing {
    let keys = section("keys")["sealing_keys"].clone();
    let mut keys: Vec<&str> = keys.split(',').collect();
    keys.sort_by_key(|key| !key.starts_with(&format!("{id}:")));
    crate::ring(&keys.join(","))
}

#[test]
fn records_are_sealed_and_opened_as_documented() {
    for (name, fields) in records() {
        let place = place(&fields["type"], &fields["owner"], &fields["item"]);
        let generation = fields["generation"].parse().unwrap();
        let nonce = bytes(&fields["nonce"]);
        let plaintext = fields["plaintext"].as_bytes();
        let sealed = SealedRecord::seal(&ring_of(&fields["key_id"]), &place, generation, nonce, plaintext).unwrap();
        assert_eq!(sealed.to_text(), fields["record"], "{name}");

        let read = SealedRecord::from_text(&fields["record"]).unwrap();
        assert_eq!(read, sealed, "{name}");
        assert_eq!(read.generation(), generation, "{name}");
        assert_eq!(read.key_id().as_str(), fields["key_id"], "{name}");
        assert_eq!(&*read.open(&keys(), &place).unwrap(), plaintext, "{name}");
    }
}

/// Reads a record with nothing but the document's text and the primitives that it names.
#[test]
fn the_text_suffices_to_open_a_record() {
    let field = |bytes: &[u8]| [&u32::try_from(bytes.len()).unwrap().to_be_bytes()[..], bytes].concat();
    for (name, fields) in records() {
        let record = URL_SAFE_NO_PAD.decode(&fields["record"]).unwrap();
        assert_eq!(record[0], 1, "{name}");
        let (key_id, rest) = record[2..].split_at(usize::from(record[1]));
        let (generation, rest) = rest.split_at(8);
        let (nonce, ciphertext) = rest.split_at(12);

        let keys = section("keys")["sealing_keys"].clone();
        let key_id = core::str::from_utf8(key_id).unwrap();
        let key = keys
            .split(',')
            .find_map(|key| key.strip_prefix(&format!("{key_id}:")))
            .unwrap();
        let key = STANDARD.decode(key).unwrap();
        let info = [field(fields["type"].as_bytes()), field(fields["owner"].as_bytes())].concat();
        let mut derived = [0; 32];
        Hkdf::<Sha256>::new(Some(b"smartcar-connect/v1"), &key)
            .expand(&info, &mut derived)
            .unwrap();
        assert_eq!(hex(&derived), fields["derived_key"], "{name}");

        let associated_data = [
            field(b"smartcar-connect"),
            field(&[1]),
            field(key_id.as_bytes()),
            field(fields["type"].as_bytes()),
            field(fields["owner"].as_bytes()),
            field(fields["item"].as_bytes()),
            field(generation),
        ]
        .concat();
        assert_eq!(hex(&associated_data), fields["associated_data"], "{name}");
        let payload = Payload {
            msg: ciphertext,
            aad: &associated_data,
        };
        let nonce: [u8; 12] = nonce.try_into().unwrap();
        let plaintext = Aes256Gcm::new((&derived).into())
            .decrypt((&nonce).into(), payload)
            .unwrap();
        assert_eq!(core::str::from_utf8(&plaintext).unwrap(), fields["plaintext"], "{name}");
    }
}

/// The Worker's `IndexRecord`, which is not of this crate.
#[derive(serde::Serialize, serde::Deserialize)]
struct Publication {
    generation: u64,
    publish_at: Option<UnixMillis>,
    accepted: bool,
}

#[test]
fn a_publication_has_the_members_of_the_worker_s_record() {
    let source = include_str!("../../worker/src/vault/index.rs");
    let (_, members) = source.split_once("struct IndexRecord {").unwrap();
    let (members, _) = members.split_once('}').unwrap();
    let members: Vec<&str> = members
        .lines()
        .filter_map(|line| line.trim().strip_prefix("pub(super) "))
        .collect();
    assert_eq!(
        members,
        ["generation: u64,", "publish_at: Option<UnixMillis>,", "accepted: bool,"]
    );
}

/// The plaintexts are what the program reads and writes.
#[test]
fn the_plaintexts_are_records() {
    for (name, fields) in records() {
        let json = &fields["plaintext"];
        let written = match fields["type"].as_str() {
            "grant" => serde_json::to_string(&serde_json::from_str::<GrantRecord>(json).unwrap()),
            "pending" => serde_json::to_string(&serde_json::from_str::<PendingRecord>(json).unwrap()),
            "index" => serde_json::to_string(&serde_json::from_str::<VehicleIndex>(json).unwrap()),
            "publication" => serde_json::to_string(&serde_json::from_str::<Publication>(json).unwrap()),
            "profile" => serde_json::to_string(&serde_json::from_str::<Profile>(json).unwrap()),
            other => panic!("no type {other}"),
        };
        assert_eq!(written.unwrap(), *json, "{name}");
    }
}

#[test]
fn principals_and_vaults_are_named_as_documented() {
    let fields = section("principal");
    let principal = Principal::anonymous(&bytes(&fields["session_id"]));
    assert_eq!(principal.as_str(), fields["principal"]);
    assert_eq!(principal.vault_name(), fields["vault_name"]);
}

#[test]
fn names_in_kv_are_as_documented() {
    let fields = section("names");
    let principal = Principal::parse(&fields["principal"]).unwrap();
    let id = ConnectionId::parse(&fields["connection"]).unwrap();
    let names = |names: Vec<KvName>| names.iter().map(|name| name.as_str().to_owned()).collect::<Vec<_>>();
    assert_eq!(
        names(KvName::grant(&keys(), &principal, &id)),
        [&*fields["grant"], &*fields["grant_under_retired"]],
        "the active key's name first"
    );
    assert_eq!(
        names(KvName::index(&keys(), &principal)),
        [&*fields["index"], &*fields["index_under_retired"]]
    );
    for name in ["grant", "grant_under_retired", "index", "index_under_retired"] {
        assert!(fields[name].starts_with(KvName::PREFIX));
        assert_eq!(fields[name].len(), KvName::PREFIX.len() + 43);
    }
}

#[test]
fn the_session_cookie_is_as_documented() {
    let fields = section("session");
    let id = bytes(&fields["session_id"]);
    let now = UnixMillis::new(fields["started_at"].parse().unwrap());
    let lifetime = Millis::from_days(1);
    let session = Session::start(id, now, lifetime);
    assert_eq!(session.to_cookie(&keys()).unwrap().as_str(), fields["cookie"]);
    let read = Session::from_cookie(&keys(), &fields["cookie"], now, lifetime).unwrap();
    assert_eq!(read.principal(), session.principal());
}

/// Every vector is used by a test above.
#[test]
fn nothing_in_the_block_is_left_unchecked() {
    let names: Vec<String> = vectors().into_iter().map(|(name, _)| name).collect();
    let known = [
        "keys",
        "principal",
        "grant",
        "pending",
        "index",
        "publication",
        "profile",
        "grant under a retired key",
        "names",
        "session",
    ];
    assert_eq!(names, known);
}
