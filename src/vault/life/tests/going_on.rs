//! A connection that has ended, between Smartcar's v2 and its v3.

use super::{
    moving::{DAY, forget_user, listed, listed_on_v3, listing, moved, user},
    *,
};

/// A connection that was moved, of which v3 has listed no car twice.
fn moved_and_ended() -> Vault {
    let mut vault = moved();
    vault.on(listed_on_v3(&[]));
    vault.pass(Millis::from_mins(1));
    assert_eq!(vault.on(listed_on_v3(&[])), ["ended no_vehicles", "unpublish"]);
    vault
}

fn ended(vault: &Vault) -> &Ended {
    match &vault.record {
        Some(Record::Ended(ended)) => ended,
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_has_ended_on_v3_goes_back_if_v2_honours_it() {
    let mut vault = moved_and_ended();
    let until = ended(&vault).kept.as_ref().unwrap().pair.refresh_expires_at;
    let report = |vault: &Vault, mode| {
        let known = progress(vault.record.as_ref().unwrap(), Some(mode), vault.now).unwrap();
        (known.reason, known.reversible_until)
    };
    assert_eq!(
        report(&vault, MigrationMode::Move),
        (Some(MigrationReason::Ended), Some(until))
    );
    let at_its_end = progress(vault.record.as_ref().unwrap(), Some(MigrationMode::Reverse), until).unwrap();
    assert_eq!(
        (at_its_end.reason, at_its_end.reversible_until),
        (Some(MigrationReason::Ended), None)
    );
    assert_eq!(vault.want(), ["ended no_vehicles"]);
    assert_eq!(
        vault.reverses(),
        ["call 1 refresh-1"],
        "fresh or not, they are tried first"
    );
    assert_eq!(
        report(&vault, MigrationMode::Reverse),
        (Some(MigrationReason::RefreshFailing), Some(until))
    );
    assert_eq!(vault.reverses(), [""; 0], "one request at a time");
    assert_eq!(vault.issued(9, 9), ["ended no_vehicles"], "another's answer");
    assert_eq!(vault.issued(1, 2), ["publish", "list"]);
    assert!(
        matches!(vault.grant().vehicles, Learned::Outdated { .. }),
        "Smartcar is being asked"
    );
    assert_eq!((vault.grant().generation(), vault.owner().generation), (3, 3));
    assert_eq!(vault.vehicles(), [vehicle("v1")]);
    assert_eq!(vault.want(), ["answer 3 access-2"]);
    // v2 has the last word.
    vault.on(listed(&[]));
    vault.pass(Millis::from_mins(1));
    assert_eq!(vault.on(listed(&[])), ["ended no_vehicles", "unpublish"]);
    assert!(ended(&vault).kept.is_none());
}

#[test]
fn the_way_back_of_what_has_ended_is_lost_by_a_refusal_and_by_the_end_of_the_move_alone() {
    let mut vault = moved_and_ended();
    vault.reverses();
    vault.pass(CALL_DEADLINE);
    assert_eq!(vault.answered(1, TokenError::TimedOut), [""; 0]);
    vault.pass(Millis::from_secs(20));
    assert_eq!(vault.reverses(), ["call 1 refresh-1"]);
    assert_eq!(vault.answered(1, TokenError::InvalidGrant), [""; 0]);
    assert!(ended(&vault).kept.is_none());
    assert_eq!(vault.reverses(), [""; 0]);

    let mut vault = moved_and_ended();
    vault.on(Event::Migrate(Migration::Finish));
    assert!(ended(&vault).kept.is_none());
    assert_eq!(vault.reverses(), [""; 0]);

    // An answer that comes only when v3 has ended it counts.
    let mut vault = moved();
    vault.pass(DAY);
    vault.reverses();
    vault.on(listed_on_v3(&[]));
    vault.pass(Millis::from_mins(1));
    vault.on(listed_on_v3(&[]));
    assert_eq!(vault.issued(1, 2), ["publish", "list"]);
    assert!(vault.is_on_v2());
}

#[test]
fn what_has_ended_is_claimed_with_its_way_back() {
    let mut vault = moved_and_ended();
    vault.reverses();
    assert_eq!(vault.claimed(), [""; 0], "a request is under way");
    assert_eq!(vault.issued(1, 2), ["hand over 3"]);
    let mut vault = moved_and_ended();
    vault.reverses();
    vault.claimed();
    assert_eq!(vault.answered(1, TokenError::InvalidGrant), ["hand over no_vehicles"]);
}

/// The list with the external id of this owner, or of another.
fn named(external_id: Option<&str>, pairs: &[(&str, &str)]) -> Option<Vec<Listing>> {
    let mut listed = listing(VehicleMode::Live, pairs);
    for connection in &mut listed.connections {
        connection.external_id = external_id.map(str::to_owned);
    }
    Some(vec![listed])
}

#[test]
fn what_has_ended_goes_on_in_v3_if_the_list_has_its_owner_s_consent() {
    let refused = || {
        let mut vault = Vault::new();
        vault.pass(DAY);
        vault.want();
        vault.answered(1, TokenError::InvalidGrant);
        assert!(ended(&vault).kept.is_none());
        vault
    };
    for (listed, why) in [
        (None, "it can't be had"),
        (named(Some("e1"), &[]), "it has no car"),
        (named(Some("e1"), &[("u2", "v1")]), "it has the car with another user"),
        (
            named(Some("e2"), &[("u1", "v1")]),
            "the same user has connected it elsewhere",
        ),
        (named(None, &[("u1", "v1")]), "it does not say by which external id"),
    ] {
        let mut vault = refused();
        assert_eq!(vault.moves(listed), [""; 0], "{why}");
        assert!(vault.record.as_ref().unwrap().owner_must_act(), "{why}");
        assert_eq!(vault.hindrance(), Some("ended"), "{why}");
    }
    let mut vault = refused();
    assert_eq!(
        vault.moves(named(Some("e1"), &[("u1", "v1"), ("u1", "v9")])),
        ["publish"]
    );
    assert_eq!((vault.grant().generation(), vault.vehicles()), (2, vec![vehicle("v1")]));
    assert!(!vault.record.as_ref().unwrap().owner_must_act());
    assert_eq!(vault.want(), ["application u1"]);
    vault.on(listed_on_v3(&["v1", "v9"]));
    assert_eq!(vault.vehicles(), [vehicle("v1")], "no more cars than before");
    assert_eq!(vault.reverses(), [""; 0], "v2 had ended it");
}

#[test]
fn what_has_ended_on_v3_goes_on_there_with_its_way_back_once_the_list_has_it_again() {
    let mut vault = moved_and_ended();
    assert_eq!(vault.moves(named(Some("e1"), &[("u1", "v1")])), ["publish"]);
    let known = vault
        .grant()
        .vehicles()
        .iter()
        .map(|vehicle| vehicle.attributes.clone());
    assert!(
        known.flatten().any(|known| known.make.as_deref() == Some("TESLA")),
        "what the list tells"
    );
    assert_eq!((vault.grant().generation(), vault.is_on_v2()), (3, false));
    assert!(vault.kept().is_some());
}

#[test]
fn what_was_made_for_v3_or_by_nobody_knows_whom_does_not_go_on_once_it_has_ended() {
    let listed = || named(Some("e1"), &[("u1", "v1")]);
    let mut vault = Vault::new();
    let made = Live::confirmed(
        VehicleMode::Live,
        user("u1"),
        vec![KnownVehicle::new(vehicle("v1"))],
        NOW,
    );
    vault.record = Some(Record::Live(made));
    vault.on(listed_on_v3(&[]));
    vault.pass(Millis::from_mins(1));
    vault.on(listed_on_v3(&[]));
    assert!(ended(&vault).kept.is_none());
    assert_eq!(vault.moves(listed()), [""; 0]);

    let mut vault = Vault::new();
    forget_user(&mut vault);
    vault.pass(DAY);
    vault.want();
    vault.answered(1, TokenError::InvalidGrant);
    assert_eq!(vault.moves(listed()), [""; 0]);
    assert_eq!(vault.hindrance(), Some("ended"));
}
