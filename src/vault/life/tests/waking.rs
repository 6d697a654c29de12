use proptest::{collection::vec, prelude::*};

use super::*;

#[test]
fn an_idle_grant_is_refreshed_after_thirty_days_and_a_jitter_of_its_own() {
    let mut vault = Vault::new();
    let due = NOW.after(idle_refresh_after(&id()));
    assert_eq!(vault.wake_at(), Some(due));
    vault.now = UnixMillis::new(due.as_millis() - 1);
    assert_eq!(vault.wake(), [""; 0]);
    vault.pass(Millis::new(1));
    assert_eq!(vault.wake(), ["call 1 refresh-1"]);
    vault.issued(1, 2);
    vault.published(2, KvOutcome::Done);
    vault.listed_again();
    assert_eq!(vault.wake_at(), Some(vault.now.after(idle_refresh_after(&id()))));

    let jitters: std::collections::BTreeSet<u64> = (0..=255)
        .map(|byte| {
            let wait = idle_refresh_after(&ConnectionId::from_random([byte; 16]));
            assert!((Millis::from_days(30)..Millis::from_days(32)).contains(&wait));
            wait.as_millis()
        })
        .collect();
    assert!(jitters.len() > 24, "{} different jitters", jitters.len());
}

#[test]
fn an_idle_refresh_that_fails_is_repeated_until_the_grant_is_over() {
    let mut vault = Vault::new();
    let mut calls = 0;
    while vault.state() == "live" {
        vault.now = vault.wake_at().unwrap();
        if vault.wake() == ["call 1 refresh-1"] {
            calls += 1;
            vault.pass(Millis::from_secs(8));
            vault.answered(1, TokenError::ServerError { retry_after: None });
        }
    }
    assert!(
        (2_000..2_200).contains(&calls),
        "three times an hour for 28 to 30 days: {calls}"
    );
    assert!(matches!(
        vault.record,
        Some(Record::Ended(Ended {
            cause: Cause::RefreshTokenExpired,
            ..
        }))
    ));
    assert!(vault.now.since(NOW) >= Millis::from_days(60));
    assert!(vault.now.since(NOW) <= Millis::new(Millis::from_days(60).as_millis() + 3_700_000));
}

#[test]
fn a_call_of_which_nothing_is_heard_is_repeated_with_the_same_token() {
    let mut vault = Vault::calling();
    for calls in 2..5 {
        assert_eq!(vault.sleeps(), CALL_LOST_AFTER);
        vault.pass(Millis::from_secs(14));
        assert_eq!(vault.wake(), [""; 0]);
        vault.pass(Millis::from_secs(1));
        assert_eq!(vault.wake(), ["call 1 refresh-1"]);
        assert_eq!(vault.owner().attempt.unwrap().attempts, calls);
    }
}

#[test]
fn a_repeated_call_has_time_to_end_before_the_alarm_rings_again() {
    let mut vault = Vault::calling();
    vault.pass(Millis::from_secs(5));
    vault.answered(1, TokenError::ServerError { retry_after: None });
    vault.pass(vault.sleeps());
    assert_eq!(vault.wake(), ["call 1 refresh-1"]);
    assert_eq!(vault.sleeps(), CALL_LOST_AFTER, "unwell, and the call is under way");
    assert_eq!(vault.wake(), [""; 0]);
}

#[test]
fn waking_before_the_time_does_nothing() {
    for (name, mut vault) in Vault::every_state() {
        let Some(at) = vault.wake_at() else { continue };
        vault.now = UnixMillis::new(at.as_millis() - 1);
        assert_eq!(vault.wake(), [""; 0], "{name}");
        vault.pass(Millis::new(1));
        assert!(!vault.wake().is_empty(), "{name}");
    }
}

#[derive(Clone, Debug)]
pub(super) enum Op {
    Pass(u64),
    Sleep,
    Want(bool),
    CallEnds(u8),
    KvEnds(bool),
    Look,
    Listed(bool),
    Identified(bool),
    Told,
    Disconnect(bool),
    Dies,
}

pub(super) fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        2 => prop_oneof![
            0_u64..20_000,
            0_u64..10_000_000,
            0_u64..3_000_000_000,
        ].prop_map(Op::Pass),
        6 => Just(Op::Sleep),
        3 => any::<bool>().prop_map(Op::Want),
        5 => (0_u8..11).prop_map(Op::CallEnds),
        4 => any::<bool>().prop_map(Op::KvEnds),
        1 => Just(Op::Look),
        1 => any::<bool>().prop_map(Op::Listed),
        1 => any::<bool>().prop_map(Op::Identified),
        1 => Just(Op::Told),
        1 => any::<bool>().prop_map(Op::Disconnect),
        1 => Just(Op::Dies),
    ]
}

/// What the driver has under way.
#[derive(Default)]
pub(super) struct UnderWay {
    pub(super) call: Option<u64>,
    pub(super) publish: bool,
    pub(super) unpublish: bool,
    pub(super) list: bool,
    pub(super) identify: bool,
    pub(super) tell: bool,
}

impl UnderWay {
    /// Lets `event` happen, and begins what follows from it.
    pub(super) fn begin(&mut self, vault: &mut Vault, event: Event) {
        for effect in vault.on(event) {
            match effect.split(' ').next().unwrap() {
                "call" => self.call = vault.record.as_ref().map(Record::generation),
                "publish" => self.publish = true,
                "unpublish" => self.unpublish = true,
                "list" => self.list = true,
                "identify" => self.identify = true,
                "tell" => self.tell = true,
                _ => {}
            }
        }
    }
}

fn outcome(which: u8, now: UnixMillis, n: u32) -> TokenResult {
    let failures = [
        TokenError::InvalidGrant,
        TokenError::InvalidClient,
        TokenError::RateLimited { retry_after: None },
        TokenError::RateLimited {
            retry_after: Some(Millis::from_secs(100)),
        },
        TokenError::RefusedWithoutReason,
        TokenError::ServerError { retry_after: None },
        TokenError::TimedOut,
        TokenError::UnreadableResponse,
    ];
    match failures.get(usize::from(which)) {
        Some(failure) => Err(*failure),
        None if which == 8 => Ok(TokenSet {
            refresh_token: None,
            ..tokens(n, now)
        }),
        None => Ok(tokens(n, now)),
    }
}

pub(super) fn event(op: &Op, under_way: &mut UnderWay, vault: &mut Vault, n: u32) -> Option<Event> {
    match op {
        Op::Pass(millis) => {
            // The alarm is never late by much: time passes up to it.
            let at = vault.now.after(Millis::new(*millis));
            vault.now = vault.wake_at().map_or(at, |alarm| at.min(alarm)).max(vault.now);
            None
        }
        Op::Sleep => {
            vault.now = vault.wake_at()?.max(vault.now);
            Some(Event::AlarmFired)
        }
        Op::Want(rejected) => {
            let generation = vault.record.as_ref().map(Record::generation);
            let rejected = generation.filter(|_| *rejected);
            (under_way.call.is_none()).then_some(Event::TokenRequested { rejected })
        }
        Op::CallEnds(which) => {
            let generation = under_way.call.take()?;
            let outcome = outcome(*which, vault.now, n);
            Some(Event::RefreshCompleted { generation, outcome })
        }
        Op::KvEnds(done) => {
            let outcome = if *done { KvOutcome::Done } else { KvOutcome::Failed };
            if core::mem::take(&mut under_way.publish) {
                let generation = vault.record.as_ref()?.generation();
                Some(Event::KvPutCompleted { generation, outcome })
            } else {
                core::mem::take(&mut under_way.unpublish).then_some(Event::KvDeleteCompleted { outcome })
            }
        }
        Op::Look => Some(Event::ListRequested {
            max_age: Millis::from_mins(5),
        }),
        Op::Listed(told) => core::mem::take(&mut under_way.list).then(|| Event::VehiclesListed {
            asked_by: OF_V2,
            vehicles: told.then(|| vec![vehicle("v1")]),
        }),
        Op::Identified(told) => core::mem::take(&mut under_way.identify).then(|| Event::UserIdentified {
            user_id: told.then(|| UserId::parse("u1").unwrap()),
        }),
        Op::Told => core::mem::take(&mut under_way.tell).then_some(Event::SmartcarNotified),
        Op::Disconnect(tell) => Some(Event::DisconnectRequested {
            external_id: None,
            revocation: if *tell {
                Revocation::AtSmartcar
            } else {
                Revocation::LocalOnly
            },
        }),
        Op::Dies => {
            *under_way = UnderWay::default();
            None
        }
    }
}

proptest! {
    /// No busy loop: while nothing is overdue, every step leaves the alarm in the future, whether the effects of the
    /// step ever end or not.
    #[test]
    fn the_alarm_is_never_set_to_a_time_that_has_come(
        grace in prop_oneof![Just(0_u64), Just(60), Just(600)],
        ops in vec(op(), 1..80),
    ) {
        let mut vault = Vault::just_granted();
        vault.policy = Policy { grace: Millis::from_secs(grace) };
        let mut under_way = UnderWay::default();
        for (n, op) in (2_u32..).zip(ops) {
            let Some(event) = event(&op, &mut under_way, &mut vault, n) else { continue };
            let was_due = vault.wake_at().is_some_and(|at| at <= vault.now);
            let woken = matches!(event, Event::AlarmFired);
            let described = format!("{event:?}");
            under_way.begin(&mut vault, event);
            if woken || !was_due {
                prop_assert!(
                    vault.wake_at().is_none_or(|at| at > vault.now),
                    "{described} at {:?} left {:?} in {:?}", vault.now, vault.wake_at(), vault.record
                );
            }
        }
    }

    /// A vault that is left alone with working services comes to rest: it sleeps for days, or has nothing to do.
    #[test]
    fn a_vault_comes_to_rest_when_everything_works(ops in vec(op(), 1..60)) {
        let mut vault = Vault::just_granted();
        let mut under_way = UnderWay::default();
        for (n, op) in (2_u32..).zip(ops) {
            if let Some(event) = event(&op, &mut under_way, &mut vault, n) {
                for effect in vault.on(event) {
                    if effect.starts_with("call") {
                        under_way.call = vault.record.as_ref().map(Record::generation);
                    }
                }
            }
        }
        let mut issued = 100_u32..;
        for _ in 0..12 {
            let Some(at) = vault.wake_at() else { return Ok(()) };
            if at.since(vault.now) >= Millis::from_hours(23) {
                return Ok(());
            }
            vault.now = vault.now.max(at);
            let mut effects = std::collections::VecDeque::from(vault.wake());
            while let Some(effect) = effects.pop_front() {
                let n = issued.next().unwrap();
                let generation = vault.record.as_ref().map_or(0, Record::generation);
                effects.extend(match effect.split(' ').next().unwrap() {
                    "call" => vault.issued(generation, n),
                    "publish" => vault.published(generation, KvOutcome::Done),
                    "unpublish" => vault.unpublished(KvOutcome::Done),
                    "list" => vault.on(Event::VehiclesListed { asked_by: OF_V2, vehicles: Some(Vec::new()) }),
                    "identify" => vault.identified(),
                    "tell" => vault.on(Event::SmartcarNotified),
                    _ => Vec::new(),
                });
            }
        }
        prop_assert!(false, "still restless: {:?}", vault.record);
    }
}

#[test]
fn a_new_grant_wakes_for_its_vehicles_until_they_are_known() {
    let vault = Vault::just_granted();
    assert!(matches!(vault.grant().vehicles, Learned::Unknown { failures: 0, .. }));
    assert!(vault.wake_at().is_some());
}

/// The half-way refresh and every retry are long before it: only a wait that reaches beyond it shows it.
#[test]
fn a_grant_wakes_when_its_refresh_token_expires_at_the_latest() {
    let over_at = NOW.after(Millis::from_days(60));
    let mut vault = Vault::new();
    vault.now = UnixMillis::new(over_at.as_millis() - 60_000);
    assert_eq!(vault.wake(), ["call 1 refresh-1"]);
    vault.answered(
        1,
        TokenError::RateLimited {
            retry_after: Some(Millis::from_mins(30)),
        },
    );
    assert!(vault.owner().attempt.is_none());
    assert_eq!(vault.retry_in(), Millis::from_mins(30));
    assert_eq!(vault.wake_at(), Some(over_at));
    vault.now = over_at;
    assert_eq!(vault.wake(), ["ended refresh_token_expired", "unpublish"]);
}
