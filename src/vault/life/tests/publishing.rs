use super::*;

fn is_current(vault: &Vault) -> bool {
    matches!(vault.grant().kv, KvCopy::Synced { .. })
}

#[test]
fn a_new_grant_is_owed_to_kv_and_its_vehicles_are_asked_for() {
    let mut vault = Vault::just_granted();
    assert_eq!(vault.sleeps(), Millis::from_secs(15));
    vault.pass(Millis::from_secs(15));
    assert_eq!(
        vault.wake(),
        ["publish", "list", "identify"],
        "should the process have died"
    );
    assert_eq!(vault.sleeps(), Millis::from_secs(15), "both have time to end");
}

#[test]
fn a_write_that_failed_is_repeated_ever_more_rarely() {
    let mut vault = Vault::calling();
    vault.issued(1, 2);
    vault.listed_again();
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
        asked_by: OF_V2,
        vehicles: Some(vec![vehicle("v1")]),
    };
    // The first write is under way when the vehicles arrive.
    let mut vault = Vault::just_granted();
    vault.identified();
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
    vault.identified();
    vault.on(listed());
    vault.published(1, KvOutcome::Done);
    vault.pass(vault.sleeps());
    assert_eq!(vault.wake(), ["publish"]);

    // The first write fails, the second succeeds: one more than needed, no fewer.
    let mut vault = Vault::just_granted();
    vault.identified();
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
    vault.identified();
    vault.published(1, KvOutcome::Done);
    let mut waits = Vec::new();
    for _ in 0..12 {
        assert_eq!(
            vault.on(Event::VehiclesListed {
                asked_by: OF_V2,
                vehicles: None
            }),
            [""; 0]
        );
        waits.push(vault.sleeps().as_secs());
        vault.pass(vault.sleeps());
        assert_eq!(vault.wake(), ["list"]);
    }
    assert_eq!(waits, [5, 10, 20, 40, 80, 160, 320, 640, 1_280, 2_560, 3_600, 3_600]);
    let vehicles = Some(vec![vehicle("v1"), vehicle("v2")]);
    assert_eq!(
        vault.on(Event::VehiclesListed {
            asked_by: OF_V2,
            vehicles
        }),
        ["publish"]
    );
    assert_eq!(vault.vehicles().len(), 2);
    assert_eq!(
        vault.on(Event::VehiclesListed {
            asked_by: OF_V2,
            vehicles: None
        }),
        [""; 0],
        "known vehicles are not forgotten"
    );
    assert_eq!(vault.vehicles().len(), 2);
    let vehicles = Some(Vec::new());
    assert_eq!(
        vault.on(Event::VehiclesListed {
            asked_by: OF_V2,
            vehicles
        }),
        ["publish"],
        "they may all have gone: the owner has to know"
    );
    assert!(vault.grant().lost_since().is_some());
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

#[test]
fn a_user_that_smartcar_did_not_tell_is_asked_for_again_until_it_is_known() {
    let mut vault = Vault::just_granted();
    vault.on(Event::VehiclesListed {
        asked_by: OF_V2,
        vehicles: Some(vec![vehicle("v1")]),
    });
    vault.published(1, KvOutcome::Done);
    vault.published(1, KvOutcome::Done);
    for seconds in [5, 10, 20] {
        assert_eq!(vault.on(Event::UserIdentified { user_id: None }), [""; 0]);
        assert_eq!(vault.sleeps(), Millis::from_secs(seconds));
        vault.pass(vault.sleeps());
        assert_eq!(vault.wake(), ["identify"]);
    }
    assert_eq!(vault.identified(), [""; 0]);
    let known = vault.grant().user_id.clone();
    assert!(known.known().is_some());
    assert_eq!(vault.on(Event::UserIdentified { user_id: None }), [""; 0]);
    assert_eq!(vault.grant().user_id, known, "what is known is not forgotten");
    assert!(vault.sleeps() > Millis::from_days(20), "nobody asks again");
}

#[test]
fn what_is_known_of_a_vehicle_is_kept_for_as_long_as_the_vehicle_is_covered() {
    let attributes = |model: &str| VehicleAttributes {
        make: Some("TESLA".into()),
        model: Some(model.into()),
        year: Some(2019),
    };
    let listed = |names: &[&str]| Event::VehiclesListed {
        asked_by: OF_V2,
        vehicles: Some(names.iter().map(|name| vehicle(name)).collect()),
    };
    let models = |vault: &Vault| -> Vec<Option<String>> {
        let vehicles = vault.grant().vehicles().iter();
        vehicles
            .map(|vehicle| vehicle.attributes.clone().and_then(|attributes| attributes.model))
            .collect()
    };
    let mut vault = Vault::new();
    vault.on(listed(&["v1", "v2"]));
    let described = Event::VehiclesDescribed {
        vehicles: vec![
            (vehicle("v2"), Description::Told(attributes("Model 3"))),
            (vehicle("v9"), Description::Told(attributes("none"))),
        ],
    };
    assert_eq!(vault.on(described.clone()), [""; 0], "KV tells nobody of it");
    assert_eq!(models(&vault), [None, Some("Model 3".into())]);
    let stored = format!("{:?}", vault.record);
    vault.on(described);
    assert_eq!(format!("{:?}", vault.record), stored, "it is known already");
    vault.on(listed(&["v2", "v3"]));
    assert_eq!(models(&vault), [Some("Model 3".into()), None], "listed again");
    vault.now = NOW.after(Millis::from_hours(2));
    vault.want();
    vault.answered(1, TokenError::InvalidGrant);
    let Some(Record::Ended(ended)) = &vault.record else {
        panic!("{:?}", vault.record)
    };
    assert_eq!(
        ended.vehicles[0].attributes,
        Some(attributes("Model 3")),
        "the owner sees which car it was"
    );
}

/// What a step means for the index: by it a car is found, and by the look-ups beside it the vault.
#[test]
fn the_index_is_outdated_by_what_stands_in_it_alone() {
    fn index(vault: &Vault, event: Event) -> IndexChange {
        step(&id(), vault.record.clone(), vault.now, event, &vault.policy).index
    }
    let listed = |names: &[&str]| Event::VehiclesListed {
        asked_by: OF_V2,
        vehicles: Some(names.iter().map(|name| vehicle(name)).collect()),
    };
    let vault = Vault::new();
    let identified = |user: &str| Event::UserIdentified {
        user_id: Some(UserId::parse(user).unwrap()),
    };
    let same = [
        listed(&["v1"]),
        listed_none(),
        identified("u1"),
        Event::TokenRequested { rejected: Some(1) },
        Event::AlarmFired,
        Event::KvPutCompleted {
            generation: 1,
            outcome: KvOutcome::Done,
        },
        Event::RefreshCompleted {
            generation: 1,
            outcome: Ok(tokens(2, NOW)),
        },
    ];
    for event in same {
        let name = format!("{event:?}");
        assert_eq!(index(&vault, event), IndexChange::Same, "{name}");
    }
    let revocation = Revocation::AtSmartcar;
    let outdated = [
        listed(&["v1", "v2"]),
        listed(&[]),
        identified("u2"),
        Event::DisconnectRequested {
            revocation,
            external_id: None,
        },
        Event::RefreshCompleted {
            generation: 1,
            outcome: Err(TokenError::InvalidGrant),
        },
    ];
    for event in outdated {
        let name = format!("{event:?}");
        assert_eq!(index(&vault, event), IndexChange::Outdated, "{name}");
    }
    let unlisted = Vault::just_granted();
    assert_eq!(index(&unlisted, identified("u1")), IndexChange::Outdated);
    let nameless = Vault::just_granted();
    let refused = Event::RefreshCompleted {
        generation: 1,
        outcome: Err(TokenError::InvalidGrant),
    };
    assert_eq!(
        index(&nameless, refused),
        IndexChange::Outdated,
        "nothing is covered before or after"
    );
    let (_, tombstone) = Vault::every_state().into_iter().nth(6).unwrap();
    let delete = Event::KvDeleteCompleted {
        outcome: KvOutcome::Done,
    };
    assert_eq!(index(&tombstone, delete), IndexChange::Same);
}

/// Its vault is listed with those whose owner must act, as long as that is so.
#[test]
fn the_index_is_outdated_when_the_owner_is_wanted_and_when_that_is_over() {
    let described = |is_wanted: bool| Event::VehiclesDescribed {
        vehicles: vec![(
            vehicle("v1"),
            Description::Refused {
                name: "n".to_owned(),
                retry_after: None,
                complaint: is_wanted.then(|| Complaint::reported(MarkCause::LogInFailed)),
                is_missing: false,
            },
        )],
    };
    let mut vault = Vault::new();
    let mut index = |event: Event| {
        let step = step(&id(), vault.record.clone(), vault.now, event, &vault.policy);
        if let Next::Put(record) = step.next {
            vault.record = Some(*record);
        }
        step.index
    };
    let vehicle_id = vehicle("v1");
    assert_eq!(index(described(false)), IndexChange::Same);
    assert_eq!(index(described(true)), IndexChange::Outdated);
    assert_eq!(index(described(true)), IndexChange::Same);
    assert_eq!(index(Event::Reauthenticated { vehicle_id }), IndexChange::Same);
    assert_eq!(index(described(false)), IndexChange::Same, "it disproves nothing");
    let answered = || Event::VehiclesDescribed {
        vehicles: vec![(
            vehicle("v1"),
            Description::Succeeded(Success {
                permission: None,
                asks_the_maker: true,
            }),
        )],
    };
    assert_eq!(index(answered()), IndexChange::Outdated);
    assert_eq!(index(answered()), IndexChange::Same);
}

fn listed_none() -> Event {
    Event::VehiclesListed {
        asked_by: OF_V3,
        vehicles: None,
    }
}

#[test]
fn a_connection_by_the_applications_token_keeps_none_and_is_never_woken_for_one() {
    let mut vault = Vault::new();
    let Some(Record::Live(live)) = vault.record.take() else {
        panic!("it is live")
    };
    vault.record = Some(Record::Live(Live {
        access: Access::Application {
            moved: None,
            mode: VehicleMode::Live,
        },
        ..live
    }));
    assert_eq!(vault.want(), ["application u1"]);
    assert_eq!(vault.issued(1, 2), [""; 0], "no refresh was ever begun");
    assert_eq!(vault.wake_at(), None);
    vault.pass(Millis::from_days(100));
    assert_eq!(vault.wake(), [""; 0]);
    assert_eq!(vault.disconnect(), ["tell u1 live v1"], "by the application's token");
}
