//! How far the index of a principal in Workers KV is, and the look-ups beside it: when both are written, and what is left of
//! them.

use serde::{Deserialize, Serialize};

use crate::{
    connect::{ConnectionId, ExternalId, UserId},
    time::{Millis, UnixMillis},
    vault::{
        index::VehicleIndex,
        publication::{KvCopy, KvOutcome, Upkeep},
        record::Record,
    },
};

/// How much longer than its owner is remembered an index stays in KV, and how often it is written although nothing has
/// changed: a visit lengthens the owner's life, not the index's.
const EXTRA_LIFE: Millis = Millis::from_days(30);

/// How far the index and the look-ups in KV are. Their contents follow from the connections.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IndexRecord {
    /// Counts the changes, by their time in milliseconds since the epoch where that is later.
    pub generation: u64,
    /// How far the copy in KV is.
    pub kv: KvCopy,
    /// The external ids whose look-ups may be in KV: the owner's, those of connections that the owner has claimed, and those
    /// from before a deletion that the owner came back to.
    pub external_ids: Vec<ExternalId>,
    /// The Smartcar users whose look-ups may be in KV.
    pub user_ids: Vec<UserId>,
    /// Whether the vault may be in KV's list of those whose owner must act.
    #[serde(default)]
    pub must_act: bool,
}

/// What KV is given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IndexWrite {
    /// The index, or `None` if it is deleted. An index without vehicles is written too, as
    /// long as a connection is shown: the sweep of a rotation finds the vault by it.
    pub index: Option<VehicleIndex>,
    /// The external ids whose look-ups are written.
    pub external_ids: Vec<ExternalId>,
    /// The external ids whose look-ups are deleted.
    pub former_external_ids: Vec<ExternalId>,
    /// The users whose look-ups are written.
    pub user_ids: Vec<UserId>,
    /// The users whose look-ups are deleted.
    pub former_user_ids: Vec<UserId>,
    /// Whether the vault is written to the list of those whose owner must act.
    pub must_act: bool,
    /// Whether it is deleted from that list.
    pub formerly_must_act: bool,
}

impl IndexRecord {
    /// The record after something changed that stands in the index or is found by. `external_id` is the owner's, `changed` the
    /// connection's record that is new.
    #[must_use]
    pub fn outdated(
        before: Option<&Self>,
        external_id: Option<&ExternalId>,
        changed: Option<&Record>,
        now: UnixMillis,
    ) -> Self {
        let latest = before.map_or(0, |record| record.generation);
        let mut external_ids = before.map_or_else(Vec::new, |record| record.external_ids.clone());
        add(&mut external_ids, external_id);
        add(&mut external_ids, changed.and_then(Record::external_id));
        let mut user_ids = before.map_or_else(Vec::new, |record| record.user_ids.clone());
        add(&mut user_ids, changed.and_then(Record::user_id));
        Self {
            // Never the same twice, though the clock stands still between I/O.
            generation: latest.saturating_add(1).max(now.as_millis()),
            kv: KvCopy::dirty(now),
            external_ids,
            user_ids,
            must_act: before.is_some_and(|record| record.must_act) || changed.is_some_and(Record::owner_must_act),
        }
    }

    /// The record of a vault whose owner was claimed, as of `now`: the look-ups by external id lead to the claimant's vault by
    /// now, or soon, so that they are neither written nor deleted here.
    #[must_use]
    pub fn without_external_ids(before: Option<&Self>, now: UnixMillis) -> Self {
        Self {
            external_ids: Vec::new(),
            ..Self::outdated(before, None, None, now)
        }
    }

    /// Whether KV has to be written now.
    #[must_use]
    pub fn is_due(&self, now: UnixMillis) -> bool {
        match self.kv.clamped(now).unwrap_or(self.kv) {
            KvCopy::Dirty { .. } => true,
            kept @ (KvCopy::Settling { .. } | KvCopy::Synced { .. }) => kept.alarm().is_some_and(|at| now >= at),
        }
    }

    /// When KV has to be written although nobody does; `None` if never. A time that only a clock that was ahead can have written
    /// counts as come.
    #[must_use]
    pub fn alarm(&self, now: UnixMillis) -> Option<UnixMillis> {
        self.kv.clamped(now).unwrap_or(self.kv).alarm()
    }

    /// What KV is given, by the owner's external id and the records that are kept.
    #[must_use]
    pub fn write(&self, external_id: Option<&ExternalId>, records: &[(ConnectionId, Record)]) -> IndexWrite {
        let mut user_ids: Vec<UserId> = Vec::new();
        for (_, record) in records {
            add(&mut user_ids, record.user_id());
        }
        let is_shown = records.iter().any(|(_, record)| record.is_shown());
        let mut external_ids: Vec<ExternalId> = Vec::new();
        add(&mut external_ids, external_id.filter(|_| is_shown));
        for (_, record) in records {
            add(&mut external_ids, record.external_id());
        }
        let must_act = records.iter().any(|(_, record)| record.owner_must_act());
        IndexWrite {
            index: is_shown.then(|| VehicleIndex::of(records)),
            former_external_ids: without(&self.external_ids, &external_ids),
            external_ids,
            former_user_ids: without(&self.user_ids, &user_ids),
            user_ids,
            must_act,
            formerly_must_act: self.must_act && !must_act,
        }
    }

    /// The record after that write, of which this record said that it was due, ended; `None` if `latest`, which is stored
    /// now, has changed meanwhile: then the change is still to be written.
    #[must_use]
    pub fn after_write(
        &self,
        latest: Option<&Self>,
        write: &IndexWrite,
        outcome: KvOutcome,
        now: UnixMillis,
    ) -> Option<Self> {
        if latest.is_none_or(|latest| latest.generation != self.generation) {
            return None;
        }
        let upkeep = match write.index {
            Some(_) => Upkeep::Renewed(EXTRA_LIFE),
            None => Upkeep::WrittenTwice,
        };
        let kv = self
            .kv
            .clamped(now)
            .unwrap_or(self.kv)
            .after_write(outcome, now, upkeep);
        // A look-up that is over is deleted twice, as the index is.
        let (external_ids, user_ids, must_act) = if kv.is_synced() {
            (&write.external_ids, &write.user_ids, write.must_act)
        } else {
            // What an older version kept does not say it.
            (&self.external_ids, &self.user_ids, self.must_act || write.must_act)
        };
        Some(Self {
            generation: self.generation,
            kv,
            external_ids: external_ids.clone(),
            user_ids: user_ids.clone(),
            must_act,
        })
    }

    /// Until when the copy in KV is of use, for an owner who is remembered for `retention` after a visit.
    #[must_use]
    pub fn expires_at(now: UnixMillis, retention: Millis) -> UnixMillis {
        now.after(retention).after(EXTRA_LIFE)
    }
}

/// Adds what is not there yet.
fn add<T: Clone + PartialEq>(to: &mut Vec<T>, new: Option<&T>) {
    if let Some(new) = new.filter(|new| !to.contains(new)) {
        to.push(new.clone());
    }
}

/// What is in `all` and not in `kept`.
fn without<T: Clone + PartialEq>(all: &[T], kept: &[T]) -> Vec<T> {
    all.iter().filter(|one| !kept.contains(one)).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        connect::VehicleId,
        token::{AccessToken, RefreshToken, TokenSet},
        vault::{
            known_vehicle::{Description, KnownVehicle},
            mark::{Complaint, MarkCause},
            record::{Closing, Ended, Learned, Live, Tombstone},
        },
    };

    const NOW: UnixMillis = UnixMillis::new(1_790_000_000_000);

    fn ahead(millis: u64) -> UnixMillis {
        NOW.after(Millis::new(millis))
    }

    fn ago(millis: u64) -> UnixMillis {
        UnixMillis::new(NOW.as_millis().saturating_sub(millis))
    }

    fn users(ids: &[&str]) -> Vec<UserId> {
        ids.iter().map(|id| UserId::parse(id).unwrap()).collect()
    }

    fn external_id() -> ExternalId {
        ExternalId::parse("e1").unwrap()
    }

    fn record(kv: KvCopy, user_ids: &[&str]) -> IndexRecord {
        IndexRecord {
            generation: 7,
            kv,
            external_ids: vec![external_id()],
            user_ids: users(user_ids),
            must_act: false,
        }
    }

    fn live(user_id: Option<&str>) -> Live {
        let tokens = TokenSet {
            access_token: AccessToken::new("a".into()),
            access_expires_at: NOW,
            refresh_token: None,
        };
        let live = Live::granted(tokens, RefreshToken::new("r".into()), NOW);
        Live {
            user_id: user_id.map_or(live.user_id, |id| Learned::Known(UserId::parse(id).unwrap())),
            vehicles: Learned::Known(vec![KnownVehicle::new(VehicleId::parse("car").unwrap())]),
            ..live
        }
    }

    fn ended(user_id: Option<&str>) -> Record {
        Record::Ended(Ended {
            user_id: user_id.map(|id| UserId::parse(id).unwrap()),
            ..Ended::refused_since(NOW)
        })
    }

    fn closing(user_id: &str) -> Record {
        Record::Closing(Closing {
            live: Some(Box::new(live(Some(user_id)))),
            generation: 1,
            since: NOW,
            kv: KvCopy::dirty(NOW),
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

    const SETTLING: KvCopy = KvCopy::Settling {
        since: NOW,
        rewrite_at: NOW.after(Millis::from_mins(2)),
    };
    const SYNCED: KvCopy = KvCopy::Synced {
        since: NOW,
        renew_at: None,
    };
    const RENEWED: KvCopy = KvCopy::Synced {
        since: NOW,
        renew_at: Some(NOW.after(EXTRA_LIFE)),
    };

    #[test]
    fn an_outdated_index_is_of_the_time_of_its_change() {
        let first = IndexRecord::outdated(None, None, None, NOW);
        assert_eq!(first.generation, NOW.as_millis());
        assert_eq!((first.kv, first.user_ids), (KvCopy::dirty(NOW), Vec::new()));
        let before = record(SYNCED, &["u1"]);
        let next = IndexRecord::outdated(Some(&before), Some(&external_id()), None, ahead(5));
        assert_eq!(
            (next.generation, next.kv),
            (ahead(5).as_millis(), KvCopy::dirty(ahead(5)))
        );
        assert_eq!(next.user_ids, users(&["u1"]), "they may be in KV");
    }

    #[test]
    fn an_outdated_index_has_a_new_generation_although_the_clock_stands_still_or_went_back() {
        let first = IndexRecord::outdated(None, None, None, NOW);
        let second = IndexRecord::outdated(Some(&first), Some(&external_id()), None, NOW);
        let third = IndexRecord::outdated(Some(&second), Some(&external_id()), None, ago(1_000_000));
        let generations = [&first, &second, &third].map(|record| record.generation - NOW.as_millis());
        assert_eq!(generations, [0, 1, 2]);
    }

    #[test]
    fn a_user_is_noted_once() {
        let of = |id| Record::Live(live(Some(id)));
        let mut index = None;
        for (id, expected) in [("u1", &["u1"][..]), ("u2", &["u1", "u2"]), ("u1", &["u1", "u2"])] {
            let next = IndexRecord::outdated(index.as_ref(), Some(&external_id()), Some(&of(id)), NOW);
            assert_eq!(next.user_ids, users(expected));
            index = Some(next);
        }
    }

    #[test]
    fn a_claimed_connection_is_looked_up_by_what_smartcar_knows_its_owner_by() {
        let claimed_from = ExternalId::parse("e0").unwrap();
        let claimed = Record::Live(Live {
            external_id: Some(claimed_from.clone()),
            ..live(None)
        });
        let before = record(SYNCED, &[]);
        let index = IndexRecord::outdated(Some(&before), Some(&external_id()), Some(&claimed), NOW);
        assert_eq!(index.external_ids, [external_id(), claimed_from.clone()]);
        let write = index.write(Some(&external_id()), &kept([claimed]));
        assert_eq!(write.external_ids, [external_id(), claimed_from.clone()]);
        let gone = index.write(Some(&external_id()), &kept([ended(None)]));
        assert_eq!(
            (gone.external_ids, gone.former_external_ids),
            (vec![external_id()], vec![claimed_from])
        );
    }

    #[test]
    fn a_claimed_vault_neither_writes_nor_deletes_the_look_up_of_its_owner() {
        let before = record(SYNCED, &["u1"]);
        let index = IndexRecord::without_external_ids(Some(&before), NOW);
        assert_eq!((index.kv, index.generation), (KvCopy::dirty(NOW), NOW.as_millis()));
        assert_eq!(index.user_ids, users(&["u1"]));
        for records in [kept([ended(None)]), kept([closing("u1")])] {
            let write = index.write(None, &records);
            assert_eq!(
                (write.external_ids, write.former_external_ids),
                (Vec::new(), Vec::new())
            );
        }
    }

    #[test]
    fn an_index_is_due_while_it_is_dirty_and_when_its_time_has_come() {
        let dirty = |retry_at| KvCopy::Dirty {
            since: NOW,
            failures: 3,
            retry_at,
            changed_during_write: false,
        };
        let settling = |since, rewrite_at| KvCopy::Settling { since, rewrite_at };
        let synced = |since, renew_at| KvCopy::Synced { since, renew_at };
        let far = NOW.after(EXTRA_LIFE);
        for (kv, is_due) in [
            (dirty(ago(1)), true),
            (dirty(ahead(15_000)), true),
            (dirty(far), true),
            (settling(ago(119_999), ahead(1)), false),
            (settling(ago(120_000), NOW), true),
            (synced(ago(1), None), false),
            (synced(ago(1), Some(NOW)), true),
            (synced(ago(1), Some(ahead(1))), false),
            (synced(NOW, Some(far)), false),
            // A clock that was ahead.
            (settling(far, far.after(Millis::from_mins(2))), true),
            (synced(ahead(1), Some(far)), true),
            (synced(far, None), false),
        ] {
            let index = record(kv, &[]);
            assert_eq!(index.is_due(NOW), is_due, "{kv:?}");
            // The alarm looks after it: nothing that is not written yet is later than that.
            let rings_at = index.alarm(NOW);
            assert_eq!(rings_at.is_some(), is_due || kv.alarm().is_some(), "{kv:?}");
            assert!(is_due || rings_at.is_none_or(|at| at > NOW), "{kv:?}");
        }
    }

    #[test]
    fn users_that_are_there_are_looked_up_by_and_those_that_are_gone_are_not_any_more() {
        let index = record(SETTLING, &["u1", "gone", "u2", "closing"]);
        let records = kept([
            Record::Live(live(Some("u2"))),
            closing("closing"),
            ended(Some("u3")),
            Record::Live(live(Some("u2"))),
            Record::Live(live(None)),
            ended(None),
            Record::Live(live(Some("u1"))),
            tombstone(SETTLING),
        ]);
        let write = index.write(Some(&external_id()), &records);
        assert_eq!(write.index, Some(VehicleIndex::of(&records)));
        let car = VehicleId::parse("car").unwrap();
        let covering = write.index.and_then(|index| index.connection_of(&car).cloned());
        assert_eq!(covering, Some(records[6].0.clone()), "the newest that is live");
        assert_eq!(write.user_ids, users(&["u2", "u3", "u1"]), "each once");
        assert_eq!(write.former_user_ids, users(&["gone", "closing"]));
    }

    #[test]
    fn an_index_is_written_as_long_as_a_connection_is_shown() {
        let index = record(KvCopy::dirty(NOW), &["u1"]);
        for records in [
            Vec::new(),
            kept([closing("u1")]),
            kept([tombstone(SYNCED)]),
            kept([closing("u1"), tombstone(SETTLING)]),
        ] {
            let write = index.write(Some(&external_id()), &records);
            assert_eq!((write.index, write.user_ids), (None, Vec::new()));
            assert_eq!(write.former_user_ids, users(&["u1"]));
        }
        let without_vehicles = index.write(Some(&external_id()), &kept([tombstone(SYNCED), ended(Some("u1"))]));
        assert_eq!(without_vehicles.index, Some(VehicleIndex::default()));
        assert_eq!(without_vehicles.user_ids, users(&["u1"]));
        assert_eq!(without_vehicles.former_user_ids, []);
    }

    /// The record after a write that nothing came between, of an owner with one shown connection, or none.
    fn after(index: &IndexRecord, is_shown: bool, outcome: KvOutcome, now: UnixMillis) -> IndexRecord {
        let records = kept([if is_shown { ended(Some("u1")) } else { tombstone(SYNCED) }]);
        index
            .after_write(Some(index), &index.write(Some(&external_id()), &records), outcome, now)
            .unwrap()
    }

    #[test]
    fn a_write_counts_for_what_it_wrote_and_not_for_what_changed_meanwhile() {
        let index = record(KvCopy::dirty(NOW), &["gone"]);
        let write = index.write(Some(&external_id()), &kept([ended(None)]));
        for outcome in [KvOutcome::Done, KvOutcome::Failed] {
            let latest = IndexRecord::outdated(Some(&index), Some(&external_id()), None, NOW);
            assert_eq!(index.after_write(Some(&latest), &write, outcome, NOW), None);
            let newer = IndexRecord {
                generation: index.generation + 1,
                ..index.clone()
            };
            assert_eq!(
                index.after_write(Some(&newer), &write, outcome, NOW),
                None,
                "by its generation"
            );
            assert_eq!(index.after_write(None, &write, outcome, NOW), None, "deleted meanwhile");
            assert!(index.after_write(Some(&index), &write, outcome, NOW).is_some());
        }
    }

    #[test]
    fn an_index_with_a_shown_connection_is_written_twice_and_then_every_thirty_days() {
        let first = after(&record(KvCopy::dirty(NOW), &[]), true, KvOutcome::Done, NOW);
        assert_eq!((first.kv, first.generation), (SETTLING, 7));
        assert!(!first.is_due(ahead(119_999)) && first.is_due(ahead(120_000)));
        let early = after(&first, true, KvOutcome::Done, ahead(119_999));
        assert_eq!(early.kv, SETTLING, "this write was begun before");
        let second = after(&first, true, KvOutcome::Done, ahead(120_000));
        let month = ahead(120_000).after(Millis::from_days(30));
        assert_eq!(second.kv.alarm(), Some(month));
        assert!(second.kv.is_synced() && second.is_due(month));
        let renewed = after(&second, true, KvOutcome::Done, month);
        assert_eq!(renewed.kv.alarm(), Some(month.after(Millis::from_days(30))));
    }

    #[test]
    fn an_index_that_is_deleted_is_deleted_twice_and_then_rests() {
        for before in [KvCopy::dirty(NOW), RENEWED] {
            let index = IndexRecord::outdated(Some(&record(before, &[])), Some(&external_id()), None, NOW);
            let first = after(&index, false, KvOutcome::Done, NOW);
            assert_eq!(first.kv, SETTLING);
            let second = after(&first, false, KvOutcome::Done, ahead(120_000));
            assert!(second.kv.is_synced());
            assert_eq!(second.kv.alarm(), None);
        }
    }

    #[test]
    fn an_index_that_could_not_be_written_stays_due() {
        let failed = after(&record(KvCopy::dirty(NOW), &[]), true, KvOutcome::Failed, NOW);
        assert!(failed.is_due(NOW));
        assert_eq!(failed.kv.alarm(), Some(ahead(1_100)));
        let rewritten = after(&record(SETTLING, &[]), true, KvOutcome::Failed, ahead(120_000));
        assert_eq!(rewritten.kv.alarm(), Some(ahead(240_000)));
        let renewed = after(&record(RENEWED, &[]), true, KvOutcome::Failed, NOW.after(EXTRA_LIFE));
        assert_eq!(
            renewed.kv.alarm(),
            Some(NOW.after(EXTRA_LIFE).after(Millis::from_mins(5)))
        );
    }

    #[test]
    fn a_former_user_is_deleted_twice_before_it_is_forgotten() {
        let both = users(&["gone", "u1"]);
        let index = record(KvCopy::dirty(NOW), &["gone", "u1"]);
        assert_eq!(after(&index, true, KvOutcome::Failed, NOW).user_ids, both);
        let once = after(&index, true, KvOutcome::Done, NOW);
        assert_eq!(once.user_ids, both);
        let failed = after(&once, true, KvOutcome::Failed, ahead(120_000));
        assert_eq!(failed.user_ids, both);
        let twice = after(&failed, true, KvOutcome::Done, ahead(240_000));
        assert_eq!(twice.user_ids, users(&["u1"]));
    }

    /// One that waits for its owner to log in again at the car's maker.
    fn reauthentication_required() -> Record {
        let car = KnownVehicle::new(VehicleId::parse("car").unwrap());
        let description = Description::Refused {
            name: "n".to_owned(),
            retry_after: None,
            complaint: Some(Complaint::reported(MarkCause::LogInFailed)),
            is_missing: false,
        };
        Record::Live(Live {
            vehicles: Learned::Known(vec![car.described(&description, NOW)]),
            ..live(Some("u1"))
        })
    }

    #[test]
    fn an_owner_must_act_as_long_as_one_connection_says_so() {
        let well = || Record::Live(live(Some("u1")));
        let index = record(KvCopy::dirty(NOW), &[]);
        let noted = IndexRecord {
            must_act: true,
            ..index.clone()
        };
        for (records, must_act) in [
            (kept([well(), ended(None)]), true),
            (kept([well(), reauthentication_required()]), true),
            (kept([well(), tombstone(SYNCED)]), false),
            (kept([closing("u1")]), false),
            (Vec::new(), false),
        ] {
            for (index, was_noted) in [(&index, false), (&noted, true)] {
                let write = index.write(Some(&external_id()), &records);
                assert_eq!(
                    (write.must_act, write.formerly_must_act),
                    (must_act, was_noted && !must_act),
                    "{records:?}"
                );
                assert!(
                    !write.must_act || write.index.is_some(),
                    "what is written beside the index"
                );
            }
        }
    }

    #[test]
    fn that_an_owner_must_act_is_noted_before_it_is_written_and_until_it_was_deleted_twice() {
        let never = IndexRecord::outdated(None, None, Some(&Record::Live(live(None))), NOW);
        assert!(!never.must_act);
        for changed in [ended(None), reauthentication_required()] {
            assert!(IndexRecord::outdated(None, None, Some(&changed), NOW).must_act);
        }
        let noted = IndexRecord::outdated(Some(&never), None, Some(&ended(None)), NOW);
        let gone = IndexRecord::outdated(Some(&noted), None, Some(&tombstone(SYNCED)), NOW);
        assert!(gone.must_act, "it may be in KV");
        let write = |index: &IndexRecord, records: &[(ConnectionId, Record)], outcome, now| {
            let write = index.write(Some(&external_id()), records);
            index.after_write(Some(index), &write, outcome, now).unwrap()
        };
        let well = kept([Record::Live(live(None))]);
        let failed = write(&gone, &well, KvOutcome::Failed, NOW);
        let once = write(&failed, &well, KvOutcome::Done, NOW);
        assert!(failed.must_act && once.must_act);
        let twice = write(&once, &well, KvOutcome::Done, ahead(120_000));
        assert!(!twice.must_act && twice.kv.is_synced());
        assert!(
            !twice.write(None, &well).formerly_must_act,
            "it costs KV nothing any more"
        );
        let kept_on = write(&noted, &kept([ended(None)]), KvOutcome::Done, NOW);
        assert!(write(&kept_on, &kept([ended(None)]), KvOutcome::Done, ahead(120_000)).must_act);
    }

    #[test]
    fn what_an_older_version_kept_of_the_index_is_read_and_learns_who_must_act() {
        let mut json = serde_json::to_value(record(RENEWED, &["u1"])).unwrap();
        json.as_object_mut().unwrap().remove("must_act");
        let index: IndexRecord = serde_json::from_value(json).unwrap();
        assert_eq!(index, record(RENEWED, &["u1"]));
        let failed = after(&index, true, KvOutcome::Failed, NOW.after(EXTRA_LIFE));
        assert!(failed.must_act, "the write may have arrived in part");
    }

    #[test]
    fn the_external_id_from_before_a_deletion_is_deleted_twice_before_it_is_forgotten() {
        let [former, own] = ["e1", "e2"].map(|id| ExternalId::parse(id).unwrap());
        let records = kept([ended(None)]);
        let dirty = IndexRecord::outdated(Some(&record(SYNCED, &[])), Some(&own), None, NOW);
        assert_eq!(dirty.external_ids, [former.clone(), own.clone()]);
        let write = dirty.write(Some(&own), &records);
        assert_eq!(
            (write.external_ids.clone(), write.former_external_ids.clone()),
            (vec![own.clone()], vec![former])
        );
        let first = dirty.after_write(Some(&dirty), &write, KvOutcome::Done, NOW).unwrap();
        assert_eq!(first.external_ids.len(), 2, "deleted once");
        let second = first
            .after_write(Some(&first), &write, KvOutcome::Done, ahead(120_000))
            .unwrap();
        assert_eq!(second.external_ids, core::slice::from_ref(&own));
        let nothing_shown = second.write(Some(&own), &kept([tombstone(SYNCED)]));
        assert_eq!(
            (nothing_shown.external_ids, nothing_shown.former_external_ids),
            (Vec::new(), vec![own])
        );
    }

    #[test]
    fn an_index_that_a_clock_ahead_wrote_does_not_ring_all_the_time() {
        let far = NOW.after(EXTRA_LIFE);
        let kv = KvCopy::Settling {
            since: far,
            rewrite_at: far.after(Millis::from_mins(2)),
        };
        let index = record(kv, &["gone"]);
        assert!(index.is_due(NOW));
        let first = after(&index, true, KvOutcome::Done, NOW);
        assert_eq!((first.kv, first.user_ids.len()), (SETTLING, 1));
        assert!(!first.is_due(ahead(119_999)));
        assert!(after(&first, true, KvOutcome::Done, ahead(120_000)).kv.is_synced());
    }

    #[test]
    fn an_index_outlives_its_owner_s_last_visit_by_thirty_days() {
        let until = IndexRecord::expires_at(NOW, Millis::from_days(180));
        assert_eq!(until, NOW.after(Millis::from_days(210)));
    }
}
