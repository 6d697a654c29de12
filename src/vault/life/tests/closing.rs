use super::*;

#[test]
fn smartcar_first_then_kv_then_a_tombstone() {
    let mut vault = Vault::new();
    assert_eq!(vault.disconnect(), ["tell access-1 v1"]);
    assert_eq!(vault.want(), ["unknown"], "invisible from here on");
    assert_eq!(vault.on(Event::SmartcarNotified), ["unpublish"]);
    let stored = serde_json::to_string(&vault.record).unwrap();
    assert!(!stored.contains("access-") && !stored.contains("refresh-"), "{stored}");
    assert_eq!(vault.unpublished(KvOutcome::Done), [""; 0]);
    assert_eq!(vault.state(), "tombstone");
    assert_eq!(vault.sleeps(), Millis::from_mins(2));
    vault.pass(vault.sleeps());
    assert_eq!(vault.wake(), ["unpublish"], "once more, for writes that came late");
    vault.unpublished(KvOutcome::Done);
    vault.pass(vault.sleeps());
    assert_eq!(
        vault.now.since(NOW),
        Millis::new(60_000 + 86_400_000),
        "a day after the disconnection"
    );
    assert_eq!(vault.wake(), [""; 0]);
    assert_eq!(vault.state(), "none");
}

#[test]
fn disconnecting_in_every_state() {
    let expected: [(&str, &[&str], &str); 9] = [
        ("live", &["tell access-1 v1"], "telling"),
        ("stale", &["unpublish"], "unpublishing"),
        ("calling", &["unpublish"], "unpublishing"),
        ("ended", &["unpublish"], "unpublishing"),
        ("telling", &[], "telling"),
        ("unpublishing", &[], "unpublishing"),
        ("tombstone", &[], "tombstone"),
        ("leaving", &[], "leaving"),
        ("none", &[], "none"),
    ];
    Vault::in_every_state(&expected, Vault::disconnect);
}

#[test]
fn smartcar_is_not_told_of_what_a_newer_grant_covers() {
    for mut vault in [Vault::new(), Vault::stale(), Vault::calling()] {
        let revocation = Revocation::LocalOnly;
        assert_eq!(
            vault.on(Event::DisconnectRequested {
                revocation,
                external_id: None,
            }),
            ["unpublish"]
        );
        assert_eq!(vault.state(), "unpublishing");
    }
    let mut unlisted = Vault::just_granted();
    assert_eq!(unlisted.disconnect(), ["unpublish"], "there is no vehicle to name");
}

#[test]
fn an_access_token_that_has_expired_is_not_shown_to_smartcar() {
    for mut vault in [Vault::stale(), Vault::calling()] {
        assert_eq!(vault.disconnect(), ["unpublish"]);
    }
    // It expires while the process that would have told is gone.
    let mut vault = Vault::stale();
    vault.now = NOW.after(Millis::from_mins(119));
    assert_eq!(vault.disconnect(), ["tell access-1 v1"]);
    vault.pass(Millis::from_secs(59));
    assert_eq!(vault.clone().wake(), ["tell access-1 v1"]);
    vault.pass(Millis::from_secs(1));
    assert_eq!(vault.wake(), ["unpublish"]);
}

#[test]
fn a_refresh_that_ends_during_the_disconnection_brings_nothing_back() {
    let mut vault = Vault::new();
    vault.now = NOW.after(Millis::from_mins(118));
    assert_eq!(vault.want(), ["call 1 refresh-1"]);
    assert_eq!(
        vault.disconnect(),
        ["tell access-1 v1"],
        "the access token is still good"
    );
    assert_eq!(vault.clone().issued(1, 2), ["unknown"]);
    vault.on(Event::SmartcarNotified);
    assert_eq!(vault.clone().issued(1, 2), ["unknown"]);
    vault.unpublished(KvOutcome::Done);
    assert_eq!(vault.issued(1, 2), ["unknown"]);
    assert_eq!(vault.state(), "tombstone");
}

#[test]
fn late_news_of_a_publication_or_of_vehicles_brings_nothing_back() {
    for (name, vault) in Vault::every_state() {
        if vault.state() == "live" {
            continue;
        }
        let events = [
            Event::KvPutCompleted {
                generation: 1,
                outcome: KvOutcome::Done,
            },
            Event::KvPutCompleted {
                generation: 1,
                outcome: KvOutcome::Failed,
            },
            Event::VehiclesListed {
                asked_by: OF_V2,
                vehicles: None,
            },
            Event::VehiclesListed {
                asked_by: OF_V2,
                vehicles: Some(vec![vehicle("v2")]),
            },
        ];
        for event in events {
            let mut vault = vault.clone();
            let stored = format!("{:?}", vault.record);
            assert_eq!(vault.on(event), [""; 0], "{name}");
            assert_eq!(format!("{:?}", vault.record), stored, "{name}");
        }
    }
}

#[test]
fn smartcar_told_matters_only_to_a_connection_that_waits_for_it() {
    for (name, mut vault) in Vault::every_state() {
        let (effects, state): (&[&str], _) = match name {
            "telling" => (&["unpublish"], "unpublishing"),
            _ => (&[], vault.state()),
        };
        assert_eq!(vault.on(Event::SmartcarNotified), effects, "{name}");
        assert_eq!(vault.state(), state, "{name}");
    }
}

#[test]
fn a_deletion_that_failed_is_repeated_ever_more_rarely() {
    let mut vault = Vault::new();
    vault.disconnect();
    vault.on(Event::SmartcarNotified);
    let mut waits = Vec::new();
    for _ in 0..12 {
        vault.unpublished(KvOutcome::Failed);
        assert_eq!(vault.state(), "unpublishing");
        waits.push(vault.sleeps().as_millis());
        vault.pass(vault.sleeps());
        assert_eq!(vault.wake(), ["unpublish"]);
    }
    assert_eq!(
        waits,
        [
            1_100, 2_200, 4_400, 8_800, 17_600, 35_200, 70_400, 140_800, 281_600, 300_000, 300_000, 300_000
        ]
    );
}

#[test]
fn a_process_that_died_while_closing_is_taken_over_by_the_alarm() {
    let mut vault = Vault::new();
    vault.disconnect();
    for _ in 0..3 {
        assert_eq!(vault.sleeps(), Millis::from_secs(30));
        vault.pass(Millis::from_secs(29));
        assert_eq!(vault.wake(), [""; 0]);
        vault.pass(Millis::from_secs(1));
        assert_eq!(vault.wake(), ["tell access-1 v1"]);
    }
    vault.on(Event::SmartcarNotified);
    vault.pass(Millis::from_secs(30));
    assert_eq!(vault.wake(), ["unpublish"]);
}

#[test]
fn a_tombstone_stays_for_a_day_however_often_the_alarm_rings() {
    let mut vault = Vault::new();
    vault.disconnect();
    vault.on(Event::SmartcarNotified);
    vault.unpublished(KvOutcome::Done);
    let buried = vault.now;
    vault.pass(vault.sleeps());
    vault.wake();
    vault.unpublished(KvOutcome::Done);
    // The alarm of a vault rings for any of its connections.
    for age in [Millis::from_mins(2), Millis::from_hours(12), Millis::new(86_399_999)] {
        vault.pass(Millis::new(age.as_millis() - vault.now.since(buried).as_millis()));
        assert_eq!(vault.wake(), [""; 0]);
        assert_eq!(vault.state(), "tombstone", "{age:?}");
    }
    vault.pass(Millis::new(1));
    assert_eq!(vault.wake(), [""; 0]);
    assert_eq!(vault.state(), "none");
}

#[test]
fn only_a_deletion_after_two_minutes_is_the_last() {
    let mut vault = Vault::new();
    vault.disconnect();
    vault.on(Event::SmartcarNotified);
    vault.unpublished(KvOutcome::Done);
    // The alarm had started one as well.
    vault.pass(Millis::from_secs(1));
    vault.unpublished(KvOutcome::Done);
    vault.pass(Millis::from_secs(119));
    assert_eq!(vault.wake(), ["unpublish"]);
    for _ in 0..2 {
        vault.unpublished(KvOutcome::Failed);
        assert_eq!(vault.sleeps(), Millis::from_mins(2));
        vault.pass(vault.sleeps());
        assert_eq!(vault.wake(), ["unpublish"]);
    }
    vault.unpublished(KvOutcome::Done);
    assert!(matches!(vault.record, Some(Record::Tombstone(tombstone)) if tombstone.kv.is_synced()));
}

#[test]
fn an_ended_grant_is_deleted_in_kv_until_that_succeeds() {
    let mut vault = Vault::calling();
    vault.answered(1, TokenError::InvalidGrant);
    vault.unpublished(KvOutcome::Failed);
    assert_eq!(vault.sleeps(), Millis::new(1_100));
    vault.pass(vault.sleeps());
    assert_eq!(vault.wake(), ["unpublish"]);
    assert_eq!(vault.sleeps(), Millis::from_secs(15), "should that process die");
    vault.pass(vault.sleeps());
    assert_eq!(vault.wake(), ["unpublish"]);
    vault.unpublished(KvOutcome::Done);
    assert_eq!(
        vault.sleeps(),
        Millis::from_mins(2),
        "deleted once more: a write from before may arrive late"
    );
    vault.pass(vault.sleeps());
    assert_eq!(vault.wake(), ["unpublish"]);
    vault.unpublished(KvOutcome::Done);
    assert_eq!(
        vault.wake_at(),
        None,
        "it stays until the owner connects again or the principal is deleted"
    );
    assert_eq!(vault.state(), "ended");
}

#[test]
fn a_deletion_that_ends_in_another_state_changes_nothing() {
    for (name, vault) in Vault::every_state() {
        if matches!(name, "ended" | "unpublishing") {
            continue;
        }
        for outcome in [KvOutcome::Done, KvOutcome::Failed] {
            let mut vault = vault.clone();
            let stored = format!("{:?}", vault.record);
            assert_eq!(vault.unpublished(outcome), [""; 0], "{name}");
            assert_eq!(format!("{:?}", vault.record), stored, "{name}");
        }
    }
}

#[test]
fn a_newer_grant_takes_over_the_vehicles_it_covers() {
    let taken = |names: &[&str]| Event::Superseded {
        vehicles: names.iter().map(|name| vehicle(name)).collect(),
    };
    let mut vault = Vault::new();
    vault.on(Event::VehiclesListed {
        asked_by: OF_V2,
        vehicles: Some(vec![vehicle("v1"), vehicle("v2")]),
    });
    vault.published(1, KvOutcome::Done);
    assert_eq!(vault.on(taken(&["v3"])), [""; 0], "it covers others");
    assert_eq!(vault.on(taken(&["v2", "v3"])), ["publish"]);
    assert_eq!(vault.vehicles(), [vehicle("v1")]);
    let mut ended = vault.clone();
    let mut both_ended = Vault::calling();
    both_ended.on(Event::VehiclesListed {
        asked_by: OF_V2,
        vehicles: Some(vec![vehicle("v1"), vehicle("v2")]),
    });
    both_ended.answered(1, TokenError::InvalidGrant);
    assert_eq!(
        both_ended.on(taken(&["v2", "v3"])),
        [""; 0],
        "the other one has still to be connected again"
    );
    let left: Vec<VehicleId> = both_ended
        .record
        .iter()
        .flat_map(Record::vehicles)
        .map(|known| known.id.clone())
        .collect();
    assert_eq!((both_ended.state(), left), ("ended", vec![vehicle("v1")]));
    assert_eq!(vault.on(taken(&["v1"])), ["unpublish"], "Smartcar is not told");
    assert_eq!(vault.state(), "unpublishing");

    ended.pass(Millis::from_hours(3));
    ended.want();
    ended.answered(1, TokenError::InvalidGrant);
    assert_eq!(ended.on(taken(&["v2"])), [""; 0]);
    assert_eq!(ended.state(), "ended");
    assert_eq!(ended.on(taken(&["v1"])), ["unpublish"], "the same car connected again");
    assert_eq!(ended.state(), "unpublishing");

    let mut unlisted = Vault::just_granted();
    assert_eq!(unlisted.on(taken(&["v1"])), [""; 0], "nobody knows what it covers");
    assert_eq!(unlisted.state(), "live");
    for (name, mut vault) in Vault::every_state() {
        if matches!(name, "telling" | "unpublishing" | "tombstone" | "none") {
            assert_eq!(vault.on(taken(&["v1"])), [""; 0], "{name}");
            assert_eq!(vault.state(), name);
        }
    }
}

#[test]
fn a_write_that_may_have_missed_that_a_vehicle_is_gone_is_not_the_last() {
    let mut vault = Vault::just_granted();
    vault.on(Event::VehiclesListed {
        asked_by: OF_V2,
        vehicles: Some(vec![vehicle("v1"), vehicle("v2")]),
    });
    vault.published(1, KvOutcome::Done);
    // The write with both vehicles is under way.
    let vehicles = vec![vehicle("v2")];
    assert_eq!(vault.on(Event::Superseded { vehicles }), ["publish"]);
    vault.published(1, KvOutcome::Done);
    assert!(
        matches!(vault.grant().kv, KvCopy::Dirty { .. }),
        "it may have been written with the vehicle that is gone"
    );
    vault.published(1, KvOutcome::Done);
    assert!(matches!(vault.grant().kv, KvCopy::Synced { .. }));

    // Nothing is under way.
    let mut vault = Vault::new();
    vault.on(Event::VehiclesListed {
        asked_by: OF_V2,
        vehicles: Some(vec![vehicle("v1"), vehicle("v2")]),
    });
    vault.published(1, KvOutcome::Done);
    let vehicles = vec![vehicle("v2")];
    assert_eq!(vault.on(Event::Superseded { vehicles }), ["publish"]);
    vault.published(1, KvOutcome::Done);
    assert!(matches!(vault.grant().kv, KvCopy::Synced { .. }));
}

/// A connection of Smartcar's v3 that covers `v1`.
fn of_application(user_id: Learned<UserId>) -> Vault {
    let mut vault = Vault::new();
    let live = vault.grant().clone();
    vault.record = Some(Record::Live(Live {
        access: Access::Application {
            moved: None,
            mode: VehicleMode::Simulated,
        },
        user_id,
        ..live
    }));
    vault
}

#[test]
fn one_of_the_application_is_closed_in_the_name_of_its_user() {
    let user = UserId::parse("u1").unwrap();
    let mut vault = of_application(Learned::Known(user));
    let told = vault.on(Event::DisconnectRequested {
        external_id: None,
        revocation: Revocation::AtSmartcar,
    });
    assert_eq!(told, ["tell u1 simulated v1"]);
    // Nothing of it expires: whoever takes it over tells Smartcar as well.
    vault.pass(Millis::from_days(1));
    assert_eq!(vault.wake(), ["tell u1 simulated v1"]);
    assert_eq!(vault.on(Event::SmartcarNotified), ["unpublish"]);
}

#[test]
fn one_whose_user_is_not_known_is_forgotten_without_telling() {
    let mut vault = of_application(Learned::Unknown {
        failures: 0,
        retry_at: UnixMillis::new(0),
    });
    let told = vault.on(Event::DisconnectRequested {
        external_id: None,
        revocation: Revocation::AtSmartcar,
    });
    assert_eq!(told, ["unpublish"]);
}

#[test]
fn what_smartcar_is_told_by_v3_is_under_the_name_that_the_owner_had_then() {
    let own = ExternalId::parse("e1").unwrap();
    let user = UserId::parse("u1").unwrap();
    let live = Live::confirmed(VehicleMode::Live, user, vec![KnownVehicle::new(vehicle("v1"))], NOW);
    for (known, expected) in [(None, &own), (Some(claimant().external_id), &claimant().external_id)] {
        let record = Record::Live(Live {
            external_id: known,
            ..live.clone()
        });
        let event = Event::DisconnectRequested {
            revocation: Revocation::AtSmartcar,
            external_id: Some(own.clone()),
        };
        let closed = step(&id(), Some(record), NOW, event, &Policy::default());
        let [Effect::Revoke { by, .. }] = &closed.effects[..] else {
            panic!("{:?}", closed.effects);
        };
        let RevokedBy::Application {
            external_id, made_with, ..
        } = by
        else {
            panic!("it is one of v3");
        };
        assert_eq!((external_id.as_ref(), *made_with), (Some(expected), ApiVersion::V3));
        // The alarm tells it by what is stored.
        let Next::Put(stored) = closed.next else {
            panic!("it is stored");
        };
        assert!(
            matches!(&*stored, Record::Closing(Closing { live: Some(live), .. }) if live.external_id.as_ref() == Some(expected))
        );
    }
}
