//! When a vault can be deleted.

use crate::{
    connect::ConnectionId,
    vault::{index_record::IndexRecord, profile::Profile, publication::KvOutcome, record::Record},
};

/// Whether the vault keeps nothing that is worth keeping: nothing was ever connected, or nothing is any more.
#[must_use]
pub fn is_vault_empty(has_attempts: bool, has_records: bool, index: Option<&IndexRecord>) -> bool {
    let is_index_left = index.is_some_and(|index| index.kv.alarm().is_some());
    !has_attempts && !has_records && !is_index_left
}

/// Whether a vault whose owner is to be forgotten can be deleted: nothing can arrive in KV any more, and what no connection
/// looks after was deleted there with this outcome.
#[must_use]
pub fn is_forgotten(profile: Option<&Profile>, records: &[(ConnectionId, Record)], rest: KvOutcome) -> bool {
    let is_swept = |record: &Record| matches!(record, Record::Tombstone(tombstone) if tombstone.kv.is_synced());
    // The owner may have come back meanwhile.
    profile.is_some_and(|profile| profile.closing)
        && rest == KvOutcome::Done
        && records.iter().all(|(_, record)| is_swept(record))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        connect::ExternalId,
        principal::Principal,
        time::{Millis, UnixMillis},
        token::{AccessToken, RefreshToken, TokenSet},
        vault::{
            profile::Claimant,
            publication::KvCopy,
            record::{Claimed, Closing, Ended, Leaving, Live, Tombstone},
        },
    };

    const NOW: UnixMillis = UnixMillis::new(1_790_000_000_000);
    const SYNCED: KvCopy = KvCopy::Synced {
        since: NOW,
        renew_at: None,
    };
    const RENEWED: KvCopy = KvCopy::Synced {
        since: NOW,
        renew_at: Some(NOW.after(Millis::from_days(30))),
    };
    const SETTLING: KvCopy = KvCopy::Settling {
        since: NOW,
        rewrite_at: NOW.after(Millis::from_mins(2)),
    };

    fn claimant() -> Claimant {
        Claimant {
            principal: Principal::user("42").unwrap(),
            external_id: ExternalId::parse("e42").unwrap(),
        }
    }

    fn live() -> Live {
        let tokens = TokenSet {
            access_token: AccessToken::new("a".into()),
            access_expires_at: NOW,
            refresh_token: None,
        };
        Live::granted(tokens, RefreshToken::new("r".into()), NOW)
    }

    fn ended() -> Record {
        Record::Ended(Ended {
            kv: SYNCED,
            ..Ended::refused_since(NOW)
        })
    }

    fn leaving() -> Record {
        Record::Leaving(Leaving {
            claimed: Claimed::Live(Box::new(live())),
            to: claimant(),
            since: NOW,
            failures: 0,
            retry_at: NOW,
        })
    }

    fn closing() -> Record {
        Record::Closing(Closing {
            live: None,
            generation: 1,
            since: NOW,
            kv: SYNCED,
        })
    }

    fn tombstone(kv: KvCopy) -> Record {
        Record::Tombstone(Tombstone {
            since: NOW,
            generation: 1,
            kv,
        })
    }

    fn kept<const N: usize>(records: [Record; N]) -> Vec<(ConnectionId, Record)> {
        let ids = (1..).map(|byte| ConnectionId::from_random([byte; 16]));
        ids.zip(records).collect()
    }

    #[test]
    fn a_vault_is_empty_without_attempts_records_and_an_index_that_is_looked_after() {
        for has_attempts in [false, true] {
            for has_records in [false, true] {
                for (kv, is_left) in [
                    (None, false),
                    (Some(SYNCED), false),
                    (Some(RENEWED), true),
                    (Some(SETTLING), true),
                    (Some(KvCopy::dirty(NOW)), true),
                ] {
                    let index = kv.map(|kv| IndexRecord {
                        kv,
                        ..IndexRecord::outdated(None, None, None, NOW)
                    });
                    assert_eq!(
                        is_vault_empty(has_attempts, has_records, index.as_ref()),
                        !has_attempts && !has_records && !is_left,
                        "{has_attempts} {has_records} {kv:?}"
                    );
                }
            }
        }
    }

    #[test]
    fn an_owner_is_forgotten_when_every_deletion_in_kv_was_made_twice_and_nobody_came_back() {
        let profile = |closing, claimed_by| Profile {
            principal: Principal::parse("p").unwrap(),
            external_id: ExternalId::parse("e").unwrap(),
            last_seen: NOW,
            session_ends_at: None,
            closing,
            claimed_by,
        };
        let all_swept = [kept([]), kept([tombstone(SYNCED), tombstone(SYNCED)])];
        let not_swept = [
            kept([tombstone(SYNCED), tombstone(SETTLING)]),
            kept([tombstone(KvCopy::dirty(NOW))]),
            kept([closing()]),
            kept([leaving(), tombstone(SYNCED)]),
            kept([ended(), tombstone(SYNCED)]),
            kept([Record::Live(live())]),
        ];
        let cases = all_swept
            .iter()
            .map(|records| (records, true))
            .chain(not_swept.iter().map(|records| (records, false)));
        for (records, is_swept) in cases {
            for profile in [
                None,
                Some(profile(false, None)),
                Some(profile(true, None)),
                Some(profile(true, Some(claimant()))),
            ] {
                for rest in [KvOutcome::Done, KvOutcome::Failed] {
                    let is_closing = profile.as_ref().is_some_and(|profile| profile.closing);
                    assert_eq!(
                        is_forgotten(profile.as_ref(), records, rest),
                        is_closing && is_swept && rest == KvOutcome::Done,
                        "{profile:?} {records:?} {rest:?}"
                    );
                }
            }
        }
    }
}
