//! Importing a grant of Smartcar's v2: the app's own back end has kept its refresh token so far.
//!
//! It becomes a connection like any other, but for its access token: that is had by a refresh, which shows at once whether
//! Smartcar honours the grant, and leaves whoever kept the refresh token so far with one that is used up. The refresh goes by the
//! same machine as every other, so that a crash in the middle costs nothing.

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::{
    connect::{ConnectionId, ExternalId},
    secret::serde_exposed,
    time::UnixMillis,
    token::RefreshToken,
    vault::record::{Live, Record},
};

/// What keeps the ids of imported connections apart from whatever else is made of a refresh token.
const LABEL: &[u8] = b"smartcar-connect import 1\0";

/// What is imported.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Import {
    /// The newest refresh token of the grant.
    #[serde(with = "serde_exposed")]
    pub refresh_token: RefreshToken,
    /// What Smartcar knows the owner by, if the app has told it.
    pub external_id: Option<ExternalId>,
}

/// What an import comes to, before Smartcar is asked.
#[derive(Debug)]
pub enum ImportStep {
    /// This is stored under the id of the import.
    Store(Box<Live>),
    /// It was imported before, and is here.
    Here,
    /// It was imported before, and is over: refused by Smartcar, disconnected, or deleted.
    Over,
}

impl Import {
    /// The id of the connection. It follows from the refresh token, so that an import that is sent again finds what the first one
    /// has made, and says nothing of the token, which is random.
    #[must_use]
    pub fn connection_id(&self) -> ConnectionId {
        let digest = Sha256::new()
            .chain_update(LABEL)
            .chain_update(self.refresh_token.expose())
            .finalize();
        let mut id = [0; 16];
        id.iter_mut().zip(digest).for_each(|(to, from)| *to = from);
        ConnectionId::from_random(id)
    }

    /// Decides by what is stored under the id of the import, and by all `records` of the vault. What there is stays: its tokens are
    /// newer. What the owner has connected here before the import is newer, too: it keeps its cars.
    #[must_use]
    pub fn step(self, record: Option<&Record>, records: &[(ConnectionId, Record)], now: UnixMillis) -> ImportStep {
        match record {
            None => {
                let live = Live::imported(self.refresh_token, self.external_id, now);
                let shown = records.iter().filter(|(_, record)| record.is_shown());
                let connected_at = shown
                    .map(|(_, record)| UnixMillis::new(record.connected_at().as_millis().saturating_sub(1)))
                    .fold(now, UnixMillis::min);
                ImportStep::Store(Box::new(Live { connected_at, ..live }))
            }
            Some(record) if is_of_use(record) => ImportStep::Here,
            Some(_) => ImportStep::Over,
        }
    }
}

/// Whether an imported connection is of use to its owner, once its first refresh has ended: one whose grant is over tells which cars
/// have to be connected again, if they are known.
#[must_use]
pub fn is_of_use(record: &Record) -> bool {
    match record {
        Record::Live(_) => true,
        Record::Ended(ended) => !ended.vehicles.is_empty(),
        Record::Leaving(_) | Record::Closing(_) | Record::Tombstone(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        connect::VehicleId,
        time::Millis,
        token::{
            TokenError, TokenSet,
            cycle::{Decision, Policy, TokenCycle as _},
            is_fresh,
        },
        vault::{
            KnownVehicle, KvCopy,
            life::{Effect, Event, Next, TokenReply, step},
            record::{Ended, Tombstone},
        },
    };

    const NOW: UnixMillis = UnixMillis::new(1_790_000_000_000);
    const POLICY: Policy = Policy {
        grace: Millis::from_secs(60),
    };

    fn import(token: &str) -> Import {
        Import {
            refresh_token: RefreshToken::new(token.to_owned()),
            external_id: None,
        }
    }

    fn stored(token: &str) -> Record {
        let ImportStep::Store(live) = import(token).step(None, &[], NOW) else {
            panic!("nothing is here");
        };
        Record::Live(*live)
    }

    fn ended(vehicles: Vec<KnownVehicle>) -> Record {
        Record::Ended(Ended {
            vehicles,
            ..Ended::refused_since(NOW)
        })
    }

    #[test]
    fn the_same_token_is_the_same_connection_and_no_other_is() {
        let id = import("a-token").connection_id();
        assert_eq!(import("a-token").connection_id(), id);
        assert_ne!(import("a-tokem").connection_id(), id);
        // For good: whoever imports again after an update meets the same.
        assert_eq!(id.as_str(), "IYcKCdMVXM-3ffwwPOxaSg");
    }

    #[test]
    fn what_is_here_stays_and_what_is_over_is_not_begun_anew() {
        let step = |record: &Record| import("a-token").step(Some(record), &[], NOW);
        let tombstone = Record::Tombstone(Tombstone {
            since: NOW,
            generation: 1,
            kv: KvCopy::dirty(NOW),
        });
        let car = KnownVehicle::new(VehicleId::parse("v1").unwrap());
        assert!(matches!(step(&stored("a-token")), ImportStep::Here));
        assert!(matches!(step(&ended(vec![car])), ImportStep::Here));
        assert!(matches!(step(&ended(Vec::new())), ImportStep::Over));
        assert!(matches!(step(&tombstone), ImportStep::Over));
    }

    #[test]
    fn what_the_owner_has_connected_here_is_newer() {
        let records = [4, 9].map(|seconds| {
            let Record::Live(live) = stored("another") else {
                panic!("it is live");
            };
            let connected_at = NOW.after(Millis::from_secs(seconds));
            (
                ConnectionId::from_random([7; 16]),
                Record::Live(Live { connected_at, ..live }),
            )
        });
        let now = NOW.after(Millis::from_mins(1));
        let ImportStep::Store(live) = import("a-token").step(None, &records, now) else {
            panic!("nothing is here");
        };
        assert_eq!(live.connected_at.as_millis(), NOW.as_millis() + 3_999);
        assert_eq!(live.owner_tokens().unwrap().pair.refresh_issued_at, now);
    }

    #[test]
    fn nothing_is_asked_with_it_before_it_is_refreshed() {
        let record = stored("a-token");
        let live = record.live().unwrap();
        let tokens = live.owner_tokens().unwrap();
        assert!(!is_fresh(tokens.pair.access_expires_at, NOW));
        assert!(!tokens.has_live_access_token(NOW));
        assert_eq!(tokens.want(None, NOW, &POLICY).decision, Decision::Request);
    }

    /// What the machine of a connection makes of the first request for its token, and of what Smartcar answers.
    fn refreshed(outcome: Result<TokenSet, TokenError>) -> (Record, Vec<Effect>) {
        let id = import("a-token").connection_id();
        let asked = Event::TokenRequested { rejected: None };
        let begun = step(&id, Some(stored("a-token")), NOW, asked, &POLICY);
        let Next::Put(record) = begun.next else {
            panic!("the refresh is noted before it is sent");
        };
        assert!(
            matches!(&begun.effects[..], [Effect::Refresh { refresh_token, .. }] if refresh_token.expose() == "a-token")
        );
        let event = Event::RefreshCompleted { generation: 1, outcome };
        let ended = step(&id, Some(*record), NOW.after(Millis::from_secs(1)), event, &POLICY);
        let Next::Put(record) = ended.next else {
            panic!("what came of it is stored");
        };
        (*record, ended.effects)
    }

    #[test]
    fn the_first_refresh_says_whether_the_grant_is_honoured() {
        let pair = TokenSet {
            access_token: crate::token::AccessToken::new("access".to_owned()),
            access_expires_at: NOW.after(Millis::from_secs(7_200)),
            refresh_token: Some(RefreshToken::new("next".to_owned())),
        };
        let (record, effects) = refreshed(Ok(pair));
        assert_eq!(record.live().unwrap().generation(), 2);
        assert!(effects.iter().any(|effect| matches!(effect, Effect::PutKv)));

        let (record, _) = refreshed(Err(TokenError::InvalidGrant));
        assert!(!is_of_use(&record));
        // One that can't be asked for is kept, and asked for again.
        let (record, effects) = refreshed(Err(TokenError::InvalidClient));
        assert!(is_of_use(&record));
        let is_told = |effect: &Effect| matches!(effect, Effect::Reply(TokenReply::Unavailable(_)));
        assert!(effects.iter().any(is_told), "{effects:?}");
    }
}
