//! A clock that was ahead for a while.

use proptest::{collection::vec, prelude::*};

use super::{
    waking::{Op, UnderWay, event, op},
    *,
};
use crate::{
    token::cycle::LONGEST_BACKOFF,
    vault::{Tombstone, life::schedule::clamp_future_times},
};

fn run(vault: &mut Vault, under_way: &mut UnderWay, ops: Vec<Op>, numbers: &mut impl Iterator<Item = u32>) {
    for (op, n) in ops.into_iter().zip(numbers) {
        let Some(event) = event(&op, under_way, vault, n) else {
            continue;
        };
        under_way.begin(vault, event);
    }
}

/// How long a caller is told to wait.
fn told_to_wait(vault: &Vault, rejected: Option<u64>) -> Millis {
    let record = vault.record.clone();
    let effects = step(
        &id(),
        record,
        vault.now,
        Event::TokenRequested { rejected },
        &vault.policy,
    )
    .effects;
    let waits = effects.iter().map(|effect| match effect {
        Effect::Reply(TokenReply::Unavailable(unwell)) => unwell.retry_after,
        Effect::Reply(TokenReply::Rejected { retry_after }) => *retry_after,
        _ => Millis::ZERO,
    });
    waits.max().unwrap_or(Millis::ZERO)
}

/// The times at which the record waits for something to be tried again.
fn retries(record: &Record) -> Vec<(&'static str, UnixMillis)> {
    let kv = |copy: &KvCopy| match copy {
        KvCopy::Dirty { retry_at, .. } => Some(("KV", *retry_at)),
        KvCopy::Settling { rewrite_at, .. } => Some(("KV once more", *rewrite_at)),
        KvCopy::Synced { .. } => None,
    };
    let all = match record {
        Record::Live(live) => {
            let tokens = live.owner_tokens();
            let failing = tokens.and_then(|tokens| match tokens.refresh {
                RefreshState::Failing { retry_at, .. } => Some(("refresh", retry_at)),
                RefreshState::Ok { .. } => None,
            });
            let unlisted = live.vehicles.alarm().map(|at| ("vehicles", at));
            let unidentified = live.user_id.alarm().map(|at| ("user", at));
            let attempt = tokens.and_then(|tokens| tokens.attempt);
            let sent = attempt.map(|attempt| ("call", attempt.last_sent_at));
            vec![failing, unlisted, unidentified, kv(&live.kv), sent]
        }
        Record::Ended(ended) => vec![kv(&ended.kv)],
        Record::Leaving(leaving) => vec![Some(("hand-over", leaving.retry_at))],
        Record::Closing(closing) => vec![kv(&closing.kv)],
        Record::Tombstone(tombstone) => vec![kv(&tombstone.kv)],
    };
    all.into_iter().flatten().collect()
}

proptest! {
    #[test]
    fn a_clock_that_was_ahead_stops_nobody_for_longer_than_the_longest_wait(
        before in vec(op(), 0..20),
        ahead in Millis::from_hours(2).as_millis()..Millis::from_days(100).as_millis(),
        meanwhile in vec(op(), 1..30),
    ) {
        let mut vault = Vault::just_granted();
        let mut under_way = UnderWay::default();
        let mut numbers = 2_u32..;
        run(&mut vault, &mut under_way, before, &mut numbers);
        let right = vault.now;
        vault.pass(Millis::new(ahead));
        run(&mut vault, &mut under_way, meanwhile, &mut numbers);
        // As if it had taken no time.
        vault.now = right;
        if let Some(record) = &vault.record {
            // A process that starts now sets the alarm by this.
            let at = next_alarm_by(&id(), record, right);
            let furthest = right.after(idle_refresh_after(&id()));
            prop_assert!(at.is_none_or(|at| at <= furthest), "the alarm of a new process: {at:?} in {record:?}");
        }
        let generation = vault.record.as_ref().map(Record::generation);
        for rejected in [None, generation] {
            let wait = told_to_wait(&vault, rejected);
            prop_assert!(wait <= LONGEST_BACKOFF, "{rejected:?}: {wait:?} in {:?}", vault.record);
        }
        let asked = vault.clone();
        vault.wake();
        let tokens = vault.record.as_ref().and_then(Record::live).and_then(Live::owner_tokens);
        if tokens.is_some_and(|tokens| {
            tokens.attempt.is_some() || matches!(tokens.refresh, RefreshState::Failing { .. })
        }) {
            prop_assert!(vault.sleeps() <= LONGEST_BACKOFF, "the alarm: {:?} in {:?}", vault.sleeps(), vault.record);
        }
        for (what, at) in vault.record.iter().flat_map(retries) {
            let wait = at.since(vault.now);
            prop_assert!(wait <= LONGEST_BACKOFF, "{what}: {wait:?} in {:?}, woken in {:?}", vault.record, asked.record);
        }
    }
}

#[test]
fn each_time_of_a_clock_that_was_ahead_comes_at_once() {
    let day = Millis::from_days(1);
    let mut unlisted = Vault::just_granted();
    let right = unlisted.now;
    unlisted.pass(day);
    unlisted.on(Event::VehiclesListed {
        asked_by: OF_V2,
        vehicles: None,
    });
    unlisted.on(Event::UserIdentified { user_id: None });
    let record = unlisted.record.unwrap();
    let clamped = clamp_future_times(&record, right).unwrap();
    let live = clamped.live().unwrap();
    assert_eq!(
        (live.vehicles.alarm(), live.user_id.alarm()),
        (Some(right), Some(right))
    );

    let tombstone = Tombstone {
        since: right.after(day),
        generation: 1,
        kv: KvCopy::dirty(right),
    };
    let Some(Record::Tombstone(clamped)) = clamp_future_times(&Record::Tombstone(tombstone), right) else {
        panic!("it is of a clock that was ahead");
    };
    assert_eq!(clamped.since, right);
    assert!(clamp_future_times(&Record::Tombstone(clamped), right).is_none());
}
