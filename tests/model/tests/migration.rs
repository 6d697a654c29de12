//! A move from Smartcar's v2 to its v3 and back: every property holds in every state, and each way to carry it out wrongly is found.

use std::{collections::BTreeSet, io::Write as _};

use smartcar_connect::time::Millis;
use smartcar_model::{
    MIGRATION_COVERAGE, MIGRATION_SAFETY, MigrationBudget, MigrationDriver, MigrationProtocol, Reissue,
};

const LITTLE: MigrationBudget = MigrationBudget {
    asks: 1,
    deaths: 0,
    faults: 0,
    moves: 1,
    reverses: 0,
    finishes: 0,
    disconnections: 0,
    empty_lists: 0,
};

fn protocol(driver: MigrationDriver, grace: u64, budget: MigrationBudget) -> MigrationProtocol {
    MigrationProtocol {
        // On both sides of the deadline, of a call that counts as lost, of the grace and of the longest wait.
        moments: [9, 20, 90, 400].map(Millis::from_secs).to_vec(),
        grace: Millis::from_secs(grace),
        reissue: Reissue::KillsEarlier,
        budget,
        driver,
    }
}

#[test]
fn a_move_loses_nothing_and_nothing_is_refreshed_after_it() {
    let checks = [
        (
            "deaths",
            60,
            MigrationBudget {
                deaths: 2,
                reverses: 1,
                ..LITTLE
            },
        ),
        (
            "deaths, no grace",
            0,
            MigrationBudget {
                asks: 2,
                deaths: 1,
                reverses: 1,
                ..LITTLE
            },
        ),
        (
            "there and back again",
            60,
            MigrationBudget {
                deaths: 1,
                moves: 2,
                reverses: 2,
                ..LITTLE
            },
        ),
        (
            "faults",
            60,
            MigrationBudget {
                asks: 2,
                faults: 2,
                reverses: 1,
                ..LITTLE
            },
        ),
        (
            "an owner who disconnects, here or at Smartcar",
            60,
            MigrationBudget {
                faults: 1,
                reverses: 1,
                disconnections: 2,
                ..LITTLE
            },
        ),
        (
            "an operator who finishes",
            60,
            MigrationBudget {
                deaths: 1,
                reverses: 2,
                finishes: 1,
                ..LITTLE
            },
        ),
        (
            "lists that have no car",
            60,
            MigrationBudget {
                asks: 0,
                faults: 1,
                moves: 2,
                reverses: 1,
                empty_lists: 2,
                ..LITTLE
            },
        ),
        (
            "lists that have no car, an operator who finishes, an owner who disconnects",
            60,
            MigrationBudget {
                asks: 0,
                reverses: 1,
                finishes: 1,
                disconnections: 1,
                empty_lists: 2,
                ..LITTLE
            },
        ),
        (
            "a grant that v2 has ended",
            0,
            MigrationBudget {
                asks: 2,
                deaths: 1,
                moves: 2,
                ..LITTLE
            },
        ),
    ];
    let mut out = std::io::stdout().lock();
    let mut reached = BTreeSet::new();
    for (name, grace, budget) in checks {
        let checked = protocol(MigrationDriver::Faithful, grace, budget).check();
        writeln!(out, "model of a move: {name}: {} states", checked.states).unwrap();
        assert!(checked.broken.is_empty(), "{name}: {:#?}", checked.broken);
        reached.extend(checked.reached);
    }
    let missing: Vec<_> = MIGRATION_COVERAGE
        .iter()
        .filter(|name| !reached.contains(*name))
        .collect();
    assert!(missing.is_empty(), "never reached: {missing:?}");
}

#[test]
fn each_way_to_carry_a_move_out_wrongly_is_found() {
    for (driver, grace, budget, expected) in [
        (
            MigrationDriver::MovesDuringRequest,
            60,
            LITTLE,
            "nothing is moved while a request is under way with its tokens",
        ),
        (
            MigrationDriver::RefreshesAsBefore,
            60,
            LITTLE,
            "nothing is refreshed after it was moved, but to go back",
        ),
        (
            MigrationDriver::ForgetsAtMove,
            60,
            LITTLE,
            "until it is finished, what was moved keeps the newest tokens, and Smartcar honours them",
        ),
        (
            MigrationDriver::GoesBackAtOnce,
            0,
            MigrationBudget {
                deaths: 1,
                reverses: 1,
                ..LITTLE
            },
            "what goes back has tokens that Smartcar honours",
        ),
        (
            MigrationDriver::EndsWhenRefused,
            0,
            MigrationBudget {
                deaths: 1,
                reverses: 1,
                ..LITTLE
            },
            "no grant that Smartcar honours is lost, nor one that was moved",
        ),
        (
            MigrationDriver::BelievesWhatItRead,
            60,
            MigrationBudget {
                disconnections: 1,
                ..LITTLE
            },
            "what was disconnected does not come back",
        ),
        (
            MigrationDriver::TakesSilenceForYes,
            60,
            MigrationBudget { faults: 1, ..LITTLE },
            "nothing is moved that Smartcar's list did not have",
        ),
        (
            MigrationDriver::ForgetsAtEnd,
            60,
            MigrationBudget {
                empty_lists: 2,
                ..LITTLE
            },
            "until it is finished, what was moved keeps the newest tokens, and Smartcar honours them",
        ),
    ] {
        assert!(MIGRATION_SAFETY.contains(&expected), "{expected}");
        let faithful = protocol(MigrationDriver::Faithful, grace, budget.clone()).check();
        assert!(faithful.broken.is_empty(), "{:#?}", faithful.broken);
        let checked = protocol(driver, grace, budget).check();
        assert!(
            checked.broken.iter().any(|(name, _)| *name == expected),
            "{driver:?} broke only {:?} in {} states",
            checked.broken,
            checked.states
        );
    }
}
