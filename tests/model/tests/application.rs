//! The application's token: every property holds in every state, and each way to carry it out wrongly is found.

use std::{collections::BTreeSet, io::Write as _};

use smartcar_connect::time::Millis;
use smartcar_model::{
    APPLICATION_COVERAGE, APPLICATION_SAFETY, ApplicationBudget, ApplicationDriver, ApplicationProtocol,
};

const LITTLE: ApplicationBudget = ApplicationBudget {
    asks: 2,
    deaths: 0,
    faults: 0,
    revocations: 0,
};

fn protocol(driver: ApplicationDriver, has_token: bool, budget: ApplicationBudget) -> ApplicationProtocol {
    ApplicationProtocol {
        // On both sides of a quick failure, of a second's wait, of the deadline, of the rest after a refusal, of the last five
        // minutes of the first token's life, and of its end.
        moments: [2, 9, 40, 70, 3_290, 3_310, 3_590, 3_605, 3_640]
            .map(Millis::from_secs)
            .to_vec(),
        has_token,
        budget,
        driver,
    }
}

#[test]
fn everybody_is_answered_by_one_request_whatever_becomes_of_it() {
    let checks = [
        (
            "callers",
            ApplicationBudget {
                asks: 5,
                revocations: 1,
                ..LITTLE
            },
        ),
        (
            "refusals",
            ApplicationBudget {
                asks: 3,
                faults: 1,
                revocations: 2,
                ..LITTLE
            },
        ),
        (
            "a death",
            ApplicationBudget {
                asks: 3,
                deaths: 1,
                revocations: 1,
                ..LITTLE
            },
        ),
        ("deaths", ApplicationBudget { deaths: 2, ..LITTLE }),
        (
            "faults",
            ApplicationBudget {
                asks: 3,
                faults: 2,
                ..LITTLE
            },
        ),
        (
            "a death and a fault",
            ApplicationBudget {
                deaths: 1,
                faults: 1,
                revocations: 1,
                ..LITTLE
            },
        ),
    ];
    let mut out = std::io::stdout().lock();
    let mut reached = BTreeSet::new();
    for (name, budget) in checks {
        for has_token in [true, false] {
            let checked = protocol(ApplicationDriver::Faithful, has_token, budget.clone()).check();
            let start = if has_token { "a token" } else { "none" };
            writeln!(
                out,
                "model of the application's token: {name}, from {start}: {} states",
                checked.states
            )
            .unwrap();
            assert!(checked.broken.is_empty(), "{name}: {:#?}", checked.broken);
            reached.extend(checked.reached);
        }
    }
    let missing: Vec<_> = APPLICATION_COVERAGE
        .iter()
        .filter(|name| !reached.contains(*name))
        .collect();
    assert!(missing.is_empty(), "never reached: {missing:?}");
}

#[test]
fn each_way_to_carry_it_out_wrongly_is_found() {
    let more = ApplicationBudget {
        asks: 3,
        faults: 1,
        revocations: 1,
        ..LITTLE
    };
    for (driver, expected) in [
        (
            ApplicationDriver::AsksForEach,
            "no process has two requests for the application's token under way",
        ),
        (
            ApplicationDriver::SharesWhateverComes,
            "nobody is given the token that Smartcar has refused them",
        ),
        (
            ApplicationDriver::ForgetsWhoJoined,
            "whoever waits, waits for a request that is under way",
        ),
        (
            ApplicationDriver::HandsOutWhatIsInMemory,
            "no token is given that has expired",
        ),
        (
            ApplicationDriver::KeepsItInMemory,
            "the token that is given is the one that is stored",
        ),
    ] {
        assert!(APPLICATION_SAFETY.contains(&expected), "{expected}");
        let checked = protocol(driver, true, more.clone()).check();
        assert!(
            checked.broken.iter().any(|(name, _)| *name == expected),
            "{driver:?} broke only {:?} in {} states",
            checked.broken,
            checked.states
        );
    }
}
