//! Names in Workers KV: a dump of the namespace shows no principal, connection, vehicle or Smartcar user.

use base64ct::{Base64UrlUnpadded, Encoding as _};
use hmac::Mac as _;

use crate::{
    connect::{ConnectionId, ExternalId, UserId},
    principal::Principal,
    seal::{
        encoding::push_prefixed,
        key_ring::{KeyId, KeyRing, MacPurpose},
    },
    time::UnixMillis,
};

/// KV refuses a shorter life: <https://developers.cloudflare.com/kv/api/write-key-value-pairs/#expiring-keys>.
const SHORTEST_LIFE_SECS: u64 = 60;

/// The life to give to a record in KV that is worthless after `expires_at`, in seconds.
#[must_use]
pub fn kv_life_secs(expires_at: UnixMillis, now: UnixMillis) -> u64 {
    expires_at.since(now).as_secs().max(SHORTEST_LIFE_SECS)
}

/// A name in KV: `v1/` and an HMAC-SHA256 in base64url.
///
/// It depends on a key of the ring. After a rotation a reader tries the active key's name first and then the others';
/// the vault writes under the active one and deletes the rest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KvName(String);

impl KvName {
    /// The prefix of every name.
    pub const PREFIX: &'static str = "v1/";

    /// Where the grant is kept, for each key of the ring, the active one first.
    #[must_use]
    pub fn grant(ring: &KeyRing, principal: &Principal, id: &ConnectionId) -> Vec<Self> {
        Self::all(ring, MacPurpose::GrantName, principal.as_str(), id.as_str())
    }

    /// Where the index of the principal is kept, for each key of the ring, the active one first.
    #[must_use]
    pub fn index(ring: &KeyRing, principal: &Principal) -> Vec<Self> {
        Self::all(ring, MacPurpose::IndexName, principal.as_str(), "")
    }

    /// Where the look-up of a vault by its owner's external id is kept, for each key of the ring, the active one first.
    #[must_use]
    pub fn external_id_lookup(ring: &KeyRing, external_id: &ExternalId) -> Vec<Self> {
        Self::all(ring, MacPurpose::ExternalIdName, external_id.as_str(), "")
    }

    /// Where the look-up of one vault by a Smartcar user is kept, for each key of the ring, the active one first. Several
    /// vaults may keep a connection of the same user: the names of all of them begin with a
    /// [prefix](Self::user_lookup_prefixes) that follows from the user.
    #[must_use]
    pub fn user_lookup(ring: &KeyRing, user_id: &UserId, vault_id: &str) -> Vec<Self> {
        let prefixes = Self::user_lookup_prefixes(ring, user_id).into_iter();
        prefixes.map(|prefix| Self([&prefix, vault_id].concat())).collect()
    }

    /// What the names of all look-ups by a Smartcar user begin with, for each key of the ring, the active one first.
    #[must_use]
    pub fn user_lookup_prefixes(ring: &KeyRing, user_id: &UserId) -> Vec<String> {
        let names = Self::all(ring, MacPurpose::UserName, user_id.as_str(), "").into_iter();
        names.map(|name| [&name.0, "/"].concat()).collect()
    }

    /// Where it is kept that the owner of one vault must act, for each key of the ring, the active one first. The names of all
    /// such vaults begin with a [prefix](Self::must_act_prefix) that follows from the key alone.
    #[must_use]
    pub fn must_act(ring: &KeyRing, vault_id: &str) -> Vec<Self> {
        let prefixes = ring.ids().filter_map(|id| Self::must_act_prefix(ring, id));
        prefixes.map(|prefix| Self([&prefix, vault_id].concat())).collect()
    }

    /// What the names of all vaults whose owner must act begin with under this key; `None` if the ring has no such key. The id of
    /// the vault is the rest.
    #[must_use]
    pub fn must_act_prefix(ring: &KeyRing, key_id: &KeyId) -> Option<String> {
        let name = Self::under(ring, key_id, MacPurpose::MustActName, "", "")?;
        Some([&name.0, "/"].concat())
    }

    fn all(ring: &KeyRing, purpose: MacPurpose, owner: &str, item: &str) -> Vec<Self> {
        ring.ids()
            .filter_map(|id| Self::under(ring, id, purpose, owner, item))
            .collect()
    }

    fn under(ring: &KeyRing, key_id: &KeyId, purpose: MacPurpose, owner: &str, item: &str) -> Option<Self> {
        let mut mac = ring.mac(key_id, purpose)?;
        let mut message = Vec::new();
        push_prefixed(&mut message, owner.as_bytes());
        push_prefixed(&mut message, item.as_bytes());
        mac.update(&message);
        Some(Self(
            [
                Self::PREFIX,
                &Base64UrlUnpadded::encode_string(&mac.finalize().into_bytes()),
            ]
            .concat(),
        ))
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ring() -> KeyRing {
        KeyRing::parse(
            "k1:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=,k2:ICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj8=",
        )
        .unwrap()
    }

    #[test]
    fn each_kind_of_name_is_of_its_own() {
        let (ring, principal) = (ring(), Principal::parse("same").unwrap());
        let (external_id, user_id) = (ExternalId::parse("same").unwrap(), UserId::parse("same").unwrap());
        let mut names: Vec<KvName> = [
            KvName::grant(&ring, &principal, &ConnectionId::from_random([7; 16])),
            KvName::index(&ring, &principal),
            KvName::external_id_lookup(&ring, &external_id),
            KvName::user_lookup(&ring, &user_id, "vault-1"),
            KvName::user_lookup(&ring, &user_id, "vault-2"),
            KvName::must_act(&ring, "vault-1"),
            KvName::must_act(&ring, "vault-2"),
        ]
        .concat();
        assert!(names.iter().all(|name| name.as_str().starts_with(KvName::PREFIX)));
        let count = names.len();
        names.sort_by(|one, other| one.as_str().cmp(other.as_str()));
        names.dedup();
        assert_eq!((names.len(), count), (14, 14), "one for each of both keys");
    }

    #[test]
    fn all_vaults_of_a_user_are_found_by_one_prefix_and_nobody_elses() {
        let ring = ring();
        let [mine, other] = ["user-1", "user-10"].map(|id| UserId::parse(id).unwrap());
        let prefixes = KvName::user_lookup_prefixes(&ring, &mine);
        for (vault, prefix) in ["vault-1", "vault-2"].iter().zip([&prefixes[0], &prefixes[0]]) {
            let names = KvName::user_lookup(&ring, &mine, vault);
            assert_eq!(names[0].as_str(), format!("{prefix}{vault}"));
            assert!(names[1].as_str().starts_with(&prefixes[1]));
        }
        let elsewhere = KvName::user_lookup(&ring, &other, "vault-1");
        assert!(
            elsewhere
                .iter()
                .all(|name| prefixes.iter().all(|prefix| !name.as_str().starts_with(prefix)))
        );
    }

    #[test]
    fn all_vaults_whose_owner_must_act_are_found_by_one_prefix_of_each_key() {
        let ring = ring();
        let prefixes: Vec<String> = ring
            .ids()
            .map(|id| KvName::must_act_prefix(&ring, id).unwrap())
            .collect();
        for vault in ["vault-1", "vault-2"] {
            let names = KvName::must_act(&ring, vault);
            let rest = names
                .iter()
                .zip(&prefixes)
                .map(|(name, prefix)| name.as_str().strip_prefix(prefix.as_str()));
            assert_eq!(rest.collect::<Vec<_>>(), [Some(vault), Some(vault)]);
        }
        assert_ne!(prefixes[0], prefixes[1]);
        assert_eq!(KvName::must_act_prefix(&ring, &KeyId::parse("k3").unwrap()), None);
    }

    #[test]
    fn no_life_is_shorter_than_kv_takes() {
        let now = UnixMillis::new(1_000_000);
        for (left_millis, secs) in [
            (0, 60),
            (59_999, 60),
            (60_999, 60),
            (61_000, 61),
            (5_184_000_000, 5_184_000),
        ] {
            assert_eq!(kv_life_secs(UnixMillis::new(1_000_000 + left_millis), now), secs);
        }
        assert_eq!(kv_life_secs(UnixMillis::EPOCH, now), 60, "what has expired already");
    }
}
