//! The vectors of the document, and a second reading of its text.

use std::collections::BTreeMap;

use aes_gcm::{
    Aes256Gcm, KeyInit as _,
    aead::{Aead as _, Payload},
};
use base64ct::{Base64, Base64UrlUnpadded, Encoding as _};
use hkdf::Hkdf;
use sha2::Sha256;
use smartcar_connect::{
    connect::{ApplicationId, ConnectionId, ExternalId, UserId},
    identity::{Session, SessionCookie, SessionLimits, Ticket},
    principal::Principal,
    seal::{KeyRing, KvName, SealedRecord},
    time::{Millis, UnixMillis},
    token::cycle::{ApplicationTokens, RefreshState},
    vault::{
        Access, Claimed, IndexRecord, KvCopy, Learned, Lookup, Profile, ReadableToken, Record, Sessions, UsedTicket,
        VehicleIndex, finish::PendingRecord, join_value, readable_part,
    },
    webhook::InboxEvent,
};

use crate::binding;

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
    let mut types: Vec<&str> = records.iter().map(|(_, fields)| fields["type"].as_str()).collect();
    types.sort_unstable();
    types.dedup();
    let all = [
        "access_token",
        "application_token",
        "grant",
        "index",
        "lookup",
        "pending",
        "profile",
        "publication",
        "sessions",
        "webhook",
    ];
    assert_eq!(types, all, "one of each type at least");
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
        let binding = binding(&fields["type"], &fields["owner"], &fields["item"]);
        let generation = fields["generation"].parse().unwrap();
        let nonce = bytes(&fields["nonce"]);
        let plaintext = fields["plaintext"].as_bytes();
        let sealed = SealedRecord::seal(&ring_of(&fields["key_id"]), &binding, generation, nonce, plaintext).unwrap();
        assert_eq!(sealed.to_text(), fields["record"], "{name}");

        let read = SealedRecord::from_text(&fields["record"]).unwrap();
        assert_eq!(read, sealed, "{name}");
        assert_eq!(read.generation(), generation, "{name}");
        assert_eq!(read.key_id().as_str(), fields["key_id"], "{name}");
        assert_eq!(&*read.open(&keys(), &binding).unwrap(), plaintext, "{name}");
    }
}

/// Reads a record with nothing but the document's text and the primitives that it names.
#[test]
fn the_text_suffices_to_open_a_record() {
    let field = |bytes: &[u8]| [&u32::try_from(bytes.len()).unwrap().to_be_bytes()[..], bytes].concat();
    for (name, fields) in records() {
        let record = Base64UrlUnpadded::decode_vec(&fields["record"]).unwrap();
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
        let key = Base64::decode_vec(key).unwrap();
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

fn rewritten<T: serde::de::DeserializeOwned + serde::Serialize>(json: &str) -> String {
    serde_json::to_string(&serde_json::from_str::<T>(json).unwrap()).unwrap()
}

/// The plaintexts are what the program reads and writes.
#[test]
fn the_plaintexts_are_records() {
    for (name, fields) in records() {
        let json = &fields["plaintext"];
        let written = match fields["type"].as_str() {
            "grant" => rewritten::<Record>(json),
            "access_token" => rewritten::<ReadableToken>(json),
            "pending" => rewritten::<PendingRecord>(json),
            "index" => rewritten::<VehicleIndex>(json),
            "publication" => rewritten::<IndexRecord>(json),
            "profile" => rewritten::<Profile>(json),
            "lookup" => rewritten::<Lookup>(json),
            "sessions" => rewritten::<Sessions>(json),
            "application_token" => rewritten::<ApplicationTokens>(json),
            "webhook" => {
                let event: InboxEvent = serde_json::from_str(json).unwrap();
                assert_eq!(event.event.key(), fields["item"]);
                rewritten::<InboxEvent>(json)
            }
            other => panic!("no type {other}"),
        };
        assert_eq!(written, *json, "{name}");
    }
}

fn grant(name: &str) -> Record {
    serde_json::from_str(&section(name)["plaintext"]).unwrap()
}

/// The grants of the document are in every state that its text tells of.
#[test]
fn every_state_of_a_grant_is_in_a_vector() {
    let Record::Live(live) = grant("grant") else { panic!() };
    let marked = live.vehicles().iter();
    assert!(
        marked
            .into_iter()
            .any(|car| car.marks.first().is_some() && !car.marks.mended.is_empty())
    );
    let tokens = live.owner_tokens().unwrap();
    assert!(tokens.attempt.is_none() && matches!(tokens.refresh, RefreshState::Ok { .. }));
    assert!(live.user_id.known().is_some() && matches!(live.kv, KvCopy::Dirty { .. }));
    let attributes: Vec<bool> = live.vehicles().iter().map(|known| known.attributes.is_some()).collect();
    assert_eq!(attributes, [true, false]);

    let Record::Live(live) = grant("grant whose refresh fails") else {
        panic!()
    };
    let tokens = live.owner_tokens().unwrap();
    assert!(tokens.attempt.is_some() && matches!(tokens.refresh, RefreshState::Failing { .. }));
    assert!(matches!(live.user_id, Learned::Unknown { .. }) && matches!(live.vehicles, Learned::Unknown { .. }));
    assert!(live.kv.is_synced());

    let Record::Live(live) = grant("grant without tokens") else {
        panic!()
    };
    assert!(matches!(live.access, Access::Application { .. }) && live.moved().is_none());
    let Record::Live(live) = grant("grant that was moved") else {
        panic!()
    };
    assert!(live.moved().unwrap().kept.is_some() && live.owner_tokens().is_none());
    let Record::Live(live) = grant("grant that could not be moved") else {
        panic!()
    };
    assert!(live.not_moved.is_some() && live.owner_tokens().is_some());

    let Record::Ended(ended) = grant("grant that ended") else {
        panic!()
    };
    assert!(matches!(ended.kv, KvCopy::Settling { .. }) && ended.kept.is_none());
    let Record::Ended(ended) = grant("grant that was moved and has ended") else {
        panic!()
    };
    assert!(ended.kept.is_some());
    let Record::Closing(closing) = grant("grant that is closing") else {
        panic!()
    };
    assert!(closing.live.is_some());
    let Record::Leaving(leaving) = grant("grant that is leaving") else {
        panic!()
    };
    assert!(matches!(leaving.claimed, Claimed::Live(live) if live.external_id.is_some()));
    assert!(matches!(grant("grant under a retired key"), Record::Tombstone(_)));
}

#[test]
fn a_record_s_generation_is_that_of_its_content() {
    for (name, fields) in records() {
        let json = &fields["plaintext"];
        let generation = match fields["type"].as_str() {
            "grant" => serde_json::from_str::<Record>(json).unwrap().generation(),
            "publication" => serde_json::from_str::<IndexRecord>(json).unwrap().generation,
            "access_token" => grant("grant").generation(),
            "application_token" => serde_json::from_str::<ApplicationTokens>(json).unwrap().generation,
            "index" | "lookup" => section("publication")["generation"].parse().unwrap(),
            _ => 0,
        };
        assert_eq!(fields["generation"], generation.to_string(), "{name}");
    }
}

#[test]
fn the_value_of_a_connection_is_put_together_as_documented() {
    for name in ["value of a connection", "value of a connection without tokens"] {
        let fields = section(name);
        let record = |of: &str| match of {
            "" => String::new(),
            of => section(of)["record"].clone(),
        };
        let (first, second) = (record(&fields["first"]), record(&fields["second"]));
        assert_eq!(join_value(&first, &second), fields["value"], "{name}");
        assert_eq!(
            readable_part(&fields["value"]),
            (!first.is_empty()).then_some(&*first),
            "{name}"
        );

        let Record::Live(live) = grant(&fields["second"]) else {
            panic!("{name}")
        };
        let readable = ReadableToken::of(&live).map(|token| serde_json::to_string(&token).unwrap());
        let documented = (!first.is_empty()).then(|| section(&fields["first"])["plaintext"].clone());
        assert_eq!(readable, documented, "{name}: the first part is of the second");
    }
}

/// What a look-up leads to is the vault that its name and its place say.
#[test]
fn the_look_ups_are_of_the_owner_and_the_vault_of_the_names() {
    let names = section("names");
    let [by_external_id, by_user_id, must_act] = [
        "look-up by external id",
        "look-up by user id",
        "look-up of one whose owner must act",
    ]
    .map(section);
    assert_eq!(by_external_id["owner"], format!("external_id:{}", names["external_id"]));
    assert_eq!(by_external_id["item"], "");
    assert_eq!(by_user_id["owner"], format!("user_id:{}", names["user_id"]));
    assert_eq!(by_user_id["item"], names["vault"]);
    assert_eq!((&*must_act["owner"], &must_act["item"]), ("must_act:", &names["vault"]));
    for fields in [by_external_id, by_user_id, must_act] {
        let lookup: Lookup = serde_json::from_str(&fields["plaintext"]).unwrap();
        assert_eq!(lookup.vault, names["vault"]);
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
    let external_id = ExternalId::parse(&fields["external_id"]).unwrap();
    let user_id = UserId::parse(&fields["user_id"]).unwrap();
    let vault = &fields["vault"];
    let names = |names: Vec<KvName>| names.iter().map(|name| name.as_str().to_owned()).collect::<Vec<_>>();
    let keys = keys();
    let all = [
        ("grant", names(KvName::grant(&keys, &principal, &id)), 43),
        ("index", names(KvName::index(&keys, &principal)), 43),
        (
            "external_id_lookup",
            names(KvName::external_id_lookup(&keys, &external_id)),
            43,
        ),
        (
            "user_lookup",
            names(KvName::user_lookup(&keys, &user_id, vault)),
            44 + vault.len(),
        ),
        ("user_lookup_prefix", KvName::user_lookup_prefixes(&keys, &user_id), 44),
        ("must_act", names(KvName::must_act(&keys, vault)), 44 + vault.len()),
        (
            "must_act_prefix",
            keys.ids()
                .filter_map(|key| KvName::must_act_prefix(&keys, key))
                .collect(),
            44,
        ),
    ];
    for (kind, names, length) in all {
        let documented = [fields[kind].clone(), fields[&format!("{kind}_under_retired")].clone()];
        assert_eq!(names, documented, "{kind}: the active key's name first");
        for name in names {
            assert!(name.starts_with(KvName::PREFIX), "{kind}");
            assert_eq!(name.len(), KvName::PREFIX.len() + length, "{kind}");
        }
    }
    for key in ["", "_under_retired"] {
        for kind in ["user_lookup", "must_act"] {
            let [name, prefix] = ["", "_prefix"].map(|part| &fields[&format!("{kind}{part}{key}")]);
            assert_eq!(*name, format!("{prefix}{vault}"));
        }
    }
}

#[test]
fn the_session_cookie_is_as_documented() {
    let fields = section("session");
    let id = bytes(&fields["session_id"]);
    let now = UnixMillis::new(fields["started_at"].parse().unwrap());
    let renewed_at = UnixMillis::new(fields["renewed_at"].parse().unwrap());
    let limits = SessionLimits {
        idle: Millis::from_days(3),
        absolute: None,
    };
    let session = Session::start(id, now, limits).visited(renewed_at);
    assert_eq!(session.to_cookie(&keys()).unwrap().as_str(), fields["cookie"]);
    let read = Session::from_cookie(&keys(), &fields["cookie"], renewed_at, limits).unwrap();
    assert_eq!(read.ends_at(), renewed_at.after(limits.idle));
    assert_eq!(read.principal(), session.principal());
}

/// The limits with which the sessions of the document are read.
const MONTH: SessionLimits = SessionLimits {
    idle: Millis::from_days(30),
    absolute: None,
};

fn millis(fields: &Fields, name: &str) -> UnixMillis {
    UnixMillis::new(fields[name].parse().unwrap())
}

fn deployment() -> SessionCookie {
    let fields = section("ticket");
    let application = ApplicationId::parse(&fields["client_id"]).unwrap();
    SessionCookie::of_deployment(&fields["path_prefix"], &application)
}

/// The ticket of the document, as it is issued.
fn ticket() -> Ticket {
    let fields = section("ticket");
    let life = Millis::from_mins(5);
    let issued_at = UnixMillis::new(
        millis(&fields, "expires_at")
            .as_millis()
            .saturating_sub(life.as_millis()),
    );
    Ticket::issue(bytes(&fields["ticket_id"]), &fields["user"], issued_at, life).unwrap()
}

#[test]
fn the_ticket_is_as_documented() {
    let fields = section("ticket");
    assert_eq!(deployment().name(None), fields["cookie_name"]);
    let text = ticket().to_text(&keys(), &deployment()).unwrap();
    assert_eq!(text.as_str(), fields["ticket"]);
    let expires_at = millis(&fields, "expires_at");
    let just_before = UnixMillis::new(expires_at.as_millis() - 1);
    let read = Ticket::open(&keys(), &deployment(), &fields["ticket"], just_before).unwrap();
    assert_eq!(read, ticket());
    assert!(Ticket::open(&keys(), &deployment(), &fields["ticket"], expires_at).is_err());
}

/// The session that the ticket opens, at its latest renewal.
fn session_of_a_user() -> Session {
    let fields = section("session of a user");
    let session = Session::start_for(
        &ticket(),
        bytes(&fields["session_id"]),
        millis(&fields, "started_at"),
        MONTH,
    );
    session.visited(millis(&fields, "renewed_at"))
}

#[test]
fn the_session_cookie_of_a_user_is_as_documented() {
    let fields = section("session of a user");
    let session = session_of_a_user();
    assert_eq!(session.to_cookie(&keys()).unwrap().as_str(), fields["cookie"]);
    let read = Session::from_cookie(&keys(), &fields["cookie"], millis(&fields, "renewed_at"), MONTH).unwrap();
    assert_eq!(read.principal(), Principal::user(&fields["user"]).unwrap());
    assert_eq!(read.shown(), session.shown());
    assert_eq!(
        serde_json::to_string(&session.shown().id).unwrap(),
        format!("\"{}\"", fields["id"])
    );
}

/// What the vault keeps once the ticket of the document has opened the session of the document.
#[test]
fn the_record_of_the_sessions_is_of_the_ticket_and_the_session() {
    let fields = section("sessions");
    assert_eq!(fields["owner"], ticket().principal().as_str());
    let used = UsedTicket {
        id: ticket().id(),
        expires_at: ticket().expires_at(),
    };
    let started_at = millis(&section("session of a user"), "started_at");
    let sessions = Sessions::default();
    let opened = sessions
        .opened(used, session_of_a_user().shown(), None, started_at)
        .unwrap();
    assert_eq!(serde_json::to_string(&opened).unwrap(), fields["plaintext"]);
    assert!(opened.admit(ticket().principal(), &session_of_a_user().shown().id));
}

/// Every vector is used by a test above.
#[test]
fn nothing_in_the_block_is_left_unchecked() {
    let names: Vec<String> = vectors().into_iter().map(|(name, _)| name).collect();
    let known = [
        "keys",
        "principal",
        "grant",
        "grant whose refresh fails",
        "grant without tokens",
        "grant that was moved",
        "grant that could not be moved",
        "grant that ended",
        "grant that was moved and has ended",
        "grant that is leaving",
        "grant that is closing",
        "grant under a retired key",
        "access token",
        "pending",
        "pending that was used",
        "index",
        "publication",
        "profile",
        "profile that was claimed",
        "look-up by external id",
        "look-up by user id",
        "look-up of one whose owner must act",
        "value of a connection",
        "value of a connection without tokens",
        "names",
        "session",
        "session of a user",
        "ticket",
        "sessions",
        "pending of v3",
        "application token",
        "webhook",
    ];
    assert_eq!(names, known);
}
