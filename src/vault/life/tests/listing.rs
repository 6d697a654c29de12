//! Which vehicles a connection covers, and what they are: asked again when that may have changed.

use super::*;
use crate::vault::{Complaint, MarkCause, Report};

const FIVE_MINUTES: Millis = Millis::from_mins(5);

fn listed(names: &[&str]) -> Event {
    Event::VehiclesListed {
        asked_by: OF_V2,
        vehicles: Some(names.iter().map(|name| vehicle(name)).collect()),
    }
}

fn unlisted() -> Event {
    Event::VehiclesListed {
        asked_by: OF_V2,
        vehicles: None,
    }
}

fn look() -> Event {
    Event::ListRequested { max_age: FIVE_MINUTES }
}

fn refused(name: &str, is_missing: bool) -> Description {
    Description::Refused {
        name: name.to_owned(),
        retry_after: None,
        complaint: (name == "login").then(|| Complaint::reported(MarkCause::LogInFailed)),
        is_missing,
    }
}

fn answered() -> Description {
    Description::Succeeded(Success {
        permission: None,
        asks_the_maker: true,
    })
}

fn described(name: &str, description: Description) -> Event {
    Event::VehiclesDescribed {
        vehicles: vec![(vehicle(name), description)],
    }
}

/// Lets it happen, and says what that means for the index.
fn index(vault: &mut Vault, event: Event) -> IndexChange {
    let index = step(&id(), vault.record.clone(), vault.now, event.clone(), &vault.policy).index;
    vault.on(event);
    index
}

fn names(vault: &Vault) -> Vec<String> {
    vault.vehicles().iter().map(|id| id.as_str().to_owned()).collect()
}

#[test]
fn after_a_refresh_the_vehicles_are_listed_again_and_one_that_was_revoked_is_gone() {
    let mut vault = Vault::new();
    vault.on(listed(&["v1", "v2"]));
    vault.published(1, KvOutcome::Done);
    vault.now = NOW.after(Millis::from_hours(2));
    vault.want();
    assert_eq!(vault.issued(1, 2), ["answer 2 access-2", "publish", "list"]);
    assert_eq!(names(&vault), ["v1", "v2"], "until Smartcar has answered");
    assert_eq!(index(&mut vault, listed(&["v2"])), IndexChange::Outdated);
    assert_eq!(names(&vault), ["v2"]);
}

#[test]
fn a_list_that_says_nothing_new_is_written_nowhere_else() {
    let mut vault = Vault::new();
    vault.pass(Millis::from_hours(1));
    assert_eq!(vault.on(look()), ["list"]);
    assert_eq!(vault.on(listed(&["v1"])), [""; 0]);
    assert!(vault.grant().kv.is_synced());
    assert_eq!(vault.grant().listed_at, vault.now);
    assert_eq!(vault.on(look()), [""; 0], "it is known");
}

#[test]
fn who_looks_has_a_list_asked_for_that_is_older_than_wanted_and_not_twice() {
    let mut vault = Vault::new();
    vault.now = NOW.after(Millis::new(FIVE_MINUTES.as_millis() - 1));
    assert_eq!(vault.on(look()), [""; 0]);
    vault.pass(Millis::new(1));
    assert_eq!(vault.on(look()), ["list"]);
    assert_eq!(vault.on(look()), [""; 0], "Smartcar is being asked");
    let at_once = Event::ListRequested { max_age: Millis::ZERO };
    assert_eq!(vault.on(at_once.clone()), [""; 0]);
    vault.on(listed(&["v1"]));
    assert_eq!(vault.on(at_once), ["list"]);
    let earlier = UnixMillis::new(NOW.as_millis() - 1);
    let mut ahead = Vault::new();
    ahead.now = earlier;
    assert_eq!(ahead.on(look()), ["list"], "the clock was ahead when the list came");
}

#[test]
fn a_list_that_is_not_to_be_had_again_stays_and_smartcar_is_left_alone_at_last() {
    let mut vault = Vault::new();
    vault.pass(Millis::from_hours(1));
    vault.on(look());
    let mut waits = Vec::new();
    loop {
        assert_eq!(vault.on(unlisted()), [""; 0]);
        assert_eq!(names(&vault), ["v1"]);
        if matches!(vault.grant().vehicles, Learned::Known(_)) {
            break;
        }
        assert_eq!(vault.on(look()), [""; 0], "not before its time");
        waits.push(vault.sleeps().as_secs());
        vault.pass(vault.sleeps());
        assert_eq!(vault.wake(), ["list"]);
    }
    assert_eq!(waits, [5, 10, 20, 40, 80, 160, 320]);
    assert!(vault.sleeps() > Millis::from_days(20));
    assert_eq!(vault.on(look()), ["list"], "the next one who looks");
}

#[test]
fn a_list_that_is_not_there_yet_is_asked_for_when_its_time_has_come() {
    let mut vault = Vault::just_granted();
    assert_eq!(vault.on(look()), [""; 0], "Smartcar is being asked");
    vault.on(unlisted());
    assert_eq!(vault.on(look()), [""; 0]);
    vault.pass(Millis::from_secs(5));
    assert_eq!(vault.on(look()), ["list"]);
    vault.on(listed(&["v1"]));
    assert_eq!(names(&vault), ["v1"]);
}

#[test]
fn a_vehicle_that_smartcar_does_not_know_has_the_list_asked_for() {
    let mut vault = Vault::new();
    assert_eq!(vault.on(described("v1", refused("permission", false))), [""; 0]);
    assert_eq!(
        vault.on(described("v9", refused("gone", true))),
        [""; 0],
        "it is none of ours"
    );
    assert_eq!(vault.on(described("v1", refused("gone", true))), ["list"]);
    assert_eq!(vault.on(look()), [""; 0], "Smartcar is being asked");
    assert_eq!(index(&mut vault, listed(&["v2"])), IndexChange::Outdated);
    assert_eq!(names(&vault), ["v2"]);
}

#[test]
fn what_could_not_be_learned_is_kept_with_the_time_of_the_next_question() {
    let mut vault = Vault::new();
    vault.on(described("v1", refused("login", false)));
    let car = vault.grant().vehicles()[0].clone();
    assert!(!car.is_worth_asking_about(vault.now));
    assert_eq!(car.marks.since(), Some(vault.now));
    assert_eq!(vault.on(listed(&["v1"])), [""; 0]);
    assert_eq!(vault.grant().vehicles()[0], car, "also when it is listed again");
    let elsewhere = Event::Reauthenticated {
        vehicle_id: vehicle("v9"),
    };
    vault.on(elsewhere);
    assert_eq!(vault.grant().vehicles()[0], car);
    let vehicle_id = vehicle("v1");
    assert_eq!(vault.on(Event::Reauthenticated { vehicle_id }), [""; 0]);
    assert!(vault.grant().vehicles()[0].is_worth_asking_about(vault.now));
    assert_eq!(
        vault.grant().vehicles()[0].marks,
        car.marks,
        "until something shows that it works"
    );
}

#[test]
fn what_is_over_is_not_asked_about() {
    for (name, mut vault) in Vault::every_state() {
        if vault.state() == "live" {
            continue;
        }
        let before = format!("{:?}", vault.record);
        vault.pass(Millis::from_secs(1));
        let vehicle_id = vehicle("v1");
        for event in [
            look(),
            listed(&["v1"]),
            described("v1", refused("gone", true)),
            reported("v1", wanted(vault.now)),
            Event::Reauthenticated { vehicle_id },
        ] {
            assert_eq!(vault.on(event), [""; 0], "{name}");
        }
        assert_eq!(format!("{:?}", vault.record), before, "{name}");
    }
}

#[test]
fn a_car_that_another_request_did_not_find_is_asked_for_and_nothing_is_written_of_it() {
    let mut vault = Vault::new();
    let missing = |name| described(name, Description::Missing);
    vault.on(listed(&["v1"]));
    assert_eq!(vault.on(missing("v1")), [""; 0], "the list is seconds old");
    vault.pass(Millis::from_secs(30));
    assert_eq!(vault.on(missing("v9")), [""; 0], "it is none of this connection's");
    assert_eq!(vault.on(missing("v1")), ["list"]);
    assert_eq!(vault.on(missing("v1")), [""; 0], "Smartcar is being asked");
    assert_eq!(names(&vault), ["v1"], "until Smartcar has answered");
    vault.on(listed(&["v1"]));
    assert!(vault.grant().vehicles()[0].problem.is_none());
}

#[test]
fn a_log_in_that_failed_for_another_request_is_kept_and_its_success_too() {
    let mut vault = Vault::new();
    vault.on(described("v1", refused("login", false)));
    assert!(vault.grant().vehicles()[0].marks.since().is_some());
    assert_eq!(vault.on(described("v1", answered())), [""; 0]);
    assert!(vault.grant().vehicles()[0].problem.is_none());
    let again = step(
        &id(),
        vault.record.clone(),
        vault.now,
        described("v1", answered()),
        &vault.policy,
    );
    assert!(matches!(again.next, Next::Keep), "nothing is written");
}

fn wanted(at: UnixMillis) -> Report {
    Report::Wanted {
        complaint: Complaint::reported(MarkCause::LogInFailed),
        at,
    }
}

fn reported(name: &str, report: Report) -> Event {
    Event::Reported {
        vehicle_id: vehicle(name),
        report,
    }
}

#[test]
fn a_report_marks_the_car_that_it_names_and_costs_no_token() {
    let mut vault = Vault::new();
    let before = vault.grant().clone();
    let now = vault.now;
    assert_eq!(vault.on(reported("v9", wanted(now))), [""; 0]);
    assert_eq!(vault.grant().vehicles(), before.vehicles());
    assert_eq!(vault.on(reported("v1", wanted(now))), [""; 0]);
    assert_eq!(vault.grant().vehicles()[0].marks.since(), Some(now));
    assert_eq!(vault.grant().generation(), before.generation());
    assert_eq!(vault.want(), ["answer 1 access-1"], "what is marked is used as before");
    let mended = Report::Mended {
        cause: MarkCause::LogInFailed,
        at: now,
    };
    assert_eq!(vault.on(reported("v1", mended)), [""; 0]);
    assert_eq!(vault.grant().vehicles()[0].marks.since(), None);
    vault.on(reported("v1", wanted(now)));
    assert_eq!(vault.grant().vehicles()[0].marks.since(), None, "it came late");
}

#[test]
fn a_webhook_marks_a_vehicle_that_is_covered_and_ends_nothing() {
    let mut vault = Vault::new();
    vault.on(listed(&["v1", "v2"]));
    let connected_at = vault.grant().connected_at;
    let reported = |name: &str, report: Report| Event::Reported {
        vehicle_id: vehicle(name),
        report,
    };
    let failed = |at| Report::Wanted {
        complaint: Complaint::reported(MarkCause::LogInFailed),
        at,
    };
    let before_that = UnixMillis::new(connected_at.as_millis() - 1);
    let marked = |vault: &Vault| -> Vec<String> {
        let all = vault.grant().vehicles().iter();
        let marked = all.filter(|vehicle| vehicle.marks.since().is_some());
        marked.map(|vehicle| vehicle.id.as_str().to_owned()).collect()
    };
    vault.now = NOW.after(Millis::from_hours(1));
    let tokens = format!("{:?}", vault.grant().owner_tokens());
    for nothing in [reported("v1", failed(before_that)), reported("v9", failed(vault.now))] {
        let before = format!("{:?}", vault.record);
        assert_eq!(vault.on(nothing), [""; 0]);
        assert_eq!(format!("{:?}", vault.record), before);
    }
    let failing = reported("v2", failed(vault.now));
    assert_eq!(index(&mut vault, failing), IndexChange::Outdated, "the owner must act");
    assert_eq!(marked(&vault), ["v2"]);
    vault.now = vault.now.after(Millis::from_secs(1));
    vault.on(reported(
        "v2",
        Report::Mended {
            cause: MarkCause::LogInFailed,
            at: vault.now,
        },
    ));
    assert!(marked(&vault).is_empty());
    assert_eq!(
        format!("{:?}", vault.grant().owner_tokens()),
        tokens,
        "the tokens are kept"
    );
}

/// The only way to a list without vehicles that is not refused: the grant is honoured, and has none.
#[test]
fn a_grant_that_lists_nothing_twice_a_minute_apart_is_over_and_costs_no_token_before() {
    let mut vault = Vault::new();
    assert_eq!(
        index(&mut vault, listed(&[])),
        IndexChange::Outdated,
        "its owner must act"
    );
    assert_eq!(names(&vault), ["v1"], "it is known which car it was");
    assert_eq!(vault.grant().lost_since(), Some(vault.now));
    assert_eq!(vault.want(), ["answer 1 access-1"], "the tokens are kept");
    vault.published(1, KvOutcome::Done);
    assert_eq!(vault.on(look()), [""; 0], "Smartcar is left alone for a minute");
    assert_eq!(vault.on(listed(&[])), ["publish"], "too early to be believed");
    assert!(!vault.grant().kv.is_synced(), "until it is written");
    vault.published(1, KvOutcome::Done);
    let first = vault.now;
    vault.pass(Millis::from_mins(1));
    assert_eq!(vault.wake(), ["list"]);
    assert_eq!(vault.on(listed(&[])), ["ended no_vehicles", "unpublish"]);
    let Some(Record::Ended(ended)) = &vault.record else {
        panic!()
    };
    assert_eq!((ended.cause, ended.since), (Cause::NoVehicles, first));
    assert_eq!(ended.vehicles.len(), 1);
}

#[test]
fn a_list_that_was_empty_by_mistake_changes_nothing() {
    let mut vault = Vault::new();
    vault.on(listed(&[]));
    assert_eq!(vault.grant().listed_at, vault.now, "it is a list");
    vault.published(1, KvOutcome::Done);
    vault.pass(Millis::from_mins(1));
    assert_eq!(vault.wake(), ["list"]);
    assert_eq!(vault.on(unlisted()), [""; 0], "no answer is no list");
    assert!(vault.grant().lost_since().is_some());
    assert_eq!(index(&mut vault, listed(&["v1"])), IndexChange::Outdated);
    assert_eq!(
        (vault.grant().lost_since(), names(&vault)),
        (None, vec!["v1".to_owned()])
    );
    // The next one is a first one again.
    vault.pass(Millis::from_hours(1));
    vault.on(listed(&[]));
    assert_eq!(vault.state(), "live");
}

#[test]
fn a_new_grant_without_a_vehicle_is_forgotten_and_its_owner_never_sees_it_as_lost() {
    let mut vault = Vault::just_granted();
    vault.on(listed(&[]));
    assert!(vault.grant().is_unlisted());
    assert_eq!(vault.grant().lost_since(), None);
    vault.pass(Millis::from_secs(1));
    vault.on(listed(&[]));
    assert_eq!(vault.state(), "live", "too early");
    vault.pass(Millis::from_secs(1));
    assert_eq!(
        vault.on(listed(&[])),
        ["unpublish"],
        "there is nothing that Smartcar could be told"
    );
    assert_eq!(vault.state(), "unpublishing");
}

#[test]
fn a_clock_that_was_ahead_at_the_first_empty_list_proves_nothing_later() {
    let mut vault = Vault::new();
    let before = vault.now;
    vault.pass(Millis::from_hours(9));
    vault.on(listed(&[]));
    vault.now = before;
    vault.on(listed(&[]));
    assert_eq!(vault.grant().lost_since(), Some(before));
    vault.pass(Millis::from_mins(1));
    vault.on(listed(&[]));
    assert_eq!(vault.state(), "ended");
}
