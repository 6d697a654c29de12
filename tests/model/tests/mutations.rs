//! Drivers that break one rule each: the model finds every one of them, so that it is known to see what it is meant to see.

#![expect(clippy::unwrap_used, reason = "a test, outside its functions too")]

use std::io::Write as _;

use smartcar_connect::time::Millis;
use smartcar_model::{Budget, Driver, Protocol, Reissue};

const LITTLE: Budget = Budget {
    asks: 1,
    ..Budget::NOTHING
};

fn protocol(driver: Driver, grace: u64, budget: Budget) -> Protocol {
    Protocol {
        moments: [20, 90, 660].map(Millis::from_secs).to_vec(),
        grace: Millis::from_secs(grace),
        reissue: Reissue::KillsEarlier,
        after_outage: false,
        budget,
        driver,
    }
}

/// The broken driver breaks one of `expected`, and the faithful one within the same bounds breaks nothing.
#[track_caller]
fn finds(driver: Driver, grace: u64, budget: Budget, expected: &str) {
    let faithful = protocol(Driver::Faithful, grace, budget.clone()).check();
    assert!(faithful.broken.is_empty(), "{:?}", faithful.broken);
    let checked = protocol(driver, grace, budget).check();
    let mut out = std::io::stdout().lock();
    for (name, way) in &checked.broken {
        writeln!(out, "model: {driver:?}: broken: {name}: {way}").unwrap();
    }
    assert!(
        checked.broken.iter().any(|(name, _)| *name == expected),
        "{driver:?} broke only {:?} in {} states",
        checked.broken,
        checked.states
    );
}

#[test]
fn the_model_finds_a_call_before_its_intent_is_stored() {
    finds(
        Driver::CallsBeforeIntent,
        60,
        Budget { deaths: 1, ..LITTLE },
        "that the stored token may be used up is known from storage as long as it matters",
    );
}

#[test]
fn the_model_finds_a_replaced_process_that_acts_on_what_it_could_not_store() {
    finds(
        Driver::ActsOnWhatItCouldNotStore,
        60,
        Budget {
            asks: 2,
            deaths: 1,
            ..LITTLE
        },
        "no token is presented after its grace while a newer pair is stored",
    );
}

#[test]
fn the_model_finds_a_request_turned_away_that_ends_a_grant() {
    finds(
        Driver::TakesTurningAwayForRefusal,
        60,
        Budget { faults: 1, ..LITTLE },
        "no grant that Smartcar honours is reported lost",
    );
}

#[test]
fn the_model_finds_callers_that_wait_for_a_call_whose_deadline_has_passed() {
    finds(
        Driver::TellsNobodyOfDeadlines,
        60,
        Budget { faults: 1, ..LITTLE },
        "a flight is under way for whoever waits",
    );
}

#[test]
fn the_model_finds_callers_that_are_forgotten() {
    finds(
        Driver::AnswersOnlyOne,
        60,
        Budget { asks: 2, ..LITTLE },
        "who asks is answered at last",
    );
}

#[test]
fn the_model_finds_a_refresh_for_a_token_that_was_replaced_long_ago() {
    finds(
        Driver::IgnoresWhichWasRefused,
        60,
        Budget {
            asks: 2,
            rejections: 1,
            ..LITTLE
        },
        "no refresh begins while a fresh token is stored that nobody was refused with",
    );
}

#[test]
fn the_model_finds_that_kv_is_deleted_once_only() {
    finds(
        Driver::DeletesOnce,
        60,
        Budget {
            deaths: 1,
            lost_deletions: 1,
            ..LITTLE
        },
        "KV holds nothing of a connection that is over, once nothing is left to do for it",
    );
}

#[test]
fn the_model_finds_an_answer_that_counts_for_another_generation() {
    finds(
        Driver::IgnoresGenerations,
        60,
        Budget { faults: 1, ..LITTLE },
        "no pair that Smartcar honours is replaced by one that it does not",
    );
}

#[test]
fn the_model_finds_calls_that_are_not_shared() {
    finds(
        Driver::SharesNoFlight,
        0,
        Budget { asks: 2, ..LITTLE },
        "no pair that arrives in time is thrown away",
    );
}

#[test]
fn the_model_finds_an_answer_judged_by_what_was_stored_before_the_call() {
    finds(
        Driver::JudgesByOldRecord,
        60,
        Budget {
            disconnections: 1,
            ..LITTLE
        },
        "what is closed or ended never comes back",
    );
}

#[test]
fn the_model_finds_a_refusal_that_is_heard_after_its_deadline() {
    finds(
        Driver::HearsLateRefusals,
        0,
        Budget { faults: 1, ..LITTLE },
        "no pair that arrives in time is thrown away",
    );
}

#[test]
fn the_model_finds_writes_in_kv_out_of_turn() {
    finds(
        Driver::WritesKvOutOfTurn,
        60,
        Budget {
            disconnections: 1,
            ..LITTLE
        },
        "KV holds nothing of a connection that is closed and swept",
    );
}
