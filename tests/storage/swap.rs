//! No record opens with another's binding.

use proptest::{collection::vec, prelude::*};
use smartcar_connect::{
    connect::{ConnectionId, ExternalId, UserId},
    principal::Principal,
    seal::{KeyRing, KvName, Nonce, OpenError, RecordBinding, SealedRecord},
};

use crate::{KEY_A, KEY_B, binding, opens, ring};

/// A type, an owner and an item.
type Named = (&'static str, String, String);

fn connection() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("AAAAAAAAAAAAAAAAAAAAAA".to_owned()),
        Just("AQEBAQEBAQEBAQEBAQEBAQ".to_owned()),
        "[A-Za-z0-9_-]{21}A",
    ]
}

/// Owners that are likely to be confused: shared prefixes, text that looks like the next field, and principals that are named
/// like the owners of other types.
fn owner() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("a".to_owned()),
        Just("ab".to_owned()),
        Just("vault:a".to_owned()),
        Just("external_id:a".to_owned()),
        Just("user_id:a".to_owned()),
        Just("grant".to_owned()),
        "[!-~]{1,40}",
    ]
}

/// The id of a vault's Durable Object.
fn vault() -> impl Strategy<Value = String> {
    prop_oneof![Just("a".to_owned()), "[a-f0-9]{0,64}"]
}

fn named() -> impl Strategy<Value = Named> {
    prop_oneof![
        (owner(), connection()).prop_map(|(owner, item)| ("grant", owner, item)),
        (owner(), connection()).prop_map(|(owner, item)| ("access_token", owner, item)),
        (owner(), prop_oneof![connection(), Just(String::new()), "[!-~]{0,43}"])
            .prop_map(|(owner, item)| ("pending", owner, item)),
        owner().prop_map(|owner| ("index", owner, String::new())),
        owner().prop_map(|owner| ("publication", owner, String::new())),
        vault().prop_map(|id| ("profile", format!("vault:{id}"), String::new())),
        owner().prop_map(|id| ("lookup", format!("external_id:{id}"), String::new())),
        (owner(), vault()).prop_map(|(id, vault)| ("lookup", format!("user_id:{id}"), vault)),
        vault().prop_map(|vault| ("lookup", "must_act:".to_owned(), vault)),
    ]
}

fn sealed(ring: &KeyRing, named: &Named, generation: u64, nonce: Nonce, plaintext: &[u8]) -> SealedRecord {
    SealedRecord::seal(ring, &at(named), generation, nonce, plaintext).unwrap()
}

fn at((record_type, owner, item): &Named) -> RecordBinding {
    binding(record_type, owner, item)
}

/// Two values that are not the same.
fn two<T: std::fmt::Debug + Clone + PartialEq + 'static>(
    strategy: impl Strategy<Value = T> + 'static,
) -> impl Strategy<Value = [T; 2]> {
    let strategy = strategy.boxed();
    [strategy.clone(), strategy].prop_filter("the same twice", |[one, other]| one != other)
}

/// Whether the record opens with one bit changed.
fn opens_changed(ring: &KeyRing, named: &Named, bytes: &[u8], position: usize, bit: u8) -> bool {
    let mut changed = bytes.to_vec();
    changed[position] ^= 1 << bit;
    SealedRecord::from_bytes(&changed).is_ok_and(|record| opens(ring, &record, &at(named)))
}

/// The offset of the generation in a record whose key id is `k1`.
const GENERATION: usize = 4;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn a_record_opens_with_its_own_binding_only(
        one in named(),
        other in named(),
        generation: u64,
        nonce: Nonce,
        plaintext in vec(any::<u8>(), 0..200),
    ) {
        let ring = ring(&format!("k1:{KEY_A}"));
        let record = sealed(&ring, &one, generation, nonce, &plaintext);
        let opened = record.open(&ring, &at(&one)).unwrap();
        prop_assert_eq!(&*opened, &plaintext);
        prop_assert_eq!(opens(&ring, &record, &at(&other)), one == other);
    }

    #[test]
    fn a_record_opens_under_its_own_type_only(
        owner in prop_oneof![owner(), vault().prop_map(|id| format!("vault:{id}")), "external_id:[!-~]{1,40}", "user_id:[!-~]{1,40}"],
        connection in connection(),
        nonce: Nonce,
    ) {
        let ring = ring(&format!("k1:{KEY_A}"));
        // Every type that this owner can have, with this item and with none.
        let mut all: Vec<Named> = Vec::new();
        for item in [connection.as_str(), ""] {
            let kinds: &[&str] = if item.is_empty() { &["pending", "index", "publication"] } else { &["grant", "access_token", "pending"] };
            all.extend(kinds.iter().map(|kind| (*kind, owner.clone(), item.to_owned())));
            if item.is_empty() && owner.starts_with("vault:") {
                all.push(("profile", owner.clone(), String::new()));
            }
            if owner.starts_with("user_id:") || (item.is_empty() && owner.starts_with("external_id:")) {
                all.push(("lookup", owner.clone(), item.to_owned()));
            }
        }
        for one in &all {
            let record = sealed(&ring, one, 1, nonce, b"{}");
            for other in &all {
                prop_assert_eq!(opens(&ring, &record, &at(other)), one == other, "{:?} as {:?}", one, other);
            }
        }
    }

    #[test]
    fn a_record_opens_under_its_own_item_only(
        owner in owner(),
        connections in two(connection()),
        fingerprints in two("[!-~]{0,43}"),
        vaults in two(vault()),
        nonce: Nonce,
    ) {
        let ring = ring(&format!("k1:{KEY_A}"));
        let (user, must_act) = (format!("user_id:{owner}"), "must_act:".to_owned());
        for (kind, owner, [item, other]) in [
            ("grant", &owner, connections.clone()),
            ("access_token", &owner, connections),
            ("pending", &owner, fingerprints),
            ("lookup", &user, vaults.clone()),
            ("lookup", &must_act, vaults),
        ] {
            let record = sealed(&ring, &(kind, owner.clone(), item.clone()), 1, nonce, b"{}");
            prop_assert!(opens(&ring, &record, &binding(kind, owner, &item)));
            prop_assert!(!opens(&ring, &record, &binding(kind, owner, &other)), "{} of {} as {}", kind, item, other);
        }
    }

    #[test]
    fn a_record_opens_under_its_own_owner_only(
        [owner, other] in two(owner()),
        vaults in two(vault()),
        item in connection(),
        nonce: Nonce,
    ) {
        let ring = ring(&format!("k1:{KEY_A}"));
        let vault = vaults[0].clone();
        let vaults = vaults.map(|id| format!("vault:{id}"));
        let owners = [owner, other];
        let [external_ids, user_ids] = ["external_id", "user_id"].map(|of| owners.clone().map(|id| format!("{of}:{id}")));
        // The same id, of the one and of the other.
        let same_id = [external_ids[0].clone(), user_ids[0].clone()];
        let same_vault = [user_ids[0].clone(), "must_act:".to_owned()];
        for (kind, [owner, other], item) in [
            ("lookup", external_ids, ""),
            ("lookup", user_ids, &*vault),
            ("lookup", same_id, ""),
            ("lookup", same_vault, &*vault),
            ("grant", owners.clone(), &*item),
            ("access_token", owners.clone(), &*item),
            ("pending", owners.clone(), &*item),
            ("index", owners.clone(), ""),
            ("publication", owners, ""),
            ("profile", vaults, ""),
        ] {
            let record = sealed(&ring, &(kind, owner.clone(), item.to_owned()), 1, nonce, b"{}");
            prop_assert!(opens(&ring, &record, &binding(kind, &owner, item)));
            prop_assert!(!opens(&ring, &record, &binding(kind, &other, item)), "{} of {} as {}", kind, owner, other);
        }
    }

    #[test]
    fn no_record_passes_as_another_generation(
        named in named(),
        generation: u64,
        other: u64,
        nonce: Nonce,
        plaintext in vec(any::<u8>(), 0..200),
    ) {
        prop_assume!(generation != other);
        let ring = ring(&format!("k1:{KEY_A}"));
        let mut bytes = sealed(&ring, &named, generation, nonce, &plaintext).to_bytes();
        bytes[GENERATION..GENERATION + 8].copy_from_slice(&other.to_be_bytes());
        let forged = SealedRecord::from_bytes(&bytes).unwrap();
        prop_assert_eq!(forged.generation(), other);
        prop_assert_eq!(forged.open(&ring, &at(&named)).unwrap_err(), OpenError::NotAuthentic);
    }

    #[test]
    fn no_changed_bit_goes_unnoticed(
        named in named(),
        nonce: Nonce,
        plaintext in vec(any::<u8>(), 0..100),
        position: prop::sample::Index,
        bit in 0_u8..8,
    ) {
        let ring = ring(&format!("k1:{KEY_A},k2:{KEY_B}"));
        let bytes = sealed(&ring, &named, 5, nonce, &plaintext).to_bytes();
        let position = position.index(bytes.len());
        prop_assert!(!opens_changed(&ring, &named, &bytes, position, bit), "bit {} of byte {}", bit, position);
    }

    #[test]
    fn no_record_cut_short_or_lengthened_opens(
        named in named(),
        nonce: Nonce,
        plaintext in vec(any::<u8>(), 0..60),
        more in vec(any::<u8>(), 1..20),
    ) {
        let ring = ring(&format!("k1:{KEY_A}"));
        let bytes = sealed(&ring, &named, 5, nonce, &plaintext).to_bytes();
        let open = |bytes: &[u8]| SealedRecord::from_bytes(bytes)?.open(&ring, &at(&named)).map(|_| ());
        prop_assert_eq!(open(&bytes), Ok(()));
        for end in 0..bytes.len() {
            let error = open(&bytes[..end]).unwrap_err();
            prop_assert!(matches!(error, OpenError::Malformed | OpenError::NotAuthentic), "{} bytes: {}", end, error);
        }
        prop_assert!(open(&[bytes, more].concat()).is_err());
    }

    #[test]
    fn no_other_key_opens_a_record(named in named(), nonce: Nonce, key in any::<[u8; 32]>()) {
        use base64ct::{Base64, Encoding as _};
        let other = Base64::encode_string(&key);
        prop_assume!(other != KEY_A && KeyRing::parse(&format!("k1:{other}")).is_ok());
        let record = sealed(&ring(&format!("k1:{KEY_A}")), &named, 1, nonce, b"{}");
        let open = |keys: String| record.open(&ring(&keys), &at(&named)).map(|_| ());
        prop_assert_eq!(open(format!("k1:{other}")), Err(OpenError::NotAuthentic), "another key of the same id");
        prop_assert_eq!(open(format!("k2:{KEY_A}")), Err(OpenError::UnknownKey), "the same key by another id");
        prop_assert_eq!(open(format!("k2:{other},k1:{KEY_A}")), Ok(()), "a retired key opens");
        prop_assert_eq!(open(format!("k2:{other}")), Err(OpenError::UnknownKey), "a key that was taken out does not");
    }

    #[test]
    fn no_text_panics(text in ".{0,300}", bytes in vec(any::<u8>(), 0..300)) {
        let ring = ring(&format!("k1:{KEY_A}"));
        let binding = binding("index", "a", "");
        let from_text = SealedRecord::from_text(&text).and_then(|record| record.open(&ring, &binding).map(|_| ()));
        let from_bytes = SealedRecord::from_bytes(&bytes).and_then(|record| record.open(&ring, &binding).map(|_| ()));
        prop_assert!(from_text.is_err() && from_bytes.is_err());
    }

    #[test]
    fn no_two_names_in_kv_are_the_same(
        one in owner(),
        other in owner(),
        items in two(connection()),
        vaults in two("[a-f0-9]{1,64}"),
    ) {
        let ring = ring(&format!("k1:{KEY_A},k2:{KEY_B}"));
        let names = |owner: &str| -> Vec<KvName> {
            let principal = Principal::parse(owner).unwrap();
            let (external_id, user_id) = (ExternalId::parse(owner).unwrap(), UserId::parse(owner).unwrap());
            let [item, other_item] = items.clone().map(|item| ConnectionId::parse(&item).unwrap());
            [
                KvName::grant(&ring, &principal, &item),
                KvName::grant(&ring, &principal, &other_item),
                KvName::index(&ring, &principal),
                KvName::external_id_lookup(&ring, &external_id),
                KvName::user_lookup(&ring, &user_id, &vaults[0]),
                KvName::user_lookup(&ring, &user_id, &vaults[1]),
            ]
            .concat()
        };
        let all = names(&one);
        for name in &all {
            prop_assert_eq!(all.iter().filter(|other| *other == name).count(), 1);
            prop_assert!(vaults.iter().all(|vault| !KvName::must_act(&ring, vault).contains(name)));
            prop_assert!(items.iter().all(|item| !name.as_str().contains(item.as_str())));
        }
        if one != other {
            prop_assert!(names(&other).iter().all(|name| !all.contains(name)));
        }
    }
}

/// One record of each type, and each kind of look-up.
fn one_of_each() -> Vec<Named> {
    let connection = "AQEBAQEBAQEBAQEBAQEBAQ";
    [
        ("profile", "vault:ab", ""),
        ("pending", "ab", "fingerprint"),
        ("grant", "ab", connection),
        ("index", "ab", ""),
        ("publication", "ab", ""),
        ("access_token", "ab", connection),
        ("lookup", "external_id:ab", ""),
        ("lookup", "user_id:ab", "ab"),
        ("lookup", "must_act:", "ab"),
    ]
    .map(|(record_type, owner, item)| (record_type, owner.to_owned(), item.to_owned()))
    .into()
}

#[test]
fn none_of_the_bits_of_a_record_can_be_changed() {
    for keys in [format!("k1:{KEY_A},k2:{KEY_B}"), format!("k1:{KEY_A},k3:{KEY_B}")] {
        let ring = ring(&keys);
        for named in one_of_each() {
            let bytes = sealed(&ring, &named, 5, [7; 12], br#"{"live":{}}"#).to_bytes();
            assert!(SealedRecord::from_bytes(&bytes).is_ok_and(|record| opens(&ring, &record, &at(&named))));
            for position in 0..bytes.len() {
                for bit in 0..8 {
                    assert!(
                        !opens_changed(&ring, &named, &bytes, position, bit),
                        "bit {bit} of byte {position} of {named:?}"
                    );
                }
            }
        }
    }
}

#[test]
fn no_record_of_one_binding_opens_with_another() {
    let ring = ring(&format!("k1:{KEY_A}"));
    let all = one_of_each();
    for one in &all {
        let record = sealed(&ring, one, 1, [7; 12], b"{}");
        for other in &all {
            assert_eq!(opens(&ring, &record, &at(other)), one == other, "{one:?} as {other:?}");
        }
    }
}

/// Should one ring call a key what another one calls the same: the record says which, and that cannot be changed.
#[test]
fn no_record_passes_as_one_of_another_key_id() {
    for named in one_of_each() {
        let mut bytes = sealed(&ring(&format!("k1:{KEY_A}")), &named, 1, [0; 12], b"{}").to_bytes();
        assert_eq!(&bytes[2..4], b"k1");
        bytes[3] = b'2';
        let renamed = SealedRecord::from_bytes(&bytes).unwrap();
        assert_eq!(renamed.key_id().as_str(), "k2");
        let opened = renamed.open(&ring(&format!("k2:{KEY_A}")), &at(&named));
        assert_eq!(opened.unwrap_err(), OpenError::NotAuthentic, "{named:?}");
    }
}

#[test]
fn another_version_is_refused_by_its_number() {
    let ring = ring(&format!("k1:{KEY_A}"));
    let named = ("index", "a".to_owned(), String::new());
    let mut bytes = sealed(&ring, &named, 1, [0; 12], b"{}").to_bytes();
    for version in (0..=u8::MAX).filter(|version| *version != 1) {
        bytes[0] = version;
        assert_eq!(
            SealedRecord::from_bytes(&bytes),
            Err(OpenError::UnknownVersion(version))
        );
    }
    assert_eq!(SealedRecord::from_bytes(&[]), Err(OpenError::Malformed));
    assert_eq!(SealedRecord::from_text("no base64url="), Err(OpenError::Malformed));
}

#[test]
fn a_key_id_of_another_form_is_refused() {
    let ring = ring(&format!("k1:{KEY_A}"));
    let named = ("index", "a".to_owned(), String::new());
    let bytes = sealed(&ring, &named, 1, [0; 12], b"{}").to_bytes();
    for (position, byte) in [(1, 0), (1, 33), (1, 255), (2, b' '), (2, 0xff), (2, b':')] {
        let mut changed = bytes.clone();
        changed[position] = byte;
        assert_eq!(
            SealedRecord::from_bytes(&changed),
            Err(OpenError::Malformed),
            "{byte} at {position}"
        );
    }
}

#[test]
fn errors_say_what_to_do_and_nothing_secret() {
    for (error, text) in [
        (OpenError::Malformed, "the record is cut short or not a sealed record"),
        (
            OpenError::UnknownVersion(2),
            "the record has layout version 2, this program knows 1",
        ),
        (
            OpenError::UnknownKey,
            "the key that sealed the record is not in `SEALING_KEYS`",
        ),
        (
            OpenError::NotAuthentic,
            "the record was changed or belongs to another binding",
        ),
    ] {
        assert_eq!(error.to_string(), text);
    }
}
