//! A clock that was ahead for a while.

use proptest::{collection::vec, prelude::*};

use super::{
    waking::{Op, UnderWay, event, op},
    *,
};
use crate::vault::{grant::Intent, life::schedule::LONGEST_BACKOFF};

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
    let record = vault.record.as_ref();
    let effects = step(&id(), record, vault.now, Event::TokenWanted { rejected }, &vault.policy).effects;
    let waits = effects.iter().map(|effect| match effect {
        Effect::Answer(Answer::Unavailable(unwell)) => unwell.retry_after,
        Effect::Answer(Answer::Rejected { retry_after }) => *retry_after,
        _ => Millis::ZERO,
    });
    waits.max().unwrap_or(Millis::ZERO)
}

/// The times at which the record waits for something to be tried again.
fn retries(record: &GrantRecord) -> Vec<(&'static str, UnixMillis)> {
    let owed = |published: &Published| match published {
        Published::Owed { retry_at, .. } => Some(("KV", *retry_at)),
        Published::Current { .. } => None,
    };
    match record {
        GrantRecord::Live(grant) => {
            let unwell = match grant.health {
                Health::Unwell { retry_at, .. } => Some(("refresh", retry_at)),
                Health::Well { .. } => None,
            };
            let unlisted = match grant.vehicles {
                Vehicles::Unlisted { retry_at, .. } => Some(("vehicles", retry_at)),
                Vehicles::Listed(_) => None,
            };
            let call = |intent: Intent| ("call", intent.latest);
            let all = [unwell, unlisted, owed(&grant.published), grant.intent.map(call)];
            all.into_iter().flatten().collect()
        }
        GrantRecord::Ended { published, .. } => owed(published).into_iter().collect(),
        GrantRecord::Closing { retry_at, .. } => vec![("closing", *retry_at)],
        GrantRecord::Tombstone { sweep_at, .. } => sweep_at.map(|at| ("sweep", at)).into_iter().collect(),
    }
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
        let generation = vault.record.as_ref().map(GrantRecord::generation);
        for rejected in [None, generation] {
            let wait = told_to_wait(&vault, rejected);
            prop_assert!(wait <= LONGEST_BACKOFF, "{rejected:?}: {wait:?} in {:?}", vault.record);
        }
        let asked = vault.clone();
        vault.wake();
        if let Some(GrantRecord::Live(grant)) = &vault.record
            && (grant.intent.is_some() || matches!(grant.health, Health::Unwell { .. }))
        {
            prop_assert!(vault.sleeps() <= LONGEST_BACKOFF, "the alarm: {:?} in {:?}", vault.sleeps(), vault.record);
        }
        for (what, at) in vault.record.iter().flat_map(retries) {
            let wait = at.since(vault.now);
            prop_assert!(wait <= LONGEST_BACKOFF, "{what}: {wait:?} in {:?}, woken in {:?}", vault.record, asked.record);
        }
    }
}
