//! `GET /internal/connections`: what is asked for, and which names in KV make a page.

use core::fmt;

use base64ct::{Base64UrlUnpadded, Encoding as _};

use crate::{
    edge::{
        page_query::{CURSOR, LIMIT, USUAL_LIMIT, read_limit, refused, unknown_cursor},
        problem::Problem,
    },
    http_api::{ConnectionStatus, header},
    seal::{KeyId, KeyRing, KvName},
};

const STATUS: &str = "status";

/// What is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MustActQuery {
    /// The statuses of the connections that are wanted: each says that the owner must act.
    pub statuses: Vec<ConnectionStatus>,
    /// How many vaults may be asked, 1 to 100.
    pub limit: u32,
    /// Where the page begins.
    pub start: Place,
}

impl MustActQuery {
    /// Reads the query of a request.
    ///
    /// # Errors
    /// The [`Problem`] to answer with: a parameter that is unknown, stands twice, or has a value that it can't have.
    pub fn parse(query: &str, ring: &KeyRing) -> Result<Self, Problem> {
        let (mut statuses, mut limit, mut start) = (None, None, None);
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            let is_first = match &*name {
                STATUS => statuses.replace(read_statuses(&value)?).is_none(),
                LIMIT => limit.replace(read_limit(&value)?).is_none(),
                CURSOR => {
                    let place = Place::parse(&value, ring).ok_or_else(unknown_cursor)?;
                    start.replace(place).is_none()
                }
                _ => false,
            };
            if !is_first {
                return Err(refused(
                    "query",
                    "the query may have `status`, `limit` and `cursor`, each once",
                ));
            }
        }
        Ok(Self {
            statuses: statuses.unwrap_or_else(|| listed_statuses().collect()),
            limit: limit.unwrap_or(USUAL_LIMIT),
            start: start.unwrap_or_else(|| Place::first(ring)),
        })
    }
}

/// What a back end is told that names a user: it must not be given everybody's.
#[must_use]
pub fn not_of_one_user() -> Problem {
    let detail = [
        "this list is of all owners: leave the header `",
        header::USER,
        "` out, or read `GET /connections` with it",
    ]
    .concat();
    refused(header::USER, &detail)
}

fn listed_statuses() -> impl Iterator<Item = ConnectionStatus> {
    let all = ConnectionStatus::ALL.iter().copied();
    all.filter(|status| status.owner_must_act())
}

fn read_statuses(value: &str) -> Result<Vec<ConnectionStatus>, Problem> {
    let named: Option<Vec<ConnectionStatus>> = value
        .split(',')
        .map(|name| ConnectionStatus::from_name(name).filter(|status| status.owner_must_act()))
        .collect();
    named.ok_or_else(|| {
        refused(
            STATUS,
            "only connections whose owner has to act are in this list: `status` is `reauthentication_required`, \
             `reconnection_required`, or both with a comma between them",
        )
    })
}

/// A place in the list. The list goes through the keys of the ring, the oldest first: a vault whose name moves to the active key
/// meanwhile is met there again, and not missed.
#[derive(Clone, PartialEq, Eq)]
pub struct Place {
    key: KeyId,
    /// Where KV goes on; `None` at the first name under this key.
    cursor: Option<String>,
}

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Place").field("key", &self.key).finish_non_exhaustive()
    }
}

impl Place {
    fn first(ring: &KeyRing) -> Self {
        let key = ring.ids().last().unwrap_or_else(|| ring.active_id()).clone();
        Self { key, cursor: None }
    }

    /// The first place under the next key; `None` after the active one.
    fn after_key(&self, ring: &KeyRing) -> Option<Self> {
        let newer = ring.ids().take_while(|key| **key != self.key).last()?;
        Some(Self {
            key: newer.clone(),
            cursor: None,
        })
    }

    fn parse(text: &str, ring: &KeyRing) -> Option<Self> {
        let bytes = Base64UrlUnpadded::decode_vec(text).ok()?;
        let (key, cursor) = core::str::from_utf8(&bytes).ok()?.split_once('/')?;
        let key = ring.ids().find(|id| id.as_str() == key)?.clone();
        let cursor = (!cursor.is_empty()).then(|| cursor.to_owned());
        Some(Self { key, cursor })
    }

    fn to_text(&self) -> String {
        // No id of a key has a slash.
        let cursor = self.cursor.as_deref().unwrap_or_default();
        Base64UrlUnpadded::encode_string([self.key.as_str(), "/", cursor].concat().as_bytes())
    }
}

/// The names in KV that are listed next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WantedNames {
    /// What they begin with.
    pub prefix: String,
    /// How many at most.
    pub limit: u32,
    /// Where KV goes on, if not at the first of them.
    pub cursor: Option<String>,
}

/// A page while its names are listed: as many vaults as are asked for, of as many keys as that takes.
#[derive(Debug)]
pub struct MustActPage<'a> {
    ring: &'a KeyRing,
    limit: u32,
    next: Option<Place>,
    is_full: bool,
    vaults: Vec<String>,
}

impl<'a> MustActPage<'a> {
    /// A page of which nothing is listed yet.
    #[must_use]
    pub fn new(query: &MustActQuery, ring: &'a KeyRing) -> Self {
        Self {
            ring,
            limit: query.limit,
            next: Some(query.start.clone()),
            is_full: false,
            vaults: Vec::new(),
        }
    }

    /// What has to be listed before the page is complete; `None` if it is.
    #[must_use]
    pub fn wanted(&self) -> Option<WantedNames> {
        let place = self.next.as_ref().filter(|_| !self.is_full)?;
        Some(WantedNames {
            prefix: KvName::must_act_prefix(self.ring, &place.key)?,
            limit: self.left(),
            cursor: place.cursor.clone(),
        })
    }

    /// Takes what KV listed, and where it goes on. A vault that is under two keys is taken once.
    pub fn listed(&mut self, names: impl IntoIterator<Item = String>, cursor: Option<String>) {
        let Some(wanted) = self.wanted() else { return };
        for name in names {
            let vault = name.strip_prefix(&wanted.prefix).map(str::to_owned);
            let new = vault.filter(|vault| !self.vaults.contains(vault));
            self.vaults.extend(new);
        }
        let place = self.next.take();
        // KV may list fewer names than are wanted although others follow: the next page goes on there.
        self.is_full = cursor.is_some() || self.left() == 0;
        self.next = match cursor {
            Some(cursor) => place.map(|place| Place {
                cursor: Some(cursor),
                ..place
            }),
            None => place.and_then(|place| place.after_key(self.ring)),
        };
    }

    fn left(&self) -> u32 {
        let taken = u32::try_from(self.vaults.len()).unwrap_or(u32::MAX);
        self.limit.saturating_sub(taken)
    }

    /// The ids of the vaults of this page.
    #[must_use]
    pub fn vaults(&self) -> &[String] {
        &self.vaults
    }

    /// Where the next page begins; `None` if this is the last.
    #[must_use]
    pub fn cursor(&self) -> Option<String> {
        self.next.as_ref().map(Place::to_text)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;
    use crate::http_api::ProblemCode;

    const KEYS: [&str; 3] = [
        "k1:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
        "k2:ICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj8=",
        "k3:QEFCQ0RFRkdISUpLTE1OT1BRUlNUVVZXWFlaW1xdXl8=",
    ];

    #[test]
    fn a_place_prints_its_key_and_no_cursor() {
        let place = Place {
            key: KeyId::parse("k7").unwrap(),
            cursor: Some("hunter2".to_owned()),
        };
        let printed = format!("{place:?}");
        assert!(printed.contains("k7") && !printed.contains("hunter2"), "{printed}");
    }

    /// The keys of these numbers, the active one first.
    fn ring(keys: &[usize]) -> KeyRing {
        let keys: Vec<&str> = keys.iter().map(|key| KEYS[*key]).collect();
        KeyRing::parse(&keys.join(",")).unwrap()
    }

    fn query(query: &str) -> MustActQuery {
        MustActQuery::parse(query, &ring(&[1, 0])).unwrap()
    }

    const BOTH: [ConnectionStatus; 2] = [
        ConnectionStatus::ReauthenticationRequired,
        ConnectionStatus::ReconnectionRequired,
    ];

    #[test]
    fn a_query_says_which_connections_and_how_many() {
        let usual = query("");
        assert_eq!((usual.statuses, usual.limit), (BOTH.to_vec(), 40));
        assert_eq!(usual.start, Place::first(&ring(&[1, 0])));
        let one = query("limit=100&status=reconnection_required");
        assert_eq!((one.statuses, one.limit), (vec![BOTH[1]], 100));
        let both = query("status=reauthentication_required%2Creconnection_required&limit=1");
        assert_eq!((both.statuses, both.limit), (BOTH.to_vec(), 1));
    }

    #[test]
    fn a_query_that_says_something_else_is_refused_by_the_name_of_the_parameter() {
        for (text, field) in [
            ("status=", "status"),
            ("status=active", "status"),
            ("status=degraded,reconnection_required", "status"),
            ("status=reconnection_required,", "status"),
            ("status=RECONNECTION_REQUIRED", "status"),
            ("limit=0", "limit"),
            ("limit=101", "limit"),
            ("limit=-1", "limit"),
            ("limit=%2B5", "limit"),
            ("limit=05", "limit"),
            ("limit=1.5", "limit"),
            ("limit=", "limit"),
            ("limit=99999999999999999999", "limit"),
            ("cursor=", "cursor"),
            ("cursor=%20", "cursor"),
            ("cursor=azE", "cursor"),
            ("user=42", "query"),
            ("Status=reconnection_required", "query"),
            ("limit=1&limit=1", "query"),
            ("status=reconnection_required&status=reconnection_required", "query"),
        ] {
            let problem = MustActQuery::parse(text, &ring(&[1, 0])).unwrap_err();
            assert_eq!(problem.code, ProblemCode::InvalidParameter, "{text}");
            assert_eq!(problem.field.as_deref(), Some(field), "{text}");
        }
    }

    #[test]
    fn a_cursor_of_a_key_that_has_left_the_ring_is_none() {
        let place = Place {
            key: KeyId::parse("k1").unwrap(),
            cursor: Some("there/and+so on".to_owned()),
        };
        let text = format!("cursor={}", place.to_text());
        let read = |keys: &[usize]| MustActQuery::parse(&text, &ring(keys));
        assert_eq!(read(&[2, 1, 0]).map(|query| query.start), Ok(place));
        assert_eq!(read(&[2, 1]), Err(unknown_cursor()));
    }

    #[test]
    fn the_list_begins_with_the_oldest_key_and_ends_with_the_active_one() {
        let ring = ring(&[2, 1, 0]);
        let mut keys = Vec::new();
        let mut place = Some(Place::first(&ring));
        while let Some(at) = place {
            keys.push(at.key.as_str().to_owned());
            place = at.after_key(&ring);
        }
        assert_eq!(keys, ["k1", "k2", "k3"]);
    }

    /// The names of KV, which lists them in their order, `most` at a time whatever is wanted.
    struct Kv {
        names: BTreeSet<String>,
        most: u32,
    }

    impl Kv {
        fn list(&self, wanted: &WantedNames) -> (Vec<String>, Option<String>) {
            let after = wanted.cursor.clone().unwrap_or_default();
            let matching: Vec<&String> = self
                .names
                .iter()
                .filter(|name| name.starts_with(&wanted.prefix) && **name > after)
                .collect();
            let limit = usize::try_from(wanted.limit.min(self.most)).unwrap();
            let page: Vec<String> = matching.iter().take(limit).map(|name| (*name).clone()).collect();
            let cursor = page.last().cloned().filter(|_| matching.len() > limit);
            (page, cursor)
        }
    }

    fn vault(number: usize) -> String {
        format!("{number:064x}")
    }

    /// Reads the whole list, and calls `between` before every page. Returns the vaults of each page.
    fn pages(kv: &mut Kv, ring: &KeyRing, limit: u32, mut between: impl FnMut(&mut Kv, usize)) -> Vec<Vec<String>> {
        let mut pages = Vec::new();
        let mut cursor = None;
        loop {
            between(kv, pages.len());
            let text = cursor.map_or_else(String::new, |cursor: String| format!("&cursor={cursor}"));
            let query = MustActQuery::parse(&format!("limit={limit}{text}"), ring).unwrap();
            let mut page = MustActPage::new(&query, ring);
            let mut lists: Vec<String> = Vec::new();
            while let Some(wanted) = page.wanted() {
                let (names, at) = kv.list(&wanted);
                page.listed(names, at);
                lists.push(wanted.prefix);
            }
            assert!(lists.len() <= ring.ids().count(), "one list for each key at most");
            assert!(page.vaults().len() <= usize::try_from(limit).unwrap());
            pages.push(page.vaults().to_vec());
            cursor = page.cursor();
            if cursor.is_none() {
                return pages;
            }
        }
    }

    #[test]
    fn a_page_goes_on_with_the_next_key_until_it_is_full() {
        let ring = ring(&[1, 0]);
        let of = |key: usize, vaults: core::ops::Range<usize>| {
            let prefix =
                KvName::must_act_prefix(&ring, &KeyId::parse(KEYS[key].split_once(':').unwrap().0).unwrap()).unwrap();
            vaults.map(move |number| [&prefix, &*vault(number)].concat())
        };
        let names = of(0, 0..2).chain(of(1, 2..5)).collect();
        let mut kv = Kv { names, most: 1000 };
        let sizes = |pages: Vec<Vec<String>>| pages.iter().map(Vec::len).collect::<Vec<_>>();
        assert_eq!(sizes(pages(&mut kv, &ring, 3, |_, _| ())), [3, 2]);
        assert_eq!(sizes(pages(&mut kv, &ring, 2, |_, _| ())), [2, 2, 1]);
        assert_eq!(sizes(pages(&mut kv, &ring, 5, |_, _| ())), [5]);
        kv.names.clear();
        assert_eq!(sizes(pages(&mut kv, &ring, 5, |_, _| ())), [0]);
    }

    proptest! {
        #[test]
        fn every_vault_is_listed_once_whatever_the_size_of_a_page(
            keys_of_vaults in prop::collection::vec(0_usize..3, 0..40),
            limit in 1_u32..=20,
            most in 1_u32..=30,
        ) {
            let ring = ring(&[2, 1, 0]);
            let named = |(number, key): (usize, &usize)| {
                KvName::must_act(&ring, &vault(number))[*key].as_str().to_owned()
            };
            let names = keys_of_vaults.iter().enumerate().map(named).collect();
            let mut listed = pages(&mut Kv { names, most }, &ring, limit, |_, _| ()).concat();
            listed.sort_unstable();
            let all: Vec<String> = (0..keys_of_vaults.len()).map(vault).collect();
            prop_assert_eq!(listed, all);
        }

        #[test]
        fn no_vault_is_missed_while_the_sweep_moves_it_to_the_active_key(
            moved_at in prop::collection::vec(0_usize..8, 1..30),
            both_for in 0_usize..3,
            limit in 1_u32..=7,
        ) {
            let ring = ring(&[1, 0]);
            let names_of = |number: usize| KvName::must_act(&ring, &vault(number));
            let names = (0..moved_at.len()).map(|number| names_of(number)[1].as_str().to_owned()).collect();
            let mut kv = Kv { names, most: 1000 };
            let listed = pages(&mut kv, &ring, limit, |kv, page| {
                for (number, at) in moved_at.iter().enumerate() {
                    if page == *at {
                        kv.names.insert(names_of(number)[0].as_str().to_owned());
                    }
                    if page >= at.saturating_add(both_for) {
                        kv.names.remove(names_of(number)[1].as_str());
                    }
                }
            });
            let listed: BTreeSet<String> = listed.concat().into_iter().collect();
            prop_assert_eq!(listed.len(), moved_at.len());
        }

        #[test]
        fn no_query_panics(text: String) {
            if let Err(problem) = MustActQuery::parse(&text, &ring(&[0])) {
                prop_assert_eq!(problem.code, ProblemCode::InvalidParameter);
            }
        }

        #[test]
        fn a_cursor_is_read_as_it_was_written(cursor in prop::option::of(".{1,80}")) {
            let place = Place { key: KeyId::parse("k1").unwrap(), cursor };
            prop_assert_eq!(Place::parse(&place.to_text(), &ring(&[0])), Some(place));
        }
    }
}
