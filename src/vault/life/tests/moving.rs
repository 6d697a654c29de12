//! A connection between Smartcar's v2 and its v3.

use super::*;
use crate::{
    api::ListedConnection,
    http_api::ConnectionStatus,
    vault::{ListQuestion, connection, next_question},
};

pub(super) const DAY: Millis = Millis::from_days(1);

pub(super) fn user(name: &str) -> UserId {
    UserId::parse(name).unwrap()
}

/// What Smartcar lists of the pairs of users and vehicles, as cars of this kind.
pub(super) fn listing(mode: VehicleMode, pairs: &[(&str, &str)]) -> Listing {
    let connection = |(owner, car): &(&str, &str)| ListedConnection {
        id: vehicle("c"),
        user_id: user(owner),
        external_id: None,
        vehicle_id: vehicle(car),
        attributes: VehicleAttributes {
            make: Some("TESLA".to_owned()),
            ..VehicleAttributes::default()
        },
        permissions: Vec::new(),
    };
    Listing {
        question: ListQuestion {
            mode,
            user_id: None,
            vehicle_id: None,
        },
        connections: pairs.iter().map(connection).collect(),
    }
}

/// A connection that was moved a minute after it was made.
pub(super) fn moved() -> Vault {
    let mut vault = Vault::new();
    assert_eq!(vault.is_moved(), ["publish"]);
    assert!(!vault.is_on_v2());
    vault
}

/// A connection of these cars that was moved.
fn moved_with(cars: &[&str]) -> Vault {
    let mut vault = Vault::new();
    vault.on(Event::VehiclesListed {
        asked_by: OF_V2,
        vehicles: Some(cars.iter().map(|car| vehicle(car)).collect()),
    });
    let pairs: Vec<(&str, &str)> = cars.iter().map(|car| ("u1", *car)).collect();
    assert_eq!(vault.moves(Some(vec![listing(VehicleMode::Live, &pairs)])), ["publish"]);
    vault
}

#[test]
fn what_the_list_confirms_is_moved_with_its_cars_and_its_tokens_kept_beside() {
    let mut vault = moved();
    assert_eq!((vault.grant().generation(), vault.vehicles()), (2, vec![vehicle("v1")]));
    assert_eq!(vault.grant().user_id, Learned::Known(user("u1")));
    assert_eq!(vault.kept().unwrap().pair.refresh_token.expose(), "refresh-1");
    let known = vault.grant().vehicles()[0].attributes.clone();
    assert_eq!(
        known.unwrap().make.as_deref(),
        Some("TESLA"),
        "v2 is not asked any more"
    );
    assert_eq!(vault.want(), ["application u1"]);
    assert_eq!(vault.rejected(1), ["application u1"]);
    let shown = connection(&id(), vault.record.as_ref().unwrap(), NOW, vault.now).unwrap();
    assert_eq!(
        (shown.status, shown.access_expires_at),
        (ConnectionStatus::Active, None)
    );
    assert_eq!(vault.is_moved(), [""; 0], "once");
}

#[test]
fn nothing_is_refreshed_after_it_was_moved() {
    let mut vault = moved();
    vault.published(2, KvOutcome::Done);
    for _ in 0..100 {
        vault.pass(DAY);
        assert!(vault.wake().iter().all(|effect| !effect.starts_with("call")));
        assert_eq!(vault.want(), ["application u1"]);
    }
    // Nor does what a request from before brings count.
    let before = format!("{:?}", vault.record);
    for generation in [1, 2] {
        assert_eq!(vault.issued(generation, 9), [""; 0]);
        assert_eq!(vault.answered(generation, TokenError::InvalidGrant), [""; 0]);
    }
    assert_eq!(format!("{:?}", vault.record), before);
}

#[test]
fn a_refresh_ends_before_its_connection_is_moved() {
    let mut vault = Vault::calling();
    assert_eq!(vault.is_moved(), [""; 0]);
    assert_eq!((vault.is_on_v2(), vault.hindrance()), (true, Some("refresh_under_way")));
    vault.issued(1, 2);
    assert_eq!(vault.is_moved(), ["publish"]);
    assert_eq!(vault.kept().unwrap().pair.refresh_token.expose(), "refresh-2");

    // One that may have used the token up can be had again for some time.
    let mut vault = Vault::calling();
    vault.pass(CALL_DEADLINE);
    vault.answered(1, TokenError::TimedOut);
    vault.is_moved();
    assert!(vault.is_on_v2());
    // After that v3 is what is left of the grant.
    vault.pass(Millis::from_mins(2));
    vault.is_moved();
    assert!(!vault.is_on_v2());
}

#[test]
fn what_the_list_does_not_confirm_stays_and_says_why() {
    let live = |pairs: &[(&str, &str)]| Some(vec![listing(VehicleMode::Live, pairs)]);
    let unknown = |vault: &mut Vault| match &mut vault.record {
        Some(Record::Live(live)) => live.user_id = Learned::asking(NOW),
        other => panic!("{other:?}"),
    };
    for (listed, is_known, reason) in [
        (None, true, "list_unavailable"),
        (live(&[]), true, "vehicle_not_listed"),
        (live(&[("u1", "v2")]), true, "vehicle_not_listed"),
        (live(&[("u2", "v1")]), true, "listed_with_another_user"),
        (live(&[]), false, "vehicle_not_listed"),
        (live(&[("u1", "v1"), ("u2", "v1")]), false, "more_than_one_user"),
    ] {
        let mut vault = Vault::new();
        if !is_known {
            unknown(&mut vault);
        }
        let asks_owner = listed.is_some();
        assert_eq!(vault.moves(listed.clone()), [""; 0]);
        assert_eq!((vault.is_on_v2(), vault.hindrance()), (true, Some(reason)));
        let record = vault.record.clone().unwrap();
        assert_eq!(record.owner_must_act(), asks_owner, "{reason}");
        let shown = connection(&id(), &record, NOW, vault.now).unwrap();
        let expected = asks_owner.then_some((ConnectionStatus::ReauthenticationRequired, Cause::CannotMigrate));
        assert_eq!(shown.cause.map(|cause| (shown.status, cause)), expected, "{reason}");
        assert_eq!(vault.want(), ["answer 1 access-1"], "it goes on working");
        // The time is that of the first finding.
        vault.pass(DAY);
        vault.moves(listed);
        let Some(Record::Live(Live { not_moved, .. })) = vault.record.clone() else {
            panic!("{reason}");
        };
        assert_eq!(not_moved.unwrap().since, NOW.after(Millis::from_mins(1)), "{reason}");
        vault.is_moved();
        assert_eq!((vault.is_on_v2(), vault.hindrance()), (false, None), "{reason}");
        assert!(vault.grant().not_moved.is_none(), "{reason}");
    }
    let mut vault = Vault::new();
    unknown(&mut vault);
    vault.is_moved();
    assert_eq!(
        vault.grant().user_id,
        Learned::Known(user("u1")),
        "one user and no other"
    );
    let mut vault = Vault::just_granted();
    vault.is_moved();
    assert_eq!(vault.hindrance(), Some("vehicles_unknown"));
    vault.on(Event::VehiclesListed {
        asked_by: OF_V2,
        vehicles: Some(Vec::new()),
    });
    vault.is_moved();
    assert_eq!(vault.hindrance(), Some("no_vehicles"));
    vault.pass(Millis::from_secs(1));
    let now = vault.now;
    vault.moves_by(Some(Vec::new()), Some(now));
    assert_eq!(
        vault.hindrance(),
        Some("no_vehicles"),
        "nothing that v2 could say would change it"
    );
}

pub(super) fn forget_user(vault: &mut Vault) {
    match &mut vault.record {
        Some(Record::Live(live)) => live.user_id = Learned::asking(NOW),
        other => panic!("{other:?}"),
    }
}

fn v1_of(owner: &str, external_id: Option<&str>) -> Option<Vec<Listing>> {
    let mut listed = listing(VehicleMode::Live, &[(owner, "v1")]);
    for connection in &mut listed.connections {
        connection.external_id = external_id.map(str::to_owned);
    }
    Some(vec![listed])
}

#[test]
fn a_car_that_somebody_else_has_connected_by_now_is_not_moved_onto_that_user() {
    let mut vault = Vault::new();
    forget_user(&mut vault);
    // v2 does not honour the grant of the former owner any more, but has not been seen to refuse it.
    let now = vault.now;
    for v2_asked_since in [None, Some(now)] {
        assert_eq!(vault.moves_by(v1_of("u2", None), v2_asked_since), [""; 0]);
        assert_eq!((vault.is_on_v2(), vault.hindrance()), (true, Some("user_unknown")));
        assert!(!vault.record.as_ref().unwrap().owner_must_act(), "v2 was not asked");
    }
    // Nor when it lists no car.
    vault.on(Event::VehiclesListed {
        asked_by: OF_V2,
        vehicles: Some(Vec::new()),
    });
    vault.moves_by(v1_of("u2", None), Some(now));
    assert_eq!((vault.is_on_v2(), vault.hindrance()), (true, Some("user_unknown")));
    vault.on(Event::VehiclesListed {
        asked_by: OF_V2,
        vehicles: None,
    });
    vault.moves_by(v1_of("u2", None), Some(now));
    assert_eq!((vault.is_on_v2(), vault.hindrance()), (true, Some("user_unknown")));
    vault.on(Event::VehiclesListed {
        asked_by: OF_V2,
        vehicles: Some(vec![vehicle("v1")]),
    });
    vault.moves_by(v1_of("u1", None), Some(now));
    assert!(!vault.is_on_v2(), "v2 honours it in the same pass");
}

#[test]
fn what_was_connected_with_another_external_id_is_another_owners() {
    for (external_id, is_moved) in [(Some("e2"), false), (Some("e1"), true), (None, true)] {
        let mut vault = Vault::new();
        forget_user(&mut vault);
        vault.moves(v1_of("u1", external_id));
        assert_eq!(!vault.is_on_v2(), is_moved, "{external_id:?}");
        let reason = (!is_moved).then_some("listed_with_another_user");
        assert_eq!(vault.hindrance(), reason, "{external_id:?}");
    }
    let mut vault = Vault::new();
    vault.moves(v1_of("u1", Some("e2")));
    assert!(
        !vault.is_on_v2(),
        "the user is known: it is the same one in another place"
    );
}

#[test]
fn where_the_user_is_known_v2_need_not_be_asked() {
    let mut vault = Vault::new();
    assert_eq!(vault.moves_by(v1_of("u1", None), None), ["publish"]);
    assert_eq!((vault.is_on_v2(), vault.hindrance()), (false, None));
}

#[test]
fn nobody_is_asked_to_connect_again_because_v2_could_not_be_asked() {
    let mut vault = Vault::new();
    let now = vault.now;
    for listed in [Some(Vec::new()), v1_of("u2", None)] {
        vault.moves_by(listed.clone(), Some(now));
        assert_eq!(vault.hindrance(), Some("vehicles_unknown"));
        assert!(!vault.record.as_ref().unwrap().owner_must_act());
    }
    vault.pass(Millis::from_secs(1));
    vault.listed_again();
    vault.moves_by(Some(Vec::new()), Some(now));
    assert_eq!(vault.hindrance(), Some("vehicle_not_listed"));
    assert!(vault.record.as_ref().unwrap().owner_must_act());

    let mut vault = Vault::new();
    forget_user(&mut vault);
    let of_two = Some(vec![listing(VehicleMode::Live, &[("u1", "v1"), ("u2", "v1")])]);
    vault.moves_by(of_two, Some(now));
    assert_eq!(vault.hindrance(), Some("user_unknown"));
}

#[test]
fn all_cars_have_to_be_listed_as_cars_of_one_kind() {
    let of_two = || {
        let mut vault = Vault::new();
        let vehicles = Some(vec![vehicle("v1"), vehicle("v2")]);
        vault.on(Event::VehiclesListed {
            asked_by: OF_V2,
            vehicles,
        });
        vault
    };
    let (live, simulated) = (VehicleMode::Live, VehicleMode::Simulated);
    let mut vault = of_two();
    vault.moves(Some(vec![
        listing(live, &[("u1", "v1")]),
        listing(simulated, &[("u1", "v2")]),
    ]));
    assert_eq!(vault.hindrance(), Some("vehicle_not_listed"));
    vault.moves(Some(vec![
        listing(live, &[]),
        listing(simulated, &[("u1", "v1"), ("u1", "v2"), ("u1", "v3")]),
    ]));
    assert!(matches!(vault.grant().access, Access::Application { mode, .. } if mode == simulated));
    assert_eq!(
        vault.vehicles(),
        [vehicle("v1"), vehicle("v2")],
        "no more cars than before"
    );
}

#[test]
fn smartcar_is_asked_no_more_than_it_takes() {
    let asked = |vault: &Vault, answers: &[(&str, &str)]| {
        let mut listed: Vec<Listing> = Vec::new();
        let mut questions = Vec::new();
        while let Some(question) = next_question(vault.grant(), &listed) {
            let of = |id: Option<&str>| id.unwrap_or("-").to_owned();
            let text = [
                question.mode.as_str().to_owned(),
                of(question.user_id.as_ref().map(UserId::as_str)),
                of(question.vehicle_id.as_ref().map(VehicleId::as_str)),
            ];
            questions.push(text.join(" "));
            let is_asked = |(owner, car): &&(&str, &str)| {
                question.user_id.as_ref().is_none_or(|id| id.as_str() == *owner)
                    && question.vehicle_id.as_ref().is_none_or(|id| id.as_str() == *car)
                    && question.mode == VehicleMode::Live
            };
            let pairs: Vec<(&str, &str)> = answers.iter().filter(is_asked).copied().collect();
            let answer = listing(question.mode, &pairs);
            listed.push(Listing { question, ..answer });
        }
        questions
    };
    let vault = Vault::new();
    assert_eq!(asked(&vault, &[("u1", "v1")]), ["live u1 -"]);
    assert_eq!(asked(&vault, &[]), ["live u1 -", "simulated u1 -", "live - v1"]);
    let mut vault = Vault::just_granted();
    assert_eq!(asked(&vault, &[]), [""; 0]);
    vault.on(Event::VehiclesListed {
        asked_by: OF_V2,
        vehicles: Some(vec![vehicle("v1"), vehicle("v2")]),
    });
    assert_eq!(asked(&vault, &[("u1", "v1"), ("u1", "v2")]), ["live - v1", "live - v2"]);
    assert_eq!(asked(&vault, &[]).len(), 4);
}

#[test]
fn it_goes_back_at_once_while_its_tokens_are_fresh() {
    let mut vault = moved();
    assert_eq!(vault.reverses(), ["publish"]);
    assert_eq!(
        (vault.grant().generation(), vault.owner().pair.refresh_token.expose()),
        (3, "refresh-1")
    );
    assert_eq!(vault.want(), ["answer 3 access-1"]);
    assert_eq!(vault.reverses(), [""; 0]);
    assert_eq!(vault.is_moved(), ["publish"], "and there again");
    assert_eq!(vault.grant().generation(), 4);
}

#[test]
fn before_it_goes_back_with_old_tokens_it_has_new_ones() {
    let mut vault = moved();
    vault.pass(DAY);
    assert_eq!(vault.reverses(), ["call 1 refresh-1"]);
    assert_eq!(vault.want(), ["application u1"], "until then it is on v3");
    assert_eq!(vault.reverses(), [""; 0], "one request at a time");
    assert_eq!(vault.issued(1, 2), ["publish"]);
    assert_eq!((vault.grant().generation(), vault.owner().generation), (3, 3));
    assert_eq!(vault.want(), ["answer 3 access-2"]);
    assert_eq!(vault.issued(1, 9), ["answer 3 access-2"], "late");

    let mut vault = moved();
    vault.pass(DAY);
    vault.reverses();
    vault.pass(CALL_DEADLINE);
    assert_eq!(vault.answered(1, TokenError::TimedOut), [""; 0]);
    assert!(!vault.is_on_v2());
    let going_back = progress(vault.record.as_ref().unwrap(), Some(MigrationMode::Reverse), vault.now).unwrap();
    assert_eq!(going_back.reason, Some(MigrationReason::RefreshFailing));
    let kept_until = vault.kept().map(|kept| kept.pair.refresh_expires_at);
    assert!(kept_until.is_some());
    assert_eq!(going_back.reversible_until, kept_until);
    let then = |at| progress(vault.record.as_ref().unwrap(), Some(MigrationMode::Reverse), at).unwrap();
    let at_its_end = then(kept_until.unwrap());
    assert_eq!(
        (at_its_end.reason, at_its_end.reversible_until),
        (Some(MigrationReason::TokensGone), None)
    );
    vault.pass(Millis::from_secs(20));
    assert_eq!(vault.reverses(), ["call 1 refresh-1"]);
    vault.issued(1, 2);
    assert!(vault.is_on_v2());
}

#[test]
fn what_has_lapsed_stays_on_v3() {
    for lapse in ["refused", "expired"] {
        let mut vault = moved();
        if lapse == "refused" {
            vault.pass(DAY);
            vault.reverses();
            assert_eq!(vault.answered(1, TokenError::InvalidGrant), ["publish"]);
        } else {
            vault.pass(Millis::from_days(61));
            assert_eq!(vault.reverses(), ["publish"]);
        }
        assert_eq!(
            (vault.kept().is_some(), vault.want()),
            (false, vec!["application u1".to_owned()])
        );
        assert_eq!(vault.reverses(), [""; 0]);
        let known = progress(vault.record.as_ref().unwrap(), Some(MigrationMode::Reverse), vault.now).unwrap();
        assert_eq!(
            (known.reason, known.reversible_until),
            (Some(MigrationReason::TokensGone), None)
        );
    }
}

#[test]
fn whatever_changes_the_tokens_is_still_to_be_written_to_kv() {
    let mut vault = Vault::new();
    vault.published(1, KvOutcome::Done);
    assert!(vault.grant().kv.is_synced());
    vault.is_moved();
    assert!(!vault.grant().kv.is_synced(), "moved");
    vault.published(2, KvOutcome::Done);
    assert!(vault.grant().kv.is_synced());
    vault.reverses();
    assert!(!vault.grant().kv.is_synced(), "back");
    vault.published(3, KvOutcome::Done);
    vault.is_moved();
    vault.published(4, KvOutcome::Done);
    assert!(vault.grant().kv.is_synced());
    vault.on(Event::Migrate(Migration::Finish));
    assert!(!vault.grant().kv.is_synced(), "without the tokens of v2");
}

#[test]
fn where_nothing_goes_back_nothing_is_written() {
    let vault = Vault::new();
    let reverse = Event::Migrate(Migration::Reverse);
    let Step { next, .. } = step(&id(), vault.record.clone(), vault.now, reverse, &vault.policy);
    assert!(matches!(next, Next::Keep), "{next:?}");
}

#[test]
fn what_is_finished_does_not_go_back() {
    let mut vault = moved();
    vault.published(2, KvOutcome::Done);
    assert_eq!(
        vault.on(Event::Migrate(Migration::Finish)),
        ["publish"],
        "KV had the tokens too"
    );
    assert!(vault.kept().is_none() && vault.grant().moved().is_some());
    assert_eq!(vault.on(Event::Migrate(Migration::Finish)), [""; 0], "once");
    assert_eq!(vault.reverses(), [""; 0]);
    assert!(!vault.is_on_v2());
    let mut vault = Vault::new();
    assert_eq!(vault.on(Event::Migrate(Migration::Finish)), [""; 0]);
    assert!(vault.is_on_v2(), "what was not moved keeps its tokens");
}

#[test]
fn nobody_is_asked_to_connect_again_once_it_is_reversed() {
    let mut vault = Vault::new();
    vault.moves(Some(Vec::new()));
    assert!(vault.record.as_ref().unwrap().owner_must_act());
    vault.reverses();
    assert!(!vault.record.as_ref().unwrap().owner_must_act());
}

#[test]
fn what_was_moved_is_disconnected_by_v3_and_claimed_with_what_is_kept() {
    let mut vault = moved();
    assert_eq!(vault.disconnect(), ["tell u1 live v1"]);
    vault.on(Event::SmartcarNotified);
    assert!(
        !format!("{:?}", vault.record).contains("pair"),
        "the tokens of v2 are gone too"
    );

    let mut vault = moved();
    assert_eq!(vault.claimed(), ["hand over 2"]);
    let Some(Record::Leaving(leaving)) = &vault.record else {
        panic!("it is on its way");
    };
    let Claimed::Live(live) = &leaving.claimed else {
        panic!("it is live");
    };
    assert!(live.moved().unwrap().kept.is_some());
    assert_eq!(vault.reverses(), [""; 0]);
    assert_eq!(vault.hindrance(), Some("being_claimed"));
}

#[test]
fn a_consent_in_v3_goes_on_with_what_was_made_there_and_takes_over_what_it_covers_of_what_was_moved() {
    let (u1, live, simulated) = (user("u1"), VehicleMode::Live, VehicleMode::Simulated);
    let made = Live::confirmed(live, u1.clone(), Vec::new(), NOW);
    assert!(made.is_given_again(&u1, live));
    assert!(!made.is_given_again(&user("u2"), live) && !made.is_given_again(&u1, simulated));
    let external_id = ExternalId::parse("e1").ok();
    assert!(
        !Live { external_id, ..made }.is_given_again(&u1, live),
        "it was claimed"
    );
    let mut vault = moved_with(&["v1", "v2"]);
    assert!(!vault.grant().is_given_again(&u1, live));
    vault.on(Event::Superseded {
        vehicles: vec![vehicle("v1")],
    });
    assert_eq!(vault.vehicles(), [vehicle("v2")]);
    assert!(vault.kept().is_some(), "the way back of the other car");
}

pub(super) fn listed_by(asked_by: AskedBy, cars: &[&str]) -> Event {
    Event::VehiclesListed {
        asked_by,
        vehicles: Some(cars.iter().map(|car| vehicle(car)).collect()),
    }
}

pub(super) fn listed(cars: &[&str]) -> Event {
    listed_by(OF_V2, cars)
}

pub(super) fn listed_on_v3(cars: &[&str]) -> Event {
    listed_by(OF_V3, cars)
}

#[test]
fn a_list_that_was_asked_for_before_the_move_or_by_an_earlier_consent_is_not_believed_after_it() {
    let mut vault = moved_with(&["v1", "v2"]);
    let before = format!("{:?}", vault.record);
    let earlier = AskedBy {
        connected_at: UnixMillis::new(1),
        ..OF_V3
    };
    for asked_by in [OF_V2, earlier] {
        for cars in [&["v1", "v3"] as &[&str], &["v1"], &[]] {
            assert_eq!(vault.on(listed_by(asked_by, cars)), [""; 0]);
        }
        assert_eq!(
            vault.on(Event::VehiclesListed {
                asked_by,
                vehicles: None
            }),
            [""; 0]
        );
    }
    assert_eq!(format!("{:?}", vault.record), before);
    vault.reverses();
    vault.on(listed_on_v3(&["v1"]));
    assert_eq!(
        vault.vehicles(),
        [vehicle("v1"), vehicle("v2")],
        "of v3, once it has gone back"
    );
    // A user who consents anew, to another car as well.
    let cars = ["v1", "v9"].map(|car| KnownVehicle::new(vehicle(car))).to_vec();
    let again = Live::confirmed(VehicleMode::Live, user("u1"), cars, NOW.after(DAY));
    vault.record = Some(Record::Live(again));
    vault.on(listed_on_v3(&["v1"]));
    assert_eq!(vault.vehicles(), [vehicle("v1"), vehicle("v9")]);
}

#[test]
fn a_car_that_a_list_lacks_once_is_not_lost_to_what_was_moved_and_none_is_added() {
    let mut vault = moved_with(&["v1", "v2"]);
    vault.on(listed_on_v3(&["v1", "v3"]));
    assert_eq!(vault.vehicles(), [vehicle("v1")]);
    vault.on(listed_on_v3(&["v1", "v2", "v3"]));
    assert_eq!(vault.vehicles(), [vehicle("v1"), vehicle("v2")], "it was moved with it");
    vault.on(listed_on_v3(&["v3"]));
    assert!(vault.grant().empty_since.is_some(), "none of its own");
    vault.on(listed_on_v3(&["v2", "v3"]));
    assert_eq!(vault.vehicles(), [vehicle("v2")]);
    // What a newer connection has taken over does not come back.
    vault.on(listed_on_v3(&["v1", "v2"]));
    vault.on(Event::Superseded {
        vehicles: vec![vehicle("v1")],
    });
    vault.on(listed_on_v3(&["v1", "v2"]));
    assert_eq!(vault.vehicles(), [vehicle("v2")]);
}

#[test]
fn why_it_was_not_moved_is_forgotten_once_it_covers_other_cars() {
    let hindered = || {
        let mut vault = Vault::new();
        vault.on(listed(&["v1", "v2"]));
        vault.is_moved();
        assert_eq!(vault.hindrance(), Some("vehicle_not_listed"));
        vault
    };
    let mut vault = hindered();
    vault.on(listed(&["v2", "v1"]));
    assert_eq!(vault.hindrance(), Some("vehicle_not_listed"), "the same cars");
    vault.on(listed(&["v1"]));
    assert_eq!(vault.hindrance(), Some("not_tried"));
    assert!(!vault.record.as_ref().unwrap().owner_must_act());
    let mut vault = hindered();
    vault.on(Event::Superseded {
        vehicles: vec![vehicle("v2")],
    });
    assert_eq!(
        vault.hindrance(),
        Some("not_tried"),
        "the owner has connected the other one anew"
    );
    assert!(!vault.record.as_ref().unwrap().owner_must_act());
}

#[test]
fn what_is_over_is_not_moved() {
    for (name, mut vault) in Vault::every_state() {
        let before = format!("{:?}", vault.record);
        if matches!(name, "live" | "stale" | "calling") {
            continue;
        }
        assert_eq!(vault.is_moved(), [""; 0], "{name}");
        assert_eq!(vault.reverses(), [""; 0], "{name}");
        assert_eq!(vault.on(Event::Migrate(Migration::Finish)), [""; 0], "{name}");
        assert_eq!(format!("{:?}", vault.record), before, "{name}");
    }
}
