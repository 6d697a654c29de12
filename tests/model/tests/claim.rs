//! A claim between two vaults: every property holds in every state, and each way to carry it out wrongly is found.

use std::{collections::BTreeSet, io::Write as _};

use smartcar_connect::time::Millis;
use smartcar_model::{CLAIM_COVERAGE, CLAIM_SAFETY, ClaimBudget, ClaimDriver, ClaimProtocol, Reissue};

const LITTLE: ClaimBudget = ClaimBudget {
    asks: 1,
    deaths: 0,
    faults: 0,
    losses: 0,
    disconnections: 0,
    deletions: 0,
};

fn protocol(driver: ClaimDriver, grace: u64, budget: ClaimBudget) -> ClaimProtocol {
    ClaimProtocol {
        // On both sides of the deadline, of a call that counts as lost, of the grace and of the longest wait.
        moments: [9, 20, 90, 400].map(Millis::from_secs).to_vec(),
        grace: Millis::from_secs(grace),
        reissue: Reissue::KillsEarlier,
        budget,
        driver,
    }
}

#[test]
fn a_claim_loses_nothing_and_no_two_vaults_refresh_the_same() {
    let checks = [
        (
            "deaths",
            60,
            ClaimBudget {
                asks: 2,
                deaths: 2,
                ..LITTLE
            },
        ),
        (
            "deaths, no grace",
            0,
            ClaimBudget {
                asks: 2,
                deaths: 1,
                losses: 1,
                ..LITTLE
            },
        ),
        (
            "faults and losses",
            60,
            ClaimBudget {
                asks: 2,
                faults: 1,
                losses: 2,
                ..LITTLE
            },
        ),
        (
            "a claimant who disconnects",
            60,
            ClaimBudget {
                asks: 2,
                deaths: 1,
                losses: 1,
                disconnections: 1,
                ..LITTLE
            },
        ),
        (
            "a claimant who has everything deleted",
            60,
            ClaimBudget {
                asks: 1,
                deaths: 1,
                losses: 1,
                deletions: 1,
                ..LITTLE
            },
        ),
    ];
    let mut out = std::io::stdout().lock();
    let mut reached = BTreeSet::new();
    for (name, grace, budget) in checks {
        let checked = protocol(ClaimDriver::Faithful, grace, budget).check();
        writeln!(out, "model of a claim: {name}: {} states", checked.states).unwrap();
        assert!(checked.broken.is_empty(), "{name}: {:#?}", checked.broken);
        reached.extend(checked.reached);
    }
    let missing: Vec<_> = CLAIM_COVERAGE.iter().filter(|name| !reached.contains(*name)).collect();
    assert!(missing.is_empty(), "never reached: {missing:?}");
}

#[test]
fn each_way_to_carry_a_claim_out_wrongly_is_found() {
    let once = |losses, disconnections, deletions| ClaimBudget {
        losses,
        disconnections,
        deletions,
        ..LITTLE
    };
    for (driver, budget, expected) in [
        (
            ClaimDriver::SendsDuringRequest,
            once(0, 0, 0),
            "no vault asks for tokens that the other may be asking for",
        ),
        (
            ClaimDriver::TakesSilenceForTaken,
            once(1, 0, 0),
            "one of the two vaults keeps the connection until its owner gives it up",
        ),
        (
            ClaimDriver::TakesAgain,
            once(1, 1, 0),
            "what the claimant's vault has had is not taken again",
        ),
        (
            ClaimDriver::TakesForAnybody,
            once(0, 0, 1),
            "nothing comes to a claimant who had everything deleted since",
        ),
        (
            ClaimDriver::GoesOnAsBefore,
            once(0, 0, 0),
            "no vault asks for tokens that the other may be asking for",
        ),
    ] {
        assert!(CLAIM_SAFETY.contains(&expected), "{expected}");
        let faithful = protocol(ClaimDriver::Faithful, 60, budget.clone()).check();
        assert!(faithful.broken.is_empty(), "{:#?}", faithful.broken);
        let checked = protocol(driver, 60, budget).check();
        assert!(
            checked.broken.iter().any(|(name, _)| *name == expected),
            "{driver:?} broke only {:?} in {} states",
            checked.broken,
            checked.states
        );
    }
}
