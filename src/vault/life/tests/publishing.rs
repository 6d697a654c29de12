use super::*;

fn is_current(vault: &Vault) -> bool {
    matches!(vault.grant().published, Published::Current { .. })
}

#[test]
fn a_new_grant_is_owed_to_kv_and_its_vehicles_are_asked_for() {
    let mut vault = Vault::just_granted();
    assert_eq!(vault.sleeps(), Millis::from_secs(15));
    vault.pass(Millis::from_secs(15));
    assert_eq!(vault.wake(), ["publish", "list"], "should the process have died");
    assert_eq!(vault.sleeps(), Millis::from_secs(15), "both have time to end");
}

#[test]
fn a_write_that_failed_is_repeated_ever_more_rarely() {
    let mut vault = Vault::calling();
    vault.issued(1, 2);
    let mut waits = Vec::new();
    for _ in 0..11 {
        vault.published(2, KvOutcome::Failed);
        waits.push(vault.sleeps().as_millis());
        vault.pass(vault.sleeps());
        assert_eq!(vault.wake(), ["publish"]);
    }
    assert_eq!(
        waits,
        [
            1_100, 2_200, 4_400, 8_800, 17_600, 35_200, 70_400, 140_800, 281_600, 300_000, 300_000
        ],
        "never within the second that KV allows one write in"
    );
    vault.published(2, KvOutcome::Done);
    assert!(is_current(&vault));
}

#[test]
fn a_write_of_an_older_generation_settles_nothing() {
    let mut vault = Vault::calling();
    vault.issued(1, 2);
    for outcome in [KvOutcome::Done, KvOutcome::Failed] {
        let stored = format!("{:?}", vault.record);
        vault.published(1, outcome);
        assert_eq!(format!("{:?}", vault.record), stored);
    }
}

#[test]
fn a_write_that_may_have_missed_the_vehicles_is_not_the_last() {
    let listed = || Event::VehiclesListed {
        vehicles: Some(vec![vehicle("v1")]),
    };
    // The first write is under way when the vehicles arrive.
    let mut vault = Vault::just_granted();
    assert_eq!(vault.on(listed()), ["publish"]);
    vault.published(1, KvOutcome::Done);
    assert!(!is_current(&vault), "it may not have had the vehicles");
    // One write a second: the second one fails.
    vault.published(1, KvOutcome::Failed);
    assert_eq!(vault.sleeps(), Millis::new(1_100));
    vault.pass(vault.sleeps());
    assert_eq!(vault.wake(), ["publish"]);
    vault.published(1, KvOutcome::Done);
    assert!(is_current(&vault));

    // The process dies between the two writes.
    let mut vault = Vault::just_granted();
    vault.on(listed());
    vault.published(1, KvOutcome::Done);
    vault.pass(vault.sleeps());
    assert_eq!(vault.wake(), ["publish"]);

    // The first write fails, the second succeeds: one more than needed, no fewer.
    let mut vault = Vault::just_granted();
    vault.on(listed());
    vault.published(1, KvOutcome::Failed);
    vault.published(1, KvOutcome::Done);
    vault.pass(vault.sleeps());
    assert_eq!(vault.wake(), ["publish"]);
    vault.published(1, KvOutcome::Done);
    assert!(is_current(&vault));

    // Nothing is under way.
    let mut vault = Vault::new();
    assert!(is_current(&vault));
    vault.on(listed());
    vault.published(1, KvOutcome::Done);
    assert!(is_current(&vault));
}

#[test]
fn vehicles_that_smartcar_did_not_tell_are_asked_for_again() {
    let mut vault = Vault::just_granted();
    vault.published(1, KvOutcome::Done);
    let mut waits = Vec::new();
    for _ in 0..12 {
        assert_eq!(vault.on(Event::VehiclesListed { vehicles: None }), [""; 0]);
        waits.push(vault.sleeps().as_secs());
        vault.pass(vault.sleeps());
        assert_eq!(vault.wake(), ["list"]);
    }
    assert_eq!(waits, [5, 10, 20, 40, 80, 160, 320, 640, 1_280, 2_560, 3_600, 3_600]);
    let vehicles = Some(vec![vehicle("v1"), vehicle("v2")]);
    assert_eq!(vault.on(Event::VehiclesListed { vehicles }), ["publish"]);
    assert_eq!(vault.grant().vehicles.ids().len(), 2);
    assert_eq!(
        vault.on(Event::VehiclesListed { vehicles: None }),
        [""; 0],
        "known vehicles are not forgotten"
    );
    assert_eq!(vault.grant().vehicles.ids().len(), 2);
    let vehicles = Some(Vec::new());
    assert_eq!(
        vault.on(Event::VehiclesListed { vehicles }),
        ["publish"],
        "they may all have gone"
    );
    assert!(vault.grant().vehicles.ids().is_empty());
}

#[test]
fn who_asks_the_vault_long_after_the_write_shows_that_it_was_lost() {
    let mut vault = Vault::new();
    assert_eq!(vault.want(), ["answer 1 access-1"], "a location may not have it yet");
    vault.pass(Millis::from_mins(1));
    assert_eq!(vault.want(), ["answer 1 access-1", "publish"]);
    assert_eq!(vault.want(), ["answer 1 access-1"], "one write is enough");
    vault.published(1, KvOutcome::Done);
    assert_eq!(vault.want(), ["answer 1 access-1"]);
    vault.pass(Millis::from_mins(2));
    assert_eq!(vault.want(), ["answer 1 access-1", "publish"]);
}
